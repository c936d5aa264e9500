//! The documented bodies of Adyen, PayPal, Square, Braintree and Paddle, read into the one payment model.

mod support;

use payments::json::MalformedBody;
use support::*;

#[test]
fn adyen_items_name_the_payment_they_modify() {
    let item = |code: &str, success: &str, money: &str, rest: &str| {
        format!(
            r#"{{"live":"false","notificationItems":[{{"NotificationRequestItem":{{"pspReference":"PSP1","merchantReference":"o-1",
            "amount":{money},"eventCode":"{code}","success":"{success}","eventDate":"2026-01-01T01:00:00+01:00"{rest}}}}}]}}"#
        )
    };
    let eur = r#"{"value":1130,"currency":"EUR"}"#;
    let original = r#","originalReference":"PSP0""#;
    let cancel = r#","originalReference":"PSP0","additionalData":{"modification.action":"cancel"}"#;
    check(
        "adyen",
        &[
            (
                item("AUTHORISATION", "true", eur, ""),
                "PSP1 | authorised | 11.30 EUR | 1767225600000",
            ),
            (
                item("AUTHORISATION", "false", eur, ""),
                "PSP1 | failed | 11.30 EUR | 1767225600000",
            ),
            (
                item("CAPTURE", "true", eur, original),
                "PSP0 | succeeded | 11.30 EUR | 1767225600000",
            ),
            (
                item("CAPTURE_FAILED", "true", eur, original),
                "PSP0 | failed | 11.30 EUR | 1767225600000",
            ),
            (
                item("REFUND", "true", eur, original),
                "PSP0 | refunded | 11.30 EUR | 1767225600000",
            ),
            (
                item("REFUND_FAILED", "true", eur, original),
                "PSP0 | succeeded | 11.30 EUR | 1767225600000",
            ),
            (
                item("CANCEL_OR_REFUND", "true", eur, cancel),
                "PSP0 | canceled | 11.30 EUR | 1767225600000",
            ),
            (
                item("CANCEL_OR_REFUND", "true", eur, original),
                "PSP0 | refunded | 11.30 EUR | 1767225600000",
            ),
            (
                item("CHARGEBACK", "true", eur, original),
                "PSP0 | disputed | 11.30 EUR | 1767225600000",
            ),
            (
                item("REPORT_AVAILABLE", "true", eur, ""),
                "PSP1 | - | 11.30 EUR | 1767225600000",
            ),
            (
                item(
                    "AUTHORISATION",
                    "true",
                    r#"{"value":1000,"currency":"ISK"}"#,
                    "",
                ),
                "PSP1 | authorised | 10.00 ISK | 1767225600000",
            ),
            (
                item(
                    "AUTHORISATION",
                    "true",
                    r#"{"value":"1000","currency":"IDR"}"#,
                    "",
                ),
                "PSP1 | authorised | 1000 IDR | 1767225600000",
            ),
        ],
    );
}

#[test]
fn an_adyen_event_id_is_made_of_signed_fields_only() {
    let item = |date: &str, code: &str| {
        format!(
            r#"{{"NotificationRequestItem":{{"pspReference":"P","originalReference":"O","eventCode":"{code}","success":"true",
            "eventDate":"{date}","amount":{{"value":1,"currency":"EUR"}}}}}}"#
        )
    };
    let body = format!(
        r#"{{"notificationItems":[{},{}]}}"#,
        item("2026-01-01T00:00:00Z", "CAPTURE"),
        item("2030-01-01T00:00:00Z", "REFUND"),
    );
    let events = events_in("adyen", &[], &body).expect("events");
    let ids: Vec<_> = events.iter().map(|event| event.event_id.as_str()).collect();
    assert_eq!(ids, ["P|CAPTURE|true|O", "P|REFUND|true|O"]);
    let many = format!(
        r#"{{"notificationItems":[{}]}}"#,
        vec![item("", "CAPTURE"); 101].join(",")
    );
    assert_eq!(
        events_in("adyen", &[], &many).err(),
        Some(MalformedBody::TooMany(100))
    );
}

