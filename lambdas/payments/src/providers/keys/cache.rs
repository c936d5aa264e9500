//! Fetched keys kept in the function's memory.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{FetchedKey, KeyRequest, KeySource, KeyUnavailable};
use crate::providers::Check;

/// Providers use a handful of keys at a time; more come only from forgers.
const MOST: usize = 16;
/// A key that was withdrawn is noticed after this time.
const KEEP: Duration = Duration::from_secs(3600);
/// A key that its provider does not know yet is asked for again soon.
const KEEP_UNKNOWN: Duration = Duration::from_secs(60);

/// A source that remembers the answers of another one.
pub struct CachedKeys<S> {
    source: S,
    kept: Mutex<BTreeMap<KeyRequest, (FetchedKey, Instant)>>,
}

impl<S> CachedKeys<S> {
    pub fn new(source: S) -> Self {
        CachedKeys {
            source,
            kept: Mutex::new(BTreeMap::new()),
        }
    }
}

#[async_trait]
impl<S: KeySource> KeySource for CachedKeys<S> {
    async fn fetch(
        &self,
        wanted: &KeyRequest,
        check: &Check<'_>,
    ) -> Result<FetchedKey, KeyUnavailable> {
        let now = Instant::now();
        if let Some((key, _)) = self
            .kept
            .lock()
            .await
            .get(wanted)
            .filter(|(_, until)| now < *until)
        {
            return Ok(key.clone());
        }
        let key = self.source.fetch(wanted, check).await?;
        let mut kept = self.kept.lock().await;
        kept.retain(|_, (_, until)| now < *until);
        if kept.len() >= MOST {
            let first_to_end = kept
                .iter()
                .min_by_key(|(_, (_, until))| *until)
                .map(|(wanted, _)| wanted.clone());
            first_to_end.and_then(|wanted| kept.remove(&wanted));
        }
        let keep = if key == FetchedKey::Unknown {
            KEEP_UNKNOWN
        } else {
            KEEP
        };
        kept.insert(wanted.clone(), (key.clone(), now + keep));
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::secret::ProviderSecrets;
    use crate::settings::Settings;

    struct Counting(AtomicUsize);

    #[async_trait]
    impl KeySource for Counting {
        async fn fetch(
            &self,
            wanted: &KeyRequest,
            _check: &Check<'_>,
        ) -> Result<FetchedKey, KeyUnavailable> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match wanted {
                KeyRequest::PlaidKey { key_id } if key_id == "down" => {
                    Err(KeyUnavailable { why: "it is down" })
                }
                KeyRequest::PlaidKey { key_id } if key_id == "unknown" => Ok(FetchedKey::Unknown),
                _ => Ok(FetchedKey::WebKey("{}".into())),
            }
        }
    }

    async fn ask(keys: &CachedKeys<Counting>, key_id: &str) -> bool {
        let (secrets, settings) = (ProviderSecrets::default(), Settings::default());
        let check = Check {
            secrets: &secrets,
            settings: &settings,
            fetched: None,
        };
        keys.fetch(
            &KeyRequest::PlaidKey {
                key_id: key_id.into(),
            },
            &check,
        )
        .await
        .is_ok()
    }

    fn asked(keys: &CachedKeys<Counting>) -> usize {
        keys.source.0.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_fetched_once_an_hour_and_an_unknown_one_once_a_minute() {
        let keys = CachedKeys::new(Counting(AtomicUsize::new(0)));
        for key_id in ["known", "known", "unknown", "unknown"] {
            assert!(ask(&keys, key_id).await);
        }
        assert_eq!(asked(&keys), 2);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(ask(&keys, "known").await && ask(&keys, "unknown").await);
        assert_eq!(asked(&keys), 3);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(ask(&keys, "known").await);
        assert_eq!(asked(&keys), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_fetch_is_not_kept() {
        let keys = CachedKeys::new(Counting(AtomicUsize::new(0)));
        assert!(!ask(&keys, "down").await && !ask(&keys, "down").await);
        assert_eq!(asked(&keys), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn forged_key_ids_do_not_fill_the_memory() {
        let keys = CachedKeys::new(Counting(AtomicUsize::new(0)));
        for number in 0..100 {
            assert!(ask(&keys, &format!("key-{number}")).await);
        }
        assert_eq!(keys.kept.lock().await.len(), MOST);
    }
}
