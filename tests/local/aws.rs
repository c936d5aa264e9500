//! The few AWS resources that several tests need.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType,
};
use aws_sdk_lambda::types::{FunctionCode, LastUpdateStatus, Runtime};

use super::support::python;

pub const ROLE: &str = "arn:aws:iam::000000000000:role/test";

/// Makes a role of this name that any service may use; its ARN is `ROLE` for the name "test".
pub async fn role(sdk: &SdkConfig) {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let iam = aws_sdk_iam::Client::new(sdk);
    let made = iam
        .create_role()
        .role_name("test")
        .assume_role_policy_document(trust);
    made.send().await.expect("role");
}

/// Makes the table `events` and returns the ARN of its stream.
pub async fn table(sdk: &SdkConfig) -> String {
    let key = |name: &str, kind| {
        let built = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build();
        built.expect("key")
    };
    let attribute = |name: &str, kind| {
        let built = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(kind)
            .build();
        built.expect("attribute")
    };
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages)
        .build()
        .expect("stream");
    let made = aws_sdk_dynamodb::Client::new(sdk)
        .create_table()
        .table_name("events")
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("id", KeyType::Hash))
        .attribute_definitions(attribute("id", ScalarAttributeType::S))
        .stream_specification(stream)
        .send()
        .await
        .expect("table");
    let stream = made
        .table_description()
        .and_then(|table| table.latest_stream_arn());
    stream.expect("stream").to_owned()
}

/// Puts an item into the table `events`.
pub async fn put(sdk: &SdkConfig, id: &str) {
    let put = aws_sdk_dynamodb::Client::new(sdk)
        .put_item()
        .table_name("events");
    let put = put.item("id", AttributeValue::S(id.to_owned()));
    put.send().await.expect("put");
}

/// Makes a state machine of this name and returns its ARN.
pub async fn state_machine(sdk: &SdkConfig, name: &str, definition: &str) -> String {
    let made = aws_sdk_sfn::Client::new(sdk)
        .create_state_machine()
        .name(name);
    let made = made.definition(definition).role_arn(ROLE).send().await;
    made.expect("state machine").state_machine_arn
}

pub const SUCCEED: &str = r#"{"StartAt":"Done","States":{"Done":{"Type":"Succeed"}}}"#;

/// The ids of the records in each execution of the state machine, and the names of their changes.
pub async fn executions(sdk: &SdkConfig, machine: &str) -> Vec<Vec<(String, String)>> {
    let client = aws_sdk_sfn::Client::new(sdk);
    let listed = client
        .list_executions()
        .state_machine_arn(machine)
        .send()
        .await
        .expect("list");
    let mut inputs = Vec::new();
    for execution in listed.executions {
        let described = client
            .describe_execution()
            .execution_arn(execution.execution_arn);
        let described = described.send().await.expect("execution");
        let records: Vec<serde_json::Value> =
            serde_json::from_str(described.input().expect("input")).expect("array");
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let record = |one: &serde_json::Value| {
            (
                text(&one["eventName"]),
                text(&one["dynamodb"]["Keys"]["id"]["S"]),
            )
        };
        inputs.push(records.iter().map(record).collect());
    }
    inputs
}

/// Makes a function whose bootstrap is a Python script that answers with the outcome of `answer`, given `event`.
///
/// Once the file `end` is there, no further environment of the function starts.
pub async fn function(sdk: &SdkConfig, name: &str, answer: &str) -> String {
    let client = aws_sdk_lambda::Client::new(sdk);
    let code = FunctionCode::builder()
        .zip_file(bootstrap(answer, &python().await).into())
        .build();
    let made = client
        .create_function()
        .function_name(name)
        .runtime(Runtime::Providedal2023)
        .handler("bootstrap")
        .role(ROLE)
        .timeout(20)
        .code(code)
        .send()
        .await
        .expect("function");
    loop {
        let seen = client
            .get_function_configuration()
            .function_name(name)
            .send()
            .await;
        if seen.expect("function").last_update_status() == Some(&LastUpdateStatus::Successful) {
            return made.function_arn().expect("arn").to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Invokes a function and returns its answer.
pub async fn invoke(sdk: &SdkConfig, name: &str) -> serde_json::Value {
    let invoked = aws_sdk_lambda::Client::new(sdk)
        .invoke()
        .function_name(name);
    let answer = invoked
        .payload(b"{}".to_vec().into())
        .send()
        .await
        .expect("invoke");
    serde_json::from_slice(answer.payload().expect("payload").as_ref()).expect("JSON")
}

fn bootstrap(answer: &str, python: &Path) -> Vec<u8> {
    let python = python.display();
    let script = format!(
        r#"#!{python}
import http.client, json, os, tempfile, time
end = os.path.join(tempfile.gettempdir(), "end-of-" + os.environ["AWS_LAMBDA_FUNCTION_NAME"])
if os.path.exists(end):
    raise SystemExit(1)
def attempt(endpoint, service, operation, **named):
    import botocore.session
    client = botocore.session.get_session().create_client(service, endpoint_url=endpoint)
    try:
        getattr(client, operation)(**named)
        return "done"
    except client.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    got = api.getresponse()
    event = json.loads(got.read())
    answer = json.dumps({answer}).encode()
    api.request("POST", "/2018-06-01/runtime/invocation/" + got.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", answer)
    api.getresponse().read()
"#
    );
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let executable = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", executable).expect("zip");
    zip.write_all(script.as_bytes()).expect("zip");
    zip.finish().expect("zip").into_inner()
}
