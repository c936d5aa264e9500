//! Hands events to the state machine again, never more at once than leaves room for live traffic, and sees what becomes of them.

use super::events::Deployed;
use super::executions;
use super::{Context, Ui};
use crate::asl;
use crate::config::Config;
use crate::outputs::key;
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use payments::store::{Key, Processing, Standing};
use std::collections::HashMap;
use std::ops::AddAssign;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Time between two looks at the events of an execution.
const LOOK: Duration = Duration::from_millis(500);
/// Longest time for which nothing is said.
const SILENCE: Duration = Duration::from_secs(10);
/// An execution that takes longer is not waited for; shorter than a dead letter stays hidden from others.
const PATIENCE: Duration = Duration::from_secs(240);

/// What events are handed to.
#[async_trait]
pub trait Pipeline: Send + Sync {
    /// Starts one execution for all of these.
    async fn start(&self, keys: &[Key]) -> anyhow::Result<()>;

    /// How far each of these is; one that is gone is left out.
    async fn standing(&self, keys: &[Key]) -> anyhow::Result<HashMap<Key, Standing>>;
}

#[async_trait]
impl Pipeline for Deployed {
    async fn start(&self, keys: &[Key]) -> anyhow::Result<()> {
        let machine = self.outputs.get(key::STATE_MACHINE_ARN)?;
        Ok(executions::start(&self.aws, machine, keys).await?)
    }

    async fn standing(&self, keys: &[Key]) -> anyhow::Result<HashMap<Key, Standing>> {
        Ok(self.store.standing(keys).await?)
    }
}

/// How much is handed over at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Events of one execution.
    pub events: usize,
    /// Executions at the same time.
    pub executions: usize,
    /// How long one execution is waited for.
    pub patience: Duration,
}

impl Pace {
    /// Half of what the function may run at once; the other half is for what arrives meanwhile.
    pub fn of(config: &Config) -> Self {
        let processor = &config.lambda.payment_processor;
        let half = (processor.reserved_concurrency.get() as usize / 2).max(1);
        let events = half.min(executions::AT_ONCE);
        let longest = asl::longest_run(
            &config.retry.backoff(),
            processor.run_seconds(),
            u32::try_from(events).unwrap_or(u32::MAX),
        );
        Self {
            events,
            executions: half / events,
            patience: PATIENCE.min(Duration::from_secs(longest)),
        }
    }
}

/// What has become of the events of ended executions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// They are processed or ignored, or no longer there.
    pub settled: usize,
    /// They failed again.
    pub failed: usize,
    /// Neither happened in time.
    pub waiting: usize,
}

impl Ended {
    fn of(keys: &[Key], before: &HashMap<Key, Standing>, now: &HashMap<Key, Standing>) -> Self {
        let mut ended = Self::default();
        for key in keys {
            let failed_before = before.get(key).and_then(|then| then.failed_at.as_ref());
            match now.get(key) {
                None => ended.settled += 1,
                Some(now) if now.processing.is_final() => ended.settled += 1,
                Some(now)
                    if now.processing == Processing::Failed
                        && now.failed_at.as_ref() != failed_before =>
                {
                    ended.failed += 1;
                }
                Some(_) => ended.waiting += 1,
            }
        }
        ended
    }
}

impl Ended {
    /// In words; nothing where nothing was handed over.
    pub fn say(self, ui: &Ui) {
        let Self {
            settled,
            failed,
            waiting,
        } = self;
        if self == Self::default() {
            return;
        }
        ui.say(format!(
            "Of those handed over {settled} are settled, {failed} failed again and {waiting} are not through yet."
        ));
        if failed + waiting > 0 {
            ui.say("`payhook events list --needs-attention` says what is left and why.");
        }
    }
}

impl AddAssign for Ended {
    fn add_assign(&mut self, other: Self) {
        self.settled += other.settled;
        self.failed += other.failed;
        self.waiting += other.waiting;
    }
}

/// Hands over events as there is room.
pub struct Handover<'a> {
    pipeline: &'a dyn Pipeline,
    pace: Pace,
    open: FuturesUnordered<BoxFuture<'a, anyhow::Result<Ended>>>,
    ended: Ended,
    handed: usize,
    told: Instant,
    tell: Box<dyn Fn(String) + Send + Sync + 'a>,
}

impl<'a> Handover<'a> {
    /// Nothing is handed over yet; what is said on the way goes to notes.
    pub fn new(context: &'a Context, deployed: &'a Deployed) -> Self {
        let tell = Box::new(|text| context.ui.note(text));
        Self::of(deployed, Pace::of(&context.config), tell)
    }

    fn of(
        pipeline: &'a dyn Pipeline,
        pace: Pace,
        tell: Box<dyn Fn(String) + Send + Sync + 'a>,
    ) -> Self {
        Self {
            pipeline,
            pace,
            open: FuturesUnordered::new(),
            ended: Ended::default(),
            handed: 0,
            told: Instant::now(),
            tell,
        }
    }

    /// Starts executions for these events; waits until there is room before each.
    ///
    /// Fails when an execution ended none of its events in time, since whatever follows would only wait as well.
    pub async fn hand_over(&mut self, keys: &[Key]) -> anyhow::Result<()> {
        for some in keys.chunks(self.pace.events) {
            while self.open.len() >= self.pace.executions {
                self.one_ends().await?;
            }
            let before = self.pipeline.standing(some).await?;
            self.pipeline.start(some).await?;
            self.handed += some.len();
            let (pipeline, keys, patience) = (self.pipeline, some.to_vec(), self.pace.patience);
            let followed = follow(pipeline, keys, before, patience);
            self.open.push(Box::pin(followed));
        }
        Ok(())
    }

    /// Waits for the executions that are still open.
    pub async fn end(mut self) -> anyhow::Result<Ended> {
        while !self.open.is_empty() {
            self.one_ends().await?;
        }
        Ok(self.ended)
    }

    async fn one_ends(&mut self) -> anyhow::Result<()> {
        let ended = loop {
            let quiet = SILENCE.saturating_sub(self.told.elapsed());
            match timeout(quiet, self.open.next()).await {
                Ok(ended) => break ended.transpose()?.unwrap_or_default(),
                Err(_) => self.say(),
            }
        };
        self.ended += ended;
        let in_vain = ended.waiting > 0 && ended.settled + ended.failed == 0;
        anyhow::ensure!(
            !in_vain,
            "none of the {} events of an execution were processed within {} s, so no more are handed over; \
             what is wrong with the pipeline says `payhook doctor`, and what was handed over goes on by itself",
            ended.waiting,
            self.pace.patience.as_secs()
        );
        Ok(())
    }

    fn say(&mut self) {
        self.told = Instant::now();
        let Ended {
            settled, failed, ..
        } = self.ended;
        (self.tell)(format!(
            "{} events handed over so far: {settled} settled, {failed} failed again.",
            self.handed
        ));
    }
}

async fn follow(
    pipeline: &dyn Pipeline,
    keys: Vec<Key>,
    before: HashMap<Key, Standing>,
    patience: Duration,
) -> anyhow::Result<Ended> {
    let start = Instant::now();
    loop {
        let now = pipeline.standing(&keys).await?;
        let ended = Ended::of(&keys, &before, &now);
        if ended.waiting == 0 || start.elapsed() > patience {
            return Ok(ended);
        }
        sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests;
