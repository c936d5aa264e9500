//! The command line: one file per verb, each only wiring.

mod approval;
mod backend;
mod building;
mod capacity;
mod code;
mod completions;
mod consent;
mod context;
mod deploy;
mod destroy;
mod dlq;
mod doctor;
mod drift;
mod events;
mod executions;
mod exit;
mod explain;
mod following;
mod graph;
mod handover;
mod interrupt;
mod keyboard;
mod listen;
mod local;
mod lock;
mod logs;
mod made_secret;
mod number;
mod outputs;
mod payment;
mod planning;
mod policy;
mod preview;
mod refusal;
mod rollback;
mod running;
mod secret;
mod send;
mod signature;
mod state;
mod ui;
mod vault;
mod verify;
mod who;

#[cfg(test)]
mod tests;

use clap::{Args, Parser, Subcommand};
use context::Context;
use interrupt::Interrupt;
use std::path::PathBuf;
use std::process::ExitCode;
use ui::{Ui, Wishes};

pub use exit::Exit;

/// Deploys, drives and destroys one payment webhook stack on AWS.
#[derive(Debug, Parser)]
#[command(name = "payhook", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Environment: a section [env.NAME] of infra.toml; without it, the file's `default_env`.
    #[arg(long, global = true, value_name = "NAME")]
    env: Option<String>,
    /// Configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = "infra.toml")]
    config: PathBuf,
    /// JSON on standard output, one value a line.
    #[arg(long, global = true)]
    json: bool,
    /// No colours; so does the variable NO_COLOR.
    #[arg(long, global = true)]
    no_color: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Deploy(deploy::Deploy),
    Preview(preview::Preview),
    Rollback(rollback::Rollback),
    Destroy(destroy::Destroy),
    Verify(verify::Verify),
    Drift(drift::Drift),
    Outputs(outputs::Outputs),
    Graph(graph::Graph),
    Policy(policy::Policy),
    State(state::State),
    Secret(secret::Secret),
    Send(send::Send),
    Listen(listen::Listen),
    Events(events::Events),
    Payments(payment::Payments),
    Dlq(dlq::Dlq),
    Logs(logs::Logs),
    Signature(signature::Signature),
    Capacity(capacity::Capacity),
    Local(local::Local),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
}

impl Verb {
    async fn run(self, ui: &Ui, interrupt: &Interrupt, global: &Global) -> anyhow::Result<Exit> {
        let context = || Context::load(ui, interrupt, global);
        match self {
            Self::Deploy(verb) => verb.run(&context()?).await,
            Self::Preview(verb) => verb.run(&context()?).await,
            Self::Rollback(verb) => verb.run(&context()?).await,
            Self::Destroy(verb) => verb.run(&context()?).await,
            Self::Verify(verb) => verb.run(&context()?).await,
            Self::Drift(verb) => verb.run(&context()?).await,
            Self::Outputs(verb) => verb.run(&context()?),
            Self::Graph(verb) => verb.run(&context()?),
            Self::Policy(verb) => verb.run(&context()?),
            Self::State(verb) => verb.run(&context()?).await,
            Self::Secret(verb) => verb.run(&context()?).await,
            Self::Send(verb) => verb.run(&context()?).await,
            Self::Listen(verb) => verb.run(&context()?).await,
            Self::Events(verb) => verb.run(&context()?).await,
            Self::Payments(verb) => verb.run(&context()?).await,
            Self::Dlq(verb) => verb.run(&context()?).await,
            Self::Logs(verb) => verb.run(&context()?).await,
            Self::Signature(verb) => verb.run(ui),
            Self::Capacity(verb) => verb.run(ui, interrupt, global),
            Self::Doctor(verb) => verb.run(&context()?).await,
            Self::Local(verb) => {
                let context = Context::load_local(ui, interrupt, global)?;
                verb.run(&context).await
            }
            Self::Completions(verb) => Ok(verb.run(ui)),
        }
    }
}

/// Parses the command line, carries it out, and answers with the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::of_process(Wishes {
        json: cli.global.json,
        no_color: cli.global.no_color,
    });
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.error(format!("error: cannot start: {error}"));
            return Exit::Failed.into();
        }
    };
    let exit = runtime.block_on(async {
        let interrupt = Interrupt::listen(ui.clone());
        let result = cli.verb.run(&ui, &interrupt, &cli.global).await;
        let exit = result.unwrap_or_else(|error| report(&ui, &error));
        written(&ui).unwrap_or(exit)
    });
    // A question still open on standard input must not keep the process.
    runtime.shutdown_background();
    exit.into()
}

/// What was done stands, but nobody can have read all of what was found.
fn written(ui: &Ui) -> Option<Exit> {
    let why = ui.lost()?;
    ui.error(format!(
        "error: cannot write all results to standard output: {why}"
    ));
    Some(Exit::Failed)
}

/// Says what went wrong and what to do next.
fn report(ui: &Ui, error: &anyhow::Error) -> Exit {
    let paint = ui.note_paint();
    if ui.is_json() {
        let plain = explain::explain(error, crate::view::Paint::NONE);
        ui.json(&serde_json::json!({
            "event": "error",
            "message": plain.words,
            "next": plain.next,
            "exitCode": plain.exit.code(),
        }));
    }
    let explanation = explain::explain(error, paint);
    ui.error(explanation.render(paint));
    explanation.exit
}

/// How this program was called, for commands that the user can copy.
fn program() -> &'static str {
    match std::env::var_os("CARGO") {
        Some(_) => "cargo run --",
        None => "payhook",
    }
}
