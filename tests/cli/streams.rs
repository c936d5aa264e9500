//! Readers that go away, and errors in the form that was asked for.

use crate::{CONFIG, folder, folder_with, payhook, run};
use serde_json::Value;
use std::process::{Command, Stdio};

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = folder();
    for words in [
        "graph --format json",
        "policy iam",
        "policy check",
        "completions bash",
        "capacity --rps 10 --region us-east-1",
        "--help",
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_payhook"))
            .args(words.split(' '))
            .current_dir(folder.path())
            .env_remove("AWS_ENDPOINT_URL")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(
            ended.status.success() && said.is_empty(),
            "{words}: {} {said}",
            ended.status
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_are_an_error() {
    let folder = folder();
    let full = std::fs::File::create("/dev/full").expect("a device that is always full");
    let output = Command::new(env!("CARGO_BIN_EXE_payhook"))
        .args(["policy", "iam"])
        .current_dir(folder.path())
        .env_remove("AWS_ENDPOINT_URL")
        .stdout(full)
        .output()
        .expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("error: cannot write all results"),
        "{said}"
    );
}

/// Every verb that reads infra.toml, with what it cannot be called without.
const VERBS: [&str; 26] = [
    "deploy",
    "preview",
    "rollback",
    "destroy --yes",
    "verify",
    "drift",
    "outputs",
    "policy check",
    "policy iam",
    "graph",
    "state list",
    "state show providers",
    "state history",
    "state rebuild",
    "state unlock",
    "secret list",
    "send stripe",
    "listen",
    "events list",
    "events audit",
    "payments show stripe:pi_1",
    "dlq list",
    "logs",
    "capacity --rps 1",
    "local status",
    "doctor",
];

#[test]
fn every_verb_tells_its_error_as_json_where_json_was_asked_for() {
    let nowhere = tempfile::tempdir().expect("a folder");
    for words in VERBS {
        let said = run(payhook(nowhere.path()).args(words.split(' ')).arg("--json"));
        assert_eq!(said.code, 2, "{words}: {}", said.err);
        let told: Value = serde_json::from_str(&said.out)
            .unwrap_or_else(|error| panic!("{words}: {error}: {}", said.out));
        assert_eq!(
            (&told["event"], &told["exitCode"]),
            (&"error".into(), &2.into()),
            "{words}"
        );
        let message = told["message"].as_str().unwrap_or_default();
        assert!(message.contains("infra.toml"), "{words}: {told}");
        assert!(
            told["next"].as_array().is_some_and(|next| !next.is_empty()),
            "{words}: {told}"
        );
    }
    assert!(
        std::fs::read_dir(nowhere.path())
            .expect("the folder")
            .next()
            .is_none()
    );
}

#[test]
fn a_completion_script_is_one_json_value_where_json_was_asked_for() {
    let folder = folder();
    let plain = run(payhook(folder.path()).args(["completions", "bash"]));
    let said = run(payhook(folder.path()).args(["completions", "bash", "--json"]));
    let told: Value = serde_json::from_str(&said.out).expect("one JSON value");
    assert_eq!(told, plain.out.as_str());
}

#[test]
fn a_place_that_cannot_be_written_or_read_is_named_with_what_to_check() {
    // An emulator of the tester's own, which needs no folder, must not be found.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = free.expect("a free port").port();
    let folder = folder_with(&format!("{CONFIG}\n[env.local.local]\nport = {port}\n"));
    for name in [".payhook", "cfn-outputs"] {
        std::fs::write(folder.path().join(name), "a file").expect("a file in the way");
    }
    for (words, path) in [
        ("local up --env local", ".payhook/emulator"),
        ("state list --env dev", ".payhook/state/dev"),
        ("state unlock --yes --env dev", ".payhook/state/dev/lock"),
        ("outputs --env dev", "cfn-outputs/flat-outputs.json"),
    ] {
        let said = run(payhook(folder.path()).args(words.split(' ')));
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{words}");
        assert!(said.err.contains(path), "{words}: {}", said.err);
        let next = "-> check that the disk has room and that the file may be written";
        assert!(said.err.contains(next), "{words}: {}", said.err);
    }
}
