//! The name of the key.

use super::Resource;
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
}
