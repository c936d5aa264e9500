use super::context::Connection;
use super::planning::Prepared;
use super::{Context, Exit, approval, drift, planning};
use crate::engine::{Engine, discard};
use crate::view;
use clap::{Args, ValueHint};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Show what a deploy would change, and change nothing.
///
/// The functions are built first, since their content is part of the plan; what has not changed since the last build
/// takes no time. No lock is taken.
#[derive(Debug, Args)]
pub struct Preview {
    /// End with exit code 4 when there is something to change.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Also show what was changed outside payhook, as `drift` does.
    #[arg(long, conflicts_with = "markdown")]
    refresh: bool,
    /// Print the plan as Markdown, for a comment on a pull request.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Also write the plan to a file, for `deploy --plan`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,
}

impl Preview {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let Prepared {
            connection: Connection { aws, .. },
            place,
            artifacts,
        } = planning::prepare(context).await?;
        let store = context.reading(&place);
        let engine =
            Engine::open(&aws, store.as_ref(), discard(), CancellationToken::new()).await?;
        if self.refresh {
            let look = drift::look(context, &engine.state(), &aws, &aws.given).await?;
            drift::show(context, &look, &aws.given);
        }
        let planned = planning::plan(context, &engine, &aws.given, &artifacts).await?;
        planning::say_taken_over(context, &engine.state(), &planned.plan);
        match self.markdown {
            true => {
                let heading = planning::heading(context, "deploy", &aws.given);
                let cost = planning::cost(context, &planned.plan, &aws.given);
                let text = view::markdown(&planned.plan, &heading, cost.as_deref());
                context.ui.raw(text);
            }
            false => planning::show(context, &planned.plan, "deploy", &aws.given),
        }
        if let Some(path) = &self.out {
            approval::write(context, path, &aws.given, &planned.plan)?;
        }
        Ok(match self.detailed_exitcode && !planned.plan.is_empty() {
            true => Exit::Pending,
            false => Exit::Done,
        })
    }
}
