use super::super::{Context, Exit};
use clap::Args;
use serde_json::json;

/// Make the bucket for states that several machines share, or set an existing one right.
///
/// Versions are kept, objects encrypted, public access is blocked and only TLS let in. A bucket that is not payhook's own
/// is refused. Which bucket it is stands under [state] in infra.toml.
#[derive(Debug, Args)]
pub struct Init {}

impl Init {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let bucket = context.bucket().await?;
        let made = bucket.make().await?;
        if context.ui.is_json() {
            let bucket = bucket.name();
            context
                .ui
                .json(&json!({"event": "stateInit", "bucket": bucket, "made": made}));
            return Ok(Exit::Done);
        }
        let word = if made { "Made" } else { "Checked" };
        let tls = if bucket.only_tls() { ", TLS only" } else { "" };
        context.ui.say(format!(
            "{word} bucket {}: versions kept, encrypted, no public access{tls}.",
            bucket.name()
        ));
        context.ui.say(format!(
            "\nNext:\n  {} state move --to s3 --env {}   take the state there",
            super::super::program(),
            context.env()
        ));
        Ok(Exit::Done)
    }
}
