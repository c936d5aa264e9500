//! The secret that holds the providers' signing secrets; its value is never managed here.

mod calls;
#[cfg(test)]
mod tests;

use super::policy::{Action, Grantable};
use super::{Forced, Of, Resource, Schedule, Settle, Unmanaged};
use crate::graph::{Declared, Handle, Input, KeyArn, Output, SecretArn, Text};
use serde::{Deserialize, Serialize};

/// A Secrets Manager secret, without its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// Secret name.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// The customer-managed key.
    pub key: Input<KeyArn>,
    /// Days that AWS holds the secret back after a delete, 7 to 30; 0 deletes at once.
    pub recovery_window_days: u8,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

impl Declared for Secret {
    const KIND: &'static str = "secret";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Secret {
    const FORCED: &'static [Forced] = &[Forced {
        property: "name",
        rule: "Secrets Manager cannot rename a secret",
    }];
    const HOLDS: Option<&'static str> = Some("the providers' signing secrets");
    const UNREAD: &'static [&'static str] = &["recoveryWindowDays"];
    const SETTLE: &'static [Settle] = SETTLE;
    const IDENTITY: &'static [&'static str] = &["secretArn"];
}

/// A forced delete takes effect only after a while, and holds the name until then; facts: section 15.
const SETTLE: &[Settle] = &[Settle {
    name: "the deleted secret to release its name",
    of: Of::Itself,
    codes: &["InvalidRequestException"],
    messages: &["scheduled for deletion", "was deleted"],
    schedule: Schedule::PROPAGATION,
    budget_seconds: 120,
    otherwise: "somebody has deleted the secret again: look at it in the console of Secrets \
            Manager",
    source: "terraform-provider-aws, internal/service/secretsmanager/secret.go",
}];

impl Secret {
    /// Reading the value.
    pub const READ_VALUE: Action<Secret> = Action::new(&["secretsmanager:GetSecretValue"]);
}

impl Handle<Secret> {
    /// The secret's ARN with its random suffix.
    pub fn arn(&self) -> Output<SecretArn> {
        self.output("secretArn")
    }
}

impl Grantable for Secret {
    fn grant_arn(handle: &Handle<Self>) -> Input<Text> {
        Input::from(handle.arn()).into_text()
    }
}
