//! Which IAM actions on which resources a request needs: its own, and what AWS does in the caller's name with it.
//!
//! Sources: the Service Authorization Reference of each service (actions, resource types, dependent actions); S3's "required
//! permissions for API operations"; DynamoDB's "encryption usage notes"; Lambda's "securing environment variables";
//! Secrets Manager's "encryption and decryption"; IAM's "granting permissions to pass a role".

#[path = "../../../src/resources/scripted/cbor.rs"]
mod cbor;
mod rest;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::request::Request;

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";
/// The environment whose life is lived; nothing else is in the account.
const ENV: &str = "local";

/// One action on one resource.
pub struct Need {
    pub action: String,
    pub resource: String,
    /// Condition keys that IAM knows of the request.
    pub context: BTreeMap<String, String>,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} {:?}", self.action, self.resource, self.context)
    }
}

fn need(action: impl Into<String>, resource: impl Into<String>) -> Need {
    Need {
        action: action.into(),
        resource: resource.into(),
        context: BTreeMap::new(),
    }
}

impl Need {
    fn with(mut self, key: &str, value: &str) -> Self {
        self.context.insert(key.to_owned(), value.to_owned());
        self
    }
}

fn arn(service: &str, resource: &str) -> String {
    match resource.starts_with("arn:") {
        true => resource.to_owned(),
        false => format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"),
    }
}

/// Everything that a request needs; nothing if it asks the emulator itself, which no signature is for.
pub fn of(request: &Request) -> Vec<Need> {
    let Some(service) = service(request) else {
        return Vec::new();
    };
    let operation = request.operation();
    let body = Body::of(request);
    match service.as_str() {
        "sts" => vec![need(format!("sts:{operation}"), "*")],
        "kms" => kms(&operation, &body),
        "dynamodb" => table(&operation, &body),
        "secretsmanager" => secret(&operation, &body),
        "sqs" => {
            let url = body.text("QueueUrl");
            let name = url.as_deref().and_then(|url| url.rsplit('/').next());
            let name = name.map(str::to_owned).or(body.text("QueueName"));
            one("sqs", &operation, name)
        }
        "logs" => group(&operation, &body),
        "iam" => {
            let role = body.text("RoleName").unwrap_or_default();
            let role = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
            vec![need(format!("iam:{operation}"), role)]
        }
        "states" => {
            let own = body.text("stateMachineArn").or(body.text("resourceArn"));
            let named = || body.text("name").map(|name| format!("stateMachine:{name}"));
            let mut needs = one("states", &operation, own.or_else(named));
            needs.extend(passed(body.text("roleArn"), "states.amazonaws.com"));
            needs
        }
        "monitoring" => watched(&operation, &body),
        "sns" => {
            let own = ["TopicArn", "ResourceArn", "Name", "SubscriptionArn"];
            let topic = own.into_iter().find_map(|name| body.text(name));
            // A subscription's ARN is its topic's and an id.
            let topic = topic.map(|topic| topic.split(':').take(6).collect::<Vec<_>>().join(":"));
            one("sns", &operation, topic)
        }
        "lambda" => rest::lambda(request, &body),
        "apigateway" => rest::api(request, &body),
        "pipes" => rest::pipe(request, &body),
        "s3" => rest::bucket(request),
        // It lists what it finds whatever one may do with that.
        "tagging" => vec![need(format!("tag:{operation}"), "*")],
        other => panic!("nobody knows what {other} needs for {operation}"),
    }
}

/// The service that a request is signed for.
fn service(request: &Request) -> Option<String> {
    let signed = request.header("authorization")?;
    let scope = signed.split_once("Credential=").expect("a credential").1;
    let service = scope.split('/').nth(3).expect("a service");
    Some(service.to_owned())
}

fn one(service: &str, operation: &str, resource: Option<String>) -> Vec<Need> {
    let resource = resource.map_or("*".to_owned(), |resource| arn(service, &resource));
    vec![need(format!("{service}:{operation}"), resource)]
}

/// Handing a role to a service.
fn passed(role: Option<String>, service: &str) -> Option<Need> {
    let need = role.map(|role| need("iam:PassRole", role));
    need.map(|need| need.with("iam:PassedToService", service))
}

/// What a service does with a key in the caller's name.
fn with_the_key(key: Option<String>, actions: &[&str]) -> Vec<Need> {
    let keys = key.into_iter().filter(|key| !key.is_empty());
    keys.flat_map(|key| actions.iter().map(move |action| on_key(action, &key)))
        .collect()
}

fn on_key(action: &str, key: &str) -> Need {
    let key = match key.starts_with("arn:") || key.starts_with("key/") {
        true => key.to_owned(),
        false => format!("key/{key}"),
    };
    let need = need(format!("kms:{action}"), arn("kms", &key));
    need.with("aws:ResourceTag/payhook:env", ENV)
}

