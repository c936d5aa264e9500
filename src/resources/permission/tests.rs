use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Delete, Live, Observed, Outputs, Put};
use proptest::prelude::*;
use serde_json::{Value, json};

const SOURCE: &str = "arn:aws:execute-api:eu-central-1:123456789012:a1/prod/POST/webhooks";
const POLICY: &str = "GET /2015-03-31/functions/webhook-validator-dev/policy?Qualifier=live";
const ADD: &str = "POST /2015-03-31/functions/webhook-validator-dev/policy?Qualifier=live";
const REMOVE: &str =
    "DELETE /2015-03-31/functions/webhook-validator-dev/policy/webhooks?Qualifier=live";

fn permission() -> Permission {
    Permission {
        sid: "webhooks".to_owned(),
        function: Input::known("webhook-validator-dev"),
        principal: "apigateway.amazonaws.com".to_owned(),
        source_arn: Input::known(SOURCE),
        unmanaged: Unmanaged::new(),
    }
}

fn statement(permission: &Permission) -> Value {
    json!({
        "Sid": permission.sid,
        "Effect": "Allow",
        "Principal": {"Service": permission.principal},
        "Action": "lambda:InvokeFunction",
        "Resource": "arn:aws:lambda:eu-central-1:123456789012:function:webhook-validator-dev:live",
        "Condition": {"ArnLike": {"AWS:SourceArn": permission.source_arn.get().unwrap()}},
    })
}

fn policy(statements: Vec<Value>) -> Reply {
    let policy = json!({"Version": "2012-10-17", "Id": "default", "Statement": statements});
    reply(POLICY, 200, json!({ "Policy": policy.to_string() }))
}

async fn read(statements: Vec<Value>) -> Option<Observed<Permission>> {
    let (aws, script) = scripted([policy(statements)]);
    let found = Permission::read(&aws, &at("webhooks", permission())).await;
    script.assert_calls([POLICY]);
    found.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_read_gives_back_every_property_among_other_statements(
        principal in "[a-z]{3,9}\\.amazonaws\\.com", source in "arn:aws:[a-z]{3}:\\*/[a-z]{3}"
    ) {
        let wanted = Permission { principal, source_arn: Input::known(source), ..permission() };
        let other = Permission { sid: "other".to_owned(), ..permission() };
        let found = run(read(vec![statement(&other), statement(&wanted)])).unwrap();
        prop_assert_eq!(found.properties, wanted);
        prop_assert_eq!(found.tags, None);
    }
}

#[tokio::test]
async fn a_statement_that_allows_more_or_less_than_ours_is_told_apart() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 4] = [
        ("Action", |s| s["Action"] = json!("lambda:*")),
        ("Effect", |s| s["Effect"] = json!("Deny")),
        ("Principal", |s| s["Principal"] = json!("*")),
        ("Condition", |s| {
            s["Condition"]["StringEquals"] = json!({"AWS:SourceAccount": "1"});
        }),
    ];
    for (name, change) in changes {
        let mut changed = statement(&permission());
        change(&mut changed);
        let found = read(vec![changed]).await.unwrap().properties;
        assert_eq!(found.unmanaged.keys().collect::<Vec<_>>(), [name]);
    }
    let mut open = statement(&permission());
    open["Condition"] = Value::Null;
    let found = read(vec![open]).await.unwrap().properties;
    assert_eq!(found.source_arn, Input::known(""));
}

#[tokio::test]
async fn without_a_policy_a_statement_or_a_function_there_is_none() {
    assert!(read(vec![]).await.is_none());
    let code = "ResourceNotFoundException";
    let (aws, _) = scripted([reply_error(POLICY, 404, code, "no policy")]);
    let found = Permission::read(&aws, &at("webhooks", permission())).await;
    assert!(found.unwrap().is_none());

    let open = crate::graph::Output::new("validator".into(), "functionName");
    let unknown = Permission {
        function: open.into(),
        ..permission()
    };
    let (aws, script) = scripted([]);
    let found = Permission::read(&aws, &at("webhooks", unknown)).await;
    assert!(found.unwrap().is_none());
    script.assert_calls([]);
}

#[tokio::test]
async fn a_new_permission_is_added_to_the_alias_and_bound_to_its_source() {
    let (aws, script) = scripted([reply(ADD, 201, json!({}))]);
    let done = Permission::put(&aws, &at("webhooks", permission()), None).await;
    assert_eq!(done.unwrap(), Put::Done(Outputs::new()));
    let sent = json!({"StatementId": "webhooks", "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com", "SourceArn": SOURCE});
    assert_eq!(script.body(ADD), sent);
}

#[tokio::test]
async fn an_equal_statement_is_left_alone_and_another_one_replaced() {
    let same = read(vec![statement(&permission())]).await.unwrap();
    let at: At<Permission> = at("webhooks", permission());
    let (aws, script) = scripted([]);
    Permission::put(&aws, &at, Some(&same)).await.unwrap();
    script.assert_calls([]);

    let mut open = statement(&permission());
    open["Condition"] = Value::Null;
    let open = read(vec![open]).await.unwrap();
    let (aws, script) = scripted([reply(REMOVE, 204, Value::Null), reply(ADD, 201, json!({}))]);
    Permission::put(&aws, &at, Some(&open)).await.unwrap();
    script.assert_calls([REMOVE, ADD]);
}

#[tokio::test]
async fn a_permission_that_went_with_its_function_counts_as_deleted() {
    let observed = read(vec![statement(&permission())]).await.unwrap();
    for answer in [
        reply(REMOVE, 204, Value::Null),
        reply_error(REMOVE, 404, "ResourceNotFoundException", "gone"),
    ] {
        let (aws, _) = scripted([answer]);
        let gone = Permission::delete(&aws, &at("webhooks", permission()), &observed).await;
        assert_eq!(gone.unwrap(), Delete::Gone);
    }
}

#[test]
fn a_late_alias_and_a_concurrent_change_are_waited_for_and_a_taken_sid_is_not() {
    let rule = |code, message| waits_for::<Permission>(code, message);
    let conflict = "ResourceConflictException";
    assert!(rule("ResourceNotFoundException", "Function not found: x:live").is_some());
    assert!(rule(conflict, "There was a concurrent update operation").is_some());
    let taken = "The statement id (webhooks) provided already exists. Please provide a new one";
    assert_eq!(rule(conflict, taken), None);
}
