//! What is set beside a function by hand.

use super::*;

fn urls() -> String {
    "GET /2021-10-31/functions/payment-processor-dev/urls".to_owned()
}
fn asynchronous() -> String {
    "GET /2019-09-25/functions/payment-processor-dev/event-invoke-config/list".to_owned()
}
fn provisioned() -> String {
    let name = "payment-processor-dev";
    format!("GET /2019-09-30/functions/{name}/provisioned-concurrency?Qualifier=live")
}
fn policy(of: &str) -> String {
    format!("GET {F}/policy{of}")
}

fn statements(sids: &[&str]) -> Value {
    let statement = |sid: &&str| {
        json!({"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunctionUrl",
            "Resource": ARN})
    };
    let statements: Vec<Value> = sids.iter().map(statement).collect();
    json!({"Policy": json!({"Version": "2012-10-17", "Statement": statements}).to_string()})
}

async fn read_with(on_record: bool, answer: Reply) -> Observed<Function> {
    let shows = described(&function());
    let mut replies = shown(shows.clone(), Some(shows), Some(10)).to_vec();
    replies.push(answer);
    let (aws, _) = scripted(replies);
    let mut at = wanted(function());
    if on_record {
        at.outputs.insert("version".to_owned(), "7".to_owned());
    }
    Function::read(&aws, &at).await.unwrap().unwrap()
}

#[tokio::test]
async fn every_other_way_in_and_way_of_taking_calls_is_named_and_taken_back_by_its_own_call() {
    let url = json!({"FunctionUrlConfigs": [{"FunctionArn": format!("{ARN}:live"), "AuthType": "NONE",
        "FunctionUrl": "https://x", "CreationTime": "t", "LastModifiedTime": "t"}]});
    let events = json!({"FunctionEventInvokeConfigs": [{"FunctionArn": format!("{ARN}:$LATEST"),
        "MaximumRetryAttempts": 0}]});
    let name = "payment-processor-dev";
    let table = [
        (
            reply(&urls(), 200, url),
            "functionUrls",
            format!("DELETE /2021-10-31/functions/{name}/url?Qualifier=live"),
        ),
        (
            reply(&asynchronous(), 200, events),
            "asynchronousInvocation",
            format!("DELETE /2019-09-25/functions/{name}/event-invoke-config"),
        ),
        (
            reply(
                &provisioned(),
                200,
                json!({"RequestedProvisionedConcurrentExecutions": 5}),
            ),
            "provisionedConcurrency",
            format!("DELETE /2019-09-30/functions/{name}/provisioned-concurrency?Qualifier=live"),
        ),
        (
            reply(&policy(""), 200, statements(&["payhook-x"])),
            "policyStatements",
            format!("DELETE {F}/policy/payhook-x"),
        ),
        (
            reply(
                &policy("?Qualifier=live"),
                200,
                statements(&["payhook-post-webhooks", "public"]),
            ),
            "policyStatements",
            format!("DELETE {F}/policy/public?Qualifier=live"),
        ),
        // A name like ours makes nothing ours.
        (
            reply(&policy("?Qualifier=live"), 200, statements(&["payhook-x"])),
            "policyStatements",
            format!("DELETE {F}/policy/payhook-x?Qualifier=live"),
        ),
    ];
    for (answer, setting, back) in table {
        for on_record in [true, false] {
            let observed = read_with(on_record, answer.clone()).await;
            let named: Vec<&String> = observed.properties.unmanaged.keys().collect();
            assert_eq!(named, [setting]);
            let (aws, script) = scripted([reply(&back, 204, Value::Null)]);
            let put = Function::put(&aws, &wanted(function()), Some(&observed)).await;
            assert!(
                matches!(put.unwrap(), Put::Waiting(_)),
                "it is looked at again"
            );
            script.assert_calls([back.as_str()]);
        }
    }
}

#[tokio::test]
async fn the_statements_of_the_stacks_own_permissions_are_no_change() {
    let own = statements(&["payhook-post-webhooks", "payhook-get-webhooks-provider"]);
    let observed = read_with(true, reply(&policy("?Qualifier=live"), 200, own)).await;
    assert_eq!(observed.properties, function());
}
