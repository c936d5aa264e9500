//! The real definition at work on batches, with a stand-in for payment-processor.

use super::*;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use std::collections::HashMap;
use std::time::Duration;
use tempfile::TempDir;

const PROCESSOR: &str = include_str!("processor.py");

/// The processing half of the pipeline, with a stand-in for payment-processor.
struct Processing {
    aws: Aws,
    role: At<Role>,
    table: At<Table>,
    function: At<Function>,
    machine: At<StateMachine>,
    marks: TempDir,
}

impl Processing {
    async fn start(name: &str) -> Option<Self> {
        let mut aws = emulator().await?;
        let marks = tempfile::tempdir().unwrap();
        let code = zip(&mut aws, marks.path(), PROCESSOR);
        let role = role(&aws, name).await;
        let mut table = at("table", table(name));
        let mut function = at("function", function(name, &code, marks.path()));
        settle(&aws, &mut table).await;
        settle(&aws, &mut function).await;
        let alias = &function.outputs["aliasArn"];
        let mut machine = at("machine", machine(name, alias, name));
        settle(&aws, &mut machine).await;
        Some(Self {
            aws,
            role,
            table,
            function,
            machine,
            marks,
        })
    }

    async fn stop(self) {
        die(&self.aws, &self.machine).await;
        die(&self.aws, &self.function).await;
        die(&self.aws, &self.table).await;
        die(&self.aws, &self.role).await;
    }

