//! One at a time, for things that AWS loses changes of when two are made at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// Who may change what; every clone shares the same turns.
#[derive(Clone, Debug, Default)]
pub struct Turns(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>);

impl Turns {
    /// Waits for the turn to change something, and holds it until the guard is dropped.
    pub async fn take(&self, what: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(what.to_owned()).or_default())
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::{Instant, sleep};

    #[tokio::test(start_paused = true)]
    async fn changes_of_one_thing_follow_each_other_and_those_of_two_run_together() {
        let turns = Turns::default();
        let change = |what: &'static str| {
            let turns = turns.clone();
            async move {
                let _turn = turns.take(what).await;
                sleep(Duration::from_secs(1)).await;
            }
        };
        let start = Instant::now();
        tokio::join!(change("a"), change("b"));
        assert_eq!(start.elapsed().as_secs(), 1);
        tokio::join!(change("a"), change("a"));
        assert_eq!(start.elapsed().as_secs(), 3);
    }
}
