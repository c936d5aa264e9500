//! The binary from outside: exit codes, streams, and what it says when it is called wrongly.

mod cli {
    mod capacity;
    mod streams;
}

use assert_cmd::Command;
use std::path::Path;
use tempfile::TempDir;

const CONFIG: &str = r#"default_env = "dev"
region = "eu-central-1"

[providers.stripe]

[env.local]

[env.dev]

[env.prod]
protect = true
"#;

/// A folder with an infra.toml of its own.
fn folder() -> TempDir {
    folder_with(CONFIG)
}

fn folder_with(config: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("infra.toml"), config).expect("infra.toml");
    folder
}

/// The binary in a folder, with nothing of the tester's own AWS settings and no way to real credentials.
fn payhook(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payhook"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name == "CARGO")
    {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .timeout(std::time::Duration::from_secs(60));
    command
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

fn run(command: &mut Command) -> Said {
    let output = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said {
        code: output.status.code().expect("an exit code"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

#[test]
fn an_unknown_verb_is_wrong_usage_and_names_the_nearest() {
    let folder = folder();
    let said = run(payhook(folder.path()).arg("deplo"));
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("deploy"), "{}", said.err);
}

#[test]
fn help_and_version_are_results() {
    let folder = folder();
    for arg in ["--help", "--version"] {
        let said = run(payhook(folder.path()).arg(arg));
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        assert!(said.out.contains("payhook"), "{}", said.out);
    }
}

#[test]
fn an_unknown_environment_is_answered_with_the_known_ones() {
    let folder = folder();
    let said = run(payhook(folder.path()).args(["outputs", "--env", "prd"]));
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("there is no environment `prd`"),
        "{}",
        said.err
    );
    assert!(said.err.contains("did you mean `prod`?"), "{}", said.err);
}

#[test]
fn a_mistake_in_infra_toml_points_at_its_line_before_anything_else_happens() {
    let folder = folder_with("region = \"eu-central-1\"\n[env.dev]\nprotekt = true\n");
    let said = run(payhook(folder.path()).arg("deploy"));
    assert_eq!(said.code, 2);
    assert!(said.err.contains("infra.toml:3:1"), "{}", said.err);
    assert!(!folder.path().join(".payhook").exists());
}

#[test]
fn a_missing_infra_toml_says_how_to_name_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = run(payhook(folder.path()).arg("deploy"));
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--config"), "{}", said.err);
}

#[test]
fn without_credentials_it_says_how_to_sign_in() {
    let folder = folder();
    let said = run(payhook(folder.path()).arg("preview"));
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("no usable AWS credentials"),
        "{}",
        said.err
    );
    assert!(said.err.contains("aws sso login"), "{}", said.err);
}

#[test]
fn an_endpoint_where_nothing_answers_is_named() {
    let folder = folder();
    let said = run(payhook(folder.path())
        .arg("preview")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9"));
    assert_eq!(said.code, 1);
    assert!(said.err.contains("http://127.0.0.1:9"), "{}", said.err);
}

/// Answers every request as STS would, for account 000000000000.
fn sts() -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a caller");
            let _ = stream.read(&mut [0; 8192]);
            let body = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                        <GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:root</Arn><UserId>x</UserId>\
                        <Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\nconnection: close\r\ncontent-length";
            let _ = write!(stream, "{head}: {}\r\n\r\n{body}", body.len());
        }
    });
    address
}

#[test]
fn another_account_than_infra_toml_allows_is_refused() {
    let folder = folder_with("region = \"eu-central-1\"\naccount = \"111111111111\"\n[env.dev]\n");
    let said = run(payhook(folder.path())
        .args(["deploy", "--json"])
        .env("AWS_ENDPOINT_URL", sts()));
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("belongs to account 111111111111"),
        "{}",
        said.err
    );
    let event: serde_json::Value = serde_json::from_str(&said.out).expect("one JSON event");
    assert_eq!(
        (&event["event"], &event["exitCode"]),
        (&"error".into(), &3.into())
    );
}

#[test]
fn a_protected_environment_is_not_destroyed_even_with_yes() {
    let folder = folder();
    let said = run(payhook(folder.path()).args(["destroy", "--env", "prod", "--yes"]));
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("environment `prod` is protected"),
        "{}",
        said.err
    );
}

#[test]
fn outputs_before_a_deploy_say_to_deploy() {
    let folder = folder();
    for verb in ["outputs", "verify"] {
        let said = run(payhook(folder.path()).arg(verb));
        assert_eq!(said.code, 1);
        assert!(said.err.contains("deploy first"), "{}", said.err);
    }
}

#[test]
fn one_output_is_printed_alone() {
    let folder = folder();
    let outputs = folder.path().join("cfn-outputs");
    std::fs::create_dir(&outputs).expect("a folder");
    let text = r#"{"apiUrl": "http://127.0.0.1/prod/webhooks", "environment": "dev"}"#;
    std::fs::write(outputs.join("flat-outputs.json"), text).expect("outputs");
    let said = run(payhook(folder.path()).args(["outputs", "--key", "apiUrl"]));
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "http://127.0.0.1/prod/webhooks\n")
    );
    let said = run(payhook(folder.path()).args(["outputs", "--key", "nothing"]));
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("known here: apiUrl, environment"),
        "{}",
        said.err
    );
    let said = run(payhook(folder.path()).args(["outputs", "--env", "prod"]));
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("is of environment `dev`, not `prod`"),
        "{}",
        said.err
    );
}

