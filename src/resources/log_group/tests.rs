use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Class, Delete, Live, Observed, Put, Tags};
use proptest::prelude::*;
use serde_json::{Value, json};

const NAME: &str = "/aws/lambda/webhook-validator-dev";
const ARN: &str =
    "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/webhook-validator-dev";
const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/k-1";
const READS: [&str; 2] = ["logs:DescribeLogGroups", "logs:ListTagsForResource"];

fn group() -> LogGroup {
    LogGroup {
        name: NAME.to_owned(),
        retention_days: 30,
        key: Input::known(KEY),
        unmanaged: Unmanaged::new(),
    }
}

fn wanted() -> At<LogGroup> {
    at("webhook-validator-logs", group())
}

fn described(group: &LogGroup) -> Value {
    let mut shown =
        json!({"logGroupName": group.name, "arn": format!("{ARN}:*"), "logGroupArn": ARN});
    let key = group.key.get().unwrap();
    if group.retention_days > 0 {
        shown["retentionInDays"] = json!(group.retention_days);
    }
    if !key.is_empty() {
        shown["kmsKeyId"] = json!(key);
    }
    shown
}

fn shown(groups: &[Value], tags: &Tags) -> [Reply; 2] {
    [
        reply(READS[0], 200, json!({ "logGroups": groups })),
        reply(READS[1], 200, json!({ "tags": tags })),
    ]
}

async fn read_back(group: &LogGroup, tags: &Tags) -> Observed<LogGroup> {
    let longer = json!({"logGroupName": format!("{}-2", group.name), "retentionInDays": 1});
    let (aws, script) = scripted(shown(&[described(group), longer], tags));
    let observed = LogGroup::read(&aws, &wanted()).await.unwrap().unwrap();
    script.assert_calls(READS);
    assert_eq!(script.body(READS[1])["resourceArn"], ARN);
    observed
}

