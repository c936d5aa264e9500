use super::*;

#[tokio::test]
async fn a_new_api_is_put_on_record_before_its_body_is_sent() {
    let made = json!({"id": "a1", "name": "payment-webhook-api-dev"});
    let (aws, script) = scripted([reply("POST /restapis", 201, made)]);
    let put = Api::put(&aws, &wanted(), None).await.unwrap();
    assert_eq!(put, Put::Made(known().outputs));
    script.assert_calls(["POST /restapis"]);
    let sent = script.body("POST /restapis");
    assert_eq!(sent["endpointConfiguration"]["types"], json!(["REGIONAL"]));
    assert_eq!(sent["tags"]["payhook:resource"], "api");
    assert_eq!(sent["binaryMediaTypes"], json!(["*/*"]));
}

#[tokio::test]
async fn an_empty_api_gets_its_whole_body_in_one_call() {
    let empty = Api {
        routes: vec![],
        validates_parameters: false,
        gateway_responses: vec![],
        ..api()
    };
    let observed = read(&Fake::of(&empty, &wanted().tags)).await;
    let fake = Fake::of(&api(), &wanted().tags);
    let (aws, script) = scripted([reply(IMPORT, 200, fake.api)]);
    let put = Api::put(&aws, &known(), Some(&observed)).await.unwrap();
    assert_eq!(put, Put::Done(settled().await.outputs));
    script.assert_calls([IMPORT]);
    assert_eq!(
        script.body(IMPORT),
        body::render(&api(), &aws.given).unwrap()
    );
}

#[tokio::test]
async fn an_api_that_is_as_wanted_costs_no_call() {
    let (aws, script) = scripted([]);
    let observed = settled().await;
    let put = Api::put(&aws, &known(), Some(&observed)).await.unwrap();
    assert_eq!(put, Put::Done(observed.outputs));
    script.assert_calls([]);
}

#[tokio::test]
async fn what_an_import_leaves_behind_is_set_right_in_one_more_call() {
    let mut fake = Fake::of(&api(), &wanted().tags);
    fake.api["endpointConfiguration"] = json!({"types": ["EDGE"]});
    fake.api["policy"] = "{}".into();
    fake.api["minimumCompressionSize"] = 0.into();
    fake.api["disableExecuteApiEndpoint"] = true.into();
    fake.api["apiKeySource"] = "AUTHORIZER".into();
    fake.api["binaryMediaTypes"] = json!(["image/png"]);
    fake.api["description"] = "mine".into();
    let observed = read(&fake).await;
    let names: Vec<&str> = observed
        .properties
        .unmanaged
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "apiKeySource",
        "disableExecuteApiEndpoint",
        "endpointTypes",
        "minimumCompressionSize",
        "policy",
    ];
    assert_eq!(names, expected);
    let (aws, script) = scripted([
        reply(IMPORT, 200, fake.api.clone()),
        reply(UPDATE, 200, json!({})),
    ]);
    Api::put(&aws, &known(), Some(&observed)).await.unwrap();
    script.assert_calls([IMPORT, UPDATE]);
    let patches = script.body(UPDATE)["patchOperations"].clone();
    let expected = json!([
        {"op": "replace", "path": "/description", "value": "Receives payment webhooks"},
        {"op": "replace", "path": "/policy", "value": ""},
        {"op": "replace", "path": "/endpointConfiguration/types/0", "value": "REGIONAL"},
        {"op": "replace", "path": "/apiKeySource", "value": "HEADER"},
        {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "false"},
        {"op": "replace", "path": "/minimumCompressionSize"},
        {"op": "remove", "path": "/binaryMediaTypes/image~1png"},
        {"op": "add", "path": "/binaryMediaTypes/*~1*"},
    ]);
    assert_eq!(patches, expected);
}

