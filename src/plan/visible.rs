//! What a read showed, in the form in which it is compared.

use super::tag;
use crate::resources::{Definition, Seen, Tags};
use crate::state::Entry;
use serde_json::Value;

/// What the cloud shows, with the properties it never shows taken as last applied.
pub(super) fn visible(
    rules: &dyn Definition,
    seen: &Seen,
    entry: Option<&Entry>,
    desired: &Value,
) -> Value {
    let mut visible = seen.properties.clone();
    let hidden = rules
        .unread()
        .iter()
        .copied()
        .chain(seen.unseen.iter().map(String::as_str));
    for property in hidden {
        let value = match entry {
            Some(entry) => entry.properties.get(property),
            None => desired.get(property),
        };
        if let (Value::Object(properties), Some(value)) = (&mut visible, value) {
            properties.insert(property.to_owned(), value.clone());
        }
    }
    visible
}

pub(super) fn tags_value(tags: &Tags) -> Value {
    let none = Tags::new();
    let tags = match tags.contains_key(tag::UNTAGGED) {
        true => &none,
        false => tags,
    };
    tags.iter()
        .filter(|(key, _)| !key.starts_with("aws:"))
        .map(|(key, value)| (key.clone(), Value::String(value.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
