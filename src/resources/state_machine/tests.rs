use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Class, Condition, Delete, Live, Observed, Put, Tags};
use proptest::prelude::*;
use serde_json::json;

const ARN: &str = "arn:aws:states:eu-central-1:123456789012:stateMachine:payment-processor-dev";
const ROLE: &str = "arn:aws:iam::123456789012:role/sm";
const GROUP: &str = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/vendedlogs/states/p";
const DESCRIBE: &str = "states:DescribeStateMachine";
const LIST_TAGS: &str = "states:ListTagsForResource";
const CREATE: &str = "states:CreateStateMachine";
const UPDATE: &str = "states:UpdateStateMachine";

fn machine() -> StateMachine {
    StateMachine {
        name: "payment-processor-dev".to_owned(),
        workflow: Workflow::Standard,
        definition: json!({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}, "Rate": 2.0}),
        role: Input::known(ROLE),
        tracing: true,
        log_group: Input::known(GROUP),
        log_level: LogLevel::Error,
        unmanaged: Unmanaged::new(),
    }
}

fn description(machine: &StateMachine) -> Value {
    let group = format!("{}:*", machine.log_group.get().unwrap());
    json!({
        "stateMachineArn": ARN,
        "name": machine.name,
        "status": "ACTIVE",
        "definition": machine.definition.to_string(),
        "roleArn": machine.role.get().unwrap(),
        "type": machine.workflow,
        "creationDate": 1_700_000_000.0,
        "loggingConfiguration": {
            "level": machine.log_level,
            "includeExecutionData": false,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
        },
        "tracingConfiguration": {"enabled": machine.tracing},
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    })
}

fn shown(description: Value, tags: &Tags) -> [Reply; 2] {
    let tags = json!({ "tags": tag_list(tags, "key", "value") });
    [
        reply(DESCRIBE, 200, description),
        reply(LIST_TAGS, 200, tags),
    ]
}

async fn read(description: Value) -> Observed<StateMachine> {
    let at = at("processor", machine());
    let (aws, script) = scripted(shown(description, &at.tags));
    let observed = StateMachine::read(&aws, &at).await.unwrap().unwrap();
    script.assert_calls([DESCRIBE, LIST_TAGS]);
    assert_eq!(observed.tags, Some(at.tags));
    assert_eq!(observed.outputs["stateMachineArn"], ARN);
    observed
}

fn any_machine() -> impl Strategy<Value = StateMachine> {
    let levels = prop_oneof![
        Just(LogLevel::All),
        Just(LogLevel::Error),
        Just(LogLevel::Fatal),
        Just(LogLevel::Off),
    ];
    let workflows = prop_oneof![Just(Workflow::Standard), Just(Workflow::Express)];
    // Quarters, since other fractions need not survive the way through text exactly.
    let rates = (0i32..99).prop_map(|n| f64::from(n) / 4.0);
    (levels, workflows, any::<bool>(), rates).prop_map(|(log_level, workflow, tracing, rate)| {
        StateMachine {
            definition: json!({"b": [rate, 3.0], "a": {"x": "y"}}),
            workflow,
            tracing,
            log_level,
            ..machine()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_read_gives_back_every_property_and_a_put_of_the_same_calls_nothing(machine in any_machine()) {
        run(async {
            let observed = read(description(&machine)).await;
            assert_eq!(observed.properties, machine.clone().canonical());
            let (aws, script) = scripted([]);
            let done = StateMachine::put(&aws, &at("processor", machine), Some(&observed)).await;
            assert_eq!(done.unwrap(), Put::Done(observed.outputs));
            script.assert_calls([]);
        });
    }
}

#[tokio::test]
async fn a_definition_is_the_same_in_other_spacing_order_and_spelling_of_numbers() {
    let mut shown = description(&machine());
    shown["definition"] = json!(
        r#"{ "Rate": 2, "States": { "A": { "Type": "Succeed" } },
             "StartAt": "A" }"#
    );
    let observed = read(shown).await;
    assert_eq!(observed.properties, machine().canonical());
}

#[tokio::test]
async fn a_machine_that_does_not_exist_reads_as_none() {
    let (aws, _) = scripted([
        reply_error(DESCRIBE, 400, "StateMachineDoesNotExist", "none"),
        reply_error(LIST_TAGS, 400, "ResourceNotFound", "none"),
    ]);
    let found = StateMachine::read(&aws, &at("processor", machine())).await;
    assert!(found.unwrap().is_none());
}

#[tokio::test]
async fn a_new_machine_carries_everything_and_is_looked_at_again() {
    let answer = json!({"stateMachineArn": ARN, "creationDate": 1_700_000_000.0});
    let (aws, script) = scripted([reply(CREATE, 200, answer)]);
    let at = at("processor", machine());
    let put = StateMachine::put(&aws, &at, None).await.unwrap();
    assert_eq!(put, Put::Waiting("the state machine to be visible"));
    let sent = script.body(CREATE);
    assert_eq!(
        sent,
        json!({
            "name": "payment-processor-dev",
            "type": "STANDARD",
            "definition": machine().definition.to_string(),
            "roleArn": ROLE,
            "loggingConfiguration": {
                // Without includeExecutionData, which the SDK leaves out when it is false, as it is by default.
                "level": "ERROR",
                "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": format!("{GROUP}:*")}}],
            },
            "tracingConfiguration": {"enabled": true},
            "tags": tag_list(&at.tags, "key", "value"),
        })
    );
}

