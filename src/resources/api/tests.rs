mod emulated;
mod writing;

use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Aws, Delete, Live, Observed, Put, Tags};
use proptest::prelude::*;
use serde_json::{Value, json};

const ALIAS: &str = "arn:aws:lambda:eu-central-1:123456789012:function:webhook-validator-dev:live";
const GET: &str = "GET /restapis/a1";
const RESOURCES: &str = "GET /restapis/a1/resources?limit=500&embed=methods";
const ANSWERS: &str = "GET /restapis/a1/gatewayresponses?limit=500";
const VALIDATORS: &str = "GET /restapis/a1/requestvalidators?limit=500";
const LIST: &str = "GET /restapis?limit=500";
const IMPORT: &str = "PUT /restapis/a1?mode=overwrite";
const UPDATE: &str = "PATCH /restapis/a1";
const TAGS: &str = "/tags/arn%3Aaws%3Aapigateway%3Aeu-central-1%3A%3A%2Frestapis%2Fa1";

fn api() -> Api {
    let routes = vec![
        Route::post("/webhooks", Input::known(ALIAS), 10_000),
        Route::post("/webhooks/{provider}", Input::known(ALIAS), 10_000),
    ];
    Api::new(
        "payment-webhook-api-dev",
        "Receives payment webhooks",
        routes,
    )
    .canonical()
}

fn wanted() -> At<Api> {
    at("api", api())
}

fn known() -> At<Api> {
    let outputs = Outputs::from([(ID.to_owned(), "a1".to_owned())]);
    At {
        outputs,
        ..wanted()
    }
}

/// What AWS shows of an API, with what it fills in itself.
struct Fake {
    api: Value,
    resources: Vec<Value>,
    answers: Vec<Value>,
    validators: Vec<Value>,
}

impl Fake {
    fn of(api: &Api, tags: &Tags) -> Self {
        let mut resources = vec![json!({"id": "r0", "path": "/"})];
        let mut paths: Vec<&str> = api.routes.iter().map(|r| r.path.as_str()).collect();
        paths.dedup();
        for (at, path) in paths.into_iter().enumerate() {
            let methods = api.routes.iter().filter(|r| r.path == path);
            let validated = api.validates_parameters;
            let methods: serde_json::Map<_, _> = methods
                .map(|r| (r.method.clone(), method(r, validated)))
                .collect();
            let id = format!("r{}", at + 1);
            resources.push(json!({"id": id, "path": path, "resourceMethods": methods}));
        }
        let validator = json!({"id": "v1", "name": "parameters",
            "validateRequestParameters": true, "validateRequestBody": false});
        Self {
            api: json!({
                "id": "a1", "name": api.name, "description": api.description, "createdDate": 1.0,
                "version": "1", "binaryMediaTypes": api.binary_media_types, "apiKeySource": "HEADER",
                "endpointConfiguration": {"types": ["REGIONAL"], "ipAddressType": "ipv4"},
                "tags": tags, "disableExecuteApiEndpoint": false, "rootResourceId": "r0",
            }),
            resources,
            answers: answers(api),
            validators: Vec::from_iter(api.validates_parameters.then_some(validator)),
        }
    }

    fn replies(&self) -> [Reply; 4] {
        [
            reply(GET, 200, self.api.clone()),
            reply(RESOURCES, 200, json!({ "item": self.resources })),
            reply(ANSWERS, 200, json!({ "item": self.answers })),
            reply(VALIDATORS, 200, json!({ "item": self.validators })),
        ]
    }

    fn method(&mut self) -> &mut Value {
        &mut self.resources[1]["resourceMethods"]["POST"]
    }
}

fn method(route: &Route, validated: bool) -> Value {
    let required = route.parameters();
    let required = required.map(|p| (format!("method.request.path.{p}"), true.into()));
    let required: serde_json::Map<String, Value> = required.collect();
    let mut method = json!({
        "httpMethod": route.method, "authorizationType": "NONE", "apiKeyRequired": false,
        "requestParameters": required,
        "methodIntegration": {
            "type": "AWS_PROXY", "httpMethod": "POST", "passthroughBehavior": "WHEN_NO_MATCH",
            "uri": format!("arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{}/invocations",
                route.target.get().unwrap()),
            "timeoutInMillis": route.timeout_ms, "cacheNamespace": "r1", "cacheKeyParameters": [],
        },
    });
    if validated {
        method["requestValidatorId"] = "v1".into();
    }
    method
}

/// Every case is listed, those not set as default ones.
fn answers(api: &Api) -> Vec<Value> {
    let set = api.gateway_responses.iter().map(|answer| {
        let status = answer.status.map(|s| s.to_string());
        let status =
            status.or_else(|| (answer.case == "REQUEST_TOO_LARGE").then(|| "413".to_owned()));
        json!({"responseType": answer.case, "statusCode": status, "defaultResponse": false,
            "responseParameters": {}, "responseTemplates": {"application/json": answer.template}})
    });
    let default = json!({"responseType": "THROTTLED", "statusCode": "429", "defaultResponse": true,
        "responseTemplates": {"application/json": "{\"message\":$context.error.messageString}"}});
    set.chain([default]).collect()
}

