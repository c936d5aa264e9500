//! Delivers the plan as providers would, while the scene is disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use payhook::audit::{Expected, Sent};

use super::chance::Chance;
use super::plan::{Delivery, Plan};
use super::scene::Scene;

/// Deliveries on the way at once.
const AT_ONCE: usize = 16;
/// Pause before a delivery that was not taken is tried again.
const PAUSE: Duration = Duration::from_millis(300);
/// Providers try for a day or more; here it is some minutes.
const TRIES: usize = 1_200;
/// Time between two lines that say how far it got.
const TELL: Duration = Duration::from_secs(15);
/// Time between two kills.
const KILLS: Duration = Duration::from_millis(1_500);

/// Every try of every delivery.
pub struct Told(Vec<Sent>);

/// Posts everything; meanwhile functions are killed, the APIs are down, and the emulator restarts.
pub async fn send_all(scene: &Scene, plan: Plan, seed: u64) -> Told {
    let (all, done) = (plan.deliveries.len(), AtomicUsize::new(0));
    let (sent, over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let latest = Mutex::new("none".to_owned());
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30));
    let client = client.build().expect("a client");
    let deliveries = async {
        stream::iter(&plan.deliveries)
            .for_each_concurrent(AT_ONCE, |delivery| async {
                let tries = deliver(scene, &client, delivery, &latest).await;
                sent.lock().expect("the tries").extend(tries);
                done.fetch_add(1, Ordering::SeqCst);
            })
            .await;
        over.store(true, Ordering::SeqCst);
    };
    let disturbances = async {
        let mut chance = Chance::new(seed + 1);
        let (mut restarted, mut kills) = (false, 0);
        let (start, mut told) = (Instant::now(), Instant::now());
        while !over.load(Ordering::SeqCst) {
            tokio::time::sleep(KILLS).await;
            if told.elapsed() > TELL {
                told = Instant::now();
                println!(
                    "{} of {all} deliveries after {:.0} s; latest refusal: {}",
                    done.load(Ordering::SeqCst),
                    start.elapsed().as_secs_f64(),
                    latest.lock().expect("the latest refusal"),
                );
            }
            let percent = done.load(Ordering::SeqCst) * 100 / all.max(1);
            scene.apis.set_down((25..40).contains(&percent));
            if percent >= 50 && !restarted {
                scene.restart();
                restarted = true;
            }
            kills += usize::from(scene.kill_a_function(&mut chance));
        }
        assert!(restarted, "the emulator was to restart in the middle");
        scene.apis.recover();
        println!(
            "{kills} function processes were killed; {}",
            scene.apis.figures()
        );
    };
    tokio::join!(deliveries, disturbances);
    Told(sent.into_inner().expect("the tries"))
}

/// Tries until it is taken or refused.
async fn deliver(
    scene: &Scene,
    client: &reqwest::Client,
    delivery: &Delivery,
    latest: &Mutex<String>,
) -> Vec<Sent> {
    let sender = &scene.senders[delivery.sender];
    let provider = sender.provider.key();
    let mut tries = Vec::new();
    for _ in 0..TRIES {
        let outgoing = sender.sign(&delivery.sample, delivery.tampered);
        let query = outgoing.query.as_deref();
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        let mut request = client
            .post(format!("{}/{provider}{query}", scene.outputs["apiUrl"]))
            .body(outgoing.body.clone());
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.map(|answer| answer.status().as_u16());
        let answer = answer.ok();
        tries.push(delivery.sent(sender, &outgoing, answer));
        if answer.is_some_and(|status| status != 429 && status < 500) {
            return tries;
        }
        *latest.lock().expect("the latest refusal") = match answer {
            Some(status) => format!("{status} for {provider}"),
            None => format!("no answer for {provider}"),
        };
        tokio::time::sleep(PAUSE).await;
    }
    panic!(
        "{provider} is not answered for too long; {}",
        latest.lock().expect("the latest refusal")
    );
}

impl Told {
    /// One JSON object a line, as the audit takes them.
    pub fn lines(&self) -> String {
        let line = |one: &Sent| serde_json::to_string(one).expect("JSON") + "\n";
        self.0.iter().map(line).collect()
    }

    /// How many different events are to be stored at least.
    pub fn genuine(&self) -> usize {
        let genuine = self.0.iter().filter(|one| one.expected == Expected::Stored);
        let ids: BTreeSet<_> = genuine
            .map(|one| {
                (
                    &one.provider,
                    one.event_id.as_ref().or(one.payment_id.as_ref()),
                )
            })
            .collect();
        ids.len()
    }

    pub fn figures(&self) -> String {
        let mut answers = BTreeMap::<String, usize>::new();
        for one in &self.0 {
            let answer = one
                .answer
                .map_or("none".to_owned(), |status| status.to_string());
            *answers.entry(answer).or_default() += 1;
        }
        format!(
            "{} tries, answered {answers:?}; {} different genuine events",
            self.0.len(),
            self.genuine()
        )
    }
}
