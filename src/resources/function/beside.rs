//! What can be set beside a function rather than on it, and payhook never sets: other ways in, and how calls are taken.

use super::Function;
use crate::resources::permission::SIDS;
use crate::resources::policy::document;
use crate::resources::unmanaged::collected;
use crate::resources::{Aws, CloudError, During, Unmanaged};
use aws_sdk_lambda::types::{FunctionEventInvokeConfig, FunctionUrlConfig};
use serde_json::{Value, json};

const URLS: &str = "functionUrls";
const ASYNCHRONOUS: &str = "asynchronousInvocation";
const PROVISIONED: &str = "provisionedConcurrency";
const STATEMENTS: &str = "policyStatements";

/// What was found beside a function.
pub(super) async fn read(aws: &Aws, name: &str) -> Result<Unmanaged, CloudError> {
    let (urls, asynchronous, provisioned, own, live) = tokio::try_join!(
        urls(aws, name),
        asynchronous(aws, name),
        provisioned(aws, name),
        statements(aws, name, None),
        statements(aws, name, Some(Function::ALIAS)),
    )?;
    let filled = |list: Vec<Value>| (!list.is_empty()).then(|| Value::from(list));
    Ok(collected([
        (URLS, filled(urls)),
        (ASYNCHRONOUS, filled(asynchronous)),
        (PROVISIONED, provisioned.map(Value::from)),
        (STATEMENTS, filled([own, live].concat())),
    ]))
}

/// Whether a setting is one of these.
pub(super) fn holds(setting: &str) -> bool {
    [URLS, ASYNCHRONOUS, PROVISIONED, STATEMENTS].contains(&setting)
}

/// Takes back what was found; whether there was anything.
pub(super) async fn take_back(
    aws: &Aws,
    name: &str,
    found: &Unmanaged,
) -> Result<bool, CloudError> {
    let all = |setting: &str| {
        found
            .get(setting)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    for url in all(URLS) {
        let call = aws.lambda.delete_function_url_config().function_name(name);
        let call = call.set_qualifier(qualifier(url)).send().await;
        call.or_absent("lambda:DeleteFunctionUrlConfig")?;
    }
    for config in all(ASYNCHRONOUS) {
        let call = aws.lambda.delete_function_event_invoke_config();
        let call = call.function_name(name).set_qualifier(qualifier(config));
        call.send()
            .await
            .or_absent("lambda:DeleteFunctionEventInvokeConfig")?;
    }
    if found.contains_key(PROVISIONED) {
        let call = aws.lambda.delete_provisioned_concurrency_config();
        let call = call.function_name(name).qualifier(Function::ALIAS);
        call.send()
            .await
            .or_absent("lambda:DeleteProvisionedConcurrencyConfig")?;
    }
    for statement in all(STATEMENTS) {
        let _turn = aws.turns.take(&Function::policy_turn(name)).await;
        let call = aws.lambda.remove_permission().function_name(name);
        let call = call
            .set_qualifier(qualifier(statement))
            .set_statement_id(statement["sid"].as_str().map(str::to_owned));
        call.send().await.or_absent("lambda:RemovePermission")?;
    }
    Ok(found.keys().any(|setting| holds(setting)))
}

fn qualifier(entry: &Value) -> Option<String> {
    entry["qualifier"].as_str().map(str::to_owned)
}

/// The alias or version at the end of an ARN; none for the function itself.
fn qualifier_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(7).filter(|q| *q != "$LATEST")
}

async fn urls(aws: &Aws, name: &str) -> Result<Vec<Value>, CloudError> {
    let pages = aws.lambda.list_function_url_configs().function_name(name);
    let pages = pages.into_paginator().items().send();
    let listed = pages.collect::<Result<Vec<FunctionUrlConfig>, _>>().await;
    let listed = listed.or_absent("lambda:ListFunctionUrlConfigs")?;
    let listed = listed.into_iter().flatten();
    let found = listed.map(|url| {
        let qualifier = qualifier_of(url.function_arn());
        json!({"qualifier": qualifier, "authType": url.auth_type().as_str()})
    });
    Ok(found.collect())
}

async fn asynchronous(aws: &Aws, name: &str) -> Result<Vec<Value>, CloudError> {
    let pages = aws.lambda.list_function_event_invoke_configs();
    let pages = pages.function_name(name).into_paginator().items().send();
    let listed = pages
        .collect::<Result<Vec<FunctionEventInvokeConfig>, _>>()
        .await;
    let listed = listed.or_absent("lambda:ListFunctionEventInvokeConfigs")?;
    let listed = listed.into_iter().flatten();
    let found = listed.map(|config| {
        let sent_on = config.destination_config();
        let success = sent_on.and_then(|to| to.on_success()?.destination());
        let failure = sent_on.and_then(|to| to.on_failure()?.destination());
        json!({
            "qualifier": config.function_arn().and_then(qualifier_of),
            "retries": config.maximum_retry_attempts(),
            "eventAgeSeconds": config.maximum_event_age_in_seconds(),
            "onSuccess": success,
            "onFailure": failure,
        })
    });
    Ok(found.collect())
}

async fn provisioned(aws: &Aws, name: &str) -> Result<Option<i32>, CloudError> {
    let call = aws.lambda.get_provisioned_concurrency_config();
    let call = call.function_name(name).qualifier(Function::ALIAS);
    let shown = call.send().await;
    let shown = shown.or_absent("lambda:GetProvisionedConcurrencyConfig")?;
    Ok(shown.and_then(|shown| shown.requested_provisioned_concurrent_executions))
}

/// Statements of a policy other than those of the stack's own permissions, which all are on the alias.
async fn statements(
    aws: &Aws,
    name: &str,
    qualifier: Option<&str>,
) -> Result<Vec<Value>, CloudError> {
    let call = aws.lambda.get_policy().function_name(name);
    let shown = call
        .set_qualifier(qualifier.map(str::to_owned))
        .send()
        .await;
    let policy = shown.or_absent("lambda:GetPolicy")?;
    let policy = policy.and_then(|shown| shown.policy).unwrap_or_default();
    let found = match policy.is_empty() {
        true => Vec::new(),
        false => document::statements(&policy),
    };
    let foreign = found.into_iter().filter(|statement| {
        let text = |field: &str| statement[field].as_str().unwrap_or_default();
        match qualifier {
            Some(_) => !SIDS.contains(&text("Sid")),
            // An emulator shows those of the alias here too.
            None => qualifier_of(text("Resource")) != Some(Function::ALIAS),
        }
    });
    let entry = |statement: Value| {
        json!({"qualifier": qualifier, "sid": statement["Sid"], "principal": statement["Principal"],
            "action": statement["Action"], "condition": statement["Condition"]})
    };
    Ok(foreign.map(entry).collect())
}
