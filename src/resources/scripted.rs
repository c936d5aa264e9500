//! The real SDK clients on scripted answers: tests say what AWS answers and then look at what was asked.
//!
//! A call is named `service:Operation` (`kms:CreateKey`), or `METHOD /path?query` for the REST services Lambda, Pipes,
//! API Gateway and S3. Replies to one call are used in the order given; different calls may come in any order. Answers are
//! JSON for every protocol; for the XML ones a list becomes `member` elements, or repeated elements under `entry`.

mod cbor;
mod faulty;
mod wire;

use super::tags::tag;
use super::{At, Aws, Class, CloudError, Given, Outputs, Resource, Tags};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};
use wire::Asked;

pub use faulty::{Faulty, Wrong, faulty};

/// One scripted answer to one call.
#[derive(Clone, Debug)]
pub struct Reply {
    call: String,
    outcome: Outcome,
}

#[derive(Clone, Debug)]
enum Outcome {
    Answer {
        status: u16,
        body: Value,
    },
    Refusal {
        status: u16,
        code: String,
        message: String,
    },
    Lost,
}

impl Reply {
    /// The call that it answers.
    pub fn call(&self) -> &str {
        &self.call
    }
}

/// An answer in the terms of the service's API.
pub fn reply(call: &str, status: u16, body: Value) -> Reply {
    Reply {
        call: call.to_owned(),
        outcome: Outcome::Answer { status, body },
    }
}

/// A refusal by its wire code, `NoSuchEntity`.
pub fn reply_error(call: &str, status: u16, code: &str, message: &str) -> Reply {
    Reply {
        call: call.to_owned(),
        outcome: Outcome::Refusal {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        },
    }
}

/// A call that AWS received but whose answer never arrived.
pub fn reply_lost(call: &str) -> Reply {
    Reply {
        call: call.to_owned(),
        outcome: Outcome::Lost,
    }
}

/// Account 123456789012 in eu-central-1 that answers only what the script says.
pub fn scripted(replies: impl IntoIterator<Item = Reply>) -> (Aws, Script) {
    let (config, script) = scripted_sdk(replies);
    let given = Given {
        partition: "aws".to_owned(),
        region: "eu-central-1".to_owned(),
        account: "123456789012".to_owned(),
    };
    (Aws::new(&config, given, false), script)
}

/// The same for whoever makes clients of their own.
pub fn scripted_sdk(replies: impl IntoIterator<Item = Reply>) -> (SdkConfig, Script) {
    let script = Script {
        tape: Arc::new(Mutex::new(Tape {
            replies: replies.into_iter().collect(),
            asked: Vec::new(),
        })),
    };
    let config = sdk(script.clone());
    (config, script)
}

/// A configuration of clients that call nobody but this.
fn sdk(http: impl HttpClient + 'static) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "scripted",
        )))
        .http_client(http)
        .build()
}

/// A resource of stack `payment-webhooks`, environment `dev`, with one tag of the user's and nothing on record.
pub fn at<R>(logical: &str, properties: R) -> At<R> {
    let tags = [
        (tag::STACK, "payment-webhooks"),
        (tag::ENV, "dev"),
        (tag::RESOURCE, logical),
        ("team", "payments"),
    ];
    At {
        logical: logical.to_owned(),
        properties,
        outputs: Outputs::new(),
        tags: tags.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    }
}

/// Tags as a list of objects, with the service's own names for key and value.
pub fn tag_list(tags: &Tags, key: &str, value: &str) -> Value {
    let one = |(k, v): (&String, &String)| json!({ key: k, value: v });
    tags.iter().map(one).collect()
}

/// What the engine would wait for on this refusal, by the kind's settle rules.
pub fn waits_for<R: Resource>(code: &str, message: &str) -> Option<&'static str> {
    let error = CloudError::new("any", Class::Invalid, code, message);
    let rule = R::SETTLE.iter().find(|rule| rule.covers(&error));
    rule.map(|rule| rule.name)
}

/// Runs one case of a property test to its end.
pub fn run<T>(case: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(case)
}

/// Calls that ask for what may have been set beside a function or table: where a test says nothing about them there is
/// nothing, and they do not count.
const BESIDE: &[&str] = &[
    "/event-invoke-config/list",
    "/policy",
    "/provisioned-concurrency",
    "/urls",
    "dynamodb:DescribeContributorInsights",
    "dynamodb:DescribeKinesisStreamingDestination",
    "dynamodb:GetResourcePolicy",
];

/// What a test later asks about the calls that were made.
#[derive(Clone, Debug)]
pub struct Script {
    tape: Arc<Mutex<Tape>>,
}

#[derive(Debug)]
struct Tape {
    replies: Vec<Reply>,
    asked: Vec<Asked>,
}