    /// Runs one execution to its end: how it ended, and why.
    async fn run(&self, input: Value) -> (ExecutionStatus, String) {
        let sfn = &self.aws.sfn;
        let arn = &self.machine.outputs["stateMachineArn"];
        let start = sfn.start_execution().state_machine_arn(arn);
        let started = start.input(input.to_string()).send().await.unwrap();
        loop {
            let describe = sfn.describe_execution();
            let describe = describe.execution_arn(&started.execution_arn).send();
            let shown = describe.await.unwrap();
            if shown.status != ExecutionStatus::Running {
                let why = [shown.error, shown.cause];
                return (
                    shown.status,
                    why.into_iter().flatten().collect::<Vec<_>>().join(": "),
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How often the processor was asked about a payment.
    fn tries(&self, payment: &str) -> usize {
        let marks = std::fs::read_to_string(self.marks.path().join(payment));
        let marks = marks.unwrap_or_default();
        assert!(
            marks
                .lines()
                .all(|execution| execution.starts_with("arn:aws:states:"))
        );
        marks.lines().count()
    }

    async fn store(&self, payment: &str, processing: &str) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let put = self
            .aws
            .dynamodb
            .put_item()
            .table_name(&self.table.properties.name);
        put.item("paymentId", text(payment))
            .item("timestamp", AttributeValue::N("1".to_owned()))
            .item("recordType", text("event"))
            .item("processing", text(processing))
            .item("leaseOwner", text("someone"))
            .send()
            .await
            .unwrap();
    }

    /// As the validator stores an event, in the index of what needs attention.
    async fn enter_index(&self, payment: &str) {
        let update = self.aws.dynamodb.update_item();
        update
            .table_name(&self.table.properties.name)
            .key("paymentId", AttributeValue::S(payment.to_owned()))
            .key("timestamp", AttributeValue::N("1".to_owned()))
            .update_expression("SET attention = :shard, attentionState = :state")
            .expression_attribute_values(":shard", AttributeValue::S("3f".to_owned()))
            .expression_attribute_values(":state", AttributeValue::S("received".to_owned()))
            .send()
            .await
            .unwrap();
    }

    async fn item(&self, payment: &str) -> HashMap<String, AttributeValue> {
        let get = self
            .aws
            .dynamodb
            .get_item()
            .table_name(&self.table.properties.name);
        let found = get
            .key("paymentId", AttributeValue::S(payment.to_owned()))
            .key("timestamp", AttributeValue::N("1".to_owned()))
            .send()
            .await
            .unwrap();
        found.item.unwrap_or_default()
    }
}

fn record(payment: &str, event_name: &str, record_type: &str) -> Value {
    let keys = json!({"paymentId": {"S": payment}, "timestamp": {"N": "1"}});
    let mut image = keys.clone();
    image["recordType"] = json!({ "S": record_type });
    json!({"eventName": event_name, "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": keys, "NewImage": image, "SequenceNumber": "1"}})
}

fn event(payment: &str) -> Value {
    record(payment, "INSERT", "event")
}

const DONE: (ExecutionStatus, String) = (ExecutionStatus::Succeeded, String::new());

#[tokio::test]
async fn a_batch_of_any_size_and_shape_processes_exactly_the_inserted_events() {
    let Some(processing) = Processing::start("emulated-batches").await else {
        return;
    };
    let five = ["b", "c", "d", "e", "f"].map(event);
    let removed = json!({"eventName": "REMOVE", "dynamodb": {"Keys": {"paymentId": {"S": "j"}}}});
    let mixed = json!([
        record("g", "MODIFY", "event"),
        record("h", "INSERT", "payment"),
        removed,
        event("i"),
        null, 7, "text", {"eventName": "INSERT"}, [],
    ]);
    for batch in [json!([event("a")]), json!(five), mixed] {
        assert_eq!(processing.run(batch).await, DONE);
    }
    for processed in ["a", "b", "c", "d", "e", "f", "i"] {
        assert_eq!(processing.tries(processed), 1, "{processed}");
    }
    for ignored in ["g", "h", "j"] {
        assert_eq!(processing.tries(ignored), 0, "{ignored}");
    }
    processing.stop().await;
}

#[tokio::test]
async fn an_input_that_is_no_list_of_records_fails_nothing() {
    let Some(processing) = Processing::start("emulated-shapes").await else {
        return;
    };
    let shapes = [
        json!([]),
        json!({}),
        json!(null),
        json!(7),
        json!("text"),
        json!(true),
        json!({"Records": [1]}),
        json!([[]]),
        json!({"eventName": "INSERT", "dynamodb": null}),
    ];
    for shape in shapes {
        assert_eq!(processing.run(shape.clone()).await, DONE, "{shape}");
    }
    assert_eq!(processing.run(event("alone")).await, DONE);
    assert_eq!(processing.tries("alone"), 1);
    processing.stop().await;
}

#[tokio::test]
async fn an_event_that_stays_broken_is_recorded_on_its_item_and_stops_no_other() {
    let Some(processing) = Processing::start("emulated-failures").await else {
        return;
    };
    for payment in ["bad-1", "never-1", "crash-1"] {
        processing.store(payment, "received").await;
    }
    processing.enter_index("bad-1").await;
    let batch = ["bad-1", "good-1", "flaky-1", "never-1", "crash-1", "good-2"].map(event);
    let (status, why) = processing.run(json!(batch)).await;
    assert_eq!(status, ExecutionStatus::Failed);
    assert!(
        why.starts_with("PaymentEventsFailed: 3 of 6 payment events failed: "),
        "{why}"
    );
    for part in ["bad-1 (Permanent)", "never-1 (Transient)", "crash-1 ("] {
        assert!(why.contains(part), "{why}");
    }
    let tries = [
        ("good-1", 1),
        ("good-2", 1),
        ("bad-1", 1),
        ("flaky-1", 4),
        ("never-1", 4),
    ];
    for (payment, expected) in tries {
        assert_eq!(processing.tries(payment), expected, "{payment}");
    }
    let item = processing.item("bad-1").await;
    assert_eq!(item["processing"].as_s().unwrap(), "failed");
    assert!(item["failedAt"].as_s().unwrap().ends_with('Z'));
    assert!(!item.contains_key("leaseOwner"));
    assert_eq!(item["attention"].as_s().unwrap(), "3f", "its shard stays");
    let state = item["attentionState"].as_s().unwrap();
    let at = item["failedAt"].as_s().unwrap();
    assert_eq!(*state, format!("failed {at}"));
    let failure = item["failure"].as_m().unwrap();
    assert_eq!(failure["error"].as_s().unwrap(), "Permanent");
    assert_eq!(failure["cause"].as_s().unwrap().len(), 500);
    assert!(
        failure["execution"]
            .as_s()
            .unwrap()
            .starts_with("arn:aws:states:")
    );
    let item = processing.item("never-1").await;
    let failure = item["failure"].as_m().unwrap();
    assert_eq!(failure["error"].as_s().unwrap(), "Transient");
    // Stored before there was an index.
    assert_eq!(item["attention"].as_s().unwrap(), "00");
    processing.stop().await;
}

#[tokio::test]
async fn a_failure_never_overwrites_a_settled_event_nor_makes_an_erased_one_again() {
    let Some(processing) = Processing::start("emulated-settled").await else {
        return;
    };
    processing.store("bad-settled", "processed").await;
    let batch = json!([event("bad-settled"), event("bad-erased")]);
    let (status, why) = processing.run(batch).await;
    assert_eq!(status, ExecutionStatus::Failed);
    assert!(why.contains("2 of 2"), "{why}");
    let item = processing.item("bad-settled").await;
    assert_eq!(item["processing"].as_s().unwrap(), "processed");
    assert!(processing.item("bad-erased").await.is_empty());

    let keyless = json!({"eventName": "INSERT",
        "dynamodb": {"NewImage": {"recordType": {"S": "event"}}}});
    let (status, why) = processing.run(json!([keyless, event("good-3")])).await;
    assert_eq!(status, ExecutionStatus::Failed);
    assert!(why.contains("1 of 2") && why.contains("unknown ("), "{why}");
    assert_eq!(processing.tries("good-3"), 1);
    processing.stop().await;
}
