use crate::{blocks, files, read, root, rows, section};
use payhook::engine::Event;
use payhook::graph::LogicalName;
use payhook::plan::Action;
use payhook::resources::Kind;
use serde_json::Value;
use std::collections::BTreeSet;

/// Adding an event breaks this, and then stands in the list below and in the document.
fn name(event: &Event) -> &'static str {
    match event {
        Event::RunStarted { .. } => "runStarted",
        Event::StepStarted { .. } => "stepStarted",
        Event::StepWaiting { .. } => "stepWaiting",
        Event::StepRetried { .. } => "stepRetried",
        Event::StepDone { .. } => "stepDone",
        Event::StepFailed { .. } => "stepFailed",
        Event::StepSkipped { .. } => "stepSkipped",
        Event::RunEnded { .. } => "runEnded",
        Event::Notice { .. } => "notice",
    }
}

fn every_event() -> [Event; 9] {
    let table = || LogicalName::from("payments");
    let (kind, action) = (Kind::Table, Action::Create);
    [
        Event::RunStarted {
            version: Event::VERSION,
            verb: "deploy".to_owned(),
            env: "dev".to_owned(),
            steps: 34,
        },
        Event::StepStarted {
            resource: table(),
            kind,
            physical: "payments-dev".to_owned(),
            action,
        },
        Event::StepWaiting {
            resource: "webhook-validator".into(),
            waiting_for: "role to be assumable by Lambda".to_owned(),
            waited_ms: 1250,
        },
        Event::StepRetried {
            resource: table(),
            code: "ThrottlingException".to_owned(),
            attempt: 2,
        },
        Event::StepDone {
            resource: table(),
            kind,
            action,
            elapsed_ms: 3200,
        },
        Event::StepFailed {
            resource: table(),
            kind,
            action,
            error: "what happened and what to do".to_owned(),
        },
        Event::StepSkipped {
            resource: "payment-events-pipe".into(),
            action,
            why: "payments failed".to_owned(),
        },
        Event::Notice {
            text: "something to know".to_owned(),
        },
        Event::RunEnded {
            verb: "deploy".to_owned(),
            ending: "completed".to_owned(),
            elapsed_ms: 4800,
        },
    ]
}

#[test]
fn each_event_of_a_run_is_documented_as_it_is_written() {
    let document = read("docs/events.md");
    let documented = blocks(section(&document, "While a plan is carried out"), "json");
    let written = every_event().map(|event| serde_json::to_string(&event).expect("JSON") + "\n");
    assert_eq!(documented, written);
    for event in every_event() {
        assert!(document.contains(&format!("\n### {}\n", name(&event))));
        let value = serde_json::to_value(&event).expect("JSON");
        assert_eq!(value["event"], Value::from(name(&event)));
    }
}

#[test]
fn each_line_that_the_verbs_add_is_documented() {
    let document = read("docs/events.md");
    let documented: BTreeSet<String> = rows(section(&document, "Around it"))
        .iter()
        .map(|row| row[0].replace('`', ""))
        .collect();
    let mut written = BTreeSet::new();
    for path in files().iter().filter(|path| path.starts_with("src/cli")) {
        let text = std::fs::read_to_string(root().join(path)).expect("a text");
        let names = text.split("\"event\": \"").skip(1);
        written.extend(names.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    assert_eq!(documented, written);
}
