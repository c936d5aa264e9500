//! Reading on in Plaid's list of transfer events, spoken by a local HTTP server in the shape that Plaid documents.

#[path = "support/apis.rs"]
mod apis;

use std::time::Duration;

use apis::*;
use payments::confirm::{GatewayError, Listed, News};
use payments::secret::SecretValue;
use payments::store::sha256_hex;
use serde_json::{Value, json};

fn key() -> SecretValue {
    named(&[("client_id", "c"), ("secret", "s")])
}

/// An event as Plaid's documentation shows one.
fn event(id: u64, event_type: &str) -> Value {
    json!({
        "account_id": "3gE5gnRzNyfXpBK5wEEKcymJ5albGVUqg77gr", "funding_account_id": "8945fedc-e703-463d-86b1-dc0607b55460",
        "ledger_id": "563db5f8-4c95-4e17-8c3e-cb988fb9cf1a", "transfer_amount": "12.34", "transfer_id": "460cbe92",
        "transfer_type": "credit", "event_id": id, "event_type": event_type, "failure_reason": null,
        "origination_account_id": "", "originator_client_id": null, "refund_id": null, "sweep_amount": null,
        "sweep_id": null, "timestamp": "2026-01-01T00:00:00Z",
    })
}

fn page(events: &[Value], has_more: bool) -> Value {
    json!({"transfer_events": events, "has_more": has_more, "request_id": "mdqfuVxeoza6mhu"})
}

fn with(mut event: Value, name: &str, value: Value) -> Value {
    event[name] = value;
    event
}

async fn read(after: u64, answer: &Value) -> Result<News, GatewayError> {
    let (api, _) = api_of("plaid", answers(&[ok(answer)])).await;
    let news = api.news(after, &key()).await?;
    Ok(news.expect("Plaid has a list"))
}

async fn only(event: Value) -> Listed {
    let news = read(0, &page(&[event], false)).await.expect("a page");
    news.events()[0].clone()
}

#[tokio::test]
async fn the_list_is_asked_for_what_is_behind_a_place_and_each_event_of_it_is_understood() {
    let first = event(7, "posted");
    let answer = page(&[first.clone(), event(u64::MAX, "settled")], true);
    let (api, asked) = api_of("plaid", answers(&[ok(&answer)])).await;
    let news = api.news(6, &key()).await.unwrap().unwrap();
    let asked = asked.lock().unwrap().join("\n");
    assert!(
        asked.starts_with("POST /transfer/event/sync HTTP/1.1"),
        "{asked}"
    );
    let (_, body) = asked.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(body).unwrap(),
        json!({"client_id": "c", "secret": "s", "after_id": 6, "count": 100})
    );
    assert_eq!((news.has_more, news.last()), (true, Some(u64::MAX)));
    let listed = &news.events()[0];
    assert_eq!(listed.place, 7);
    assert_eq!(serde_json::from_slice::<Value>(&listed.raw).unwrap(), first);
    let event = &listed.event;
    assert_eq!(
        (event.event_id.as_str(), event.event_type.as_str()),
        ("7", "posted")
    );
    assert_eq!(event.payment_id(), "plaid:460cbe92");
    assert_eq!(event.occurred_ms, Some(1_767_225_600_000));
    assert_eq!(event.money.as_ref().unwrap().to_string(), "12.34 USD");
    assert!(event.signed);
}

#[tokio::test]
async fn every_type_of_event_claims_what_plaid_documents_of_it_and_others_claim_nothing() {
    for (event_type, claims) in [
        ("pending", "pending 12.34 USD"),
        ("posted", "succeeded 12.34 USD"),
        ("settled", "settled 12.34 USD"),
        ("funds_available", "settled 12.34 USD"),
        ("failed", "failed 12.34 USD"),
        ("cancelled", "canceled 12.34 USD"),
        ("returned", "disputed 12.34 USD"),
        // What is refunded is not said.
        ("refund.posted", "refunded -"),
        ("refund.settled", "refunded -"),
        ("refund.failed", "succeeded -"),
        ("refund.returned", "succeeded -"),
        ("refund.pending", "- -"),
        ("refund.cancelled", "- -"),
        ("refund.swept", "- -"),
        ("swept", "- 12.34 USD"),
        ("return_swept", "- 12.34 USD"),
        ("something.new", "- 12.34 USD"),
    ] {
        let event = only(event(1, event_type)).await.event;
        let status = event.claimed.map_or("-", |status| status.as_str());
        let money = event
            .money
            .map_or("-".to_owned(), |money| money.to_string());
        assert_eq!(format!("{status} {money}"), claims, "{event_type}");
    }
}

