//! The stack of one environment, built in memory; reads like the diagram of the pipeline.

mod alarms;
mod dashboard;
mod names;
mod roles;

use crate::asl;
use crate::config::{Config, FunctionSettings};
use crate::graph::{Graph, Handle, Input, Output, Text, given};
use crate::resources::Unmanaged;
use crate::resources::api::{Api, Route};
use crate::resources::api_account::ApiAccount;
use crate::resources::api_deployment::ApiDeployment;
use crate::resources::api_stage::ApiStage;
use crate::resources::event_bus::EventBus;
use crate::resources::function::{Architecture, Function};
use crate::resources::key::Key;
use crate::resources::key_alias::KeyAlias;
use crate::resources::log_group::LogGroup;
use crate::resources::permission::Permission;
use crate::resources::pipe::{Pipe, StartingPosition};
use crate::resources::policy::arn;
use crate::resources::queue::Queue;
use crate::resources::role::Role;
use crate::resources::secret::Secret;
use crate::resources::state_machine::{LogLevel, StateMachine, Workflow};
use crate::resources::table::{AttributeKind, Billing, KeyAttribute, StreamView, Table};
use crate::resources::topic::Topic;
use serde_json::json;
use std::collections::BTreeMap;

pub use names::Names;

/// Name of the stack, the same in every environment; stands in every ownership tag.
pub const NAME: &str = "payment-webhooks";
/// Function that verifies and stores; also the name of its artifact.
pub const VALIDATOR: &str = "webhook-validator";
/// Function that moves payments forward; also the name of its artifact.
pub const PROCESSOR: &str = "payment-processor";
/// The API's stage.
pub const STAGE: &str = "prod";
/// API Gateway gives up after 29 s at the latest; a provider gave up long before.
const API_TIMEOUT_MS: u32 = 29_000;
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
        let secret = g.add("providers", secret(config, &names, &key));
        let dead_letters = g.add("payment-events-dlq", queue(&names, &key));
        let logs = Logs::add(&mut g, config, &names, &key);

        let bus = EventBus::named(config.events.bus.as_str());
        let roles = roles::Roles::add(&mut g, &names);
        let validator = g.add(
            VALIDATOR,
            function(
                config,
                VALIDATOR,
                &names.validator,
                &config.lambda.webhook_validator,
            )
            .wired(&roles.validator, &key, &logs.validator)
            .environment(validator_environment(config, &names, &secret)),
        );
        let processor = g.add(
            PROCESSOR,
            function(
                config,
                PROCESSOR,
                &names.processor,
                &config.lambda.payment_processor,
            )
            .wired(&roles.processor, &key, &logs.processor)
            .environment(processor_environment(config, &names, &secret)),
        );
        let definition = definition(config, &processor, &table);
        let state_machine = g.add(
            "state-machine",
            state_machine(
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
                secret: &secret,
                dead_letters: &dead_letters,
                bus: &bus,
                processor: &processor,
                state_machine: &state_machine,
                logs: &logs,
            },
        );

        let api = g.add("api", api(&names, &validator));
        for route in ROUTES {
            g.add(route.permission, permission(route, &api, &validator));
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
        let stage = g.add("api-stage", stage(config, &api, &deployment, &logs.api));
        g.after(&stage, &account);

        let stack = Self {
            graph: g,
            names,
            key,
            table,
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
        billing: Billing::OnDemand,
        stream: Some(StreamView::NewAndOldImages),
        key: Some(key.arn().into()),
        point_in_time_recovery: true,
        ttl_attribute: Some("expiresAt".to_owned()),
        deletion_protection: config.table.deletion_protection,
        unmanaged: Unmanaged::new(),
    }
}

fn secret(config: &Config, names: &Names, key: &Handle<Key>) -> Secret {
    Secret {
        name: names.secret.clone(),
        description: "Signing secrets and API keys of the payment providers".to_owned(),
        key: key.arn().into(),
        recovery_window_days: config.secret.recovery_window.get() as u8,
    }
}

fn queue(names: &Names, key: &Handle<Key>) -> Queue {
    Queue {
        name: names.dead_letters.clone(),
        key: key.arn().into(),
        retention_seconds: DEAD_LETTER_SECONDS,
        visibility_timeout_seconds: 60,
    }
}

/// What all functions have in common, before they are wired.
struct Unwired {
    name: String,
    artifact: &'static str,
    memory_mb: u32,
    timeout_seconds: u32,
    reserved_concurrency: u32,
    architecture: Architecture,
}

fn function(
    config: &Config,
    artifact: &'static str,
    name: &str,
    settings: &FunctionSettings,
) -> Unwired {
    Unwired {
        name: name.to_owned(),
        artifact,
        memory_mb: settings.memory.get(),
        timeout_seconds: settings.timeout.get(),
        reserved_concurrency: settings.reserved_concurrency.get(),
        architecture: architecture(config),
    }
}

/// Always Graviton: also the emulator is told so, although it runs what the zip holds.
fn architecture(_config: &Config) -> Architecture {
    Architecture::Arm64
}

impl Unwired {
    fn wired(self, role: &Handle<Role>, key: &Handle<Key>, logs: &Handle<LogGroup>) -> Function {
        Function {
            description: format!(
                "{} of the payment webhook pipeline; owned by payhook",
                self.artifact
            ),
            runtime: "provided.al2023".to_owned(),
            architecture: self.architecture,
            code: Output::given(given::ARTIFACT, self.artifact).into(),
            role: role.arn().into(),
            memory_mb: self.memory_mb,
            timeout_seconds: self.timeout_seconds,
            reserved_concurrency: Some(self.reserved_concurrency),
            environment: BTreeMap::new(),
            key: key.arn().into(),
            tracing: true,
            log_group: logs.log_group_name().into(),
            name: self.name,
            unmanaged: Unmanaged::new(),
        }
    }
}

