use aws_config::SdkConfig;
use aws_sdk_apigateway::types::{IntegrationType, Op, PatchOperation, PutMode};
use serde_json::{Value, json};

use super::aws::{function, role};
use super::support::assert_filled;

const ANY_BYTES: [u8; 4] = [0xff, 0x00, 0xfe, b'a'];

async fn api(sdk: &SdkConfig) -> String {
    let made = aws_sdk_apigateway::Client::new(sdk)
        .create_rest_api()
        .name("api");
    made.send().await.expect("api").id.expect("id")
}

async fn put(sdk: &SdkConfig, api: &str, body: &Value) -> Option<()> {
    let put = aws_sdk_apigateway::Client::new(sdk)
        .put_rest_api()
        .rest_api_id(api);
    let put = put
        .mode(PutMode::Overwrite)
        .body(body.to_string().into_bytes().into());
    put.send().await.ok().map(|_| ())
}

async fn deploy(sdk: &SdkConfig, api: &str) -> String {
    let made = aws_sdk_apigateway::Client::new(sdk)
        .create_deployment()
        .rest_api_id(api);
    made.send().await.expect("deployment").id.expect("id")
}

async fn stage(sdk: &SdkConfig, api: &str, deployment: &str) -> bool {
    let made = aws_sdk_apigateway::Client::new(sdk)
        .create_stage()
        .rest_api_id(api);
    let made = made
        .stage_name("prod")
        .deployment_id(deployment)
        .tags("team", "payments");
    made.send().await.is_ok()
}

async fn post(sdk: &SdkConfig, api: &str, path: &str) -> (u16, String) {
    post_bytes(sdk, api, path, ANY_BYTES.to_vec()).await
}

