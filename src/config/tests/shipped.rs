//! The shipped infra.toml is the reference: it is whole and it is true.

use super::*;
use crate::config::read::keys;

/// The shipped file with every switched-off setting on, and the line each key stands on.
pub(super) fn everything_on() -> String {
    let is_setting = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
    SHIPPED
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if is_setting(rest) => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect()
}

/// Path (without `env.NAME.`) and trailing comment of each key of a text.
fn documented(text: &str) -> Vec<(String, String)> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (code, comment) = line.split_once(" #").unwrap_or((line, ""));
        if let Some(header) = code.trim().strip_prefix('[') {
            let path: Vec<&str> = header.trim_end_matches(']').split('.').collect();
            let path = if path[0] == "env" {
                &path[2..]
            } else {
                &path[..]
            };
            section = path.join(".");
            if section == "tags" && !comment.is_empty() {
                keys.push(("tags.*".into(), comment.into()));
            }
        } else if let Some((key, _)) = code.split_once(" = ") {
            let dot = if section.is_empty() { "" } else { "." };
            keys.push((format!("{section}{dot}{key}"), comment.into()));
        }
    }
    keys
}

#[test]
fn the_shipped_file_holds_local_dev_and_prod() {
    for env in ["local", "dev", "prod"] {
        assert_eq!(parse(SHIPPED, env).unwrap().env.as_str(), env);
    }
}

#[test]
fn every_key_documented_in_the_shipped_file_is_real_and_every_real_key_is_documented() {
    let real = keys();
    let documented = documented(&everything_on());
    for (key, comment) in &documented {
        if key.starts_with("tags.") && key != "tags.*" {
            continue;
        }
        let allowed = real
            .get(key)
            .unwrap_or_else(|| panic!("{key} does not exist"));
        if key != "default_env" {
            assert!(
                comment.contains(allowed),
                "{key}: says {comment:?}, allows {allowed:?}"
            );
        }
    }
    for key in real.keys() {
        assert!(
            documented.iter().any(|(name, _)| name == key),
            "{key} is not documented"
        );
    }
}

#[test]
fn every_switched_off_setting_of_the_shipped_file_works_when_switched_on() {
    let config = parse(&everything_on(), "local").unwrap_or_else(|e| panic!("{}", render(&e)));
    assert_eq!(config.account.unwrap().as_str(), "123456789012");
    assert_eq!(config.alarms.email.unwrap().as_str(), "oncall@example.com");
    assert_eq!(
        config.artifact.linker.unwrap().as_str(),
        "aarch64-linux-gnu-gcc"
    );
    let stripe = config.providers.get("stripe").unwrap();
    assert_eq!(
        stripe.confirm.as_ref().unwrap().base_url,
        "https://api.stripe.com"
    );
}

#[test]
fn the_values_shown_above_the_environments_are_the_defaults() {
    let (defaults, _) = SHIPPED.split_once("# -----").unwrap();
    let mut shown = dev(&format!("{defaults}\n[env.dev]\n"));
    assert_eq!(shown.tags.len(), 1);
    shown.tags.clear();
    let on: Vec<_> = shown.providers.keys().map(String::as_str).collect();
    assert_eq!(on, ["generic_hmac", "standard_webhooks", "stripe"]);
    let bare = format!(
        "{BARE}[providers.stripe]\n[providers.standard_webhooks]\n[providers.generic_hmac]\n"
    );
    assert_eq!(shown, dev(&bare));
}
