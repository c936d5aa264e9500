//! Least privilege, in the policies that the deployed roles really have.

use serde_json::Value;

use super::deployed::{Deployed, deployed};

/// What AWS offers on no particular resource: tracing, log delivery, and finding streams.
const UNSCOPED: [&str; 3] = ["xray:", "logs:", "dynamodb:ListStreams"];

/// Names of the roles that the stack's functions, state machine, pipe and API use.
async fn roles(stack: &Deployed) -> Vec<String> {
    let clients = stack.clients().await;
    let mut arns = Vec::new();
    for name in [
        "webhookValidatorFunctionName",
        "paymentProcessorFunctionName",
    ] {
        let function = clients
            .lambda()
            .get_function_configuration()
            .function_name(stack.output(name));
        arns.push(
            function
                .send()
                .await
                .expect("GetFunctionConfiguration")
                .role,
        );
    }
    let machine = clients.sfn().describe_state_machine();
    let machine = machine
        .state_machine_arn(stack.output("stateMachineArn"))
        .send()
        .await;
    arns.push(Some(machine.expect("DescribeStateMachine").role_arn));
    let pipe = clients
        .pipes()
        .describe_pipe()
        .name(stack.output("pipeName"))
        .send()
        .await;
    arns.push(pipe.expect("DescribePipe").role_arn);
    let name = |arn: Option<String>| arn.and_then(|arn| arn.rsplit('/').next().map(str::to_owned));
    arns.into_iter()
        .map(|arn| name(arn).expect("a role"))
        .collect()
}

/// Every statement of a role's policies.
async fn statements(stack: &Deployed, role: &str) -> Vec<Value> {
    let iam = stack.clients().await.iam();
    let policies = iam.list_role_policies().role_name(role).send().await;
    let mut statements = Vec::new();
    for policy in policies.expect("ListRolePolicies").policy_names {
        let policy = iam
            .get_role_policy()
            .role_name(role)
            .policy_name(policy)
            .send()
            .await;
        let document = policy.expect("GetRolePolicy").policy_document;
        let document = percent_encoding::percent_decode_str(&document).decode_utf8_lossy();
        let document: Value = serde_json::from_str(&document).expect("a policy");
        statements.extend(
            document["Statement"]
                .as_array()
                .expect("statements")
                .clone(),
        );
    }
    statements
}

/// A text or a list of texts, as policies allow.
fn texts(value: &Value) -> Vec<&str> {
    let list = value
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or(std::slice::from_ref(value));
    list.iter().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn no_role_has_a_wildcard_in_an_action_or_a_managed_policy() {
    let stack = deployed();
    let roles = roles(stack).await;
    assert_eq!(
        roles
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        4,
        "one role each"
    );
    for role in roles {
        let attached = stack.clients().await.iam().list_attached_role_policies();
        let attached = attached
            .role_name(&role)
            .send()
            .await
            .expect("ListAttachedRolePolicies");
        assert!(attached.attached_policies().is_empty(), "{role}");
        let statements = statements(stack, &role).await;
        assert!(!statements.is_empty(), "{role} may do nothing");
        for statement in statements {
            assert!(statement["NotAction"].is_null(), "{role}: {statement}");
            let actions = texts(&statement["Action"]);
            assert!(!actions.is_empty(), "{role}: {statement}");
            let broad = actions.iter().find(|action| action.contains(['*', '?']));
            assert!(broad.is_none(), "{role}: {broad:?}");
        }
    }
}

#[tokio::test]
async fn every_role_names_exact_resources_wherever_aws_lets_it() {
    let stack = deployed();
    for role in roles(stack).await {
        for statement in statements(stack, &role).await {
            assert!(statement["NotResource"].is_null(), "{role}: {statement}");
            if texts(&statement["Resource"]).contains(&"*") {
                for action in texts(&statement["Action"]) {
                    let allowed = UNSCOPED.iter().any(|start| action.starts_with(start));
                    assert!(allowed, "{role} may {action} on everything");
                }
            }
        }
    }
}
