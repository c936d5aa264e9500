use super::explain::{RunCancelled, RunFailed, explain};
use super::refusal::{Misuse, Refusal};
use super::*;
use crate::config::Config;
use crate::engine::{Cause, EngineError, StepError};
use crate::plan::{Action, Foreign, PlanError};
use crate::resources::{Class, CloudError, Given, Kind};
use crate::state::{Holder, JournalError, StateError};
use crate::view::Paint;
use clap::CommandFactory;
use std::time::Duration;

mod keeping;
mod runs;
mod sweeping;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_verb_explains_itself() {
    let mut told = String::new();
    let mut command = Cli::command().term_width(100);
    command.build();
    describe(&mut command, "payhook", &mut told);
    insta::assert_snapshot!(told);
}

fn describe(command: &mut clap::Command, path: &str, told: &mut String) {
    // The global options are the same everywhere and shown once.
    if path != "payhook" {
        *command = command.clone().mut_args(|arg| match arg.is_global_set() {
            true => arg.hide(true),
            false => arg,
        });
    }
    let help = command.render_long_help();
    told.push_str(&format!("==== {path}\n{help}\n"));
    let verbs = command
        .get_subcommands_mut()
        .filter(|verb| verb.get_name() != "help");
    for verb in verbs {
        let path = format!("{path} {}", verb.get_name());
        describe(verb, &path, told);
    }
}

fn explained(error: impl Into<anyhow::Error>) -> String {
    let explanation = explain(&error.into(), Paint::NONE);
    format!(
        "{}\nexit {}",
        explanation.render(Paint::NONE),
        explanation.exit.code()
    )
}

fn cloud(call: &str, class: Class, code: &str, message: &str) -> CloudError {
    CloudError {
        request_id: Some("3f2a-77".to_owned()),
        status: Some(400),
        ..CloudError::new(call, class, code, message)
    }
}

fn step_error(kind: Kind, physical: &str, cause: Cause) -> StepError {
    StepError {
        resource: "resource".into(),
        kind,
        physical: physical.to_owned(),
        action: Action::Create,
        cause,
    }
}

fn given(account: &str, region: &str) -> Given {
    Given {
        partition: "aws".to_owned(),
        region: region.to_owned(),
        account: account.to_owned(),
    }
}

#[test]
fn each_refusal_of_aws_says_what_to_do_next() {
    let sts = "sts:GetCallerIdentity";
    let errors = [
        CloudError::new(
            sts,
            Class::Credentials,
            "no-credentials",
            "no usable AWS credentials were found",
        ),
        cloud(
            sts,
            Class::Credentials,
            "ExpiredToken",
            "The security token included in the request is expired",
        ),
        cloud(
            sts,
            Class::Credentials,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ),
        cloud(
            sts,
            Class::Credentials,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match",
        ),
        cloud(
            "kms:CreateKey",
            Class::Denied,
            "AccessDeniedException",
            "not authorized to perform kms:CreateKey",
        ),
        cloud(
            "lambda:PutFunctionConcurrency",
            Class::Quota,
            "LimitExceeded",
            "below its minimum value of [10]",
        ),
        cloud(
            "apigateway:PutRestApi",
            Class::Throttle,
            "TooManyRequestsException",
            "Too Many Requests",
        ),
        CloudError::new(
            "dynamodb:DescribeTable",
            Class::Unavailable,
            "unreachable",
            "the endpoint could not be reached",
        ),
        cloud(
            "sqs:CreateQueue",
            Class::Unavailable,
            "InternalError",
            "We encountered an internal error.",
        ),
        cloud(
            "pipes:CreatePipe",
            Class::Invalid,
            "ValidationException",
            "Invalid filter",
        ),
    ];
    insta::assert_snapshot!(errors.map(explained).join("\n\n"));
}

