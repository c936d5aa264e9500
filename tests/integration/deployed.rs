//! The one deployment that all checks and webhooks share.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use super::clients::Clients;
use super::every_sender;
use super::mollie_api::MollieApi;
use super::place::{Place, Settings, free_port, succeeded};
use super::stripe_api::StripeApi;

/// Names the environment of a stack that stands already; everything runs on an emulator without it.
const STANDING: &str = "PAYHOOK_TEST_ENV";

pub struct Deployed {
    outputs: BTreeMap<String, String>,
    /// Stands for Stripe's API; a real account asks the real one.
    pub stripe_api: Option<StripeApi>,
    /// Stands for Mollie's.
    pub mollie_api: Option<MollieApi>,
    /// Settings of the providers whose APIs `send` plays.
    played: Vec<(String, String)>,
    endpoint: Option<String>,
    /// The folder it was deployed from, where that was done here.
    pub place: Option<Place>,
}

/// The environment of a stack that stands already, which is only looked at and used.
pub fn standing() -> Option<String> {
    std::env::var(STANDING).ok()
}

/// The deployment, made by the first test that asks.
pub fn deployed() -> &'static Deployed {
    static DEPLOYED: OnceLock<Deployed> = OnceLock::new();
    DEPLOYED.get_or_init(|| match standing() {
        Some(env) => Deployed::already(&env),
        None => Deployed::on_emulator(&[]),
    })
}

impl Deployed {
    fn already(env: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("cfn-outputs/flat-outputs.json");
        let outputs = read(&file);
        assert_eq!(
            outputs.get("environment").map(String::as_str),
            Some(env),
            "{} is of another environment: deploy {env} first",
            file.display()
        );
        Self {
            outputs,
            stripe_api: None,
            mollie_api: None,
            played: Vec::new(),
            endpoint: None,
            place: None,
        }
    }

    /// A stack on an emulator of its own, with these settings too.
    pub fn on_emulator(more: Settings) -> Self {
        let place = Place::new(&[]);
        // `send` plays these providers' APIs.
        let played = ["klarna", "plaid"].map(|provider| {
            let key = format!("providers.{provider}.confirm.base_url");
            (key, format!("http://127.0.0.1:{}", free_port()))
        });
        let mut stack = Self {
            outputs: BTreeMap::new(),
            stripe_api: Some(StripeApi::start()),
            mollie_api: Some(MollieApi::start()),
            played: played.into(),
            endpoint: Some(place.endpoint()),
            place: Some(place),
        };
        stack.configure(more);
        let place = stack.place();
        succeeded(&place.payhook("deploy"));
        place.tell("secret set stripe", "whsec_integration_of_stripe");
        place.tell("secret set stripe --api-key", "sk_test_integration");
        place.tell(
            "secret set standard_webhooks",
            "whsec_aW50ZWdyYXRpb24gb2Ygc3RhbmRhcmQgd2ViaG9va3M=",
        );
        place.tell("secret set generic_hmac", "integration-of-generic-hmac");
        for provider in every_sender::SIGNING {
            let secret = every_sender::secret(provider);
            place.tell(&format!("secret set {provider}"), secret);
        }
        place.tell("secret set mollie --api-key", "test_integration");
        stack.outputs = read(&place.outputs_file());
        stack
    }

    /// Where it was deployed from.
    pub fn place(&self) -> &Place {
        self.place.as_ref().expect("deployed here")
    }

    /// Writes infra.toml anew, with these settings too.
    pub fn configure(&self, more: Settings) {
        let on = every_sender::SIGNING.map(|provider| format!("providers.{provider}.enabled"));
        let mut settings: Vec<(&str, toml::Value)> =
            on.iter().map(|key| (key.as_str(), true.into())).collect();
        let stripe = self.stripe_api.as_ref().expect("started here");
        let mollie = self.mollie_api.as_ref().expect("started here");
        let played = self.played.iter();
        let played = played.map(|(key, url)| (key.as_str(), url.as_str()));
        let urls = [
            ("providers.stripe.confirm.base_url", stripe.url.as_str()),
            ("providers.mollie.confirm.base_url", mollie.url.as_str()),
            ("providers.square.url", every_sender::REGISTERED_URL),
        ];
        settings.extend(
            urls.into_iter()
                .chain(played)
                .map(|(key, url)| (key, url.into())),
        );
        settings.extend(more.iter().cloned());
        self.place().configure(&settings);
    }

    /// One value of flat-outputs.json.
    pub fn output(&self, key: &str) -> &str {
        let value = self.outputs.get(key);
        value.unwrap_or_else(|| panic!("flat-outputs.json has no {key}"))
    }

    pub async fn clients(&self) -> Clients {
        match &self.endpoint {
            Some(endpoint) => Clients::emulated(endpoint),
            None => Clients::of_aws(self.output("region")).await,
        }
    }

    /// ARN of the one key.
    pub async fn key_arn(&self) -> String {
        let kms = self.clients().await.kms();
        let key = kms.describe_key().key_id(self.output("kmsKeyId"));
        let key = key.send().await.expect("DescribeKey").key_metadata;
        key.and_then(|key| key.arn).expect("its ARN")
    }

    /// A provider's signing secret that is valid now.
    pub async fn secret(&self, provider: &str) -> String {
        let secrets = self.clients().await.secrets();
        let value = secrets
            .get_secret_value()
            .secret_id(self.output("secretName"));
        let value = value.send().await.expect("GetSecretValue").secret_string;
        let value: Value = serde_json::from_str(&value.expect("a text")).expect("JSON");
        let first = &value[provider]["signing"][0];
        let text = first.as_str().or_else(|| first["value"].as_str());
        text.unwrap_or_else(|| panic!("{provider} has no secret: `payhook secret set {provider}`"))
            .to_owned()
    }
}

fn read(file: &Path) -> BTreeMap<String, String> {
    let text = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_slice(&text).expect("a flat object of texts")
}

#[test]
fn the_flat_outputs_hold_what_pipelines_rely_on() {
    let stack = deployed();
    let env = stack.output("environment");
    for (key, expected) in [
        ("paymentsTableName", format!("payments-{env}")),
        (
            "webhookValidatorFunctionName",
            format!("webhook-validator-{env}"),
        ),
        (
            "paymentProcessorFunctionName",
            format!("payment-processor-{env}"),
        ),
    ] {
        assert_eq!(stack.output(key), expected, "{key}");
    }
    assert!(stack.output("apiUrl").ends_with("/prod/webhooks"));
    assert!(stack.output("apiUrl").contains(stack.output("apiId")));
    let state_machine = format!(":stateMachine:payment-processor-{env}");
    assert!(stack.output("stateMachineArn").ends_with(&state_machine));
    assert!(!stack.output("kmsKeyId").contains(':'), "an id, not an ARN");
}
