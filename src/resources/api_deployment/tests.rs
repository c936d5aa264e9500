use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Delete, Live, Observed, Outputs, Put};
use serde_json::{Value, json};

const ONE: &str = "GET /restapis/a1/deployments/d1";
const LIST: &str = "GET /restapis/a1/deployments?limit=500";
const CREATE: &str = "POST /restapis/a1/deployments";
const DELETE: &str = "DELETE /restapis/a1/deployments/d1";

fn wanted() -> At<ApiDeployment> {
    let properties = ApiDeployment {
        api: Input::known("a1"),
        content: Input::known("c0ffee"),
    };
    at("deployment", properties)
}

fn known() -> At<ApiDeployment> {
    At {
        outputs: Outputs::from([(calls::ID.to_owned(), "d1".to_owned())]),
        ..wanted()
    }
}

fn deployment(id: &str, content: &str, created: f64) -> Value {
    json!({"id": id, "description": content, "createdDate": created})
}

fn observed() -> Observed<ApiDeployment> {
    Observed::settled(known().properties, known().outputs, None)
}

#[tokio::test]
async fn a_recorded_deployment_is_read_by_its_id() {
    let (aws, script) = scripted([reply(ONE, 200, deployment("d1", "beef", 1.0))]);
    let found = ApiDeployment::read(&aws, &known()).await.unwrap().unwrap();
    assert_eq!(found.properties.content, Input::known("beef"));
    assert_eq!(found.outputs, known().outputs);
    script.assert_calls([ONE]);
}

#[tokio::test]
async fn a_deployment_that_state_lost_is_found_by_its_content() {
    let first = json!({"item": [deployment("d0", "c0ffee", 1.0), deployment("d9", "beef", 9.0)],
        "position": "p2"});
    let second = json!({"item": [deployment("d1", "c0ffee", 2.0)]});
    let page = "GET /restapis/a1/deployments?position=p2&limit=500";
    let (aws, script) = scripted([reply(LIST, 200, first), reply(page, 200, second)]);
    let found = ApiDeployment::read(&aws, &wanted()).await.unwrap().unwrap();
    assert_eq!(found.outputs, known().outputs);
    script.assert_calls([LIST, page]);
}

#[tokio::test]
async fn without_state_a_deployment_of_another_content_of_ours_is_the_predecessor() {
    let (old, older) = ("a".repeat(64), "b".repeat(64));
    let all = json!({"item": [
        deployment("d5", &old, 5.0), deployment("d4", &older, 4.0), deployment("d9", "by hand", 9.0),
    ]});
    let (aws, _) = scripted([reply(LIST, 200, all.clone()), reply(LIST, 200, all)]);
    let found = ApiDeployment::read(&aws, &wanted()).await.unwrap().unwrap();
    assert_eq!(found.properties.content, Input::known(old));
    let others = ApiDeployment::leftovers(&aws, &wanted(), &found).await;
    let others: Vec<_> = others.unwrap().into_iter().map(|o| o.outputs).collect();
    assert_eq!(
        others,
        [Outputs::from([(calls::ID.to_owned(), "d4".to_owned())])]
    );
}

#[tokio::test]
async fn nothing_is_looked_for_without_an_api_or_a_content() {
    let (aws, script) = scripted([]);
    let mut at = known();
    at.properties.api = serde_json::from_value(json!({"$output": "api.apiId"})).unwrap();
    assert!(ApiDeployment::read(&aws, &at).await.unwrap().is_none());
    let mut at = wanted();
    at.properties.content = serde_json::from_value(json!({"$output": "api.apiContent"})).unwrap();
    assert!(ApiDeployment::read(&aws, &at).await.unwrap().is_none());
    script.assert_calls([]);
}

#[tokio::test]
async fn the_deployments_of_an_api_that_is_gone_are_gone() {
    let gone = |call| {
        reply_error(
            call,
            404,
            "NotFoundException",
            "Invalid API identifier specified",
        )
    };
    let (aws, script) = scripted([gone(ONE), gone(LIST)]);
    assert!(ApiDeployment::read(&aws, &known()).await.unwrap().is_none());
    script.assert_calls([ONE, LIST]);
}

#[tokio::test]
async fn a_new_deployment_carries_its_content_and_touches_no_stage() {
    let (aws, script) = scripted([reply(CREATE, 201, deployment("d1", "c0ffee", 1.0))]);
    let put = ApiDeployment::put(&aws, &wanted(), None).await.unwrap();
    assert_eq!(put, Put::Done(known().outputs));
    assert_eq!(script.body(CREATE), json!({"description": "c0ffee"}));
}

#[tokio::test]
async fn a_deployment_of_the_wanted_content_costs_no_call_and_one_of_another_is_never_taken() {
    let (aws, script) = scripted([reply(CREATE, 201, deployment("d2", "c0ffee", 2.0))]);
    let put = ApiDeployment::put(&aws, &known(), Some(&observed())).await;
    assert_eq!(put.unwrap(), Put::Done(known().outputs));
    assert!(script.calls().is_empty());
    let mut other = observed();
    other.properties.content = Input::known("beef");
    let put = ApiDeployment::put(&aws, &known(), Some(&other)).await;
    assert_eq!(
        put.unwrap(),
        Put::Done(Outputs::from([(calls::ID.to_owned(), "d2".to_owned())]))
    );
    script.assert_calls([CREATE]);
}

#[tokio::test]
async fn a_deployment_goes_once_no_stage_serves_it() {
    let message = "Active stages pointing to this deployment must be moved or deleted";
    let (aws, _) = scripted([reply_error(DELETE, 400, "BadRequestException", message)]);
    let error = ApiDeployment::delete(&aws, &known(), &observed())
        .await
        .unwrap_err();
    let waits = waits_for::<ApiDeployment>(&error.code, &error.message);
    assert_eq!(waits, Some("stage to move to the new deployment"));

    let gone = reply_error(
        DELETE,
        404,
        "NotFoundException",
        "Invalid Deployment identifier specified",
    );
    for answer in [reply(DELETE, 202, Value::Null), gone] {
        let (aws, script) = scripted([answer]);
        let deleted = ApiDeployment::delete(&aws, &known(), &observed())
            .await
            .unwrap();
        assert_eq!(deleted, Delete::Gone);
        script.assert_calls([DELETE]);
    }
}

#[test]
fn a_deployment_without_any_method_is_refused_for_good() {
    let message = "The REST API doesn't contain any methods";
    assert_eq!(
        waits_for::<ApiDeployment>("BadRequestException", message),
        None
    );
}
