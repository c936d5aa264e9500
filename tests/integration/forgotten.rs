//! What nobody knows of any more: the state is lost, and infra.toml has ceased to declare what stands.

use std::collections::BTreeSet;
use std::fs;

use super::clients::Clients;
use super::deployed::standing;
use super::inventory::inventory;
use super::place::{Place, succeeded};

/// What only another payhook declared.
const FORMER: &str = "former-events-local";

#[tokio::test]
async fn without_a_state_what_is_no_longer_declared_is_found_by_its_tags_and_destroyed() {
    if let Some(env) = standing() {
        println!("not shown: {env} stands already and is not ours to destroy");
        return;
    }
    let place = Place::new(&[]);
    succeeded(&place.payhook("local up"));
    let clients = Clients::emulated(&place.endpoint());
    let before = inventory(&clients).await;
    succeeded(&place.payhook("deploy"));
    make_a_queue_of_another_payhook(&clients).await;
    let whole = inventory(&clients).await;
    let less = [
        ("alarms.enabled", false.into()),
        ("dashboard.enabled", false.into()),
    ];
    place.configure(&less);

    println!("a preview deletes it, with the reason");
    fs::remove_dir_all(place.state()).expect("the state");
    let plan = succeeded(&place.payhook("preview"));
    for name in [
        FORMER,
        "payment-webhook-api-5xx-local",
        "payment-webhook-local-us-east-1",
    ] {
        assert!(plan.contains(name), "{name}: {plan}");
    }
    assert!(plan.contains("no longer declared"), "{plan}");

    println!("a rebuilt state holds it");
    let rebuilt = succeeded(&place.payhook("state rebuild"));
    assert!(rebuilt.contains(FORMER), "{rebuilt}");
    assert!(
        rebuilt.contains("infra.toml no longer declares 14 of them"),
        "{rebuilt}"
    );
    assert_eq!(inventory(&clients).await, whole, "nothing was changed");

    println!("a destroy leaves nothing of ours");
    fs::remove_dir_all(place.state()).expect("the state");
    succeeded(&place.payhook("destroy --yes"));
    let after = inventory(&clients).await;
    let differ: BTreeSet<_> = before.symmetric_difference(&after).collect();
    assert!(differ.is_empty(), "left or taken: {differ:?}");
}

async fn make_a_queue_of_another_payhook(clients: &Clients) {
    let queue = clients
        .sqs()
        .create_queue()
        .queue_name(FORMER)
        .tags("payhook:stack", "payment-webhooks")
        .tags("payhook:env", "local")
        .tags("payhook:resource", "former-events");
    queue.send().await.expect("CreateQueue");
}