async fn post_bytes(sdk: &SdkConfig, api: &str, path: &str, body: Vec<u8>) -> (u16, String) {
    let endpoint = sdk.endpoint_url().expect("endpoint");
    let url = format!("{endpoint}/restapis/{api}/prod/_user_request_{path}");
    let answer = reqwest::Client::new().post(url).body(body).send().await;
    let answer = answer.expect("answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

fn mock(paths: &[&str]) -> Value {
    let integration = json!({
        "type": "mock",
        "passthroughBehavior": "never",
        "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
        "responses": {"default": {"statusCode": "200"}},
    });
    let method = json!({"post": {
        "responses": {"200": {"description": "stored"}},
        "parameters": [{"name": "x-topic", "in": "header", "required": true, "schema": {"type": "string"}}],
        "x-amazon-apigateway-integration": integration,
    }});
    let paths: serde_json::Map<_, _> = paths
        .iter()
        .map(|path| ((*path).to_owned(), method.clone()))
        .collect();
    json!({
        "openapi": "3.0.1",
        "info": {"title": "webhooks", "description": "from its body", "version": "7"},
        "x-amazon-apigateway-binary-media-types": ["*/*"],
        "x-amazon-apigateway-request-validators": {"headers": {"validateRequestParameters": true, "validateRequestBody": false}},
        "x-amazon-apigateway-request-validator": "headers",
        "x-amazon-apigateway-gateway-responses": {"BAD_REQUEST_PARAMETERS": {"statusCode": "422"}},
        "paths": paths,
    })
}

#[tokio::test]
async fn an_api_is_what_its_openapi_body_says() {
    let observe = async |sdk: &SdkConfig| {
        let api = api(sdk).await;
        put(sdk, &api, &mock(&["/old", "/hooks/{provider}"])).await?;
        put(sdk, &api, &mock(&["/hooks/{provider}"])).await?;
        let client = aws_sdk_apigateway::Client::new(sdk);
        let seen = client
            .get_rest_api()
            .rest_api_id(&api)
            .send()
            .await
            .expect("api");
        let tree = client
            .get_resources()
            .rest_api_id(&api)
            .embed("methods")
            .send()
            .await;
        let tree = tree.expect("resources").items.expect("items");
        let mut paths: Vec<_> = tree.iter().filter_map(|one| one.path.clone()).collect();
        paths.sort();
        let leaf = tree
            .iter()
            .find(|one| one.path() == Some("/hooks/{provider}"))?;
        let method = leaf.resource_methods()?.get("POST")?;
        let integration = method.method_integration()?;
        let answer = post(sdk, &api, "/hooks/stripe").await;
        assert_eq!(answer.0, 403, "nothing is deployed yet");
        let deployment = deploy(sdk, &api).await;
        assert!(stage(sdk, &api, &deployment).await);
        Some((
            (
                seen.name,
                seen.description,
                seen.version,
                seen.binary_media_types,
            ),
            paths,
            method
                .request_parameters()?
                .get("method.request.header.x-topic")
                .copied(),
            (
                integration.r#type().cloned(),
                integration.passthrough_behavior().map(str::to_owned),
            ),
            post(sdk, &api, "/hooks/stripe").await.0,
        ))
    };
    let text = |text: &str| Some(text.to_owned());
    let right = (
        (
            text("webhooks"),
            text("from its body"),
            text("7"),
            Some(vec!["*/*".to_owned()]),
        ),
        vec![
            "/".to_owned(),
            "/hooks".to_owned(),
            "/hooks/{provider}".to_owned(),
        ],
        Some(true),
        (Some(IntegrationType::Mock), text("NEVER")),
        422,
    );
    assert_filled(observe, None, Some(right)).await;
}

#[tokio::test]
async fn a_body_that_is_not_openapi_is_refused() {
    let observe = async |sdk: &SdkConfig| {
        let api = api(sdk).await;
        let client = aws_sdk_apigateway::Client::new(sdk);
        let put = client
            .put_rest_api()
            .rest_api_id(&api)
            .mode(PutMode::Overwrite);
        let refused = put
            .body(b"{\"openapi\":\"3.0.1\"}".to_vec().into())
            .send()
            .await;
        let refused = refused.expect_err("refused");
        refused
            .as_service_error()
            .is_some_and(|error| error.is_bad_request_exception())
    };
    assert_filled(observe, false, true).await;
}

/// Adds a path below the root that answers by itself.
async fn add(sdk: &SdkConfig, api: &str, part: &str) {
    let client = aws_sdk_apigateway::Client::new(sdk);
    let seen = client
        .get_rest_api()
        .rest_api_id(api)
        .send()
        .await
        .expect("api");
    let root = seen.root_resource_id.expect("root");
    let made = client
        .create_resource()
        .rest_api_id(api)
        .parent_id(root)
        .path_part(part);
    let id = made.send().await.expect("resource").id.expect("id");
    let method = client
        .put_method()
        .rest_api_id(api)
        .resource_id(&id)
        .http_method("POST");
    method
        .authorization_type("NONE")
        .send()
        .await
        .expect("method");
    let put = client
        .put_integration()
        .rest_api_id(api)
        .resource_id(&id)
        .http_method("POST");
    put.r#type(IntegrationType::Mock)
        .send()
        .await
        .expect("integration");
}

#[tokio::test]
async fn a_stage_serves_what_was_deployed_and_not_what_the_api_became_since() {
    let observe = async |sdk: &SdkConfig| {
        let api = api(sdk).await;
        add(sdk, &api, "first").await;
        let deployment = deploy(sdk, &api).await;
        assert!(stage(sdk, &api, &deployment).await);
        add(sdk, &api, "second").await;
        let before = post(sdk, &api, "/second").await.0;
        let later = deploy(sdk, &api).await;
        let patch = PatchOperation::builder()
            .op(Op::Replace)
            .path("/deploymentId")
            .value(later);
        let client = aws_sdk_apigateway::Client::new(sdk);
        let update = client.update_stage().rest_api_id(&api).stage_name("prod");
        update
            .patch_operations(patch.build())
            .send()
            .await
            .expect("update");
        let first = post(sdk, &api, "/first").await.0;
        (first, before, post(sdk, &api, "/second").await.0)
    };
    assert_filled(observe, (200, 200, 200), (200, 403, 200)).await;
}

#[tokio::test]
async fn a_second_stage_of_a_name_is_a_conflict_and_the_first_stays() {
    let observe = async |sdk: &SdkConfig| {
        let api = api(sdk).await;
        let (first, second) = (deploy(sdk, &api).await, deploy(sdk, &api).await);
        assert!(stage(sdk, &api, &first).await);
        let made_again = stage(sdk, &api, &second).await;
        let client = aws_sdk_apigateway::Client::new(sdk);
        let seen = client
            .get_stage()
            .rest_api_id(&api)
            .stage_name("prod")
            .send()
            .await;
        (
            made_again,
            seen.expect("stage").deployment_id == Some(first),
        )
    };
    assert_filled(observe, (true, false), (false, true)).await;
}

#[tokio::test]
async fn a_deployment_that_a_stage_serves_cannot_be_deleted() {
    let observe = async |sdk: &SdkConfig| {
        let api = api(sdk).await;
        let (used, unused) = (deploy(sdk, &api).await, deploy(sdk, &api).await);
        assert!(stage(sdk, &api, &used).await);
        let client = aws_sdk_apigateway::Client::new(sdk);
        let delete = |id| {
            client
                .delete_deployment()
                .rest_api_id(&api)
                .deployment_id(id)
                .send()
        };
        (delete(unused).await.is_ok(), delete(used).await.is_ok())
    };
    assert_filled(observe, (true, true), (true, false)).await;
}

#[tokio::test]
async fn the_tags_a_stage_was_made_with_are_its_tags() {
    let observe = async |sdk: &SdkConfig| {
        let api = api(sdk).await;
        let deployment = deploy(sdk, &api).await;
        assert!(stage(sdk, &api, &deployment).await);
        let client = aws_sdk_apigateway::Client::new(sdk);
        let arn = format!("arn:aws:apigateway:us-east-1::/restapis/{api}/stages/prod");
        let tags = client
            .get_tags()
            .resource_arn(&arn)
            .send()
            .await
            .expect("tags")
            .tags;
        client
            .tag_resource()
            .resource_arn(&arn)
            .tags("new", "one")
            .send()
            .await
            .expect("tag");
        let seen = client
            .get_stage()
            .rest_api_id(&api)
            .stage_name("prod")
            .send()
            .await;
        let seen = seen.expect("stage").tags.unwrap_or_default();
        (
            tags.is_some_and(|tags| tags.contains_key("team")),
            seen.contains_key("new"),
        )
    };
    assert_filled(observe, (false, false), (true, true)).await;
}

/// Makes an API that hands its root to a function that answers with the event, behind the stage `prod`.
async fn echo(sdk: &SdkConfig) -> String {
    role(sdk).await;
    let arn = function(
        sdk,
        "echo",
        r#"{"statusCode": 200, "body": json.dumps(event)}"#,
    )
    .await;
    let client = aws_sdk_apigateway::Client::new(sdk);
    let made = client
        .create_rest_api()
        .name("api")
        .binary_media_types("*/*")
        .send()
        .await;
    let made = made.expect("api");
    let (api, root) = (made.id.expect("id"), made.root_resource_id.expect("root"));
    let method = client
        .put_method()
        .rest_api_id(&api)
        .resource_id(&root)
        .http_method("POST");
    method
        .authorization_type("NONE")
        .send()
        .await
        .expect("method");
    let uri =
        format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations");
    let put = client
        .put_integration()
        .rest_api_id(&api)
        .resource_id(&root)
        .http_method("POST");
    let put = put
        .r#type(IntegrationType::AwsProxy)
        .integration_http_method("POST")
        .uri(uri);
    put.send().await.expect("integration");
    let deployment = deploy(sdk, &api).await;
    assert!(stage(sdk, &api, &deployment).await);
    api
}

#[tokio::test]
async fn a_body_without_content_type_reaches_the_function_byte_for_byte() {
    let observe = async |sdk: &SdkConfig| {
        let api = echo(sdk).await;
        let (status, answer) = post(sdk, &api, "/").await;
        assert_eq!(status, 200, "{answer}");
        let event: Value = serde_json::from_str(&answer).expect("JSON");
        let body = event["body"].as_str().expect("body");
        let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body);
        event["isBase64Encoded"] == true && decoded.is_ok_and(|bytes| bytes == ANY_BYTES)
    };
    assert_filled(observe, false, true).await;
}

#[tokio::test]
async fn a_body_that_lambda_would_not_take_is_answered_with_413() {
    let observe = async |sdk: &SdkConfig| {
        let api = echo(sdk).await;
        let mut answers = Vec::new();
        // As base64 an event of 6 MiB holds 4.5 MiB.
        for size in [4_500 << 10, 5_000 << 10, 11 << 20] {
            answers.push(post_bytes(sdk, &api, "/", vec![b'x'; size]).await.0);
        }
        answers
    };
    assert_filled(observe, vec![200, 200, 200], vec![200, 413, 413]).await;
}
