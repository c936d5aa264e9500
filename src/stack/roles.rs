//! Who may do what: every policy of the stack, as grants.

use super::{Logs, Names};
use crate::graph::{Graph, Handle, Input, Output, Part, Text, join};
use crate::resources::bucket::{Bucket, Objects};
use crate::resources::event_bus::EventBus;
use crate::resources::function::Function;
use crate::resources::key::{Key, ServiceUse};
use crate::resources::log_group::LogGroup;
use crate::resources::pipe::Pipe;
use crate::resources::policy::{Condition, Unscoped};
use crate::resources::queue::Queue;
use crate::resources::role::Role;
use crate::resources::secret::Secret;
use crate::resources::state_machine::StateMachine;
use crate::resources::table::{Stream, Table};

/// One role for each thing that acts.
pub(super) struct Roles {
    pub validator: Handle<Role>,
    pub processor: Handle<Role>,
    pub state_machine: Handle<Role>,
    pub pipe: Handle<Role>,
    pub api_logs: Handle<Role>,
}

/// What the roles are granted access to.
pub(super) struct Grants<'a> {
    pub names: &'a Names,
    pub key: &'a Handle<Key>,
    pub table: &'a Handle<Table>,
    pub bodies: &'a Handle<Bucket>,
    pub secret: &'a Handle<Secret>,
    pub dead_letters: &'a Handle<Queue>,
    pub bus: &'a Handle<EventBus>,
    pub processor: &'a Handle<Function>,
    pub state_machine: &'a Handle<StateMachine>,
    pub logs: &'a Logs,
    /// Providers whose events come from a list, so that payment-processor stores them.
    pub listing: Vec<&'a str>,
}

impl Roles {
    /// The roles, each assumable by its one service and, where the service says for what, only for that.
    pub fn add(g: &mut Graph, names: &Names) -> Self {
        let mut role = |logical: &str, service: &str, conditions| {
            let name = names.role(logical);
            g.add(
                &format!("{logical}-role"),
                Role::assumed_by(name, service, conditions),
            )
        };
        Self {
            validator: role("webhook-validator", "lambda.amazonaws.com", vec![]),
            processor: role("payment-processor", "lambda.amazonaws.com", vec![]),
            state_machine: role(
                "state-machine",
                "states.amazonaws.com",
                only_for(StateMachine::arn_of(&names.state_machine)),
            ),
            pipe: role(
                "payment-events-pipe",
                "pipes.amazonaws.com",
                only_for(Pipe::arn_of(&names.pipe)),
            ),
            api_logs: role(
                "payment-webhook-api-logs",
                "apigateway.amazonaws.com",
                vec![],
            ),
        }
    }

    /// Least privilege for each.
    pub fn grant(&self, g: &mut Graph, to: &Grants<'_>) {
        let role = &self.validator;
        role.grant(g, to.table, Table::PUT_ITEM);
        role.grant_if(
            g,
            to.key,
            Key::DECRYPT,
            vec![Condition::via("dynamodb"), of_table(to.names)],
        );
        // Whether a large body's event is known: markers only, no payment.
        role.grant_if(g, to.table, Table::GET_ITEM, vec![only_markers()]);
        role.grant(g, &to.bodies.objects(), Objects::PUT);
        // What S3 decrypts for a write is the bucket's data key, never a body: those the function may not read.
        role.grant_if(
            g,
            to.key,
            Key::ENCRYPT_DECRYPT,
            vec![Condition::via("s3"), of_bucket(to.bodies)],
        );
        role.grant(g, to.secret, Secret::READ_VALUE);
        role.grant_if(
            g,
            to.key,
            Key::DECRYPT,
            vec![Condition::via("secretsmanager"), of_secret(to.secret)],
        );
        role.grant(g, &to.logs.validator, LogGroup::WRITE);
        role.grant_unscoped(g, Unscoped::Tracing);

        let role = &self.processor;
        role.grant(g, to.table, Table::GET_ITEM);
        role.grant(g, to.table, Table::UPDATE_ITEM);
        if !to.listing.is_empty() {
            let own = vec![only_of(&to.listing)];
            role.grant_if(g, to.table, Table::PUT_ITEM, own);
        }
        role.grant_if(
            g,
            to.key,
            Key::DECRYPT,
            vec![Condition::via("dynamodb"), of_table(to.names)],
        );
        role.grant(g, to.secret, Secret::READ_VALUE);
        role.grant_if(
            g,
            to.key,
            Key::DECRYPT,
            vec![Condition::via("secretsmanager"), of_secret(to.secret)],
        );
        role.grant(g, to.bus, EventBus::PUT_EVENTS);
        role.grant(g, &to.logs.processor, LogGroup::WRITE);
        role.grant_unscoped(g, Unscoped::Tracing);

        let role = &self.state_machine;
        role.grant(g, to.processor, Function::INVOKE);
        role.grant(g, to.table, Table::UPDATE_ITEM);
        role.grant_if(
            g,
            to.key,
            Key::DECRYPT,
            vec![Condition::via("dynamodb"), of_table(to.names)],
        );
        role.grant_unscoped(g, Unscoped::LogDelivery);
        role.grant_unscoped(g, Unscoped::WorkflowTracing);

        let role = &self.pipe;
        role.grant(g, &to.table.stream(), Stream::READ);
        role.grant_unscoped(g, Unscoped::StreamDiscovery);
        role.grant_if(
            g,
            to.key,
            Key::DECRYPT,
            vec![Condition::via("dynamodb"), of_table(to.names)],
        );
        role.grant(g, to.state_machine, StateMachine::START);
        role.grant(g, to.dead_letters, Queue::SEND);
        role.grant_if(g, to.key, Key::ENCRYPT_DECRYPT, vec![Condition::via("sqs")]);

        self.api_logs.grant_unscoped(g, Unscoped::ApiLogs);
    }
}

