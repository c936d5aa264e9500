//! What the table says to DynamoDB, and what becomes of DynamoDB's documented answers.

#[path = "support/replay.rs"]
mod replay;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;
use payments::event::Status;
use payments::head::Head;
use payments::outcome::Mismatch;
use payments::store::{
    DynamoStore, End, EventItem, Finish, Inserted, Key, Lease, Leased, Packed, Processing, Store,
    StoreError, Stored, store_once,
};
use replay::Replay;
use serde_json::{Value, json};

const CARD: &str = "4242424242424242";

/// A table behind scripted answers, one per call; the requests can be read afterwards.
fn table(answers: Vec<(u16, Value)>, attempts: u32) -> (Replay, DynamoStore) {
    let http = Replay::new(
        answers
            .into_iter()
            .map(|(status, body)| (status, body.to_string())),
    );
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(attempts)
                .with_initial_backoff(std::time::Duration::ZERO),
        )
        .http_client(http.clone())
        .build();
    (
        http,
        DynamoStore::new(Client::from_conf(config), "payments-dev"),
    )
}

fn sent(http: &Replay, call: usize) -> Value {
    serde_json::from_slice(&http.bodies()[call]).unwrap()
}

fn key() -> Key {
    Key {
        payment_id: "stripe:pi_1".into(),
        timestamp: 1_000,
    }
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn event() -> EventItem {
    let item = EventItem {
        key: key(),
        provider: "stripe".into(),
        event_id: "evt_1".into(),
        event_type: "payment_intent.succeeded".into(),
        body_digest: String::new(),
        common_digest: None,
        occurred_ms: Some(1_000),
        event_status: None,
        money: None,
        provider_payment_id: "pi_1".into(),
        received_at: now(),
        signed: true,
        trace_id: None,
        expires_at: None,
        body: None,
        body_events: 1,
        told_by: None,
        erased_at: None,
        processing: Processing::Received,
        processed_at: None,
        ignored: None,
        status: None,
        outcome_id: None,
        mismatch: None,
        resolved: None,
        failure: None,
    };
    item.with_body(&Packed::new("stripe", "evt_1", CARD.as_bytes()))
        .unwrap()
}

/// The item of [`event`] as DynamoDB answers it.
fn wire(processing: &str) -> Value {
    json!({
        "paymentId": {"S": "stripe:pi_1"}, "timestamp": {"N": "1000"}, "recordType": {"S": "event"}, "provider": {"S": "stripe"},
        "eventId": {"S": "evt_1"}, "eventType": {"S": "payment_intent.succeeded"}, "bodyDigest": {"S": event().body_digest},
        "occurredAt": {"N": "1000"}, "eventStatus": {"S": "none"}, "providerPaymentId": {"S": "pi_1"},
        "receivedAt": {"S": "2026-01-01T00:00:00Z"}, "signed": {"BOOL": true}, "processing": {"S": processing},
        "failure": {"M": {"error": {"S": "Permanent"}, "cause": {"S": "x"}}},
    })
}

fn failed(code: &str) -> Value {
    json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": format!("about {CARD}")})
}

fn condition_failed(item: Value) -> (u16, Value) {
    let mut answer = failed("ConditionalCheckFailedException");
    answer["Item"] = item;
    (400, answer)
}

fn lease() -> Lease {
    Lease {
        owner: "arn:e1".into(),
        now: now(),
        until: now(),
    }
}

/// A transaction that found something in the way of the event, of its marker, or of both.
fn taken(event: Value, marker: Value) -> (u16, Value) {
    let reason = |item: Value| match item {
        Value::Null => json!({"Code": "None"}),
        item => json!({"Code": "ConditionalCheckFailed", "Message": CARD, "Item": item}),
    };
    let mut answer = failed("TransactionCanceledException");
    answer["CancellationReasons"] = json!([reason(event), reason(marker)]);
    (400, answer)
}

fn busy() -> (u16, Value) {
    let mut answer = failed("TransactionCanceledException");
    answer["CancellationReasons"] = json!([{"Code": "None"}, {"Code": "TransactionConflict"}]);
    (400, answer)
}

fn marker_wire(digest: &str) -> Value {
    json!({"paymentId": {"S": "event:stripe:x"}, "timestamp": {"N": "0"}, "recordType": {"S": "marker"},
        "digest": {"S": digest}, "ofPayment": {"S": "stripe:pi_1"}, "ofTimestamp": {"N": "1000"}})
}

#[tokio::test]
async fn an_event_and_its_marker_are_written_only_where_nothing_is_and_the_old_items_are_asked_for()
{
    let (http, table) = table(vec![(200, json!({}))], 1);
    assert_eq!(table.insert(&event()).await.unwrap(), Inserted::New);
    let sent = sent(&http, 0);
    let puts: Vec<_> = sent["TransactItems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["Put"])
        .collect();
    for put in &puts {
        assert_eq!(
            put["ConditionExpression"],
            "attribute_not_exists(paymentId)"
        );
        assert_eq!(put["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
        assert_eq!(put["TableName"], "payments-dev");
    }
    let event_put = puts[0];
    let mut names: Vec<_> = event_put["Item"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "attention",
            "attentionState",
            "body",
            "bodyBytes",
            "bodyDigest",
            "eventId",
            "eventStatus",
            "eventType",
            "occurredAt",
            "paymentId",
            "processing",
            "provider",
            "providerPaymentId",
            "receivedAt",
            "recordType",
            "signed",
            "timestamp"
        ]
    );
    assert_eq!(event_put["Item"]["recordType"], json!({"S": "event"}));
    let marker = &puts[1]["Item"];
    assert_eq!(marker["recordType"], json!({"S": "marker"}));
    assert_eq!(marker["digest"], event_put["Item"]["bodyDigest"]);
    assert!(
        marker["paymentId"]["S"]
            .as_str()
            .unwrap()
            .starts_with("event:stripe:")
    );
    assert_eq!(puts.len(), 2);
}

#[tokio::test]
async fn what_is_in_the_way_decides_what_the_event_is() {
    let mut stranger = wire("received");
    stranger["eventId"] = json!({"S": "evt_0"});
    let digest = event().body_digest;
    let answers = vec![
        taken(stranger, Value::Null),
        taken(Value::Null, marker_wire(&digest)),
    ];
    let (http, moved) = table(answers, 1);
    assert_eq!(
        store_once(&moved, event()).await.unwrap(),
        Stored::Duplicate(key())
    );
    assert_eq!(
        sent(&http, 1)["TransactItems"][0]["Put"]["Item"]["timestamp"],
        json!({"N": "1001"}),
        "the next free millisecond"
    );
    let (_, conflict) = table(vec![taken(wire("received"), marker_wire("0000"))], 1);
    assert_eq!(
        store_once(&conflict, event()).await.unwrap(),
        Stored::Conflict(key())
    );
    let (_, before_markers) = table(vec![taken(wire("processed"), Value::Null)], 1);
    assert_eq!(
        store_once(&before_markers, event()).await.unwrap(),
        Stored::Duplicate(key())
    );
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_meet_wait_for_each_other_and_not_for_ever() {
    let (http, table1) = table(vec![busy(), busy(), (200, json!({}))], 1);
    assert_eq!(
        store_once(&table1, event()).await.unwrap(),
        Stored::New(key())
    );
    assert_eq!(http.bodies().len(), 3);
    let (http, table2) = table((0..20).map(|_| busy()).collect(), 1);
    let error = store_once(&table2, event()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(error.to_string().contains("TransactionConflict"), "{error}");
    assert_eq!(http.bodies().len(), 8);
}

#[tokio::test]
async fn the_search_for_a_free_key_ends() {
    let mut stranger = wire("received");
    stranger["eventId"] = json!({"S": "evt_0"});
    let answers = (0..1_001)
        .map(|_| taken(stranger.clone(), Value::Null))
        .collect();
    let (http, table) = table(answers, 1);
    assert!(matches!(
        store_once(&table, event()).await,
        Err(StoreError::NoFreeKey)
    ));
    assert_eq!(http.bodies().len(), 1_000);
}

#[tokio::test]
async fn a_write_whose_reply_was_lost_is_sent_again_under_the_same_token() {
    let answers = vec![(500, failed("InternalServerError")), (200, json!({}))];
    let (http, table) = table(answers, 2);
    assert_eq!(
        store_once(&table, event()).await.unwrap(),
        Stored::New(key())
    );
    let token = |call| sent(&http, call)["ClientRequestToken"].clone();
    assert_eq!(token(0), token(1));
    assert!(token(0).is_string());
}

#[tokio::test]
async fn an_error_is_transient_or_not_and_says_no_more_than_code_and_request() {
    for (status, code, transient) in [
        (400, "ProvisionedThroughputExceededException", true),
        (400, "ThrottlingException", true),
        (400, "RequestLimitExceeded", true),
        (500, "InternalServerError", true),
        (503, "ServiceUnavailable", true),
        (400, "AccessDeniedException", false),
        (400, "ResourceNotFoundException", false),
        (400, "ValidationException", false),
    ] {
        let (_, table) = table(vec![(status, failed(code))], 1);
        let error = table.insert(&event()).await.unwrap_err();
        assert_eq!(error.is_transient(), transient, "{code}");
        let text = format!("{error}");
        assert!(
            text.contains(code) && text.contains("REQ1") && text.contains("payments-dev"),
            "{text}"
        );
        assert!(!text.contains(CARD), "{text}");
    }
}

#[tokio::test]
async fn a_lease_is_refused_for_the_reason_the_item_shows() {
    let leased = |answer| async move {
        let (http, table) = table(vec![answer], 1);
        (table.lease(&key(), &lease()).await, http)
    };
    let (taken, http) = leased((200, json!({"Attributes": wire("failed")}))).await;
    let Leased::Taken(item) = taken.unwrap() else {
        panic!("a failed event can be taken up again")
    };
    assert_eq!(
        (item.processing, item.failure.as_deref()),
        (Processing::Failed, Some("Permanent"))
    );
    let update = sent(&http, 0);
    let condition = update["ConditionExpression"].as_str().unwrap();
    assert!(
        condition.contains("leaseUntil <= :now OR leaseOwner = :owner"),
        "{condition}"
    );
    assert_eq!(update["ReturnValues"], "ALL_NEW");

    assert!(matches!(
        leased(condition_failed(wire("processed"))).await.0,
        Ok(Leased::Finished(_))
    ));
    assert!(matches!(
        leased(condition_failed(wire("ignored"))).await.0,
        Ok(Leased::Finished(_))
    ));
    assert!(matches!(
        leased(condition_failed(wire("received"))).await.0,
        Ok(Leased::Held)
    ));
    assert!(matches!(
        leased((400, failed("ConditionalCheckFailedException")))
            .await
            .0,
        Ok(Leased::Missing)
    ));
    let head = json!({"paymentId": {"S": "stripe:pi_1"}, "timestamp": {"N": "0"}, "recordType": {"S": "payment"}});
    assert!(matches!(
        leased(condition_failed(head)).await.0,
        Ok(Leased::Missing)
    ));
}

#[tokio::test]
async fn a_finished_event_loses_its_lease_and_its_failure() {
    let (http, table) = table(vec![(200, json!({})); 2], 1);
    let mut finish = Finish {
        at: now(),
        end: End::Processed {
            status: Status::Succeeded,
            outcome_id: "o-1".to_owned(),
            mismatch: None,
        },
    };
    assert!(table.finish(&key(), "arn:e1", &finish).await.unwrap());
    let update = sent(&http, 0);
    assert_eq!(
        update["ConditionExpression"],
        "recordType = :event AND leaseOwner = :owner"
    );
    let expression = update["UpdateExpression"].as_str().unwrap();
    assert!(
        expression.ends_with(
            "REMOVE leaseOwner, leaseUntil, failure, failedAt, attention, attentionState"
        ),
        "{expression}"
    );
    if let End::Processed { mismatch, .. } = &mut finish.end {
        *mismatch = Some(Mismatch {
            claimed: (Status::Succeeded, None),
            gateway: (Status::Failed, None),
        });
    }
    assert!(table.finish(&key(), "arn:e1", &finish).await.unwrap());
    let update = sent(&http, 1);
    let expression = update["UpdateExpression"].as_str().unwrap();
    assert!(
        expression.ends_with("REMOVE leaseOwner, leaseUntil, failure, failedAt"),
        "a mismatch stays in the index: {expression}"
    );
    let state = &update["ExpressionAttributeValues"][":state"]["S"];
    assert!(
        state.as_str().unwrap().starts_with("mismatch 2026-"),
        "{state}"
    );
}

#[tokio::test]
async fn a_head_is_written_only_over_the_version_it_was_made_from() {
    let head = |version| Head {
        latest: [(Status::Succeeded, 1_000)].into(),
        amount: None,
        last_event_id: "evt_1".into(),
        previous: None,
        version,
        updated_at: now(),
    };
    let (http, table) = table(
        vec![
            (200, json!({})),
            (200, json!({})),
            condition_failed(json!({})),
        ],
        1,
    );
    assert!(table.put_head("stripe:pi_1", &head(1)).await.unwrap());
    assert!(table.put_head("stripe:pi_1", &head(2)).await.unwrap());
    assert!(!table.put_head("stripe:pi_1", &head(2)).await.unwrap());
    assert_eq!(
        sent(&http, 0)["ConditionExpression"],
        "attribute_not_exists(paymentId)"
    );
    assert_eq!(sent(&http, 1)["ConditionExpression"], "#version = :before");
    let values = &sent(&http, 1)["ExpressionAttributeValues"];
    assert_eq!(
        (&values[":before"], &values[":version"]),
        (&json!({"N": "1"}), &json!({"N": "2"}))
    );
    assert_eq!(values[":recordType"], json!({"S": "payment"}));
}

#[tokio::test]
async fn an_item_of_another_shape_is_an_error_that_names_the_attribute() {
    for attribute in [
        "eventId",
        "bodyDigest",
        "processing",
        "receivedAt",
        "signed",
    ] {
        let mut item = wire("received");
        item[attribute] = json!({"N": "1"});
        let (_, table) = table(vec![taken(item, Value::Null)], 1);
        let error = table.insert(&event()).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Unreadable { attribute: named, .. } if named == attribute),
            "{error}"
        );
        assert!(!error.is_transient());
    }
}
