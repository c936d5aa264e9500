//! SDK clients of wherever the stack lives.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use payhook::resources::Aws;

/// Clients are made anew in each test, because their connections end with the test's runtime.
pub struct Clients(SdkConfig);

impl Clients {
    /// Of an emulator.
    pub fn emulated(endpoint: &str) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "test");
        Self(
            SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .endpoint_url(endpoint)
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .build(),
        )
    }

    /// The clients that payhook itself makes of them.
    pub async fn payhook(&self) -> Aws {
        Aws::connect(&self.0, true).await.expect("an account")
    }

    /// Of AWS, with the credentials of the environment.
    pub async fn of_aws(region: &str) -> Self {
        let loader = aws_config::defaults(BehaviorVersion::latest());
        Self(loader.region(Region::new(region.to_owned())).load().await)
    }
}

macro_rules! clients {
    ($($name:ident: $krate:ident,)*) => {
        impl Clients {
            $(pub fn $name(&self) -> $krate::Client {
                $krate::Client::new(&self.0)
            })*
        }
    };
}

clients! {
    apigateway: aws_sdk_apigateway,
    cloudwatch: aws_sdk_cloudwatch,
    dynamodb: aws_sdk_dynamodb,
    eventbridge: aws_sdk_eventbridge,
    iam: aws_sdk_iam,
    kms: aws_sdk_kms,
    lambda: aws_sdk_lambda,
    logs: aws_sdk_cloudwatchlogs,
    pipes: aws_sdk_pipes,
    s3: aws_sdk_s3,
    secrets: aws_sdk_secretsmanager,
    sfn: aws_sdk_sfn,
    sns: aws_sdk_sns,
    sqs: aws_sdk_sqs,
    streams: aws_sdk_dynamodbstreams,
}
