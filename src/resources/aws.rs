//! The AWS clients that the kinds call, and AWS as the engine's cloud.

use super::alarm::AT_ONCE;
use super::pace::{Named, Pace, Paced};
use super::together::Together;
use super::{
    Address, Attempts, Cloud, CloudError, Delete, During, Given, Kind, Leftover, Put, Seen, Tagged,
    Turns, definition, tagged,
};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
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

/// The longest that a call may wait for its turn; the slowest rate allows one in 30 s. It waits signed, and AWS takes a
/// signature for five minutes.
const TURN: Duration = Duration::from_secs(240);

/// A client whose calls carry their names to the pace, unless nothing is paced.
macro_rules! client {
    ($sdk:ident, $config:expr, $service:literal, $paced:expr) => {{
        let mut builder = $sdk::config::Builder::from($config);
        if $paced {
            builder.push_interceptor(SharedInterceptor::new(Named($service)));
        }
        $sdk::Client::from_conf(builder.build())
    }};
}

/// Time for the answer begins when the call is sent, not while it waits for its turn.
fn patience(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(attempt)
        .operation_attempt_timeout(attempt + TURN)
        .build()
}

/// The HTTP client that the SDK would choose by itself, which goes through a proxy where the environment names one.
fn https(proxy: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    })
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
    /// Alarms that are asked about at the same time.
    pub alarms: Together<aws_sdk_cloudwatch::types::MetricAlarm>,
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
    /// Resource Groups Tagging API.
    pub tagging: aws_sdk_resourcegroupstagging::Client,
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
        // An emulator has no rates.
        let pace = (!emulated).then(Pace::default);
        Ok(Self::with(config, given, emulated, pace))
    }

    /// The time that a call with a function's code is given.
    pub fn upload() -> aws_sdk_lambda::config::Builder {
        aws_sdk_lambda::config::Builder::default().timeout_config(patience(UPLOAD))
    }

    /// Whether an error means that this emulator lacks the operation; never on AWS itself.
    pub fn lacks(&self, error: &CloudError) -> bool {
        self.emulated && error.is_unknown_operation()
    }

    /// Makes the clients for an account that is already known; they obey no rates.
    pub fn new(config: &SdkConfig, given: Given, emulated: bool) -> Self {
        Self::with(config, given, emulated, None)
    }

    /// The same with clients that wait for the turn of each call.
    pub(super) fn with(
        config: &SdkConfig,
        given: Given,
        emulated: bool,
        pace: Option<Pace>,
    ) -> Self {
        let mut builder = config
            .clone()
            .into_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(patience(ATTEMPT));
        let paced = pace.is_some();
        if let Some(pace) = pace {
            let http = config
                .http_client()
                .unwrap_or_else(|| https(ProxyConfig::from_env()));
            builder.set_http_client(Some(SharedHttpClient::new(Paced::new(http, pace))));
        }
        let config = &builder.build();
        Self {
            given,
            artifacts: HashMap::new(),
            emulated,
            endpoint: config.endpoint_url().map(str::to_owned),
            attempts: Attempts::default(),
            alarms: Together::of(AT_ONCE.into()),
            turns: Turns::default(),
            apigateway: client!(aws_sdk_apigateway, config, "apigateway", paced),
            cloudwatch: client!(aws_sdk_cloudwatch, config, "cloudwatch", paced),
            logs: client!(aws_sdk_cloudwatchlogs, config, "logs", paced),
            dynamodb: client!(aws_sdk_dynamodb, config, "dynamodb", paced),
            streams: client!(aws_sdk_dynamodbstreams, config, "dynamodb", paced),
            eventbridge: client!(aws_sdk_eventbridge, config, "eventbridge", paced),
            iam: client!(aws_sdk_iam, config, "iam", paced),
            kms: client!(aws_sdk_kms, config, "kms", paced),
            lambda: client!(aws_sdk_lambda, config, "lambda", paced),
            pipes: client!(aws_sdk_pipes, config, "pipes", paced),
            s3: s3(config, emulated),
            secrets: client!(aws_sdk_secretsmanager, config, "secretsmanager", paced),
            sfn: client!(aws_sdk_sfn, config, "states", paced),
            sns: client!(aws_sdk_sns, config, "sns", paced),
            sqs: client!(aws_sdk_sqs, config, "sqs", paced),
            tagging: client!(aws_sdk_resourcegroupstagging, config, "tag", paced),
        }
    }
}

/// Buckets of an emulator have no host names of their own; no rate is published for the calls that keep a bucket.
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

    async fn tagged(&self, stack: &str, env: &str) -> Result<Vec<Tagged>, CloudError> {
        tagged::search(self, stack, env).await
    }

    async fn put(&self, at: &Address, seen: Option<&Seen>) -> Result<Put, CloudError> {
        definition(at.kind).put(self, at, seen).await
    }

    async fn delete(&self, at: &Address, seen: &Seen) -> Result<Delete, CloudError> {
        definition(at.kind).delete(self, at, seen).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::{BehaviorVersion, Region};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_proxy_that_the_environment_names_is_gone_through() {
        let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", proxy.local_addr().expect("an address"));
        let client = https(ProxyConfig::https(&address).expect("a proxy"));
        let test = Credentials::new("test", "test", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(test))
            .http_client(client)
            .build();
        let given = Given {
            partition: "aws".to_owned(),
            region: "eu-central-1".to_owned(),
            account: "123456789012".to_owned(),
        };
        let aws = Aws::with(&config, given, false, Some(Pace::default()));
        let asking = aws.kms.describe_key().key_id("k").send();
        let asked = async {
            let (mut stream, _) = proxy.accept().await.expect("a connection");
            let mut asked = [0; 1024];
            let length = stream.read(&mut asked).await.expect("a request");
            let refused = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
            refused.expect("an answer");
            String::from_utf8_lossy(&asked[..length]).into_owned()
        };
        let (answer, asked) = tokio::join!(asking, asked);
        assert!(answer.is_err());
        let wanted = "CONNECT kms.eu-central-1.amazonaws.com:443 ";
        assert!(asked.starts_with(wanted), "{asked}");
    }
}
