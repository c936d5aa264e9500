//! The list of kinds, and the bridge from plain data to their types.

use super::{
    Address, At, Aws, Class, CloudError, Delete, Forced, Given, Guard, Leftover, Live, Observed,
    Outputs, Poll, Put, Replace, Seen, Settle,
};
use crate::graph::Declared;
use async_trait::async_trait;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

macro_rules! registry {
    ($($kind:ident = $type:ty),* $(,)?) => {
        /// A kind of resource.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $(#[doc = concat!("See [`", stringify!($type), "`].")] $kind,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The kind's name as it stands in plans and state.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$kind => <$type as Declared>::KIND,)*
                }
            }
        }

        /// What is known of a kind.
        pub fn definition(kind: Kind) -> &'static dyn Definition {
            match kind {
                $(Kind::$kind => &Typed::<$type>(PhantomData),)*
            }
        }
    };
}

registry! {
    Key = super::key::Key,
    KeyAlias = super::key_alias::KeyAlias,
    Role = super::role::Role,
    Secret = super::secret::Secret,
    Queue = super::queue::Queue,
    Topic = super::topic::Topic,
    LogGroup = super::log_group::LogGroup,
    Table = super::table::Table,
    Bucket = super::bucket::Bucket,
    Function = super::function::Function,
    Permission = super::permission::Permission,
    StateMachine = super::state_machine::StateMachine,
    Pipe = super::pipe::Pipe,
    Api = super::api::Api,
    ApiDeployment = super::api_deployment::ApiDeployment,
    ApiStage = super::api_stage::ApiStage,
    ApiAccount = super::api_account::ApiAccount,
    Alarm = super::alarm::Alarm,
    Dashboard = super::dashboard::Dashboard,
}

impl Kind {
    /// Looks a kind up by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name)
            .ok_or_else(|| D::Error::custom(format!("kind `{name}` is not known to this payhook")))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of every kind.
pub fn definitions() -> impl Iterator<Item = &'static dyn Definition> {
    Kind::ALL.iter().map(|kind| definition(*kind))
}

/// A kind seen from outside its type: the same rules and calls over plain data.
#[async_trait]
pub trait Definition: Send + Sync {
    /// Properties whose change needs a replace.
    fn forced(&self) -> &'static [Forced];
    /// How a replace is done.
    fn replace(&self) -> Replace;
    /// What a delete would lose.
    fn holds(&self) -> Option<&'static str>;
    /// The setting by which AWS itself refuses a delete.
    fn guard(&self) -> Option<Guard>;
    /// Whether AWS keeps tags for it.
    fn tagged(&self) -> bool;
    /// Properties that AWS never shows.
    fn unread(&self) -> &'static [&'static str];
    /// Refusals that pass by themselves.
    fn settle(&self) -> &'static [Settle];
    /// How often to look while a change takes effect.
    fn poll(&self) -> Poll;
    /// Outputs that an update gives a new value: (changed property, output).
    fn renews(&self) -> &'static [(&'static str, &'static str)];
    /// Properties without which it cannot be looked for.
    fn found_by(&self) -> &'static [&'static str];
    /// Outputs that tell it from another one of the same name.
    fn identity(&self) -> &'static [&'static str];
    /// Whether AWS refuses a second one of the same name.
    fn unique(&self) -> bool;
    /// For how long reads may not show one that was just made.
    fn hidden(&self) -> Duration;
    /// Outputs known before the resource exists.
    fn predicted(&self, properties: &Value, given: &Given) -> Outputs;
    /// One form for all equal spellings; data that is not of this kind comes back unchanged.
    fn canonical(&self, properties: &Value) -> Value;
    /// Reads from AWS.
    async fn read(&self, aws: &Aws, at: &Address) -> Result<Option<Seen>, CloudError>;
    /// Predecessors that a stopped replace has left on AWS.
    async fn leftovers(
        &self,
        aws: &Aws,
        at: &Address,
        seen: &Seen,
    ) -> Result<Vec<Leftover>, CloudError>;
    /// Moves towards the wanted properties on AWS.
    async fn put(&self, aws: &Aws, at: &Address, seen: Option<&Seen>) -> Result<Put, CloudError>;
    /// Deletes on AWS.
    async fn delete(&self, aws: &Aws, at: &Address, seen: &Seen) -> Result<Delete, CloudError>;
}

