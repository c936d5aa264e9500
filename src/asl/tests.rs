use super::*;
use crate::graph::{Output, references};
use proptest::prelude::*;
use serde_json::json;

fn settings() -> Settings {
    Settings {
        processor: Input::known("arn:aws:lambda:eu-central-1:123456789012:function:p:live"),
        table: Input::known("payments-dev"),
        retry: Backoff::default(),
        timeout_seconds: 40,
        concurrency: 5,
    }
}

fn pass(next: Next) -> State {
    State::Pass(Pass {
        output: json!({}),
        next,
    })
}

fn task(change: impl FnOnce(&mut Task)) -> State {
    let mut task = Task {
        call: Call::Invoke {
            function: Input::known("arn"),
            payload: json!({}),
        },
        timeout_seconds: 1,
        output: None,
        retry: Vec::new(),
        catch: Vec::new(),
        next: Next::End,
    };
    change(&mut task);
    State::Task(Box::new(task))
}

fn errors_of<const N: usize>(start: &str, states: [(&str, State); N]) -> Vec<DefinitionError> {
    validate(&Definition {
        comment: String::new(),
        flow: Flow {
            start_at: start.to_owned(),
            states: states.map(|(name, state)| (name.to_owned(), state)).into(),
        },
    })
}

fn retry(errors: &[&str], backoff: Backoff) -> Retry {
    Retry {
        errors: errors.iter().map(|e| (*e).to_owned()).collect(),
        backoff,
    }
}

#[test]
fn the_payment_processor_breaks_no_rule() {
    assert_eq!(validate(&payment_processor(&settings())), []);
}

#[test]
fn the_payment_processor_is_written_as_reviewed() {
    insta::assert_json_snapshot!(payment_processor(&settings()).to_value());
}

#[test]
fn outputs_of_other_resources_stay_references_in_the_json() {
    let settings = Settings {
        processor: Output::new("processor".into(), "aliasArn").into(),
        table: Output::new("payments".into(), "tableName").into(),
        ..settings()
    };
    let value = payment_processor(&settings).to_value();
    let found: Vec<_> = references(&value).iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        ["aws.partition", "payments.tableName", "processor.aliasArn"]
    );
}

#[test]
fn every_call_is_retried_and_every_error_of_an_event_is_caught() {
    fn look(flow: &Flow) {
        for (name, state) in &flow.states {
            match state {
                State::Map(map) => look(&map.each),
                State::Task(task) => {
                    let [retry] = task.retry.as_slice() else {
                        panic!("{name} must have one retry");
                    };
                    assert_eq!(retry.backoff, Backoff::default());
                    let last = task.catch.last().map(|c| c.errors.as_slice());
                    assert_eq!(last, Some([ALL_ERRORS.to_owned()].as_slice()), "{name}");
                }
                _ => {}
            }
        }
    }
    look(&payment_processor(&settings()).flow);
}

#[test]
fn a_target_that_does_not_exist_is_named() {
    let unknown = |from: &str, to: &str| DefinitionError::UnknownTarget {
        from: from.to_owned(),
        to: to.to_owned(),
    };
    assert_eq!(
        errors_of("A", [("A", pass(Next::to("B")))])[0],
        unknown("A", "B")
    );
    let choice = State::Choice(Choice {
        rules: vec![("true".to_owned(), "X".to_owned())],
        default: Some("Y".to_owned()),
    });
    assert_eq!(
        errors_of("A", [("A", choice)])[..2],
        [unknown("A", "X"), unknown("A", "Y")]
    );
    let catch = task(|t| {
        t.catch = vec![Catch {
            errors: vec![ALL_ERRORS.to_owned()],
            output: json!({}),
            next: "Z".to_owned(),
        }];
    });
    assert_eq!(errors_of("A", [("A", catch)]), [unknown("A", "Z")]);
}

#[test]
fn a_map_cannot_hand_over_to_a_state_outside_of_it() {
    let map = State::Map(Map {
        items: "[]".to_owned(),
        concurrency: 0,
        each: Flow {
            start_at: "Inner".to_owned(),
            states: vec![("Inner".to_owned(), pass(Next::to("Done")))],
        },
        next: Next::to("Done"),
    });
    let errors = errors_of("Each", [("Each", map), ("Done", State::Succeed)]);
    assert!(errors.contains(&DefinitionError::UnknownTarget {
        from: "Inner".to_owned(),
        to: "Done".to_owned()
    }));
}

#[test]
fn a_machine_must_start_somewhere() {
    assert_eq!(
        errors_of("B", [("A", State::Succeed)]),
        [DefinitionError::UnknownStart("B".to_owned())]
    );
    assert_eq!(errors_of("A", []), [DefinitionError::Empty("A".to_owned())]);
}

#[test]
fn a_state_that_nothing_leads_to_is_named() {
    assert_eq!(
        errors_of("A", [("A", pass(Next::End)), ("B", State::Succeed)]),
        [DefinitionError::Unreachable("B".to_owned())]
    );
}

#[test]
fn states_that_only_lead_to_each_other_are_named() {
    assert_eq!(
        errors_of(
            "A",
            [("A", pass(Next::to("B"))), ("B", pass(Next::to("A")))]
        ),
        ["A", "B"].map(|name| DefinitionError::Endless(name.to_owned()))
    );
}

