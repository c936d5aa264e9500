use super::*;
use crate::resources::policy::Condition as When;
use crate::resources::scripted::*;
use crate::resources::{At, Class, Condition, Delete, Live, Observed, Put, Tags};
use proptest::prelude::*;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:kms:eu-central-1:123456789012:key/k-1";
const ROOT: &str = "arn:aws:iam::123456789012:root";
const READS: [&str; 4] = [
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListResourceTags",
];

fn service(sid: &str, actions: &[&str], arns: &[&str]) -> ServiceUse {
    ServiceUse {
        sid: sid.to_owned(),
        principal: Input::known("logs.eu-central-1.amazonaws.com"),
        actions: actions.iter().map(|a| (*a).to_owned()).collect(),
        conditions: vec![When {
            operator: "ArnEquals".to_owned(),
            key: "kms:EncryptionContext:aws:logs:arn".to_owned(),
            values: arns.iter().map(|a| Input::known(*a)).collect(),
        }],
    }
}

fn key() -> Key {
    Key {
        description: "payment-webhook-dev".to_owned(),
        rotation: true,
        rotation_period_days: 365,
        services: vec![service(
            "Logs",
            &["kms:Encrypt", "kms:Decrypt"],
            &["b", "a"],
        )],
        deletion_window_days: 7,
    }
}

fn known(properties: Key) -> At<Key> {
    let mut at = at("key", properties);
    at.outputs.insert("keyId".to_owned(), "k-1".to_owned());
    at
}

fn policy_of(key: &Key) -> String {
    let (aws, _) = scripted([]);
    policy::write(&aws.given, &key.services).unwrap()
}

fn described(state: &str, description: &str) -> Reply {
    let metadata =
        json!({"KeyId": "k-1", "Arn": ARN, "KeyState": state, "Description": description});
    reply("kms:DescribeKey", 200, json!({ "KeyMetadata": metadata }))
}

fn tagged(tags: &Tags) -> Reply {
    let tags = tag_list(tags, "TagKey", "TagValue");
    reply("kms:ListResourceTags", 200, json!({ "Tags": tags }))
}

fn shown(key: &Key, policy: &str, state: &str, tags: &Tags) -> [Reply; 4] {
    let rotation = json!({"KeyRotationEnabled": key.rotation,
        "RotationPeriodInDays": key.rotation_period_days});
    [
        described(state, &key.description),
        reply("kms:GetKeyPolicy", 200, json!({ "Policy": policy })),
        reply("kms:GetKeyRotationStatus", 200, rotation),
        tagged(tags),
    ]
}

async fn read_back(key: &Key, state: &str) -> Observed<Key> {
    let at = known(key.clone());
    let (aws, script) = scripted(shown(key, &policy_of(key), state, &at.tags));
    let observed = Key::read(&aws, &at).await.unwrap().unwrap();
    script.assert_calls(READS);
    observed
}

