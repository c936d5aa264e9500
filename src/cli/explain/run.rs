//! What to do about a run that did not do everything, and about each of AWS's refusals.

use super::super::Exit;
use super::{Explanation, count, of_plan, of_state};
use crate::engine::{Cause, EngineError, StepError, Unsure};
use crate::resources::{Class, CloudError};

pub(super) fn of_engine(error: &EngineError) -> Explanation {
    match error {
        EngineError::Plan(error) => of_plan(error),
        EngineError::State(error) => of_state(error),
        EngineError::Read { cause, .. } => {
            let mut explanation = of_cause(cause);
            explanation.words = error.to_string();
            explanation
        }
        EngineError::Unsure(unsure) => {
            let mut explanation = Explanation::new(Exit::Failed, unsure, &[]);
            explanation.next = match unsure {
                Unsure::Search(error) => next_after(error),
                Unsure::Standing { .. } => vec![STANDING_UNREAD.to_owned()],
            };
            explanation
        }
    }
}

/// What to do about something that a search lists and that cannot be read.
const STANDING_UNREAD: &str = "nothing was changed; where reading it is not allowed, allow it as `payhook policy iam` prints it, \
     or take its tags `payhook:*` away if it is not of this stack, and run this again";

pub(super) fn of_steps(errors: &[StepError]) -> Explanation {
    let mut explanation = Explanation::new(Exit::Failed, count(errors.len()), &[]);
    explanation.words.push_str(" failed:");
    for error in errors {
        explanation.words.push_str(&format!("\n  {error}"));
    }
    for next in errors.iter().flat_map(|error| of_cause(&error.cause).next) {
        if !explanation.next.contains(&next) {
            explanation.next.push(next);
        }
    }
    explanation.next.push(
        "everything that was done is recorded; the same command goes on from here".to_owned(),
    );
    explanation
}

fn of_cause(cause: &Cause) -> Explanation {
    match cause {
        Cause::Call(error) => of_cloud(error),
        Cause::Settle {
            error,
            what,
            otherwise,
            ..
        } => {
            let mut explanation = of_cloud(error);
            explanation.words = cause.to_string();
            if let Some(otherwise) = otherwise {
                explanation.next = vec![format!(
                    "should waiting for {what} end like this again: {otherwise}"
                )];
            }
            explanation
        }
        Cause::Timeout { .. } => Explanation::new(
            Exit::Failed,
            cause,
            &[
                "look at it in the AWS console; AWS may still be at work, then run the same command again",
            ],
        ),
        Cause::State(error) => Explanation {
            words: cause.to_string(),
            ..of_state(error)
        },
        Cause::Interrupted => Explanation::new(Exit::Interrupted, cause, &[]),
        Cause::Open(_) => Explanation::new(Exit::Failed, cause, &[]),
    }
}

pub(super) fn of_cloud(error: &CloudError) -> Explanation {
    let mut explanation = Explanation::new(Exit::Failed, error, &[]);
    explanation.next = next_after(error);
    explanation
}

fn next_after(error: &CloudError) -> Vec<String> {
    let next = match (error.class, error.code.as_str()) {
        (Class::Credentials, "no-credentials") => {
            "sign in (`aws sso login`) and name the profile with AWS_PROFILE, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
        }
        (Class::Credentials, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired") => {
            "the credentials have expired: sign in again (`aws sso login`), then run the same command"
        }
        (Class::Credentials, "InvalidSignatureException" | "SignatureDoesNotMatch") => {
            "the secret access key does not fit its id, or this machine's clock is wrong; check both"
        }
        (Class::Credentials, _) => {
            "AWS does not accept these credentials: check AWS_PROFILE and the AWS_* variables"
        }
        (Class::Denied, _) => {
            return vec![format!(
                "the role or user needs the permission `{}`; ask whoever manages it, or use another profile",
                error.call
            )];
        }
        (Class::Quota, _) => {
            "this is a quota of the account: raise it in the Service Quotas console, or lower the setting in \
             infra.toml"
        }
        (Class::Throttle, _) => {
            "AWS kept refusing because of too many calls, also from others in this account; run it again later"
        }
        (Class::Unavailable, "unreachable" | "timeout") => {
            "check the network, the region in infra.toml and AWS_ENDPOINT_URL, then run the same command again"
        }
        (Class::Unavailable, _) => {
            "AWS had a failure of its own; run the same command again, and see health.aws.amazon.com"
        }
        _ => return Vec::new(),
    };
    vec![next.to_owned()]
}
