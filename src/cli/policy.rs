use super::refusal::Refusal;
use super::{Context, Exit};
use crate::policy::{CONSTRAINTS, check, deployer};
use crate::stack::Stack;
use clap::{Args, Subcommand};
use serde_json::json;

/// Check the stack of an environment before anything is deployed, and print what deploying it needs.
#[derive(Debug, Args)]
pub struct Policy {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Check the graph that a deploy would apply; needs no credentials. Every deploy does the same first.
    Check,
    /// Print the least IAM policy with which this environment can be deployed, checked and destroyed.
    Iam,
}

impl Policy {
    pub fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self.what {
            What::Check => Self::check(context),
            What::Iam => {
                let policy = deployer(&context.config);
                match context.ui.is_json() {
                    true => context.ui.json(&policy),
                    false => context.ui.say(format!("{policy:#}")),
                }
                Ok(Exit::Done)
            }
        }
    }

    fn check(context: &Context) -> anyhow::Result<Exit> {
        let stack = Stack::payment_webhooks(&context.config);
        let violations = check(&stack);
        let ui = &context.ui;
        if ui.is_json() {
            ui.json(&json!({"env": context.env(), "passed": violations.is_empty(), "violations": violations}));
        }
        for constraint in &CONSTRAINTS {
            let holds = !violations
                .iter()
                .any(|violation| violation.constraint == constraint.number);
            let mark = if holds { "ok  " } else { "FAIL" };
            ui.say(format!(
                "{mark} {}. {}",
                constraint.number, constraint.title
            ));
        }
        guard(&stack).map(|()| Exit::Done)
    }
}

/// Refuses a stack that breaks a constraint.
pub fn guard(stack: &Stack) -> anyhow::Result<()> {
    let violations = check(stack);
    match violations.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Policy(violations.iter().map(ToString::to_string).collect()).into()),
    }
}
