use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Class, Delete, Live, Observed, Outputs, Put};
use serde_json::{Value, json};

const OURS: &str = "arn:aws:iam::123456789012:role/payment-webhook-api-logs-dev";
const THEIRS: &str = "arn:aws:iam::123456789012:role/service/shared-logs";
const GET: &str = "GET /account";
const UPDATE: &str = "PATCH /account";
const ROLE: &str = "iam:GetRole";
const APIS: &str = "GET /restapis?limit=500";

fn wanted() -> At<ApiAccount> {
    at(
        "api-account",
        ApiAccount {
            role: Input::known(OURS),
        },
    )
}

fn set_to(role: &str) -> Reply {
    reply(
        GET,
        200,
        json!({"cloudwatchRoleArn": role, "throttleSettings": {"burstLimit": 5000, "rateLimit": 10000.0}}),
    )
}

fn there() -> Reply {
    reply(
        ROLE,
        200,
        json!({"Role": {"RoleName": "shared-logs", "Path": "/", "RoleId": "AROA", "Arn": THEIRS, "CreateDate": "2026-01-01T00:00:00Z"}}),
    )
}

fn logging(role: &str) -> Outputs {
    Outputs::from([("loggingRole".to_owned(), role.to_owned())])
}

async fn read(replies: Vec<Reply>) -> Option<Observed<ApiAccount>> {
    let count = replies.len();
    let (aws, script) = scripted(replies);
    let observed = ApiAccount::read(&aws, &wanted()).await.unwrap();
    assert_eq!(script.calls().len(), count);
    observed
}

#[tokio::test]
async fn an_account_without_a_role_gets_ours() {
    assert!(read(vec![reply(GET, 200, json!({}))]).await.is_none());
    assert!(read(vec![set_to("")]).await.is_none());
    let (aws, script) = scripted([reply(UPDATE, 200, json!({}))]);
    let put = ApiAccount::put(&aws, &wanted(), None).await.unwrap();
    assert_eq!(put, Put::Done(logging(OURS)));
    let patch = json!([{"op": "replace", "path": "/cloudwatchRoleArn", "value": OURS}]);
    assert_eq!(script.body(UPDATE)["patchOperations"], patch);
}

#[tokio::test]
async fn somebody_elses_working_role_is_left_alone_and_named() {
    let denied = reply_error(
        ROLE,
        403,
        "AccessDenied",
        "not authorized to perform: iam:GetRole",
    );
    for answer in [there(), denied] {
        let observed = read(vec![set_to(THEIRS), answer]).await.unwrap();
        assert_eq!(observed.properties, wanted().properties);
        assert_eq!(observed.outputs, logging(THEIRS));
        let (aws, script) = scripted([]);
        let put = ApiAccount::put(&aws, &wanted(), Some(&observed))
            .await
            .unwrap();
        assert_eq!(put, Put::Done(logging(THEIRS)));
        let deleted = ApiAccount::delete(&aws, &wanted(), &observed)
            .await
            .unwrap();
        assert_eq!(deleted, Delete::Gone);
        script.assert_calls([]);
    }
}

#[tokio::test]
async fn a_role_that_no_longer_exists_is_replaced_by_ours() {
    let gone = reply_error(
        ROLE,
        404,
        "NoSuchEntity",
        "The role with name shared-logs cannot be found.",
    );
    let observed = read(vec![set_to(THEIRS), gone]).await.unwrap();
    assert_eq!(observed.properties.role, Input::known(THEIRS));
    let (aws, script) = scripted([reply(UPDATE, 200, json!({}))]);
    let put = ApiAccount::put(&aws, &wanted(), Some(&observed))
        .await
        .unwrap();
    assert_eq!(put, Put::Done(logging(OURS)));
    script.assert_calls([UPDATE]);
}

#[tokio::test]
async fn our_role_costs_one_read_and_is_taken_out_again() {
    let observed = read(vec![set_to(OURS)]).await.unwrap();
    assert_eq!(observed.properties, wanted().properties);
    let (aws, script) = scripted([]);
    ApiAccount::put(&aws, &wanted(), Some(&observed))
        .await
        .unwrap();
    script.assert_calls([]);

    let refused = reply_error(
        UPDATE,
        400,
        "BadRequestException",
        "Role ARN is not well formed",
    );
    for answer in [reply(UPDATE, 200, json!({})), refused] {
        let (aws, script) = scripted([apis(&[]), answer]);
        let deleted = ApiAccount::delete(&aws, &wanted(), &observed)
            .await
            .unwrap();
        assert_eq!(deleted, Delete::Gone);
        assert_eq!(
            script.body(UPDATE)["patchOperations"][0]["value"],
            Value::from("")
        );
    }
}

/// The APIs of the account, by stack and environment.
fn apis(of: &[(&str, &str)]) -> Reply {
    let one = |(stack, env): &(&str, &str)| json!({"id": format!("api-{env}"), "name": "any", "tags": {"payhook:stack": stack, "payhook:env": env}});
    let items: Vec<Value> = of.iter().map(one).collect();
    reply(APIS, 200, json!({ "item": items }))
}

/// The roles that a delete tried to set, one after the other.
async fn handed_over(of: &[(&str, &str)], answers: Vec<Reply>) -> Vec<Value> {
    let observed = read(vec![set_to(OURS)]).await.unwrap();
    let (aws, script) = scripted([apis(of)].into_iter().chain(answers));
    let deleted = ApiAccount::delete(&aws, &wanted(), &observed).await;
    assert_eq!(deleted.unwrap(), Delete::Gone);
    let patches = script.bodies(UPDATE).into_iter();
    patches
        .map(|body| body["patchOperations"][0]["value"].clone())
        .collect()
}

#[tokio::test]
async fn another_environment_of_the_stack_inherits_the_setting() {
    let of = [
        ("payment-webhooks", "dev"),
        ("another", "test"),
        ("payment-webhooks", "prod"),
    ];
    let set = || reply(UPDATE, 200, json!({}));
    let prod = OURS.replace("-dev", "-prod");
    assert_eq!(handed_over(&of, vec![set()]).await, [prod.as_str()]);
    assert_eq!(handed_over(&of[..2], vec![set()]).await, [""]);
    let denied = reply_error(UPDATE, 403, "AccessDeniedException", "not authorized");
    assert_eq!(
        handed_over(&of, vec![denied, set()]).await,
        [prod.as_str(), ""]
    );
}

#[tokio::test]
async fn a_throttled_clearing_is_tried_again() {
    let observed = read(vec![set_to(OURS)]).await.unwrap();
    let throttled = reply_error(UPDATE, 429, "TooManyRequestsException", "Too Many Requests");
    let (aws, _) = scripted([apis(&[]), throttled]);
    let error = ApiAccount::delete(&aws, &wanted(), &observed)
        .await
        .unwrap_err();
    assert_eq!(error.class, Class::Throttle);
}

#[test]
fn a_role_that_has_not_reached_api_gateway_is_waited_for() {
    for message in [
        "The role ARN does not have required permissions configured.",
        "API Gateway could not successfully write to CloudWatch Logs using the ARN specified",
        "The role ARN does not have required trust relationship",
        "User is not authorized",
    ] {
        let waits = waits_for::<ApiAccount>("BadRequestException", message);
        assert_eq!(waits, Some("role to be usable by API Gateway"), "{message}");
    }
    assert_eq!(
        waits_for::<ApiAccount>("BadRequestException", "Invalid patch path"),
        None
    );
}
