use super::{Context, Exit};
use crate::outputs::FlatOutputs;
use clap::Args;

/// Print what the last deploy wrote to cfn-outputs/flat-outputs.json.
#[derive(Debug, Args)]
pub struct Outputs {
    /// Print the value of one key alone.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

impl Outputs {
    pub fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let outputs = FlatOutputs::read_of(&context.outputs_file(), context.env())?;
        let ui = &context.ui;
        match (&self.key, ui.is_json()) {
            (Some(key), true) => ui.json(&outputs.get(key)?),
            (Some(key), false) => ui.say(outputs.get(key)?),
            (None, true) => ui.json(&outputs),
            (None, false) => {
                let width = outputs.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
                for (key, value) in outputs.iter() {
                    ui.say(format!("{key:<width$}  {value}"));
                }
            }
        }
        Ok(Exit::Done)
    }
}
