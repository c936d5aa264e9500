//! What was made reaches those who use it late: edge by edge, with the words in which AWS refuses until then.

use crate::resources::{Class, CloudError, Kind};
use std::time::Duration;

/// How AWS says that something has not reached a user of it yet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// The call is refused with this code and these words.
    Call(&'static str, &'static str),
    /// The call succeeds, and what it makes fails later for this reason.
    Later(&'static str),
}

/// One kind uses another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) made: Kind,
    pub(super) user: Kind,
    pub(super) refusal: Refusal,
    /// For how long at most, in seconds.
    pub(super) most: u64,
}

const fn edge(made: Kind, user: Kind, most: u64, refusal: Refusal) -> Edge {
    Edge {
        made,
        user,
        refusal,
        most,
    }
}

const STREAM: &str = "Cannot access stream; ensure the customer role can perform the actions on it";

/// Codes and words as AWS sends them (facts: section 1.2, 2, 3, 7, 10, 11, 13); IAM reaches others within single-digit
/// seconds, a fresh stream reached a pipe only after more than 90 s (terraform-provider-aws 40572).
pub(super) const EDGES: &[Edge] = &[
    edge(
        Kind::Role,
        Kind::Function,
        9,
        Refusal::Call(
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        ),
    ),
    edge(
        Kind::Role,
        Kind::StateMachine,
        9,
        Refusal::Call(
            "AccessDeniedException",
            "states.amazonaws.com is not authorized to assume the provided role",
        ),
    ),
    edge(
        Kind::Role,
        Kind::ApiAccount,
        9,
        Refusal::Call(
            "BadRequestException",
            "The role ARN does not have required permissions configured",
        ),
    ),
    edge(Kind::Role, Kind::Pipe, 9, Refusal::Later(STREAM)),
    edge(Kind::Table, Kind::Pipe, 100, Refusal::Later(STREAM)),
    edge(
        Kind::Key,
        Kind::KeyAlias,
        9,
        Refusal::Call("NotFoundException", "the key does not exist"),
    ),
    edge(
        Kind::Key,
        Kind::Function,
        9,
        Refusal::Call(
            "InvalidParameterValueException",
            "KMS key is invalid for CreateGrant",
        ),
    ),
    edge(
        Kind::Key,
        Kind::LogGroup,
        60,
        Refusal::Call(
            "InvalidParameterException",
            "The specified KMS key does not exist or is not allowed to be used",
        ),
    ),
    edge(
        Kind::LogGroup,
        Kind::StateMachine,
        9,
        Refusal::Call(
            "AccessDeniedException",
            "The state machine role is not authorized to access the Log Destination",
        ),
    ),
    edge(
        Kind::Function,
        Kind::Permission,
        9,
        Refusal::Call("ResourceNotFoundException", "Function not found"),
    ),
];

impl Edge {
    pub(super) fn most(&self) -> Duration {
        Duration::from_secs(self.most)
    }
}

/// The refusal as the caller meets it.
pub(super) fn refused(code: &str, words: &str) -> CloudError {
    CloudError::new("memory:Put", Class::Invalid, code, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::definition;

    #[test]
    fn every_refusal_of_an_edge_is_waited_out_by_a_settle_rule_of_its_user() {
        for edge in EDGES {
            let (code, words) = match edge.refusal {
                Refusal::Call(code, words) => (code, words),
                Refusal::Later(words) => ("ValidationException", words),
            };
            let error = refused(code, words);
            let mut rules = definition(edge.user).settle().iter();
            let rule = rules.find(|rule| rule.covers(&error));
            let budget = rule.map(|rule| rule.budget_seconds);
            assert!(budget >= Some(edge.most), "{edge:?}: {budget:?}");
        }
    }
}