fn kms(operation: &str, body: &Body) -> Vec<Need> {
    let alias = body.text("AliasName");
    match operation {
        "ListKeys" => vec![need("kms:ListKeys", "*")],
        "CreateKey" => {
            let tags = body.0["Tags"].as_array().cloned().unwrap_or_default();
            let env = tags.iter().find(|tag| tag["TagKey"] == "payhook:env");
            let env = env.and_then(|tag| tag["TagValue"].as_str());
            let need = need("kms:CreateKey", "*");
            vec![need.with("aws:RequestTag/payhook:env", env.unwrap_or_default())]
        }
        // The alias and the key that it leads to.
        _ if alias.is_some() => {
            let key = body.text("TargetKeyId");
            vec![
                need(
                    format!("kms:{operation}"),
                    arn("kms", &alias.unwrap_or_default()),
                ),
                on_key(operation, &key.unwrap_or_else(|| "key/any".to_owned())),
            ]
        }
        _ => vec![on_key(operation, &body.text("KeyId").unwrap_or_default())],
    }
}

fn table(operation: &str, body: &Body) -> Vec<Need> {
    let own = ["ResourceArn", "StreamArn"]
        .into_iter()
        .find_map(|name| body.text(name));
    let named = || body.text("TableName").map(|name| format!("table/{name}"));
    let own =
        own.or_else(named).map(
            |own| match own.starts_with("arn:") || own.starts_with("table/") {
                true => own,
                false => format!("table/{own}"),
            },
        );
    let mut needs = one("dynamodb", operation, own);
    let key = body.0["SSESpecification"]["KMSMasterKeyId"].as_str();
    let actions = [
        "CreateGrant",
        "Decrypt",
        "DescribeKey",
        "Encrypt",
        "GenerateDataKey",
        "ReEncryptFrom",
        "ReEncryptTo",
    ];
    needs.extend(with_the_key(key.map(str::to_owned), &actions));
    needs
}

fn secret(operation: &str, body: &Body) -> Vec<Need> {
    let own = body.text("SecretId").or(body.text("Name"));
    let own = own.map(|own| match own.starts_with("arn:") {
        true => own,
        // The six characters that Secrets Manager puts behind a name.
        false => format!("secret:{own}-AbCdEf"),
    });
    let mut needs = one("secretsmanager", operation, own);
    needs.extend(with_the_key(
        body.text("KmsKeyId"),
        &["Decrypt", "GenerateDataKey"],
    ));
    needs
}

fn group(operation: &str, body: &Body) -> Vec<Need> {
    let own = [
        "resourceArn",
        "resourceIdentifier",
        "logGroupIdentifier",
        "logGroupName",
    ];
    let own = own.into_iter().find_map(|name| body.text(name));
    let own = own.map(|own| match own.starts_with("arn:") {
        true => own,
        false => format!("log-group:{own}"),
    });
    match operation {
        // It lists, and knows no resource.
        "DescribeLogGroups" => one("logs", operation, None),
        _ => one("logs", operation, own),
    }
}

fn watched(operation: &str, body: &Body) -> Vec<Need> {
    let action = format!("cloudwatch:{operation}");
    let dashboards = body.listed(&["DashboardNames", "DashboardName"]);
    if !dashboards.is_empty() {
        let arn = |name: String| format!("arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}");
        let needs = dashboards.into_iter().map(|name| need(&action, arn(name)));
        return needs.collect();
    }
    let alarms = body.listed(&["AlarmNames", "AlarmName", "ResourceARN"]);
    let alarms = alarms
        .into_iter()
        .map(|name| match name.starts_with("arn:") {
            true => name,
            false => format!("alarm:{name}"),
        });
    alarms
        .map(|alarm| need(&action, arn("cloudwatch", &alarm)))
        .collect()
}

/// What a request says, whatever its protocol.
pub(super) struct Body(Value);

impl Body {
    fn of(request: &Request) -> Self {
        if let Ok(json) = serde_json::from_slice(&request.body) {
            return Self(json);
        }
        if request.start.contains("/operation/") {
            return Self(cbor::decode(&request.body));
        }
        let form = pairs(&String::from_utf8_lossy(&request.body)).into_iter();
        Self(
            form.map(|(name, value)| (name, Value::from(value)))
                .collect(),
        )
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0[name].as_str().map(str::to_owned)
    }

    /// The texts of the first of these members that is there.
    fn listed(&self, names: &[&str]) -> Vec<String> {
        let found = names
            .iter()
            .map(|name| &self.0[*name])
            .find(|one| !one.is_null());
        match found {
            Some(Value::Array(all)) => all
                .iter()
                .filter_map(|one| one.as_str().map(str::to_owned))
                .collect(),
            Some(one) => one.as_str().map(str::to_owned).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

/// Names and values of a form or a query.
fn pairs(text: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://of-no-meaning/?{text}")).expect("a query");
    url.query_pairs().into_owned().collect()
}
