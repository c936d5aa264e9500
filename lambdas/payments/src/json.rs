//! Bounded reading of JSON bodies that keeps numbers as the text that was sent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::money::MoneyError;

/// How deep arrays and objects may nest in a webhook body.
pub const MAX_DEPTH: usize = 64;

/// Why a body cannot be read as the provider's event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedBody {
    #[error("the body is empty")]
    Empty,
    #[error("the body is not UTF-8 text")]
    NotUtf8,
    #[error("the body nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("the body is not {0}")]
    NotFormat(&'static str),
    #[error("`{0}` is missing from the body or not of the documented type")]
    Field(&'static str),
    #[error("the money in `{field}` is not usable: {why}")]
    Money {
        field: &'static str,
        why: MoneyError,
    },
    #[error("the body carries more than {0} events")]
    TooMany(usize),
}

/// One JSON value inside a body, not yet decoded.
#[derive(Clone, Copy)]
pub struct Json<'a>(&'a RawValue);

impl<'a> Json<'a> {
    /// Reads a whole body: UTF-8, valid JSON, an object, not nested deeper than [`MAX_DEPTH`].
    pub fn parse_object(body: &'a [u8]) -> Result<Json<'a>, MalformedBody> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(MalformedBody::Empty);
        }
        let text = std::str::from_utf8(body).map_err(|_| MalformedBody::NotUtf8)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if depth_exceeds(text, MAX_DEPTH) {
            return Err(MalformedBody::TooDeep);
        }
        let raw = serde_json::from_str::<&RawValue>(text)
            .map_err(|_| MalformedBody::NotFormat("JSON"))?;
        if raw.get().starts_with('{') {
            Ok(Json(raw))
        } else {
            Err(MalformedBody::NotFormat("a JSON object"))
        }
    }

    /// A member of an object; the last one if the name is repeated.
    pub fn get(self, name: &str) -> Option<Json<'a>> {
        let mut reader = serde_json::Deserializer::from_str(self.0.get());
        reader.deserialize_map(Member(name)).ok().flatten()
    }

    /// All members of an object in order.
    pub fn members(self) -> Option<Vec<(String, Json<'a>)>> {
        let mut reader = serde_json::Deserializer::from_str(self.0.get());
        reader.deserialize_map(Members).ok()
    }

    /// The value at the end of a path of member names joined by dots.
    pub fn at(self, path: &str) -> Option<Json<'a>> {
        path.split('.').try_fold(self, Json::get)
    }

    /// The elements of an array.
    pub fn items(self) -> Option<Vec<Json<'a>>> {
        let items: Vec<&'a RawValue> = serde_json::from_str(self.0.get()).ok()?;
        Some(items.into_iter().map(Json).collect())
    }

    /// The JSON text of the value.
    pub fn raw(self) -> &'a str {
        self.0.get()
    }

    /// A JSON string.
    pub fn text(self) -> Option<String> {
        serde_json::from_str(self.0.get()).ok()
    }

    /// A JSON number, in the very digits that were sent.
    pub fn number(self) -> Option<&'a str> {
        let text = self.0.get();
        text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            .then_some(text)
    }

    /// A JSON string that is not empty, or a number in the digits that were sent.
    pub fn text_or_number(self) -> Option<String> {
        match self.number() {
            Some(digits) => Some(digits.to_owned()),
            None => self.text().filter(|text| !text.is_empty()),
        }
    }

    /// A JSON integer of 64 bits.
    pub fn integer(self) -> Option<i64> {
        self.number()?.parse().ok()
    }

    /// A JSON boolean.
    pub fn boolean(self) -> Option<bool> {
        serde_json::from_str(self.0.get()).ok()
    }

    /// Text at a path; empty text counts as absent.
    pub fn text_at(self, path: &str) -> Option<String> {
        self.at(path)?.text().filter(|text| !text.is_empty())
    }

    /// Text or number at a path, as an id may be either.
    pub fn id_at(self, path: &str) -> Option<String> {
        self.at(path)?.text_or_number()
    }
}

/// Picks one member of an object and skips the others without building them.
struct Member<'n>(&'n str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<Json<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key_seed(Name)? {
            if name == self.0 {
                found = Some(Json(map.next_value::<&'de RawValue>()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// All members of an object.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Json<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            members.push((name.into_owned(), Json(map.next_value::<&'de RawValue>()?)));
        }
        Ok(members)
    }
}

/// A member name, borrowed from the body unless it has escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// Whether brackets outside of strings nest deeper than `limit`; one pass over the text.
fn depth_exceeds(text: &str, limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Json<'_> {
        Json::parse_object(text.as_bytes()).expect("an object")
    }

    #[test]
    fn numbers_keep_the_digits_that_were_sent() {
        let json = parse(
            r#"{"data":{"amount":10.00,"id":60019392075,"name":"a\"b","flag":true,"list":[1,2]}}"#,
        );
        assert_eq!(json.at("data.amount").and_then(Json::number), Some("10.00"));
        assert_eq!(json.id_at("data.id").as_deref(), Some("60019392075"));
        assert_eq!(json.text_at("data.name").as_deref(), Some("a\"b"));
        assert_eq!(json.at("data.flag").and_then(Json::boolean), Some(true));
        assert_eq!(
            json.at("data.list")
                .and_then(Json::items)
                .map(|items| items.len()),
            Some(2)
        );
        assert!(json.at("data.name.deeper").is_none());
        assert!(json.at("data.amount").and_then(Json::integer).is_none());
    }

    #[test]
    fn a_body_that_is_no_object_is_refused_for_the_right_reason() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let cases: [(&[u8], MalformedBody); 6] = [
            (b"", MalformedBody::Empty),
            (b" \n", MalformedBody::Empty),
            (b"\xff\xfe", MalformedBody::NotUtf8),
            (deep.as_bytes(), MalformedBody::TooDeep),
            (b"{\"a\":", MalformedBody::NotFormat("JSON")),
            (b"[1]", MalformedBody::NotFormat("a JSON object")),
        ];
        for (body, expected) in cases {
            assert_eq!(Json::parse_object(body).err(), Some(expected));
        }
    }

    #[test]
    fn brackets_inside_strings_do_not_count_as_depth() {
        let text = format!("{{\"a\":\"{}\\\"{}\"}}", "[".repeat(500), "{".repeat(500));
        assert!(Json::parse_object(text.as_bytes()).is_ok());
    }

    #[test]
    fn member_names_with_escapes_are_the_same_names() {
        assert_eq!(
            parse(r#"{"\u0069d":"x"}"#).text_at("id").as_deref(),
            Some("x")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(body in proptest::collection::vec(any::<u8>(), 0..200), path in "[a-z.]{0,8}") {
            if let Ok(json) = Json::parse_object(&body) {
                let _ = json.at(&path).map(|value| (value.text(), value.number(), value.items().map(|i| i.len())));
            }
        }
    }
}
