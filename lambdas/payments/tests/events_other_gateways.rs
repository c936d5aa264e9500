//! The documented bodies of the providers from Razorpay to Plaid, read into the one payment model.

mod support;

use payments::event::Status;
use payments::json::MalformedBody;
use payments::providers::Verified;
use payments::request::Request;
use support::*;

#[test]
fn razorpay_events_are_about_their_payment_entity() {
    let event = |event: &str, payload: &str| {
        format!(
            r#"{{"entity":"event","event":"{event}","created_at":1767225600,"payload":{payload}}}"#
        )
    };
    let payment = |refunded: u32| {
        format!(
            r#""payment":{{"entity":{{"id":"pay_1","amount":50000,"amount_refunded":{refunded},"currency":"INR"}}}}"#
        )
    };
    let refund = r#""refund":{"entity":{"id":"rfnd_1","payment_id":"pay_1","amount":10000,"currency":"INR"}}"#;
    check(
        "razorpay",
        &[
            (
                event("payment.authorized", &format!("{{{}}}", payment(0))),
                "pay_1 | authorised | 500.00 INR | 1767225600000",
            ),
            (
                event("payment.captured", &format!("{{{}}}", payment(0))),
                "pay_1 | succeeded | 500.00 INR | 1767225600000",
            ),
            (
                event("payment.failed", &format!("{{{}}}", payment(0))),
                "pay_1 | failed | 500.00 INR | 1767225600000",
            ),
            (
                event(
                    "refund.processed",
                    &format!("{{{refund},{}}}", payment(10000)),
                ),
                "pay_1 | partially_refunded | 100.00 INR | 1767225600000",
            ),
            (
                event(
                    "refund.processed",
                    &format!("{{{refund},{}}}", payment(50000)),
                ),
                "pay_1 | refunded | 100.00 INR | 1767225600000",
            ),
        ],
    );
}

#[test]
fn unsigned_header_ids_do_not_make_one_signed_body_two_events() {
    for (key, header, body) in [
        (
            "razorpay",
            "x-razorpay-event-id",
            r#"{"event":"payment.captured","payload":{}}"#,
        ),
        (
            "shopify",
            "X-Shopify-Event-Id",
            r#"{"id":1,"order_id":2,"kind":"sale","status":"success"}"#,
        ),
        ("xendit", "webhook-id", r#"{"id":"inv-1","status":"PAID"}"#),
    ] {
        let first = events_in(key, &[(header, "a")], body).expect("events");
        let replay = events_in(key, &[(header, "b")], body).expect("events");
        assert_eq!(first, replay, "{key}");
    }
}

#[test]
fn a_gocardless_request_is_as_many_events_as_it_lists() {
    let event = |id: &str, resource: &str, action: &str, links: &str| {
        format!(
            r#"{{"id":"{id}","created_at":"2026-01-01T00:00:00.000Z","resource_type":"{resource}","action":"{action}","links":{links},"details":{{}}}}"#
        )
    };
    let payment = r#"{"payment":"PM1"}"#;
    let body = format!(
        r#"{{"events":[{},{},{},{},{}]}}"#,
        event("EV1", "payments", "confirmed", payment),
        event("EV2", "payments", "paid_out", payment),
        event("EV3", "payments", "charged_back", payment),
        event("EV4", "mandates", "created", r#"{"mandate":"MD1"}"#),
        event(
            "EV5",
            "refunds",
            "failed",
            r#"{"refund":"RF1","payment":"PM1"}"#
        ),
    );
    assert_eq!(
        all_told("gocardless", &body),
        [
            "PM1 | succeeded | - | 1767225600000",
            "PM1 | settled | - | 1767225600000",
            "PM1 | disputed | - | 1767225600000",
            "MD1 | - | - | 1767225600000",
            "PM1 | - | - | 1767225600000",
        ]
    );
    assert_eq!(
        all_told("gocardless", r#"{"events":[]}"#),
        Vec::<String>::new()
    );
    let broken = format!(
        r#"{{"events":[{},{{"id":"EV9"}}]}}"#,
        event("EV1", "payments", "confirmed", payment)
    );
    assert!(
        events_in("gocardless", &[], &broken).is_err(),
        "all or nothing"
    );
    let many = format!(
        r#"{{"events":[{}]}}"#,
        vec![event("E", "payments", "created", payment); 251].join(",")
    );
    assert_eq!(
        events_in("gocardless", &[], &many).err(),
        Some(MalformedBody::TooMany(250))
    );
}

#[test]
fn coinbase_deliveries_are_not_events() {
    let body = |delivery: u8, event_type: &str| {
        format!(
            r#"{{"id":{delivery},"attempt_number":{delivery},"event":{{"id":"ev-1","type":"{event_type}","created_at":"2026-01-01T00:00:00Z",
            "data":{{"code":"66BEOV2A","id":"c-1","pricing":{{"local":{{"amount":"100.00","currency":"USD"}},"bitcoin":{{"amount":"0.00100000","currency":"BTC"}}}}}}}}}}"#
        )
    };
    check(
        "coinbase_commerce",
        &[
            (
                body(1, "charge:pending"),
                "66BEOV2A | pending | 100.00 USD | 1767225600000",
            ),
            (
                body(1, "charge:confirmed"),
                "66BEOV2A | succeeded | 100.00 USD | 1767225600000",
            ),
            (
                body(1, "charge:failed"),
                "66BEOV2A | failed | 100.00 USD | 1767225600000",
            ),
        ],
    );
    let id = |body: String| {
        events_in("coinbase_commerce", &[], &body).expect("events")[0]
            .event_id
            .clone()
    };
    assert_eq!(id(body(1, "charge:created")), id(body(2, "charge:created")));
}

