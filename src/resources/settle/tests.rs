use super::*;
use crate::resources::{definition, latency};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// When attempts are made, in milliseconds after the first, while `last` has not passed; an answer takes no time.
fn attempts(schedule: Schedule, last: u64) -> Vec<u64> {
    let mut at = vec![0];
    while at[at.len() - 1] < last {
        let now = at[at.len() - 1];
        let pause = schedule.pause(at.len() - 1, Duration::from_millis(now));
        at.push(now + pause.as_millis() as u64);
    }
    at
}

proptest! {
    #[test]
    fn what_a_poll_loses_is_a_small_share_of_any_wait_that_is_not_shorter_than_usual(
        usual in 2_000u64..60_000, longer in 90u64..500
    ) {
        let takes = usual * longer / 100;
        let poll = Poll::LONG.expecting(Duration::from_millis(usual));
        let noticed = *attempts(poll.schedule, takes).last().unwrap_or(&0);
        let lost = noticed - takes;
        prop_assert!(lost <= 50.max(takes * 2 / 100), "{lost} ms of {takes}");
        prop_assert!(lost <= 5_000);
    }

    #[test]
    fn what_a_poll_of_unknown_duration_loses_is_at_most_its_longest_pause_or_twice_what_was_waited(takes in 1u64..600_000) {
        for poll in [Poll::QUICK, Poll::LONG] {
            let noticed = *attempts(poll.schedule, takes).last().unwrap_or(&0);
            prop_assert!(noticed - takes <= (2 * takes).max(200).min(poll.schedule.bounds.1));
        }
    }
}

#[test]
fn an_emulator_that_is_done_at_once_is_asked_at_once() {
    let poll = Poll::LONG.expecting(Duration::from_secs(20));
    assert_eq!(attempts(poll.schedule, 1_000), [0, 200, 600, 1_400]);
}

#[test]
fn a_refused_change_is_repeated_ever_less_often() {
    let at = attempts(Schedule::PROPAGATION, 60_000);
    assert_eq!(at[..5], [0, 1_000, 3_600, 3_816, 4_044]);
    assert!(at.len() < 60, "{}", at.len());
    assert_eq!(at[at.len() - 1] - at[at.len() - 2], 2_000);
}

#[test]
fn what_usually_takes_less_is_tried_again_sooner_and_early_attempts_never_put_that_off() {
    let at = |usual| {
        attempts(
            Schedule::PROPAGATION.expecting(Duration::from_secs(usual)),
            4_000,
        )
    };
    assert_eq!(at(1)[..4], [0, 900, 1_000, 1_100]);
    assert_eq!(at(4)[..4], [0, 1_000, 3_600, 3_816]);
    assert_eq!(at(5), [0, 1_000, 4_500]);
    assert_eq!(at(0), at(4));
}

#[test]
fn an_edge_is_waited_for_as_long_as_its_kind_usually_takes() {
    for (kind, rule) in rules() {
        let Of::Edge(used) = rule.of else {
            assert_eq!(rule.pauses(), rule.schedule, "{kind}, `{}`", rule.name);
            continue;
        };
        let usual = latency(used).visible.as_millis() as u64;
        if usual > 0 {
            assert_eq!(
                rule.pauses().expected,
                usual * 9 / 10,
                "{kind}, `{}`",
                rule.name
            );
        }
    }
}

/// Every rule of every kind.
fn rules() -> impl Iterator<Item = (Kind, &'static Settle)> {
    let kinds = Kind::ALL.iter().copied();
    kinds.flat_map(|kind| {
        definition(kind)
            .settle()
            .iter()
            .map(move |rule| (kind, rule))
    })
}

#[test]
fn every_rule_says_what_it_waits_for_what_else_it_may_be_and_where_that_stands() {
    for (kind, rule) in rules() {
        let at = format!("{kind}, `{}`", rule.name);
        // It is read in "waiting for NAME".
        assert!(rule.name.contains(" to "), "{at}");
        assert!(!rule.name.starts_with("waiting"), "{at}");
        for words in [rule.name, rule.otherwise, rule.source] {
            assert_eq!(words, words.trim(), "{at}");
            assert!(!words.is_empty() && !words.ends_with('.'), "{at}: {words}");
        }
    }
}

#[test]
fn the_name_of_a_rule_is_its_own_among_those_of_its_kind() {
    // Patience is kept by name: two rules of one name would share a budget.
    for kind in Kind::ALL {
        let rules = definition(*kind).settle();
        let names: BTreeSet<_> = rules.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), rules.len(), "{kind}: {names:?}");
    }
}

#[test]
fn every_budget_allows_several_attempts_and_twice_the_usual_time_and_ends_within_the_hour() {
    for (kind, rule) in rules() {
        let at = format!("{kind}, `{}`", rule.name);
        let budget = rule.budget_seconds * 1_000;
        assert!((10..=3_600).contains(&rule.budget_seconds), "{at}");
        assert!(attempts(rule.pauses(), budget).len() > 5, "{at}");
        assert!(budget > rule.pauses().expected * 2, "{at}");
        if let Of::Edge(used) = rule.of {
            assert!(rule.budget() >= latency(used).visible * 2, "{at}");
            assert_ne!(used, kind, "{at}");
        }
    }
}

/// A refusal with nothing in it that another rule might take for its own.
fn refusal(code: &str, message: &str) -> CloudError {
    CloudError::new("any", crate::resources::Class::Invalid, code, message)
}

#[test]
fn no_rule_is_shadowed_by_one_before_it() {
    for (kind, rule) in rules() {
        let alone: &[&str] = &[""];
        let messages = match rule.messages.is_empty() {
            true => alone,
            false => rule.messages,
        };
        for (code, message) in rule
            .codes
            .iter()
            .flat_map(|c| messages.iter().map(move |m| (c, m)))
        {
            let mut of_kind = definition(kind).settle().iter();
            let first = of_kind.find(|rule| rule.covers(&refusal(code, message)));
            assert_eq!(first, Some(rule), "{kind}: {code} `{message}`");
        }
    }
}

#[test]
fn a_rule_without_a_message_has_a_code_of_its_own() {
    for (kind, rule) in rules().filter(|(_, rule)| rule.messages.is_empty()) {
        let general = [
            "ValidationException",
            "AccessDeniedException",
            "AccessDenied",
            "InvalidRequestException",
            "InvalidParameterValueException",
            "InvalidParameterException",
            "BadRequestException",
        ];
        let taken = rule.codes.iter().find(|code| general.contains(code));
        assert_eq!(
            taken, None,
            "{kind}, `{}`: many refusals have this code",
            rule.name
        );
    }
}

#[test]
fn no_rule_waits_for_a_quota_or_a_permission_of_the_deployer_to_pass() {
    let refusals = [
        ("LimitExceededException", "too many"),
        ("LimitExceeded", "Cannot exceed quota"),
        ("ServiceQuotaExceededException", "too many"),
        (
            "AccessDeniedException",
            "User: d is not authorized to perform: iam:PassRole on resource: r",
        ),
        (
            "AccessDenied",
            "User: d is not authorized to perform: iam:PassRole on resource: r",
        ),
        (
            "AuthorizationError",
            "User: d is not authorized to perform: sns:CreateTopic on resource: r",
        ),
    ];
    for (kind, rule) in rules() {
        for (code, message) in refusals {
            let covered = rule.covers(&refusal(code, message));
            assert!(!covered, "{kind}, `{}`: {code} {message}", rule.name);
        }
    }
}
