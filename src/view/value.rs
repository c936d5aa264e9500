//! Property values in words: references as "(known after apply)", long texts shortened.

use serde_json::{Map, Value};

/// Longest value that is shown whole, in characters.
const LONGEST: usize = 60;

/// One side of a change.
pub fn show(value: Option<&Value>) -> String {
    match value {
        None => "(none)".to_owned(),
        Some(value) if is_unknown(value) => "(known after apply)".to_owned(),
        Some(Value::String(text)) => shorten(&format!("\"{}\"", one_line(text))),
        Some(value) => shorten(&plain(value).to_string()),
    }
}

/// Whether the value, or the whole of a joined text, is known only after the apply.
fn is_unknown(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|object| reference(object).is_some())
}

fn reference(object: &Map<String, Value>) -> Option<&Value> {
    let single = object.len() == 1;
    object
        .get("$output")
        .or_else(|| object.get("$join"))
        .filter(|_| single)
}

/// The value with every reference inside it in words.
fn plain(value: &Value) -> Value {
    match value {
        value if is_unknown(value) => Value::from("(known after apply)"),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect(),
        value => value.clone(),
    }
}

fn one_line(text: &str) -> String {
    text.replace('\n', "\\n")
}

/// Keeps the beginning and the end, which is where names and digests differ.
fn shorten(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return text.to_owned();
    }
    let (head, tail) = (LONGEST * 2 / 3, LONGEST / 4);
    let first: String = text.chars().take(head).collect();
    let last: String = text.chars().skip(length - tail).collect();
    format!("{first}...{last}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_is_not_known_yet_is_said_so_wherever_it_stands() {
        let output = json!({"$output": "key.keyArn"});
        let joined = json!({"$join": ["arn:aws:sqs:", {"$output": "aws.region"}]});
        assert_eq!(show(Some(&output)), "(known after apply)");
        assert_eq!(show(Some(&joined)), "(known after apply)");
        assert_eq!(
            show(Some(&json!({"key": output, "n": 1}))),
            r#"{"key":"(known after apply)","n":1}"#
        );
    }

    #[test]
    fn nothing_is_told_apart_from_an_empty_text() {
        assert_eq!(show(None), "(none)");
        assert_eq!(show(Some(&json!(""))), "\"\"");
    }

    proptest! {
        #[test]
        fn a_value_never_takes_more_than_one_short_line(text in "(?s).{0,400}") {
            let shown = show(Some(&Value::from(text)));
            prop_assert!(!shown.contains('\n'));
            prop_assert!(shown.chars().count() <= LONGEST + 3);
        }
    }
}
