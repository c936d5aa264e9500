use super::following::{Hops, Route, follow};
use super::refusal::Misuse;
use super::vault::{New, Vault};
use super::{Context, Exit, made_secret, secret};
use crate::outputs::{FlatOutputs, key};
use crate::resources::Aws;
use anyhow::Context as _;
use clap::Args;
use payments::event::PaymentEvent;
use payments::money::{Currency, Money};
use payments::providers::{Outgoing, Provider, SampleSeed, Verified};
use payments::request::{Headers, Request};
use payments::secret::Secret;
use payments::settings::Settings;
use serde_json::json;
use std::time::Duration;

/// Longest wait for the answer to a webhook; providers wait about as long.
const ANSWER: Duration = Duration::from_secs(30);

/// Sign a realistic test event as a provider would, post it, and follow it until it is processed.
///
/// Signs with the provider's secret in Secrets Manager. On an emulator one is made where there is none.
#[derive(Debug, Args)]
pub struct Send {
    /// Provider, as under [providers] in infra.toml.
    provider: String,
    /// Type of the event, in the provider's words; without it, that of a payment that succeeded.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Amount in minor units.
    #[arg(long, default_value = "1999")]
    amount: String,
    /// Currency.
    #[arg(long, default_value = "EUR")]
    currency: String,
    /// The provider's id of a payment to tell more about; without it, a new payment.
    #[arg(long, value_name = "ID")]
    payment: Option<String>,
    /// Seconds to wait until the event is processed.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    /// Make and store a random secret where the provider has none, also on AWS.
    #[arg(long)]
    make_secret: bool,
}

impl Send {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let provider = secret::known(&self.provider)?;
        let Some(settings) = context.config.providers.get(&self.provider) else {
            let on: Vec<&str> = context
                .config
                .providers
                .keys()
                .map(String::as_str)
                .collect();
            return Err(misuse(
                format!("{} is not switched on in {}", self.provider, context.env()),
                format!(
                    "switched on are {}; add [providers.{}] to infra.toml and deploy",
                    on.join(", "),
                    self.provider
                ),
            ));
        };
        let outputs = FlatOutputs::read_of(&context.outputs_file(), context.env())?;
        let aws = context.connect().await?.aws;
        let signing = self
            .signing_secret(
                context,
                &aws,
                provider,
                settings,
                outputs.get(key::SECRET_NAME)?,
            )
            .await?;

        let hops = Hops::start(&context.ui);
        let (outgoing, event) = self.signed(context, provider, settings, &signing)?;
        hops.say(
            "signed",
            &format!("{} {}", event.event_type, event.event_id),
            json!({"eventId": event.event_id}),
        );
        let answered = post(
            &aws,
            outputs.get(key::API_URL)?,
            &self.provider,
            outgoing,
            &hops,
        )
        .await?;
        if !answered {
            return Ok(Exit::Failed);
        }
        let route = Route {
            table: outputs.get(key::TABLE_NAME)?,
            state_machine: outputs.get(key::STATE_MACHINE_ARN)?,
            pipe: outputs.get(key::PIPE_NAME)?,
            patience: Duration::from_secs(self.timeout),
        };
        follow(&aws, &route, &event, &hops).await
    }

    /// The first secret that is accepted now, or a new one.
    async fn signing_secret(
        &self,
        context: &Context,
        aws: &Aws,
        provider: &dyn Provider,
        settings: &Settings,
        name: &str,
    ) -> anyhow::Result<Secret> {
        let mut vault = secret::load(aws, name).await?;
        if let Some(there) = accepted(context, &vault, &self.provider)? {
            return Ok(there);
        }
        if !aws.emulated && !self.make_secret {
            return Err(misuse(
                format!(
                    "{} has no secret in {} that is accepted now",
                    self.provider,
                    context.env()
                ),
                format!(
                    "set it with `payhook secret set {}`, or let a random one be made with --make-secret",
                    self.provider
                ),
            ));
        }
        let value = made_secret::random_secret(provider, settings)?;
        let new = New {
            value,
            not_before: None,
            not_after: None,
            beside: true,
        };
        vault.add(&self.provider, &new);
        secret::store(&vault, aws, name).await?;
        context.ui.note(format!(
            "Made a random secret of {} and stored it in {name}.",
            self.provider
        ));
        accepted(context, &vault, &self.provider)?.context("the secret just made is not there")
    }

    fn signed(
        &self,
        context: &Context,
        provider: &'static dyn Provider,
        settings: &Settings,
        signing: &Secret,
    ) -> anyhow::Result<(Outgoing, PaymentEvent)> {
        let types = provider.sample_types();
        let event_type = self
            .event_type
            .as_deref()
            .or(types.first().copied())
            .unwrap_or_default();
        let currency = Currency::parse(&self.currency)
            .map_err(|error| misuse(error.to_string(), "give a code such as EUR"))?;
        let exponent = currency.iso_exponent();
        let money = Money::from_minor(&self.amount, currency, exponent).map_err(|error| {
            misuse(
                error.to_string(),
                "give whole minor units, such as 1999 for 19.99",
            )
        })?;
        let nonce = hex::encode(made_secret::random::<12>()?);
        let seed = SampleSeed {
            nonce: &nonce,
            payment_id: self.payment.as_deref(),
            money,
            now: context.now(),
        };
        let sample = provider.sample(event_type, &seed).ok_or_else(|| {
            misuse(
                format!("there is no sample of `{event_type}` of {}", self.provider),
                format!("there are samples of {}", types.join(", ")),
            )
        })?;
        let outgoing = provider.sign(sample, signing, settings, context.now())?;
        let request = request_of(&outgoing, &self.provider, context);
        let events = provider.events(&request, settings, &Verified::SIGNED)?;
        let event = events
            .into_iter()
            .next()
            .context("the sample holds no event")?;
        Ok((outgoing, event))
    }
}