#[test]
fn shopify_states_come_from_the_signed_body_not_from_the_topic() {
    let transaction = |kind: &str, status: &str| {
        format!(
            r#"{{"id":820982911946154508,"order_id":450789469,"kind":"{kind}","status":"{status}","amount":"10.00","currency":"JPY","processed_at":"2026-01-01T00:00:00Z"}}"#
        )
    };
    let order = |status: &str| {
        format!(
            r#"{{"id":450789469,"financial_status":"{status}","total_price":"398.00","currency":"USD","updated_at":"2025-12-31T19:00:00-05:00"}}"#
        )
    };
    check(
        "shopify",
        &[
            (
                transaction("sale", "success"),
                "450789469 | succeeded | 10 JPY | 1767225600000",
            ),
            (
                transaction("authorization", "success"),
                "450789469 | authorised | 10 JPY | 1767225600000",
            ),
            (
                transaction("capture", "failure"),
                "450789469 | failed | 10 JPY | 1767225600000",
            ),
            (
                transaction("refund", "success"),
                "450789469 | - | 10 JPY | 1767225600000",
            ),
            (
                order("paid"),
                "450789469 | succeeded | 398.00 USD | 1767225600000",
            ),
            (
                order("partially_refunded"),
                "450789469 | partially_refunded | 398.00 USD | 1767225600000",
            ),
        ],
    );
    let renamed = events_in(
        "shopify",
        &[("X-Shopify-Topic", "orders/paid")],
        &order("pending"),
    )
    .expect("events");
    assert_eq!(
        (renamed[0].claimed, renamed[0].event_type.as_str()),
        (Some(Status::Pending), "orders/paid")
    );
}

#[test]
fn authorize_net_says_an_amount_without_a_currency_so_it_says_no_money() {
    let event = |kind: &str, code: u8| {
        format!(
            r#"{{"notificationId":"n-1","eventType":"net.authorize.payment.{kind}","eventDate":"2026-01-01T00:00:00.0000000Z",
            "payload":{{"responseCode":{code},"authAmount":10.00,"entityName":"transaction","id":"60019392075"}}}}"#
        )
    };
    check(
        "authorize_net",
        &[
            (
                event("authcapture.created", 1),
                "60019392075 | succeeded | - | 1767225600000",
            ),
            (
                event("authcapture.created", 2),
                "60019392075 | failed | - | 1767225600000",
            ),
            (
                event("authcapture.created", 4),
                "60019392075 | pending | - | 1767225600000",
            ),
            (
                event("authorization.created", 1),
                "60019392075 | authorised | - | 1767225600000",
            ),
            (
                event("refund.created", 1),
                "60019392075 | refunded | - | 1767225600000",
            ),
            (
                event("void.created", 1),
                "60019392075 | canceled | - | 1767225600000",
            ),
        ],
    );
}

#[test]
fn mollie_events_name_an_entity_and_classic_notices_only_an_id() {
    let next_generation = r#"{"resource":"event","id":"event_1","type":"payment-link.paid","entityId":"pl_1","createdAt":"2026-01-01T00:00:00Z",
        "_embedded":{"entity":{"id":"pl_1","amount":{"value":"10.00","currency":"EUR"}}}}"#;
    check(
        "mollie",
        &[(
            next_generation.into(),
            "pl_1 | succeeded | 10.00 EUR | 1767225600000",
        )],
    );
    let of = |kind: &str, more: &str| {
        format!(
            r#"{{"resource":"event","id":"event_2","type":"{kind}","entityId":"x_1","createdAt":"2026-01-01T00:00:00Z",
            "_embedded":{{"entity":{{"id":"x_1"{more}}}}}}}"#
        )
    };
    let payment = r#","paymentId":"tr_1""#;
    check(
        "mollie",
        &[
            (
                of("chargeback.received", payment),
                "tr_1 | disputed | - | 1767225600000",
            ),
            (
                of("chargeback.reversed", payment),
                "tr_1 | succeeded | - | 1767225600000",
            ),
            (
                of("capture.succeeded", payment),
                "tr_1 | succeeded | - | 1767225600000",
            ),
            (
                of("capture.failed", payment),
                "tr_1 | - | - | 1767225600000",
            ),
            (of("refund.failed", payment), "tr_1 | - | - | 1767225600000"),
            (
                of("subscription.canceled", ""),
                "x_1 | - | - | 1767225600000",
            ),
        ],
    );
    let classic = events_in("mollie", &[], "id=tr_7UhSN1zuXS").expect("events");
    assert_eq!(
        (classic[0].provider_payment_id.as_str(), classic[0].signed),
        ("tr_7UhSN1zuXS", false)
    );
    assert_eq!(classic[0].event_id, "tr_7UhSN1zuXS@1767225600000");
}

