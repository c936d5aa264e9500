//! What a plan is made from beside the graph and the state.

use super::tag;
use crate::graph::{LogicalName, given};
use crate::resources::{Given, Tags};
use std::collections::BTreeMap;

/// What is known before any resource.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Name of the stack.
    pub stack: String,
    /// Environment.
    pub env: String,
    /// Account and region.
    pub given: Given,
    /// Base64 SHA-256 of each function's zip, by function.
    pub artifacts: BTreeMap<String, String>,
    /// The user's tags.
    pub tags: Tags,
}

impl Facts {
    /// The tags that a resource must carry: ownership, then the user's.
    pub fn tags_of(&self, resource: &LogicalName) -> Tags {
        let mut tags = self.tags.clone();
        tags.insert(tag::STACK.to_owned(), self.stack.clone());
        tags.insert(tag::ENV.to_owned(), self.env.clone());
        tags.insert(tag::RESOURCE.to_owned(), resource.to_string());
        tags
    }

    /// Every fact by the text of its reference.
    pub fn flat(&self) -> BTreeMap<String, String> {
        let aws = [
            ("partition", &self.given.partition),
            ("region", &self.given.region),
            ("accountId", &self.given.account),
        ];
        let aws = aws.map(|(name, value)| (format!("{}.{name}", given::AWS), value.clone()));
        let artifacts = self.artifacts.iter();
        let artifacts =
            artifacts.map(|(name, sha)| (format!("{}.{name}", given::ARTIFACT), sha.clone()));
        aws.into_iter().chain(artifacts).collect()
    }

    /// Whether tags prove that a resource is this one of ours.
    pub fn owns(&self, resource: &LogicalName, tags: &Tags) -> bool {
        let says = |key: &str, value: &str| tags.get(key).is_some_and(|v| v == value);
        says(tag::STACK, &self.stack)
            && says(tag::ENV, &self.env)
            && says(tag::RESOURCE, resource.as_str())
    }
}