#[tokio::test]
async fn a_create_that_answered_with_an_older_machine_is_brought_in_line() {
    let mut older = description(&machine());
    older["roleArn"] = json!("arn:aws:iam::123456789012:role/old");
    let mut observed = read(older).await;
    observed.tags = Some(Tags::new());
    let (aws, script) = scripted([
        reply("states:TagResource", 200, json!({})),
        reply(UPDATE, 200, json!({"updateDate": 1.0})),
    ]);
    let at = at("processor", machine());
    StateMachine::put(&aws, &at, Some(&observed)).await.unwrap();
    script.assert_calls(["states:TagResource", UPDATE]);
    assert_eq!(script.body(UPDATE)["roleArn"], ROLE);
    let tags = tag_list(&at.tags, "key", "value");
    assert_eq!(script.body("states:TagResource")["tags"], tags);
}

#[tokio::test]
async fn each_change_is_one_update_of_the_whole_machine() {
    type Change = fn(&mut StateMachine);
    let changes: [(&str, Value, Change); 5] = [
        ("/definition", json!("{}"), |m| m.definition = json!({})),
        ("/roleArn", json!("r2"), |m| m.role = Input::known("r2")),
        // `enabled` is false by default and then left out.
        ("/tracingConfiguration", json!({}), |m| {
            m.tracing = false;
        }),
        ("/loggingConfiguration/level", json!("ALL"), |m| {
            m.log_level = LogLevel::All;
        }),
        (
            "/loggingConfiguration/destinations/0/cloudWatchLogsLogGroup/logGroupArn",
            json!("g2:*"),
            |m| m.log_group = Input::known("g2"),
        ),
    ];
    let observed = read(description(&machine())).await;
    for (path, value, change) in changes {
        let mut at: At<StateMachine> = at("processor", machine());
        change(&mut at.properties);
        let (aws, script) = scripted([reply(UPDATE, 200, json!({"updateDate": 1.0}))]);
        let put = StateMachine::put(&aws, &at, Some(&observed)).await.unwrap();
        assert_eq!(
            put,
            Put::Waiting("the state machine's update to be visible")
        );
        let sent = script.body(UPDATE);
        assert_eq!(sent.pointer(path), Some(&value));
        assert_eq!(sent["stateMachineArn"], ARN);
    }
}

#[tokio::test]
async fn tags_are_set_and_removed_without_an_update() {
    let observed = read(description(&machine())).await;
    let mut at: At<StateMachine> = at("processor", machine());
    at.tags.remove("team");
    at.tags.insert("a".to_owned(), "b".to_owned());
    let (aws, script) = scripted([
        reply("states:TagResource", 200, json!({})),
        reply("states:UntagResource", 200, json!({})),
    ]);
    let done = StateMachine::put(&aws, &at, Some(&observed)).await.unwrap();
    assert!(matches!(done, Put::Done(_)));
    script.assert_calls(["states:TagResource", "states:UntagResource"]);
    assert_eq!(
        script.body("states:UntagResource")["tagKeys"],
        json!(["team"])
    );
}