fn only_for(arn: Input<Text>) -> Vec<Condition> {
    let account = Input::from(Output::account()).into_text();
    vec![
        Condition::new("StringEquals", "aws:SourceAccount", account),
        Condition::new("ArnLike", "aws:SourceArn", arn),
    ]
}

fn of_table(names: &Names) -> Condition {
    Condition::new(
        "StringEquals",
        "kms:EncryptionContext:aws:dynamodb:tableName",
        names.table.clone(),
    )
}

fn only_markers() -> Condition {
    Condition::new("ForAllValues:StringLike", "dynamodb:LeadingKeys", "event:*")
}

/// Payments of these providers, and the markers of their events.
fn only_of(providers: &[&str]) -> Condition {
    let keys = |provider: &&str| [format!("{provider}:*"), format!("event:{provider}:*")];
    let keys = providers.iter().flat_map(keys).map(Input::known);
    Condition {
        operator: "ForAllValues:StringLike".to_owned(),
        key: "dynamodb:LeadingKeys".to_owned(),
        values: keys.collect(),
    }
}

/// With a bucket key, what is encrypted belongs to the bucket and not to one object (S3: bucket keys).
fn of_bucket(bodies: &Handle<Bucket>) -> Condition {
    Condition::new(
        "StringEquals",
        "kms:EncryptionContext:aws:s3:arn",
        bodies.expected_arn(),
    )
}

fn of_secret(secret: &Handle<Secret>) -> Condition {
    Condition::new(
        "StringEquals",
        "kms:EncryptionContext:SecretARN",
        Input::from(secret.arn()).into_text(),
    )
}

/// Services that use the key in their own name. Log group names are known beforehand, so nothing waits in a circle.
pub(super) fn key_services(names: &Names) -> Vec<ServiceUse> {
    let groups = [
        &names.validator_logs,
        &names.processor_logs,
        &names.state_machine_logs,
        &names.api_logs,
    ];
    let logs: [Part; 3] = [
        "logs.".into(),
        Output::region().into(),
        ".amazonaws.com".into(),
    ];
    let actions = |names: &[&str]| names.iter().map(|name| format!("kms:{name}")).collect();
    vec![
        ServiceUse {
            sid: "LogGroups".to_owned(),
            principal: join(logs),
            actions: actions(&[
                "Decrypt",
                "DescribeKey",
                "Encrypt",
                "GenerateDataKey",
                "GenerateDataKeyWithoutPlaintext",
                "ReEncryptFrom",
                "ReEncryptTo",
            ]),
            conditions: vec![Condition {
                operator: "ArnEquals".to_owned(),
                key: "kms:EncryptionContext:aws:logs:arn".to_owned(),
                values: groups.iter().map(|name| LogGroup::arn_of(name)).collect(),
            }],
        },
        ServiceUse {
            sid: "Alarms".to_owned(),
            principal: Input::known("cloudwatch.amazonaws.com"),
            actions: actions(&["Decrypt", "GenerateDataKey"]),
            conditions: vec![Condition::new(
                "StringEquals",
                "aws:SourceAccount",
                Input::from(Output::account()).into_text(),
            )],
        },
    ]
}
