//! A test event as its receiver sees it, and the same with a signed byte changed.

use jiff::Timestamp;

use super::{Check, Outgoing, Provider};
use crate::request::{Headers, Request};
use crate::signature::SignatureError;

/// Where a webhook was changed after it was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    Body,
    Query,
    Header,
}

impl Changed {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Changed::Body => "body",
            Changed::Query => "query",
            Changed::Header => "header",
        }
    }
}

impl Outgoing {
    /// The webhook as it arrives at its provider's own path.
    pub fn received(&self, provider: &str, at: Timestamp) -> Request {
        let query = self.query.as_deref().unwrap_or_default();
        Request {
            method: "POST".to_owned(),
            provider: Some(provider.to_owned()),
            headers: self.headers.iter().cloned().collect::<Headers>(),
            query: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            body: self.body.clone(),
            received_at: at,
            ..Request::default()
        }
    }

    /// The webhook with one byte changed that its signature covers; `None` where the provider signs nothing.
    ///
    /// The body comes first, from its end and digits before letters, then the query, then the headers (a token).
    pub fn tampered(
        &self,
        provider: &dyn Provider,
        check: &Check<'_>,
        at: Timestamp,
    ) -> Option<(Outgoing, Changed)> {
        let refused = |changed: &Outgoing| {
            let verified = provider.verify(&changed.received(provider.key(), at), check);
            matches!(
                verified,
                Err(SignatureError::BadSignature | SignatureError::BodyHashMismatch)
            )
        };
        let bodies = changes(&self.body).map(|body| Outgoing {
            body,
            ..self.clone()
        });
        let query = self.query.clone().unwrap_or_default();
        let queries = texts(&query).map(|query| Outgoing {
            query: Some(query),
            ..self.clone()
        });
        let headers = (0..self.headers.len()).flat_map(|number| {
            let values: Vec<_> = texts(&self.headers[number].1).collect();
            values.into_iter().map(move |value| {
                let mut changed = self.clone();
                changed.headers[number].1 = value;
                changed
            })
        });
        let all = bodies
            .map(|one| (one, Changed::Body))
            .chain(queries.map(|one| (one, Changed::Query)))
            .chain(headers.map(|one| (one, Changed::Header)));
        all.into_iter().find(|(changed, _)| refused(changed))
    }
}

/// The bytes with one digit changed, from the last to the first, and after that with one letter changed.
fn changes(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let places =
        |wanted: fn(&u8) -> bool| (0..bytes.len()).rev().filter(move |at| wanted(&bytes[*at]));
    let at = places(u8::is_ascii_digit).chain(places(u8::is_ascii_alphabetic));
    at.map(|at| {
        let mut changed = bytes.to_vec();
        changed[at] = match bytes[at] {
            b'9' => b'0',
            b'z' => b'a',
            b'Z' => b'A',
            other => other + 1,
        };
        changed
    })
}

fn texts(text: &str) -> impl Iterator<Item = String> {
    // Only ASCII letters and digits change, so that what was text stays text.
    changes(text.as_bytes()).filter_map(|bytes| String::from_utf8(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};
    use crate::providers::{self, SampleSeed};
    use crate::secret::{ProviderSecrets, Secret};
    use crate::settings::Settings;

    const AT: i64 = 1_767_225_600;

    fn signed(key: &str, secret: &str) -> (&'static dyn Provider, Outgoing, ProviderSecrets) {
        let provider = providers::by_key(key).expect("a provider");
        let now = Timestamp::from_second(AT).expect("a time");
        let seed = SampleSeed {
            nonce: "4f2a",
            payment_id: None,
            money: Money {
                minor: 1999,
                currency: Currency::parse("EUR").expect("a currency"),
                exponent: 2,
            },
            now,
        };
        let sample = provider.sample(provider.sample_types()[0], &seed);
        let secret = Secret::text(secret);
        let signed = provider.sign(
            sample.expect("a sample"),
            &secret,
            &Settings::default(),
            now,
        );
        let secrets = ProviderSecrets {
            signing: vec![secret],
            api_key: None,
        };
        (provider, signed.expect("signed"), secrets)
    }

    fn tampered(key: &str) -> Option<(Outgoing, Outgoing, Changed)> {
        let (provider, outgoing, secrets) = signed(key, "616263");
        let check = Check {
            secrets: &secrets,
            settings: &Settings::default(),
            fetched: None,
        };
        let now = Timestamp::from_second(AT).expect("a time");
        let (changed, place) = outgoing.tampered(provider, &check, now)?;
        Some((outgoing, changed, place))
    }

    #[test]
    fn exactly_one_signed_byte_is_changed_where_the_provider_signs_it() {
        for (key, place) in [
            ("stripe", Changed::Body),
            ("adyen", Changed::Body),
            ("mercado_pago", Changed::Query),
            ("xendit", Changed::Header),
            ("flutterwave_v3", Changed::Header),
        ] {
            let (outgoing, changed, found) = tampered(key).expect(key);
            assert_eq!(found, place, "{key}");
            let text = |one: &Outgoing| format!("{:?}{:?}", one.headers, one.query).into_bytes();
            let bytes = |one: &Outgoing| [text(one), one.body.clone()].concat();
            let (before, after) = (bytes(&outgoing), bytes(&changed));
            let differing = before.iter().zip(&after).filter(|(a, b)| a != b).count();
            assert_eq!((before.len(), differing), (after.len(), 1), "{key}");
        }
    }

    #[test]
    fn where_nothing_is_signed_nothing_can_be_tampered_with() {
        assert_eq!(tampered("klarna"), None);
    }
}
