use crate::{files, root};

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
