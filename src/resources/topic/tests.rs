use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Delete, Live, Observed, Put, Tags};
use proptest::prelude::*;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:sns:eu-central-1:123456789012:payment-webhook-alarms-dev";
const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/k-1";
const MAIL: &str = "on-call@example.com";

fn topic() -> Topic {
    Topic {
        name: "payment-webhook-alarms-dev".to_owned(),
        key: Input::known(KEY),
        email: Some(MAIL.to_owned()),
        unmanaged: Unmanaged::new(),
    }
}

fn wanted() -> At<Topic> {
    at("alarms", topic())
}

fn subscription(protocol: &str, endpoint: &str, arn: &str) -> Value {
    json!({"Protocol": protocol, "Endpoint": endpoint, "SubscriptionArn": arn, "TopicArn": ARN})
}

fn confirmed(endpoint: &str) -> Value {
    subscription("email", endpoint, &format!("{ARN}:1"))
}

fn pending(endpoint: &str) -> Value {
    subscription("email", endpoint, "PendingConfirmation")
}

fn subscribed(subscriptions: &[Value]) -> Reply {
    let listed = json!({ "Subscriptions": subscriptions });
    reply("sns:ListSubscriptionsByTopic", 200, listed)
}

fn shown(key: &str, subscriptions: &[Value], tags: &Tags) -> [Reply; 3] {
    let attributes =
        json!({"entry": [{"key": "KmsMasterKeyId", "value": key}, {"key": "Owner", "value": "1"}]});
    [
        reply(
            "sns:GetTopicAttributes",
            200,
            json!({ "Attributes": attributes }),
        ),
        reply(
            "sns:ListTagsForResource",
            200,
            json!({"Tags": tag_list(tags, "Key", "Value")}),
        ),
        subscribed(subscriptions),
    ]
}

async fn read(at: &At<Topic>, key: &str, subscriptions: &[Value]) -> Observed<Topic> {
    let (aws, script) = scripted(shown(key, subscriptions, &at.tags));
    let observed = Topic::read(&aws, at).await.unwrap().unwrap();
    assert_eq!(script.calls().len(), 3);
    assert_eq!(observed.tags.as_ref(), Some(&at.tags));
    observed
}

const SNS_OWN: &str = r#"{"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [{
    "Sid": "__default_statement_ID", "Effect": "Allow", "Principal": {"AWS": "*"},
    "Action": ["SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
        "SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish"],
    "Resource": "arn:aws:sns:eu-central-1:123456789012:payment-webhook-alarms-dev",
    "Condition": {"StringEquals": {"AWS:SourceOwner": "123456789012"}}}]}"#;

/// Ours as SNS shows it with this attribute.
async fn read_with(attribute: &str, value: &str) -> Observed<Topic> {
    let at = wanted();
    let mut replies = shown(KEY, &[confirmed(MAIL)], &at.tags);
    let entries =
        json!([{"key": "KmsMasterKeyId", "value": KEY}, {"key": attribute, "value": value}]);
    let attributes = json!({"Attributes": {"entry": entries}});
    replies[0] = reply("sns:GetTopicAttributes", 200, attributes);
    let (aws, _) = scripted(replies);
    Topic::read(&aws, &at).await.unwrap().unwrap()
}

