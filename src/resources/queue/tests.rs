use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Class, Delete, Live, Observed, Put, Tags};
use proptest::prelude::*;
use serde_json::json;

const URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/payment-events-dlq-dev";
const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/k-1";
const ABSENT: &str = "AWS.SimpleQueueService.NonExistentQueue";

fn queue() -> Queue {
    Queue {
        name: "payment-events-dlq-dev".to_owned(),
        key: Input::known(KEY),
        retention_seconds: 1_209_600,
        visibility_timeout_seconds: 60,
        unmanaged: Unmanaged::new(),
    }
}

fn known(queue: Queue) -> At<Queue> {
    let mut at = at("payment-events-dlq", queue);
    at.outputs.insert("queueUrl".to_owned(), URL.to_owned());
    at
}

fn shown(queue: &Queue, key: &str, tags: &Tags) -> [Reply; 2] {
    let attributes = json!({"QueueArn": "arn", "KmsMasterKeyId": key, "SqsManagedSseEnabled": "false",
        "MessageRetentionPeriod": queue.retention_seconds.to_string(),
        "VisibilityTimeout": queue.visibility_timeout_seconds.to_string()});
    [
        reply(
            "sqs:GetQueueAttributes",
            200,
            json!({ "Attributes": attributes }),
        ),
        reply("sqs:ListQueueTags", 200, json!({ "Tags": tags })),
    ]
}

/// A queue as SQS shows it with these attributes beside ours.
async fn read_with(others: &[(&str, &str)]) -> Observed<Queue> {
    let at = known(queue());
    let mut attributes = json!({"KmsMasterKeyId": KEY, "MessageRetentionPeriod": "1209600",
        "VisibilityTimeout": "60"});
    for (name, value) in others {
        attributes[*name] = json!(value);
    }
    let (aws, _) = scripted([
        reply(
            "sqs:GetQueueAttributes",
            200,
            json!({ "Attributes": attributes }),
        ),
        reply("sqs:ListQueueTags", 200, json!({ "Tags": at.tags })),
    ]);
    Queue::read(&aws, &at).await.unwrap().unwrap()
}

const OPEN: &str = r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*"}]}"#;

#[tokio::test]
async fn each_attribute_set_by_hand_is_named_and_goes_back_to_what_sqs_gives_by_itself() {
    let table = [
        ("Policy", OPEN, "policy", ""),
        (
            "RedrivePolicy",
            r#"{"maxReceiveCount": 3}"#,
            "redrivePolicy",
            "",
        ),
        (
            "RedriveAllowPolicy",
            r#"{"redrivePermission": "denyAll"}"#,
            "redriveAllowPolicy",
            "",
        ),
        ("DelaySeconds", "900", "delaySeconds", "0"),
        (
            "ReceiveMessageWaitTimeSeconds",
            "20",
            "receiveMessageWaitTimeSeconds",
            "0",
        ),
        (
            "KmsDataKeyReusePeriodSeconds",
            "60",
            "kmsDataKeyReusePeriodSeconds",
            "300",
        ),
        (
            "MaximumMessageSize",
            "1024",
            "maximumMessageSize",
            "1048576",
        ),
    ];
    for (attribute, value, name, own) in table {
        let observed = read_with(&[(attribute, value)]).await;
        let named: Vec<&String> = observed.properties.unmanaged.keys().collect();
        assert_eq!(named, [name]);
        let set = "sqs:SetQueueAttributes";
        let (aws, script) = scripted([reply(set, 200, json!({}))]);
        Queue::put(&aws, &known(queue()), Some(&observed))
            .await
            .unwrap();
        script.assert_calls([set]);
        assert_eq!(script.body(set)["Attributes"], json!({ attribute: own }));
    }
}

#[tokio::test]
async fn what_sqs_gives_by_itself_is_no_change() {
    for size in ["1048576", "262144"] {
        let observed = read_with(&[
            ("MaximumMessageSize", size),
            ("DelaySeconds", "0"),
            ("ReceiveMessageWaitTimeSeconds", "0"),
            ("KmsDataKeyReusePeriodSeconds", "300"),
            ("SqsManagedSseEnabled", "false"),
            ("ApproximateNumberOfMessages", "3"),
            ("Policy", ""),
        ])
        .await;
        assert_eq!(observed.properties, queue());
    }
}

async fn read_back(queue: Queue, key: &str) -> Observed<Queue> {
    let at = known(queue.clone());
    let (aws, script) = scripted(shown(&queue, key, &at.tags));
    let observed = Queue::read(&aws, &at).await.unwrap().unwrap();
    script.assert_calls(["sqs:GetQueueAttributes", "sqs:ListQueueTags"]);
    assert_eq!(observed.tags, Some(at.tags));
    observed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_read_gives_back_every_property(kept in 60u32..1_209_600, hidden in 0u32..43_200) {
        let queue = Queue { retention_seconds: kept, visibility_timeout_seconds: hidden, ..queue() };
        for echo in [KEY, "k-1"] {
            let observed = run(read_back(queue.clone(), echo));
            prop_assert_eq!(&observed.properties, &queue);
            prop_assert_eq!(&observed.outputs["queueUrl"], URL);
        }
    }
}

