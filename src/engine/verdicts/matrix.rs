//! Every kind against every way in which any call can go wrong.

use super::*;

/// Service by what its calls are named with; REST calls are named by their path.
const SERVICES: [(&str, &str); 15] = [
    ("kms:", "kms"),
    ("iam:", "iam"),
    ("secretsmanager:", "secrets"),
    ("sqs:", "sqs"),
    ("sns:", "sns"),
    ("logs:", "logs"),
    ("dynamodb:", "dynamodb"),
    ("states:", "states"),
    ("cloudwatch:", "cloudwatch"),
    ("/v1/pipes", "pipes"),
    ("pipes", "pipes"),
    ("/functions", "lambda"),
    ("/restapis", "apigateway"),
    (" /account", "apigateway"),
    ("apigateway", "apigateway"),
];

fn service(call: &str) -> &'static str {
    let found = SERVICES.iter().find(|(part, _)| call.contains(part));
    found.map_or("lambda", |(_, service)| service)
}

fn refused(status: u16, code: &str, message: &str) -> Option<Wrong> {
    Some(Wrong::Refused(status, code.to_owned(), message.to_owned()))
}

fn not_found(call: &str) -> Option<Wrong> {
    let (status, code) = match service(call) {
        "iam" => (404, "NoSuchEntity"),
        "sqs" => (400, "AWS.SimpleQueueService.NonExistentQueue"),
        "sns" => (404, "NotFound"),
        "states" => (400, "StateMachineDoesNotExist"),
        "cloudwatch" => (404, "ResourceNotFound"),
        "kms" => (400, "NotFoundException"),
        "pipes" | "apigateway" => (404, "NotFoundException"),
        "lambda" => (404, "ResourceNotFoundException"),
        _ => (400, "ResourceNotFoundException"),
    };
    refused(status, code, "no such thing")
}

fn conflict(call: &str) -> Option<Wrong> {
    let (status, code) = match service(call) {
        "kms" => (400, "AlreadyExistsException"),
        "iam" => (409, "EntityAlreadyExists"),
        "secrets" => (400, "ResourceExistsException"),
        "sqs" => (400, "QueueAlreadyExists"),
        "sns" => (409, "ConcurrentAccess"),
        "logs" => (400, "ResourceAlreadyExistsException"),
        "dynamodb" => (400, "ResourceInUseException"),
        "states" => (400, "StateMachineAlreadyExists"),
        "lambda" => (409, "ResourceConflictException"),
        _ => (409, "ConflictException"),
    };
    refused(status, code, "it exists already")
}

fn denied(call: &str) -> Option<Wrong> {
    let (status, code) = match service(call) {
        "iam" | "sqs" => (403, "AccessDenied"),
        "sns" => (403, "AuthorizationError"),
        "lambda" | "pipes" | "apigateway" => (403, "AccessDeniedException"),
        _ => (400, "AccessDeniedException"),
    };
    refused(status, code, "not authorized to perform it")
}

fn quota(call: &str) -> Option<Wrong> {
    let (status, code) = match service(call) {
        "iam" => (409, "LimitExceeded"),
        "sns" => (403, "TopicLimitExceeded"),
        "states" => (400, "StateMachineLimitExceeded"),
        "cloudwatch" => (400, "LimitExceeded"),
        "lambda" => (400, "CodeStorageExceededException"),
        "pipes" => (402, "ServiceQuotaExceededException"),
        "apigateway" => (429, "LimitExceededException"),
        _ => (400, "LimitExceededException"),
    };
    refused(status, code, "the account has too many already")
}

