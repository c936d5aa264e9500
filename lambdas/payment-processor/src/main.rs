use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use payment_processor::{Confirmation, Invocation, Processor, ProcessorSettings};
use payments::clock;
use payments::confirm::gateways;
use payments::logging::{Log, Stdout};
use payments::outcome::EventBus;
use payments::secret_cache::{SecretCache, SecretsManager};
use payments::store::DynamoStore;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = ProcessorSettings::from_env(|name| std::env::var(name).ok())?;
    let aws = payments::aws::config().await;
    let secret = SecretsManager::new(
        aws_sdk_secretsmanager::Client::new(&aws),
        &settings.secret_id,
    );
    let clock = clock::system();
    let secrets = Arc::new(SecretCache::new(Arc::new(secret), clock.clone()));
    let processor = &Processor {
        store: Arc::new(DynamoStore::new(
            aws_sdk_dynamodb::Client::new(&aws),
            settings.table,
        )),
        confirmation: Confirmation {
            gateways: gateways(&settings.providers)?,
            secrets,
        },
        outcomes: Arc::new(EventBus::new(
            aws_sdk_eventbridge::Client::new(&aws),
            settings.event_bus,
        )),
        log: Log::new(Arc::new(Stdout), clock.clone(), &settings.environment),
        environment: settings.environment,
        lease: settings.lease,
        retention: settings.retention,
        clock,
    };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let (request_id, trace) = (
            &event.context.request_id,
            event.context.xray_trace_id.as_deref(),
        );
        processor
            .process(
                &event.payload,
                Invocation {
                    request_id,
                    trace_header: trace,
                },
            )
            .await
    }))
    .await
}
