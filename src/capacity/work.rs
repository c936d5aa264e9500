//! What one webhook asks of each service, read off the stack and the functions.

use super::{Demand, Quotas, Settings, Workflow};

/// What depends on the sender and on the day, and was not measured on AWS.
#[derive(Clone, Debug)]
pub struct Assumed {
    /// Milliseconds of one run of webhook-validator.
    pub validator_ms: f64,
    /// Milliseconds of one run of payment-processor, without asking a provider's API.
    pub processor_ms: f64,
    /// What compressing leaves of a body.
    pub compressed: f64,
    /// Bytes of an event's item besides its body.
    pub event_bytes: f64,
    /// Bytes of log lines per webhook, access log included.
    pub log_bytes: f64,
    /// Milliseconds of one StartExecution.
    pub start_ms: f64,
    /// Milliseconds from one look at a shard to the next.
    pub poll_ms: f64,
    /// Part of the requests that X-Ray records.
    pub traced: f64,
    /// Seconds for which an environment of a function keeps secrets and data keys.
    pub cached_seconds: f64,
}

impl Default for Assumed {
    fn default() -> Self {
        Assumed {
            validator_ms: 30.0,
            processor_ms: 60.0,
            compressed: 0.5,
            event_bytes: 800.0,
            log_bytes: 2_000.0,
            start_ms: 100.0,
            poll_ms: 250.0,
            traced: 0.05,
            cached_seconds: 300.0,
        }
    }
}

/// Bytes of one record as the pipe hands it over: the item's keys and its kind.
pub const HANDED_OVER_BYTES: f64 = 600.0;
/// States of one execution besides one for each event: the map, the choice, the end.
pub const STATES_AROUND: f64 = 3.0;
/// Writes to the index of what needs attention: the event comes and goes.
pub const INDEX_WRITES: f64 = 2.0;
/// Partition keys of that index.
pub const INDEX_SHARDS: f64 = 256.0;
/// Bytes of the items of an event's marker and of a payment's head, each below one unit.
const SMALL_ITEM_BYTES: f64 = 450.0;
/// A unit of writing, in bytes.
const WRITE_UNIT: f64 = 1_024.0;
/// A write in a transaction is prepared and committed.
const TRANSACTION: f64 = 2.0;
/// Largest body that an item takes; beyond it the body is an object in S3, in bytes.
const INLINE_BYTES: f64 = 390.0 * 1_024.0;

/// Items that a map without a bound of its own works on at once.
pub const MAP_AT_ONCE: f64 = crate::asl::AT_ONCE as f64;

/// What the webhooks of one payment ask of its partition, where they compete for its head.
#[derive(Clone, Debug)]
pub struct OnePayment {
    /// Write units of one webhook that is alone.
    pub writes: f64,
    /// Seconds from an event's being stored to its being processed.
    open_seconds: f64,
}

impl OnePayment {
    /// Write units of one webhook at so many per second: of the events that are worked on at the same time each in turn
    /// writes the head, and the conditional writes of the others fail, which takes a unit too.
    pub fn units(&self, rate: u32) -> f64 {
        let together = (f64::from(rate) * self.open_seconds).clamp(1.0, MAP_AT_ONCE);
        self.writes + (together - 1.0) / 2.0
    }

    /// Webhooks per second that the units of one partition are enough for.
    pub fn most(&self, units: f64) -> u32 {
        let fits = |rate: &u32| f64::from(*rate) * self.units(*rate) <= units;
        (1..).take_while(fits).last().unwrap_or(0)
    }
}

/// Units for one webhook.
#[derive(Clone, Debug)]
pub struct Work {
    /// Bytes that stay in the table.
    pub stored_bytes: f64,
    /// Bytes of the object that holds the body, 0 where the item does.
    pub object_bytes: f64,
    /// Write units of the table: event and marker in one transaction, lease, head, end.
    pub table_writes: f64,
    /// Of these, on the partition of the payment; the marker has its own.
    pub payment_writes: f64,
    pub one_payment: OnePayment,
    pub table_reads: f64,
    /// Partitions of the table at the peak, each with one shard of the stream.
    pub partitions: f64,
    /// Events that one execution gets.
    pub batch: f64,
    pub executions: f64,
    pub transitions: f64,
    /// Seconds of one execution.
    pub execution_seconds: f64,
}

impl Work {
    /// The units of a webhook under these settings.
    pub fn of(demand: &Demand, settings: &Settings, quotas: &Quotas) -> Work {
        let table = Table::of(demand);
        let partitions = table.partitions(demand, quotas);
        let shard = f64::from(demand.peak) / partitions;
        let gathered =
            f64::from(settings.batching_window_seconds).max(demand.assumed.poll_ms / 1_000.0);
        let batch = (shard * gathered).clamp(1.0, f64::from(settings.batch_size));
        let rounds = (batch / MAP_AT_ONCE).ceil();
        let execution_seconds = rounds * (demand.assumed.processor_ms + 40.0) / 1_000.0;
        Work {
            stored_bytes: table.stored_bytes,
            object_bytes: table.object_bytes,
            table_writes: table.writes,
            payment_writes: table.payment_writes,
            table_reads: 1.0,
            partitions,
            batch,
            executions: 1.0 / batch,
            transitions: match demand.workflow {
                Workflow::Standard => 1.0 + STATES_AROUND / batch,
                Workflow::Express => 0.0,
            },
            execution_seconds,
            one_payment: OnePayment {
                writes: table.payment_writes,
                open_seconds: gathered + execution_seconds,
            },
        }
    }
}

/// What the table does for one webhook, whatever is set.
pub(super) struct Table {
    stored_bytes: f64,
    object_bytes: f64,
    writes: f64,
    payment_writes: f64,
}

impl Table {
    pub(super) fn of(demand: &Demand) -> Table {
        let body = f64::from(demand.body_bytes) * demand.assumed.compressed;
        let (inline, object_bytes) = match body > INLINE_BYTES {
            true => (0.0, body),
            false => (body, 0.0),
        };
        let event = demand.assumed.event_bytes + inline;
        let units = (event / WRITE_UNIT).ceil();
        // Stored in a transaction; updated by the lease and by the end; the head is one unit.
        let payment_writes = TRANSACTION * units + 2.0 * units + 1.0;
        Table {
            stored_bytes: event + 2.0 * SMALL_ITEM_BYTES,
            object_bytes,
            writes: payment_writes + TRANSACTION,
            payment_writes,
        }
    }

    pub(super) fn partitions(&self, demand: &Demand, quotas: &Quotas) -> f64 {
        let region = &demand.region;
        let each = quotas.partition_writes.of(region);
        let from_start = quotas.new_table_writes.of(region) / each;
        (f64::from(demand.peak) * self.writes / each)
            .ceil()
            .max(from_start)
    }
}
