//! `capacity` from outside: what it is asked wrongly, and what it says as JSON.

use crate::{folder, payhook, run};
use serde_json::Value;

#[test]
fn a_rate_that_is_none_is_wrong_usage_and_says_what_one_is() {
    let folder = folder();
    let wrong = [
        "0",
        "-5",
        "NaN",
        "1.5",
        "",
        "100001",
        "99999999999999999999",
        "1e3",
    ];
    for (flag, most) in [
        ("--rps", "100000"),
        ("--peak", "100000"),
        ("--body-kb", "10240"),
    ] {
        for wrong in wrong {
            let rest = ["--rps", "10"]
                .into_iter()
                .take(if flag == "--rps" { 0 } else { 2 });
            let said = run(payhook(folder.path())
                .arg("capacity")
                .args(rest)
                .args([flag, wrong]));
            assert_eq!((said.code, said.out.as_str()), (2, ""), "{flag} {wrong}");
            let rule = format!("it must be a whole number from 1 to {most}");
            assert!(said.err.contains(&rule), "{flag} {wrong}: {}", said.err);
        }
    }
    let below = run(payhook(folder.path()).args(["capacity", "--rps", "10", "--peak", "9"]));
    assert_eq!(below.code, 2);
    assert!(
        below.err.contains("--peak 9 is below --rps 10"),
        "{}",
        below.err
    );
    let nowhere = run(payhook(folder.path()).args(["capacity", "--rps", "10", "--region", "mars"]));
    assert_eq!(nowhere.code, 2);
    assert!(
        nowhere.err.contains("a region name such as"),
        "{}",
        nowhere.err
    );
    let ireland = ["capacity", "--rps", "10", "--region", "eu-west-1"];
    let ireland = run(payhook(folder.path()).args(ireland));
    assert_eq!((ireland.code, ireland.err.as_str()), (0, ""));
    assert!(
        ireland.out.contains("there are no prices for eu-west-1"),
        "{}",
        ireland.out
    );
}

#[test]
fn without_infra_toml_it_needs_the_region_and_tells_every_setting() {
    let nowhere = tempfile::tempdir().expect("a folder");
    let said = run(payhook(nowhere.path()).args(["capacity", "--rps", "10"]));
    assert_eq!(said.code, 2, "{}", said.out);
    let ask = ["capacity", "--rps", "10", "--region", "us-east-1"];
    let said = run(payhook(nowhere.path()).args(ask));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(
        said.out.contains("\n[throttling]\nrate_limit = 50\n"),
        "{}",
        said.out
    );
    for named in [["--env", "dev"], ["--config", "other.toml"]] {
        let said = run(payhook(nowhere.path()).args(ask).args(named));
        assert_eq!(said.code, 2, "{named:?} must not be passed over");
    }
}

#[test]
fn the_settings_that_are_too_small_are_told_for_the_environment_and_what_was_not_verified_is_marked()
 {
    let folder = folder();
    let of = |rps: &str, more: &[&str]| {
        let ask = ["capacity", "--env", "prod", "--rps", rps];
        let said = run(payhook(folder.path()).args(ask).args(more));
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        said.out
    };
    let enough = of("20", &[]);
    assert!(
        enough.contains("those of `prod` in infra.toml are enough"),
        "{enough}"
    );
    let told = of("200", &[]);
    let change =
        "\n[env.prod.throttling]\nrate_limit = 200  # now 50\nburst_limit = 200  # now 100\n";
    assert!(told.contains(change), "{told}");
    // The whole output is a fragment: all else in it is comments.
    let fragment: toml::Table = told.parse().expect("TOML");
    assert!(fragment["env"]["prod"]["throttling"].is_table());

    let told: Value = serde_json::from_str(&of("200", &["--json"])).expect("one JSON value");
    assert_eq!(
        told["infraToml"]
            .as_str()
            .and_then(|text| text.parse().ok()),
        Some(fragment)
    );
    let setting = &told["settings"][0];
    assert_eq!(
        (&setting["key"], &setting["value"], &setting["now"]),
        (&"rate_limit".into(), &"200".into(), &"50".into())
    );
    let marked = |rows: &Value| {
        rows.as_array().is_some_and(|rows| {
            !rows.is_empty() && rows.iter().all(|row| row["verified"].is_boolean())
        })
    };
    assert!(marked(&told["limits"]) && marked(&told["costs"]), "{told}");
    for cost in told["costs"].as_array().into_iter().flatten() {
        let unread = cost["parts"]
            .as_array()
            .expect("parts")
            .iter()
            .any(|part| part["verified"] == false);
        assert_eq!(cost["verified"], !unread, "{cost}");
        assert!(
            cost["parts"][0]["source"]
                .as_str()
                .is_some_and(|source| source.starts_with("https://"))
        );
    }
}
