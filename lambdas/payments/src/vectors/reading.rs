//! Files of vectors as people have them: what stands in them, and what is wrong with it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::Json;
use crate::providers::{self, Provider};

/// The text is not a list of vectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is neither a JSON list of signature vectors nor one vector a line (line {line}, column {column}); each needs at least `id`, `provider`, `secret`, `headers` and `body`"
)]
pub struct NotVectors {
    line: usize,
    column: usize,
}

impl NotVectors {
    /// Where a file that begins with this text stops being text.
    pub fn after(text: &str) -> Self {
        let last = text.rsplit('\n').next().unwrap_or_default();
        Self {
            line: text.matches('\n').count() + 1,
            column: last.chars().count() + 1,
        }
    }

    // serde_json quotes offending values in its messages, which may be secrets, so only the position is kept.
    pub(super) fn at(error: &serde_json::Error) -> Self {
        Self {
            line: error.line(),
            column: error.column(),
        }
    }
}

/// The entries of a JSON list, of such a list as `vectors` in an object, or of objects one after the other.
pub(super) fn entries(text: &str) -> Result<Vec<&RawValue>, NotVectors> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let found = listed(text).map_err(|error| NotVectors::at(&error))?;
    match found.is_empty() {
        true => Err(NotVectors { line: 1, column: 0 }),
        false => Ok(found),
    }
}

fn listed(text: &str) -> Result<Vec<&RawValue>, serde_json::Error> {
    if text.starts_with('[') {
        return serde_json::from_str(text);
    }
    #[derive(Deserialize)]
    struct Listed<'a> {
        #[serde(borrow)]
        vectors: Vec<&'a RawValue>,
    }
    if let Ok(listed) = serde_json::from_str::<Listed<'_>>(text) {
        return Ok(listed.vectors);
    }
    let objects = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    objects.collect()
}

pub(super) fn id(at: usize, raw: &RawValue) -> String {
    let given = Json::parse_object(raw.get().as_bytes())
        .ok()
        .and_then(|vector| vector.id_at("id"));
    given.unwrap_or_else(|| format!("#{}", at + 1))
}

/// What keeps an entry from being a vector, without quoting it.
pub(super) fn lacking(raw: &RawValue, error: &serde_json::Error) -> String {
    match Json::parse_object(raw.get().as_bytes()) {
        Err(why) => format!(
            "it is no vector: {}",
            why.to_string().replace("the body", "it")
        ),
        Ok(vector) if vector.get("provider").is_none() => "it has no `provider`".to_owned(),
        Ok(_) => format!(
            "a member is not of the documented type, at line {} and column {} of the vector",
            error.line(),
            error.column()
        ),
    }
}

/// A provider by its key, in any case and with other signs between the words, or by another usual name.
pub(super) fn provider(name: &str) -> Option<&'static dyn Provider> {
    let key = name
        .trim()
        .to_ascii_lowercase()
        .replace(['-', '.', ' '], "_");
    let key = match key.as_str() {
        "svix" => "standard_webhooks",
        "adyen_platform" => "adyen_header",
        "authorizenet" => "authorize_net",
        "checkout" => "checkout_com",
        "coinbase" => "coinbase_commerce",
        "flutterwave_v4" => "flutterwave",
        "generic" => "generic_hmac",
        "mercadopago" => "mercado_pago",
        "paddle_billing" => "paddle",
        "worldpay_access" => "worldpay",
        key => key,
    };
    providers::by_key(key)
}
