//! What an operator does when events are stuck: look, have them processed again, look again.

use std::time::Duration;

use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType};
use aws_sdk_pipes::types::PipeState;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::clients::Clients;
use super::deployed::standing;
use super::place::{Place, succeeded};

struct Stuck {
    place: Place,
    clients: Clients,
    outputs: Value,
}

/// An event that is stored while the pipe stands still.
struct Event {
    id: String,
    payment: String,
}

impl Stuck {
    async fn deploy() -> Self {
        let place = Place::new(&[]);
        succeeded(&place.payhook("deploy"));
        let outputs = std::fs::read(place.outputs_file()).expect("outputs");
        let stuck = Self {
            clients: Clients::emulated(&place.endpoint()),
            outputs: serde_json::from_slice(&outputs).expect("JSON"),
            place,
        };
        stuck.stop_the_pipe().await;
        stuck
    }

    fn output(&self, key: &str) -> &str {
        self.outputs[key].as_str().expect("an output")
    }

    async fn stop_the_pipe(&self) {
        let (pipes, name) = (self.clients.pipes(), self.output("pipeName"));
        pipes.stop_pipe().name(name).send().await.expect("StopPipe");
        for _ in 0..50 {
            let pipe = pipes.describe_pipe().name(name).send().await;
            if pipe.expect("DescribePipe").current_state == Some(PipeState::Stopped) {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("the pipe goes on");
    }

    fn send(&self) -> Event {
        let output = self
            .place
            .payhook("send generic_hmac --json --timeout 1 --record sent.jsonl");
        assert_eq!(output.status.code(), Some(1), "it is stored and waits");
        let lines = lines(&String::from_utf8(output.stdout).expect("text"));
        let of = |hop: &str, key: &str| {
            let line = lines.iter().find(|line| line["hop"] == hop);
            line.expect("the hop")[key]
                .as_str()
                .expect("a text")
                .to_owned()
        };
        Event {
            id: of("signed", "eventId"),
            payment: of("stored", "paymentId"),
        }
    }

    fn told(&self, words: &str) -> Vec<Value> {
        lines(&succeeded(&self.place.payhook(&format!("{words} --json"))))
    }

    async fn processed(&self, payment: &str) {
        for _ in 0..100 {
            let shown = self.told(&format!("payments show {payment}"));
            if shown[0]["head"]["status"] == "succeeded" {
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
        panic!("{payment} is not processed");
    }

    /// The head moves before the event itself is marked.
    async fn settled(&self, event: &str) {
        for _ in 0..100 {
            let shown = succeeded(&self.place.payhook(&format!("events show {event}")));
            if shown.contains(r#""processing": "processed""#) {
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
        panic!("{event} is not settled");
    }

    /// Leaves a message such as the pipe leaves after its last try of a batch.
    async fn give_up_on_everything(&self) {
        let records = self.records().await;
        let data = |record: &Record| record.dynamodb.clone().expect("its data");
        let number = |record: &Record| data(record).sequence_number.expect("its number");
        let (first, last) = (records.first().expect("one"), records.last().expect("one"));
        let message = json!({
            "context": {"partnerResourceArn": "pipe", "condition": "RetryAttemptsExhausted"},
            "version": "1.0",
            "timestamp": "2026-01-01T00:00:00.000Z",
            "DDBStreamBatchInfo": {
                "shardId": self.shard().await,
                "startSequenceNumber": number(first),
                "endSequenceNumber": number(last),
                "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00.000Z",
                "approximateArrivalOfLastRecord": "2026-01-01T00:00:00.000Z",
                "batchSize": records.len(),
                "streamArn": self.stream().await,
            },
        });
        let sqs = self.clients.sqs();
        let queue = sqs
            .get_queue_url()
            .queue_name(self.output("deadLetterQueueName"));
        let queue = queue.send().await.expect("GetQueueUrl").queue_url;
        let sent = sqs
            .send_message()
            .queue_url(queue.expect("a URL"))
            .message_body(message.to_string());
        sent.send().await.expect("SendMessage");
    }

    async fn stream(&self) -> String {
        let table = self.clients.dynamodb().describe_table();
        let table = table
            .table_name(self.output("paymentsTableName"))
            .send()
            .await;
        let table = table.expect("DescribeTable").table.expect("the table");
        table.latest_stream_arn.expect("its stream")
    }

    async fn shard(&self) -> String {
        let stream = self.clients.streams().describe_stream();
        let stream = stream.stream_arn(self.stream().await).send().await;
        let stream = stream.expect("DescribeStream").stream_description;
        let shards = stream.and_then(|stream| stream.shards).expect("shards");
        shards[0].shard_id.clone().expect("its id")
    }

    async fn records(&self) -> Vec<Record> {
        let streams = self.clients.streams();
        let iterator = streams
            .get_shard_iterator()
            .stream_arn(self.stream().await)
            .shard_id(self.shard().await)
            .shard_iterator_type(ShardIteratorType::TrimHorizon);
        let iterator = iterator
            .send()
            .await
            .expect("GetShardIterator")
            .shard_iterator;
        let records = streams.get_records().set_shard_iterator(iterator);
        records
            .send()
            .await
            .expect("GetRecords")
            .records
            .unwrap_or_default()
    }
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("JSON lines")
}

#[tokio::test]
async fn stuck_events_are_found_and_processed_again_from_the_queue_and_by_replay() {
    if let Some(env) = standing() {
        println!("not shown: the pipe of {env} is not ours to stop");
        return;
    }
    let stuck = Stuck::deploy().await;
    let doctor = stuck.place.payhook("doctor");
    let findings = String::from_utf8(doctor.stdout).expect("text");
    assert_eq!(doctor.status.code(), Some(1), "{findings}");
    let wrong: Vec<_> = findings
        .lines()
        .filter(|line| line.starts_with("FAIL"))
        .collect();
    assert_eq!(wrong.len(), 1, "{findings}");
    assert!(
        wrong[0].contains("pipe") && wrong[0].contains("STOPPED"),
        "{findings}"
    );

    let event = stuck.send();

    println!("the event is found, without its body unless that is asked for");
    let listed = stuck.told("events list --status received --from 1h");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["stored"]["eventId"], event.id.as_str());
    assert_eq!(stuck.told("events list --status failed"), [Value::Null; 0]);
    let shown = succeeded(&stuck.place.payhook(&format!("events show {}", event.id)));
    assert!(shown.contains(&event.payment) && !shown.contains("\"amount\""));
    let body = succeeded(
        &stuck
            .place
            .payhook(&format!("events show {} --show-body", event.id)),
    );
    assert!(lines(&body)[0].is_object(), "{body}");

    println!("an audit finds it overdue as soon as it has no time left");
    let audit = stuck.place.payhook("events audit --deadline 0s --json");
    let audit = (
        audit.status.code(),
        lines(&String::from_utf8(audit.stdout).expect("text")),
    );
    assert_eq!(audit.0, Some(1));
    assert_eq!(audit.1[0]["fault"]["kind"], "overdue");
    assert_eq!(stuck.told("events audit")[0]["figures"]["pending"], 1);

    println!("the logs tell that it was stored, and of which trace");
    let logs = stuck.told("logs --since 10m");
    let stored = |line: &&Value| line["said"]["eventId"] == event.id.as_str();
    let stored = logs.iter().find(stored).expect("the line of the validator");
    assert_eq!(
        (&stored["source"], &stored["said"]["message"]),
        (&json!("validator"), &json!("webhook stored"))
    );

    println!("a dead letter is shown with its events, and again, and redriven once");
    stuck.give_up_on_everything().await;
    let audit = stuck.told("events audit --deadline 0s");
    assert_eq!(audit[0]["figures"]["inQueue"], 1, "{audit:?}");
    assert_eq!(stuck.told("dlq redrive --dry-run")[0]["events"], 1);
    let letters = stuck.told("dlq list");
    assert_eq!(
        letters[0]["letter"]["batch"]["condition"],
        "RetryAttemptsExhausted"
    );
    let id = letters[0]["letter"]["messageId"].as_str().expect("an id");
    let letter = stuck.told(&format!("dlq show {id}"));
    assert_eq!(letter[0]["events"][0]["eventId"], event.id.as_str());
    let redriven = stuck.told("dlq redrive");
    assert_eq!(
        (&redriven[0]["messages"], &redriven[0]["events"]),
        (&json!(1), &json!(1))
    );
    stuck.processed(&event.payment).await;
    assert_eq!(stuck.told("dlq list"), [Value::Null; 0]);

    println!(
        "what is settled has left the index, and is found through the table, which is read no further than asked"
    );
    stuck.settled(&event.id).await;
    assert_eq!(
        stuck.told("events list --status received"),
        [Value::Null; 0]
    );
    let listed = stuck.told("events list --status processed");
    assert_eq!(listed[0]["stored"]["eventId"], event.id.as_str());
    assert_eq!(listed.len(), 1, "and that was the whole table");
    let unread = stuck.told("events list --provider generic_hmac --read-at-most 0");
    assert_eq!(unread.last(), listed.last(), "a small table is one page");

    println!("a long queue is redriven in parts, each message once, and the rest shows at once");
    for _ in 0..23 {
        stuck.give_up_on_everything().await;
    }
    let part = &stuck.told("dlq redrive --limit 5")[0];
    assert_eq!((&part["messages"], &part["events"]), (&json!(5), &json!(0)));
    assert_eq!(stuck.told("dlq list").len(), 18);
    assert_eq!(stuck.told("dlq redrive")[0]["messages"], 18);
    assert_eq!(stuck.told("dlq list"), [Value::Null; 0]);

    println!("replay starts only what is not settled");
    let other = stuck.send();
    let dry = stuck.told("events replay --provider generic_hmac --dry-run");
    assert_eq!(dry[0]["started"], 0);
    let found: Vec<_> = dry[0]["events"].as_array().into_iter().flatten().collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["eventId"], other.id.as_str());
    let replayed = stuck.told("events replay --provider generic_hmac");
    assert_eq!(replayed[0]["started"], 1);
    stuck.processed(&other.payment).await;
    stuck.settled(&other.id).await;
    let again = stuck.told("events replay --provider generic_hmac");
    assert_eq!(again[0]["started"], 0);
    let again = stuck.told(&format!("events replay --payment {}", other.payment));
    assert_eq!(
        (&again[0]["started"], &again[0]["settled"]),
        (&json!(0), &json!(1))
    );
    let settled = stuck.place.payhook("events replay --status processed");
    assert_eq!(settled.status.code(), Some(2), "those are left alone");
    let audit = stuck.told("events audit --deadline 0s --sent sent.jsonl");
    let figures = &audit[0]["figures"];
    assert_eq!(
        (&figures["processed"], &figures["sent"]),
        (&json!(2), &json!(2))
    );
    let all = stuck.place.payhook("events replay");
    assert_eq!(all.status.code(), Some(2), "everything is too much");
}
