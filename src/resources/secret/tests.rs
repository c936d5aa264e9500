use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Class, Delete, Live, Observed, Outputs, Put, Tags};
use proptest::prelude::*;
use serde_json::json;

const ARN: &str =
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:payment-webhook/dev/providers-AbCdEf";
const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/k-1";
const CREATE: &str = "secretsmanager:CreateSecret";
const DESCRIBE: &str = "secretsmanager:DescribeSecret";
const POLICY: &str = "secretsmanager:GetResourcePolicy";
const RESTORE: &str = "secretsmanager:RestoreSecret";
const DELETE: &str = "secretsmanager:DeleteSecret";
const HELD: &str = "You can't create this secret because a secret with this name is already scheduled for deletion.";

fn secret() -> Secret {
    Secret {
        name: "payment-webhook/dev/providers".to_owned(),
        description: "Signing secrets".to_owned(),
        key: Input::known(KEY),
        recovery_window_days: 7,
        unmanaged: Unmanaged::new(),
    }
}

fn wanted() -> At<Secret> {
    at("providers", secret())
}

fn shown(secret: &Secret, key: &str, tags: &Tags, deleted: bool) -> Reply {
    let mut shown = json!({"ARN": ARN, "Name": secret.name, "Description": secret.description,
        "KmsKeyId": key, "Tags": tag_list(tags, "Key", "Value")});
    if deleted {
        shown["DeletedDate"] = json!(1_700_000_000.5);
    }
    reply(DESCRIBE, 200, shown)
}

async fn read_back(secret: Secret, key: &str) -> Observed<Secret> {
    let at = at("providers", secret.clone());
    let (aws, script) = scripted([shown(&secret, key, &at.tags, false), no_policy()]);
    let observed = Secret::read(&aws, &at).await.unwrap().unwrap();
    script.assert_calls([DESCRIBE, POLICY]);
    observed
}

fn no_policy() -> Reply {
    reply(POLICY, 200, json!({ "ARN": ARN }))
}

/// Ours as Secrets Manager shows it with these fields and this policy beside.
async fn read_with(fields: serde_json::Value, policy: serde_json::Value) -> Observed<Secret> {
    let at = wanted();
    let mut shown = json!({"ARN": ARN, "Name": secret().name, "Description": secret().description,
        "KmsKeyId": KEY, "Tags": tag_list(&at.tags, "Key", "Value")});
    let fields = fields.as_object().unwrap().clone();
    shown.as_object_mut().unwrap().extend(fields);
    let policy = json!({ "ARN": ARN, "ResourcePolicy": policy });
    let (aws, _) = scripted([reply(DESCRIBE, 200, shown), reply(POLICY, 200, policy)]);
    Secret::read(&aws, &at).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_set_by_hand_is_named_and_each_is_taken_back_by_its_own_call() {
    let open =
        r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}"#;
    let rotating = json!({"RotationEnabled": true, "RotationLambdaARN": "arn:f",
        "RotationRules": {"AutomaticallyAfterDays": 30}});
    let replicated = json!({"ReplicationStatus": [{"Region": "eu-west-1", "Status": "InSync"}]});
    let table = [
        (json!({}), json!(open), "policy", "DeleteResourcePolicy"),
        (rotating, json!(null), "rotation", "CancelRotateSecret"),
        (
            replicated,
            json!(null),
            "replicaRegions",
            "RemoveRegionsFromReplication",
        ),
    ];
    for (fields, policy, name, call) in table {
        let observed = read_with(fields, policy).await;
        let named: Vec<&String> = observed.properties.unmanaged.keys().collect();
        assert_eq!(named, [name]);
        let call = format!("secretsmanager:{call}");
        let (aws, script) = scripted([reply(&call, 200, json!({}))]);
        Secret::put(&aws, &wanted(), Some(&observed)).await.unwrap();
        script.assert_calls([call.as_str()]);
        assert_eq!(script.body(&call)["SecretId"], ARN);
    }
}