fn keys() -> impl Strategy<Value = Key> {
    let sids = proptest::collection::btree_set("[A-C]", 0..3);
    (".{0,9}", any::<bool>(), 90u16..2560, sids, 7u8..30).prop_map(
        |(description, rotation, rotation_period_days, sids, deletion_window_days)| Key {
            description,
            rotation,
            rotation_period_days,
            services: sids
                .iter()
                .map(|sid| service(sid, &["kms:B", "kms:A"], &["x"]))
                .collect(),
            deletion_window_days,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_read_gives_back_every_property(key in keys()) {
        let observed = run(read_back(&key, "Enabled"));
        prop_assert_eq!(observed.properties, key.canonical());
        prop_assert_eq!(&observed.outputs["keyArn"], ARN);
    }
}

#[tokio::test]
async fn a_new_key_carries_its_policy_and_tags_from_the_first_call_and_is_recorded_at_once() {
    let metadata = json!({"KeyMetadata": {"KeyId": "k-1", "Arn": ARN}});
    let (aws, script) = scripted([reply("kms:CreateKey", 200, metadata)]);
    let at = at("key", key());
    let Put::Made(outputs) = Key::put(&aws, &at, None).await.unwrap() else {
        panic!("the id must be recorded before anything else");
    };
    assert_eq!(outputs["keyId"], "k-1");
    let body = script.body("kms:CreateKey");
    assert_eq!(body["Tags"], tag_list(&at.tags, "TagKey", "TagValue"));
    let policy: Value = serde_json::from_str(body["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"][0]["Principal"]["AWS"], ROOT);
    assert_eq!(
        policy["Statement"][1]["Action"],
        json!(["kms:Decrypt", "kms:Encrypt"])
    );
    let condition = json!({"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": ["a", "b"]}});
    assert_eq!(policy["Statement"][1]["Condition"], condition);
}

#[tokio::test]
async fn a_key_as_wanted_costs_no_call() {
    let observed = read_back(&key(), "Enabled").await;
    let (aws, script) = scripted([]);
    let done = Key::put(&aws, &known(key()), Some(&observed))
        .await
        .unwrap();
    assert_eq!(done, Put::Done(observed.outputs));
    script.assert_calls([]);
}

#[tokio::test]
async fn each_change_makes_exactly_its_own_call() {
    type Change = fn(&mut At<Key>);
    let table: [(&str, Change); 7] = [
        ("kms:UpdateKeyDescription", |at| {
            at.properties.description = "x".to_owned()
        }),
        ("kms:DisableKeyRotation", |at| {
            at.properties.rotation = false
        }),
        ("kms:EnableKeyRotation", |at| {
            at.properties.rotation_period_days = 90
        }),
        ("kms:PutKeyPolicy", |at| at.properties.services.clear()),
        ("kms:PutKeyPolicy", |at| {
            at.properties.services[0].actions.truncate(1)
        }),
        ("kms:TagResource", |at| {
            drop(at.tags.insert("a".to_owned(), "b".to_owned()))
        }),
        ("kms:UntagResource", |at| drop(at.tags.remove("team"))),
    ];
    let observed = read_back(&key(), "Enabled").await;
    for (call, change) in table {
        let mut at = known(key());
        change(&mut at);
        let (aws, script) = scripted([reply(call, 200, json!({}))]);
        Key::put(&aws, &at, Some(&observed)).await.unwrap();
        script.assert_calls([call]);
        assert_eq!(script.body(call)["KeyId"], "k-1");
    }
}

#[tokio::test]
async fn a_disabled_key_is_enabled_before_anything_else_changes() {
    let observed = read_back(&key(), "Disabled").await;
    assert_eq!(
        observed.condition,
        Condition::Failed("the key is disabled".to_owned())
    );
    let mut at = known(key());
    at.properties.description = "x".to_owned();
    let calls = ["kms:EnableKey", "kms:UpdateKeyDescription"];
    let (aws, script) = scripted(calls.map(|call| reply(call, 200, json!({}))));
    Key::put(&aws, &at, Some(&observed)).await.unwrap();
    script.assert_calls(calls);
}

#[tokio::test]
async fn a_policy_changed_behind_our_back_shows_and_one_only_written_differently_does_not() {
    let given = scripted([]).0.given;
    let ours = |account: &str| {
        json!({"Statement": [
            {"Sid": "Logs", "Effect": "Allow", "Resource": ["*"],
             "Principal": {"Service": ["logs.eu-central-1.amazonaws.com"]},
             "Action": ["kms:Decrypt", "kms:Encrypt"],
             "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": ["a", "b"]}}},
            {"Effect": "Allow", "Principal": {"AWS": account}, "Action": ["kms:*"], "Resource": "*"},
        ]})
    };
    let read = |policy: &Value| {
        let services = policy::read(&given, &policy.to_string());
        Key { services, ..key() }.canonical()
    };
    for account in [ROOT, "123456789012"] {
        assert_eq!(read(&ours(account)), key().canonical(), "{account}");
    }
    let mut odd = ours(ROOT);
    odd["Statement"][1]["Principal"] = json!("*");
    let seen = read(&odd).services;
    assert_eq!(
        seen.len(),
        3,
        "an open statement, and the missing one of the account"
    );
    odd["Statement"][1]["Effect"] = json!("Deny");
    assert_ne!(read(&odd), key().canonical());
}

