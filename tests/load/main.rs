//! Mixed webhooks of every provider that can be signed for, while everything around the pipeline fails; then an audit.
//!
//! `PAYHOOK_LOAD=20000 cargo test --test load -- --nocapture` sends so many events; without the variable a few hundred are
//! sent. `PAYHOOK_LOAD_SEED` repeats a run's plan. Everything happens on an emulator of its own.

#[path = "../integration/clients.rs"]
#[allow(dead_code, reason = "each test program uses its part")]
mod clients;
#[path = "../integration/place.rs"]
#[allow(dead_code, reason = "each test program uses its part")]
mod place;

mod apis;
mod bus;
mod chance;
mod faults;
mod plaid;
mod plan;
mod scene;
mod sender;

use scene::Scene;
use std::time::Instant;

/// Events that are sent where nobody asks for more.
const FEW: usize = 300;

fn wanted(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(otherwise, |text| text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_and_faults_every_event_is_settled_once_and_nothing_else_is_there() {
    let events = wanted("PAYHOOK_LOAD", FEW as u64) as usize;
    let seed = wanted("PAYHOOK_LOAD_SEED", 20_260_801);
    println!("{events} events, seed {seed}");
    let scene = Scene::deploy().await;
    let bus = bus::Outcomes::listen(&scene.clients, &scene.outputs).await;
    let plan = plan::Plan::make(&scene.senders, events, seed);
    let told = plan.figures();
    println!("{told}");

    let start = Instant::now();
    let sent = sender::send_all(&scene, plan, seed).await;
    println!(
        "sent within {:.0} s: {}",
        start.elapsed().as_secs_f64(),
        sent.figures()
    );
    scene.write("sent.jsonl", &sent.lines());
    scene.settle().await;
    println!("settled within {:.0} s", start.elapsed().as_secs_f64());
    let outcomes = bus.take().await;
    scene.write("outcomes.jsonl", &outcomes);

    let (exit, report) = scene.audit();
    println!("{report:#?}");
    assert_eq!(exit, Some(0), "{:#?}", report.faults);
    let figure = |name: &str| report.figures[name].as_u64().expect("a number");
    // Repaired as an operator would, so that nothing failed is left; some types say nothing about a payment.
    let settled = figure("processed") + figure("ignored");
    assert_eq!(settled, figure("events"));
    assert!(settled >= sent.genuine() as u64);
    assert_eq!(scene.listed().await, plaid::LISTED);
    faults::are_found(&scene).await;
}
