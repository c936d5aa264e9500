//! Many different test events, summed up.

use super::Wishes;
use super::maker::{Made, Maker};
use super::post::{Answer, Poster};
use super::record::Record;
use crate::audit::Expected;
use crate::cli::following::Sought;
use crate::cli::{Exit, Ui};
use futures_util::stream::{self, StreamExt};
use payments::secret::Secret;
use payments::store::{DynamoStore, EventItem, Processing};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Time between two looks at an event in the table.
const LOOK: Duration = Duration::from_millis(500);
/// Somebody who reads along is told at least this often how far it got.
const TELL: Duration = Duration::from_secs(5);

/// Everything that sending takes.
pub struct Run<'a> {
    pub ui: &'a Ui,
    pub maker: &'a Maker<'a, Secret>,
    pub poster: &'a Poster,
    pub record: &'a Record,
    pub store: &'a DynamoStore,
    pub wishes: Wishes,
    pub concurrency: usize,
}

/// One event and every answer it got.
struct Told {
    sought: Sought,
    answers: Vec<Answer>,
    /// Whether the pipeline's answers are right as far as they show.
    right: bool,
}

impl Run<'_> {
    /// Sends so many events, waits until they are processed, and says what became of them.
    pub async fn send(&self, count: usize) -> anyhow::Result<Exit> {
        let start = Instant::now();
        let progress = Progress::new(self.ui, count);
        let told: Vec<anyhow::Result<Told>> = stream::iter(0..count)
            .map(|_| async {
                let told = self.one().await;
                progress.step("sent");
                told
            })
            .buffer_unordered(self.concurrency)
            .collect()
            .await;
        let told: Vec<Told> = told.into_iter().collect::<Result<_, _>>()?;
        let took = start.elapsed();
        let give_up = Instant::now() + self.wishes.patience;
        let progress = Progress::new(self.ui, count);
        let found: Vec<anyhow::Result<Found>> = stream::iter(&told)
            .map(|one| async {
                let found = self.settled(one, give_up).await;
                progress.step("looked for");
                found
            })
            .buffer_unordered(self.concurrency)
            .collect()
            .await;
        let found: Vec<Found> = found.into_iter().collect::<Result<_, _>>()?;
        Ok(self.sum_up(&told, &found, took))
    }

    async fn one(&self) -> anyhow::Result<Told> {
        let made = self.maker.make()?;
        let sought = Sought::of(self.store, &made.event, made.by_arrival).await?;
        if self.wishes.tamper {
            let (changed, _) = self.maker.tamper(&made)?;
            let answers = self.poster.deliver(&changed).await?;
            self.remember(&made, &changed, Expected::Refused, &answers)?;
            let right = answers.last().is_some_and(|answer| answer.status == 401);
            return Ok(Told {
                sought,
                answers,
                right,
            });
        }
        let mut answers = Vec::new();
        let mut right = true;
        for delivery in 0..1 + usize::from(self.wishes.duplicate) {
            let more = self.poster.deliver(&made.outgoing).await?;
            self.remember(&made, &made.outgoing, Expected::Stored, &more)?;
            let last = more.last();
            let known = last.map(Answer::word);
            right &= last.is_some_and(Answer::is_accepted);
            // Adyen's older webhooks are answered with the same text each time; the table shows the rest.
            right &= delivery == 0 || made.by_arrival || known.as_deref() != Some("stored");
            answers.extend(more);
        }
        Ok(Told {
            sought,
            answers,
            right,
        })
    }

    fn remember(
        &self,
        made: &Made,
        sent: &payments::providers::Outgoing,
        expected: Expected,
        answers: &[Answer],
    ) -> anyhow::Result<()> {
        let answer = answers.last().map(|answer| answer.status);
        self.record.add(made, sent, expected, answer)
    }

    /// What stands of an event in the table once it is settled, or in the end.
    async fn settled(&self, told: &Told, give_up: Instant) -> anyhow::Result<Found> {
        use payments::store::Store as _;
        loop {
            let events = self.store.events(&told.sought.payment_id).await?;
            let times = told.sought.count(&events);
            let item = told.sought.among(events);
            let open = item.as_ref().is_none_or(|item| !item.is_settled());
            let awaited = !self.wishes.tamper && told.right;
            if !(open && awaited) || Instant::now() > give_up {
                return Ok(Found { times, item });
            }
            sleep(LOOK).await;
        }
    }

    fn sum_up(&self, told: &[Told], found: &[Found], took: Duration) -> Exit {
        let mut answers = BTreeMap::<String, u64>::new();
        let all = told.iter().flat_map(|one| &one.answers);
        let mut times: Vec<Duration> = all
            .map(|answer| {
                let words = format!("{} {}", answer.status, answer.word());
                *answers.entry(words).or_default() += 1;
                answer.took
            })
            .collect();
        times.sort();
        let settled = ways(found);
        let wanted_times = usize::from(!self.wishes.tamper);
        let wrong = told.iter().filter(|one| !one.right).count();
        let off = |one: &&Found| {
            one.times != wanted_times
                && !(self.wishes.duplicate && one.times == 2 && one.is_notice())
        };
        let off = found.iter().filter(off).count();
        let failed = found.iter().any(Found::is_open_or_failed) && !self.wishes.tamper;
        let sum = Sum {
            run: self,
            events: told.len(),
            took,
            times,
            answers,
            settled,
            wrong,
            off,
        };
        sum.say();
        match wrong + off == 0 && !failed {
            true => Exit::Done,
            false => Exit::Failed,
        }
    }
}

