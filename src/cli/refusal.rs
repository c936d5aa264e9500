//! What a command refuses to do, and why.

use crate::resources::Given;

/// A command that was understood and is not carried out.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// The credentials lead to another account than infra.toml allows.
    #[error(
        "environment `{env}` belongs to account {wanted}, but these credentials are of account {found}"
    )]
    Account {
        /// Environment.
        env: String,
        /// The account in infra.toml.
        wanted: String,
        /// The account of the credentials.
        found: String,
    },
    /// The state describes a stack that lives somewhere else.
    #[error("the state of environment `{env}` describes a stack in account {}, {}, but this is account {}, {}", .recorded.account, .recorded.region, .found.account, .found.region)]
    Elsewhere {
        /// Environment.
        env: String,
        /// Where the state says the stack is.
        recorded: Given,
        /// Where the credentials and infra.toml lead.
        found: Given,
    },
    /// The stack breaks constraints.
    #[error("the stack breaks what every stack must keep:\n{}", indented(.0))]
    Policy(Vec<String>),
    /// Data would be lost and nobody agreed to it.
    #[error("this would lose data:\n{}", indented(.0))]
    DataLoss(Vec<String>),
    /// The environment is protected.
    #[error("environment `{env}` is protected, and this would {what}")]
    Protected {
        /// Environment.
        env: String,
        /// "destroy it", "lose every stored payment event".
        what: String,
    },
    /// The last run stopped in the middle of resources.
    #[error("the last run stopped in the middle of {}, so what was applied last is not known for certain", .0.join(", "))]
    Unfinished(Vec<String>),
    /// The code that functions had is no longer at hand.
    #[error("the code that {} had is neither among the zips in .payhook/artifacts nor what the sources build now", .0.join(", "))]
    CodeGone(Vec<String>),
    /// There is a state already.
    #[error("environment `{env}` has a state already, with {resources} resources on record")]
    StateStands {
        /// Environment.
        env: String,
        /// How many resources it knows.
        resources: usize,
    },
    /// Resources are protected by name or kind.
    #[error("infra.toml protects what this would replace or delete:\n{}", indented(.0))]
    ProtectedResources(Vec<String>),
    /// The backend of the state is a bucket, and the state is still on this machine.
    #[error("bucket `{bucket}` holds no state of `{env}`, but .payhook/state on this machine does")]
    LeftBehind {
        /// Environment.
        env: String,
        /// The bucket.
        bucket: String,
    },
    /// There is no successful deploy on record.
    #[error("no deploy of environment `{0}` has succeeded yet, so there is nothing to go back to")]
    NeverDeployed(String),
    /// The successful deploys on record all wanted what stands.
    #[error(
        "environment `{0}` stands as its last successful deploy left it, and no earlier one is on record"
    )]
    NoEarlier(String),
    /// The approved plan is of another account or region.
    #[error("the plan was approved for account {}, {}, but this is account {}, {}", .approved.account, .approved.region, .found.account, .found.region)]
    ApprovedElsewhere {
        /// Where the plan is for.
        approved: Given,
        /// Where the credentials and infra.toml lead.
        found: Given,
    },
    /// The deploy would do what the approved plan does not list.
    #[error("this is not what the plan of {at} says; beyond it, the deploy would:\n{}", indented(.beyond))]
    NotApproved {
        /// When the plan was made.
        at: String,
        /// A line for each step.
        beyond: Vec<String>,
    },
    /// Nobody is there to confirm.
    #[error("this needs a confirmation, and nobody is there to give it")]
    Unconfirmed,
    /// The answer was not the confirmation.
    #[error("not confirmed; nothing was changed")]
    Declined,
}

fn indented(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

/// A mistake in how the command was called that only shows once the configuration is known.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{words}")]
pub struct Misuse {
    /// What is wrong.
    pub words: String,
    /// What to do.
    pub next: String,
}
