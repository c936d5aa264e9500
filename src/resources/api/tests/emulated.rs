use super::*;

#[tokio::test]
async fn an_api_with_its_deployment_stage_and_account_role_lives_and_dies_on_the_emulator() {
    use crate::resources::api_account::ApiAccount;
    use crate::resources::api_deployment::ApiDeployment;
    use crate::resources::api_stage::ApiStage;
    use crate::resources::emulated::{die, emulator, live, settle};
    let Some(aws) = emulator().await else {
        return;
    };
    let mut api = at("emulated-api", api());
    live(&aws, &mut api, |api| {
        api.description.push('2');
        api.routes[0].timeout_ms = 5_000;
        api.routes.remove(1);
        api.routes
            .push(Route::post("/other/{a}/{b}", Input::known(ALIAS), 50));
        api.gateway_responses.remove(0);
        api.gateway_responses[1].status = Some(418);
    })
    .await;
    let content =
        |api: &At<Api>| Input::known(api.properties.predicted(&aws.given)[CONTENT].clone());
    let id = || Input::known(api.outputs[ID].clone());
    let deployment = |content| ApiDeployment { api: id(), content };
    let mut first = at("emulated-deployment", deployment(content(&api)));
    live(&aws, &mut first, |_| {}).await;
    let mut second = at("emulated-deployment", deployment(Input::known("another")));
    settle(&aws, &mut second).await;
    assert_ne!(first.outputs, second.outputs);

    let deployment_id = |at: &At<ApiDeployment>| Input::known(at.outputs["deploymentId"].clone());
    let group = |name| {
        Input::known(format!(
            "arn:aws:logs:eu-central-1:000000000000:log-group:{name}"
        ))
    };
    let mut stage = at(
        "emulated-stage",
        ApiStage {
            name: "prod".to_owned(),
            api: id(),
            deployment: deployment_id(&first),
            tracing: true,
            rate_limit: 100.0,
            burst_limit: 200,
            access_log_group: group("a"),
            access_log_format: "$context.requestId".to_owned(),
            detailed_metrics: true,
            unmanaged: Unmanaged::new(),
        },
    );
    live(&aws, &mut stage, |stage| {
        stage.deployment = deployment_id(&second);
        stage.tracing = false;
        stage.rate_limit = 12.5;
        stage.burst_limit = 1;
        stage.access_log_group = group("b");
        stage.access_log_format.push_str(" $context.status");
        stage.detailed_metrics = false;
    })
    .await;
    let called = reqwest::Client::new()
        .post(format!("{}/nowhere", stage.outputs["invokeUrl"]))
        .send();
    assert_eq!(called.await.unwrap().status(), 418);

    let role = Input::known("arn:aws:iam::000000000000:role/emulated-api-logs");
    let mut account = at("emulated-account", ApiAccount { role });
    settle(&aws, &mut account).await;
    die(&aws, &account).await;
    die(&aws, &stage).await;
    die(&aws, &first).await;
    die(&aws, &second).await;
    die(&aws, &api).await;
}
