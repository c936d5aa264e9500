//! The stack of one environment, built in memory; reads like the diagram of the pipeline.

mod alarms;
mod dashboard;
mod functions;
mod gateway;
mod names;
mod roles;

use crate::asl;
use crate::config::{Config, WorkflowType};
use crate::graph::{Graph, Handle};
use crate::resources::Unmanaged;
use crate::resources::api::Api;
use crate::resources::api_account::ApiAccount;
use crate::resources::api_deployment::ApiDeployment;
use crate::resources::api_stage::ApiStage;
use crate::resources::bucket::Bucket;
use crate::resources::event_bus::EventBus;
use crate::resources::function::Function;
use crate::resources::key::Key;
use crate::resources::key_alias::KeyAlias;
use crate::resources::log_group::LogGroup;
use crate::resources::pipe::{Pipe, StartingPosition};
use crate::resources::queue::Queue;
use crate::resources::role::Role;
use crate::resources::secret::Secret;
use crate::resources::state_machine::{LogLevel, StateMachine, Workflow};
use crate::resources::table::{
    AttributeKind, Billing, Index, Indexes, KeyAttribute, Projection, StreamView, Table,
};
use crate::resources::topic::Topic;
use payments::store::attention;
use serde_json::json;

pub use names::Names;

/// Name of the stack, the same in every environment; stands in every ownership tag.
pub const NAME: &str = "payment-webhooks";
/// Function that verifies and stores; also the name of its artifact.
pub const VALIDATOR: &str = "webhook-validator";
/// Function that moves payments forward; also the name of its artifact.
pub const PROCESSOR: &str = "payment-processor";
/// The API's stage.
pub const STAGE: &str = "prod";
/// Dead letters outlive the 24 h of the stream by far.
const DEAD_LETTER_SECONDS: u32 = 14 * 24 * 60 * 60;

/// What the state machine is given of a record: its key and that it is the insert of an event.
///
/// Never the body: it may exceed what Step Functions takes (256 KiB), and executions keep their input for 90 days.
const HANDED_OVER: &str = r#"{"eventName": "<$.eventName>", "dynamodb": {"Keys": <$.dynamodb.Keys>, "NewImage": {"recordType": <$.dynamodb.NewImage.recordType>}}}"#;

/// One environment's resources, with typed handles to those that others ask about.
#[derive(Debug)]
pub struct Stack {
    /// All resources.
    pub graph: Graph,
    /// Names in the cloud.
    pub names: Names,
    /// The key.
    pub key: Handle<Key>,
    /// The table.
    pub table: Handle<Table>,
    /// Bodies that do not fit the table.
    pub bodies: Handle<Bucket>,
    /// The providers' secrets.
    pub secret: Handle<Secret>,
    /// The dead-letter queue.
    pub dead_letters: Handle<Queue>,
    /// Verifies and stores.
    pub validator: Handle<Function>,
    /// Moves payments forward.
    pub processor: Handle<Function>,
    /// What the state machine does.
    pub definition: asl::Definition,
    /// Retries and catches.
    pub state_machine: Handle<StateMachine>,
    /// Connects the table's stream to the state machine.
    pub pipe: Handle<Pipe>,
    /// The REST API.
    pub api: Handle<Api>,
    /// Its stage.
    pub stage: Handle<ApiStage>,
}

