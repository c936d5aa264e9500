use super::Deployed;
use crate::audit::{Circumstances, Lines, Report, Seen, Sent, Snapshot, audit};
use crate::cli::dlq::{Queue, records};
use crate::cli::refusal::Misuse;
use crate::cli::{Context, Exit};
use anyhow::Context as _;
use clap::Args;
use executions::Executions;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use payments::store::Key;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

mod executions;
mod tell;

/// Compare what should be with the table, the executions, the dead-letter queue and, if they are given, with what was sent and
/// which outcomes were seen.
///
/// Every event must be stored once and settled, or wait within its deadline or in the queue; every marker must have its
/// event; heads must agree with their events; and there must be nothing else. Ends with exit code 1 if anything is wrong.
/// Reads the whole table (eventually consistent; what looks wrong is read again consistently), so it costs what a scan
/// costs, and says how much that was.
#[derive(Debug, Args)]
pub struct Audit {
    /// Judge only events that arrived from then on: a time such as 2026-01-31T00:00:00Z, or an age such as 2h.
    #[arg(long, visible_alias = "since", value_name = "TIME", value_parser = super::ago)]
    from: Option<Timestamp>,
    /// Judge only events that arrived before then.
    #[arg(long, value_name = "TIME", value_parser = super::ago)]
    to: Option<Timestamp>,
    /// What a sender sent, one JSON object a line: provider, eventId, paymentId, digest, expected (stored or refused), answer.
    /// Such a file comes from `send --record`. What its providers did not send is then a fault, too.
    #[arg(long, value_name = "FILE")]
    sent: Option<PathBuf>,
    /// Outcomes that were seen on the bus, one JSON object a line, as `listen --json` writes them.
    #[arg(long, value_name = "FILE")]
    outcomes: Option<PathBuf>,
    /// How long an event may wait before it has to be settled or in the queue, such as 10m; without it, as long as the pipe
    /// and the state machine may try.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    deadline: Option<SignedDuration>,
    /// Segments of the table to read at a time.
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..=64))]
    segments: u16,
}

/// Partitions that are read again at most; more doubts than that are no matter of timing.
const DOUBTS: usize = 2_000;
/// Calls at a time.
const AT_ONCE: usize = 8;
/// Dead letters that are looked at.
const LETTERS: usize = 10_000;

impl Audit {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        if self.from.zip(self.to).is_some_and(|(from, to)| to <= from) {
            let next = "give the later time as --to".to_owned();
            let words = "--to does not lie after --from".to_owned();
            return Err(Misuse { words, next }.into());
        }
        let sent = read(self.sent.as_deref(), Sent::read_lines)?;
        let seen = read(self.outcomes.as_deref(), Seen::read_lines)?;
        let deployed = Deployed::connect(context).await?;
        let at = Timestamp::now();
        let all = deployed.store.everything(self.segments).await?;
        let mut snapshot = Snapshot::of(all.records);
        let queue = Letters::read(&deployed).await?;
        let since = self.from.or_else(|| first(&snapshot)).unwrap_or(at);
        let executions = Executions::read(&deployed, since).await?;
        let now = Circumstances {
            at,
            window: (self.from, self.to),
            deadline: self.deadline.unwrap_or_else(|| deadline(context)),
            confirmed: confirmed(context),
            events_expire: context.config.table.retention.days().is_some(),
            in_queue: &queue.events,
            running: &executions.running,
            broken: &executions.broken,
        };
        let report = audit(&snapshot, &now, sent.as_deref(), seen.as_deref());
        let report = match look_again(&deployed, &mut snapshot, &report).await? {
            false => report,
            true => audit(&snapshot, &now, sent.as_deref(), seen.as_deref()),
        };
        let read = tell::Read {
            table: deployed.outputs.get(crate::outputs::key::TABLE_NAME)?,
            items: snapshot.len(),
            pages: all.pages,
            units: all.units,
            executions: &executions,
            queue: &queue,
            sent: sent.as_ref().map(Vec::len),
            outcomes: seen.as_ref().map(Vec::len),
        };
        tell::tell(&context.ui, &read, &report);
        Ok(match report.faults.is_empty() {
            true => Exit::Done,
            false => Exit::Failed,
        })
    }
}

/// The dead-letter queue as an audit sees it.
struct Letters {
    messages: usize,
    /// Messages that the pipe did not leave.
    foreign: usize,
    events: BTreeSet<Key>,
}

impl Letters {
    async fn read(deployed: &Deployed) -> anyhow::Result<Self> {
        let mut queue = Queue::of(deployed).await?;
        let letters = queue.take(LETTERS).await?;
        queue.put_back(&letters).await?;
        let batches: Vec<_> = letters.iter().filter_map(|one| one.batch.clone()).collect();
        let foreign = letters.len() - batches.len();
        let events: Vec<Vec<_>> = stream::iter(&batches)
            .map(|batch| records::events(deployed, batch))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Self {
            messages: letters.len(),
            foreign,
            events: events
                .into_iter()
                .flatten()
                .map(|event| event.key)
                .collect(),
        })
    }
}

fn read<T>(path: Option<&Path>, lines: fn(&str) -> Lines<T>) -> anyhow::Result<Option<Vec<T>>> {
    let Some(path) = path else { return Ok(None) };
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let read = lines(&text).map_err(|(number, why)| Misuse {
        words: format!("line {number} of {} is not usable: {why}", path.display()),
        next: "`payhook events audit --help` says what a line holds".to_owned(),
    })?;
    Ok(Some(read))
}

fn first(snapshot: &Snapshot) -> Option<Timestamp> {
    let arrivals = snapshot.events.values().map(|event| event.received_at);
    arrivals.min()
}

/// Reads anew whatever looked wrong, since items were written while the table was read; whether there was anything.
async fn look_again(
    deployed: &Deployed,
    snapshot: &mut Snapshot,
    report: &Report,
) -> anyhow::Result<bool> {
    let partitions = report.faults.iter().flat_map(|fault| &fault.partitions);
    let doubtful: BTreeSet<&String> = partitions.take(DOUBTS).collect();
    let again: Vec<_> = stream::iter(&doubtful)
        .map(|id| async move { (id, deployed.store.partition(id).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (id, records) in again {
        snapshot.replace(id, records?);
    }
    Ok(!doubtful.is_empty())
}

/// How long the pipe may hold a record, and an execution may try.
fn deadline(context: &Context) -> SignedDuration {
    let config = &context.config;
    let tries = i64::from(config.retry.max_attempts.get());
    let try_takes = i64::from(config.lambda.payment_processor.timeout.get());
    let pause = i64::from(config.retry.max_delay.get());
    let execution = (tries + 1) * try_takes + tries * pause;
    let pipe = i64::from(config.pipe.maximum_record_age.get());
    SignedDuration::from_secs(pipe + execution)
}

fn confirmed(context: &Context) -> BTreeSet<String> {
    let providers = context.config.providers.iter();
    providers
        .filter(|(_, settings)| settings.confirm.is_some())
        .map(|(provider, _)| provider.clone())
        .collect()
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    text.parse::<SignedDuration>()
        .map(SignedDuration::abs)
        .map_err(|_| "give hours, minutes or seconds, such as 10m".to_owned())
}
