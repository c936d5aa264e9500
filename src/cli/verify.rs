use super::{Context, Exit};
use crate::outputs::FlatOutputs;
use crate::verify::{Expected, verify};
use crate::view;
use anyhow::Context as _;
use clap::Args;
use std::path::PathBuf;

/// Check the eight constraints on what is deployed, by asking AWS.
///
/// Reads cfn-outputs/flat-outputs.json. What the local emulator cannot show is reported as not observable here.
#[derive(Debug, Args)]
pub struct Verify {
    /// Also write the result as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl Verify {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let outputs = FlatOutputs::read_of(&context.outputs_file(), context.env())?;
        let aws = context.connect().await?.aws;
        let report = verify(&aws, &outputs, &Expected::from(&context.config)).await?;
        match context.ui.is_json() {
            true => context.ui.json(&report),
            false => context.ui.say(view::report(&report, context.ui.paint())),
        }
        if let Some(file) = &self.junit {
            std::fs::write(file, view::junit(&report))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(match report.passed {
            true => Exit::Done,
            false => Exit::Failed,
        })
    }
}
