use super::*;
use crate::config::Config;
use crate::resources::function::{Architecture, Function};
use crate::resources::key::Key;
use crate::resources::pipe::Pipe;
use crate::resources::policy::Statement;
use crate::resources::role::Role;
use crate::resources::state_machine::StateMachine;
use crate::resources::table::{Billing, Table};
use serde_json::json;
use std::collections::BTreeSet;

fn stack(env: &str) -> Stack {
    let text = include_str!("../../infra.toml");
    Stack::payment_webhooks(&Config::parse("infra.toml", text, Some(env), None).unwrap())
}

/// The numbers of the constraints that a change of the factory's work breaks.
fn broken<R>(change: impl FnOnce(&mut R), of: fn(&Stack) -> crate::graph::Handle<R>) -> Vec<u8>
where
    R: Declared + DeserializeOwned,
{
    let mut stack = stack("dev");
    let handle = of(&stack);
    stack.graph.amend(&handle, change);
    let numbers: BTreeSet<u8> = check(&stack).into_iter().map(|v| v.constraint).collect();
    numbers.into_iter().collect()
}

#[test]
fn every_shipped_environment_keeps_all_eight_constraints() {
    for env in ["local", "dev", "prod"] {
        assert_eq!(check(&stack(env)), vec![], "{env}");
    }
}

#[test]
fn the_processor_stores_events_only_of_providers_that_are_on_and_name_theirs_in_a_list() {
    let puts = |providers: &str| {
        let text = format!("region = \"eu-central-1\"\n{providers}\n[env.dev]\n");
        let config = Config::parse("infra.toml", &text, Some("dev"), None).unwrap();
        let stack = Stack::payment_webhooks(&config);
        let (_, role) = all::<Role>(&stack.graph)
            .into_iter()
            .find(|(name, _)| name.as_str() == "payment-processor-role")
            .unwrap();
        let may_put = |statement: &&Statement| {
            let mut actions = statement.actions.iter();
            actions.any(|action| action == "dynamodb:PutItem")
        };
        let conditions = role
            .statements
            .iter()
            .filter(may_put)
            .map(|statement| serde_json::to_value(&statement.conditions).unwrap());
        conditions.collect::<Vec<_>>()
    };
    assert_eq!(
        puts("[providers.stripe]\n[providers.klarna]"),
        [json!(null); 0]
    );
    assert_eq!(
        puts("[providers.plaid]\n[providers.plaid.confirm]\nenabled = false"),
        [json!(null); 0]
    );
    assert_eq!(
        puts("[providers.plaid]"),
        [
            json!([{"operator": "ForAllValues:StringLike", "key": "dynamodb:LeadingKeys",
            "values": ["plaid:*", "event:plaid:*"]}])
        ]
    );
}

#[test]
fn a_function_off_graviton_breaks_constraint_1_and_no_other() {
    let to_intel = |f: &mut Function| f.architecture = Architecture::X86_64;
    assert_eq!(broken(to_intel, |s| s.validator.clone()), [1]);
    let to_python = |f: &mut Function| f.runtime = "python3.13".to_owned();
    assert_eq!(broken(to_python, |s| s.processor.clone()), [1]);
}

#[test]
fn every_setting_of_the_table_is_held_by_constraint_2_and_no_other() {
    let changes: [fn(&mut Table); 6] = [
        |t| t.billing = Billing::Provisioned,
        |t| t.point_in_time_recovery = false,
        |t| t.stream = None,
        |t| t.key = None,
        |t| t.partition_key.name = "id".to_owned(),
        |t| t.sort_key.name = "at".to_owned(),
    ];
    for change in changes {
        assert_eq!(broken(change, |s| s.table.clone()), [2]);
    }
}

#[test]
fn a_key_without_rotation_or_a_resource_under_another_key_breaks_constraint_3_and_no_other() {
    assert_eq!(
        broken(|k: &mut Key| k.rotation = false, |s| s.key.clone()),
        [3]
    );
    let other = crate::graph::Input::known("arn:aws:kms:eu-central-1:123456789012:key/other");
    assert_eq!(
        broken(
            move |f: &mut Function| f.key = other,
            |s| s.validator.clone()
        ),
        [3]
    );
}

#[test]
fn a_function_without_reserved_concurrency_breaks_constraint_4_and_no_other() {
    let free = |f: &mut Function| f.reserved_concurrency = None;
    assert_eq!(broken(free, |s| s.processor.clone()), [4]);
}

#[test]
fn tracing_switched_off_anywhere_breaks_constraint_5_and_no_other() {
    assert_eq!(
        broken(
            |f: &mut Function| f.tracing = false,
            |s| s.validator.clone()
        ),
        [5]
    );
    assert_eq!(
        broken(
            |m: &mut StateMachine| m.tracing = false,
            |s| s.state_machine.clone()
        ),
        [5]
    );
    assert_eq!(
        broken(
            |stage: &mut crate::resources::api_stage::ApiStage| stage.tracing = false,
            |s| s.stage.clone()
        ),
        [5]
    );
}

#[test]
fn a_state_machine_without_backoff_or_catch_breaks_constraint_6_and_no_other() {
    fn strip(value: &mut serde_json::Value, what: &str) {
        match value {
            serde_json::Value::Object(object) => {
                object.remove(what);
                object.values_mut().for_each(|inner| strip(inner, what));
            }
            serde_json::Value::Array(items) => {
                items.iter_mut().for_each(|inner| strip(inner, what))
            }
            _ => {}
        }
    }
    for what in [
        "Retry",
        "Catch",
        "BackoffRate",
        "JitterStrategy",
        "MaxDelaySeconds",
    ] {
        let change = |m: &mut StateMachine| strip(&mut m.definition, what);
        assert_eq!(broken(change, |s| s.state_machine.clone()), [6], "{what}");
    }
}

#[test]
fn every_setting_of_the_pipe_is_held_by_constraint_7_and_no_other() {
    let changes: [fn(&mut Pipe); 5] = [
        |p| p.filters.clear(),
        |p| p.maximum_retry_attempts = -1,
        |p| p.maximum_record_age_seconds = -1,
        |p| p.bisect_on_failure = false,
        |p| {
            p.dead_letter_queue =
                crate::graph::Input::known("arn:aws:sqs:eu-central-1:123456789012:other")
        },
    ];
    for change in changes {
        assert_eq!(broken(change, |s| s.pipe.clone()), [7]);
    }
}

#[test]
fn a_wildcard_in_an_action_or_a_resource_breaks_constraint_8_and_no_other() {
    let changes: [fn(&mut Role); 3] = [
        |r| r.statements[0].actions.push("dynamodb:*".to_owned()),
        |r| r.statements[0].resources = vec![crate::graph::Input::known("*")],
        |r| {
            r.statements[0]
                .resources
                .push("arn:aws:dynamodb:eu-central-1:123456789012:table/*".into())
        },
    ];
    for change in changes {
        let role = |s: &Stack| {
            let node = s
                .graph
                .nodes()
                .find(|n| n.name.as_str() == "webhook-validator-role")
                .unwrap();
            crate::graph::Handle::new(node.name.clone(), node.physical.clone())
        };
        assert_eq!(broken(change, role), [8]);
    }
}

#[test]
fn a_definition_with_a_next_that_leads_nowhere_is_told_before_any_call() {
    let mut stack = stack("dev");
    stack.definition.flow.start_at = "Nowhere".to_owned();
    let told: Vec<String> = check(&stack).iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|t| t.contains("Nowhere")), "{told:?}");
}
