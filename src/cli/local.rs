//! `payhook local up|down|status`: the emulator behind `--env local`.

use super::{Context, Exit};
use crate::local::{Down, Emulator, How, LocalEvent, Status, Up};
use clap::{Args, Subcommand};
use serde_json::json;

/// Start, stop or look at the local AWS emulator.
#[derive(Debug, Args)]
pub struct Local {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Start the emulator, unless one answers already; the first time it is installed under .payhook/.
    Up,
    /// Stop the emulator; what is stored in it stays.
    Down,
    /// Say whether the emulator runs, where, and where its log is.
    Status,
}

impl Local {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let emulator = context.emulator();
        match self.what {
            What::Up => {
                let up = emulator
                    .up(&|event| context.ui.note(of_event(&event)))
                    .await?;
                say(
                    context,
                    &of_up(&up),
                    json!({"event": "localUp", "endpoint": up.endpoint}),
                );
            }
            What::Down => {
                let down = emulator
                    .down(&|event| context.ui.note(of_event(&event)))
                    .await?;
                let stopped = matches!(down, Down::Stopped { .. });
                let killed = matches!(down, Down::Stopped { killed: true, .. });
                say(
                    context,
                    &of_down(&down),
                    json!({"event": "localDown", "stopped": stopped, "killed": killed}),
                );
            }
            What::Status => return status(context, &emulator).await,
        }
        Ok(Exit::Done)
    }
}

async fn status(context: &Context, emulator: &Emulator) -> anyhow::Result<Exit> {
    let status = emulator.status().await?;
    let (state, exit) = match &status {
        Status::Given { answers: true, .. } | Status::Running { .. } => ("running", Exit::Done),
        Status::Given { .. } | Status::Silent { .. } => ("silent", Exit::Failed),
        Status::PortTaken { .. } => ("port-taken", Exit::Failed),
        Status::Stopped => ("stopped", Exit::Done),
    };
    let log = emulator.log().display().to_string();
    say(
        context,
        &of_status(&status, &log),
        json!({"event": "localStatus", "state": state, "log": log}),
    );
    Ok(exit)
}

fn say(context: &Context, words: &str, value: serde_json::Value) {
    match context.ui.is_json() {
        true => context.ui.json(&value),
        false => context.ui.say(words),
    }
}

/// What takes time on the way up or down.
pub(super) fn of_event(event: &LocalEvent) -> String {
    match event {
        LocalEvent::Installing { version } => {
            format!("Installing the local AWS emulator (ministack {version}) under .payhook/ ...")
        }
        LocalEvent::Starting { port } => {
            format!("Starting the local AWS emulator on 127.0.0.1:{port} ...")
        }
        LocalEvent::WaitingForOther { pid: Some(pid) } => {
            format!("Waiting for another payhook (process {pid}) to start or stop the emulator ...")
        }
        LocalEvent::WaitingForOther { pid: None } => {
            "Waiting for another payhook to start or stop the emulator ...".to_owned()
        }
        LocalEvent::Saving { pid } => {
            format!("Waiting for the emulator (process {pid}) to save all that it holds ...")
        }
        LocalEvent::Killing { pid } => format!(
            "The emulator (process {pid}) did not end in time and is killed; what it had not saved is lost."
        ),
    }
}

/// How the endpoint came to be there, in one line.
pub(super) fn of_up(up: &Up) -> String {
    let what = match (&up.how, &up.version) {
        (How::Given, _) => return format!("Using {}, as AWS_ENDPOINT_URL says", up.endpoint),
        (How::AlreadyRunning, Some(version)) => format!(
            "Using the emulator that runs at {} (ministack {version})",
            up.endpoint
        ),
        (How::AlreadyRunning, None) => format!("Using the emulator that runs at {}", up.endpoint),
        (How::Started { took }, _) => {
            format!(
                "Started the local AWS emulator at {} in {:.1} s",
                up.endpoint,
                took.as_secs_f64()
            )
        }
    };
    match up.current {
        true => what,
        false => format!(
            "{what}; it is not the one this payhook would start, so some things may behave differently (`payhook local \
             down` and `up` renews it)"
        ),
    }
}

fn of_down(down: &Down) -> String {
    match down {
        Down::NotRunning => "The local AWS emulator was not running".to_owned(),
        Down::Stopped { pid, took, .. } => {
            format!(
                "Stopped the local AWS emulator (process {pid}) in {:.1} s",
                took.as_secs_f64()
            )
        }
    }
}

fn of_status(status: &Status, log: &str) -> String {
    match status {
        Status::Given {
            endpoint,
            answers: true,
        } => format!("AWS_ENDPOINT_URL is {endpoint}, which answers"),
        Status::Given {
            endpoint,
            answers: false,
        } => {
            format!("AWS_ENDPOINT_URL is {endpoint}, where nothing answers")
        }
        Status::Running { up, own } => {
            let version = up.version.as_deref().unwrap_or("unknown version");
            let pid = up
                .pid
                .map_or_else(String::new, |pid| format!(", process {pid}"));
            let whose = match own {
                true => format!("log: {log}"),
                false => "started from another directory".to_owned(),
            };
            format!(
                "Running at {} (ministack {version}{pid}); {whose}",
                up.endpoint
            )
        }
        Status::Silent { pid, port, log } => format!(
            "The emulator runs (process {pid}) but does not answer on port {port}; see {}",
            log.display()
        ),
        Status::PortTaken { port, holder } => {
            format!("Not running; port {port} is taken by {holder}")
        }
        Status::Stopped => "Not running".to_owned(),
    }
}
