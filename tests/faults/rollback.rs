//! The way back with the real binary.

use crate::lane::Lane;
use crate::proxy::{At, Fault};
use crate::series::{Verb, once};

/// What stands but for the numbers of functions' versions: going back publishes a new one of the old code.
async fn standing(lane: &Lane) -> Vec<String> {
    let numbered = |line: &String| line.contains(" version ") || line.contains(" alias ");
    let mut lines = lane.inventory().await;
    lines.retain(|line| !numbered(line));
    lines
}

#[test]
fn a_deploy_that_fails_goes_back_by_itself_when_told_so_and_is_still_a_failure() {
    once(Verb::Deploy, async |lane, verb, _| {
        verb.prepare(lane).await;
        lane.payhook("deploy", None).well("the first deploy");
        let (stood, outputs) = (standing(lane).await, lane.outputs().await);
        lane.change().await;
        let refused = Some((At::First("UpdateStateMachine"), Fault::Denied));
        let failed = lane.payhook("deploy --rollback-on-failure", refused);
        assert_eq!(failed.code, Some(1), "{}", failed.said);
        assert!(
            failed.said.contains("AccessDeniedException"),
            "{}",
            failed.said
        );
        assert!(failed.said.contains("stands again"), "{}", failed.said);
        assert_eq!(standing(lane).await, stood);
        assert_eq!(lane.outputs().await, outputs);
        lane.first_version();
        lane.payhook("preview --detailed-exitcode", None)
            .well("the first version is what stands");
    });
}

#[test]
fn where_no_deploy_has_succeeded_there_is_nothing_to_go_back_to() {
    once(Verb::Deploy, async |lane, verb, _| {
        verb.prepare(lane).await;
        let refused = Some((At::First("CreateStateMachine"), Fault::Denied));
        let failed = lane.payhook("deploy --rollback-on-failure", refused);
        assert_eq!(failed.code, Some(1), "{}", failed.said);
        assert!(
            failed.said.contains("nothing to go back to"),
            "{}",
            failed.said
        );
        let rollback = lane.payhook("rollback", None);
        assert_eq!(rollback.code, Some(3), "{}", rollback.said);
        assert!(
            rollback.said.contains("payhook deploy"),
            "{}",
            rollback.said
        );
        lane.payhook("deploy", None).well("the deploy after all");
        let other = lane.payhook("rollback --to 77", None);
        assert_eq!(other.code, Some(2), "{}", other.said);
    });
}
