//! Reads keys out of the defaults and one environment's overrides, and notes what is wrong.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Finding, nearest};
use super::setting::{Setting, describe};

/// What reading one file has brought to light so far.
#[derive(Default)]
pub(super) struct Notes {
    pub findings: RefCell<Vec<Finding>>,
    /// Every key that exists, by its full path, with what it allows.
    pub keys: RefCell<BTreeMap<String, String>>,
    /// Values that look like secrets and must not be shown with an error.
    pub masked: RefCell<Vec<Range<usize>>>,
}

impl Notes {
    pub fn add(
        &self,
        at: Option<Range<usize>>,
        message: String,
        label: String,
        help: Option<String>,
    ) {
        self.findings.borrow_mut().push(Finding {
            message,
            at,
            label,
            help,
        });
    }
}

/// One section as an environment sees it: its own keys over the defaults.
pub(super) struct Section<'a> {
    notes: &'a Notes,
    path: String,
    /// The defaults first, the environment's own table last.
    layers: Vec<&'a DeTable<'a>>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The top of the file; `env` and `default_env`, read elsewhere, may only stand in the defaults.
    pub fn new(notes: &'a Notes, defaults: &'a DeTable<'a>, overrides: &'a DeTable<'a>) -> Self {
        Self {
            notes,
            path: String::new(),
            layers: vec![defaults, overrides],
            known: Vec::new(),
        }
    }

    pub fn notes(&self) -> &'a Notes {
        self.notes
    }

    /// Whether the defaults or the environment have this key.
    pub fn has(&self, key: &str) -> bool {
        self.found(key).next().is_some()
    }

    /// The value in force; every layer's value must obey the rule, also one that is overridden.
    pub fn value<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        self.known.push(key);
        let path = self.path_of(key);
        self.notes
            .keys
            .borrow_mut()
            .insert(path.clone(), T::allowed());
        let mut in_force = None;
        for value in self.found(key) {
            match T::read(value.get_ref()) {
                Some(read) => in_force = Some(read),
                None => self.notes.add(
                    Some(value.span()),
                    format!("`{path}` must be {}", T::rule()),
                    describe(value.get_ref()),
                    None,
                ),
            }
        }
        in_force
    }

    /// The value in force, or the type's default.
    pub fn value_or_default<T: Setting + Default>(&mut self, key: &'static str) -> T {
        self.value(key).unwrap_or_default()
    }

    /// The value in force, or this one.
    pub fn value_or<T: Setting>(&mut self, key: &'static str, otherwise: T) -> T {
        self.value(key).unwrap_or(otherwise)
    }

    /// The section below a key, empty where nobody wrote it.
    pub fn section(&mut self, key: &'static str) -> Section<'a> {
        self.known.push(key);
        let path = self.path_of(key);
        let mut layers = Vec::new();
        for value in self.found(key) {
            match value.get_ref() {
                DeValue::Table(table) => layers.push(table),
                other => self.notes.add(
                    Some(value.span()),
                    format!("`{path}` is a section, not a value"),
                    describe(other),
                    Some(format!("write its keys below a line [{path}]")),
                ),
            }
        }
        Section {
            notes: self.notes,
            path,
            layers,
            known: Vec::new(),
        }
    }

    /// Keys that users choose themselves, the environment's value over the default's.
    pub fn entries<K: Setting + Ord, V: Setting>(&mut self, key: &'static str) -> BTreeMap<K, V> {
        let section = self.section(key);
        let path = format!("{}.*", section.path);
        self.notes.keys.borrow_mut().insert(path, K::allowed());
        let mut entries = BTreeMap::new();
        for (name, value) in section.layers.iter().flat_map(|table| table.iter()) {
            let text: &str = name.get_ref();
            let Some(read) = K::read(&DeValue::String(text.into())) else {
                self.notes.add(
                    Some(name.span()),
                    format!("a key of `{}` must be {}", section.path, K::rule()),
                    "this key".into(),
                    None,
                );
                continue;
            };
            match V::read(value.get_ref()) {
                Some(value) => {
                    entries.insert(read, value);
                }
                None => self.notes.add(
                    Some(value.span()),
                    format!("`{}.{text}` must be {}", section.path, V::rule()),
                    describe(value.get_ref()),
                    None,
                ),
            }
        }
        entries
    }

    /// Where the value in force stands.
    pub fn span(&self, key: &str) -> Option<Range<usize>> {
        self.found(key).last().map(Spanned::span)
    }

    /// Ends the reading of this section: whatever was not asked for does not exist.
    pub fn done(self) {
        for (layer, table) in self.layers.iter().enumerate() {
            let of_the_file: &[&str] = match (self.path.as_str(), layer) {
                ("", 0) => &["default_env", "env"],
                _ => &[],
            };
            for (key, value) in table.iter() {
                let name: &str = key.get_ref();
                if !self.known.contains(&name) && !of_the_file.contains(&name) {
                    self.unknown(name, key.span(), value);
                }
            }
        }
    }

    fn unknown(&self, name: &str, at: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let (message, help) = if holds_secret(name, value.get_ref()) {
            self.notes.masked.borrow_mut().push(value.span());
            (
                format!(
                    "`{}` looks like a secret, and infra.toml holds none",
                    self.path_of(name)
                ),
                "remove it, and give it to AWS Secrets Manager with `payhook secret set`".into(),
            )
        } else {
            let help = match nearest(name, self.known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if self.known.is_empty() => "this section takes no keys".into(),
                None => format!("known here: {}", self.known.join(", ")),
            };
            (format!("there is no `{}`", self.path_of(name)), help)
        };
        self.notes
            .add(Some(at), message, "this key".into(), Some(help));
    }

    fn found(&self, key: &str) -> impl Iterator<Item = &'a Spanned<DeValue<'a>>> {
        let layers = self.layers.clone();
        let key = key.to_owned();
        layers
            .into_iter()
            .filter_map(move |table| entry(table, &key))
    }

    fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }
}

fn holds_secret(name: &str, value: &DeValue<'_>) -> bool {
    const WORDS: [&str; 6] = [
        "secret",
        "signing",
        "api_key",
        "token",
        "password",
        "credential",
    ];
    !value.is_table() && WORDS.iter().any(|word| name.contains(word))
}

/// The value below a key.
pub(super) fn entry<'a>(table: &'a DeTable<'a>, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
    table
        .iter()
        .find(|(name, _)| name.get_ref() == key)
        .map(|(_, value)| value)
}
