//! A random signing secret, where a provider has none yet.

use anyhow::Context as _;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::money::{Currency, Money};
use payments::providers::{CannotSign, Outgoing, Provider, SampleSeed};
use payments::secret::{SecretText, Secrets};
use payments::settings::Settings;
use serde_json::json;

/// A secret in a form in which the provider issues them.
pub fn random_secret(provider: &dyn Provider, settings: &Settings) -> anyhow::Result<SecretText> {
    let bytes = random::<32>()?;
    let hex = hex::encode(bytes);
    let forms = [
        format!("whsec_{}", STANDARD.encode(bytes)),
        hex.clone(),
        STANDARD.encode(bytes),
        json!({"public_key": hex, "private_key": hex}).to_string(),
        json!({ "1": hex }).to_string(),
    ];
    let sample = sample(provider, jiff::Timestamp::UNIX_EPOCH)
        .with_context(|| format!("there is no test event of {}", provider.key()))?;
    for form in &forms {
        let secrets =
            Secrets::parse(&json!({"x": {"signing": [named_or_text(form)]}}).to_string())?;
        let known = secrets.provider("x");
        let Some(secret) = known.and_then(|known| known.signing.first()) else {
            continue;
        };
        let epoch = jiff::Timestamp::UNIX_EPOCH;
        match provider.sign(sample.clone(), secret, settings, epoch) {
            Err(CannotSign::Secret(_)) => {}
            // No secret helps where the provider holds the key, or signs a URL that is not known.
            Err(other) => return Err(other.into()),
            Ok(_) => return Ok(SecretText::new(form)),
        }
    }
    anyhow::bail!(
        "no secret of {} can be made here; set it with `payhook secret set`",
        provider.key()
    )
}

/// A test event to try a secret on; some schemes sign parts of the body only.
pub fn sample(provider: &dyn Provider, now: jiff::Timestamp) -> Option<Outgoing> {
    let seed = SampleSeed {
        nonce: "4f2a",
        payment_id: None,
        money: Money {
            minor: 1999,
            currency: Currency::parse("EUR").ok()?,
            exponent: 2,
        },
        now,
    };
    provider.sample(provider.sample_types().first()?, &seed)
}

fn named_or_text(form: &str) -> serde_json::Value {
    match serde_json::from_str(form) {
        Ok(serde_json::Value::Object(named)) => named.into(),
        _ => form.into(),
    }
}

/// Random bytes.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use payments::providers::{self, Check};
    use payments::request::Request;
    use payments::secret::ProviderSecrets;
    use payments::signature::SignatureError;

    fn secrets_of(form: &SecretText) -> ProviderSecrets {
        let json = json!({"x": {"signing": [named_or_text(form.expose())]}}).to_string();
        let secrets = Secrets::parse(&json).expect("usable");
        secrets.provider("x").expect("known").clone()
    }

    #[test]
    fn what_is_signed_with_a_made_secret_is_what_the_provider_would_have_sent() {
        let now = jiff::Timestamp::now();
        let settings = Settings {
            url: Some("https://example.org/webhooks".to_owned()),
            ..Settings::default()
        };
        let mut tried = Vec::new();
        for provider in providers::all() {
            let Ok(form) = random_secret(*provider, &settings) else {
                continue;
            };
            let secrets = secrets_of(&form);
            let secret = secrets.signing.first().expect("a secret");
            let event = sample(*provider, now).expect("a sample");
            let outgoing = match provider.sign(event, secret, &settings, now) {
                Err(CannotSign::ProviderHoldsKey(_)) => continue,
                signed => signed.expect("signed"),
            };
            let request = Request {
                method: "POST".to_owned(),
                headers: outgoing
                    .headers
                    .iter()
                    .map(|(name, value)| (name, value.clone()))
                    .collect(),
                query: query(&outgoing),
                body: outgoing.body,
                received_at: now,
                ..Request::default()
            };
            let check = Check {
                secrets: &secrets,
                settings: &settings,
                fetched: None,
            };
            let verified = provider.verify(&request, &check);
            // What nobody signs is asked for at the provider's API instead.
            let accepted = matches!(verified, Ok(_) | Err(SignatureError::FetchBackRequired));
            assert!(accepted, "{}: {verified:?}", provider.key());
            tried.push(provider.key());
        }
        let holds_its_own_key = ["paypal", "plaid"];
        let all = providers::all().iter().map(|provider| provider.key());
        let expected: Vec<_> = all.filter(|key| !holds_its_own_key.contains(key)).collect();
        assert_eq!(tried, expected);
    }

    fn query(outgoing: &Outgoing) -> Vec<(String, String)> {
        let pairs = outgoing.query.iter().flat_map(|query| query.split('&'));
        pairs
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}