#[test]
fn adyen_platform_transfers_have_a_status_and_other_objects_none() {
    check(
        "adyen_header",
        &[
            (
                r#"{"data":{"id":"TR1","status":"booked","amount":{"value":500,"currency":"EUR"}},"environment":"test",
                "timestamp":"2026-01-01T00:00:00Z","type":"balancePlatform.transfer.updated"}"#.into(),
                "TR1 | succeeded | 5.00 EUR | 1767225600000",
            ),
            (
                r#"{"data":{"accountHolder":{"id":"AH1","status":"active"}},"timestamp":"2024-12-15T15:42:03+01:00",
                "type":"balancePlatform.accountHolder.created"}"#.into(),
                "AH1 | - | - | 1734273723000",
            ),
        ],
    );
}

#[test]
fn paypal_refunds_and_disputes_lead_back_to_the_capture() {
    let event = |event_type: &str, resource: &str| {
        format!(
            r#"{{"id":"WH-1","event_version":"1.0","create_time":"2026-01-01T00:00:00.000Z","event_type":"{event_type}","resource":{resource}}}"#
        )
    };
    let capture =
        r#"{"id":"CAP1","status":"COMPLETED","amount":{"value":"30.00","currency_code":"USD"}}"#;
    let refund = r#"{"id":"REF1","amount":{"value":"5.00","currency_code":"USD"},"links":[{"rel":"self","href":"https://api.paypal.com/v2/payments/refunds/REF1"},
        {"rel":"up","href":"https://api.paypal.com/v2/payments/captures/CAP1"}]}"#;
    let dispute = |outcome: &str| {
        format!(
            r#"{{"dispute_id":"PP-1","dispute_amount":{{"value":"30.00","currency_code":"USD"}},{outcome}
            "disputed_transactions":[{{"seller_transaction_id":"CAP1"}}]}}"#
        )
    };
    let won = dispute(r#""dispute_outcome":{"outcome_code":"RESOLVED_SELLER_FAVOUR"},"#);
    let yen = r#"{"id":"CAP1","amount":{"value":"3000","currency_code":"JPY"}}"#;
    let sale = r#"{"id":"SALE1","amount":{"total":"30.00","currency":"USD"}}"#;
    check(
        "paypal",
        &[
            (
                event("PAYMENT.CAPTURE.COMPLETED", capture),
                "CAP1 | succeeded | 30.00 USD | 1767225600000",
            ),
            (
                event("PAYMENT.CAPTURE.COMPLETED", yen),
                "CAP1 | succeeded | 3000 JPY | 1767225600000",
            ),
            (
                event("PAYMENT.CAPTURE.PENDING", capture),
                "CAP1 | pending | 30.00 USD | 1767225600000",
            ),
            (
                event("PAYMENT.CAPTURE.DENIED", capture),
                "CAP1 | failed | 30.00 USD | 1767225600000",
            ),
            (
                event("PAYMENT.CAPTURE.REFUNDED", refund),
                "CAP1 | refunded | 5.00 USD | 1767225600000",
            ),
            (
                event("CUSTOMER.DISPUTE.CREATED", &dispute("")),
                "CAP1 | disputed | 30.00 USD | 1767225600000",
            ),
            (
                event("CUSTOMER.DISPUTE.RESOLVED", &won),
                "CAP1 | succeeded | 30.00 USD | 1767225600000",
            ),
            (
                event("PAYMENT.SALE.COMPLETED", sale),
                "SALE1 | succeeded | 30.00 USD | 1767225600000",
            ),
            (
                event("BILLING.PLAN.CREATED", r#"{"id":"P-1"}"#),
                "P-1 | - | - | 1767225600000",
            ),
        ],
    );
}

#[test]
fn square_payments_tell_their_refunds_themselves() {
    let payment = |rest: &str| {
        format!(
            r#"{{"merchant_id":"M","type":"payment.updated","event_id":"e-1","created_at":"2026-01-01T00:00:00.5Z",
            "data":{{"type":"payment","id":"p1","object":{{"payment":{{"id":"p1","amount_money":{{"amount":1000,"currency":"USD"}},{rest}}}}}}}}}"#
        )
    };
    check(
        "square",
        &[
            (payment(r#""status":"APPROVED""#), "p1 | authorised | 10.00 USD | 1767225600500"),
            (payment(r#""status":"COMPLETED""#), "p1 | succeeded | 10.00 USD | 1767225600500"),
            (payment(r#""status":"CANCELED""#), "p1 | canceled | 10.00 USD | 1767225600500"),
            (
                payment(r#""status":"COMPLETED","refunded_money":{"amount":300,"currency":"USD"}"#),
                "p1 | partially_refunded | 10.00 USD | 1767225600500",
            ),
            (
                payment(r#""status":"COMPLETED","refunded_money":{"amount":1000,"currency":"USD"}"#),
                "p1 | refunded | 10.00 USD | 1767225600500",
            ),
            (
                r#"{"type":"refund.updated","event_id":"e-2","created_at":"2026-01-01T00:00:00Z","data":{"id":"r1","object":
                {"refund":{"id":"r1","payment_id":"p1","status":"COMPLETED","amount_money":{"amount":300,"currency":"USD"}}}}}"#.into(),
                "p1 | - | 3.00 USD | 1767225600000",
            ),
        ],
    );
}

#[test]
fn braintree_notifications_are_read_from_their_xml() {
    let form = |kind: &str, subject: &str| {
        use base64::Engine;
        let xml = format!(
            "\n<notification>\n<timestamp type=\"datetime\">2026-01-01T00:00:00Z</timestamp>\n<kind>{kind}</kind>\n<subject>{subject}</subject>\n</notification>\n"
        );
        let payload = base64::engine::general_purpose::STANDARD.encode(xml);
        form_urlencoded::Serializer::new(String::new())
            .append_pair("bt_signature", "x|y")
            .append_pair("bt_payload", &payload)
            .finish()
    };
    let sale = "<transaction><id>t1</id><currency-iso-code>USD</currency-iso-code><amount>100.00</amount></transaction>";
    let dispute = "<dispute><id>d1</id><transaction><id>t1</id><amount>100.00</amount></transaction></dispute>";
    check(
        "braintree",
        &[
            (
                form("transaction_settled", sale),
                "t1 | succeeded | 100.00 USD | 1767225600000",
            ),
            (
                form("transaction_settlement_declined", sale),
                "t1 | failed | 100.00 USD | 1767225600000",
            ),
            (
                form("transaction_disbursed", sale),
                "t1 | settled | 100.00 USD | 1767225600000",
            ),
            (
                form("dispute_opened", dispute),
                "t1 | disputed | - | 1767225600000",
            ),
            (
                form("dispute_won", dispute),
                "t1 | succeeded | - | 1767225600000",
            ),
            (
                form(
                    "subscription_canceled",
                    "<subscription><id>s1</id></subscription>",
                ),
                "s1 | - | - | 1767225600000",
            ),
        ],
    );
    for (body, expected) in [
        ("bt_signature=x", MalformedBody::Field("bt_payload")),
        ("bt_payload=***", MalformedBody::NotFormat("base64")),
        (
            "bt_payload=AAAA",
            MalformedBody::NotFormat("an XML document"),
        ),
        (
            "bt_payload=PGE%2BPC9hPg%3D%3D",
            MalformedBody::Field("kind"),
        ),
    ] {
        assert_eq!(
            events_in("braintree", &[], body).err(),
            Some(expected),
            "{body}"
        );
    }
}

#[test]
fn paddle_totals_are_texts_in_the_lowest_unit() {
    let event = |event_type: &str, data: &str| {
        format!(
            r#"{{"event_id":"evt_1","event_type":"{event_type}","occurred_at":"2026-01-01T00:00:00.000000Z","notification_id":"ntf_1","data":{data}}}"#
        )
    };
    let transaction = r#"{"id":"txn_1","currency_code":"USD","details":{"totals":{"total":"900","grand_total":"1050"}}}"#;
    let adjustment = |kind: &str| {
        format!(
            r#"{{"id":"adj_1","transaction_id":"txn_1","action":"refund","status":"approved","type":"{kind}","currency_code":"USD","totals":{{"total":"500"}}}}"#
        )
    };
    check(
        "paddle",
        &[
            (
                event("transaction.completed", transaction),
                "txn_1 | succeeded | 10.50 USD | 1767225600000",
            ),
            (
                event("transaction.paid", transaction),
                "txn_1 | pending | 10.50 USD | 1767225600000",
            ),
            (
                event("transaction.payment_failed", transaction),
                "txn_1 | failed | 10.50 USD | 1767225600000",
            ),
            (
                event("adjustment.updated", &adjustment("full")),
                "txn_1 | refunded | 5.00 USD | 1767225600000",
            ),
            (
                event("adjustment.updated", &adjustment("partial")),
                "txn_1 | partially_refunded | 5.00 USD | 1767225600000",
            ),
        ],
    );
}