#[tokio::test]
async fn tags_are_set_and_removed_without_an_import() {
    let mut tags = wanted().tags;
    tags.insert("old".to_owned(), "x".to_owned());
    tags.insert("aws:x".to_owned(), "kept".to_owned());
    tags.remove("team");
    let observed = read(&Fake::of(&api(), &tags)).await;
    let (put, delete) = (format!("PUT {TAGS}"), format!("DELETE {TAGS}?tagKeys=old"));
    let (aws, script) = scripted([
        reply(&put, 204, Value::Null),
        reply(&delete, 204, Value::Null),
    ]);
    Api::put(&aws, &known(), Some(&observed)).await.unwrap();
    script.assert_calls([put.as_str(), delete.as_str()]);
}

#[tokio::test]
async fn an_endpoint_without_import_gets_the_same_api_by_single_calls() {
    let mut fake = Fake::of(&api(), &wanted().tags);
    // `/webhooks` is there with another timeout, `/webhooks/{provider}` is missing, `/old` is left over.
    fake.method()["methodIntegration"]["timeoutInMillis"] = 50.into();
    fake.resources[2] = json!({"id": "r9", "path": "/old"});
    fake.answers.remove(0);
    let observed = read(&fake).await;
    let unknown = reply_error(
        IMPORT,
        404,
        "NotFoundException",
        "Unknown API Gateway v1 path",
    );
    let single = [
        "DELETE /restapis/a1/resources/r1/methods/POST",
        "PUT /restapis/a1/resources/r1/methods/POST",
        "PUT /restapis/a1/resources/r1/methods/POST/integration",
        "POST /restapis/a1/resources/r1",
        "PUT /restapis/a1/resources/r2/methods/POST",
        "PUT /restapis/a1/resources/r2/methods/POST/integration",
        "DELETE /restapis/a1/resources/r9",
        "PUT /restapis/a1/gatewayresponses/DEFAULT_4XX",
    ];
    let made = single.map(|call| reply(call, 200, json!({"id": "r2"})));
    let (aws, script) = scripted([unknown].into_iter().chain(fake.replies()).chain(made));
    Api::put(&aws, &known(), Some(&observed)).await.unwrap();
    let reads = [IMPORT, GET, RESOURCES, ANSWERS, VALIDATORS];
    script.assert_calls(reads.into_iter().chain(single));
    assert_eq!(script.body(single[3]), json!({"pathPart": "{provider}"}));
    let method = script.body(single[4]);
    assert_eq!(
        method["requestParameters"],
        json!({"method.request.path.provider": true})
    );
    assert_eq!(method["requestValidatorId"], "v1");
    let integration = script.body(single[5]);
    assert_eq!(integration["uri"], body::uri(ALIAS, &aws.given));
    assert_eq!(integration["timeoutInMillis"], 10_000);
}

#[tokio::test]
async fn deleting_takes_one_call_and_an_api_already_gone_is_gone() {
    let delete = "DELETE /restapis/a1";
    let gone = reply_error(
        delete,
        404,
        "NotFoundException",
        "Invalid API identifier specified",
    );
    for answer in [reply(delete, 202, Value::Null), gone] {
        let (aws, script) = scripted([answer]);
        let deleted = Api::delete(&aws, &known(), &settled().await).await.unwrap();
        assert_eq!(deleted, Delete::Gone);
        script.assert_calls([delete]);
    }
}

#[tokio::test]
async fn a_throttled_delete_is_a_throttle_and_a_concurrent_change_is_waited_for() {
    let delete = "DELETE /restapis/a1";
    let throttle = reply_error(delete, 429, "TooManyRequestsException", "Too Many Requests");
    let (aws, _) = scripted([throttle]);
    let error = Api::delete(&aws, &known(), &settled().await)
        .await
        .unwrap_err();
    assert_eq!(error.class, crate::resources::Class::Throttle);
    let message =
        "Unable to complete operation due to concurrent modification. Please try again later.";
    let waits = waits_for::<Api>("ConflictException", message);
    assert_eq!(waits, Some("another change of the API to end"));
    assert_eq!(
        waits_for::<Api>("BadRequestException", "Invalid mapping"),
        None
    );
}
