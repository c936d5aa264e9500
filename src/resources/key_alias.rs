//! The name of the key.

mod calls;
#[cfg(test)]
mod tests;

use super::key::id_of;
use super::{Given, Kind, Of, Outputs, Resource, Schedule, Settle};
use crate::graph::{Declared, Input, KeyId};
use serde::{Deserialize, Serialize};

/// A KMS alias; pointing it at another key is an update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyAlias {
    /// `alias/...`.
    pub name: String,
    /// The key it points at.
    pub key: Input<KeyId>,
}

impl Declared for KeyAlias {
    const KIND: &'static str = "kms-alias";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for KeyAlias {
    const FORCED: &'static [super::Forced] = &[super::Forced {
        property: "name",
        rule: "KMS cannot rename an alias",
    }];
    const TAGGED: bool = false;
    const SETTLE: &'static [Settle] = SETTLE;

    fn predicted(&self, given: &Given) -> Outputs {
        Outputs::from([("aliasArn".to_owned(), given.arn("kms", &self.name))])
    }

    fn canonical(mut self) -> Self {
        if let Ok(key) = self.key.get() {
            self.key = Input::known(id_of(&key));
        }
        self
    }
}

/// A new key is not at once visible to aliases; facts: section 3.
const SETTLE: &[Settle] = &[Settle {
    name: "key to be visible to aliases",
    of: Of::Edge(Kind::Key),
    codes: &["NotFoundException"],
    messages: &[],
    schedule: Schedule::PROPAGATION,
    budget_seconds: 600,
    otherwise: "somebody has deleted the key or the alias",
    source: "terraform-provider-aws, internal/service/kms/alias.go",
}];
