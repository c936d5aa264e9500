//! The environment's secrets as a function sees them: kept in memory, read again when they no longer verify.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::aws::{AwsFailure, describe};
use crate::clock::Clock;
use crate::secret::{SecretError, Secrets};

/// After this time secrets are read again even if they verify, so that one that was taken out stops being accepted.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(300);

/// How many reads may happen at once, and how long until one more is allowed. A flood of bad signatures thereby costs
/// one call in ten seconds, while a rotation is noticed at the first webhook that is signed with the new secret.
const BURST: u32 = 4;
const REFILL: SignedDuration = SignedDuration::from_secs(10);

/// Why there are no secrets.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SecretUnavailable {
    #[error(
        "the secret {id} could not be read: {failure}; give it a value with `payhook secret set`, or check the function's role"
    )]
    Aws { id: String, failure: AwsFailure },
    #[error("the secret {id} has no text value; set it with `payhook secret set`")]
    NoText { id: String },
    #[error("the secret {id} cannot be used: {error}")]
    Content { id: String, error: SecretError },
    #[error("the secret could not be read a moment ago and is not asked for again yet")]
    TooSoon,
}

impl SecretUnavailable {
    /// Whether another attempt may work without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Aws { failure, .. } => failure.transient,
            Self::TooSoon => true,
            Self::NoText { .. } | Self::Content { .. } => false,
        }
    }
}

/// Where secrets come from.
#[async_trait]
pub trait SecretSource: Send + Sync {
    /// Reads the secrets as they are now.
    async fn read(&self) -> Result<Secrets, SecretUnavailable>;
}

/// The one secret of the environment in Secrets Manager.
pub struct SecretsManager {
    client: aws_sdk_secretsmanager::Client,
    id: String,
}

impl SecretsManager {
    pub fn new(client: aws_sdk_secretsmanager::Client, id: impl Into<String>) -> Self {
        Self {
            client,
            id: id.into(),
        }
    }
}

#[async_trait]
impl SecretSource for SecretsManager {
    async fn read(&self) -> Result<Secrets, SecretUnavailable> {
        let id = || self.id.clone();
        let value = self
            .client
            .get_secret_value()
            .secret_id(&self.id)
            .send()
            .await
            .map_err(|error| SecretUnavailable::Aws {
                id: id(),
                failure: describe(&error),
            })?;
        let text = value
            .secret_string()
            .ok_or_else(|| SecretUnavailable::NoText { id: id() })?;
        Secrets::parse(text).map_err(|error| SecretUnavailable::Content { id: id(), error })
    }
}

/// Secrets that are read at most as often as the limit allows.
pub struct SecretCache {
    source: Arc<dyn SecretSource>,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    held: Option<(Arc<Secrets>, Timestamp)>,
    allowed: u32,
    refilled: Timestamp,
}

impl SecretCache {
    pub fn new(source: Arc<dyn SecretSource>, clock: Clock) -> Self {
        let refilled = clock();
        Self {
            source,
            clock,
            state: Mutex::new(State {
                held: None,
                allowed: BURST,
                refilled,
            }),
        }
    }

    /// The secrets, at most a few minutes old while Secrets Manager can be reached.
    pub async fn current(&self) -> Result<Arc<Secrets>, SecretUnavailable> {
        let mut state = self.state.lock().await;
        let now = (self.clock)();
        match &state.held {
            Some((secrets, read)) if now.duration_since(*read) < MAX_AGE => Ok(secrets.clone()),
            Some((secrets, _)) => {
                // Old secrets still verify what was signed with them; without them every webhook would be turned away.
                let old = secrets.clone();
                Ok(self.read(&mut state, now).await.unwrap_or(old))
            }
            None => self.read(&mut state, now).await,
        }
    }