#[tokio::test]
async fn a_queue_not_on_record_is_looked_up_by_name() {
    let at = at("payment-events-dlq", queue());
    let mut replies = vec![reply("sqs:GetQueueUrl", 200, json!({ "QueueUrl": URL }))];
    replies.extend(shown(&queue(), KEY, &at.tags));
    let (aws, script) = scripted(replies);
    assert!(Queue::read(&aws, &at).await.unwrap().is_some());
    assert_eq!(script.body("sqs:ListQueueTags")["QueueUrl"], URL);
}

#[tokio::test]
async fn a_queue_that_does_not_exist_reads_as_none() {
    let (aws, _) = scripted([reply_error("sqs:GetQueueUrl", 400, ABSENT, "no queue")]);
    let lost = at("payment-events-dlq", queue());
    assert!(Queue::read(&aws, &lost).await.unwrap().is_none());

    let calls = ["sqs:GetQueueAttributes", "sqs:ListQueueTags"];
    let (aws, _) = scripted(calls.map(|call| reply_error(call, 400, ABSENT, "no queue")));
    assert!(Queue::read(&aws, &known(queue())).await.unwrap().is_none());
}

#[tokio::test]
async fn a_new_queue_is_made_with_attributes_and_tags_in_one_call() {
    let (aws, script) = scripted([reply("sqs:CreateQueue", 200, json!({ "QueueUrl": URL }))]);
    let at = at("payment-events-dlq", queue());
    let Put::Done(outputs) = Queue::put(&aws, &at, None).await.unwrap() else {
        panic!("nothing is left to wait for");
    };
    assert_eq!(outputs["queueUrl"], URL);
    let arn = "arn:aws:sqs:eu-central-1:123456789012:payment-events-dlq-dev";
    assert_eq!(outputs["queueArn"], arn);
    let body = script.body("sqs:CreateQueue");
    assert_eq!(body["tags"], json!(at.tags));
    let attributes = json!({"KmsMasterKeyId": KEY, "MessageRetentionPeriod": "1209600",
        "VisibilityTimeout": "60"});
    assert_eq!(body["Attributes"], attributes);
}

#[tokio::test]
async fn each_change_makes_exactly_its_own_call_and_no_change_none() {
    type Change = fn(&mut At<Queue>);
    let set = "sqs:SetQueueAttributes";
    let table: [(&[&str], &str, Change); 6] = [
        (&[], "", |_| {}),
        (&[set], "KmsMasterKeyId", |at| {
            at.properties.key = Input::known("k-2")
        }),
        (&[set], "MessageRetentionPeriod", |at| {
            at.properties.retention_seconds = 60
        }),
        (&[set], "VisibilityTimeout", |at| {
            at.properties.visibility_timeout_seconds = 0
        }),
        (&["sqs:TagQueue"], "", |at| {
            drop(at.tags.insert("a".to_owned(), "b".to_owned()))
        }),
        (&["sqs:UntagQueue"], "", |at| drop(at.tags.remove("team"))),
    ];
    let observed = read_back(queue(), KEY).await;
    for (calls, attribute, change) in table {
        let mut at = known(queue());
        change(&mut at);
        let (aws, script) = scripted(calls.iter().map(|call| reply(call, 200, json!({}))));
        Queue::put(&aws, &at, Some(&observed)).await.unwrap();
        script.assert_calls(calls.iter().copied());
        if !attribute.is_empty() {
            let sent = script.body(set)["Attributes"].clone();
            assert_eq!(
                sent.as_object().unwrap().keys().collect::<Vec<_>>(),
                [attribute]
            );
        }
    }
}

#[tokio::test]
async fn a_deleted_queue_is_waited_for_until_it_stops_answering() {
    let observed = read_back(queue(), KEY).await;
    let (aws, script) = scripted([
        reply("sqs:DeleteQueue", 200, json!({})),
        reply_error("sqs:DeleteQueue", 400, ABSENT, "no queue"),
    ]);
    let at = known(queue());
    let first = Queue::delete(&aws, &at, &observed).await.unwrap();
    assert_eq!(first, Delete::Waiting("queue to disappear"));
    assert_eq!(
        Queue::delete(&aws, &at, &observed).await.unwrap(),
        Delete::Gone
    );
    assert_eq!(script.bodies("sqs:DeleteQueue")[0]["QueueUrl"], URL);
}

#[tokio::test]
async fn a_name_deleted_less_than_a_minute_ago_is_waited_for() {
    let code = "AWS.SimpleQueueService.QueueDeletedRecently";
    let refusal = "You must wait 60 seconds after deleting a queue before you can create another with the same name.";
    let (aws, _) = scripted([reply_error("sqs:CreateQueue", 400, code, refusal)]);
    let error = Queue::put(&aws, &known(queue()), None).await.unwrap_err();
    let rule = Queue::SETTLE
        .iter()
        .find(|rule| rule.covers(&error))
        .unwrap();
    assert!(rule.budget_seconds >= 64);
    assert_eq!(rule.name, "the deleted queue to release its name");
}

#[tokio::test]
async fn refusals_land_in_their_class() {
    for (code, status, class) in [
        ("QueueAlreadyExists", 400, Class::Conflict),
        ("InternalFailure", 500, Class::Unavailable),
        ("RequestThrottled", 403, Class::Throttle),
    ] {
        let (aws, _) = scripted([reply_error("sqs:CreateQueue", status, code, "")]);
        let error = Queue::put(&aws, &known(queue()), None).await.unwrap_err();
        assert_eq!(error.class, class, "{code}");
        assert_eq!(waits_for::<Queue>(&error.code, &error.message), None);
    }
    assert!(waits_for::<Queue>(ABSENT, "").is_some());
}
