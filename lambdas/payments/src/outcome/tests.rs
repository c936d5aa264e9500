use aws_sdk_eventbridge::config::{BehaviorVersion, Credentials, Region};

use super::*;
use crate::money::Currency;
use crate::replay::Replay;

fn outcome() -> Outcome {
    let amount = Some(Money {
        minor: 1999,
        currency: Currency::parse("eur").unwrap(),
        exponent: 2,
    });
    Outcome {
        outcome_id: outcome_id("stripe", "evt_1"),
        environment: "dev".into(),
        provider: "stripe".into(),
        payment_id: "stripe:pi_1".into(),
        provider_payment_id: "pi_1".into(),
        event_id: "evt_1".into(),
        event_type: "payment_intent.succeeded".into(),
        status: Status::Failed,
        previous_status: Some(Status::Pending),
        amount: amount.clone(),
        occurred_ms: Some(1_767_225_600_000),
        mismatch: Some(Mismatch {
            claimed: (Status::Succeeded, amount),
            gateway: (Status::Failed, None),
        }),
    }
}

fn bus(status: u16, answer: &'static str) -> (Replay, EventBus) {
    let http = Replay::new([(status, answer.to_owned())]);
    let config = aws_sdk_eventbridge::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .retry_config(aws_smithy_types::retry::RetryConfig::disabled())
        .http_client(http.clone())
        .build();
    (
        http,
        EventBus::new(aws_sdk_eventbridge::Client::from_conf(config), "payments"),
    )
}

#[tokio::test]
async fn an_outcome_is_published_as_one_entry_with_the_documented_detail() {
    let (http, bus) = bus(200, r#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}"#);
    bus.publish(&outcome()).await.unwrap();
    let sent: Value = serde_json::from_slice(&http.bodies()[0]).unwrap();
    let entry = &sent["Entries"][0];
    assert_eq!(
        (
            &entry["Source"],
            &entry["DetailType"],
            &entry["EventBusName"]
        ),
        (
            &json!("payhook.payments"),
            &json!("Payment Completed"),
            &json!("payments")
        )
    );
    let amount = json!({"minor": 1999, "currency": "EUR", "exponent": 2});
    assert_eq!(
        serde_json::from_str::<Value>(entry["Detail"].as_str().unwrap()).unwrap(),
        json!({
            "outcomeId": outcome_id("stripe", "evt_1"), "environment": "dev", "provider": "stripe",
            "paymentId": "stripe:pi_1", "providerPaymentId": "pi_1", "eventId": "evt_1",
            "eventType": "payment_intent.succeeded", "status": "failed", "previousStatus": "pending",
            "amount": amount, "occurredAt": "2026-01-01T00:00:00Z",
            "mismatch": {
                "claimed": {"status": "succeeded", "amount": amount},
                "gateway": {"status": "failed", "amount": null},
            },
        })
    );
}

#[tokio::test]
async fn an_entry_that_the_bus_did_not_take_is_an_error_although_the_call_succeeded() {
    for (code, transient) in [
        ("ThrottlingException", true),
        ("InternalFailure", true),
        ("NotAuthorizedForSourceException", false),
    ] {
        let answer = format!(
            r#"{{"FailedEntryCount":1,"Entries":[{{"ErrorCode":"{code}","ErrorMessage":"x"}}]}}"#
        );
        let (_, bus) = bus(200, answer.leak());
        let error = bus.publish(&outcome()).await.unwrap_err();
        assert_eq!(
            (error.failure.code.as_str(), error.failure.transient),
            (code, transient)
        );
    }
}

#[tokio::test]
async fn an_answer_of_500_is_transient_and_a_missing_bus_is_not() {
    let (_, unwell) = bus(500, "{}");
    assert!(
        unwell
            .publish(&outcome())
            .await
            .unwrap_err()
            .failure
            .transient
    );
    let (_, missing) = bus(
        400,
        r#"{"__type":"ResourceNotFoundException","message":"Event bus payments does not exist."}"#,
    );
    let error = missing.publish(&outcome()).await.unwrap_err();
    assert!(!error.failure.transient);
    assert!(
        error.to_string().contains("ResourceNotFoundException"),
        "{error}"
    );
}

#[test]
fn the_outcome_id_depends_on_provider_and_event_and_nothing_else() {
    assert_eq!(outcome_id("stripe", "evt_1"), outcome_id("stripe", "evt_1"));
    assert_ne!(outcome_id("stripe", "evt_1"), outcome_id("stripe", "evt_2"));
    assert_ne!(outcome_id("stripe", "evt_1"), outcome_id("adyen", "evt_1"));
}