struct Typed<R>(PhantomData<fn() -> R>);

impl<R: Live> Typed<R> {
    fn parse(logical: &str, properties: &Value) -> Result<R, CloudError> {
        serde_json::from_value(properties.clone()).map_err(|error| {
            let what = format!(
                "properties of `{logical}` do not fit kind {}: {error}",
                R::KIND
            );
            CloudError::new("payhook", Class::Invalid, "bad-properties", what)
        })
    }

    fn at(at: &Address) -> Result<At<R>, CloudError> {
        Ok(At {
            logical: at.logical.to_string(),
            properties: Self::parse(at.logical.as_str(), &at.properties)?,
            outputs: at.outputs.clone(),
            tags: at.tags.clone(),
        })
    }

    fn observed(at: &Address, seen: &Seen) -> Result<Observed<R>, CloudError> {
        Ok(Observed {
            properties: Self::parse(at.logical.as_str(), &seen.properties)?,
            outputs: seen.outputs.clone(),
            tags: seen.tags.clone(),
            condition: seen.condition.clone(),
            unseen: Vec::new(),
        })
    }
}

fn data<R: Serialize>(properties: R) -> Value {
    serde_json::to_value(properties).unwrap_or(Value::Null)
}

#[async_trait]
impl<R: Live> Definition for Typed<R> {
    fn forced(&self) -> &'static [Forced] {
        R::FORCED
    }
    fn replace(&self) -> Replace {
        R::REPLACE
    }
    fn holds(&self) -> Option<&'static str> {
        R::HOLDS
    }
    fn guard(&self) -> Option<Guard> {
        R::GUARD
    }
    fn tagged(&self) -> bool {
        R::TAGGED
    }
    fn unread(&self) -> &'static [&'static str] {
        R::UNREAD
    }
    fn settle(&self) -> &'static [Settle] {
        R::SETTLE
    }
    fn poll(&self) -> Poll {
        R::POLL
    }
    fn renews(&self) -> &'static [(&'static str, &'static str)] {
        R::RENEWS
    }
    fn found_by(&self) -> &'static [&'static str] {
        R::FOUND_BY
    }
    fn identity(&self) -> &'static [&'static str] {
        R::IDENTITY
    }
    fn unique(&self) -> bool {
        R::UNIQUE
    }
    fn hidden(&self) -> Duration {
        Duration::from_secs(R::HIDDEN_SECONDS)
    }

    fn predicted(&self, properties: &Value, given: &Given) -> Outputs {
        serde_json::from_value::<R>(properties.clone())
            .map(|resource| resource.predicted(given))
            .unwrap_or_default()
    }

    fn canonical(&self, properties: &Value) -> Value {
        match serde_json::from_value::<R>(properties.clone()) {
            Ok(resource) => data(resource.canonical()),
            Err(_) => properties.clone(),
        }
    }

    async fn read(&self, aws: &Aws, at: &Address) -> Result<Option<Seen>, CloudError> {
        let observed = R::read(aws, &Self::at(at)?).await?;
        Ok(observed.map(|observed| Seen {
            properties: data(observed.properties.canonical()),
            outputs: observed.outputs,
            tags: observed.tags,
            condition: observed.condition,
            unseen: observed.unseen.iter().map(|p| (*p).to_owned()).collect(),
            leftovers: Vec::new(),
        }))
    }

    async fn leftovers(
        &self,
        aws: &Aws,
        at: &Address,
        seen: &Seen,
    ) -> Result<Vec<Leftover>, CloudError> {
        let found = R::leftovers(aws, &Self::at(at)?, &Self::observed(at, seen)?).await?;
        let leftover = |observed: Observed<R>| Leftover {
            properties: data(observed.properties.canonical()),
            outputs: observed.outputs,
        };
        Ok(found.into_iter().map(leftover).collect())
    }

    async fn put(&self, aws: &Aws, at: &Address, seen: Option<&Seen>) -> Result<Put, CloudError> {
        let observed = seen.map(|seen| Self::observed(at, seen)).transpose()?;
        R::put(aws, &Self::at(at)?, observed.as_ref()).await
    }

    async fn delete(&self, aws: &Aws, at: &Address, seen: &Seen) -> Result<Delete, CloudError> {
        R::delete(aws, &Self::at(at)?, &Self::observed(at, seen)?).await
    }
}
