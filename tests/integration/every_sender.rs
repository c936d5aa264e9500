//! Every provider that signs with a key of ours, through the deployed pipeline, and the tests that providers make of
//! endpoints.

use super::deployed::{Deployed, deployed};
use super::place::succeeded;

/// Providers that sign with a secret they share with the receiver, beside those that are always on.
pub const SIGNING: [&str; 15] = [
    "adyen",
    "adyen_header",
    "authorize_net",
    "braintree",
    "checkout_com",
    "coinbase_commerce",
    "flutterwave",
    "gocardless",
    "mollie",
    "paddle",
    "paystack",
    "razorpay",
    "shopify",
    "square",
    "worldpay",
];

/// What Square was told; it signs that text, wherever the webhook arrives.
pub const REGISTERED_URL: &str = "https://hooks.example.com/webhooks/square";

/// A signing secret in the form that the provider issues.
pub fn secret(provider: &str) -> &'static str {
    match provider {
        "braintree" => r#"{"public_key": "integration", "private_key": "of-braintree"}"#,
        "worldpay" => r#"{"1": "696e746567726174696f6e206f6620776f726c64706179"}"#,
        _ => "696e746567726174696f6e206f662065766572792073656e646572206865726521",
    }
}

#[tokio::test]
async fn a_test_event_of_every_signing_provider_is_stored_and_processed() {
    let stack = deployed();
    let Some(place) = &stack.place else {
        println!("not shown on an account: test events would take real secrets");
        return;
    };
    for provider in SIGNING {
        let said = succeeded(&place.payhook(&format!("send {provider}")));
        assert!(said.contains("processed"), "{provider}: {said}");
    }
    let challenge = "/braintree?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53";
    let (status, text) = get(stack, challenge).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.starts_with("integration|"), "{text}");
}

#[tokio::test]
async fn a_get_that_is_no_test_of_an_endpoint_is_405() {
    let refused = (405, r#"{"status":"method_not_allowed"}"#.to_owned());
    assert_eq!(get(deployed(), "/stripe").await, refused);
}

async fn get(stack: &Deployed, path: &str) -> (u16, String) {
    let url = format!("{}{path}", stack.output("apiUrl"));
    let answer = reqwest::get(url).await.expect("an answer");
    (
        answer.status().as_u16(),
        answer.text().await.expect("a text"),
    )
}
