//! Constraints 1 and 4, the functions' part in 3, 5 and 8, and the stage's in 5.

use super::encryption::is_key;
use super::report::Subject;
use super::{Check, Examination, iam, or_unreadable};
use crate::resources::function::Function;
use crate::resources::{CloudError, During};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;

impl Examination<'_> {
    /// What callers reach: the version behind the alias.
    pub(super) async fn function(&self, name: &str, concurrency: u32) -> Vec<Check> {
        let subject = Subject {
            kind: "lambda-function",
            name,
            emulated: self.aws.emulated,
        };
        or_unreadable(
            self.read_function(&subject, concurrency).await,
            &subject,
            &[1, 3, 4, 5, 8],
        )
    }

    async fn read_function(
        &self,
        subject: &Subject<'_>,
        concurrency: u32,
    ) -> Result<Vec<Check>, CloudError> {
        let lambda = &self.aws.lambda;
        let live = lambda
            .get_function_configuration()
            .function_name(subject.name)
            .qualifier(Function::ALIAS)
            .send();
        let reserved = lambda
            .get_function_concurrency()
            .function_name(subject.name)
            .send();
        let (live, reserved) = tokio::join!(live, reserved);
        let live = live.during("lambda:GetFunctionConfiguration")?;
        let reserved = reserved
            .during("lambda:GetFunctionConcurrency")?
            .reserved_concurrent_executions;
        let mut checks = settings(subject, &live, self.key_id);
        checks.push(subject.equal(
            4,
            "reservedConcurrency",
            "reserved concurrency",
            concurrency,
            reserved,
        ));
        checks.extend(
            self.log_group(live.logging_config().and_then(|logs| logs.log_group()))
                .await,
        );
        checks.extend(iam::role(self.aws, live.role()).await);
        Ok(checks)
    }

    pub(super) async fn stage(&self) -> Vec<Check> {
        let subject = self.subject("api-stage", self.stage);
        or_unreadable(self.read_stage(&subject).await, &subject, &[5, 3])
    }

    async fn read_stage(&self, subject: &Subject<'_>) -> Result<Vec<Check>, CloudError> {
        let request = self
            .aws
            .apigateway
            .get_stage()
            .rest_api_id(self.api)
            .stage_name(self.stage);
        let stage = request.send().await.during("apigateway:GetStage")?;
        let mut checks = vec![subject.equal(
            5,
            "tracing",
            "X-Ray tracing",
            true,
            Some(stage.tracing_enabled),
        )];
        let logs = stage
            .access_log_settings()
            .and_then(|logs| logs.destination_arn());
        checks.extend(self.log_group(logs.map(super::encryption::group_of)).await);
        Ok(checks)
    }
}

pub(super) fn settings(
    subject: &Subject<'_>,
    live: &GetFunctionConfigurationOutput,
    key_id: &str,
) -> Vec<Check> {
    let architectures: Vec<&str> = live.architectures().iter().map(|a| a.as_str()).collect();
    let tracing = live.tracing_config().and_then(|tracing| tracing.mode());
    let key = live.kms_key_arn().map(str::to_owned);
    let encrypted = key.as_deref().is_some_and(|key| is_key(key, key_id));
    let runtime = live.runtime().map(|runtime| runtime.as_str());
    vec![
        subject.equal(
            1,
            "architecture",
            "architecture",
            "arm64",
            Some(architectures.join(", ")),
        ),
        subject.equal(1, "runtime", "runtime", "provided.al2023", runtime),
        subject.judged(
            3,
            "key",
            "encryption of its environment",
            format!("key {key_id}"),
            key,
            encrypted,
        ),
        subject.equal(
            5,
            "tracing",
            "X-Ray tracing",
            "Active",
            tracing.map(|mode| mode.as_str()),
        ),
    ]
}