#[tokio::test]
async fn protections_set_by_hand_are_named_and_taken_back_and_do_not_stop_a_destroy() {
    let table = [
        (
            "dataProtectionStatus",
            json!("ACTIVATED"),
            "dataProtectionPolicy",
            "logs:DeleteDataProtectionPolicy",
        ),
        (
            "deletionProtectionEnabled",
            json!(true),
            "deletionProtectionEnabled",
            "logs:PutLogGroupDeletionProtection",
        ),
    ];
    for (field, value, name, call) in table {
        let mut described = described(&group());
        described[field] = value;
        let (aws, _) = scripted(shown(&[described], &wanted().tags));
        let observed = LogGroup::read(&aws, &wanted()).await.unwrap().unwrap();
        let named: Vec<&String> = observed.properties.unmanaged.keys().collect();
        assert_eq!(named, [name]);
        let (aws, script) = scripted([reply(call, 200, json!({}))]);
        LogGroup::put(&aws, &wanted(), Some(&observed))
            .await
            .unwrap();
        script.assert_calls([call]);
        assert_eq!(script.body(call)["logGroupIdentifier"], NAME);
        if field == "deletionProtectionEnabled" {
            let calls = [call, "logs:DeleteLogGroup"];
            let (aws, script) = scripted(calls.map(|call| reply(call, 200, json!({}))));
            LogGroup::delete(&aws, &wanted(), &observed).await.unwrap();
            script.assert_calls(calls);
        }
    }
    for (field, value) in [
        ("dataProtectionStatus", json!("DISABLED")),
        ("deletionProtectionEnabled", json!(false)),
        ("storedBytes", json!(7)),
        ("metricFilterCount", json!(1)),
    ] {
        let mut described = described(&group());
        described[field] = value;
        let (aws, _) = scripted(shown(&[described], &wanted().tags));
        let observed = LogGroup::read(&aws, &wanted()).await.unwrap().unwrap();
        assert_eq!(observed.properties, group(), "{field}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_read_gives_back_every_property(days in 0u32..3653, keyed: bool) {
        let key = Input::known(if keyed { KEY } else { "" });
        let group = LogGroup { retention_days: days, key, ..group() };
        let observed = run(read_back(&group, &wanted().tags));
        prop_assert_eq!(observed.properties, group);
        prop_assert_eq!(observed.tags, Some(wanted().tags));
        prop_assert_eq!(&observed.outputs["logGroupArn"], ARN);
        prop_assert_eq!(&observed.outputs["logGroupName"], NAME);
    }
}

#[tokio::test]
async fn a_group_whose_name_only_begins_like_ours_is_another() {
    let longer = json!({"logGroupName": format!("{NAME}-2")});
    let (aws, _) = scripted(shown(&[longer], &Tags::new()));
    assert!(LogGroup::read(&aws, &wanted()).await.unwrap().is_none());

    let (aws, _) = scripted([
        reply(READS[0], 200, json!({})),
        reply_error(READS[1], 400, "ResourceNotFoundException", "no group"),
    ]);
    assert!(LogGroup::read(&aws, &wanted()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_new_group_has_its_key_and_tags_from_the_first_call() {
    let calls = ["logs:CreateLogGroup", "logs:PutRetentionPolicy"];
    let (aws, script) = scripted(calls.map(|call| reply(call, 200, json!({}))));
    let done = LogGroup::put(&aws, &wanted(), None).await.unwrap();
    assert!(matches!(done, Put::Done(outputs) if outputs["logGroupArn"] == ARN));
    script.assert_calls(calls);
    let body = json!({"logGroupName": NAME, "kmsKeyId": KEY, "tags": wanted().tags});
    assert_eq!(script.body(calls[0]), body);
    assert_eq!(
        script.body(calls[1]),
        json!({"logGroupName": NAME, "retentionInDays": 30})
    );
}

#[tokio::test]
async fn each_change_makes_exactly_its_own_call_and_no_change_none() {
    type Change = fn(&mut At<LogGroup>);
    let table: [(&[&str], Change); 6] = [
        (&[], |_| {}),
        (&["logs:AssociateKmsKey"], |at| {
            at.properties.key = Input::known("k-2")
        }),
        (&["logs:PutRetentionPolicy"], |at| {
            at.properties.retention_days = 7
        }),
        (&["logs:DeleteRetentionPolicy"], |at| {
            at.properties.retention_days = 0
        }),
        (&["logs:TagResource"], |at| {
            drop(at.tags.insert("a".to_owned(), "b".to_owned()))
        }),
        (&["logs:UntagResource"], |at| drop(at.tags.remove("team"))),
    ];
    let observed = read_back(&group(), &wanted().tags).await;
    for (calls, change) in table {
        let mut at = wanted();
        change(&mut at);
        let (aws, script) = scripted(calls.iter().map(|call| reply(call, 200, json!({}))));
        LogGroup::put(&aws, &at, Some(&observed)).await.unwrap();
        script.assert_calls(calls.iter().copied());
    }
}

#[tokio::test]
async fn a_ghost_without_any_tag_counts_as_ours_and_is_tagged_with_the_rest() {
    let ghost = LogGroup {
        retention_days: 0,
        key: Input::known(""),
        ..group()
    };
    let observed = read_back(&ghost, &Tags::new()).await;
    let tags = observed.tags.clone().unwrap();
    for key in [
        super::super::tag::STACK,
        super::super::tag::ENV,
        super::super::tag::RESOURCE,
    ] {
        assert_eq!(tags[key], wanted().tags[key]);
    }
    assert_ne!(
        tags,
        wanted().tags,
        "an untagged group is not yet as wanted"
    );
    let calls = [
        "logs:AssociateKmsKey",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
    ];
    let (aws, script) = scripted(calls.map(|call| reply(call, 200, json!({}))));
    LogGroup::put(&aws, &wanted(), Some(&observed))
        .await
        .unwrap();
    script.assert_calls(calls);
    assert_eq!(
        script.body(calls[2]),
        json!({"resourceArn": ARN, "tags": wanted().tags})
    );
}

#[tokio::test]
async fn a_group_with_anybodys_tag_is_theirs() {
    let theirs = Tags::from([("owner".to_owned(), "search".to_owned())]);
    assert_eq!(read_back(&group(), &theirs).await.tags, Some(theirs));
}

#[tokio::test]
async fn a_group_already_gone_is_deleted() {
    let observed = read_back(&group(), &wanted().tags).await;
    let call = "logs:DeleteLogGroup";
    let (aws, _) = scripted([
        reply(call, 200, json!({})),
        reply_error(call, 400, "ResourceNotFoundException", "no group"),
    ]);
    for _ in 0..2 {
        let gone = LogGroup::delete(&aws, &wanted(), &observed).await.unwrap();
        assert_eq!(gone, Delete::Gone);
    }
}

#[tokio::test]
async fn refusals_that_pass_are_waited_for_and_others_are_not() {
    let waits = waits_for::<LogGroup>;
    let busy =
        "A conflicting operation is currently in progress against this resource. Please try again.";
    assert!(waits("OperationAbortedException", busy).is_some());
    let key = "The specified KMS key does not exist or is not allowed to be used with LogGroup 'x'";
    assert_eq!(
        waits("InvalidParameterException", key),
        Some("key policy to admit CloudWatch Logs")
    );
    assert_eq!(
        waits("InvalidParameterException", "1 validation error detected"),
        None
    );
    let abac = "no identity-based policy allows the logs:PutRetentionPolicy action";
    assert!(waits("AccessDeniedException", abac).is_some());
    assert_eq!(
        waits("AccessDeniedException", "with an explicit deny"),
        None
    );

    let code = "ResourceAlreadyExistsException";
    let (aws, _) = scripted([reply_error("logs:CreateLogGroup", 400, code, "exists")]);
    let error = LogGroup::put(&aws, &wanted(), None).await.unwrap_err();
    assert_eq!(error.class, Class::Conflict);
}