impl Stack {
    /// The payment webhook pipeline of one environment.
    pub fn payment_webhooks(config: &Config) -> Self {
        let names = Names::of(config.env.as_str());
        let mut g = Graph::new();

        let key = g.add("key", key(config, &names));
        g.add(
            "key-alias",
            KeyAlias {
                name: names.key_alias.clone(),
                key: key.id().into(),
            },
        );
        let table = g.add("payments", table(config, &names, &key));
        let bodies = g.add("payment-bodies", bodies(config, &names, &key));
        let secret = g.add("providers", secret(config, &names, &key));
        let dead_letters = g.add("payment-events-dlq", queue(&names, &key));
        let logs = Logs::add(&mut g, config, &names, &key);

        let bus = EventBus::named(config.events.bus.as_str());
        let roles = roles::Roles::add(&mut g, &names);
        let validator = g.add(
            VALIDATOR,
            functions::function(
                config,
                VALIDATOR,
                &names.validator,
                &config.lambda.webhook_validator,
            )
            .wired(&roles.validator, &key, &logs.validator)
            .environment(functions::validator_environment(
                config, &names, &secret, &bodies,
            )),
        );
        let processor = g.add(
            PROCESSOR,
            functions::function(
                config,
                PROCESSOR,
                &names.processor,
                &config.lambda.payment_processor,
            )
            .wired(&roles.processor, &key, &logs.processor)
            .environment(functions::processor_environment(config, &names, &secret)),
        );
        let definition = definition(config, &processor, &table);
        let state_machine = g.add(
            "state-machine",
            state_machine(
                config,
                &names,
                &definition,
                &roles.state_machine,
                &logs.state_machine,
            ),
        );
        let pipe = g.add(
            "payment-events-pipe",
            pipe(
                config,
                &names,
                &table,
                &state_machine,
                &roles.pipe,
                &dead_letters,
            ),
        );
        roles.grant(
            &mut g,
            &roles::Grants {
                names: &names,
                key: &key,
                table: &table,
                bodies: &bodies,
                secret: &secret,
                dead_letters: &dead_letters,
                bus: &bus,
                processor: &processor,
                state_machine: &state_machine,
                logs: &logs,
                listing: config.listing(),
            },
        );

        let api = g.add("api", gateway::api(&names, &validator));
        for route in gateway::ROUTES {
            g.add(
                route.permission,
                gateway::permission(route, &api, &validator),
            );
        }
        let deployment = g.add(
            "api-deployment",
            ApiDeployment {
                api: api.id().into(),
                content: api.content().into(),
            },
        );
        let account = g.add(
            "api-account",
            ApiAccount {
                role: roles.api_logs.arn().into(),
            },
        );
        let stage = g.add(
            "api-stage",
            gateway::stage(config, &api, &deployment, &logs.api),
        );
        g.after(&stage, &account);

        let stack = Self {
            graph: g,
            names,
            key,
            table,
            bodies,
            secret,
            dead_letters,
            validator,
            processor,
            definition,
            state_machine,
            pipe,
            api,
            stage,
        };
        stack.watched(config)
    }

    /// The same with everything switched on that an infra.toml can switch on.
    pub fn everything(config: &Config) -> Self {
        let mut config = config.clone();
        config.alarms.enabled = true;
        config.dashboard.enabled = true;
        Self::payment_webhooks(&config)
    }

    /// Adds what an on-call engineer needs.
    fn watched(mut self, config: &Config) -> Self {
        if config.alarms.enabled {
            let topic = self.graph.add(
                "alarms",
                Topic {
                    name: self.names.topic.clone(),
                    key: self.key.arn().into(),
                    email: config
                        .alarms
                        .email
                        .as_ref()
                        .map(|email| email.as_str().to_owned()),
                    unmanaged: Unmanaged::new(),
                },
            );
            alarms::add(&mut self, &topic);
        }
        if config.dashboard.enabled {
            let dashboard = dashboard::dashboard(&self, config);
            self.graph.add("dashboard", dashboard);
        }
        self
    }
}

/// The four log groups, owned before anything writes to them.
#[derive(Debug)]
pub(crate) struct Logs {
    validator: Handle<LogGroup>,
    processor: Handle<LogGroup>,
    state_machine: Handle<LogGroup>,
    api: Handle<LogGroup>,
}

impl Logs {
    fn add(g: &mut Graph, config: &Config, names: &Names, key: &Handle<Key>) -> Self {
        let mut group = |logical: &str, name: &str| {
            let retention_days = config.logs.retention.get();
            g.add(
                logical,
                LogGroup {
                    name: name.to_owned(),
                    retention_days,
                    key: key.arn().into(),
                    unmanaged: Unmanaged::new(),
                },
            )
        };
        Self {
            validator: group("webhook-validator-logs", &names.validator_logs),
            processor: group("payment-processor-logs", &names.processor_logs),
            state_machine: group("state-machine-logs", &names.state_machine_logs),
            api: group("api-logs", &names.api_logs),
        }
    }
}

fn key(config: &Config, names: &Names) -> Key {
    Key {
        description: names.key.clone(),
        rotation: true,
        rotation_period_days: config.key.rotation_period.get() as u16,
        services: roles::key_services(names),
        deletion_window_days: config.key.deletion_window.get() as u8,
    }
}

