//! What the events of all providers have in common: required texts, times and money out of a JSON body.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::SampleSeed;
use crate::event::Report;
use crate::json::{Json, MalformedBody};
use crate::money::{Currency, Money, MoneyError};
use crate::request::Request;

/// Text at a path that the provider documents as always there.
pub(super) fn required(json: Json<'_>, path: &'static str) -> Result<String, MalformedBody> {
    json.id_at(path).ok_or(MalformedBody::Field(path))
}

/// The unit in which a provider states amounts.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Minor,
    Major,
}

/// Money from the amount and the currency at two paths; `None` unless both are there.
pub(crate) fn money(
    json: Json<'_>,
    amount: &'static str,
    currency: &'static str,
    unit: Unit,
    exponent: fn(&Currency) -> u8,
) -> Result<Option<Money>, MalformedBody> {
    let (Some(amount_text), Some(code)) = (json.id_at(amount), json.text_at(currency)) else {
        return Ok(None);
    };
    let wrong = |why: MoneyError| MalformedBody::Money { field: amount, why };
    let code = Currency::parse(&code).map_err(|why| MalformedBody::Money {
        field: currency,
        why,
    })?;
    let places = exponent(&code);
    let money = match unit {
        Unit::Minor => Money::from_minor(&amount_text, code, places),
        Unit::Major => Money::from_major(&amount_text, code, places),
    };
    money.map(Some).map_err(wrong)
}

/// Milliseconds from seconds since 1970.
pub(super) fn ms_of_seconds(seconds: i64) -> Option<i64> {
    seconds.checked_mul(1000)
}

/// Milliseconds from an RFC 3339 text with any number of fraction digits; without an offset it counts as UTC, in which
/// Worldpay writes its times.
pub(super) fn ms_of_rfc3339(text: &str) -> Option<i64> {
    let with_offset = text.parse::<Timestamp>();
    let time = with_offset.or_else(|_| {
        let local = text.parse::<DateTime>()?;
        local.to_zoned(TimeZone::UTC).map(|time| time.timestamp())
    });
    time.ok().map(Timestamp::as_millisecond)
}

/// Milliseconds from the RFC 3339 text at a path.
pub(crate) fn ms_at(json: Json<'_>, path: &str) -> Option<i64> {
    ms_of_rfc3339(&json.text_at(path)?)
}

/// An event id where the provider gives none: the same body is the same event.
pub(super) fn digest_id(body: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
    hex::encode(&digest.as_ref()[..16])
}

/// The seed's payment id, or a new one with the provider's prefix.
pub(super) fn sample_id(seed: &SampleSeed<'_>, prefix: &str) -> String {
    seed.payment_id
        .map_or_else(|| format!("{prefix}{}", seed.nonce), str::to_owned)
}

/// A number made from the nonce, for ids that are numbers; 15 digits are exact in every reader of JSON.
pub(super) fn sample_number(seed: &SampleSeed<'_>) -> u64 {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, seed.nonce.as_bytes());
    let (first, _) = digest.as_ref().split_at(8);
    first
        .iter()
        .fold(0u64, |number, byte| (number << 8) | u64::from(*byte))
        % 1_000_000_000_000_000
}

/// What type [`look_again`] gives a notice.
pub(super) const NOTICE: &str = "notification";

/// An unsigned notice that says only "look at this payment again".
///
/// Nothing tells one notice from the next, so each arrival is an event of its own: were they one event, a payment that
/// changed since the first notice would never be looked at again.
pub(super) fn look_again(payment_id: String, request: &Request) -> Report {
    let arrived = request.received_at.as_millisecond();
    Report {
        event_id: format!("{payment_id}@{arrived}"),
        event_type: NOTICE.into(),
        occurred_ms: Some(arrived),
        provider_payment_id: payment_id,
        money: Ok(None),
        claimed: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_any_fraction_and_any_offset_and_without_one_as_utc() {
        for (text, ms) in [
            ("2026-01-01T00:00:00Z", Some(1_767_225_600_000)),
            ("2026-01-01T01:00:00+01:00", Some(1_767_225_600_000)),
            ("2025-12-31T20:00:00.0430555-04:00", Some(1_767_225_600_043)),
            ("2026-01-01T00:00:00.407", Some(1_767_225_600_407)),
            ("2026-01-01 00:00:00", Some(1_767_225_600_000)),
            ("2026-01-01T00:00:00.123456789Z", Some(1_767_225_600_123)),
            ("2026-13-01T00:00:00Z", None),
            ("1767225600", None),
            ("", None),
            ("now", None),
        ] {
            assert_eq!(ms_of_rfc3339(text), ms, "{text}");
        }
    }
}
