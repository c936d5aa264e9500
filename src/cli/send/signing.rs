//! The secret that a test event is signed with.

use super::maker::Maker;
use super::stand_in::StandIn;
use super::{Send, misuse};
use crate::cli::vault::{New, Vault};
use crate::cli::{Context, made_secret, secret as secrets};
use crate::resources::Aws;
use anyhow::Context as _;
use payments::secret::Secret;

/// The first secret that is accepted now, or a new one.
pub async fn secret(
    send: &Send,
    context: &Context,
    aws: &Aws,
    maker: &Maker<'_, ()>,
    name: &str,
) -> anyhow::Result<Secret> {
    let provider = maker.provider.key();
    let mut vault = secrets::load(aws, name).await?;
    if let Some(there) = accepted(context, &vault, provider)? {
        return Ok(there);
    }
    if !aws.emulated && !send.make_secret {
        return Err(misuse(
            format!(
                "{provider} has no secret in {} that is accepted now",
                context.env()
            ),
            format!(
                "set it with `payhook secret set {provider}`, or let a random one be made with --make-secret"
            ),
        ));
    }
    let value = made_secret::random_secret(maker.provider, maker.settings)?;
    let new = New {
        value,
        not_before: None,
        not_after: None,
        beside: true,
    };
    vault.add(provider, &new);
    secrets::store(&vault, aws, name).await?;
    context.ui.note(format!(
        "Made a random secret of {provider} and stored it in {name}."
    ));
    accepted(context, &vault, provider)?.context("the secret just made is not there")
}

/// What the one who plays the provider signs with; the functions are given a key of its API, where they have none.
pub async fn played(
    context: &Context,
    aws: &Aws,
    maker: &Maker<'_, ()>,
    name: &str,
    stand_in: &StandIn,
) -> anyhow::Result<Secret> {
    let provider = maker.provider.key();
    let mut vault = secrets::load(aws, name).await?;
    let known = vault.secrets()?;
    let known = known.provider(provider);
    if known.is_none_or(|known| known.api_key.is_none()) {
        vault.set_api_key(provider, &stand_in.api_key);
        secrets::store(&vault, aws, name).await?;
        context.ui.note(format!(
            "Made a random API key of {provider} and stored it in {name}."
        ));
    }
    context.ui.note(format!(
        "Playing the API of {provider} at the address in infra.toml until the event is processed."
    ));
    // Where the provider signs nothing, neither is anything here.
    Ok(stand_in.signing.clone().unwrap_or_else(|| Secret::text("")))
}

fn accepted(context: &Context, vault: &Vault, provider: &str) -> anyhow::Result<Option<Secret>> {
    let secrets = vault.secrets()?;
    let value = secrets
        .provider(provider)
        .and_then(|known| known.valid_at(context.now()).next());
    Ok(value.cloned().map(Secret::always))
}
