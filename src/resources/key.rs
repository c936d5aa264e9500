//! The customer-managed KMS key that encrypts everything of the stack.

use super::policy::{Action, Grantable};
use super::{Forced, Replace, Resource};
use crate::graph::{Declared, Handle, Input, KeyArn, KeyId, Output, Text};
use serde::{Deserialize, Serialize};

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
    fn physical_name(&self) -> String {
        self.description.clone()
    }
}

impl Resource for Key {
    const FORCED: &'static [Forced] = &[];
    const REPLACE: Replace = Replace::CreateFirst;
    const HOLDS: Option<&'static str> = Some("everything encrypted with it");
    const UNREAD: &'static [&'static str] = &["deletionWindowDays"];
}

impl Key {
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