fn table(config: &Config, names: &Names, key: &Handle<Key>) -> Table {
    let attribute = |name: &str, kind| KeyAttribute {
        name: name.to_owned(),
        kind,
    };
    Table {
        name: names.table.clone(),
        partition_key: attribute("paymentId", AttributeKind::S),
        sort_key: attribute("timestamp", AttributeKind::N),
        indexes: Indexes::from([(
            attention::INDEX.to_owned(),
            Index {
                partition_key: attribute(attention::SHARD, AttributeKind::S),
                sort_key: Some(attribute(attention::STATE, AttributeKind::S)),
                projection: Projection::KeysOnly,
                limits: None,
            },
        )]),
        billing: Billing::OnDemand,
        stream: Some(StreamView::NewAndOldImages),
        key: Some(key.arn().into()),
        point_in_time_recovery: true,
        ttl_attribute: Some("expiresAt".to_owned()),
        deletion_protection: config.table.deletion_protection,
        unmanaged: Unmanaged::new(),
    }
}

/// Never versioned: a body is written once, and erasing it must leave nothing behind.
fn bodies(config: &Config, names: &Names, key: &Handle<Key>) -> Bucket {
    Bucket {
        name: names.bodies.clone(),
        key: Some(key.arn().into()),
        bucket_key: true,
        versioned: false,
        public_access_blocked: true,
        owner_enforced: true,
        tls_only: true,
        // Counted from a body's own arrival, as its item's expiry is.
        expiry_days: config.table.retention.days(),
        old_versions_days: Some(1),
        unfinished_uploads_days: Some(1),
        unmanaged: Unmanaged::new(),
    }
}

fn secret(config: &Config, names: &Names, key: &Handle<Key>) -> Secret {
    Secret {
        name: names.secret.clone(),
        description: "Signing secrets and API keys of the payment providers".to_owned(),
        key: key.arn().into(),
        recovery_window_days: config.secret.recovery_window.get() as u8,
        unmanaged: Unmanaged::new(),
    }
}

fn queue(names: &Names, key: &Handle<Key>) -> Queue {
    Queue {
        name: names.dead_letters.clone(),
        key: key.arn().into(),
        retention_seconds: DEAD_LETTER_SECONDS,
        visibility_timeout_seconds: 60,
        unmanaged: Unmanaged::new(),
    }
}

fn definition(
    config: &Config,
    processor: &Handle<Function>,
    table: &Handle<Table>,
) -> asl::Definition {
    asl::payment_processor(&asl::Settings {
        processor: processor.live().into(),
        table: table.table_name().into(),
        retry: config.retry.backoff(),
        timeout_seconds: config.lambda.payment_processor.run_seconds(),
        concurrency: 0,
    })
}

fn state_machine(
    config: &Config,
    names: &Names,
    definition: &asl::Definition,
    role: &Handle<Role>,
    logs: &Handle<LogGroup>,
) -> StateMachine {
    StateMachine {
        name: names.state_machine.clone(),
        workflow: match config.workflow.kind {
            WorkflowType::Standard => Workflow::Standard,
            WorkflowType::Express => Workflow::Express,
        },
        definition: definition.to_value(),
        role: role.arn().into(),
        tracing: true,
        log_group: logs.arn().into(),
        log_level: LogLevel::Error,
        unmanaged: Unmanaged::new(),
    }
}

fn pipe(
    config: &Config,
    names: &Names,
    table: &Handle<Table>,
    state_machine: &Handle<StateMachine>,
    role: &Handle<Role>,
    dead_letters: &Handle<Queue>,
) -> Pipe {
    Pipe {
        name: names.pipe.clone(),
        description: "New payment events to the state machine; owned by payhook".to_owned(),
        source: table.stream_arn().into(),
        target: state_machine.arn().into(),
        role: role.arn().into(),
        filters: vec![json!({
            "eventName": ["INSERT"],
            "dynamodb": { "NewImage": { "recordType": { "S": ["event"] } } }
        })],
        batch_size: config.pipe.batch_size.get(),
        batching_window_seconds: config.pipe.maximum_batching_window.get(),
        starting_position: StartingPosition::TrimHorizon,
        maximum_retry_attempts: config.pipe.maximum_retry_attempts.get() as i32,
        maximum_record_age_seconds: config.pipe.maximum_record_age.get() as i32,
        parallelization_factor: config.pipe.parallelization_factor.get(),
        bisect_on_failure: true,
        dead_letter_queue: dead_letters.arn().into(),
        input_template: HANDED_OVER.to_owned(),
        running: true,
        unmanaged: Unmanaged::new(),
    }
}
