//! A value of infra.toml that has a rule.

use toml::de::{DeInteger, DeValue};

/// A type that infra.toml can hold under a key.
pub(super) trait Setting: Sized {
    /// The rule as an error states it after "must be".
    fn rule() -> String;

    /// The part of the rule that the comment beside the key in the shipped infra.toml repeats.
    fn allowed() -> String {
        Self::rule()
    }

    /// The value, or nothing when it breaks the rule.
    fn read(value: &DeValue<'_>) -> Option<Self>;
}

impl Setting for bool {
    fn rule() -> String {
        "true or false".into()
    }

    fn read(value: &DeValue<'_>) -> Option<Self> {
        value.as_bool()
    }
}

/// A number written in any base TOML knows.
pub(super) fn integer(value: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(value.as_str(), value.radix()).ok()
}

/// What stands there, in words, for the label under it.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.is_empty() => "this is empty".into(),
        DeValue::String(_) => "this is text".into(),
        DeValue::Integer(number) => format!("this is {number}"),
        DeValue::Float(number) => format!("this is {number}"),
        DeValue::Boolean(truth) => format!("this is {truth}"),
        DeValue::Datetime(_) => "this is a date".into(),
        DeValue::Array(_) => "this is a list".into(),
        DeValue::Table(_) => "this is a section".into(),
    }
}

/// Whole numbers between two bounds, with the default used where infra.toml is silent.
///
/// The default is checked against the bounds when payhook is compiled.
macro_rules! whole_numbers {
    ($($(#[$doc:meta])* $name:ident($inner:ty): $default:literal in $min:literal..=$max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name($inner);

        impl $name {
            pub const MIN: $inner = $min;
            pub const MAX: $inner = $max;

            pub const fn new(number: $inner) -> Option<Self> {
                if number < Self::MIN || number > Self::MAX { None } else { Some(Self(number)) }
            }

            pub const fn get(self) -> $inner {
                self.0
            }
        }

        const _: () = assert!($name::new($default).is_some());

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Setting for $name {
            fn rule() -> String {
                format!("a whole number, {}", Self::allowed())
            }

            fn allowed() -> String {
                format!("{} to {}", Self::MIN, Self::MAX)
            }

            fn read(value: &DeValue<'_>) -> Option<Self> {
                let number = value.as_integer().and_then(integer)?;
                <$inner>::try_from(number).ok().and_then(Self::new)
            }
        }
    )*};
}

/// Text that must satisfy a check.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $rule:literal, $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Option<Self> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                check(&text).then_some(Self(text))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Setting for $name {
            fn rule() -> String {
                $rule.into()
            }

            fn read(value: &DeValue<'_>) -> Option<Self> {
                value.as_str().and_then(Self::new)
            }
        }
    )*};
}

/// A word for each variant of an enum, wherever the enum is defined.
macro_rules! word_settings {
    ($($name:ident { $($variant:ident = $word:literal,)* })*) => {$(
        impl Setting for $name {
            fn rule() -> String {
                [$(concat!("\"", $word, "\"")),*].join(" or ")
            }

            fn read(value: &DeValue<'_>) -> Option<Self> {
                match value.as_str()? {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}

/// One word out of a list.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        word_settings! { $name { $($variant = $word,)* } }
    )*};
}

pub(super) use {texts, whole_numbers, word_settings, words};
