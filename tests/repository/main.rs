//! What the repository says of itself is true, and what must not stand in it does not.

mod events;
mod files;
mod readme;

use std::path::{Path, PathBuf};

/// The folder of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads a file of the repository.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file that belongs to the repository, relative to its folder.
fn files() -> Vec<PathBuf> {
    // What is built and what payhook keeps is git-ignored and not ours to judge.
    let made = ["target", ".git", ".payhook", "cfn-outputs", "__pycache__"];
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let kind = entry.file_type().expect("its kind");
            let path = entry.path();
            // In a worktree of git's own making `.git` is a file.
            if made.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                found.push(path.strip_prefix(root()).expect("inside").to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The texts of a Markdown document that stand between backquotes in running text.
fn spans(markdown: &str) -> Vec<&str> {
    let mut fenced = false;
    let text = markdown.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced && !line.starts_with("    ")
    });
    text.flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

/// The fenced blocks of a Markdown document in one language, without the indentation of a list.
fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, bool)> = None;
    for line in markdown.lines().map(str::trim_start) {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(named)) => open = Some((String::new(), named == language)),
            (Some((text, _)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (Some(_), Some(_)) => blocks.extend(open.take().filter(|(_, ours)| *ours)),
            (None, None) => {}
        }
    }
    blocks.into_iter().map(|(text, _)| text).collect()
}

/// What stands below a heading, up to the next heading of the same level.
fn section<'a>(markdown: &'a str, heading: &str) -> &'a str {
    let start = format!("\n## {heading}\n");
    let (_, rest) = markdown
        .split_once(&start)
        .unwrap_or_else(|| panic!("a section {heading}"));
    rest.split_once("\n## ")
        .map_or(rest, |(section, _)| section)
}

/// The rows of the tables of a text, cell by cell, without headings.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut rows = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let heading = lines
            .get(number + 1)
            .is_some_and(|next| next.starts_with("|--"));
        if line.starts_with("| ") && !heading {
            let cells = line.trim_matches('|').split('|');
            rows.push(cells.map(str::trim).collect());
        }
    }
    rows
}
