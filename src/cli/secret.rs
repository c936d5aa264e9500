use super::refusal::Misuse;
use super::vault::{New, Summary, Validity, Vault};
use super::{Context, Exit, made_secret};
use crate::config::nearest;
use crate::resources::{Aws, CloudError};
use crate::stack::Stack;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use payments::providers::{self, CannotSign};
use payments::secret::SecretText;

mod rotate;

/// Set, rotate and list the providers' secrets in AWS Secrets Manager.
#[derive(Debug, Args)]
pub struct Secret {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Set(Set),
    Rotate(rotate::Rotate),
    /// List which providers have secrets and when they are accepted; never the secrets themselves.
    List,
}

/// Set a provider's signing secret, read from standard input or asked for without showing it.
///
/// For a rotation see `payhook secret rotate`. A provider with several named secrets is
/// given them as a JSON object. Example: `payhook secret set stripe < signing-secret.txt`.
#[derive(Debug, Args)]
struct Set {
    /// Provider, as under [providers] in infra.toml.
    provider: String,
    /// Keep those that are there, in place of replacing them.
    #[arg(long)]
    beside: bool,
    /// Accept it only from then on, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    not_before: Option<Timestamp>,
    /// Accept it only until then.
    #[arg(long, value_name = "TIME")]
    not_after: Option<Timestamp>,
    /// Set the key of the provider's API, with which events are confirmed, in place of a signing secret.
    #[arg(long, conflicts_with_all = ["beside", "not_before", "not_after"])]
    api_key: bool,
}

impl Secret {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self.what {
            What::Set(set) => set.run(context).await,
            What::Rotate(rotate) => rotate.run(context).await,
            What::List => list(context).await,
        }
    }
}

impl Set {
    async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let provider = known(&self.provider)?;
        if self
            .not_before
            .zip(self.not_after)
            .is_some_and(|(from, until)| until < from)
        {
            return Err(misuse(
                "--not-after lies before --not-before",
                "give the later time as --not-after",
            ));
        }
        let aws = context.connect().await?.aws;
        let name = name(context);
        let mut vault = load(&aws, &name).await?;
        let value = ask(
            context,
            &format!("Secret of {} (not shown): ", self.provider),
        )
        .await?;
        match self.api_key {
            true => vault.set_api_key(&self.provider, &value),
            false => vault.add(&self.provider, &self.with_validity(value)),
        }
        if !self.api_key {
            check_form(context, provider, &vault)?;
        }
        store(&vault, &aws, &name).await?;
        if context.ui.is_json() {
            context.ui.json(&vault.summaries(context.now())?);
        } else {
            context
                .ui
                .say(format!("Set the secret of {} in {name}.", self.provider));
        }
        if !context.config.providers.contains_key(&self.provider) {
            context.ui.note(format!(
                "{0} is not switched on in {1}: add [providers.{0}] to infra.toml and deploy.",
                self.provider,
                context.env()
            ));
        }
        Ok(Exit::Done)
    }

    fn with_validity(&self, value: SecretText) -> New {
        New {
            value,
            not_before: self.not_before,
            not_after: self.not_after,
            beside: self.beside,
        }
    }
}

async fn ask(context: &Context, question: &str) -> anyhow::Result<SecretText> {
    let (ui, question) = (context.ui.clone(), question.to_owned());
    let value = tokio::task::spawn_blocking(move || ui.ask_secret(&question))
        .await?
        .context("cannot read the secret")?;
    match value.expose().is_empty() {
        true => Err(misuse(
            "the secret is empty",
            "type it, or pipe it into the command",
        )),
        false => Ok(value),
    }
}

/// Refuses a secret that the provider cannot have issued, before webhooks are rejected for it.
fn check_form(
    context: &Context,
    provider: &dyn providers::Provider,
    vault: &Vault,
) -> anyhow::Result<()> {
    let secrets = vault.secrets()?;
    let settings = context
        .config
        .providers
        .get(provider.key())
        .cloned()
        .unwrap_or_default();
    let first = secrets
        .provider(provider.key())
        .and_then(|known| known.signing.first());
    let sample = made_secret::sample(provider, context.now()).unwrap_or_default();
    let signed = first.map(|secret| provider.sign(sample, secret, &settings, context.now()));
    match signed {
        Some(Err(CannotSign::Secret(key))) => Err(misuse(
            &format!("this is not in the form in which {key} issues its secrets"),
            "copy it again from the provider's dashboard; nothing was changed",
        )),
        _ => Ok(()),
    }
}

async fn list(context: &Context) -> anyhow::Result<Exit> {
    let aws = context.connect().await?.aws;
    let summaries = load(&aws, &name(context)).await?.summaries(context.now())?;
    let ui = &context.ui;
    if ui.is_json() {
        ui.json(&summaries);
        return Ok(Exit::Done);
    }
    if summaries.is_empty() {
        ui.say(format!(
            "No provider has a secret in {} yet.",
            context.env()
        ));
    }
    for summary in &summaries {
        ui.say(words(summary));
    }
    Ok(Exit::Done)
}

fn words(summary: &Summary) -> String {
    let api_key = if summary.api_key {
        ", and a key of its API"
    } else {
        ""
    };
    let count = match summary.signing.len() {
        1 => "1 signing secret".to_owned(),
        n => format!("{n} signing secrets"),
    };
    let mut text = format!("{}: {count}{api_key}", summary.provider);
    for (number, validity) in (1..).zip(&summary.signing) {
        text.push_str(&format!("\n  {number}. {}", span(validity)));
    }
    text
}

fn span(validity: &Validity) -> String {
    let time = match (validity.not_before, validity.not_after) {
        (None, None) => return "always accepted".to_owned(),
        (Some(from), None) => format!("accepted from {from} on"),
        (None, Some(until)) => format!("accepted until {until}"),
        (Some(from), Some(until)) => format!("accepted from {from} until {until}"),
    };
    match validity.accepted_now {
        true => time,
        false => format!("{time} (not now)"),
    }
}

/// The provider of a key.
pub(super) fn known(key: &str) -> anyhow::Result<&'static dyn providers::Provider> {
    providers::by_key(key).ok_or_else(|| {
        let known = || providers::all().iter().map(|provider| provider.key());
        let next = match nearest(key, known()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("known are: {}", known().collect::<Vec<_>>().join(", ")),
        };
        misuse(&format!("there is no provider `{key}`"), &next)
    })
}

/// Name of the environment's secret.
pub(super) fn name(context: &Context) -> String {
    Stack::payment_webhooks(&context.config)
        .secret
        .physical_name()
        .to_owned()
}

/// Reads the secret.
pub(super) async fn load(aws: &Aws, name: &str) -> anyhow::Result<Vault> {
    Ok(Vault::load(aws, name).await??)
}

/// Writes the secret; one that is not there has to be deployed first.
pub(super) async fn store(vault: &Vault, aws: &Aws, name: &str) -> anyhow::Result<()> {
    match vault.store(aws, name).await {
        Err(error) if CloudError::is_absent(&error) => Err(misuse(
            &format!("there is no secret {name}"),
            "deploy the environment first; nothing was stored",
        )),
        other => Ok(other?),
    }
}

fn misuse(words: &str, next: &str) -> anyhow::Error {
    Misuse {
        words: words.to_owned(),
        next: next.to_owned(),
    }
    .into()
}