#[test]
fn names_are_unique_also_inside_maps_and_of_a_length_that_aws_takes() {
    let map = State::Map(Map {
        items: "[]".to_owned(),
        concurrency: 0,
        each: Flow {
            start_at: "Each".to_owned(),
            states: vec![("Each".to_owned(), pass(Next::End))],
        },
        next: Next::End,
    });
    assert_eq!(
        errors_of("Each", [("Each", map)]),
        [DefinitionError::Duplicate("Each".to_owned())]
    );
    let long = "x".repeat(81);
    assert_eq!(
        errors_of(&long, [(&long, State::Succeed)]),
        [DefinitionError::BadName(long.clone())]
    );
    assert_eq!(
        errors_of("", [("", State::Succeed)]),
        [DefinitionError::BadName(String::new())]
    );
}

#[test]
fn a_choice_needs_rules_and_a_default() {
    let choice = State::Choice(Choice {
        rules: Vec::new(),
        default: None,
    });
    let errors = errors_of("A", [("A", choice)]);
    assert!(errors.contains(&DefinitionError::NoRules("A".to_owned())));
    assert!(errors.contains(&DefinitionError::NoDefault("A".to_owned())));
}

#[test]
fn a_retry_that_does_not_back_off_is_refused() {
    let good = Backoff::default();
    let bad = [
        Backoff { rate: 0.5, ..good },
        Backoff {
            rate: f64::NAN,
            ..good
        },
        Backoff {
            rate: f64::INFINITY,
            ..good
        },
        Backoff {
            attempts: 0,
            ..good
        },
        Backoff {
            interval_seconds: 0,
            ..good
        },
        Backoff {
            max_delay_seconds: 2,
            ..good
        },
        Backoff {
            max_delay_seconds: 31_622_401,
            ..good
        },
    ];
    for backoff in bad {
        let errors = errors_of(
            "A",
            [("A", task(|t| t.retry = vec![retry(&["E"], backoff)]))],
        );
        assert!(
            matches!(errors.as_slice(), [DefinitionError::BadRetry { .. }]),
            "{backoff:?}: {errors:?}"
        );
    }
}

#[test]
fn error_names_must_each_be_able_to_match() {
    let good = Backoff::default();
    let lists: [&[&[&str]]; 4] = [
        &[&[]],
        &[&[ALL_ERRORS], &["E"]],
        &[&["E", ALL_ERRORS]],
        &[&["E"], &["E"]],
    ];
    for list in lists {
        let retries = list.iter().map(|errors| retry(errors, good)).collect();
        let errors = errors_of("A", [("A", task(|t| t.retry = retries))]);
        assert!(
            matches!(errors.as_slice(), [DefinitionError::BadErrors { .. }]),
            "{list:?}: {errors:?}"
        );
    }
}

#[test]
fn a_timeout_of_zero_and_a_half_written_expression_are_refused() {
    assert_eq!(
        errors_of("A", [("A", task(|t| t.timeout_seconds = 0))]),
        [DefinitionError::BadTimeout("A".to_owned())]
    );
    for text in ["{% 1", "1 %}", "{% %}"] {
        let output = State::Pass(Pass {
            output: json!({ "deep": [text] }),
            next: Next::End,
        });
        assert_eq!(
            errors_of("A", [("A", output)]),
            [DefinitionError::BrokenExpression {
                state: "A".to_owned(),
                text: text.to_owned()
            }]
        );
    }
}

proptest! {
    #[test]
    fn any_backoff_that_grows_within_its_cap_makes_a_valid_machine(
        interval in 1u32..100, rate in 1.0f64..10.0, attempts in 1u32..100, extra in 1u32..1000,
    ) {
        let retry = Backoff {
            interval_seconds: interval,
            rate,
            attempts,
            max_delay_seconds: interval + extra,
        };
        let settings = Settings { retry, ..settings() };
        prop_assert_eq!(validate(&payment_processor(&settings)), []);
    }

    #[test]
    fn checking_any_small_graph_of_states_ends(edges in proptest::collection::vec((0usize..6, any::<bool>()), 1..6)) {
        let states: Vec<_> = edges
            .iter()
            .enumerate()
            .map(|(i, (to, end))| {
                let next = if *end { Next::End } else { Next::to(&format!("S{to}")) };
                (format!("S{i}"), pass(next))
            })
            .collect();
        let errors = validate(&Definition {
            comment: String::new(),
            flow: Flow { start_at: "S0".to_owned(), states },
        });
        // Walking by hand: without any error the chain from S0 must end within as many steps as there are states.
        if errors.is_empty() {
            let mut at = 0;
            let ended = (0..edges.len()).any(|_| {
                let (to, end) = edges[at];
                at = to;
                end
            });
            prop_assert!(ended);
        }
    }
}

#[test]
fn the_longest_run_is_every_try_at_its_longest_and_every_pause_for_each_forty_events() {
    let retry = Backoff {
        interval_seconds: 2,
        rate: 2.0,
        attempts: 3,
        max_delay_seconds: 5,
    };
    // Pauses of 2, 4 and 5 s, in processing and in writing the failure down.
    assert_eq!(retry.pauses(), 11.0);
    assert_eq!(longest_run(&retry, 35, 1), 4 * 35 + 4 * 10 + 22);
    assert_eq!(longest_run(&retry, 35, 40), 202);
    assert_eq!(longest_run(&retry, 35, 41), 404);
}
