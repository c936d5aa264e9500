//! A stack from nothing to nothing: deployed, left alone, changed, destroyed.

use std::collections::BTreeSet;
use std::fs;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_kms::types::KeyState;
use serde_json::Value;

use super::clients::Clients;
use super::deployed::standing;
use super::inventory::inventory;
use super::place::{Place, succeeded};
use super::wire::Wire;

/// Exit code of `preview --detailed-exitcode` when something would change.
const CHANGES: i32 = 4;
/// Exit code of what payhook understood and does not do.
const REFUSED: i32 = 3;
/// Exit code of wrong usage.
const USAGE: i32 = 2;

type Settings = Vec<(&'static str, toml::Value)>;

/// A setting of infra.toml, and the calls that change exactly that.
const CHANGES_LAND: [(&str, i64, &[&str]); 3] = [
    (
        "logs.retention_days",
        30,
        &[
            "PutRetentionPolicy",
            "PutRetentionPolicy",
            "PutRetentionPolicy",
            "PutRetentionPolicy",
        ],
    ),
    (
        "throttling.rate_limit",
        60,
        &["PATCH /restapis/{id}/stages/prod"],
    ),
    ("retry.interval_seconds", 1, &["UpdateStateMachine"]),
];

#[tokio::test]
async fn a_stack_is_deployed_left_alone_changed_and_destroyed_without_a_trace() {
    if let Some(env) = standing() {
        println!("not shown: {env} stands already and is not ours to destroy");
        return;
    }
    let place = Place::new(&[]);
    succeeded(&place.payhook("local up"));
    let clients = Clients::emulated(&place.endpoint());
    let wire = Wire::to(&place.endpoint());
    make_a_table_of_somebody_else(&clients).await;
    let before = inventory(&clients).await;

    println!("the first deploy makes the stack");
    succeeded(&place.payhook("deploy"));
    assert!(inventory(&clients).await.len() > before.len() + 25);
    let outputs: Value =
        serde_json::from_slice(&fs::read(place.outputs_file()).expect("outputs")).expect("JSON");
    let text = |key: &str| outputs[key].as_str().expect("a text").to_owned();

    println!("what is deployed is used and holds the eight constraints");
    every_hop_in_order(&succeeded(&place.payhook("send standard_webhooks --json")));
    succeeded(&place.payhook("verify"));

    println!("the second deploy makes no mutating call");
    succeeded(&place.payhook_at(&wire.url, "deploy"));
    let (reads, mutations) = wire.take();
    assert_eq!(mutations, [""; 0]);
    assert!(reads.len() > 30, "it looked at everything: {reads:?}");
    let after_deploy = place.payhook("preview --detailed-exitcode");
    succeeded(&after_deploy);

    println!("a changed setting changes exactly that");
    let mut settings = Settings::new();
    for (key, value, calls) in CHANGES_LAND {
        settings.push((key, value.into()));
        place.configure(&settings);
        let preview = place.payhook("preview --detailed-exitcode");
        assert_eq!(preview.status.code(), Some(CHANGES), "{key} is seen");
        succeeded(&place.payhook_at(&wire.url, "deploy"));
        let (_, mutations) = wire.take();
        let id = text("apiId");
        let calls: Vec<_> = calls.iter().map(|call| call.replace("{id}", &id)).collect();
        assert_eq!(mutations, calls, "{key}");
        succeeded(&place.payhook("preview --detailed-exitcode"));
    }

    println!("an approved plan is applied as it was approved, or not at all");
    only_what_was_approved(&place, &wire, settings);

    println!("destroy leaves nothing of ours and everything else");
    succeeded(&place.payhook("destroy --yes"));
    let after = inventory(&clients).await;
    let differ: BTreeSet<_> = before.symmetric_difference(&after).collect();
    assert!(differ.is_empty(), "left or taken: {differ:?}");
    assert!(!place.outputs_file().exists());
    only_wait_for_their_deletion(&clients, &text("kmsKeyId"), &text("secretName")).await;

    println!("what is destroyed can be deployed again");
    succeeded(&place.payhook("deploy"));
    succeeded(&place.payhook("send generic_hmac"));
}

fn only_what_was_approved(place: &Place, wire: &Wire, settings: Settings) {
    let with = |rate: i64| {
        let mut settings = settings.clone();
        settings.push(("throttling.burst_limit", rate.into()));
        place.configure(&settings);
    };
    let plan = place.config_file().with_file_name("approved.json");
    let deploy = format!("deploy --plan {}", plan.display());

    with(70);
    fs::write(&plan, "{}").expect("a file");
    assert_eq!(place.payhook(&deploy).status.code(), Some(USAGE));
    let preview = place.payhook(&format!("preview --out {}", plan.display()));
    succeeded(&preview);
    let next = String::from_utf8_lossy(&preview.stderr).into_owned();
    assert!(next.contains(&format!("payhook {deploy}")), "{next}");
    let nowhere = place.payhook("preview --out nowhere/plan.json");
    assert_eq!(nowhere.status.code(), Some(USAGE));

    with(80);
    wire.take();
    let refused = place.payhook_at(&wire.url, &deploy);
    assert_eq!(refused.status.code(), Some(REFUSED));
    let words = String::from_utf8_lossy(&refused.stderr);
    assert!(words.contains("update api-stage prod"), "{words}");
    assert_eq!(wire.take().1, [""; 0], "nothing was changed");

    with(70);
    succeeded(&place.payhook_at(&wire.url, &deploy));
    assert_eq!(wire.take().1.len(), 1);
    println!("applied already, it permits nothing more and needs nothing more");
    succeeded(&place.payhook_at(&wire.url, &deploy));
    assert_eq!(wire.take().1, [""; 0]);
}

/// What `send --json` printed.
fn every_hop_in_order(lines: &str) {
    let lines = lines.lines().map(serde_json::from_str);
    let lines: Vec<Value> = lines.collect::<Result<_, _>>().expect("JSON lines");
    let hops: Vec<_> = lines.iter().filter(|line| line["event"] == "hop").collect();
    let names: Vec<_> = hops.iter().filter_map(|hop| hop["hop"].as_str()).collect();
    let way = [
        "signed",
        "answered",
        "stored",
        "execution started",
        "processed",
        "execution ended",
    ];
    assert_eq!(names, way);
    assert!(hops.is_sorted_by_key(|hop| hop["elapsedMs"].as_u64()));
}

async fn only_wait_for_their_deletion(clients: &Clients, key: &str, secret: &str) {
    let key = clients
        .kms()
        .describe_key()
        .key_id(key)
        .send()
        .await
        .expect("DescribeKey");
    let state = key.key_metadata.and_then(|key| key.key_state);
    assert_eq!(state, Some(KeyState::PendingDeletion));
    let secret = clients
        .secrets()
        .describe_secret()
        .secret_id(secret)
        .send()
        .await;
    assert!(secret.expect("DescribeSecret").deleted_date.is_some());
}

/// Its name begins as ours do.
async fn make_a_table_of_somebody_else(clients: &Clients) {
    let id = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let table = clients
        .dynamodb()
        .create_table()
        .table_name("payments-of-somebody-else")
        .attribute_definitions(id.build().expect("an attribute"))
        .key_schema(key.build().expect("a key"))
        .billing_mode(BillingMode::PayPerRequest);
    table.send().await.expect("CreateTable");
}
