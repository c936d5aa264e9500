//! The customer-managed KMS key that encrypts everything of the stack.

mod calls;
mod policy;
#[cfg(test)]
mod tests;

use super::policy::document::{canonical_conditions, sorted_texts};
use super::policy::{Action, Grantable};
use super::{Forced, Given, Kind, Of, Replace, Resource, Schedule, Settle};
use crate::graph::{Declared, Handle, Input, KeyArn, KeyId, Output, Text};
use serde::{Deserialize, Serialize};

pub(super) use calls::tags_of;

/// A symmetric KMS key with yearly or faster rotation.
///
/// KMS keys have no name: a key is found again by its ownership tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// Shown in the console.
    pub description: String,
    /// Whether AWS rotates the key material.
    pub rotation: bool,
    /// Days between rotations, 90 to 2560.
    pub rotation_period_days: u16,
    /// Services that use the key in their own name, each bound to its resources.
    pub services: Vec<ServiceUse>,
    /// Days that AWS holds the key back after a delete, 7 to 30.
    pub deletion_window_days: u8,
}

/// A statement of the key policy for a service that uses the key in its own name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceUse {
    /// Statement id.
    pub sid: String,
    /// Service principal, `logs.eu-central-1.amazonaws.com`.
    pub principal: Input<Text>,
    /// Actions allowed.
    pub actions: Vec<String>,
    /// Condition operator, key and values: `ArnEquals`, `kms:EncryptionContext:aws:logs:arn`, ARNs.
    pub conditions: Vec<super::policy::Condition>,
}

impl Declared for Key {
    const KIND: &'static str = "kms-key";
    // A key has no name in the cloud, and its description may change.
    fn physical_name(&self) -> String {
        "customer-managed key".to_owned()
    }
}

impl Resource for Key {
    const FORCED: &'static [Forced] = &[];
    const REPLACE: Replace = Replace::CreateFirst;
    const HOLDS: Option<&'static str> = Some("everything encrypted with it");
    const UNREAD: &'static [&'static str] = &["deletionWindowDays"];
    const SETTLE: &'static [Settle] = SETTLE;
    const IDENTITY: &'static [&'static str] = &["keyId"];
    const UNIQUE: bool = false;
    // KMS is eventually consistent; facts: section 2.
    const HIDDEN_SECONDS: u64 = 120;

    fn canonical(mut self) -> Self {
        for service in &mut self.services {
            service.actions = sorted_texts(std::mem::take(&mut service.actions));
            service.conditions = canonical_conditions(std::mem::take(&mut service.conditions));
        }
        self.services.sort_by(|a, b| a.sid.cmp(&b.sid));
        if !self.rotation {
            self.rotation_period_days = Self::DEFAULT_ROTATION_DAYS;
        }
        self
    }
}

/// KMS is eventually consistent; facts: section 2.
const SETTLE: &[Settle] = &[
    Settle {
        name: "key to be visible",
        of: Of::Itself,
        codes: &["NotFoundException"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 120,
        otherwise: "somebody has deleted the key",
        source: "terraform-provider-aws, internal/service/kms/key.go",
    },
    Settle {
        name: "key to be enabled",
        of: Of::Itself,
        codes: &["DisabledException"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 600,
        otherwise: "somebody keeps disabling the key",
        source: "terraform-provider-aws, internal/service/kms/key.go",
    },
    Settle {
        name: "principals of the key policy to be visible to KMS",
        of: Of::Edge(Kind::Role),
        codes: &["MalformedPolicyDocumentException"],
        messages: &["invalid principals"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 120,
        otherwise: "the key policy names a role or service that does not exist",
        source: "terraform-provider-aws, internal/service/kms/key.go",
    },
];

impl Key {
    /// What AWS takes when no period is given.
    const DEFAULT_ROTATION_DAYS: u16 = 365;
    /// Decrypting what a service encrypted with the key, in the caller's name.
    pub const DECRYPT: Action<Key> = Action::new(&["kms:Decrypt", "kms:DescribeKey"]);
    /// Encrypting and decrypting through a service.
    pub const ENCRYPT_DECRYPT: Action<Key> =
        Action::new(&["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]);
}

impl Handle<Key> {
    /// The key's ARN.
    pub fn arn(&self) -> Output<KeyArn> {
        self.output("keyArn")
    }
    /// The key's bare id.
    pub fn id(&self) -> Output<KeyId> {
        self.output("keyId")
    }
}

impl Grantable for Key {
    fn grant_arn(handle: &Handle<Self>) -> Input<Text> {
        Input::from(handle.arn()).into_text()
    }
}

/// The ARN of a key that a service shows by id or by ARN; an alias stays as it is.
pub(super) fn arn_of(given: &Given, reference: &str) -> String {
    if reference.is_empty() || reference.starts_with("arn:") || reference.starts_with("alias/") {
        return reference.to_owned();
    }
    given.arn("kms", &format!("key/{reference}"))
}

/// The bare id of a key given by id or by ARN.
pub(super) fn id_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}
