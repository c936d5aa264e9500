//! The text widget by which a dashboard says whose it is.

use crate::resources::Tags;
use serde_json::{Value, json};

const TITLE: &str = "Owned by payhook";

/// The body with its marker at the end.
pub(super) fn mark(body: &Value, tags: &Tags) -> Value {
    let mut marked = body.clone();
    let ownership = tags.iter().filter(|(key, _)| key.starts_with("payhook:"));
    let words: Vec<String> = ownership.map(|(k, v)| format!("`{k}={v}`")).collect();
    let marker = json!({
        "type": "text",
        "width": 24,
        "height": 1,
        "properties": {"markdown": format!("{TITLE} {}", words.join(" "))},
    });
    match marked.get_mut("widgets").and_then(Value::as_array_mut) {
        Some(widgets) => widgets.push(marker),
        None => {
            let mut object = marked.as_object().cloned().unwrap_or_default();
            object.insert("widgets".to_owned(), json!([marker]));
            marked = object.into();
        }
    }
    marked
}

/// The body without its marker, and what that says; no tags when there is none.
pub(super) fn unmark(mut body: Value) -> (Value, Tags) {
    let mut tags = Tags::new();
    if let Some(widgets) = body.get_mut("widgets").and_then(Value::as_array_mut) {
        widgets.retain(|widget| match words(widget) {
            Some(words) => {
                tags.extend(pairs(words));
                false
            }
            None => true,
        });
    }
    (body, tags)
}

fn words(widget: &Value) -> Option<&str> {
    let text = widget.pointer("/properties/markdown")?.as_str()?;
    text.strip_prefix(TITLE)
}

fn pairs(words: &str) -> impl Iterator<Item = (String, String)> {
    let quoted = words.split('`').skip(1).step_by(2);
    quoted.filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    })
}
