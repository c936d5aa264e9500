//! Looks at one resource: until it has settled, is gone, or shows itself.

use super::retry::{Patience, Verdict};
use super::{Cause, Engine, Event};
use crate::plan::changes;
use crate::resources::{
    Address, Class, CloudError, Condition, Kind, Poll, Schedule, Seen, definition,
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// For how long reads may not show what has been seen before, or was made by a run that ended well.
const HIDDEN_AGAIN: Duration = Duration::from_secs(30);
const VISIBLE: &str = "it to be visible";
const SHOWN: &str = "it to show itself, since it may have been made already";

/// For how long something that was surely made may not be shown.
pub(super) fn hidden_again(cloud: &dyn crate::resources::Cloud, kind: Kind) -> Duration {
    cloud.hidden(kind).min(HIDDEN_AGAIN)
}

impl Engine<'_> {
    /// Reads through throttles and failures of the server.
    pub(super) async fn look(&self, at: &Address) -> Result<Option<Seen>, Cause> {
        let rules = definition(at.kind);
        let mut patience = Patience::default();
        loop {
            match self.cloud.read(at).await {
                Ok(seen) => return Ok(seen.filter(|seen| is_this(at, seen))),
                Err(error) => {
                    self.bear(at, &error, patience.judge(&error, rules.settle(), false))
                        .await?;
                }
            }
        }
    }

    /// Looks for what may be there, until it would have shown itself.
    pub(super) async fn search(
        &self,
        at: &Address,
        hidden: Duration,
    ) -> Result<Option<Seen>, Cause> {
        let start = Instant::now();
        for round in 0.. {
            let seen = self.look(at).await?;
            if seen.is_some() || start.elapsed() >= hidden {
                return Ok(seen);
            }
            self.waiting(at, SHOWN, start.elapsed());
            let left = hidden.saturating_sub(start.elapsed());
            self.pause(
                Schedule::PROPAGATION
                    .pause(round, start.elapsed())
                    .min(left),
            )
            .await?;
        }
        Ok(None)
    }

    /// Reads until AWS has finished; `None` when it is not there. What was made under an identity that AWS chose must
    /// be.
    pub(super) async fn until_settled(
        &self,
        at: &Address,
        poll: Poll,
        what: &'static str,
        made: bool,
    ) -> Result<Option<Seen>, Cause> {
        let start = Instant::now();
        let mut what = what;
        for round in 0.. {
            self.wait(at, poll, what, round, start).await?;
            match self.look(at).await? {
                None if start.elapsed() < self.cloud.hidden(at.kind) => {}
                None if made => return Err(invisible(start.elapsed())),
                None => return Ok(None),
                Some(seen) => match seen.condition {
                    Condition::Settling(now) => what = now,
                    Condition::Settled | Condition::Failed(_) => return Ok(Some(seen)),
                },
            }
        }
        Err(timeout(what, start.elapsed()))
    }

    /// The same for what was just made: only its being visible is waited for first.
    pub(super) async fn until_visible(&self, at: &Address) -> Result<Option<Seen>, Cause> {
        self.until_settled(at, Poll::VISIBLE, VISIBLE, true).await
    }

    /// Reads until it is gone.
    pub(super) async fn until_gone(
        &self,
        at: &Address,
        poll: Poll,
        what: &'static str,
    ) -> Result<(), Cause> {
        let start = Instant::now();
        for round in 0.. {
            self.wait(at, poll, what, round, start).await?;
            match self.look(at).await? {
                None => return Ok(()),
                Some(Seen {
                    condition: Condition::Failed(why),
                    ..
                }) => {
                    let error = CloudError::new("payhook", Class::Failed, "delete-failed", why);
                    return Err(Cause::Call(error));
                }
                Some(_) => {}
            }
        }
        Err(timeout(what, start.elapsed()))
    }

    async fn wait(
        &self,
        at: &Address,
        poll: Poll,
        what: &str,
        round: usize,
        start: Instant,
    ) -> Result<(), Cause> {
        let pause = poll.schedule.pause(round, start.elapsed());
        if start.elapsed() + pause > poll.budget() {
            return Err(timeout(what, start.elapsed()));
        }
        self.waiting(at, what, start.elapsed());
        self.pause(pause).await
    }

    /// Sleeps; an interrupt ends it, since whatever is under way has been recorded.
    async fn pause(&self, pause: Duration) -> Result<(), Cause> {
        tokio::select! {
            () = sleep(pause) => Ok(()),
            () = self.cancel.cancelled() => Err(Cause::Interrupted),
        }
    }

    fn waiting(&self, at: &Address, what: &str, waited: Duration) {
        self.emit(Event::StepWaiting {
            resource: at.logical.clone(),
            waiting_for: what.to_owned(),
            waited_ms: waited.as_millis() as u64,
        });
    }

    /// Acts on a judgement: pauses, or gives up.
    pub(super) async fn bear(
        &self,
        at: &Address,
        error: &CloudError,
        verdict: Verdict,
    ) -> Result<(), Cause> {
        match verdict {
            Verdict::Stop(cause) => Err(cause),
            Verdict::Again {
                pause,
                waiting_for,
                attempt,
                waited,
            } => {
                match waiting_for {
                    Some(what) => self.waiting(at, what, waited),
                    None => self.emit(Event::StepRetried {
                        resource: at.logical.clone(),
                        code: error.code.clone(),
                        attempt,
                    }),
                }
                self.pause(pause).await
            }
        }
    }
}

/// Whether what was found is the wanted one: where names are not unique, a predecessor may stand beside it.
fn is_this(at: &Address, seen: &Seen) -> bool {
    let rules = definition(at.kind);
    if rules.unique() || rules.forced().is_empty() {
        return true;
    }
    let differing = changes(&seen.properties, &rules.canonical(&at.properties));
    let mut forced = rules.forced().iter();
    !forced.any(|rule| differing.iter().any(|change| change.is_of(rule.property)))
}

/// What was made does not show itself.
pub(super) fn invisible(waited: Duration) -> Cause {
    timeout(VISIBLE, waited)
}

fn timeout(what: &str, waited: Duration) -> Cause {
    Cause::Timeout {
        what: what.to_owned(),
        waited,
    }
}