impl Script {
    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape
            .lock()
            .expect("no test thread panics with the tape")
    }

    /// Every call made, in order.
    pub fn calls(&self) -> Vec<String> {
        let tape = self.tape();
        tape.asked.iter().map(|asked| asked.call.clone()).collect()
    }

    /// Fails unless exactly these calls were made, in this order, and every reply was used.
    #[track_caller]
    pub fn assert_calls<'a>(&self, expected: impl IntoIterator<Item = &'a str>) {
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(self.calls(), expected, "calls made, calls expected");
        let tape = self.tape();
        let unused: Vec<&str> = tape.replies.iter().map(|r| r.call.as_str()).collect();
        assert_eq!(unused, Vec::<&str>::new(), "replies that no call used");
    }

    /// The bodies sent with one call, each time it was made; form fields as an object of strings.
    pub fn bodies(&self, call: &str) -> Vec<Value> {
        let tape = self.tape();
        let same = tape.asked.iter().filter(|asked| asked.call == call);
        same.map(|asked| asked.body.clone()).collect()
    }

    /// The body sent with a call that was made exactly once.
    #[track_caller]
    pub fn body(&self, call: &str) -> Value {
        let mut bodies = self.bodies(call);
        assert_eq!(bodies.len(), 1, "times that {call} was called");
        bodies.remove(0)
    }

    fn next(&self, asked: &Asked) -> Option<Reply> {
        let mut tape = self.tape();
        let at = tape.replies.iter().position(|r| r.call == asked.call);
        if at.is_none() && BESIDE.iter().any(|part| asked.call.contains(part)) {
            let code = "ResourceNotFoundException";
            return Some(reply_error(&asked.call, 404, code, "none"));
        }
        tape.asked.push(asked.clone());
        Some(tape.replies.remove(at?))
    }
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let asked = Asked::read(&request);
        let Some(reply) = self.next(&asked) else {
            panic!("no reply is scripted for {}", asked.call);
        };
        HttpConnectorFuture::ready(match reply.outcome {
            Outcome::Answer { status, body } => Ok(asked.answer(status, &body)),
            Outcome::Refusal {
                status,
                code,
                message,
            } => Ok(asked.refuse(status, &code, &message)),
            Outcome::Lost => Err(ConnectorError::io("connection reset".into())),
        })
    }
}

impl HttpClient for Script {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Class, During};
    use super::*;

    #[tokio::test]
    async fn every_protocol_carries_a_call_an_answer_and_a_refusal() {
        let (aws, script) = scripted([
            reply(
                "kms:DescribeKey",
                200,
                json!({"KeyMetadata": {"KeyId": "1"}}),
            ),
            reply_error("kms:DescribeKey", 400, "NotFoundException", "no key"),
            reply("iam:GetRole", 200, json!({"Role": {"RoleName": "r<1>"}})),
            reply_error("iam:GetRole", 404, "NoSuchEntity", "no role"),
            reply(
                "POST /2015-03-31/functions",
                201,
                json!({"FunctionName": "f"}),
            ),
            reply_error(
                "POST /2015-03-31/functions",
                409,
                "ResourceConflictException",
                "exists",
            ),
            reply(
                "cloudwatch:DescribeAlarms",
                200,
                json!({"MetricAlarms": [{"Threshold": 1.5}]}),
            ),
            reply_error(
                "cloudwatch:DescribeAlarms",
                404,
                "ResourceNotFound",
                "no alarm",
            ),
        ]);
        let key = aws.kms.describe_key().key_id("1").send().await.unwrap();
        assert_eq!(key.key_metadata.unwrap().key_id, "1");
        let error = aws
            .kms
            .describe_key()
            .key_id("1")
            .send()
            .await
            .during("x")
            .unwrap_err();
        assert_eq!(
            (error.class, error.code.as_str()),
            (Class::NotFound, "NotFoundException")
        );

        let role = aws.iam.get_role().role_name("a b").send().await.unwrap();
        assert_eq!(role.role.unwrap().role_name, "r<1>");
        let error = aws
            .iam
            .get_role()
            .role_name("a b")
            .send()
            .await
            .during("x")
            .unwrap_err();
        assert_eq!(
            (error.class, error.message.as_str()),
            (Class::NotFound, "no role")
        );
        assert_eq!(script.bodies("iam:GetRole")[0]["RoleName"], "a b");

        let create = || aws.lambda.create_function().function_name("f").role("r");
        assert_eq!(create().send().await.unwrap().function_name.unwrap(), "f");
        let error = create().send().await.during("x").unwrap_err();
        assert_eq!((error.class, error.status), (Class::Conflict, Some(409)));

        let ask = || {
            aws.cloudwatch
                .describe_alarms()
                .alarm_names("a")
                .max_records(5)
        };
        let alarms = ask().send().await.unwrap();
        assert_eq!(alarms.metric_alarms.unwrap()[0].threshold, Some(1.5));
        assert_eq!(
            ask().send().await.during("x").unwrap_err().class,
            Class::NotFound
        );
        let sent = json!({"AlarmNames": ["a"], "MaxRecords": 5});
        assert_eq!(script.bodies("cloudwatch:DescribeAlarms")[0], sent);
    }

    #[tokio::test]
    async fn a_lost_reply_is_unavailable_and_is_not_repeated_by_the_sdk() {
        let (aws, script) = scripted([reply_lost("sqs:CreateQueue")]);
        let error = aws
            .sqs
            .create_queue()
            .queue_name("q")
            .send()
            .await
            .during("x")
            .unwrap_err();
        assert_eq!(error.class, Class::Unavailable);
        script.assert_calls(["sqs:CreateQueue"]);
    }
}