#[tokio::test]
async fn each_attribute_set_by_hand_is_named_and_goes_back_to_what_sns_gives_by_itself() {
    let open = SNS_OWN.replace("StringEquals", "StringLike");
    let mine = SNS_OWN.replace("\"123456789012\"}}", "\"999999999999\"}}");
    let more = SNS_OWN.replace("]}", ", {\"Effect\": \"Allow\", \"Principal\": \"*\"}]}");
    let other = SNS_OWN.replace("SNS:Publish", "SNS:*");
    let table = [
        ("DisplayName", "mine", "displayName", ""),
        ("DeliveryPolicy", r#"{"http": {}}"#, "deliveryPolicy", ""),
        ("TracingConfig", "Active", "tracingConfig", "PassThrough"),
        ("SignatureVersion", "2", "signatureVersion", "1"),
        ("Policy", open.as_str(), "policy", SNS_OWN),
        ("Policy", mine.as_str(), "policy", SNS_OWN),
        ("Policy", more.as_str(), "policy", SNS_OWN),
        ("Policy", other.as_str(), "policy", SNS_OWN),
    ];
    for (attribute, value, name, own) in table {
        assert_ne!(value, own);
        let observed = read_with(attribute, value).await;
        let named: Vec<&String> = observed.properties.unmanaged.keys().collect();
        assert_eq!(named, [name], "{value}");
        let set = "sns:SetTopicAttributes";
        let (aws, script) = scripted([reply(set, 200, json!({}))]);
        Topic::put(&aws, &wanted(), Some(&observed)).await.unwrap();
        script.assert_calls([set]);
        let sent = script.body(set);
        assert_eq!(sent["AttributeName"], attribute);
        let data = |text: &str| serde_json::from_str(text).unwrap_or(json!(text));
        assert_eq!(
            data(sent["AttributeValue"].as_str().unwrap_or_default()),
            data(own)
        );
    }
}

#[tokio::test]
async fn the_policy_that_sns_gives_every_topic_is_no_change_however_it_is_written() {
    let one = SNS_OWN.replace("SNS:Publish\"]", "sns:Publish\", \"SNS:Receive\"]");
    for text in [SNS_OWN, &one] {
        assert_eq!(read_with("Policy", text).await.properties, topic());
    }
    for (attribute, own) in [
        ("DisplayName", ""),
        ("TracingConfig", "PassThrough"),
        ("EffectiveDeliveryPolicy", "{}"),
        ("SubscriptionsConfirmed", "3"),
    ] {
        assert_eq!(
            read_with(attribute, own).await.properties,
            topic(),
            "{attribute}"
        );
    }
}

async fn settled() -> Observed<Topic> {
    read(&wanted(), KEY, &[confirmed(MAIL)]).await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_read_gives_back_every_property(
        id in "[a-f0-9]{4}", email in proptest::option::of("[a-z]{1,5}@example\\.com"), waits: bool
    ) {
        let key = format!("arn:aws:kms:eu-central-1:123456789012:key/{id}");
        let topic = Topic { key: Input::known(key.clone()), email: email.clone(), ..topic() };
        let one = |email: String| if waits { pending(&email) } else { confirmed(&email) };
        let subscriptions: Vec<Value> = email.into_iter().map(one).collect();
        let observed = run(read(&at("alarms", topic.clone()), &key, &subscriptions));
        prop_assert_eq!(observed.properties, topic);
        prop_assert_eq!(&observed.outputs["topicArn"], ARN);
    }
}

#[tokio::test]
async fn an_unconfirmed_or_other_subscription_is_seen_only_where_it_matters() {
    let email =
        async |subscriptions: &[Value]| read(&wanted(), KEY, subscriptions).await.properties.email;
    assert_eq!(
        email(&[confirmed("a@b"), pending(MAIL)]).await.as_deref(),
        Some(MAIL)
    );
    assert_eq!(email(&[pending("a@b")]).await, None);
    assert_eq!(email(&[confirmed("a@b")]).await.as_deref(), Some("a@b"));
    let page = subscription("https", "https://pager.example.com", &format!("{ARN}:2"));
    assert_eq!(email(&[page]).await, None);
}

#[tokio::test]
async fn a_new_topic_is_made_with_key_and_tags_and_its_subscription_is_not_waited_for() {
    let (aws, script) = scripted([
        reply("sns:CreateTopic", 200, json!({ "TopicArn": ARN })),
        reply(
            "sns:Subscribe",
            200,
            json!({"SubscriptionArn": "pending confirmation"}),
        ),
    ]);
    let done = Topic::put(&aws, &wanted(), None).await.unwrap();
    assert_eq!(
        done,
        Put::Done([("topicArn".to_owned(), ARN.to_owned())].into())
    );
    script.assert_calls(["sns:CreateTopic", "sns:Subscribe"]);
    let body = script.body("sns:CreateTopic");
    assert_eq!(body["Attributes.entry.1.value"], KEY);
    assert_eq!(body["Tags.member.1.Key"], "payhook:env");
    assert_eq!(script.body("sns:Subscribe")["Endpoint"], MAIL);
}

#[tokio::test]
async fn each_change_makes_exactly_its_own_calls_and_no_change_none() {
    type Change = fn(&mut At<Topic>);
    let list = "sns:ListSubscriptionsByTopic";
    let table: [(&[&str], Change); 6] = [
        (&[], |_| {}),
        (&["sns:SetTopicAttributes"], |at| {
            at.properties.key = Input::known("k-2")
        }),
        (&[list, "sns:Unsubscribe"], |at| at.properties.email = None),
        (&["sns:Subscribe", list, "sns:Unsubscribe"], |at| {
            at.properties.email = Some("new@example.com".to_owned());
        }),
        (&["sns:TagResource"], |at| {
            drop(at.tags.insert("a".to_owned(), "b".to_owned()))
        }),
        (&["sns:UntagResource"], |at| drop(at.tags.remove("team"))),
    ];
    let observed = settled().await;
    for (calls, change) in table {
        let mut at = wanted();
        change(&mut at);
        let (aws, script) = scripted(calls.iter().map(|call| match *call {
            call if call == list => subscribed(&[pending("x@y"), confirmed(MAIL)]),
            call => reply(call, 200, json!({})),
        }));
        Topic::put(&aws, &at, Some(&observed)).await.unwrap();
        script.assert_calls(calls.iter().copied());
    }
}

#[tokio::test]
async fn a_topic_that_does_not_exist_reads_as_none_and_is_deleted_already() {
    let calls = [
        "GetTopicAttributes",
        "ListTagsForResource",
        "ListSubscriptionsByTopic",
    ];
    let absent = |call| reply_error(&format!("sns:{call}"), 404, "NotFound", "no topic");
    let (aws, _) = scripted(calls.map(absent));
    assert!(Topic::read(&aws, &wanted()).await.unwrap().is_none());

    let observed = settled().await;
    let delete = "sns:DeleteTopic";
    let (aws, script) = scripted([reply(delete, 200, json!({})), absent("DeleteTopic")]);
    for _ in 0..2 {
        let gone = Topic::delete(&aws, &wanted(), &observed).await.unwrap();
        assert_eq!(gone, Delete::Gone);
    }
    assert_eq!(script.bodies(delete)[0]["TopicArn"], ARN);
}

#[tokio::test]
async fn refusals_that_pass_are_waited_for() {
    for (code, message) in [
        ("ConcurrentAccess", "try again"),
        ("StaleTag", "stale"),
        (
            "AuthorizationError",
            "x because no identity-based policy allows the SNS:SetTopicAttributes action",
        ),
    ] {
        let mut at = wanted();
        at.tags.clear();
        let (aws, _) = scripted([reply_error("sns:UntagResource", 403, code, message)]);
        let error = Topic::put(&aws, &at, Some(&settled().await))
            .await
            .unwrap_err();
        assert!(
            waits_for::<Topic>(&error.code, &error.message).is_some(),
            "{code}"
        );
    }
    assert_eq!(
        waits_for::<Topic>("AuthorizationError", "with an explicit deny"),
        None
    );
}
