use crate::{blocks, read, root, rows, section, spans};
use payhook::cli::Exit;
use payhook::config::Config;
use payhook::outputs::key;
use payhook::stack::Stack;
use std::collections::BTreeSet;
use std::process::{Command, Output};

fn readme() -> String {
    read("README.md")
}

/// Runs payhook where it finds nothing to work on: no configuration, no credentials.
fn payhook(arguments: &[&str]) -> Output {
    let nowhere = tempfile::tempdir().expect("a folder");
    Command::new(env!("CARGO_BIN_EXE_payhook"))
        .args(arguments)
        .current_dir(nowhere.path())
        .env_clear()
        .output()
        .expect("payhook runs")
}

/// Whether it got as far as carrying out what the command line says.
fn understands(arguments: &[&str]) -> bool {
    let said = String::from_utf8(payhook(arguments).stderr).expect("a text");
    // clap ends what it refuses by pointing to the help, or shows the help itself.
    !said.contains("try '--help'") && !said.contains("Usage:")
}

/// The arguments, if the line calls payhook; what a shell does with it is left out.
fn arguments(line: &str) -> Option<Vec<&str>> {
    let line = line.trim_start_matches("$ ");
    let rest = line
        .strip_prefix("cargo run -- ")
        .or_else(|| line.strip_prefix("payhook "))?;
    let call = rest.split(['|', '<', '>', '#']).next()?;
    Some(call.split_whitespace().collect())
}

fn verbs() -> BTreeSet<String> {
    let help = String::from_utf8(payhook(&["--help"]).stdout).expect("a text");
    let (_, commands) = help.split_once("\nCommands:\n").expect("commands");
    let (commands, _) = commands.split_once("\n\n").expect("an end");
    let verb = |line: &str| {
        let line = line.strip_prefix("  ")?;
        line.starts_with(char::is_alphabetic)
            .then(|| line.split(' ').next().unwrap_or_default().to_owned())
    };
    let verbs = commands.lines().filter_map(verb);
    verbs.filter(|verb| verb != "help").collect()
}

#[test]
fn payhook_understands_every_command_line_of_the_readme_and_the_workflow() {
    assert!(!understands(&["deploy", "--no-such-flag"]));
    assert!(!understands(&["graph", "--format", "no-such-format"]));
    assert!(!understands(&["send"]));
    let (readme, mut calls) = (readme(), 0);
    let scripts = blocks(&readme, "sh");
    let typed = blocks(&readme, "console");
    let typed = typed.iter().flat_map(|block| block.lines());
    let workflow = read(".github/workflows/payhook.yml");
    let lines = scripts
        .iter()
        .flat_map(|block| block.lines())
        .chain(typed.filter(|line| line.starts_with("$ ")))
        .chain(spans(&readme))
        .chain(workflow.lines().map(str::trim));
    for line in lines.map(|line| line.trim_start_matches("run: ")) {
        if let Some(arguments) = arguments(line) {
            assert!(understands(&arguments), "{line}");
            calls += 1;
        }
    }
    assert!(calls > 20, "only {calls} command lines were found");
}

#[test]
fn the_readme_has_one_row_for_each_verb() {
    let readme = readme();
    let rows = rows(section(&readme, "Verbs"));
    let told = rows.iter().filter(|row| row.len() == 3);
    let told: Vec<String> = told.map(|row| row[0].replace('`', "")).collect();
    assert_eq!(told.iter().cloned().collect::<BTreeSet<_>>(), verbs());
    assert_eq!(told.len(), verbs().len());
    for row in rows.iter().filter(|row| row.len() == 3) {
        let example = arguments(row[2].trim_matches('`')).expect("an example");
        assert_eq!(example[0], row[0].trim_matches('`'));
    }
}

#[test]
fn the_readme_tells_every_exit_code() {
    let readme = readme();
    let rows = rows(section(&readme, "Verbs"));
    let told: Vec<&str> = rows
        .iter()
        .filter(|row| row.len() == 2)
        .map(|row| row[0])
        .collect();
    let codes = [
        Exit::Done,
        Exit::Failed,
        Exit::Usage,
        Exit::Refused,
        Exit::Pending,
        Exit::Held,
        Exit::Interrupted,
    ];
    assert_eq!(told, codes.map(|exit| exit.code().to_string()));
}

#[test]
fn every_configuration_of_the_readme_is_accepted() {
    let readme = readme();
    let snippets = blocks(&readme, "toml");
    assert!(!snippets.is_empty());
    for snippet in snippets {
        let table: toml::Table = snippet.parse().expect("TOML");
        for env in table["env"].as_table().expect("environments").keys() {
            let parsed = Config::parse("README.md", &snippet, Some(env), None);
            parsed.unwrap_or_else(|error| panic!("{error}\n{snippet}"));
        }
    }
}