#[tokio::test]
async fn a_sweep_is_no_transfer_and_is_kept_under_its_own_id() {
    let sweep = with(event(9, "sweep.posted"), "transfer_id", "".into());
    let named = with(sweep.clone(), "sweep_id", "sweep-1".into());
    for (event, payment) in [(named, "plaid:sweep-1"), (sweep, "plaid:event-9")] {
        let event = only(event).await.event;
        assert_eq!(
            (event.payment_id().as_str(), event.claimed),
            (payment, None)
        );
    }
}

#[tokio::test]
async fn an_amount_or_time_that_cannot_be_read_stops_no_later_event() {
    for (name, wrong) in [
        ("transfer_amount", json!("ten")),
        ("timestamp", json!("soon")),
    ] {
        let wrong = with(event(1, "posted"), name, wrong);
        let news = read(0, &page(&[wrong, event(2, "settled")], false)).await;
        assert_eq!(news.unwrap().last(), Some(2), "{name}");
    }
}

#[tokio::test]
async fn an_event_is_the_same_while_what_decides_is_and_another_where_that_differs() {
    let digest = async |event| only(event).await.event.common_digest.unwrap();
    let first = digest(event(1, "posted")).await;
    assert_eq!(first.len(), sha256_hex(b"").len());
    let grown = with(event(1, "posted"), "wire_return_fee", Value::Null);
    assert_eq!(digest(grown).await, first);
    for (name, other) in [
        ("event_type", json!("settled")),
        ("transfer_id", json!("another")),
        ("transfer_amount", json!("12.35")),
        ("timestamp", json!("2026-01-01T00:00:01Z")),
        ("refund_id", json!("r-1")),
    ] {
        let other = with(event(1, "posted"), name, other);
        assert_ne!(digest(other).await, first, "{name}");
    }
}

#[tokio::test]
async fn a_list_without_news_is_empty_and_one_in_any_order_is_sorted() {
    let news = read(7, &page(&[], false)).await.unwrap();
    assert_eq!(
        (news.events(), news.last(), news.has_more),
        (&[][..], None, false)
    );
    let shuffled = page(&[event(9, "posted"), event(8, "pending")], false);
    let places = read(7, &shuffled).await.unwrap();
    let places: Vec<_> = places.events().iter().map(|listed| listed.place).collect();
    assert_eq!(places, [8, 9]);
}

#[tokio::test]
async fn a_list_that_is_malformed_or_contradicts_itself_is_asked_for_again_and_never_read_on() {
    let one = event(8, "posted");
    let without = |name: &str| {
        let mut event = one.clone();
        event.as_object_mut().unwrap().remove(name);
        page(&[event], false)
    };
    let endless = json!({"transfer_events": [one], "request_id": "r"});
    for (what, answer) in [
        ("empty object", json!({})),
        ("no list", json!({"has_more": false})),
        ("no end", endless),
        (
            "an end that is no truth",
            json!({"transfer_events": [], "has_more": "no"}),
        ),
        ("an event that is none", page(&[json!(1)], false)),
        ("no id", without("event_id")),
        (
            "a text as id",
            page(&[with(one.clone(), "event_id", "8".into())], false),
        ),
        (
            "a negative id",
            page(&[with(one.clone(), "event_id", (-8).into())], false),
        ),
        (
            "an id with a fraction",
            page(&[with(one.clone(), "event_id", json!(8.5))], false),
        ),
        ("no type", without("event_type")),
        ("no transfer", without("transfer_id")),
        (
            "an empty transfer",
            page(&[with(one.clone(), "transfer_id", "".into())], false),
        ),
        ("the place itself", page(&[event(7, "posted")], false)),
        (
            "something from before",
            page(&[one.clone(), event(3, "posted")], false),
        ),
        (
            "one id twice",
            page(&[one.clone(), event(8, "settled")], false),
        ),
        ("nothing and more of it", page(&[], true)),
    ] {
        let failure = read(7, &answer).await.unwrap_err();
        assert!(
            matches!(failure, GatewayError::Unreadable(_)),
            "{what}: {failure:?}"
        );
        assert!(failure.is_transient(), "{what}");
    }
}

