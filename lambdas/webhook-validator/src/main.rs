use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use payments::clock;
use payments::logging::{Log, Stdout};
use payments::providers::keys::{CachedKeys, HttpKeys};
use payments::secret_cache::{SecretCache, SecretsManager};
use payments::store::{BodyBucket, DynamoStore, body_client};
use serde_json::Value;
use webhook_validator::{Answer, Invocation, Validator, ValidatorSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = ValidatorSettings::from_env(|name| std::env::var(name).ok())?;
    let aws = payments::aws::config().await;
    let secret = SecretsManager::new(
        aws_sdk_secretsmanager::Client::new(&aws),
        &settings.secret_id,
    );
    let clock = clock::system();
    let validator = &Validator {
        store: Arc::new(DynamoStore::new(
            aws_sdk_dynamodb::Client::new(&aws),
            &settings.table,
        )),
        bodies: Arc::new(BodyBucket::new(
            move || body_client(&aws),
            &settings.bucket,
            &settings.bucket_owner,
        )),
        secrets: Arc::new(SecretCache::new(Arc::new(secret), clock.clone())),
        keys: Arc::new(CachedKeys::new(HttpKeys::default())),
        log: Log::new(Arc::new(Stdout), clock.clone(), &settings.environment),
        clock,
        settings,
    };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let (request_id, trace) = (
            &event.context.request_id,
            event.context.xray_trace_id.as_deref(),
        );
        let answer = validator
            .answer(
                event.payload,
                Invocation {
                    request_id,
                    trace_header: trace,
                },
            )
            .await;
        Ok::<Answer, Error>(answer)
    }))
    .await
}
