//! payhook is killed at a request: the next run converges, with nothing duplicated, leaked, lost or asked.

use crate::lane::Lane;
use crate::proxy::{At, Fault};
use crate::series::{Reference, Verb, series};

const KILLS: [Fault; 4] = [
    Fault::KilledBefore,
    Fault::KilledAfterEffect,
    Fault::KilledAfterAnswer,
    Fault::Interrupted,
];

async fn trial(lane: &Lane, verb: Verb, reference: &Reference, at: usize, fault: Fault) -> bool {
    verb.prepare(lane).await;
    let cut = lane.payhook(verb.words(), Some((At::Request(at), fault)));
    if !lane.proxy.was_hit() {
        return false;
    }
    let killed = fault != Fault::Interrupted;
    assert!(
        !killed || cut.code.is_none(),
        "it was not killed: {}",
        cut.said
    );
    lane.payhook(verb.words(), None).well("the next run");
    verb.holds(lane, reference).await;
    true
}

#[test]
fn a_deploy_killed_at_any_request_converges_on_the_next_run() {
    series(Verb::Deploy, &KILLS, 10, trial);
}

#[test]
fn a_change_killed_at_any_request_converges_on_the_next_run() {
    series(Verb::Change, &KILLS, 6, trial);
}

#[test]
fn a_rollback_killed_at_any_request_converges_on_the_next_run() {
    series(Verb::Rollback, &KILLS, 4, trial);
}

#[test]
fn a_destroy_killed_at_any_request_converges_on_the_next_run() {
    series(Verb::Destroy, &KILLS, 6, trial);
}