/// What stands in the table.
struct Found {
    times: usize,
    item: Option<EventItem>,
}

impl Found {
    fn is_open_or_failed(&self) -> bool {
        let item = self.item.as_ref();
        item.is_none_or(|item| !item.processing.is_final())
    }

    /// Whether each arrival is an event of its own: those are named after the time of it.
    fn is_notice(&self) -> bool {
        let item = self.item.as_ref();
        item.is_some_and(|item| {
            item.event_id
                .starts_with(&format!("{}@", item.provider_payment_id))
        })
    }
}

/// How many events are processed, ignored, failed, received (waiting), and not in the table.
fn ways(found: &[Found]) -> Vec<(&'static str, usize)> {
    let count = |wanted: Option<Processing>| {
        let is = |one: &&Found| one.item.as_ref().map(|item| item.processing) == wanted;
        found.iter().filter(is).count()
    };
    vec![
        ("processed", count(Some(Processing::Processed))),
        ("ignored", count(Some(Processing::Ignored))),
        ("failed", count(Some(Processing::Failed))),
        ("waiting", count(Some(Processing::Received))),
        ("absent", count(None)),
    ]
}

/// The sum of it all.
struct Sum<'a> {
    run: &'a Run<'a>,
    events: usize,
    took: Duration,
    /// Of every answer, in order.
    times: Vec<Duration>,
    answers: BTreeMap<String, u64>,
    settled: Vec<(&'static str, usize)>,
    wrong: usize,
    off: usize,
}

impl Sum<'_> {
    fn say(&self) {
        let ui = self.run.ui;
        let [median, most, longest] = [50, 95, 100].map(|percent| self.within(percent));
        if ui.is_json() {
            let ms = |time: Duration| time.as_millis() as u64;
            let settled = self
                .settled
                .iter()
                .map(|(way, count)| ((*way).to_owned(), json!(count)));
            return ui.json(&json!({
                "event": "sent",
                "provider": self.run.maker.provider.key(),
                "count": self.events,
                "elapsedMs": ms(self.took),
                "answers": self.answers,
                "answerMs": {"median": ms(median), "p95": ms(most), "longest": ms(longest)},
                "settled": Value::Object(settled.collect::<Map<_, _>>()),
                "wronglyAnswered": self.wrong,
                "wronglyStored": self.off,
            }));
        }
        let seconds = self.took.as_secs_f64();
        ui.say(format!(
            "Sent {} events of {} in {seconds:.1} s, {:.0} answers a second, up to {} at once",
            self.events,
            self.run.maker.provider.key(),
            self.times.len() as f64 / seconds.max(0.001),
            self.run.concurrency,
        ));
        for (words, count) in &self.answers {
            ui.say(format!("{count:>8}  {words}"));
        }
        ui.say(format!(
            "  answered within {} ms (half of them), {} ms (95 of 100), {} ms (all)",
            median.as_millis(),
            most.as_millis(),
            longest.as_millis()
        ));
        let settled: Vec<_> = self
            .settled
            .iter()
            .filter(|(_, count)| *count > 0)
            .collect();
        let settled = settled.iter().map(|(way, count)| format!("{count} {way}"));
        ui.say(format!(
            "  in the table: {}",
            settled.collect::<Vec<_>>().join(", ")
        ));
        if self.wrong + self.off > 0 {
            ui.error(format!(
                "{} answered otherwise than they should be, {} stored more or less often; `payhook events audit` says more",
                self.wrong, self.off
            ));
        }
    }

    /// The time in which so many of a hundred answers came.
    fn within(&self, percent: usize) -> Duration {
        let last = self.times.len().saturating_sub(1);
        let at = (self.times.len() * percent).div_ceil(100).saturating_sub(1);
        self.times.get(at.min(last)).copied().unwrap_or_default()
    }
}

/// Tells how far it got, so that nobody takes silence for a standstill.
struct Progress<'a> {
    ui: &'a Ui,
    start: Instant,
    all: usize,
    done: AtomicU64,
    told: AtomicU64,
}

impl<'a> Progress<'a> {
    fn new(ui: &'a Ui, all: usize) -> Self {
        Self {
            ui,
            start: Instant::now(),
            all,
            done: AtomicU64::new(0),
            told: AtomicU64::new(0),
        }
    }

    fn step(&self, what: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let period = self.start.elapsed().as_secs() / TELL.as_secs();
        if period > self.told.fetch_max(period, Ordering::Relaxed) {
            self.ui.note(format!("{done} of {} {what} ...", self.all));
        }
    }
}
