//! What `send` does beyond one event, and a rotation of the secret that it signs with.

use serde_json::Value;

use super::deployed::deployed;
use super::place::{Place, succeeded};

/// The folder that the stack was deployed from.
fn place() -> Option<&'static Place> {
    let place = deployed().place.as_ref();
    if place.is_none() {
        println!("not shown on an account: test events would take real secrets");
    }
    place
}

fn told(place: &Place, words: &str) -> Value {
    let said = succeeded(&place.payhook(&format!("{words} --json")));
    let last = said.lines().last().expect("a line");
    serde_json::from_str(last).expect("JSON")
}

fn hops(place: &Place, words: &str) -> Vec<String> {
    let said = succeeded(&place.payhook(&format!("{words} --json")));
    let hop = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        line["hop"].as_str().map(str::to_owned)
    };
    said.lines().filter_map(hop).collect()
}

#[test]
fn what_is_sent_twice_is_recognised_and_what_is_tampered_with_is_kept_out() {
    let Some(place) = place() else { return };
    for provider in ["generic_hmac", "adyen", "worldpay"] {
        let twice = hops(place, &format!("send {provider} --duplicate"));
        assert!(
            twice.contains(&"recognised".to_owned()),
            "{provider}: {twice:?}"
        );
        let tampered = hops(place, &format!("send {provider} --tamper"));
        assert_eq!(
            tampered,
            ["signed", "tampered", "answered", "kept out"],
            "{provider}"
        );
    }
}

#[test]
fn many_events_are_all_different_and_summed_up() {
    let Some(place) = place() else { return };
    for provider in ["paystack", "razorpay"] {
        let sum = told(place, &format!("send {provider} --count 12 --duplicate"));
        assert_eq!(sum["answers"]["200 stored"], 12, "{sum}");
        assert_eq!(sum["answers"]["200 duplicate"], 12, "{sum}");
        assert_eq!(sum["settled"]["processed"], 12, "{sum}");
    }
    let sum = told(place, "send razorpay --count 5 --tamper");
    assert_eq!(sum["answers"]["401 bad_signature"], 5, "{sum}");
    assert_eq!(sum["settled"]["absent"], 5, "{sum}");
}

#[test]
fn a_type_that_the_provider_does_not_have_is_answered_with_the_one_that_was_meant() {
    let Some(place) = place() else { return };
    let refused = place.payhook("send square --type payment.udpated");
    let said = String::from_utf8(refused.stderr).expect("text");
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("did you mean `payment.updated`?"), "{said}");
}

#[test]
fn during_a_rotation_both_secrets_are_accepted_and_afterwards_only_the_new_one() {
    let Some(place) = place() else { return };
    let (old, new) = (
        "696e746567726174696f6e206f6c64",
        "696e746567726174696f6e206e6577",
    );
    place.tell("secret set coinbase_commerce", old);
    accepted(place, "send coinbase_commerce");
    place.tell("secret rotate coinbase_commerce --overlap 1h", new);
    place.tell("secret rotate coinbase_commerce --overlap 1h", new);
    let listed = told(place, "secret list");
    let ours = |listed: &Value| {
        let all = listed.as_array().expect("a list").clone();
        let ours = all
            .into_iter()
            .find(|one| one["provider"] == "coinbase_commerce");
        ours.expect("the provider")["signing"].clone()
    };
    let signing = ours(&listed);
    assert_eq!(signing.as_array().map(Vec::len), Some(2), "{signing}");
    assert_eq!(signing[0]["notAfter"], Value::Null);
    assert!(signing[1]["notAfter"].is_string() && signing[1]["acceptedNow"] == true);
    assert!(!listed.to_string().contains(new), "no secret is listed");
    accepted(place, "send coinbase_commerce");
    let finished = told(place, "secret rotate coinbase_commerce --finish");
    assert_eq!(finished["dropped"], 1);
    accepted(place, "send coinbase_commerce");
}

/// Sends until the function has read the secrets again, which it does at most every few seconds, whoever asks.
fn accepted(place: &Place, words: &str) {
    for _ in 0..20 {
        if place.payhook(words).status.success() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_secs(4));
    }
    succeeded(&place.payhook(words));
}

#[tokio::test]
async fn outcomes_are_forwarded_while_somebody_listens_and_nothing_is_left_behind() {
    let Some(place) = place() else { return };
    let (url, taken) = take_one();
    let words = format!("listen --forward-to {url} --count 1 --json");
    let listening = std::thread::spawn(move || {
        let said = succeeded(&self::place().expect("the place").payhook(&words));
        serde_json::from_str::<Value>(said.trim()).expect("one JSON line")
    });
    let clients = deployed().clients().await;
    let rules = async || {
        let rules = clients.eventbridge().list_rules();
        let rules = rules.name_prefix("payment-webhook-listen-").send().await;
        rules.expect("ListRules").rules().len()
    };
    for _ in 0..100 {
        let rule = clients.eventbridge().list_rules();
        let rule = rule.name_prefix("payment-webhook-listen-").send().await;
        let rule = rule.expect("ListRules").rules.unwrap_or_default();
        let name = rule.first().and_then(|rule| rule.name.clone());
        if let Some(name) = name {
            let targets = clients.eventbridge().list_targets_by_rule().rule(name);
            if !targets.send().await.expect("targets").targets().is_empty() {
                break;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    succeeded(&place.payhook("send gocardless"));
    let heard = listening.join().expect("the listener");
    assert_eq!(
        (&heard["forwarded"], &heard["tries"]),
        (&200.into(), &1.into())
    );
    let forwarded: Value = serde_json::from_str(&taken.recv().expect("a body")).expect("JSON");
    assert_eq!(forwarded, heard["outcome"]);
    assert_eq!(forwarded["detail-type"], "Payment Completed");
    assert_eq!(rules().await, 0, "rule and queue are gone");
    let queues = clients.sqs().list_queues();
    let queues = queues
        .queue_name_prefix("payment-webhook-listen-")
        .send()
        .await;
    assert!(queues.expect("ListQueues").queue_urls().is_empty());
}

/// A server that takes requests, and the body of each.
fn take_one() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("its address"));
    let (tell, taken) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        use std::io::Write as _;
        for mut connection in listener.incoming().flatten() {
            let Some(request) = super::request::Request::read(&connection) else {
                continue;
            };
            let body = String::from_utf8(request.body.clone()).expect("text");
            let _ = connection
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if tell.send(body).is_err() {
                return;
            }
        }
    });
    (url, taken)
}
