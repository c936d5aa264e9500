//! The policy that `policy iam` prints is enough for the whole life of a stack: whatever else payhook asks for is refused.

use serde_json::Value;

use crate::guard::Guard;
use crate::lane::Lane;
use crate::series::{Verb, once};

/// How a stack comes to life and is looked at; operating it (events, queues, logs) is for other people and policies.
const LIFE: [&str; 7] = [
    "preview",
    "deploy",
    "deploy",
    "verify",
    "drift --fail",
    "state rebuild --overwrite",
    "deploy",
];

/// Asked for at the end of a destroy in case somebody listened, which needs permissions of its own: a refusal is said and
/// changes nothing.
const OF_LISTENERS: &str = "sqs:ListQueues on * {}";

fn printed(lane: &Lane) -> Guard {
    let said = lane.payhook("policy iam", None);
    said.well("policy iam");
    let policy: Value = serde_json::from_str(&said.said).expect("a policy document");
    Guard::of(&policy)
}

fn run(lane: &Lane, words: &str) {
    let ended = lane.payhook(words, None);
    let guard = lane.proxy.guarded_by(None).expect("the guard");
    let refused = guard.refused().iter();
    let refused: Vec<_> = refused.filter(|need| *need != OF_LISTENERS).collect();
    assert!(refused.is_empty(), "{words}: {refused:?}");
    lane.proxy.guarded_by(Some(guard));
    ended.well(words);
}

#[test]
fn the_whole_life_of_a_stack_needs_no_more_than_the_printed_policy() {
    once(Verb::Deploy, async |lane, _, _| {
        lane.begin().await;
        lane.proxy.guarded_by(Some(printed(lane)));
        LIFE.iter().for_each(|words| run(lane, words));
        lane.change().await;
        for words in ["preview", "deploy", "drift --fail", "rollback"] {
            run(lane, words);
        }
        run(lane, "destroy --yes");
        let guard = lane.proxy.guarded_by(None).expect("the guard");
        // Only what takes back the changes that others make by hand, and what empties a bucket that holds bodies.
        insta::assert_debug_snapshot!(guard.unused());
    });
}

#[test]
fn what_the_policy_lacks_is_named_and_the_next_deploy_goes_on_once_it_is_there() {
    once(Verb::Deploy, async |lane, _, _| {
        lane.begin().await;
        for (action, call) in [
            ("kms:CreateKey", "kms:CreateKey"),
            ("iam:PassRole", "lambda:CreateFunction"),
            ("pipes:CreatePipe", "pipes:CreatePipe"),
        ] {
            lane.proxy.guarded_by(Some(printed(lane).without(action)));
            let ended = lane.payhook("deploy", None);
            assert_eq!(ended.code, Some(1), "{action}:\n{}", ended.said);
            let names = ended.said.contains(call) && ended.said.contains("AccessDenied");
            assert!(names, "{action}:\n{}", ended.said);
        }
        lane.proxy.guarded_by(Some(printed(lane)));
        run(lane, "deploy");
    });
}
