//! The role with which API Gateway writes logs, one for the whole account and region.

use super::Resource;
use crate::graph::{Declared, Input, RoleArn};
use serde::{Deserialize, Serialize};

/// API Gateway's account setting; set only where no working role stands, and cleared only where it is ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiAccount {
    /// The role to set.
    pub role: Input<RoleArn>,
}

impl Declared for ApiAccount {
    const KIND: &'static str = "api-account";
    fn physical_name(&self) -> String {
        "account".to_owned()
    }
}

impl Resource for ApiAccount {
    const TAGGED: bool = false;
}
