//! The IAM policy with which payhook itself can deploy, check and destroy one environment, and nothing else.

mod storage;

use crate::config::{Config, StateBackend};
use crate::graph::Declared;
use crate::resources::{role::Role, tag};
use crate::stack::{Names, Stack};
use serde_json::{Value, json};

/// Actions on some resources of the environment.
struct Allow {
    sid: &'static str,
    actions: &'static [&'static str],
    resources: Vec<String>,
    condition: Option<Value>,
}

impl Allow {
    fn new(sid: &'static str, actions: &'static [&'static str], resources: Vec<String>) -> Self {
        Self {
            sid,
            actions,
            resources,
            condition: None,
        }
    }

    fn only_if(mut self, condition: Value) -> Self {
        self.condition = Some(condition);
        self
    }

    fn to_value(&self) -> Value {
        let mut statement = json!({
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": self.actions,
            "Resource": self.resources,
        });
        if let Some(condition) = &self.condition {
            statement["Condition"] = condition.clone();
        }
        statement
    }
}

/// Writes ARNs of one account and region.
struct Arns {
    region: String,
    account: String,
}

impl Arns {
    fn of(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:aws:{service}:{}:{}:{resource}",
            self.region, self.account
        )
    }

    fn global(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}::{}:{resource}", self.account)
    }
}

