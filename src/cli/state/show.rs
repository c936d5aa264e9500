use crate::cli::refusal::Misuse;
use crate::cli::{Context, Exit};
use crate::graph::LogicalName;
use clap::Args;

/// Show one resource: its properties as last applied, outputs, tags and dependencies.
#[derive(Debug, Args)]
pub struct Show {
    /// Name inside the stack, as `state list` prints it first.
    resource: String,
}

impl Show {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let known = context.store().await?.load().await?;
        let name = LogicalName::from(self.resource.as_str());
        let Some(entry) = known.entries.get(&name) else {
            let misuse = Misuse {
                words: format!(
                    "there is no resource `{name}` in the state of {}",
                    context.env()
                ),
                next: "list them with `payhook state list`".to_owned(),
            };
            return Err(misuse.into());
        };
        match context.ui.is_json() {
            true => context.ui.json(entry),
            false => context
                .ui
                .say(format!("{:#}", serde_json::to_value(entry)?)),
        }
        Ok(Exit::Done)
    }
}