#[tokio::test]
async fn payloads_in_the_log_and_a_foreign_key_are_seen_and_taken_back() {
    let mut changed = description(&machine());
    changed["loggingConfiguration"]["includeExecutionData"] = json!(true);
    changed["encryptionConfiguration"] =
        json!({"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k"});
    let observed = read(changed).await;
    let found: Vec<_> = observed.properties.unmanaged.keys().cloned().collect();
    assert_eq!(found, ["includeExecutionData", "kmsKeyId"]);
    let (aws, script) = scripted([reply(UPDATE, 200, json!({"updateDate": 1.0}))]);
    let at = at("processor", machine());
    StateMachine::put(&aws, &at, Some(&observed)).await.unwrap();
    let sent = script.body(UPDATE);
    assert_eq!(sent["loggingConfiguration"]["level"], "ERROR");
    assert_eq!(
        sent.pointer("/loggingConfiguration/includeExecutionData"),
        None
    );
    let own = json!({"type": "AWS_OWNED_KEY"});
    assert_eq!(sent["encryptionConfiguration"], own);
}

#[tokio::test]
async fn a_definition_that_still_waits_for_an_output_is_never_sent() {
    let open = StateMachine {
        definition: json!({"FunctionName": {"$output": "processor.aliasArn"}}),
        ..machine()
    };
    let (aws, script) = scripted([]);
    let error = StateMachine::put(&aws, &at("processor", open), None)
        .await
        .unwrap_err();
    assert_eq!(error.class, Class::Invalid);
    assert!(error.message.contains("processor.aliasArn"));
    script.assert_calls([]);
}

#[tokio::test]
async fn a_machine_being_deleted_is_waited_for() {
    let mut going = description(&machine());
    going["status"] = json!("DELETING");
    let observed = read(going).await;
    assert!(matches!(observed.condition, Condition::Settling(_)));
    let (aws, script) = scripted([]);
    let at = at("processor", machine());
    let put = StateMachine::put(&aws, &at, Some(&observed)).await.unwrap();
    assert!(matches!(put, Put::Waiting(_)));
    let gone = StateMachine::delete(&aws, &at, &observed).await.unwrap();
    assert!(matches!(gone, Delete::Waiting(_)));
    script.assert_calls([]);
}

#[tokio::test]
async fn a_deleted_machine_is_waited_for_and_one_already_gone_is_done() {
    let observed = read(description(&machine())).await;
    let delete = "states:DeleteStateMachine";
    let (aws, _) = scripted([
        reply(delete, 200, json!({})),
        reply_error(delete, 400, "StateMachineDoesNotExist", "none"),
    ]);
    let at = at("processor", machine());
    let going = StateMachine::delete(&aws, &at, &observed).await.unwrap();
    assert!(matches!(going, Delete::Waiting(_)));
    let gone = StateMachine::delete(&aws, &at, &observed).await.unwrap();
    assert_eq!(gone, Delete::Gone);
}

#[test]
fn late_roles_and_held_names_are_waited_for_and_wrong_definitions_are_not() {
    let denied = "AccessDeniedException";
    let rule = |code, message| waits_for::<StateMachine>(code, message);
    let passing = [
        (
            denied,
            "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role.",
        ),
        (
            denied,
            "The state machine IAM Role is not authorized to access the Log Destination",
        ),
        ("StateMachineDeleting", "State machine is being deleted"),
        ("ConflictException", "There is another update running"),
    ];
    for (code, message) in passing {
        assert!(rule(code, message).is_some(), "{message}");
    }
    let pass_role = "User: arn:aws:sts::1:x is not authorized to perform: iam:PassRole";
    for (code, message) in [
        (denied, pass_role),
        ("InvalidDefinition", "Invalid State Machine Definition"),
    ] {
        assert_eq!(rule(code, message), None, "{message}");
    }
}

#[tokio::test]
async fn on_an_emulator_that_hides_tracing_it_is_taken_as_declared_and_said_so() {
    let mut hidden = description(&machine());
    hidden
        .as_object_mut()
        .unwrap()
        .remove("tracingConfiguration");
    let at = at("processor", machine());
    for (emulated, unseen) in [(true, vec!["tracing"]), (false, vec![])] {
        let (mut aws, _) = scripted(shown(hidden.clone(), &at.tags));
        aws.emulated = emulated;
        let observed = StateMachine::read(&aws, &at).await.unwrap().unwrap();
        assert_eq!(observed.properties.tracing, emulated);
        assert_eq!(observed.unseen, unseen);
    }
}