/// The policy of an environment. Where infra.toml names no account, `*` stands in its place.
///
/// Actions are those of the calls that payhook makes, and those that AWS makes in the deployer's name
/// (docs: DynamoDB encryption usage notes, Lambda environment encryption, IAM pass role).
pub fn deployer(config: &Config) -> Value {
    let arns = Arns {
        region: config.region.as_str().to_owned(),
        account: config
            .account
            .as_ref()
            .map_or("*".to_owned(), |account| account.as_str().to_owned()),
    };
    let stack = Stack::payment_webhooks(config);
    let names = &stack.names;
    let allowed = [
        everywhere(),
        key(&arns, names),
        storage::storage(&arns, names),
        functions(&arns, names),
        roles(&arns, &stack),
        workflow(&arns, names),
        api(&arns),
        watching(&arns, names),
        kept_state(&arns, config),
    ];
    let statements: Vec<Value> = allowed.iter().flatten().map(Allow::to_value).collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// What AWS offers on no resource of one's own.
fn everywhere() -> Vec<Allow> {
    let actions = &[
        "sts:GetCallerIdentity",
        "lambda:GetAccountSettings",
        "kms:ListKeys",
        "logs:DescribeLogGroups",
        // What carries the stack's tags although infra.toml and state know nothing of it; AWS knows no resource of it.
        "tag:GetResources",
    ];
    vec![Allow::new("NotOfAResource", actions, vec!["*".to_owned()])]
}

fn key(arns: &Arns, names: &Names) -> Vec<Allow> {
    let alias = arns.of("kms", &names.key_alias);
    let keys = arns.of("kms", "key/*");
    let env = |of: &str| json!({"StringEquals": {format!("aws:{of}/{}", tag::ENV): names.env}});
    vec![
        Allow::new("MakeTheKey", &["kms:CreateKey"], vec!["*".to_owned()])
            .only_if(env("RequestTag")),
        Allow::new(
            "FindTheKey",
            &["kms:DescribeKey", "kms:ListResourceTags"],
            vec![keys.clone()],
        ),
        Allow::new(
            "TheKey",
            &[
                "kms:CreateAlias",
                "kms:CreateGrant",
                "kms:Decrypt",
                "kms:DeleteAlias",
                "kms:DisableKeyRotation",
                "kms:EnableKey",
                "kms:EnableKeyRotation",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:GetKeyPolicy",
                "kms:GetKeyRotationStatus",
                "kms:PutKeyPolicy",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
                "kms:ScheduleKeyDeletion",
                "kms:TagResource",
                "kms:UntagResource",
                "kms:UpdateAlias",
                "kms:UpdateKeyDescription",
            ],
            vec![keys],
        )
        .only_if(env("ResourceTag")),
        Allow::new(
            "TheAlias",
            &["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
            vec![alias],
        ),
    ]
}

fn functions(arns: &Arns, names: &Names) -> Vec<Allow> {
    let each = [&names.validator, &names.processor];
    let arn = |name: &String| arns.of("lambda", &format!("function:{name}"));
    let resources = each.map(|name| [arn(name), format!("{}:*", arn(name))]);
    vec![Allow::new(
        "TheFunctions",
        &[
            "lambda:AddPermission",
            "lambda:CreateAlias",
            "lambda:CreateFunction",
            "lambda:DeleteFunction",
            "lambda:DeleteFunctionConcurrency",
            "lambda:DeleteFunctionEventInvokeConfig",
            "lambda:DeleteFunctionUrlConfig",
            "lambda:DeleteProvisionedConcurrencyConfig",
            "lambda:GetAlias",
            "lambda:GetFunction",
            "lambda:GetFunctionConcurrency",
            "lambda:GetFunctionConfiguration",
            "lambda:GetPolicy",
            "lambda:GetProvisionedConcurrencyConfig",
            "lambda:ListFunctionEventInvokeConfigs",
            "lambda:ListFunctionUrlConfigs",
            "lambda:ListVersionsByFunction",
            "lambda:PublishVersion",
            "lambda:PutFunctionConcurrency",
            "lambda:RemovePermission",
            "lambda:TagResource",
            "lambda:UntagResource",
            "lambda:UpdateAlias",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
        ],
        resources.into_iter().flatten().collect(),
    )]
}

fn roles(arns: &Arns, stack: &Stack) -> Vec<Allow> {
    let roles = stack.graph.nodes().filter(|node| node.kind == Role::KIND);
    let roles: Vec<String> = roles
        .map(|node| arns.global("iam", &format!("role/{}", node.physical)))
        .collect();
    let services = [
        "lambda.amazonaws.com",
        "states.amazonaws.com",
        "pipes.amazonaws.com",
        "apigateway.amazonaws.com",
    ];
    vec![
        Allow::new(
            "TheRoles",
            &[
                "iam:CreateRole",
                "iam:DeleteRole",
                "iam:DeleteRolePermissionsBoundary",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
                "iam:PutRolePolicy",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
            ],
            roles.clone(),
        ),
        Allow::new("HandOverTheRoles", &["iam:PassRole"], roles)
            .only_if(json!({"StringEquals": {"iam:PassedToService": services}})),
    ]
}

fn workflow(arns: &Arns, names: &Names) -> Vec<Allow> {
    vec![
        Allow::new(
            "TheStateMachine",
            &[
                "states:CreateStateMachine",
                "states:DeleteStateMachine",
                "states:DescribeStateMachine",
                "states:ListTagsForResource",
                "states:TagResource",
                "states:UntagResource",
                "states:UpdateStateMachine",
            ],
            vec![arns.of("states", &format!("stateMachine:{}", names.state_machine))],
        ),
        Allow::new(
            "ThePipe",
            &[
                "pipes:CreatePipe",
                "pipes:DeletePipe",
                "pipes:DescribePipe",
                "pipes:TagResource",
                "pipes:UntagResource",
                "pipes:UpdatePipe",
            ],
            vec![arns.of("pipes", &format!("pipe/{}", names.pipe))],
        ),
    ]
}

/// API Gateway's actions are HTTP methods on paths, and a path holds ids that AWS chooses.
fn api(arns: &Arns) -> Vec<Allow> {
    let path = |path: &str| format!("arn:aws:apigateway:{}::{path}", arns.region);
    vec![
        Allow::new(
            "TheApi",
            &[
                "apigateway:DELETE",
                "apigateway:GET",
                "apigateway:PATCH",
                "apigateway:POST",
                "apigateway:PUT",
            ],
            vec![path("/restapis"), path("/restapis/*"), path("/tags/*")],
        ),
        Allow::new(
            "TheLogRoleOfApis",
            &["apigateway:GET", "apigateway:PATCH"],
            vec![path("/account")],
        ),
    ]
}

fn watching(arns: &Arns, names: &Names) -> Vec<Allow> {
    let groups = [
        &names.validator_logs,
        &names.processor_logs,
        &names.state_machine_logs,
        &names.api_logs,
    ];
    let group = |name: &String| arns.of("logs", &format!("log-group:{name}"));
    let groups = groups.map(|name| [group(name), format!("{}:*", group(name))]);
    vec![
        Allow::new(
            "TheLogGroups",
            &[
                "logs:AssociateKmsKey",
                "logs:CreateLogGroup",
                "logs:DeleteDataProtectionPolicy",
                "logs:DeleteLogGroup",
                "logs:DeleteRetentionPolicy",
                "logs:ListTagsForResource",
                "logs:PutLogGroupDeletionProtection",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ],
            groups.into_iter().flatten().collect(),
        ),
        Allow::new(
            "TheAlarms",
            &[
                "cloudwatch:DeleteAlarms",
                "cloudwatch:DescribeAlarms",
                "cloudwatch:ListTagsForResource",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ],
            vec![arns.of("cloudwatch", &format!("alarm:{}", names.alarm("*")))],
        ),
        Allow::new(
            "TheDashboard",
            &[
                "cloudwatch:DeleteDashboards",
                "cloudwatch:GetDashboard",
                "cloudwatch:PutDashboard",
            ],
            vec![arns.global("cloudwatch", &format!("dashboard/{}-*", names.dashboard))],
        ),
        Allow::new(
            "TheTopic",
            &[
                "sns:CreateTopic",
                "sns:DeleteTopic",
                "sns:GetTopicAttributes",
                "sns:ListSubscriptionsByTopic",
                "sns:ListTagsForResource",
                "sns:SetTopicAttributes",
                "sns:Subscribe",
                "sns:TagResource",
                "sns:Unsubscribe",
                "sns:UntagResource",
            ],
            vec![arns.of("sns", &names.topic)],
        ),
    ]
}

/// The bucket of `[state]`, where state is kept in one.
fn kept_state(arns: &Arns, config: &Config) -> Vec<Allow> {
    let settings = &config.state;
    if settings.backend != StateBackend::S3 {
        return Vec::new();
    }
    let region = settings.region.as_ref().unwrap_or(&config.region).as_str();
    let bucket = match &settings.bucket {
        Some(bucket) => bucket.as_str().to_owned(),
        None => format!("payhook-state-{}-{region}", arns.account),
    };
    let bucket = format!("arn:aws:s3:::{bucket}");
    let (prefix, env) = (settings.prefix.as_str(), config.env.as_str());
    let objects = format!("{bucket}/{prefix}{env}/*");
    vec![
        Allow::new(
            "TheBucketOfTheState",
            &[
                "s3:CreateBucket",
                "s3:GetBucketTagging",
                "s3:ListBucket",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketPolicy",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketTagging",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
            ],
            vec![bucket],
        ),
        Allow::new(
            "TheState",
            &["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            vec![objects],
        ),
    ]
}

#[cfg(test)]
mod tests;