#[tokio::test]
async fn a_list_that_is_slow_busy_or_cut_off_is_asked_for_again_and_one_that_is_refused_is_not() {
    let whole = page(&[event(1, "posted")], false).to_string();
    for (status, body, transient) in [
        ("429 Too Many Requests", String::new(), true),
        ("500 Internal Server Error", String::new(), true),
        ("503 Service Unavailable", String::new(), true),
        ("200 OK", whole[..whole.len() - 2].to_owned(), true),
        ("200 OK", format!("{whole}{}", " ".repeat(1 << 20)), true),
        ("400 Bad Request", "anna@example.com".to_owned(), false),
        ("401 Unauthorized", String::new(), false),
        (
            "302 Found\r\nlocation: http://127.0.0.1:1/",
            String::new(),
            false,
        ),
    ] {
        let (api, _) = api_of("plaid", answers(&[(status, body)])).await;
        let failure = api.news(0, &key()).await.unwrap_err();
        assert_eq!(failure.is_transient(), transient, "{status}: {failure}");
        assert!(!failure.to_string().contains("anna"), "{failure}");
    }
    let slow = Script {
        answers: vec![("200 OK", whole)],
        delay: Duration::from_secs(3),
    };
    let (api, _) = api_of("plaid", slow).await;
    let failure = api.news(0, &key()).await.unwrap_err();
    assert_eq!(failure, GatewayError::Unreachable("did not answer in time"));
}

#[tokio::test]
async fn no_other_provider_has_a_list() {
    for case in cases().into_iter().filter(|case| case.provider != "plaid") {
        let (api, asked) = api_of(case.provider, answers(&[("200 OK", case.answer)])).await;
        assert_eq!(api.news(0, &case.key).await, Ok(None), "{}", case.provider);
        assert!(asked.lock().unwrap().is_empty(), "{}", case.provider);
    }
}

#[tokio::test]
async fn refunds_that_were_submitted_show_in_what_plaid_says_of_a_transfer() {
    let refund =
        |amount: &str, status: &str| json!({"id": "r", "amount": amount, "status": status});
    for (refunds, reads) in [
        (json!([]), "settled"),
        (
            json!([
                refund("1.00", "pending"),
                refund("2.00", "returned"),
                refund("3.00", "failed")
            ]),
            "settled",
        ),
        (json!([refund("1.00", "posted")]), "partially_refunded"),
        (
            json!([refund("10.00", "posted"), refund("0.50", "settled")]),
            "refunded",
        ),
    ] {
        let transfer = json!({"transfer": {"id": "t-1", "status": "settled", "amount": "10.50",
            "iso_currency_code": "USD", "refunds": refunds}});
        let (api, _) = api_of("plaid", answers(&[ok(&transfer)])).await;
        let confirmed = api.payment("t-1", &key()).await.unwrap().unwrap();
        assert_eq!(confirmed.status.as_str(), reads, "{refunds}");
    }
    let wrong = json!({"transfer": {"id": "t-1", "status": "settled", "amount": "10.50",
        "iso_currency_code": "USD", "refunds": [refund("much", "posted")]}});
    let (api, _) = api_of("plaid", answers(&[ok(&wrong)])).await;
    let failure = api.payment("t-1", &key()).await.unwrap_err();
    assert_eq!(failure, GatewayError::Unreadable("an amount is not usable"));
}
