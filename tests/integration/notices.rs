//! Webhooks that say only that there is news: what the provider's API says then is what counts.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::deployed::{Deployed, deployed};
use super::items::{Item, events, head};
use super::outcomes::Outcomes;
use super::place::{Place, succeeded};
use super::senders::unique;

/// What `send` says, hop by hop.
fn hops(place: &Place, words: &str) -> Vec<Value> {
    let said = succeeded(&place.payhook(&format!("{words} --json")));
    let lines = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines.collect()
}

fn place(stack: &Deployed) -> Option<&Place> {
    if stack.place.is_none() {
        println!("not shown on an account: the real APIs do not know made-up payments");
    }
    stack.place.as_ref()
}

/// Every item of the table, of any kind, that an attribute of this value belongs to.
async fn all_with(stack: &Deployed, attribute: &str, value: &str) -> usize {
    let scan = stack.clients().await.dynamodb().scan();
    let scan = scan
        .table_name(stack.output("paymentsTableName"))
        .filter_expression("#name = :value")
        .expression_attribute_names("#name", attribute)
        .expression_attribute_values(
            ":value",
            aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned()),
        );
    let mut pages = scan.into_paginator().items().send();
    let mut count = 0;
    while let Some(item) = pages.next().await {
        item.expect("Scan");
        count += 1;
    }
    count
}

#[tokio::test]
async fn plaids_list_is_read_after_its_notice_and_each_event_of_it_settles_on_its_own() {
    let stack = deployed();
    let Some(place) = place(stack) else { return };
    let said = hops(
        place,
        "send plaid --type TRANSFER_EVENTS_UPDATE --amount 1234",
    );
    let told = |hop: &'static str| said.iter().filter(move |one| one["hop"] == hop);
    assert_eq!(told("ignored").count(), 1, "the notice itself: {said:?}");
    let listed = told("stored").next_back().expect("the listed event");
    let payment = listed["paymentId"].as_str().expect("its payment");
    assert!(payment.starts_with("plaid:transfer-"), "{said:?}");
    assert!(
        told("processed").all(|one| one["status"] == "settled"),
        "{said:?}"
    );

    let items = all_settled(stack, payment, 3).await;
    let types: Vec<_> = items.iter().map(|item| item.text("eventType")).collect();
    assert_eq!(types, ["pending", "posted", "settled"]);
    for item in &items {
        assert_eq!(item.text("processing"), "processed", "{item:?}");
        assert_eq!(
            (item.text("amountMinor"), item.text("currency")),
            ("1234", "USD")
        );
        assert!(!item.text("outcomeId").is_empty());
        assert_eq!(all_with(stack, "eventId", item.text("eventId")).await, 1);
    }
    assert_eq!(head(stack, payment).await.text("status"), "settled");
    // The next notice finds the list from there on.
    let again = hops(place, "send plaid");
    assert!(
        again.iter().any(|one| one["status"] == "settled"),
        "{again:?}"
    );
    assert_eq!(all_settled(stack, payment, 3).await.len(), 3);

    let tampered = hops(place, "send plaid --tamper");
    assert!(
        tampered.iter().any(|one| one["hop"] == "kept out"),
        "{tampered:?}"
    );
}

async fn all_settled(stack: &Deployed, payment: &str, count: usize) -> Vec<Item> {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let items = events(stack, payment).await;
        let settled = |item: &Item| item.text("processing") != "received";
        if items.len() >= count && items.iter().all(settled) {
            return items;
        }
        assert!(Instant::now() < give_up, "not settled: {items:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn klarnas_push_is_followed_to_its_end() {
    let stack = deployed();
    let Some(place) = place(stack) else { return };
    let said = hops(place, "send klarna");
    let processed = said.iter().find(|one| one["hop"] == "processed");
    let processed = processed.unwrap_or_else(|| panic!("not processed: {said:?}"));
    assert_eq!(processed["status"], "succeeded");
}

/// Posts a notice in the form of Mollie's classic webhooks, which nobody signs.
async fn notice(stack: &Deployed, payment: &str) {
    let url = format!("{}/mollie", stack.output("apiUrl"));
    let form = "application/x-www-form-urlencoded";
    let request = reqwest::Client::new()
        .post(url)
        .header("content-type", form);
    let answer = request.body(format!("id={payment}")).send().await;
    assert_eq!(answer.expect("an answer").status(), 200);
}

#[tokio::test]
async fn a_forged_notice_ends_as_ignored_and_fails_no_execution() {
    let stack = deployed();
    if stack.mollie_api.is_none() {
        return;
    }
    for payment in [format!("tr_{}", unique()), format!("made-up-{}", unique())] {
        notice(stack, &payment).await;
        let items = all_settled(stack, &format!("mollie:{payment}"), 1).await;
        let item = &items[0];
        assert_eq!(item.text("processing"), "ignored", "{item:?}");
        assert_eq!(item.text("ignoredBecause"), "unknown-at-gateway");
        assert_eq!(item.failure("error"), "");
    }
}

#[tokio::test]
async fn a_genuine_notice_that_comes_before_the_api_knows_its_payment_is_processed() {
    let stack = deployed();
    let Some(api) = &stack.mollie_api else { return };
    let payment = format!("tr_{}", unique());
    let id = format!("mollie:{payment}");
    api.know_after(&payment, 2);
    let outcomes = Outcomes::of(stack, std::slice::from_ref(&id)).await;
    notice(stack, &payment).await;
    let items = all_settled(stack, &id, 1).await;
    assert_eq!(items[0].text("processing"), "processed", "{:?}", items[0]);
    assert_eq!(head(stack, &id).await.text("status"), "succeeded");
    assert_eq!(outcomes.take(1).await.len(), 1);
    outcomes.end().await;
}
