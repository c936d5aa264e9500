//! The AWS clients that the kinds call, and AWS as the engine's cloud.

use super::{
    Address, Attempts, Cloud, CloudError, Delete, During, Given, Kind, Leftover, Put, Seen, Turns,
    definition,
};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

/// How long one call may take; control planes answer within seconds, so an answer that is not there by then was lost.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The same for a call that carries a function's code, over a slow line.
const UPLOAD: Duration = Duration::from_secs(300);
/// An emulator shows what it has made at once; a call of which nothing was heard may still be on its way to it.
const EMULATED_HIDDEN: Duration = Duration::from_millis(500);
/// The same for what it would make a second time.
const EMULATED_HIDDEN_NAMELESS: Duration = Duration::from_secs(2);
/// How often STS is asked.
const ASKING_ATTEMPTS: u32 = 4;

fn patience(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(attempt)
        .build()
}

/// One client per service, all of one account and region.
///
/// The clients never retry by themselves: a create whose answer was lost must be looked up before it is sent again
/// (KMS keys and REST APIs have neither unique names nor idempotency tokens), and only the engine knows how.
#[derive(Clone, Debug)]
pub struct Aws {
    /// Where the stack lives.
    pub given: Given,
    /// Zips of the functions by the base64 SHA-256 of their content.
    pub artifacts: HashMap<String, PathBuf>,
    /// Whether this endpoint is the local emulator, which does not show everything.
    pub emulated: bool,
    /// The one endpoint of all services, where it is not AWS's own.
    pub endpoint: Option<String>,
    /// What this process has tried to make.
    pub attempts: Attempts,
    /// Who may change what AWS cannot have changed by two at once.
    pub turns: Turns,
    /// API Gateway (REST).
    pub apigateway: aws_sdk_apigateway::Client,
    /// CloudWatch.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// DynamoDB Streams.
    pub streams: aws_sdk_dynamodbstreams::Client,
    /// EventBridge.
    pub eventbridge: aws_sdk_eventbridge::Client,
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// KMS.
    pub kms: aws_sdk_kms::Client,
    /// Lambda.
    pub lambda: aws_sdk_lambda::Client,
    /// EventBridge Pipes.
    pub pipes: aws_sdk_pipes::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Step Functions.
    pub sfn: aws_sdk_sfn::Client,
    /// SNS.
    pub sns: aws_sdk_sns::Client,
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
}

impl Aws {
    /// Asks STS who we are and makes the clients.
    pub async fn connect(config: &SdkConfig, emulated: bool) -> Result<Self, CloudError> {
        // Asking who we are changes nothing, so the SDK may repeat it as it sees fit.
        let asking = config
            .clone()
            .into_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(ASKING_ATTEMPTS))
            .timeout_config(patience(ATTEMPT))
            .build();
        let caller = aws_sdk_sts::Client::new(&asking)
            .get_caller_identity()
            .send()
            .await
            .during("sts:GetCallerIdentity")?;
        let partition = caller
            .arn()
            .and_then(|arn| arn.split(':').nth(1))
            .unwrap_or("aws");
        let given = Given {
            partition: partition.to_owned(),
            region: config.region().map(ToString::to_string).unwrap_or_default(),
            account: caller.account().unwrap_or_default().to_owned(),
        };
        Ok(Self::new(config, given, emulated))
    }

    /// The time that a call with a function's code is given.
    pub fn upload() -> aws_sdk_lambda::config::Builder {
        aws_sdk_lambda::config::Builder::default().timeout_config(patience(UPLOAD))
    }

    /// Whether an error means that this emulator lacks the operation; never on AWS itself.
    pub fn lacks(&self, error: &CloudError) -> bool {
        self.emulated && error.is_unknown_operation()
    }

    /// Makes the clients for an account that is already known.
    pub fn new(config: &SdkConfig, given: Given, emulated: bool) -> Self {
        let config = &config
            .clone()
            .into_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(patience(ATTEMPT))
            .build();
        Self {
            given,
            artifacts: HashMap::new(),
            emulated,
            endpoint: config.endpoint_url().map(str::to_owned),
            attempts: Attempts::default(),
            turns: Turns::default(),
            apigateway: aws_sdk_apigateway::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            streams: aws_sdk_dynamodbstreams::Client::new(config),
            eventbridge: aws_sdk_eventbridge::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            kms: aws_sdk_kms::Client::new(config),
            lambda: aws_sdk_lambda::Client::new(config),
            pipes: aws_sdk_pipes::Client::new(config),
            s3: s3(config, emulated),
            secrets: aws_sdk_secretsmanager::Client::new(config),
            sfn: aws_sdk_sfn::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
        }
    }
}

/// Buckets of an emulator have no host names of their own.
fn s3(config: &SdkConfig, emulated: bool) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(emulated);
    aws_sdk_s3::Client::from_conf(config.build())
}

#[async_trait]
impl Cloud for Aws {
    async fn given(&self) -> Result<Given, CloudError> {
        Ok(self.given.clone())
    }

    fn hidden(&self, kind: Kind) -> Duration {
        let rules = definition(kind);
        match (self.emulated, rules.unique()) {
            (false, _) => rules.hidden(),
            (true, true) => EMULATED_HIDDEN,
            (true, false) => EMULATED_HIDDEN_NAMELESS,
        }
    }

    async fn read(&self, at: &Address) -> Result<Option<Seen>, CloudError> {
        definition(at.kind).read(self, at).await
    }

    async fn leftovers(&self, at: &Address, seen: &Seen) -> Result<Vec<Leftover>, CloudError> {
        definition(at.kind).leftovers(self, at, seen).await
    }

    async fn put(&self, at: &Address, seen: Option<&Seen>) -> Result<Put, CloudError> {
        definition(at.kind).put(self, at, seen).await
    }

    async fn delete(&self, at: &Address, seen: &Seen) -> Result<Delete, CloudError> {
        definition(at.kind).delete(self, at, seen).await
    }
}