#[test]
fn each_refusal_of_payhook_says_how_to_go_on_and_ends_with_its_code() {
    let refusals = [
        Refusal::Account {
            env: "prod".to_owned(),
            wanted: "111111111111".to_owned(),
            found: "222222222222".to_owned(),
        },
        Refusal::Elsewhere {
            env: "dev".to_owned(),
            recorded: given("111111111111", "eu-central-1"),
            found: given("111111111111", "eu-west-1"),
        },
        Refusal::Policy(vec![
            "constraint 4: webhook-validator: it has no reserved concurrency".to_owned(),
        ]),
        Refusal::DataLoss(vec![
            "dynamodb-table payments-dev: every stored payment event".to_owned(),
        ]),
        Refusal::Protected {
            env: "prod".to_owned(),
            what: "destroy it".to_owned(),
        },
        Refusal::Unfinished(vec!["payments".to_owned()]),
        Refusal::CodeGone(vec!["webhook-validator-dev".to_owned()]),
        Refusal::StateStands {
            env: "dev".to_owned(),
            resources: 34,
        },
        Refusal::ProtectedResources(vec![
            "dynamodb-table payments-dev: the stack is destroyed".to_owned(),
        ]),
        Refusal::NeverDeployed("dev".to_owned()),
        Refusal::NoEarlier("dev".to_owned()),
        Refusal::ApprovedElsewhere {
            approved: given("111111111111", "eu-central-1"),
            found: given("222222222222", "eu-central-1"),
        },
        Refusal::NotApproved {
            at: "2026-08-01T12:00:00Z".to_owned(),
            beyond: vec![
                "replace dynamodb-table payments-dev (keySchema changes); the approved plan leaves it alone".to_owned(),
            ],
        },
        Refusal::Unconfirmed,
        Refusal::Declined,
    ];
    let misuse = Misuse {
        words: "there is no provider `strip`".to_owned(),
        next: "known are: stripe".to_owned(),
    };
    let told: Vec<String> = refusals
        .into_iter()
        .map(explained)
        .chain([explained(misuse)])
        .collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn state_that_is_held_damaged_or_too_new_is_told_apart() {
    let holder = Holder {
        user: "ada".to_owned(),
        host: "build-7".to_owned(),
        pid: 4711,
        verb: "deploy".to_owned(),
        // A clock that is ahead: no age is told.
        since: "2999-01-31T10:00:00Z".to_owned(),
        ..Holder::default()
    };
    let journal = |source| StateError::Journal {
        place: ".payhook/state/dev/journal".to_owned(),
        source,
    };
    let why = "its checksum does not fit".to_owned();
    let errors = [
        StateError::Held {
            env: "dev".to_owned(),
            holder: Box::new(holder),
            sign: String::new(),
        },
        StateError::Fenced {
            env: "dev".to_owned(),
        },
        StateError::Moved {
            env: "dev".to_owned(),
            to: "s3".to_owned(),
        },
        StateError::Arriving {
            env: "dev".to_owned(),
            from: "local".to_owned(),
        },
        StateError::OtherEnvironment {
            place: ".payhook/state/dev/journal".to_owned(),
            found: "prod".to_owned(),
            wanted: "dev".to_owned(),
        },
        journal(JournalError::Damaged { line: 3, why }),
        journal(JournalError::Newer { line: 1, found: 9 }),
        journal(JournalError::Shorter {
            found: 3,
            written: 9,
        }),
        StateError::Io {
            what: "append to",
            path: ".payhook/state/dev/journal".into(),
            source: std::io::Error::from(std::io::ErrorKind::StorageFull).into(),
        },
    ];
    insta::assert_snapshot!(errors.map(explained).join("\n\n"));
}

#[test]
fn a_name_taken_by_something_else_says_how_to_get_out_of_its_way() {
    let foreign = |kind, physical: &str, owner: &str| Foreign {
        resource: "resource".into(),
        kind,
        physical: physical.to_owned(),
        owner: owner.to_owned(),
    };
    let error = EngineError::Plan(PlanError::Foreign(vec![
        foreign(
            Kind::Table,
            "payments-dev",
            "it carries no ownership tags of payhook",
        ),
        foreign(
            Kind::Queue,
            "payment-events-dlq-dev",
            "its tags say stack `shop`, environment `dev`",
        ),
    ]));
    insta::assert_snapshot!(explained(error));
}

#[test]
fn a_run_that_failed_names_every_step_and_each_next_thing_once() {
    let denied = cloud(
        "iam:CreateRole",
        Class::Denied,
        "AccessDenied",
        "not authorized",
    );
    let error = RunFailed(vec![
        step_error(
            Kind::Role,
            "validator-role-dev",
            Cause::Call(denied.clone()),
        ),
        step_error(Kind::Role, "processor-role-dev", Cause::Call(denied)),
        step_error(
            Kind::Table,
            "payments-dev",
            Cause::Timeout {
                what: "table to become ACTIVE".to_owned(),
                waited: Duration::from_secs(600),
            },
        ),
        step_error(
            Kind::Function,
            "webhook-validator-dev",
            Cause::Settle {
                error: Box::new(cloud(
                    "lambda:CreateFunction",
                    Class::Invalid,
                    "InvalidParameterValueException",
                    "cannot be assumed",
                )),
                what: "role to be assumable by Lambda".to_owned(),
                waited: Duration::from_secs(60),
                otherwise: Some("the role's trust policy does not admit lambda.amazonaws.com"),
            },
        ),
    ]);
    insta::assert_snapshot!(format!(
        "{}\n\n{}",
        explained(error),
        explained(RunCancelled)
    ));
}

#[test]
fn a_typo_in_infra_toml_points_at_its_line() {
    let text = "region = \"eu-central-1\"\n\n[env.dev]\nprotekt = true\n";
    let error = Config::parse("infra.toml", text, Some("dev"), None).expect_err("a typo");
    insta::assert_snapshot!(explained(error));
}

#[test]
fn an_error_that_nobody_knows_is_told_with_its_causes_once() {
    let error = anyhow::anyhow!("the disk is full").context("cannot write x.xml");
    assert_eq!(
        explained(error),
        "error: cannot write x.xml: the disk is full\nexit 1"
    );
}
