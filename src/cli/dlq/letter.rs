//! What a pipe leaves in a dead-letter queue: where the records are in the stream, not what they hold.

use aws_sdk_sqs::types::Message;
use jiff::Timestamp;
use serde_json::{Value, json};

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// SQS's id of the message.
    pub id: String,
    /// With which it is deleted.
    pub receipt: String,
    /// The batch it is about; absent when it is no message of a pipe.
    pub batch: Option<Batch>,
}

/// A part of the table's stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Why the pipe gave up, in its own word.
    pub condition: String,
    /// The stream.
    pub stream: String,
    /// The shard.
    pub shard: String,
    /// Sequence number of the first record.
    pub first: String,
    /// Sequence number of the last one.
    pub last: String,
    /// How many records there are.
    pub size: u64,
    /// When the first one was written to the stream.
    pub arrived_from: Option<Timestamp>,
    /// When the last one was.
    pub arrived_to: Option<Timestamp>,
}

impl Letter {
    /// Reads a message of SQS.
    pub fn read(message: &Message) -> Self {
        let body = message
            .body()
            .and_then(|body| serde_json::from_str(body).ok());
        Self {
            id: message.message_id().unwrap_or("without id").to_owned(),
            receipt: message.receipt_handle().unwrap_or_default().to_owned(),
            batch: body.as_ref().and_then(Batch::read),
        }
    }

    /// One line.
    pub fn line(&self) -> String {
        let Some(batch) = &self.batch else {
            return format!("{}  not a message of the pipe", self.id);
        };
        let arrived = batch.arrived_from.map(|at| format!(", stored at {at}"));
        format!(
            "{}  {} events{}  {}",
            self.id,
            batch.size,
            arrived.unwrap_or_default(),
            batch.condition
        )
    }

    /// Everything that is known of it.
    pub fn facts(&self) -> Value {
        let batch = self.batch.as_ref().map(|batch| {
            json!({
                "condition": batch.condition,
                "stream": batch.stream,
                "shard": batch.shard,
                "first": batch.first,
                "last": batch.last,
                "size": batch.size,
                "arrivedFrom": batch.arrived_from.map(|at| at.to_string()),
                "arrivedTo": batch.arrived_to.map(|at| at.to_string()),
            })
        });
        json!({"messageId": self.id, "batch": batch})
    }
}

impl Batch {
    /// Reads the body of a message, whose form the EventBridge Pipes guide gives under "dead-letter queue behavior".
    fn read(body: &Value) -> Option<Self> {
        let info = body.get("DDBStreamBatchInfo")?;
        let text = |name: &str| info[name].as_str().map(str::to_owned);
        let time = |name: &str| info[name].as_str().and_then(|text| text.parse().ok());
        Some(Self {
            condition: body["context"]["condition"]
                .as_str()
                .unwrap_or("for an unknown reason")
                .to_owned(),
            stream: text("streamArn")?,
            shard: text("shardId")?,
            first: text("startSequenceNumber")?,
            last: text("endSequenceNumber")?,
            size: info["batchSize"].as_u64().unwrap_or(0),
            arrived_from: time("approximateArrivalOfFirstRecord"),
            arrived_to: time("approximateArrivalOfLastRecord"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Letter;
    use aws_sdk_sqs::types::Message;
    use serde_json::{Value, json};

    fn message(body: &Value) -> Letter {
        Letter::read(
            &Message::builder()
                .message_id("m1")
                .receipt_handle("r1")
                .body(body.to_string())
                .build(),
        )
    }

    fn of_a_pipe() -> Value {
        json!({
            "context": {"partnerResourceArn": "arn", "condition": "RetryAttemptsExhausted"},
            "version": "1.0",
            "timestamp": "2026-05-01T10:00:09.000Z",
            "DDBStreamBatchInfo": {
                "shardId": "shardId-1",
                "startSequenceNumber": "100",
                "endSequenceNumber": "102",
                "approximateArrivalOfFirstRecord": "2026-05-01T10:00:00.000Z",
                "approximateArrivalOfLastRecord": "2026-05-01T10:00:01.000Z",
                "batchSize": 3,
                "streamArn": "stream",
            },
        })
    }

    #[test]
    fn a_message_of_a_pipe_is_read_whole() {
        let letter = message(&of_a_pipe());
        insta::assert_snapshot!(letter.line(), @"m1  3 events, stored at 2026-05-01T10:00:00Z  RetryAttemptsExhausted");
        let batch = letter.batch.unwrap();
        assert_eq!((batch.first.as_str(), batch.last.as_str()), ("100", "102"));
    }

    #[test]
    fn a_message_that_is_not_the_pipes_is_named_and_not_taken_for_one() {
        for body in [json!({}), json!("text"), json!({"DDBStreamBatchInfo": {}})] {
            let letter = message(&body);
            assert_eq!(letter.batch, None, "{body}");
            assert_eq!(letter.line(), "m1  not a message of the pipe");
        }
    }
}
