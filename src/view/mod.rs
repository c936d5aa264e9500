//! Events, plans and graphs as people and programs read them. Pure, but for the drawing on a terminal.

mod capacity;
mod drift;
mod graph;
mod markdown;
mod paint;
mod plan;
pub mod progress;
mod value;
mod verify;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use capacity::{Capacity, at_rest, capacity, count, money, per_million, percent};
pub use drift::drift;
pub use graph::{dot, graph_json, mermaid};
pub use markdown::markdown;
pub use paint::{Paint, Tone};
pub use plan::{Heading, losses, plan, totals};
pub use verify::{junit, report};

/// A path as the user would type it from the current folder.
pub fn short_path(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    short
        .unwrap_or_else(|| path.to_owned())
        .display()
        .to_string()
}
