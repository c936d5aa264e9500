use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn new(value: &str, beside: bool) -> New {
    New {
        value: SecretText::new(value),
        not_before: None,
        not_after: None,
        beside,
    }
}

fn texts(vault: &Vault, provider: &str, now: &str) -> Vec<String> {
    let secrets = vault.secrets().expect("usable");
    let known = secrets.provider(provider).expect("known").clone();
    known
        .valid_at(at(now))
        .map(|value| value.text().unwrap_or("named").to_owned())
        .collect()
}

const NOW: &str = "2026-01-15T00:00:00Z";

#[test]
fn a_secret_replaces_those_of_its_provider_and_no_others() {
    let mut vault =
        Vault::parse(r#"{"stripe":{"signing":["a","b"],"api_key":"k"},"later":{"x":1}}"#)
            .expect("usable");
    vault.add("stripe", &new("c", false));
    vault.add("adyen", &new("d", false));
    assert_eq!(texts(&vault, "stripe", NOW), ["c"]);
    let whole: Value = serde_json::from_str(&vault.text()).expect("JSON");
    let wanted = json!({"stripe": {"signing": ["c"], "api_key": "k"}, "later": {"x": 1}, "adyen": {"signing": ["d"]}});
    assert_eq!(whole, wanted);
}

#[test]
fn during_a_rotation_the_new_one_comes_first_and_the_old_ones_stay() {
    let mut vault = Vault::parse(r#"{"stripe":{"signing":["old"]}}"#).expect("usable");
    vault.add("stripe", &new("fresh", true));
    vault.add("stripe", &new("fresh", true));
    assert_eq!(texts(&vault, "stripe", NOW), ["fresh", "old"]);
}

#[test]
fn a_secret_is_accepted_only_in_its_time() {
    let mut vault = Vault::parse("{}").expect("usable");
    let bounded = New {
        not_before: Some(at("2026-01-01T00:00:00Z")),
        not_after: Some(at("2026-02-01T00:00:00Z")),
        ..new("a", false)
    };
    vault.add("stripe", &bounded);
    assert_eq!(texts(&vault, "stripe", NOW), ["a"]);
    assert!(texts(&vault, "stripe", "2026-02-02T00:00:00Z").is_empty());
    let summaries = vault.summaries(at("2026-02-02T00:00:00Z")).expect("usable");
    assert!(!summaries[0].signing[0].accepted_now);
}

#[test]
fn named_secrets_are_given_as_a_json_object() {
    let mut vault = Vault::parse("{}").expect("usable");
    vault.add(
        "braintree",
        &new(r#"{"public_key":"p","private_key":"q"}"#, false),
    );
    vault.set_api_key("stripe", &SecretText::new("sk_1"));
    let secrets = vault.secrets().expect("usable");
    let pair = &secrets.provider("braintree").expect("known").signing[0].value;
    assert_eq!(pair.named("private_key"), Some("q"));
    let key = secrets
        .provider("stripe")
        .and_then(|known| known.api_key.clone());
    assert_eq!(key.as_ref().and_then(|key| key.text()), Some("sk_1"));
}

#[test]
fn a_summary_never_holds_a_secret() {
    let mut vault =
        Vault::parse(r#"{"stripe":{"signing":["hunter2"],"api_key":"hunter2"}}"#).expect("usable");
    vault.add("stripe", &new("hunter2too", true));
    let summaries = vault.summaries(at(NOW)).expect("usable");
    let told = format!(
        "{summaries:?} {}",
        serde_json::to_string(&summaries).expect("JSON")
    );
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(summaries[0].signing.len(), 2);
    assert!(summaries[0].api_key);
}

#[test]
fn a_secret_that_the_functions_could_not_use_is_refused() {
    assert!(Vault::parse(r#"{"stripe":"whsec"}"#).is_err());
    assert!(Vault::parse("not json").is_err());
}

fn rotate(vault: &mut Vault, value: &str, now: &str, until: &str) -> Rotation {
    vault.rotate("stripe", &SecretText::new(value), at(now), at(until))
}

#[test]
fn a_rotation_keeps_the_old_secret_for_the_overlap_and_not_longer() {
    let mut vault =
        Vault::parse(r#"{"stripe":{"signing":["old"],"api_key":"k"}}"#).expect("usable");
    let until = "2026-01-16T00:00:00Z";
    let rotation = rotate(&mut vault, "fresh", NOW, until);
    assert_eq!(
        (rotation.added, rotation.limited, rotation.dropped),
        (true, 1, 0)
    );
    assert_eq!(texts(&vault, "stripe", NOW), ["fresh", "old"]);
    assert_eq!(texts(&vault, "stripe", until), ["fresh", "old"]);
    assert_eq!(texts(&vault, "stripe", "2026-01-16T00:00:01Z"), ["fresh"]);
    assert!(
        vault.summaries(at(NOW)).expect("usable")[0].api_key,
        "the key of the API stays"
    );
}

#[test]
fn a_rotation_that_is_repeated_changes_nothing_and_makes_no_overlap_longer() {
    let mut vault = Vault::parse(r#"{"stripe":{"signing":["old"]}}"#).expect("usable");
    rotate(&mut vault, "fresh", NOW, "2026-01-16T00:00:00Z");
    let once = vault.text();
    let again = rotate(
        &mut vault,
        "fresh",
        "2026-01-15T12:00:00Z",
        "2026-01-16T12:00:00Z",
    );
    assert_eq!(again, Rotation::default());
    assert_eq!(vault.text(), once);
}

#[test]
fn secrets_whose_time_is_over_are_taken_out_by_the_next_rotation() {
    let mut vault = Vault::parse(r#"{"stripe":{"signing":["first"]}}"#).expect("usable");
    rotate(&mut vault, "second", NOW, "2026-01-16T00:00:00Z");
    let rotation = rotate(
        &mut vault,
        "third",
        "2026-02-01T00:00:00Z",
        "2026-02-02T00:00:00Z",
    );
    assert_eq!((rotation.limited, rotation.dropped), (1, 1));
    assert_eq!(
        texts(&vault, "stripe", "2026-02-01T00:00:00Z"),
        ["third", "second"]
    );
    let leaked = rotate(
        &mut vault,
        "fourth",
        "2026-02-01T00:00:00Z",
        "2026-02-01T00:00:00Z",
    );
    assert_eq!(
        (leaked.limited, leaked.dropped),
        (0, 2),
        "without an overlap they go at once"
    );
}

#[test]
fn going_back_to_the_old_secret_during_the_overlap_lifts_its_end() {
    let mut vault = Vault::parse(r#"{"stripe":{"signing":["old"]}}"#).expect("usable");
    rotate(&mut vault, "fresh", NOW, "2026-01-16T00:00:00Z");
    rotate(&mut vault, "old", NOW, "2026-01-16T00:00:00Z");
    assert_eq!(texts(&vault, "stripe", NOW), ["old", "fresh"]);
    assert_eq!(texts(&vault, "stripe", "2026-03-01T00:00:00Z"), ["old"]);
}

#[test]
fn a_rotation_of_named_secrets_keeps_their_names() {
    let pair = |private: &str| format!(r#"{{"public_key":"p","private_key":"{private}"}}"#);
    let mut vault = Vault::parse("{}").expect("usable");
    vault.add("stripe", &new(&pair("q"), false));
    rotate(&mut vault, &pair("r"), NOW, "2026-01-16T00:00:00Z");
    let secrets = vault.secrets().expect("usable");
    let signing = &secrets.provider("stripe").expect("known").signing;
    let private: Vec<_> = signing
        .iter()
        .map(|one| one.value.named("private_key"))
        .collect();
    assert_eq!(private, [Some("r"), Some("q")]);
}

#[test]
fn a_rotation_is_finished_only_when_the_new_secret_is_accepted() {
    let mut vault = Vault::parse("{}").expect("usable");
    assert_eq!(vault.finish_rotation("stripe", at(NOW)), None);
    vault.add("stripe", &new("old", false));
    let later = New {
        not_before: Some(at("2026-02-01T00:00:00Z")),
        ..new("fresh", true)
    };
    vault.add("stripe", &later);
    assert_eq!(vault.finish_rotation("stripe", at(NOW)), None);
    assert_eq!(texts(&vault, "stripe", NOW), ["old"]);
    let then = at("2026-02-01T00:00:00Z");
    assert_eq!(
        vault
            .finish_rotation("stripe", then)
            .map(|done| done.dropped),
        Some(1)
    );
    assert_eq!(texts(&vault, "stripe", "2026-02-01T00:00:00Z"), ["fresh"]);
}
