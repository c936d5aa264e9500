//! The readers below all providers, each compared with another way of reading the same.

use jiff::Timestamp;
use payments::json::{Json, MAX_DEPTH};
use payments::money::{Currency, Money};
use payments::secret::Secrets;
use payments::vectors;
use serde_json::Value;

use crate::support;
use crate::text::Parts;

/// Headers: one value is one of all values, and there is one exactly if all of them are the same.
pub fn headers(input: &[u8]) {
    let parts = Parts::read(input);
    let headers = parts.request(support::now()).headers;
    for (name, _) in &parts.headers {
        let blank = |c| matches!(c, ' ' | '\t');
        let same = |other: &str| other.eq_ignore_ascii_case(name);
        let sent = parts.headers.iter().filter(|(other, _)| same(other));
        let sent: Vec<_> = sent
            .map(|(_, value)| value.trim_matches(blank))
            .filter(|value| !value.is_empty())
            .collect();
        assert_eq!(headers.all(name).collect::<Vec<_>>(), sent);
        assert_eq!(headers.contains(name), !sent.is_empty());
        let only = sent
            .first()
            .filter(|first| sent.iter().all(|value| value == *first));
        assert_eq!(headers.single(name), only.copied());
    }
}

/// JSON bodies: every member reads as it does in a reader that builds the whole value.
pub fn json(input: &[u8]) {
    let Ok(json) = Json::parse_object(input) else {
        return;
    };
    let text = json.raw();
    assert!(text.starts_with('{'));
    // Numbers beyond a float are no values there, and are here.
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        same(json, &value, 0);
    }
}

fn same(json: Json<'_>, value: &Value, depth: usize) {
    assert!(depth <= MAX_DEPTH, "deeper than allowed");
    match value {
        Value::Object(members) => {
            let read = json.members().expect("members");
            assert!(members.len() <= read.len(), "a member is missing");
            for (name, value) in members {
                same(json.get(name).expect("the member"), value, depth + 1);
            }
        }
        Value::Array(values) => {
            let items = json.items().expect("items");
            assert_eq!(items.len(), values.len());
            for (item, value) in items.into_iter().zip(values) {
                same(item, value, depth + 1);
            }
        }
        Value::String(text) => assert_eq!(json.text().as_deref(), Some(text.as_str())),
        Value::Number(number) => {
            assert!(json.number().is_some());
            // Minus nothing is a float there, and nothing here.
            let whole = match json.raw() {
                "-0" => Some(0),
                _ => number.as_i64(),
            };
            assert_eq!(json.integer(), whole);
        }
        Value::Bool(flag) => assert_eq!(json.boolean(), Some(*flag)),
        Value::Null => assert!(json.text_or_number().is_none() && json.boolean().is_none()),
    }
}

/// Amounts: the first byte is the number of decimals, the rest is the text.
pub fn money(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else {
        return;
    };
    let exponent = first % 5;
    let text = String::from_utf8_lossy(rest);
    let eur = || Currency::parse("EUR").expect("a currency");
    let _ = Currency::parse(&text);
    let read = Money::from_major(&text, eur(), exponent).ok();
    assert_eq!(
        read.as_ref().map(|money| money.minor),
        by_long_division(&text, exponent)
    );
    if let Some(money) = read {
        assert_eq!(
            Money::from_major(&money.decimal(), eur(), exponent),
            Ok(money)
        );
    }
}

/// The amount in minor units by arithmetic of 128 bits on texts of up to 36 digits; longer ones are in range only with
/// leading or trailing zeros, which are cut off first.
fn by_long_division(text: &str, exponent: u8) -> Option<i64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let (whole, fraction) = (
        whole.trim_start_matches('0'),
        fraction.trim_end_matches('0'),
    );
    if whole.len() > 19 || fraction.len() > usize::from(exponent) {
        return None;
    }
    let padded = format!("0{whole}{fraction:0<width$}", width = usize::from(exponent));
    let value: i128 = padded.parse().ok()?;
    let value = i64::try_from(value).ok()?;
    Some(if text.starts_with('-') { -value } else { value })
}

/// The text of the secret that an operator may have edited by hand.
pub fn secrets(input: &[u8]) {
    if let Ok(secrets) = Secrets::parse(&String::from_utf8_lossy(input)) {
        let at = support::now();
        for target in ["stripe", "braintree", "x"] {
            let found = secrets.provider(target);
            let _ = found.map(|provider| provider.valid_at(at).count());
        }
    }
}

/// The file that an operator gives to `signature check`.
pub fn vectors(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(verdicts) = vectors::check(&text, Timestamp::UNIX_EPOCH) {
        let told =
            |verdict: &vectors::Verdict| (verdict.result == "invalid") == verdict.error.is_some();
        assert!(verdicts.iter().all(told));
    }
}
