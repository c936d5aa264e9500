//! What the state machine hands over and gets back.

use payments::event::Status;
use payments::store::{EventItem, Key};
use serde::Serialize;
use serde_json::Value;

use crate::Failure;

/// One stream record of the table, and the execution that brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Absent when the record is not the insert of an event; there is nothing to do then.
    pub event: Option<Key>,
    pub payment_id: String,
    pub execution: Option<String>,
    /// Whether the state machine would not try again.
    pub is_last_try: bool,
}

impl Input {
    /// Reads the payload; only the key is taken from the record, because the table knows the present.
    pub fn read(payload: &Value) -> Result<Self, Failure> {
        let record = payload
            .get("record")
            .filter(|record| record.is_object())
            .ok_or(Failure::Input("record"))?;
        let text = |path: &str| record.pointer(path).and_then(Value::as_str);
        let payment_id = text("/dynamodb/Keys/paymentId/S")
            .ok_or(Failure::Input("key of a record"))?
            .to_owned();
        let timestamp = text("/dynamodb/Keys/timestamp/N")
            .and_then(|number| number.parse().ok())
            .ok_or(Failure::Input("key of a record"))?;
        let is_event = text("/eventName") == Some("INSERT")
            && text("/dynamodb/NewImage/recordType/S") == Some("event");
        Ok(Self {
            event: is_event.then(|| Key {
                payment_id: payment_id.clone(),
                timestamp,
            }),
            payment_id,
            execution: payload
                .get("execution")
                .and_then(Value::as_str)
                .map(str::to_owned),
            is_last_try: payload.get("lastTry").and_then(Value::as_bool) == Some(true),
        })
    }
}

/// What the state machine sees of a processed event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub payment_id: String,
    pub event_id: Option<String>,
    /// The payment's status after the event.
    pub status: Option<&'static str>,
    pub processing: &'static str,
}

impl Answer {
    pub(crate) fn of(event: &EventItem) -> Self {
        Self {
            payment_id: event.key.payment_id.clone(),
            event_id: Some(event.event_id.clone()),
            status: event.status.map(Status::as_str),
            processing: event.processing.as_str(),
        }
    }

    /// For a record that is not the insert of an event.
    pub(crate) fn skipped(payment_id: String) -> Self {
        Self {
            payment_id,
            event_id: None,
            status: None,
            processing: "skipped",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn payload(name: &str, record_type: &str) -> Value {
        json!({"execution": "arn:e", "record": {"eventName": name, "dynamodb": {
            "Keys": {"paymentId": {"S": "stripe:pi_1"}, "timestamp": {"N": "1700000000000"}},
            "NewImage": {"recordType": {"S": record_type}},
        }}})
    }

    #[test]
    fn only_the_insert_of_an_event_is_work() {
        let key = Key {
            payment_id: "stripe:pi_1".into(),
            timestamp: 1_700_000_000_000,
        };
        assert_eq!(
            Input::read(&payload("INSERT", "event")).unwrap().event,
            Some(key)
        );
        for (name, record_type) in [
            ("MODIFY", "event"),
            ("REMOVE", "event"),
            ("INSERT", "payment"),
            ("", ""),
        ] {
            assert_eq!(
                Input::read(&payload(name, record_type)).unwrap().event,
                None,
                "{name} {record_type}"
            );
        }
    }

    #[test]
    fn an_input_without_record_or_key_is_refused_for_good() {
        for wrong in [
            json!(null),
            json!([]),
            json!({}),
            json!({"record": 1}),
            json!({"record": {}}),
            json!({"record": {"dynamodb": {"Keys": {"paymentId": {"S": "a"}, "timestamp": {"N": "x"}}}}}),
        ] {
            let failure = Input::read(&wrong).unwrap_err();
            assert_eq!(failure.error_type(), "Permanent", "{wrong}");
        }
    }
}
