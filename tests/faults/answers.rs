//! One answer is refused, late, lost or torn: the same run still ends well, as if nothing had happened.

use crate::lane::Lane;
use crate::proxy::{At, Fault};
use crate::series::{Reference, Verb, once, series};

const SPOILS: [Fault; 8] = [
    Fault::AnswerLost,
    Fault::Throttled,
    Fault::Failed(500),
    Fault::AnswerTorn,
    Fault::Failed(503),
    Fault::ResetBefore,
    Fault::Failed(502),
    Fault::Slow,
];

async fn trial(lane: &Lane, verb: Verb, reference: &Reference, at: usize, fault: Fault) -> bool {
    verb.prepare(lane).await;
    let run = lane.payhook(verb.words(), Some((At::Request(at), fault)));
    let hit = lane.proxy.was_hit();
    if hit {
        run.well("the run with the spoiled answer");
        verb.holds(lane, reference).await;
    }
    hit
}

#[test]
fn a_deploy_bears_any_spoiled_answer() {
    series(Verb::Deploy, &SPOILS, 8, trial);
}

#[test]
fn a_change_bears_any_spoiled_answer() {
    series(Verb::Change, &SPOILS, 6, trial);
}

#[test]
fn a_destroy_bears_any_spoiled_answer() {
    series(Verb::Destroy, &SPOILS, 6, trial);
}

#[test]
fn an_answer_that_never_comes_is_given_up_and_what_was_made_is_found() {
    once(Verb::Deploy, async |lane, verb, reference| {
        verb.prepare(lane).await;
        let run = lane.payhook(verb.words(), Some((At::First("CreateKey"), Fault::Silent)));
        run.well("the run that waits in vain");
        verb.holds(lane, reference).await;
    });
}