#[tokio::test]
async fn rotation_that_was_switched_off_again_is_no_change() {
    let off = json!({"RotationEnabled": false, "RotationLambdaARN": "arn:f"});
    assert_eq!(read_with(off, json!("{}")).await.properties, secret());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_read_gives_back_every_property(description in ".{0,9}", days in 0u8..30, id in "[a-f0-9]{4}") {
        let key = format!("arn:aws:kms:eu-central-1:123456789012:key/{id}");
        let secret = Secret {
            description,
            recovery_window_days: days,
            key: Input::known(key.clone()),
            ..secret()
        };
        for echo in [key, id] {
            let observed = run(read_back(secret.clone(), &echo));
            prop_assert_eq!(&observed.properties, &secret);
            prop_assert_eq!(&observed.outputs["secretArn"], ARN);
        }
    }
}

#[tokio::test]
async fn a_new_secret_has_a_key_and_tags_but_no_value() {
    let (aws, script) = scripted([reply(CREATE, 200, json!({ "ARN": ARN }))]);
    let done = Secret::put(&aws, &wanted(), None).await.unwrap();
    assert_eq!(
        done,
        Put::Done(Outputs::from([("secretArn".to_owned(), ARN.to_owned())]))
    );
    let body = script.body(CREATE);
    assert_eq!(
        (&body["KmsKeyId"], &body["SecretString"]),
        (&json!(KEY), &json!(null))
    );
    assert_eq!(body["Tags"], tag_list(&wanted().tags, "Key", "Value"));
}

#[tokio::test]
async fn our_secret_left_to_be_deleted_is_restored() {
    let at = wanted();
    let (aws, script) = scripted([
        reply_error(CREATE, 400, "InvalidRequestException", HELD),
        shown(&secret(), KEY, &at.tags, true),
        reply(RESTORE, 200, json!({ "ARN": ARN })),
    ]);
    let put = Secret::put(&aws, &at, None).await.unwrap();
    assert_eq!(put, Put::Waiting("secret to be restored"));
    script.assert_calls([CREATE, DESCRIBE, RESTORE]);
}

#[tokio::test]
async fn a_secret_made_meanwhile_is_a_conflict_to_look_into() {
    let (aws, script) = scripted([
        reply_error(CREATE, 400, "ResourceExistsException", "exists"),
        shown(&secret(), KEY, &wanted().tags, false),
    ]);
    let error = Secret::put(&aws, &wanted(), None).await.unwrap_err();
    assert_eq!(error.class, Class::Conflict);
    script.assert_calls([CREATE, DESCRIBE]);
}

#[tokio::test]
async fn somebody_elses_secret_left_to_be_deleted_is_not_restored() {
    let (aws, script) = scripted([
        reply_error(CREATE, 400, "InvalidRequestException", HELD),
        shown(&secret(), KEY, &Tags::new(), true),
    ]);
    let error = Secret::put(&aws, &wanted(), None).await.unwrap_err();
    assert_eq!(
        (error.class, error.code.as_str()),
        (Class::Invalid, "name-held")
    );
    assert_eq!(waits_for::<Secret>(&error.code, &error.message), None);
    script.assert_calls([CREATE, DESCRIBE]);
}

#[tokio::test]
async fn a_name_still_held_by_a_forced_delete_is_waited_for() {
    let (aws, _) = scripted([
        reply_error(CREATE, 400, "InvalidRequestException", HELD),
        reply_error(DESCRIBE, 400, "ResourceNotFoundException", "no secret"),
    ]);
    let error = Secret::put(&aws, &wanted(), None).await.unwrap_err();
    assert!(waits_for::<Secret>(&error.code, &error.message).is_some());
    let deleted = "You can't perform this operation on the secret because it was deleted.";
    assert!(waits_for::<Secret>("InvalidRequestException", deleted).is_some());
    assert_eq!(
        waits_for::<Secret>("InvalidRequestException", "Secrets are replicated"),
        None
    );
}

