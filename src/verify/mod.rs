//! The eight constraints of the design, checked on what is really deployed, by asking AWS.
//!
//! Reads only `cfn-outputs/flat-outputs.json` and AWS: neither state nor graph, so that a mistake in them shows.

mod encryption;
mod functions;
mod iam;
mod pipeline;
mod report;
mod table;

#[cfg(test)]
mod tests;

use crate::config::Config;
use crate::outputs::{FlatOutputs, OutputsError, key};
use crate::resources::{Aws, CloudError};

pub use report::{Check, Constraint, Report, Verdict};
use report::{Subject, unreadable};

/// What infra.toml sets of the constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// Reserved concurrency of the function that verifies and stores.
    pub validator_concurrency: u32,
    /// Reserved concurrency of the function that moves payments forward.
    pub processor_concurrency: u32,
    /// Factor between two delays.
    pub backoff_rate: f64,
    /// Retries after the first attempt.
    pub max_attempts: u32,
}

impl Default for Expected {
    /// What the constraints say where infra.toml says nothing.
    fn default() -> Self {
        Self {
            validator_concurrency: 10,
            processor_concurrency: 10,
            backoff_rate: 2.0,
            max_attempts: 3,
        }
    }
}

impl From<&Config> for Expected {
    fn from(config: &Config) -> Self {
        Self {
            validator_concurrency: config.lambda.webhook_validator.reserved_concurrency.get(),
            processor_concurrency: config.lambda.payment_processor.reserved_concurrency.get(),
            backoff_rate: config.retry.backoff_rate.get(),
            max_attempts: config.retry.max_attempts.get(),
        }
    }
}

/// One environment under examination.
struct Examination<'a> {
    aws: &'a Aws,
    expected: &'a Expected,
    key_id: &'a str,
    table: &'a str,
    validator: &'a str,
    processor: &'a str,
    api: &'a str,
    stage: &'a str,
    state_machine: &'a str,
    pipe: &'a str,
    queue: &'a str,
    bucket: &'a str,
    secret: &'a str,
}

/// Checks everything at once; a read that fails makes its constraints fail and stops none of the others.
pub async fn verify(
    aws: &Aws,
    outputs: &FlatOutputs,
    expected: &Expected,
) -> Result<Report, OutputsError> {
    let examination = Examination {
        aws,
        expected,
        key_id: outputs.get(key::KEY_ID)?,
        table: outputs.get(key::TABLE_NAME)?,
        validator: outputs.get(key::VALIDATOR_NAME)?,
        processor: outputs.get(key::PROCESSOR_NAME)?,
        api: outputs.get(key::API_ID)?,
        stage: outputs.get(key::API_STAGE_NAME)?,
        state_machine: outputs.get(key::STATE_MACHINE_ARN)?,
        pipe: outputs.get(key::PIPE_NAME)?,
        queue: outputs.get(key::DEAD_LETTER_QUEUE_NAME)?,
        bucket: outputs.get(key::BODIES_BUCKET_NAME)?,
        secret: outputs.get(key::SECRET_NAME)?,
    };
    Ok(Report::of(
        outputs.get(key::ENVIRONMENT)?,
        examination.run().await,
    ))
}

impl<'a> Examination<'a> {
    async fn run(&self) -> Vec<Check> {
        let (validator, processor) = (
            self.expected.validator_concurrency,
            self.expected.processor_concurrency,
        );
        let parts = tokio::join!(
            self.table(),
            self.function(self.validator, validator),
            self.function(self.processor, processor),
            self.stage(),
            self.state_machine(),
            self.pipe(),
            self.encryption(),
        );
        let (table, validator, processor, stage, state_machine, pipe, encryption) = parts;
        [
            table,
            validator,
            processor,
            stage,
            state_machine,
            pipe,
            encryption,
        ]
        .concat()
    }

    fn subject(&self, kind: &'static str, name: &'a str) -> Subject<'a> {
        Subject {
            kind,
            name,
            emulated: self.aws.emulated,
        }
    }
}

/// The checks of one resource, or failed ones for each constraint it has a part in.
fn or_unreadable(
    checks: Result<Vec<Check>, CloudError>,
    subject: &Subject<'_>,
    constraints: &[u8],
) -> Vec<Check> {
    checks.unwrap_or_else(|error| unreadable(subject, constraints, &error))
}
