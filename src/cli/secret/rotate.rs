use super::{ask, check_form, known, load, misuse, name, span, store};
use crate::cli::vault::{Rotation, Vault};
use crate::cli::{Context, Exit};
use crate::resources::Aws;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Hours for which an old secret stays accepted, where nothing is known of its provider.
const USUAL: i64 = 24;
/// A function keeps secrets in memory so long.
const KEPT: &str = "5 minutes";

/// Rotate a provider's signing secret: the new one, read as `secret set` does, comes first, and the old one stays accepted
/// for the overlap and not longer.
///
/// Safe to repeat with the same secret: nothing is added twice, and no overlap becomes longer. What is no longer accepted is
/// taken out at the next rotation, or at once with --finish. Example: `payhook secret rotate stripe < new-secret.txt`.
#[derive(Debug, Args)]
pub struct Rotate {
    /// Provider, as under [providers] in infra.toml.
    provider: String,
    /// How long the old secret stays accepted, such as 24h; 0s if it leaked. Without it, as long as the provider may go on
    /// signing with it.
    #[arg(long, value_name = "DURATION", value_parser = overlap)]
    overlap: Option<SignedDuration>,
    /// Take out all secrets but the newest now, without waiting for the end of the overlap.
    #[arg(long, conflicts_with = "overlap")]
    finish: bool,
}

impl Rotate {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let provider = known(&self.provider)?;
        let aws = context.connect().await?.aws;
        let name = name(context);
        let mut vault = load(&aws, &name).await?;
        if self.finish {
            return self.finish(context, &aws, &name, vault).await;
        }
        let question = format!("New secret of {} (not shown): ", self.provider);
        let value = ask(context, &question).await?;
        let overlap = self.overlap.unwrap_or(usual(provider.key()));
        let now = context.now();
        let until = now.checked_add(overlap)?;
        let before = vault.clone();
        let rotation = vault.rotate(provider.key(), &value, now, until);
        check_form(context, provider, &vault)?;
        if vault != before {
            store(&vault, &aws, &name).await?;
        }
        self.tell(context, &vault, rotation, now)?;
        if let Some(least) = least(provider.key()).filter(|least| overlap < *least) {
            context.ui.note(format!(
                "{} signs retries of earlier events with the old secret for up to {} h; after the overlap they are refused.",
                self.provider,
                least.as_hours()
            ));
        }
        Ok(Exit::Done)
    }

    async fn finish(
        &self,
        context: &Context,
        aws: &Aws,
        name: &str,
        mut vault: Vault,
    ) -> anyhow::Result<Exit> {
        let now = context.now();
        let Some(rotation) = vault.finish_rotation(&self.provider, now) else {
            return Err(misuse(
                &format!("{} has no new secret that is accepted now", self.provider),
                &format!(
                    "look at `payhook secret list`, and begin with `payhook secret rotate {}`",
                    self.provider
                ),
            ));
        };
        if rotation.dropped > 0 {
            store(&vault, aws, name).await?;
        }
        self.tell(context, &vault, rotation, now)?;
        Ok(Exit::Done)
    }

    fn tell(
        &self,
        context: &Context,
        vault: &Vault,
        rotation: Rotation,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let ui = &context.ui;
        let summaries = vault.summaries(now)?;
        let ours = summaries.iter().find(|one| one.provider == self.provider);
        if ui.is_json() {
            ui.json(&json!({
                "event": "rotated",
                "provider": self.provider,
                "added": rotation.added,
                "limited": rotation.limited,
                "dropped": rotation.dropped,
                "signing": ours.map(|summary| &summary.signing),
            }));
            return Ok(());
        }
        ui.say(words(&self.provider, rotation));
        for (number, validity) in (1..).zip(ours.iter().flat_map(|one| &one.signing)) {
            ui.say(format!("  {number}. {}", span(validity)));
        }
        if rotation.dropped > 0 {
            ui.note(format!(
                "Functions that still hold what was taken out let go of it within {KEPT}."
            ));
        }
        Ok(())
    }
}

fn words(provider: &str, rotation: Rotation) -> String {
    let new = match rotation.added {
        true => format!("The new secret of {provider} is accepted from now on"),
        false if rotation.limited + rotation.dropped == 0 => {
            return format!("Nothing to do: {provider} has this secret already.");
        }
        false => format!("{provider} has this secret already"),
    };
    let count = |count: usize, what: &str| match count {
        0 => String::new(),
        1 => format!("; 1 old one is {what}"),
        n => format!("; {n} old ones are {what}"),
    };
    format!(
        "{new}{}{}.",
        count(rotation.limited, "accepted for the overlap"),
        count(rotation.dropped, "taken out")
    )
}

/// How long an old secret stays accepted unless the command line says otherwise.
fn usual(provider: &str) -> SignedDuration {
    let twice = least(provider).map(|least| least * 2);
    twice.unwrap_or(SignedDuration::from_hours(USUAL))
}

/// How long a provider goes on signing with the old secret after it has been told the new one.
///
/// Razorpay signs retries of earlier events with the old secret, and retries for 24 hours (razorpay.com/docs/webhooks).
fn least(provider: &str) -> Option<SignedDuration> {
    (provider == "razorpay").then(|| SignedDuration::from_hours(24))
}

fn overlap(text: &str) -> Result<SignedDuration, String> {
    let overlap: SignedDuration = text
        .parse()
        .map_err(|_| "give hours, minutes or seconds, such as 24h".to_owned())?;
    match overlap.is_negative() {
        true => Err("it cannot lie in the past".to_owned()),
        false => Ok(overlap),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_overlap_covers_what_the_provider_signs_with_the_old_secret() {
        assert_eq!(usual("stripe"), SignedDuration::from_hours(24));
        assert!(Some(usual("razorpay")) > least("razorpay"));
    }

    #[test]
    fn an_overlap_is_a_duration_that_does_not_lie_in_the_past() {
        assert_eq!(overlap("36h"), Ok(SignedDuration::from_hours(36)));
        assert_eq!(overlap("0s"), Ok(SignedDuration::ZERO));
        for wrong in ["-1h", "tomorrow", "", "24"] {
            assert!(overlap(wrong).is_err(), "{wrong}");
        }
    }
}
