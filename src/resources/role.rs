//! IAM roles; their policies are derived from grants.

mod calls;
#[cfg(test)]
mod tests;
mod trust;

use super::policy::document::{canonical, canonical_conditions, sorted_texts};
use super::policy::{Action, Condition, Grantable, Statement, UNSCOPED, Unscoped};
use super::{Forced, Given, Of, Outputs, Resource, Schedule, Settle, Unmanaged};
use crate::graph::{Declared, Graph, Handle, Input, Output, RoleArn, RoleId, Text};
use serde::{Deserialize, Serialize};

/// An IAM role with one inline policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Role name.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// Who may assume it.
    pub trust: Trust,
    /// The inline policy's statements; filled by grants.
    pub statements: Vec<Statement>,
    /// Inline policies by name and managed policies by ARN beside the one inline policy; payhook wants none.
    #[serde(default)]
    pub other_policies: Vec<String>,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

/// The one service that may assume a role, and for which resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trust {
    /// `lambda.amazonaws.com`.
    pub service: String,
    /// `aws:SourceAccount` and `aws:SourceArn`, where the service sends them.
    pub conditions: Vec<Condition>,
}

impl Declared for Role {
    const KIND: &'static str = "iam-role";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Role {
    const FORCED: &'static [Forced] = &[Forced {
        property: "name",
        rule: "IAM cannot rename a role",
    }];
    const SETTLE: &'static [Settle] = SETTLE;
    const IDENTITY: &'static [&'static str] = &["roleId"];

    fn predicted(&self, given: &Given) -> Outputs {
        Outputs::from([("roleArn".to_owned(), self.arn(given))])
    }

    fn canonical(mut self) -> Self {
        self.trust.conditions = canonical_conditions(self.trust.conditions);
        self.statements = canonical(self.statements);
        self.other_policies = sorted_texts(self.other_policies);
        self
    }
}

/// IAM is eventually consistent; facts: sections 1.2 and 4.
const SETTLE: &[Settle] = &[
    Settle {
        name: "role to be visible to IAM",
        of: Of::Itself,
        codes: &["NoSuchEntity"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 120,
        otherwise: "somebody has deleted the role",
        source: "terraform-provider-aws, internal/service/iam/role.go",
    },
    Settle {
        name: "another change of the role to finish",
        of: Of::Itself,
        codes: &["ConcurrentModification"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 120,
        otherwise: "something else keeps changing it, perhaps another tool",
        source: "AWS SDK, IAM: ConcurrentModificationException",
    },
    Settle {
        name: "principals of the trust policy to be visible to IAM",
        of: Of::Itself,
        codes: &["MalformedPolicyDocument"],
        messages: &["Invalid principal in policy"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 120,
        otherwise: "the trust policy names a principal that does not exist",
        source: "terraform-provider-aws, internal/service/iam/role.go",
    },
    Settle {
        name: "role to be free of policies",
        of: Of::Itself,
        codes: &["DeleteConflict"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 120,
        otherwise: "somebody has attached a policy or an instance profile to the role: detach it",
        source: "terraform-provider-aws, internal/service/iam/role.go",
    },
];

impl Role {
    /// Name of the one inline policy.
    pub const POLICY: &'static str = "payhook";

    /// A role that one service may assume and that may do nothing yet.
    pub fn assumed_by(name: String, service: &str, conditions: Vec<Condition>) -> Self {
        let description = format!("Assumed by {service}; owned by payhook");
        Self {
            name,
            description,
            trust: Trust {
                service: service.to_owned(),
                conditions,
            },
            statements: vec![],
            other_policies: vec![],
            unmanaged: Unmanaged::new(),
        }
    }

    // The path is always `/`, and IAM answers with a unique id in place of the ARN right after a create.
    fn arn(&self, given: &Given) -> String {
        let Given {
            partition, account, ..
        } = given;
        format!("arn:{partition}:iam::{account}:role/{}", self.name)
    }
}

impl Handle<Role> {
    /// The role's ARN, known once its policy is in place.
    pub fn arn(&self) -> Output<RoleArn> {
        self.output("roleArn")
    }

    /// The role's id, which no other role ever has.
    pub fn id(&self) -> Output<RoleId> {
        self.output("roleId")
    }

    /// Lets the role do something with a resource.
    pub fn grant<R: Grantable>(&self, graph: &mut Graph, on: &Handle<R>, actions: Action<R>) {
        self.grant_if(graph, on, actions, vec![]);
    }

    /// Lets the role do something with a resource under conditions.
    pub fn grant_if<R: Grantable>(
        &self,
        graph: &mut Graph,
        on: &Handle<R>,
        actions: Action<R>,
        conditions: Vec<Condition>,
    ) {
        self.allow(graph, actions.names(), R::grant_arn(on), conditions);
    }

    /// Lets the role do what AWS offers only on `*`; the reasons stand beside the actions in [`UNSCOPED`].
    pub fn grant_unscoped(&self, graph: &mut Graph, group: Unscoped) {
        let actions: Vec<&'static str> = UNSCOPED
            .iter()
            .filter(|u| u.groups.contains(&group))
            .map(|u| u.action)
            .collect();
        self.allow(graph, &actions, Input::known("*"), vec![]);
    }

    fn allow(
        &self,
        graph: &mut Graph,
        actions: &[&str],
        resource: Input<Text>,
        conditions: Vec<Condition>,
    ) {
        graph.amend(self, |role| {
            let same = role
                .statements
                .iter_mut()
                .find(|s| s.resources == [resource.clone()] && s.conditions == conditions);
            let actions = actions.iter().map(|a| (*a).to_owned());
            match same {
                Some(statement) => statement.actions.extend(actions),
                None => role.statements.push(Statement {
                    actions: actions.collect(),
                    resources: vec![resource],
                    conditions,
                }),
            }
        });
    }
}
