//! Settings away from AWS's defaults that payhook never makes.

use serde_json::Value;
use std::collections::BTreeMap;

/// By AWS's names for them.
///
/// Always empty when declared: what a read finds here was changed outside, and a put takes it back.
pub type Unmanaged = BTreeMap<String, Value>;

/// Those of the settings that have a value.
pub(super) fn collected<const N: usize>(settings: [(&str, Option<Value>); N]) -> Unmanaged {
    let set = settings
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    set.collect()
}

/// A setting that AWS gives as text, which may be a JSON document or a number: as data, so that its form means nothing.
pub(super) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
