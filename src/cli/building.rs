//! Builds the functions while saying what is going on.

use super::{Context, Ui};
use crate::artifact::{self, Artifact, Progress, Request, Target};
use crate::view::progress::Single;
use serde_json::json;
use std::sync::Mutex;
use std::time::Instant;
use tokio::time::interval;

/// Builds both functions for where the environment runs; the compiler does again only what has changed.
pub async fn build(context: &Context) -> anyhow::Result<Vec<Artifact>> {
    let (target, machine) = match context.config.env.is_local() {
        true => (Target::Host, "this machine"),
        false => (Target::Arm64(context.config.artifact.clone()), "arm64"),
    };
    let request = Request {
        workspace: context.root.clone(),
        target,
        out: context.artifacts(),
    };
    let ui = &context.ui;
    ui.note(format!("Building the functions for {machine} ..."));
    let start = Instant::now();
    let artifacts = with_progress(ui, &request).await?;
    for artifact in artifacts.iter().filter(|_| ui.is_json()) {
        ui.json(&json!({
            "event": "built",
            "function": artifact.function,
            "codeSha256": artifact.code_sha256,
            "bytes": artifact.size,
        }));
    }
    let built: Vec<String> = artifacts.iter().map(words).collect();
    ui.note(format!(
        "Built {} in {:.1} s",
        built.join(" and "),
        start.elapsed().as_secs_f64()
    ));
    Ok(artifacts)
}

fn words(artifact: &Artifact) -> String {
    format!(
        "{} ({:.1} MB)",
        artifact.function,
        artifact.size as f64 / 1e6
    )
}

async fn with_progress(ui: &Ui, request: &Request) -> anyhow::Result<Vec<Artifact>> {
    let doing = Mutex::new(None::<String>);
    let mut progress = |progress: Progress| {
        if let Ok(mut doing) = doing.lock() {
            *doing = Some(match progress {
                Progress::Compiling(krate) => format!("compiling {krate}"),
                Progress::Zipping(function) => format!("zipping {function}"),
            });
        }
    };
    let build = artifact::build(request, &mut progress);
    tokio::pin!(build);
    let mut line = Single::start(ui.is_live());
    let mut ticks = interval(Single::TICK);
    loop {
        tokio::select! {
            built = &mut build => return Ok(built?),
            _ = ticks.tick() => {
                let doing = doing.lock().ok().and_then(|doing| doing.clone());
                if let Some(line) = line.tick(doing.as_deref().unwrap_or("looking at what has changed")) {
                    ui.note(line);
                }
            }
        }
    }
}
