use super::*;
use crate::resources::{Kind, Tags};
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const CODE: &str = "artifact.webhook-validator";

fn given() -> Given {
    Given {
        partition: "aws".to_owned(),
        region: "eu-central-1".to_owned(),
        account: "123456789012".to_owned(),
    }
}

fn change(property: &str, before: i64, after: i64) -> Change {
    Change {
        property: property.to_owned(),
        before: Some(before.into()),
        after: Some(after.into()),
    }
}

fn step(resource: &str, action: Action) -> Step {
    Step {
        id: 0,
        resource: resource.into(),
        kind: Kind::Function,
        physical: format!("{resource}-dev"),
        action,
        reason: "it is so".to_owned(),
        changes: match action {
            Action::Update | Action::Adopt => {
                vec![change("memoryMb", 256, 512), change("timeoutSeconds", 5, 6)]
            }
            _ => vec![],
        },
        loses: None,
        after: BTreeSet::new(),
        properties: json!({"memoryMb": 512, "code": {"$output": CODE}}),
        tags: Tags::new(),
        outputs: BTreeMap::new(),
        dependencies: BTreeSet::new(),
        retired: false,
    }
}

fn plan(steps: impl IntoIterator<Item = Step>) -> Plan {
    Plan {
        steps: steps.into_iter().collect(),
        facts: BTreeMap::from([(CODE.to_owned(), "sha-1".to_owned())]),
    }
}

fn approved(steps: impl IntoIterator<Item = Step>) -> Approved {
    Approved::new(
        "dev",
        &given(),
        "2026-08-01T00:00:00Z".to_owned(),
        plan(steps),
    )
}

fn permits(approved_step: Step, step: Step) -> bool {
    approved([approved_step])
        .exceeded_by(&plan([step]))
        .is_empty()
}

#[test]
fn an_action_permits_itself_and_what_a_run_that_was_cut_off_leaves_of_it() {
    use Action::{Adopt, Create, Delete, Keep, Replace, Update};
    let permitted = [
        (Create, vec![Create, Update, Adopt, Keep]),
        (Update, vec![Update, Adopt, Keep]),
        (Adopt, vec![Update, Adopt, Keep]),
        (Replace, vec![Create, Update, Adopt, Replace, Keep]),
        (Delete, vec![Delete, Keep]),
        (Keep, vec![Keep]),
    ];
    for (action, then) in permitted {
        for now in [Create, Update, Adopt, Replace, Delete, Keep] {
            assert_eq!(
                permits(step("f", action), step("f", now)),
                then.contains(&now),
                "approved {action}, now {now}"
            );
        }
    }
}

#[test]
fn what_differs_from_what_was_approved_is_not_permitted() {
    let create = || step("f", Action::Create);
    let update = || step("f", Action::Update);
    let others: [(&str, Step, Step); 5] = [
        ("another resource", create(), step("g", Action::Create)),
        (
            "another name",
            create(),
            Step {
                physical: "x".to_owned(),
                ..create()
            },
        ),
        (
            "another wish",
            create(),
            Step {
                properties: json!({"memoryMb": 1024}),
                ..create()
            },
        ),
        (
            "other tags",
            create(),
            Step {
                tags: [("team".to_owned(), "b".to_owned())].into(),
                ..create()
            },
        ),
        (
            "a change by hand that nobody saw",
            update(),
            Step {
                changes: vec![change("memoryMb", 1024, 512)],
                ..update()
            },
        ),
    ];
    for (what, before, now) in others {
        assert!(!permits(before, now), "{what}");
    }
}

#[test]
fn a_change_of_which_a_part_is_done_already_is_permitted() {
    let rest = Step {
        changes: vec![change("timeoutSeconds", 5, 6)],
        ..step("f", Action::Update)
    };
    assert!(permits(step("f", Action::Update), rest));
}

#[test]
fn other_code_of_a_function_is_not_what_was_approved() {
    let mut now = plan([step("f", Action::Create)]);
    now.facts.insert(CODE.to_owned(), "sha-2".to_owned());
    assert_eq!(
        approved([step("f", Action::Create)])
            .exceeded_by(&now)
            .len(),
        1
    );
}

#[test]
fn what_a_replace_has_retired_may_still_be_deleted_and_nothing_else_of_it() {
    let retired = |retired| Step {
        retired,
        physical: "old".to_owned(),
        ..step("f", Action::Delete)
    };
    assert!(permits(step("f", Action::Replace), retired(true)));
    assert!(!permits(step("f", Action::Replace), retired(false)));
}

#[test]
fn a_line_says_what_would_be_done_and_what_was_approved() {
    let approved = approved([step("f", Action::Create), step("h", Action::Update)]);
    let now = plan([
        step("f", Action::Delete),
        step("g", Action::Create),
        Step {
            changes: vec![change("memoryMb", 1, 2)],
            ..step("h", Action::Update)
        },
    ]);
    insta::assert_snapshot!(approved.exceeded_by(&now).join("\n"), @r"
    delete lambda-function f-dev (it is so); the approved plan has create
    create lambda-function g-dev (it is so); the approved plan leaves it alone
    update lambda-function h-dev (it is so); the approved plan has another update of it: it is so
    ");
}

#[test]
fn a_file_of_another_format_or_none_is_told_apart() {
    let mut newer = json!(approved([]));
    newer["version"] = 2.into();
    let version = NotApproved::Version { found: 2 };
    assert_eq!(Approved::parse(newer.to_string().as_bytes()), Err(version));
    for text in ["", "{", "[]", "{}", "null", r#"{"version": 1}"#] {
        let read = Approved::parse(text.as_bytes());
        assert!(matches!(read, Err(NotApproved::Unreadable(_))), "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_and_permits_itself(
        actions in prop::collection::vec(0usize..6, 0..8)
    ) {
        use Action::{Adopt, Create, Delete, Keep, Replace, Update};
        let all = [Create, Update, Replace, Delete, Adopt, Keep];
        let steps = actions.iter().enumerate().map(|(n, a)| step(&format!("f{n}"), all[*a]));
        let approved = approved(steps);
        let read = Approved::parse(approved.text().as_bytes()).expect("a plan");
        prop_assert_eq!(&read, &approved);
        prop_assert!(read.exceeded_by(&approved.plan).is_empty());
    }
}
