use crate::{files, root};
use std::path::Path;

/// A file is about one idea, which needs no more lines.
const LONGEST: usize = 450;

fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

#[test]
fn no_rust_file_is_longer_than_one_idea_needs() {
    let too_long: Vec<String> = files()
        .iter()
        .filter(|path| is(path, "rs"))
        .filter_map(|path| {
            let text = std::fs::read_to_string(root().join(path)).expect("a text");
            let lines = text.lines().count();
            (lines > LONGEST).then(|| format!("{} has {lines} lines", path.display()))
        })
        .collect();
    assert!(too_long.is_empty(), "{too_long:#?}");
}

/// Folders of somebody's machine and hosts that packages come from, split so that this file does not hold them.
const FOREIGN: [&str; 11] = [
    concat!("/", "root/"),
    concat!("/", "Users/"),
    concat!("/", "work/h"),
    concat!("/", "work/main"),
    concat!("/tmp/", "ms"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("python", "hosted"),
    concat!("static.", "rust-lang"),
    concat!("extra-", "index-url"),
];

#[test]
fn no_file_names_a_folder_of_somebodys_machine_or_a_host_of_packages() {
    let mut found = Vec::new();
    for path in files() {
        let bytes = std::fs::read(root().join(&path)).expect("readable");
        let text = String::from_utf8_lossy(&bytes);
        let here = FOREIGN.iter().filter(|foreign| text.contains(*foreign));
        found.extend(here.map(|foreign| format!("{}: {foreign}", path.display())));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_locked_dependency_comes_from_the_default_registry() {
    let lock: toml::Table = crate::read("Cargo.lock").parse().expect("TOML");
    let packages = lock["package"].as_array().expect("packages");
    let sources: Vec<&str> = packages
        .iter()
        .filter_map(|package| package.get("source")?.as_str())
        .collect();
    let default = concat!("registry+https://github.com/rust-lang/crates.io", "-index");
    assert!(sources.len() > 100);
    assert!(sources.iter().all(|source| *source == default));
}