#[tokio::test]
async fn a_key_whose_create_was_not_answered_is_found_by_its_tags() {
    let at = at("key", key());
    let mut other = at.tags.clone();
    other.insert("payhook:env".to_owned(), "prod".to_owned());
    let keys: Vec<Value> = (0..4)
        .map(|n| json!({ "KeyId": format!("k-{n}") }))
        .collect();
    let mut replies = vec![
        reply(
            "kms:ListKeys",
            200,
            json!({ "Keys": keys, "Truncated": false }),
        ),
        tagged(&other),
        tagged(&at.tags),
        reply_error(
            "kms:ListResourceTags",
            400,
            "AccessDeniedException",
            "its policy says no",
        ),
        tagged(&at.tags),
        described("PendingDeletion", ""),
        described("Enabled", ""),
    ];
    replies.extend(shown(&key(), &policy_of(&key()), "Enabled", &at.tags));
    let (aws, script) = scripted(replies);
    let found = Key::read(&aws, &at).await.unwrap().unwrap();
    assert_eq!(found.properties, key().canonical());
    let asked = script.bodies("kms:DescribeKey");
    assert_eq!(
        (&asked[0]["KeyId"], &asked[1]["KeyId"]),
        (&json!("k-1"), &json!("k-3"))
    );
}

#[tokio::test]
async fn when_no_tags_may_be_read_the_search_fails_instead_of_finding_none() {
    let (aws, _) = scripted([
        reply("kms:ListKeys", 200, json!({"Keys": [{"KeyId": "k-0"}]})),
        reply_error("kms:ListResourceTags", 400, "AccessDeniedException", "no"),
    ]);
    let error = Key::read(&aws, &at("key", key())).await.unwrap_err();
    assert_eq!(error.class, Class::Denied);
}

#[tokio::test]
async fn a_key_about_to_be_deleted_counts_as_gone() {
    let at = known(key());
    let mut replies: Vec<Reply> = vec![described("PendingDeletion", "")];
    let refused = |call| reply_error(call, 400, "KMSInvalidStateException", "is pending deletion");
    replies.extend(READS[1..].iter().map(|call| refused(call)));
    replies.push(reply("kms:ListKeys", 200, json!({"Keys": []})));
    let (aws, _) = scripted(replies);
    assert!(Key::read(&aws, &at).await.unwrap().is_none());
}

#[tokio::test]
async fn deleting_schedules_with_the_window_and_already_scheduled_or_gone_is_done() {
    let observed = read_back(&key(), "Enabled").await;
    let call = "kms:ScheduleKeyDeletion";
    let wrong_state = || reply_error(call, 400, "KMSInvalidStateException", "in words of its own");
    for answers in [
        vec![reply(call, 200, json!({"KeyId": "k-1"}))],
        vec![wrong_state(), described("PendingDeletion", "")],
        vec![reply_error(call, 400, "NotFoundException", "no such key")],
    ] {
        let (aws, script) = scripted(answers);
        let gone = Key::delete(&aws, &known(key()), &observed).await.unwrap();
        assert_eq!(gone, Delete::Gone);
        assert_eq!(
            script.body(call),
            json!({"KeyId": "k-1", "PendingWindowInDays": 7})
        );
    }
    let (aws, _) = scripted([wrong_state(), described("Creating", "")]);
    assert!(Key::delete(&aws, &known(key()), &observed).await.is_err());
}

#[test]
fn refusals_that_pass_are_waited_for_and_a_lockout_is_not() {
    let waits = waits_for::<Key>;
    assert_eq!(waits("NotFoundException", ""), Some("key to be visible"));
    assert_eq!(waits("DisabledException", ""), Some("key to be enabled"));
    let policy = "MalformedPolicyDocumentException";
    assert!(
        waits(
            policy,
            "Policy contains a statement with one or more invalid principals."
        )
        .is_some()
    );
    assert_eq!(
        waits(policy, "The new key policy will not allow you to update it"),
        None
    );
    assert_eq!(waits("LimitExceededException", ""), None);
}

#[test]
fn a_new_description_is_not_another_key() {
    let renamed = Key {
        description: "x".to_owned(),
        ..key()
    };
    assert_eq!(renamed.physical_name(), key().physical_name());
}
