//! The environment's lock as a verb takes it, waits for it and gives it back.

use super::backend::Place;
use super::{Context, who};
use crate::state::{StateError, Store};
use clap::Args;
use std::ops::Deref;
use std::time::{Duration, Instant};

/// Between two looks at a lock that somebody else holds.
const LOOK: Duration = Duration::from_millis(500);
/// Between two lines that say who is waited for.
const SAY: Duration = Duration::from_secs(10);

/// How long a verb waits for the lock.
#[derive(Clone, Copy, Debug, Args)]
pub struct LockWait {
    /// How long to wait while another payhook is at work on the environment, such as 90s or 10m.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    lock_timeout: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok();
    let known = parsed.and_then(|duration| Duration::try_from(duration).ok());
    known.ok_or_else(|| "a duration looks like 90s, 10m or 1h30m".to_owned())
}

/// The state under the environment's lock.
#[must_use = "a lock that is not given back keeps others waiting"]
pub struct Locked {
    store: Box<dyn Store>,
}

impl Context {
    /// Takes the environment's lock, and with it the right to write the state.
    pub async fn lock(&self, verb: &str, wait: LockWait) -> anyhow::Result<Locked> {
        let place = self.place().await?;
        self.guard_backend(&place).await?;
        self.lock_in(&place, verb, wait).await
    }

    /// The same in a given place.
    pub async fn lock_in(
        &self,
        place: &Place,
        verb: &str,
        wait: LockWait,
    ) -> anyhow::Result<Locked> {
        let holder = who::this_process(verb, self.now());
        let (start, mut said) = (Instant::now(), None);
        loop {
            match self.writing(place, &holder).await {
                Ok(store) => return Ok(Locked { store }),
                Err(error @ StateError::Held { .. }) if start.elapsed() < wait.lock_timeout => {
                    if said.is_none_or(|said: Instant| said.elapsed() >= SAY) {
                        self.ui.note(format!("Waiting: {error}"));
                        said = Some(Instant::now());
                    }
                    let left = wait.lock_timeout.saturating_sub(start.elapsed());
                    tokio::time::sleep(LOOK.min(left)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Locked {
    /// Gives the lock back, whatever came of the work.
    pub async fn release<T>(self, context: &Context, done: anyhow::Result<T>) -> anyhow::Result<T> {
        if let Err(error) = self.store.release().await {
            context
                .ui
                .note(format!("The lock could not be given back: {error}"));
        }
        done
    }
}

impl Deref for Locked {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        self.store.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        let table = [
            ("0s", Some(0)),
            ("90s", Some(90)),
            ("10m", Some(600)),
            ("1h30m", Some(5_400)),
            ("PT2M", Some(120)),
            ("-5s", None),
            ("soon", None),
            ("10", None),
        ];
        for (text, seconds) in table {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(duration(text).ok(), expected, "{text}");
        }
    }
}