type Fault = (&'static str, fn(&str) -> Option<Wrong>);

/// What may pass at any moment, whatever is called.
const PASSING: [Fault; 7] = [
    ("no answer", |_| Some(Wrong::Timeout)),
    ("connection reset", |_| Some(Wrong::Reset)),
    ("500", |_| refused(500, "InternalFailure", "")),
    ("503", |_| refused(503, "ServiceUnavailable", "try later")),
    ("502 of a proxy", |_| {
        Some(Wrong::Garbage(502, "<html>Bad Gateway</html>"))
    }),
    ("429", |_| {
        refused(429, "TooManyRequestsException", "Rate exceeded")
    }),
    ("throttled with 400", |_| {
        refused(400, "ThrottlingException", "Rate exceeded")
    }),
];

/// An answer that says success and cannot be read.
const SPOILED: Fault = ("no JSON, no XML", |_| {
    Some(Wrong::Garbage(200, "<<{\"a\":"))
});

const OTHERS: [Fault; 6] = [
    SPOILED,
    ("credentials expired", |_| {
        refused(
            403,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        )
    }),
    ("credentials unknown", |_| {
        refused(
            403,
            "UnrecognizedClientException",
            "The security token is invalid.",
        )
    }),
    ("denied", denied),
    ("not found", not_found),
    ("conflict", conflict),
];

/// A property whose change makes a call, for kinds that are not tagged.
fn update_of(kind: Kind) -> Verb {
    Verb::Update(match kind {
        Kind::KeyAlias => "/key",
        Kind::Permission => "/sourceArn",
        Kind::ApiAccount => "/role",
        Kind::Dashboard => "/body",
        _ => "",
    })
}

#[tokio::test(start_paused = true)]
async fn what_passes_by_itself_is_tried_again_for_every_kind_whatever_is_being_done() {
    let standing = Standing::new().await;
    let mut tried = 0;
    for kind in Kind::ALL {
        for verb in [Verb::Read, Verb::Create, update_of(*kind), Verb::Delete] {
            for (name, wrong) in PASSING {
                let (verdict, calls) = standing.once(*kind, verb, wrong).await;
                let silent = calls.is_empty();
                let expected = verdict == "again" || silent;
                assert!(
                    expected,
                    "{kind} {verb:?}, {name}: {verdict} after {calls:?}"
                );
                tried += usize::from(!silent);
            }
        }
    }
    println!("{tried} cases");
    assert!(tried > Kind::ALL.len() * 3 * PASSING.len(), "{tried}");
}

#[tokio::test(start_paused = true)]
async fn a_quota_ends_every_change_of_every_kind_at_once() {
    let standing = Standing::new().await;
    for kind in Kind::ALL {
        for verb in [Verb::Create, update_of(*kind), Verb::Delete] {
            let (verdict, calls) = standing.once(*kind, verb, quota).await;
            let silent = calls.is_empty();
            assert!(
                verdict == "stops: quota" || silent,
                "{kind} {verb:?}: {verdict} after {calls:?}"
            );
            assert!(!silent || verb != Verb::Create, "{kind} is made by no call");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_never_taken_for_one_by_any_read() {
    let standing = Standing::new().await;
    for kind in Kind::ALL {
        let (verdict, calls) = standing.once(*kind, Verb::Read, SPOILED.1).await;
        assert_eq!(verdict, "again", "{kind}: {calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_ends_as_the_committed_matrix_says() {
    let standing = Standing::new().await;
    let mut matrix = String::new();
    for kind in Kind::ALL {
        matrix.push_str(&format!("{kind}\n"));
        for (name, wrong) in OTHERS {
            matrix.push_str(&format!("  {name}\n"));
            for (word, verb) in [
                ("read", Verb::Read),
                ("create", Verb::Create),
                ("update", update_of(*kind)),
                ("delete", Verb::Delete),
            ] {
                let (verdict, calls) = standing.once(*kind, verb, wrong).await;
                let verdict = match calls.is_empty() {
                    true => "makes no call".to_owned(),
                    false => verdict,
                };
                matrix.push_str(&format!("    {word:<7} {verdict}\n"));
            }
        }
    }
    insta::assert_snapshot!(matrix);
}