#[test]
fn a_secret_for_an_unknown_provider_names_the_nearest_or_all() {
    let folder = folder();
    for (given, next) in [
        ("strype", "-> did you mean stripe?"),
        ("bank", "-> known are: adyen, "),
    ] {
        let said = run(payhook(folder.path())
            .args(["secret", "set", given])
            .write_stdin("whsec_x"));
        assert_eq!(said.code, 2);
        assert!(said.err.contains(next), "{}", said.err);
        assert!(!said.err.contains("whsec_x"));
    }
}

#[test]
fn a_number_that_is_none_is_refused_in_words() {
    let folder = folder();
    for words in [
        "send stripe --count x",
        "send stripe --concurrency 0",
        "send stripe --timeout soon",
        "listen --count x",
        "events list --limit x",
        "events list --read-at-most x",
        "dlq list --limit x",
        "dlq redrive --limit x",
        "state history --last x",
    ] {
        let said = run(payhook(folder.path()).args(words.split(' ')));
        assert_eq!(said.code, 2, "{words}");
        let rule = "it must be a whole number, ";
        assert!(said.err.contains(rule), "{words}: {}", said.err);
    }
}

#[test]
fn a_damaged_state_file_says_how_to_go_on() {
    let folder = folder();
    let state = folder.path().join(".payhook/state/dev");
    std::fs::create_dir_all(&state).expect("a folder");
    std::fs::write(state.join("journal"), "no journal\nat all\n").expect("a journal");
    let said = run(payhook(folder.path()).args(["state", "list"]));
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("line 1 of the journal is damaged"),
        "{}",
        said.err
    );
    assert!(said.err.contains("->"), "{}", said.err);
}

#[test]
fn without_a_state_there_is_no_history_and_nothing_to_list() {
    let folder = folder();
    let said = run(payhook(folder.path()).args(["state", "history"]));
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "No run of dev is on record.\n")
    );
    let said = run(payhook(folder.path()).args(["state", "history", "--json"]));
    let event: serde_json::Value = serde_json::from_str(&said.out).expect("one JSON event");
    assert_eq!(event["runs"], serde_json::json!([]));
    let said = run(payhook(folder.path()).args(["state", "list"]));
    assert_eq!(said.out, "Nothing is deployed in dev.\n");
}

#[test]
fn drift_takes_one_answer_at_a_time_and_a_rebuild_needs_an_account() {
    let folder = folder();
    for both in [
        ["drift", "--accept", "--revert"],
        ["drift", "--fail", "--accept"],
        ["drift", "--yes", "--accept"],
    ] {
        let said = run(payhook(folder.path()).args(both));
        assert_eq!(said.code, 2, "{both:?}");
    }
    for verb in [["drift", "--fail"], ["state", "rebuild"]] {
        let said = run(payhook(folder.path()).args(verb));
        assert_eq!(said.code, 1);
        assert!(
            said.err.contains("no usable AWS credentials"),
            "{}",
            said.err
        );
    }
    assert!(!folder.path().join(".payhook").exists());
}

#[test]
fn drift_of_what_was_never_deployed_says_how_to_find_it() {
    let folder = folder();
    let said = run(payhook(folder.path())
        .args(["drift", "--fail"])
        .env("AWS_ENDPOINT_URL", sts()));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("state rebuild --env dev"), "{}", said.out);
}

#[test]
fn the_graph_needs_no_credentials_and_names_every_environment_its_own() {
    let folder = folder();
    let said = run(payhook(folder.path()).args(["graph", "--env", "prod"]));
    assert_eq!(said.code, 0);
    assert!(said.out.starts_with("flowchart LR\n"), "{}", said.out);
    assert!(said.out.contains("payments-prod"), "{}", said.out);
    let said = run(payhook(folder.path()).args(["graph", "--format", "json"]));
    let graph: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert!(
        graph["resources"]
            .as_array()
            .is_some_and(|resources| resources.len() > 20)
    );
}

#[test]
fn completions_name_the_verbs() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish"] {
        let said = run(payhook(folder.path()).args(["completions", shell]));
        assert_eq!(said.code, 0);
        assert!(said.out.contains("destroy"), "{shell}");
    }
}

#[test]
fn a_vector_is_judged_without_showing_its_secret() {
    let folder = folder();
    let vector = r#"[{"id": "v1", "provider": "stripe", "secret": "whsec_hidden", "headers": {}, "body": "{}"}]"#;
    let said = run(payhook(folder.path())
        .args(["signature", "check", "-"])
        .write_stdin(vector));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let verdict: serde_json::Value = serde_json::from_str(&said.out).expect("one JSON line");
    assert_eq!(verdict["id"], "v1");
    assert!(!said.out.contains("whsec_hidden"));
    let said = run(payhook(folder.path())
        .args(["signature", "check", "-"])
        .write_stdin("[{]"));
    assert_eq!(said.code, 2);
}

#[test]
fn the_status_of_an_emulator_that_does_not_run_says_so() {
    let folder = folder_with(&format!(
        "{CONFIG}\n[env.local.local]\nport = {}\n",
        free_port()
    ));
    let said = run(payhook(folder.path()).args(["local", "status"]));
    assert_eq!((said.code, said.out.as_str()), (0, "Not running\n"));
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn the_policy_for_deploying_names_the_account_of_infra_toml_and_needs_no_credentials() {
    let account = "region = \"eu-central-1\"\naccount = \"123456789012\"";
    let folder = folder_with(&CONFIG.replace("region = \"eu-central-1\"", account));
    let said = run(payhook(folder.path()).args(["policy", "iam", "--env", "prod"]));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let policy: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(policy["Version"], "2012-10-17");
    let table = "arn:aws:dynamodb:eu-central-1:123456789012:table/payments-prod";
    assert!(said.out.contains(table), "{}", said.out);
}