impl Function {
    fn environment(mut self, variables: BTreeMap<String, Input<Text>>) -> Self {
        self.environment = variables;
        self
    }
}

fn common_environment(
    config: &Config,
    names: &Names,
    secret: &Handle<Secret>,
) -> BTreeMap<String, Input<Text>> {
    BTreeMap::from([
        ("TABLE_NAME".to_owned(), Input::known(names.table.clone())),
        (
            "SECRET_ID".to_owned(),
            Input::from(secret.arn()).into_text(),
        ),
        ("PAYHOOK_ENV".to_owned(), Input::known(config.env.as_str())),
        (
            "PAYHOOK_PROVIDERS".to_owned(),
            Input::known(serde_json::to_string(&config.providers).unwrap_or_default()),
        ),
    ])
}

fn validator_environment(
    config: &Config,
    names: &Names,
    secret: &Handle<Secret>,
) -> BTreeMap<String, Input<Text>> {
    let mut variables = common_environment(config, names, secret);
    if let Some(days) = config.table.retention.days() {
        variables.insert(
            "PAYHOOK_RETENTION_DAYS".to_owned(),
            Input::known(days.to_string()),
        );
    }
    variables
}

fn processor_environment(
    config: &Config,
    names: &Names,
    secret: &Handle<Secret>,
) -> BTreeMap<String, Input<Text>> {
    let mut variables = common_environment(config, names, secret);
    // The lease outlasts the longest run, so that no second run starts while one may still be writing.
    let lease = config.lambda.payment_processor.timeout.get() + 5;
    variables.insert(
        "PAYHOOK_EVENT_BUS".to_owned(),
        Input::known(config.events.bus.as_str()),
    );
    variables.insert(
        "PAYHOOK_LEASE_SECONDS".to_owned(),
        Input::known(lease.to_string()),
    );
    variables
}

fn definition(
    config: &Config,
    processor: &Handle<Function>,
    table: &Handle<Table>,
) -> asl::Definition {
    asl::payment_processor(&asl::Settings {
        processor: processor.live().into(),
        table: table.table_name().into(),
        retry: asl::Backoff {
            interval_seconds: config.retry.interval.get(),
            rate: config.retry.backoff_rate.get(),
            attempts: config.retry.max_attempts.get(),
            max_delay_seconds: config.retry.max_delay.get(),
        },
        // Lambda must be the first to say that time is up: its answer names the cause.
        timeout_seconds: config.lambda.payment_processor.timeout.get() + 5,
        concurrency: 0,
    })
}

fn state_machine(
    names: &Names,
    definition: &asl::Definition,
    role: &Handle<Role>,
    logs: &Handle<LogGroup>,
) -> StateMachine {
    StateMachine {
        name: names.state_machine.clone(),
        workflow: Workflow::Standard,
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

/// One way in, and the statement that lets the API use it.
struct WayIn {
    permission: &'static str,
    method: &'static str,
    path: &'static str,
    /// The path as `execute-api` ARNs spell it.
    granted: &'static str,
}

const ROUTES: &[WayIn] = &[
    WayIn {
        permission: "post-webhooks",
        method: "POST",
        path: "/webhooks",
        granted: "webhooks",
    },
    WayIn {
        permission: "post-webhooks-provider",
        method: "POST",
        path: "/webhooks/{provider}",
        granted: "webhooks/*",
    },
];

fn api(names: &Names, validator: &Handle<Function>) -> Api {
    let route = |way: &WayIn| Route {
        method: way.method.to_owned(),
        ..Route::post(way.path, validator.live(), API_TIMEOUT_MS)
    };
    let routes = ROUTES.iter().map(route).collect();
    Api::new(
        names.api.clone(),
        "Payment webhooks; owned by payhook",
        routes,
    )
}

fn permission(route: &WayIn, api: &Handle<Api>, validator: &Handle<Function>) -> Permission {
    let resource = [
        api.id().into(),
        format!("/{STAGE}/{}/{}", route.method, route.granted).into(),
    ];
    Permission {
        sid: format!("payhook-{}", route.permission),
        function: validator.function_name().into(),
        principal: "apigateway.amazonaws.com".to_owned(),
        source_arn: arn("execute-api", resource),
        unmanaged: Unmanaged::new(),
    }
}

fn stage(
    config: &Config,
    api: &Handle<Api>,
    deployment: &Handle<ApiDeployment>,
    logs: &Handle<LogGroup>,
) -> ApiStage {
    ApiStage {
        name: STAGE.to_owned(),
        api: api.id().into(),
        deployment: deployment.id().into(),
        tracing: true,
        rate_limit: f64::from(config.throttling.rate_limit.get()),
        burst_limit: config.throttling.burst_limit.get(),
        access_log_group: logs.arn().into(),
        access_log_format: access_log_format(),
        detailed_metrics: true,
        unmanaged: Unmanaged::new(),
    }
}

/// Who, when, what came of it, and the trace; no header, query or body, which may hold personal data.
fn access_log_format() -> String {
    json!({
        "requestId": "$context.requestId",
        "time": "$context.requestTimeEpoch",
        "method": "$context.httpMethod",
        "resource": "$context.resourcePath",
        "status": "$context.status",
        "bytesOut": "$context.responseLength",
        "latencyMs": "$context.responseLatency",
        "integrationStatus": "$context.integration.status",
        "integrationLatencyMs": "$context.integration.latency",
        "errorType": "$context.error.responseType",
        "traceId": "$context.xrayTraceId"
    })
    .to_string()
}
