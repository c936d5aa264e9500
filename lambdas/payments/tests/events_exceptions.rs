//! What single providers do unlike the rest, read into the one payment model.

mod support;

use support::*;

#[test]
fn a_charge_priced_in_a_coin_has_no_amount_where_no_currency_has_its_decimals() {
    let priced = |amount: &str| {
        format!(
            r#"{{"event":{{"id":"e","type":"charge:confirmed","data":{{"code":"C1","pricing":{{"local":{{"amount":"{amount}","currency":"ETH"}}}}}}}}}}"#
        )
    };
    check(
        "coinbase_commerce",
        &[
            (priced("0.50"), "C1 | succeeded | 0.50 ETH | -"),
            (priced("0.012345678901234567"), "C1 | succeeded | - | -"),
        ],
    );
    assert!(events_in("coinbase_commerce", &[], &priced("ten")).is_err());
}

#[test]
fn every_reminder_of_a_paystack_dispute_is_an_event_and_every_other_event_is_known_by_its_object() {
    let id = |event: &str, at: u8| {
        let body = format!(r#"{{"event":"{event}","data":{{"id":7,"reference":"r","n":{at}}}}}"#);
        events_in("paystack", &[], &body).expect("events")[0]
            .event_id
            .clone()
    };
    assert_ne!(
        id("charge.dispute.remind", 1),
        id("charge.dispute.remind", 2)
    );
    assert_eq!(id("charge.success", 1), id("charge.success", 2));
}

#[test]
fn worldpay_writes_times_without_an_offset_and_knows_no_later_word_of_a_refund_than_sent() {
    let event = |kind: &str| {
        format!(
            r#"{{"eventId":"e1","eventTimestamp":"2026-01-01T00:00:00.407","eventDetails":{{"transactionReference":"order-1",
            "type":"{kind}","amount":{{"value":250,"currencyCode":"EUR"}}}}}}"#
        )
    };
    for (kind, status) in [
        ("sentForRefund", "refunded"),
        ("refundFailed", "succeeded"),
        ("chargedBack", "disputed"),
        ("informationRequested", "disputed"),
        ("somethingNew", "-"),
    ] {
        let told = format!("order-1 | {status} | 2.50 EUR | 1767225600407");
        check("worldpay", &[(event(kind), told.as_str())]);
    }
}

#[test]
fn checkout_com_tells_in_the_balances_whether_a_refund_is_the_last_one() {
    let refund = |refunded: u32| {
        format!(
            r#"{{"id":"evt_1","type":"payment_refunded","data":{{"id":"pay_1","amount":{refunded},"currency":"EUR",
            "balances":{{"total_captured":40000,"total_refunded":{refunded}}}}}}}"#
        )
    };
    check(
        "checkout_com",
        &[
            (refund(40000), "pay_1 | refunded | 400.00 EUR | -"),
            (refund(100), "pay_1 | partially_refunded | 1.00 EUR | -"),
        ],
    );
}