async fn read(fake: &Fake) -> Observed<Api> {
    let (aws, script) = scripted(fake.replies());
    let observed = Api::read(&aws, &known()).await.unwrap().unwrap();
    assert_eq!(script.calls().len(), 4);
    observed
}

async fn settled() -> Observed<Api> {
    read(&Fake::of(&api(), &wanted().tags)).await
}

fn some_api() -> impl Strategy<Value = Api> {
    let place = ("(/[a-z]{1,3}){1,2}(/\\{[a-z]{1,3}\\})?", "GET|POST|PUT");
    let routes = proptest::collection::btree_map(place, 50..29_000u32, 1..4);
    let types = proptest::collection::btree_set("(image|text)/[a-z]{3}", 0..3);
    let answer = (401..404u16, "[a-z]{0,5}");
    (routes, types, any::<bool>(), answer, "[a-z ]{0,9}").prop_map(
        |(routes, types, validates, (status, template), description)| {
            Api {
                description,
                binary_media_types: types.into_iter().collect(),
                routes: routes
                    .into_iter()
                    .map(|((path, method), timeout)| Route {
                        method,
                        ..Route::post(&path, Input::known(ALIAS), timeout)
                    })
                    .collect(),
                validates_parameters: validates,
                gateway_responses: vec![GatewayResponse {
                    case: "DEFAULT_4XX".to_owned(),
                    status: Some(status),
                    template,
                    unmanaged: Unmanaged::new(),
                }],
                ..api()
            }
            .canonical()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_read_gives_back_every_property(api in some_api()) {
        let observed = run(read(&Fake::of(&api, &wanted().tags)));
        prop_assert_eq!(&observed.properties, &api);
        let (aws, _) = scripted([]);
        prop_assert_eq!(&observed.outputs[CONTENT], &api.predicted(&aws.given)[CONTENT]);
    }

    #[test]
    fn the_content_changes_with_everything_that_is_frozen_and_with_nothing_else(a in some_api(), b in some_api()) {
        let (aws, _) = scripted([]);
        let content = |api: &Api| api.predicted(&aws.given)[CONTENT].clone();
        prop_assert_eq!(a == b, content(&a) == content(&b));
        let mut turned = a.clone();
        turned.routes.reverse();
        turned.binary_media_types.reverse();
        prop_assert_eq!(content(&a), content(&turned));
    }
}

#[test]
fn the_content_is_unknown_while_an_alias_is() {
    let (aws, _) = scripted([]);
    let open: Input<AliasArn> =
        serde_json::from_value(json!({"$output": "validator.aliasArn"})).unwrap();
    let routes = vec![Route::post("/webhooks", open, 1_000)];
    assert_eq!(
        Api::new("a", "", routes).predicted(&aws.given),
        Outputs::new()
    );
}

#[test]
fn the_body_is_one_open_api_document() {
    let (aws, _) = scripted([]);
    insta::assert_json_snapshot!(body::render(&api(), &aws.given).unwrap());
}

#[tokio::test]
async fn every_setting_changed_outside_is_seen_and_nothing_else_is() {
    type Change = fn(&mut Fake);
    let changes: [(Change, &str); 17] = [
        (
            |f| f.method()["authorizationType"] = "AWS_IAM".into(),
            "authorizationType",
        ),
        (|f| f.method()["authorizerId"] = "x".into(), "authorizerId"),
        (
            |f| f.method()["apiKeyRequired"] = true.into(),
            "apiKeyRequired",
        ),
        (
            |f| f.method()["requestParameters"] = json!({"a": true}),
            "requestParameters",
        ),
        (
            |f| f.method()["requestModels"] = json!({"a": "b"}),
            "requestModels",
        ),
        (
            |f| f.method()["methodIntegration"]["type"] = "MOCK".into(),
            "integrationType",
        ),
        (
            |f| f.method()["methodIntegration"]["httpMethod"] = "GET".into(),
            "integrationHttpMethod",
        ),
        (
            |f| f.method()["methodIntegration"]["credentials"] = "x".into(),
            "credentials",
        ),
        (
            |f| f.method()["methodIntegration"]["passthroughBehavior"] = "NEVER".into(),
            "passthroughBehavior",
        ),
        (
            |f| f.method()["methodIntegration"]["contentHandling"] = "CONVERT_TO_TEXT".into(),
            "contentHandling",
        ),
        (
            |f| f.method()["methodIntegration"]["requestTemplates"] = json!({"a": "b"}),
            "requestTemplates",
        ),
        (
            |f| f.method()["methodIntegration"]["timeoutInMillis"] = 50.into(),
            "\"timeoutMs\":50",
        ),
        (
            |f| {
                f.resources
                    .push(json!({"id": "r9", "path": "/webhooks/empty"}))
            },
            "/webhooks/empty",
        ),
        (
            |f| f.validators[0]["validateRequestBody"] = true.into(),
            "validateRequestBody",
        ),
        (
            |f| f.validators[0]["validateRequestParameters"] = false.into(),
            "\"validatesParameters\":false",
        ),
        (|f| f.answers[0]["statusCode"] = "418".into(), "418"),
        (
            |f| f.answers[0]["responseParameters"] = json!({"gatewayresponse.header.a": "b"}),
            "gatewayresponse.header.a",
        ),
    ];
    let before = settled().await;
    assert_eq!(before.properties, api());
    for (change, named) in changes {
        let mut fake = Fake::of(&api(), &wanted().tags);
        change(&mut fake);
        let after = read(&fake).await.properties;
        assert_ne!(after, api(), "{named}");
        let shown = serde_json::to_string(&after).unwrap();
        assert!(shown.contains(named), "{named} in {shown}");
        let (aws, script) = scripted([reply(IMPORT, 200, fake.api)]);
        let observed = Observed {
            properties: after,
            ..before.clone()
        };
        Api::put(&aws, &known(), Some(&observed)).await.unwrap();
        script.assert_calls([IMPORT]);
    }
}

#[tokio::test]
async fn without_state_the_oldest_api_with_our_tags_is_ours_and_a_namesake_is_not() {
    let ours = |id: &str, day: f64| {
        let mut api = Fake::of(&api(), &wanted().tags).api;
        api["id"] = id.into();
        api["createdDate"] = day.into();
        api
    };
    let mut namesake = ours("a0", 0.0);
    namesake["tags"]["payhook:env"] = "prod".into();
    let first = json!({"item": [namesake.clone(), ours("a2", 2.0)], "position": "next"});
    let second = json!({"item": [ours("a1", 1.0)]});
    let page = "GET /restapis?position=next&limit=500";
    let listed = [reply(LIST, 200, first), reply(page, 200, second)];
    let fake = Fake::of(&api(), &wanted().tags);
    let (aws, _) = scripted(listed.into_iter().chain(fake.replies()));
    let observed = Api::read(&aws, &wanted()).await.unwrap().unwrap();
    assert_eq!(observed.outputs[ID], "a1");

    let (aws, script) = scripted([reply(LIST, 200, json!({ "item": [namesake] }))]);
    assert!(Api::read(&aws, &wanted()).await.unwrap().is_none());
    script.assert_calls([LIST]);
}

#[tokio::test]
async fn an_api_whose_recorded_id_is_gone_is_looked_for_by_its_tags() {
    let (aws, script) = scripted([
        reply_error(
            GET,
            404,
            "NotFoundException",
            "Invalid API identifier specified",
        ),
        reply(LIST, 200, json!({ "item": [] })),
    ]);
    assert!(Api::read(&aws, &known()).await.unwrap().is_none());
    script.assert_calls([GET, LIST]);
}

#[tokio::test]
async fn only_an_emulator_may_show_less_than_it_was_given() {
    let mut fake = Fake::of(&api(), &wanted().tags);
    for resource in &mut fake.resources[1..] {
        let method = resource["resourceMethods"]["POST"].as_object_mut().unwrap();
        method.remove("requestValidatorId");
    }
    fake.validators.clear();
    fake.answers.clear();
    let observed = read(&fake).await;
    assert!(!observed.properties.validates_parameters);
    assert!(observed.unseen.is_empty());
    let tags = reply(&format!("GET {TAGS}"), 200, json!({"tags": {}}));
    let (aws, _) = scripted(fake.replies().into_iter().chain([tags]));
    let emulator = Aws {
        emulated: true,
        ..aws
    };
    let observed = Api::read(&emulator, &known()).await.unwrap().unwrap();
    assert_eq!(observed.unseen, ["validatesParameters", "gatewayResponses"]);
    assert_eq!(observed.properties, api());
}

#[tokio::test]
async fn only_an_emulator_may_spell_an_integration_as_it_was_imported_and_lose_media_types() {
    let mut fake = Fake::of(&api(), &wanted().tags);
    for resource in &mut fake.resources[1..] {
        let integration = &mut resource["resourceMethods"]["POST"]["methodIntegration"];
        integration["type"] = "aws_proxy".into();
        integration["passthroughBehavior"] = "when_no_match".into();
    }
    fake.api["binaryMediaTypes"] = json!([""]);
    let observed = read(&fake).await;
    assert_eq!(observed.properties.routes[0].unmanaged.len(), 2);
    assert_eq!(observed.properties.binary_media_types, [""]);
    assert!(observed.unseen.is_empty());
    let unknown = reply(&format!("GET {TAGS}"), 404, "Not Found".into());
    let (aws, _) = scripted(fake.replies().into_iter().chain([unknown]));
    let emulator = Aws {
        emulated: true,
        ..aws
    };
    let observed = Api::read(&emulator, &known()).await.unwrap().unwrap();
    assert_eq!(observed.unseen, ["binaryMediaTypes"]);
    assert_eq!(observed.properties, api());
}