#[tokio::test]
async fn a_secret_left_to_be_deleted_or_absent_reads_as_none() {
    let marked =
        "You can't perform this operation on the secret because it was marked for deletion.";
    let absent = |call| reply_error(call, 400, "ResourceNotFoundException", "no secret");
    for answers in [
        [
            shown(&secret(), KEY, &wanted().tags, true),
            reply_error(POLICY, 400, "InvalidRequestException", marked),
        ],
        [absent(DESCRIBE), absent(POLICY)],
    ] {
        let (aws, _) = scripted(answers);
        assert!(Secret::read(&aws, &wanted()).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn each_change_makes_exactly_its_own_call_and_no_change_none() {
    type Change = fn(&mut At<Secret>);
    let table: [(&[&str], Change); 6] = [
        (&[], |_| {}),
        (&[], |at| at.properties.recovery_window_days = 30),
        (&["secretsmanager:UpdateSecret"], |at| {
            at.properties.description = String::new()
        }),
        (&["secretsmanager:UpdateSecret"], |at| {
            at.properties.key = Input::known("k-2")
        }),
        (&["secretsmanager:TagResource"], |at| {
            at.tags.insert("a".to_owned(), "b".to_owned());
        }),
        (&["secretsmanager:UntagResource"], |at| {
            at.tags.remove("team");
        }),
    ];
    let observed = read_back(secret(), KEY).await;
    for (calls, change) in table {
        let mut at = wanted();
        change(&mut at);
        let (aws, script) = scripted(calls.iter().map(|call| reply(call, 200, json!({}))));
        let put = Secret::put(&aws, &at, Some(&observed)).await.unwrap();
        assert_eq!(put, Put::Done(observed.outputs.clone()));
        script.assert_calls(calls.iter().copied());
        for call in calls {
            assert_eq!(script.body(call)["SecretId"], ARN);
        }
    }
}

#[tokio::test]
async fn an_update_sends_only_what_changed() {
    let mut at = wanted();
    at.properties.description = String::new();
    let observed = read_back(secret(), KEY).await;
    let (aws, script) = scripted([reply("secretsmanager:UpdateSecret", 200, json!({}))]);
    Secret::put(&aws, &at, Some(&observed)).await.unwrap();
    let body = script.body("secretsmanager:UpdateSecret");
    assert_eq!(
        (&body["Description"], &body["KmsKeyId"]),
        (&json!(""), &json!(null))
    );
}

#[tokio::test]
async fn a_delete_leaves_the_window_or_none_at_all() {
    let observed = read_back(secret(), KEY).await;
    for (days, field, value) in [
        (7, "RecoveryWindowInDays", json!(7)),
        (0, "ForceDeleteWithoutRecovery", json!(true)),
    ] {
        let mut at = wanted();
        at.properties.recovery_window_days = days;
        let (aws, script) = scripted([reply(DELETE, 200, json!({}))]);
        assert_eq!(
            Secret::delete(&aws, &at, &observed).await.unwrap(),
            Delete::Gone
        );
        assert_eq!(script.body(DELETE), json!({"SecretId": ARN, field: value}));
    }
    let (aws, _) = scripted([reply_error(DELETE, 400, "ResourceNotFoundException", "")]);
    let gone = Secret::delete(&aws, &wanted(), &observed).await.unwrap();
    assert_eq!(gone, Delete::Gone);
}

#[tokio::test]
async fn whether_a_secret_that_takes_no_delete_is_being_deleted_already_it_says_itself() {
    let observed = read_back(secret(), KEY).await;
    let refused = || {
        reply_error(
            DELETE,
            400,
            "InvalidRequestException",
            "in words of its own",
        )
    };
    let describe = |shown| reply("secretsmanager:DescribeSecret", 200, shown);
    let date = 1_790_000_000.0;
    let (aws, _) = scripted([
        refused(),
        describe(json!({"ARN": ARN, "DeletedDate": date})),
    ]);
    let gone = Secret::delete(&aws, &wanted(), &observed).await.unwrap();
    assert_eq!(gone, Delete::Gone);
    let (aws, _) = scripted([refused(), describe(json!({"ARN": ARN}))]);
    let error = Secret::delete(&aws, &wanted(), &observed)
        .await
        .unwrap_err();
    assert_eq!(error.code, "InvalidRequestException");
}