#[test]
fn a_mercado_pago_notice_is_about_the_signed_id_and_claims_nothing() {
    let body = r#"{"action":"payment.updated","data":{"id":"forged"},"date_created":"2026-01-01T00:00:00Z","id":"1","type":"payment"}"#;
    let query = vec![("data.id".to_owned(), "123".to_owned())];
    let request = Request {
        body: body.into(),
        query,
        ..Request::default()
    };
    let events = provider("mercado_pago")
        .events(&request, &settings(""), &Verified::SENDER_ONLY)
        .expect("events");
    assert_eq!(told(&events[0]), "123 | - | - | 1767225600000");
    assert!(!events[0].signed);
}

#[test]
fn the_remaining_providers_read_as_documented() {
    check(
        "checkout_com",
        &[
            (
                r#"{"id":"evt_1","type":"payment_captured","created_on":"2026-01-01T00:00:00.0000000Z","data":{"id":"pay_1","action_id":"act_1","amount":6540.00,"currency":"USD"}}"#.into(),
                "pay_1 | succeeded | 65.40 USD | 1767225600000",
            ),
            (
                r#"{"id":"evt_2","type":"dispute_received","created_on":"2026-01-01T00:00:00Z","data":{"id":"dsp_1","payment_id":"pay_1","amount":6540,"currency":"CLP"}}"#.into(),
                "pay_1 | disputed | 65.40 CLP | 1767225600000",
            ),
        ],
    );
    check(
        "paystack",
        &[
            (
                r#"{"event":"charge.success","data":{"id":302961,"status":"success","reference":"qTPrJoy9Bx","amount":10000,"currency":"XOF","paid_at":"2026-01-01T00:00:00.000Z"}}"#.into(),
                "qTPrJoy9Bx | succeeded | 100.00 XOF | 1767225600000",
            ),
            (
                r#"{"event":"refund.processed","data":{"id":1,"transaction_reference":"qTPrJoy9Bx","amount":"5000","currency":"NGN"}}"#.into(),
                "qTPrJoy9Bx | refunded | 50.00 NGN | -",
            ),
        ],
    );
    check(
        "flutterwave",
        &[(
            r#"{"webhook_id":"wbk_1","timestamp":1767225600000,"type":"charge.completed","data":{"id":"chg_1","amount":200,"currency":"NGN","status":"succeeded"}}"#.into(),
            "chg_1 | succeeded | 200.00 NGN | 1767225600000",
        )],
    );
    check(
        "flutterwave_v3",
        &[(
            r#"{"event":"charge.completed","data":{"id":285959875,"tx_ref":"x","amount":100.5,"currency":"NGN","status":"failed","created_at":"2026-01-01T00:00:00.000Z"}}"#.into(),
            "285959875 | failed | 100.50 NGN | 1767225600000",
        )],
    );
    check(
        "xendit",
        &[
            (
                r#"{"id":"579c8d61","external_id":"invoice_1","status":"PAID","amount":50000,"currency":"IDR","created":"2026-01-01T00:00:00.000Z"}"#.into(),
                "579c8d61 | succeeded | 50000 IDR | 1767225600000",
            ),
            (
                r#"{"event":"payment.capture","created":"2026-01-01T00:00:00Z","data":{"payment_request_id":"pr-1","id":"py-1","status":"SUCCEEDED","request_amount":10.5,"currency":"PHP"}}"#.into(),
                "pr-1 | succeeded | 10.50 PHP | 1767225600000",
            ),
        ],
    );
    check(
        "worldpay",
        &[(
            r#"{"eventId":"3fc4","eventTimestamp":"2026-01-01T00:00:00.000Z","eventDetails":{"transactionReference":"order-1","type":"settled","amount":{"value":250,"currencyCode":"GBP"}}}"#.into(),
            "order-1 | succeeded | 2.50 GBP | 1767225600000",
        )],
    );
    check(
        "plaid",
        &[
            (
                r#"{"webhook_type":"TRANSFER","webhook_code":"TRANSFER_EVENTS_UPDATE","environment":"production"}"#.into(),
                "transfer-events | - | - | -",
            ),
            (
                r#"{"environment":"production","item_id":"eVBn","webhook_code":"DEFAULT_UPDATE","webhook_type":"TRANSACTIONS"}"#.into(),
                "eVBn | - | - | -",
            ),
        ],
    );
}