/// Every key and section of infra.toml without its environment, those that are switched off included.
fn settings() -> BTreeSet<String> {
    let text = read("infra.toml");
    let switched_off =
        |line: &str| line.starts_with(|c: char| c.is_alphabetic() || "\"[".contains(c));
    let mut section = String::new();
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let line = match line.strip_prefix('#') {
            Some(rest) if switched_off(rest) => rest,
            _ => line,
        };
        if let Some(header) = line.strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default();
            let in_env = header.strip_prefix("env.").map(|rest| rest.split_once('.'));
            section = match in_env {
                None => header.to_owned(),
                Some(path) => path.map_or_else(String::new, |(_, path)| path.to_owned()),
            };
            let parts: Vec<&str> = section.split('.').collect();
            found.extend((1..=parts.len()).map(|length| parts[..length].join(".")));
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            found.insert(key.to_owned());
            found.insert(format!("{section}.{key}").trim_matches('.').to_owned());
        }
    }
    found
}

#[test]
fn every_setting_that_the_readme_names_is_in_infra_toml_and_no_section_is_left_out() {
    let readme = readme();
    let told: BTreeSet<&str> = spans(section(&readme, "Configuration"))
        .into_iter()
        .filter(|span| {
            span.chars()
                .all(|c| c.is_ascii_lowercase() || "_.".contains(c))
        })
        .filter(|span| !span.contains("infra.toml") && !verbs().contains(*span))
        .collect();
    let settings = settings();
    for name in &told {
        assert!(settings.contains(*name), "{name}");
    }
    let shipped: toml::Table = read("infra.toml").parse().expect("TOML");
    for (name, _) in shipped.iter().filter(|(name, _)| *name != "env") {
        let below = format!("{name}.");
        let told = told
            .iter()
            .any(|told| told == name || told.starts_with(&below));
        assert!(told || verbs().contains(name), "{name} is not told");
    }
}

#[test]
fn every_file_that_the_readme_links_to_exists() {
    let readme = readme();
    let targets = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let ours: Vec<&str> = targets
        .filter(|target| !target.starts_with("http"))
        .collect();
    assert!(ours.len() > 5);
    for target in ours {
        assert!(root().join(target).exists(), "{target}");
    }
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let readme = readme();
    let commands: Vec<String> = blocks(&readme, "sh")
        .into_iter()
        .filter(|block| block.contains("cargo test"))
        .collect();
    let [command] = commands.as_slice() else {
        panic!("one command runs all tests, not {commands:?}");
    };
    let ci = read(".ci/run");
    assert!(
        ci.contains(&format!("step_tests() {{\n    {command}}}\n")),
        "{command}"
    );
}

#[test]
fn the_readme_lists_every_provider() {
    let readme = readme();
    let text = section(&readme, "Providers").split("\n\n").next();
    let told: Vec<&str> = spans(text.expect("a paragraph"))
        .into_iter()
        .filter(|span| *span != "infra.toml")
        .collect();
    let known: Vec<&str> = payments::providers::all().iter().map(|p| p.key()).collect();
    assert_eq!(told, known);
}

#[test]
fn the_readme_lists_every_output() {
    let readme = readme();
    let text = section(&readme, "What stands after a deploy");
    let told: BTreeSet<&str> = spans(text.split("\n\n").next().expect("a paragraph"))
        .into_iter()
        .filter(|span| !span.contains('.'))
        .collect();
    let written = BTreeSet::from([
        key::ENVIRONMENT,
        key::ACCOUNT_ID,
        key::REGION,
        key::ENDPOINT_URL,
        key::API_URL,
        key::API_ID,
        key::API_STAGE_NAME,
        key::STATE_MACHINE_ARN,
        key::TABLE_NAME,
        key::BODIES_BUCKET_NAME,
        key::KEY_ID,
        key::VALIDATOR_NAME,
        key::PROCESSOR_NAME,
        key::PIPE_NAME,
        key::DEAD_LETTER_QUEUE_NAME,
        key::SECRET_NAME,
    ]);
    assert_eq!(told, written);
}

#[test]
fn the_recorded_session_is_of_this_stack() {
    let config = Config::parse("infra.toml", &read("infra.toml"), Some("local"), None);
    let graph = Stack::payment_webhooks(&config.expect("shipped")).graph;
    let readme = readme();
    let session = blocks(section(&readme, "A session"), "console").concat();
    let planned: Vec<&str> = session
        .lines()
        .skip_while(|line| *line != "+ create")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let mut planned_kinds = planned.clone();
    planned_kinds.sort_unstable();
    let mut kinds: Vec<&str> = graph.nodes().map(|node| node.kind).collect();
    kinds.sort_unstable();
    assert_eq!(planned_kinds, kinds, "record the session again");
    assert!(session.contains(&format!("{} to create.", graph.len())));
    assert!(session.contains(&format!("{} resources are as wanted", graph.len())));
}
