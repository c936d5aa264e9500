//! Which environments a file has, and which one is meant.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::nearest;
use super::section::{Notes, entry};
use super::setting::{Setting, describe};
use super::values::EnvName;

/// Environments in the file's order, each with its overrides.
pub(super) type Environments<'a> = Vec<(EnvName, &'a DeTable<'a>)>;

/// The `[env.NAME]` sections.
pub(super) fn environments<'a>(notes: &Notes, root: &'a DeTable<'a>) -> Environments<'a> {
    let Some(DeValue::Table(tables)) = entry(root, "env").map(Spanned::get_ref) else {
        notes.add(
            entry(root, "env").map(Spanned::span),
            "there is no environment".into(),
            "this is not a section".into(),
            Some("add a line [env.dev]; its keys override the defaults above it".into()),
        );
        return Vec::new();
    };
    let mut envs = Vec::new();
    for (key, value) in tables {
        let name: &str = key.get_ref();
        match (EnvName::new(name), value.get_ref()) {
            (Some(env), DeValue::Table(table)) => envs.push((env, table)),
            (None, _) => notes.add(
                Some(key.span()),
                format!("the name of an environment must be {}", EnvName::rule()),
                "this name".into(),
                None,
            ),
            (_, other) => notes.add(
                Some(value.span()),
                format!("`env.{name}` is a section, not a value"),
                describe(other),
                Some("write its keys below a line such as [env.dev]".into()),
            ),
        }
    }
    envs
}

/// The environment to resolve: the one named on the command line, else `default_env`, else the only one.
pub(super) fn choose(
    notes: &Notes,
    root: &DeTable<'_>,
    envs: &Environments<'_>,
    wanted: Option<&str>,
) -> Option<EnvName> {
    notes
        .keys
        .borrow_mut()
        .insert("default_env".into(), "the name of an environment".into());
    let default = entry(root, "default_env");
    let known: Vec<&str> = envs.iter().map(|(env, _)| env.as_str()).collect();
    let find = |name: &str| {
        envs.iter()
            .map(|(env, _)| env)
            .find(|env| env.as_str() == name)
    };
    let unknown = |name: &str, at| {
        let list = known.join(", ");
        let help = match nearest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`? environments here: {list}"),
            None => format!("environments here: {list}; a new one begins with a line [env.{name}]"),
        };
        notes.add(
            at,
            format!("there is no environment `{name}`"),
            "named here".into(),
            Some(help),
        );
    };
    if let Some(value) = default {
        match value.get_ref().as_str() {
            Some(name) if find(name).is_some() => {}
            Some(name) => unknown(name, Some(value.span())),
            None => notes.add(
                Some(value.span()),
                "`default_env` must be the name of an environment".into(),
                describe(value.get_ref()),
                None,
            ),
        }
    }
    match (wanted, default, envs.as_slice()) {
        (Some(name), _, _) => {
            let env = find(name);
            if env.is_none() {
                unknown(name, None);
            }
            env.cloned()
        }
        (None, Some(value), _) => value.get_ref().as_str().and_then(find).cloned(),
        (None, None, [(only, _)]) => Some(only.clone()),
        (None, None, []) => None,
        (None, None, _) => {
            notes.add(
                None,
                "no environment is named, and there is no `default_env`".into(),
                String::new(),
                Some(format!("name one with --env: {}", known.join(", "))),
            );
            None
        }
    }
}