    /// Secrets read after `seen` were; `None` when there are none or the limit is reached.
    pub async fn newer_than(&self, seen: &Arc<Secrets>) -> Option<Arc<Secrets>> {
        let mut state = self.state.lock().await;
        match &state.held {
            Some((held, _)) if !Arc::ptr_eq(held, seen) => Some(held.clone()),
            _ => {
                let now = (self.clock)();
                self.read(&mut state, now).await.ok()
            }
        }
    }

    async fn read(
        &self,
        state: &mut State,
        now: Timestamp,
    ) -> Result<Arc<Secrets>, SecretUnavailable> {
        state.refill(now);
        state.allowed = state
            .allowed
            .checked_sub(1)
            .ok_or(SecretUnavailable::TooSoon)?;
        let secrets = Arc::new(self.source.read().await?);
        state.held = Some((secrets.clone(), now));
        Ok(secrets)
    }
}

impl State {
    fn refill(&mut self, now: Timestamp) {
        while self.allowed < BURST && now.duration_since(self.refilled) >= REFILL {
            self.allowed += 1;
            self.refilled += REFILL;
        }
        if self.allowed == BURST {
            self.refilled = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting {
        reads: AtomicU32,
        broken: std::sync::atomic::AtomicBool,
    }

    #[async_trait]
    impl SecretSource for Counting {
        async fn read(&self) -> Result<Secrets, SecretUnavailable> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            match self.broken.load(Ordering::SeqCst) {
                true => Err(SecretUnavailable::NoText { id: "s".into() }),
                false => Ok(Secrets::default()),
            }
        }
    }

    fn cache() -> (Arc<Counting>, Arc<AtomicI64>, SecretCache) {
        let (source, seconds) = (Arc::new(Counting::default()), Arc::new(AtomicI64::new(0)));
        let at = seconds.clone();
        let clock: Clock = Arc::new(move || {
            Timestamp::UNIX_EPOCH + SignedDuration::from_secs(at.load(Ordering::SeqCst))
        });
        (source.clone(), seconds, SecretCache::new(source, clock))
    }

    #[tokio::test]
    async fn secrets_are_read_once_and_again_after_five_minutes() {
        let (source, seconds, cache) = cache();
        for _ in 0..10 {
            cache.current().await.unwrap();
        }
        assert_eq!(source.reads.load(Ordering::SeqCst), 1);
        seconds.store(300, Ordering::SeqCst);
        cache.current().await.unwrap();
        assert_eq!(source.reads.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_flood_of_bad_signatures_costs_one_read_in_ten_seconds() {
        let (source, seconds, cache) = cache();
        for second in 0..250 {
            seconds.store(second, Ordering::SeqCst);
            for _ in 0..10 {
                let seen = cache.current().await.unwrap();
                cache.newer_than(&seen).await;
            }
        }
        let reads = source.reads.load(Ordering::SeqCst);
        assert!((25..=25 + BURST).contains(&reads), "{reads}");
    }

    #[tokio::test]
    async fn a_rotation_right_after_the_first_read_is_noticed() {
        let (source, _, cache) = cache();
        let seen = cache.current().await.unwrap();
        assert!(
            cache
                .newer_than(&seen)
                .await
                .is_some_and(|newer| !Arc::ptr_eq(&newer, &seen))
        );
        assert_eq!(source.reads.load(Ordering::SeqCst), 2);
        assert!(
            cache.newer_than(&seen).await.is_some(),
            "another request is served from the newer read"
        );
        assert_eq!(source.reads.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn secrets_outlive_an_outage_of_secrets_manager() {
        let (source, seconds, cache) = cache();
        cache.current().await.unwrap();
        source.broken.store(true, Ordering::SeqCst);
        seconds.store(1_000, Ordering::SeqCst);
        assert!(cache.current().await.is_ok());
    }

    #[tokio::test]
    async fn without_any_secret_the_limit_holds_too() {
        let (source, _, cache) = cache();
        source.broken.store(true, Ordering::SeqCst);
        for _ in 0..100 {
            assert!(cache.current().await.is_err());
        }
        assert_eq!(source.reads.load(Ordering::SeqCst), BURST);
    }
}