fn accepted(context: &Context, vault: &Vault, provider: &str) -> anyhow::Result<Option<Secret>> {
    let secrets = vault.secrets()?;
    let value = secrets
        .provider(provider)
        .and_then(|known| known.valid_at(context.now()).next());
    Ok(value.cloned().map(Secret::always))
}

fn request_of(outgoing: &Outgoing, provider: &str, context: &Context) -> Request {
    Request {
        method: "POST".to_owned(),
        provider: Some(provider.to_owned()),
        headers: outgoing
            .headers
            .iter()
            .map(|(name, value)| (name, value.clone()))
            .collect::<Headers>(),
        query: query_of(outgoing),
        body: outgoing.body.clone(),
        received_at: context.now(),
        ..Request::default()
    }
}

fn query_of(outgoing: &Outgoing) -> Vec<(String, String)> {
    let query = outgoing.query.as_deref().unwrap_or_default();
    // Only a whole address can be read.
    let address = reqwest::Url::parse(&format!("http://localhost/?{query}"));
    let pairs = |url: reqwest::Url| url.query_pairs().into_owned().collect();
    address.map(pairs).unwrap_or_default()
}

/// Posts the webhook; answers whether it was taken.
async fn post(
    aws: &Aws,
    url: &str,
    provider: &str,
    outgoing: Outgoing,
    hops: &Hops<'_>,
) -> anyhow::Result<bool> {
    let mut builder = reqwest::Client::builder().timeout(ANSWER);
    if aws.emulated {
        // Proxy settings are for the world outside this machine.
        builder = builder.no_proxy();
    }
    let query = outgoing
        .query
        .map_or_else(String::new, |query| format!("?{query}"));
    let mut request = builder
        .build()?
        .post(format!("{url}/{provider}{query}"))
        .body(outgoing.body);
    for (name, value) in outgoing.headers {
        request = request.header(name, value);
    }
    let answer = request
        .send()
        .await
        .map_err(reqwest::Error::without_url)
        .context("the API did not answer")?;
    let status = answer.status();
    let body = answer.text().await.unwrap_or_default();
    let said: String = body.chars().take(200).collect();
    hops.say(
        "answered",
        &format!("{} {said}", status.as_u16()),
        json!({"status": status.as_u16(), "body": said}),
    );
    if !status.is_success() {
        hops.hint(next_after(status.as_u16()));
    }
    Ok(status.is_success())
}

fn next_after(status: u16) -> &'static str {
    match status {
        401 => {
            "the function holds another secret: wait a minute for its cache, or set the secret again"
        }
        403 => "the API does not know this path: deploy again",
        404 => "the function does not know the provider: switch it on in infra.toml and deploy",
        429 => "throttled: wait, or raise [throttling] or the reserved concurrency in infra.toml",
        500..=599 => "the function failed: look at its log group; a provider would try again",
        _ => "see the body of the answer",
    }
}

fn misuse(words: impl Into<String>, next: impl Into<String>) -> anyhow::Error {
    Misuse {
        words: words.into(),
        next: next.into(),
    }
    .into()
}
