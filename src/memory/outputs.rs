//! What resources in memory give to others.

use crate::resources::{Address, Given, Kind, Outputs, definition};

/// The output that holds an id which AWS chose, for kinds without unique names.
pub(super) fn chosen_by_aws(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Key => Some("keyId"),
        Kind::Api => Some("apiId"),
        _ => None,
    }
}

/// All outputs of a resource just made.
pub(super) fn outputs(at: &Address, given: &Given, serial: u64) -> Outputs {
    let mut outputs = definition(at.kind).predicted(&at.properties, given);
    let id = format!("{serial:08x}");
    let mut put = |name: &str, value: String| {
        outputs.entry(name.to_owned()).or_insert(value);
    };
    let name = &at.physical;
    match at.kind {
        Kind::Key => {
            let key = format!("{id}-0000-4000-8000-000000000000");
            put("keyArn", given.arn("kms", &format!("key/{key}")));
            put("keyId", key);
        }
        Kind::Api => {
            put("apiId", format!("api{id}"));
            put("apiContent", format!("content-{id}"));
        }
        Kind::ApiDeployment => put("deploymentId", format!("dep{id}")),
        Kind::ApiStage => put("stageName", name.clone()),
        Kind::Secret => put(
            "secretArn",
            given.arn("secretsmanager", &format!("secret:{name}-{}", &id[2..])),
        ),
        Kind::Table => {
            put("tableArn", given.arn("dynamodb", &format!("table/{name}")));
            put("tableName", name.clone());
            put("streamArn", renewed("streamArn", name, serial));
        }
        Kind::Queue => put("queueArn", given.arn("sqs", name)),
        Kind::Topic => put("topicArn", given.arn("sns", name)),
        Kind::LogGroup => {
            put(
                "logGroupArn",
                given.arn("logs", &format!("log-group:{name}")),
            );
            put("logGroupName", name.clone());
        }
        Kind::Role => {
            put(
                "roleArn",
                format!("arn:aws:iam::{}:role/{name}", given.account),
            );
            put("roleId", format!("AROA{}", id.to_uppercase()));
        }
        Kind::Function => {
            put("functionName", name.clone());
            put(
                "aliasArn",
                given.arn("lambda", &format!("function:{name}:live")),
            );
        }
        Kind::StateMachine => put(
            "stateMachineArn",
            given.arn("states", &format!("stateMachine:{name}")),
        ),
        _ => {}
    }
    outputs
}

/// A new value for an output that an update renews.
pub(super) fn renewed(output: &str, name: &str, serial: u64) -> String {
    format!("arn:aws:dynamodb:eu-central-1:123456789012:table/{name}/{output}/{serial:08x}")
}

/// Where the resource with these outputs lives.
pub(super) fn given_of(_outputs: &Outputs) -> Given {
    Given {
        partition: "aws".to_owned(),
        region: "eu-central-1".to_owned(),
        account: "123456789012".to_owned(),
    }
}
