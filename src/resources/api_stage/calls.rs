//! The calls that read, write and delete a stage.

use super::{ApiStage, invoke_url};
use crate::graph::Input;
use crate::resources::api::gateway::{arn, remove, retag, set, tags};
use crate::resources::veil::veil;
use crate::resources::{
    At, Aws, CloudError, Delete, During, Live, Observed, Outputs, Put, Unmanaged,
};
use async_trait::async_trait;
use aws_sdk_apigateway::operation::get_stage::GetStageOutput;
use aws_sdk_apigateway::types::{CacheClusterStatus, MethodSetting, PatchOperation};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The setting that holds for every method.
const EVERY: &str = "*/*";

#[async_trait]
impl Live for ApiStage {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        // Without its API there is no stage.
        let Ok(api) = at.properties.api.get() else {
            return Ok(None);
        };
        let name = &at.properties.name;
        let get = aws.apigateway.get_stage().rest_api_id(&api);
        let shown = get.stage_name(name).send().await;
        let Some(shown) = shown.or_absent("apigateway:GetStage")? else {
            return Ok(None);
        };
        let arn = arn(&aws.given, &api, Some(name));
        let tags = tags(aws, &arn, shown.tags.clone()).await?;
        let outputs = outputs(aws, &api, name);
        let properties = properties(&shown, name, api);
        Ok(Some(Observed::settled(properties, outputs, Some(tags))))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let wanted = &at.properties;
        let api = wanted.api.get()?;
        let Some(observed) = observed else {
            let made = create(aws, at, &api).await?;
            let made = properties(&made, &wanted.name, api.clone());
            update(aws, &api, &made, wanted).await?;
            return Ok(Put::Done(outputs(aws, &api, &wanted.name)));
        };
        update(aws, &api, &observed.properties, wanted).await?;
        let arn = arn(&aws.given, &api, Some(&wanted.name));
        let tags = observed.tags.clone().unwrap_or_default();
        retag(aws, &arn, &at.tags, &tags).await?;
        Ok(Put::Done(observed.outputs.clone()))
    }

    async fn delete(
        aws: &Aws,
        _at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        let delete = aws.apigateway.delete_stage();
        delete
            .rest_api_id(observed.properties.api.get()?)
            .stage_name(&observed.properties.name)
            .send()
            .await
            .or_absent("apigateway:DeleteStage")?;
        Ok(Delete::Gone)
    }
}

fn outputs(aws: &Aws, api: &str, stage: &str) -> Outputs {
    let url = invoke_url(&aws.given, aws.endpoint.as_deref(), api, stage);
    Outputs::from([
        ("stageName".to_owned(), stage.to_owned()),
        ("invokeUrl".to_owned(), url),
    ])
}

/// Makes the stage with all that CreateStage takes; logs and method settings need a second call.
async fn create(aws: &Aws, at: &At<ApiStage>, api: &str) -> Result<GetStageOutput, CloudError> {
    let wanted = &at.properties;
    let made = aws
        .apigateway
        .create_stage()
        .rest_api_id(api)
        .stage_name(&wanted.name)
        .deployment_id(wanted.deployment.get()?)
        .tracing_enabled(wanted.tracing)
        .set_tags(Some(at.tags.clone().into_iter().collect()))
        .send()
        .await
        .during("apigateway:CreateStage")?;
    Ok(GetStageOutput::builder()
        .set_deployment_id(made.deployment_id)
        .set_method_settings(made.method_settings)
        .set_access_log_settings(made.access_log_settings)
        .tracing_enabled(made.tracing_enabled)
        .build())
}

/// One call for all differences; none when there are none.
async fn update(
    aws: &Aws,
    api: &str,
    shown: &ApiStage,
    wanted: &ApiStage,
) -> Result<(), CloudError> {
    let patches = patches(shown, wanted)?;
    if patches.is_empty() {
        return Ok(());
    }
    aws.apigateway
        .update_stage()
        .rest_api_id(api)
        .stage_name(&wanted.name)
        .set_patch_operations(Some(patches))
        .send()
        .await
        .during("apigateway:UpdateStage")?;
    Ok(())
}

fn patches(shown: &ApiStage, wanted: &ApiStage) -> Result<Vec<PatchOperation>, CloudError> {
    let mut patches = Vec::new();
    let mut text = |path: &str, shown: &str, wanted: &str| {
        if shown != wanted {
            patches.push(set(path, wanted));
        }
    };
    let (before, after) = (shown.deployment.get()?, wanted.deployment.get()?);
    text("/deploymentId", &before, &after);
    let (before, after) = (
        shown.access_log_group.get()?,
        wanted.access_log_group.get()?,
    );
    text("/accessLogSettings/destinationArn", &before, &after);
    let (before, after) = (&shown.access_log_format, &wanted.access_log_format);
    text("/accessLogSettings/format", before, after);
    let switch = |on: bool| if on { "true" } else { "false" };
    text(
        "/tracingEnabled",
        switch(shown.tracing),
        switch(wanted.tracing),
    );
    let (before, after) = (shown.detailed_metrics, wanted.detailed_metrics);
    text("/*/*/metrics/enabled", switch(before), switch(after));
    if shown.rate_limit != wanted.rate_limit {
        patches.push(set("/*/*/throttling/rateLimit", wanted.rate_limit));
    }
    if shown.burst_limit != wanted.burst_limit {
        patches.push(set("/*/*/throttling/burstLimit", wanted.burst_limit));
    }
    patches.extend(
        shown
            .unmanaged
            .iter()
            .flat_map(|(name, found)| resets(name, found)),
    );
    Ok(patches)
}

/// What takes back a setting that payhook never makes.
fn resets(name: &str, found: &Value) -> Vec<PatchOperation> {
    match name {
        "loggingLevel" => vec![set("/*/*/logging/loglevel", "OFF")],
        "dataTraceEnabled" => vec![set("/*/*/logging/dataTrace", false)],
        "cachingEnabled" => vec![set("/*/*/caching/enabled", false)],
        "cacheClusterEnabled" => vec![set("/cacheClusterEnabled", false)],
        "clientCertificateId" => vec![set("/clientCertificateId", "")],
        "description" => vec![set("/description", "")],
        "documentationVersion" => vec![set("/documentationVersion", "")],
        "canarySettings" => vec![remove("/canarySettings")],
        // Single settings of a method cannot be removed, only all of them.
        "methodSettings" => members(found)
            .map(|key| remove(&method_path(key)))
            .collect(),
        "variables" => members(found)
            .map(|key| remove(&format!("/variables/{key}")))
            .collect(),
        _ => Vec::new(),
    }
}

fn members(found: &Value) -> impl Iterator<Item = &str> {
    let keys = found.as_object().into_iter();
    keys.flat_map(|object| object.keys().map(String::as_str))
}

/// `resource/path/METHOD` as a patch names it: the slashes of the resource's path are escaped.
fn method_path(key: &str) -> String {
    let (path, method) = key.rsplit_once('/').unwrap_or((key, "*"));
    // A setting for every path reads `*/METHOD` and is not escaped.
    format!("/{}/{method}", path.replace('/', "~1"))
}

fn properties(shown: &GetStageOutput, name: &str, api: String) -> ApiStage {
    let every = shown.method_settings().and_then(|m| m.get(EVERY));
    let logs = shown.access_log_settings();
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let group = text(logs.and_then(|l| l.destination_arn()));
    ApiStage {
        name: name.to_owned(),
        api: Input::known(api),
        deployment: Input::known(text(shown.deployment_id())),
        tracing: shown.tracing_enabled,
        // Without a setting the limits of the account hold; no declared value says so.
        rate_limit: every.map_or(-1.0, |e| e.throttling_rate_limit),
        burst_limit: every.map_or(0, |e| u32::try_from(e.throttling_burst_limit).unwrap_or(0)),
        access_log_group: Input::known(group.strip_suffix(":*").unwrap_or(&group)),
        access_log_format: text(logs.and_then(|l| l.format())),
        detailed_metrics: every.is_some_and(|e| e.metrics_enabled),
        unmanaged: unmanaged(shown, every),
    }
}

fn unmanaged(shown: &GetStageOutput, every: Option<&MethodSetting>) -> Unmanaged {
    let others: serde_json::Map<String, Value> = shown
        .method_settings()
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != EVERY)
        .map(|(key, setting)| (key.clone(), setting_value(setting)))
        .collect();
    let cache = shown.cache_cluster_enabled
        && !matches!(
            shown.cache_cluster_status(),
            Some(CacheClusterStatus::DeleteInProgress | CacheClusterStatus::NotAvailable)
        );
    let level = every
        .and_then(|e| e.logging_level())
        .filter(|l| *l != "OFF");
    let variables = shown.variables().filter(|v| !v.is_empty()).map(veiled);
    let text = |value: Option<&str>| value.filter(|v| !v.is_empty()).map(Value::from);
    let canary = shown
        .canary_settings()
        .map(|c| json!({"percentTraffic": c.percent_traffic}));
    let on = |switch: bool| switch.then(|| Value::from(true));
    let settings = [
        ("loggingLevel", level.map(Value::from)),
        (
            "dataTraceEnabled",
            on(every.is_some_and(|e| e.data_trace_enabled)),
        ),
        (
            "cachingEnabled",
            on(every.is_some_and(|e| e.caching_enabled)),
        ),
        ("cacheClusterEnabled", on(cache)),
        ("clientCertificateId", text(shown.client_certificate_id())),
        ("description", text(shown.description())),
        ("documentationVersion", text(shown.documentation_version())),
        ("canarySettings", canary),
        (
            "methodSettings",
            (!others.is_empty()).then(|| others.into()),
        ),
        ("variables", variables),
    ];
    let set = settings.into_iter();
    set.filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// Stage variables, any of which may be a secret.
fn veiled(variables: &HashMap<String, String>) -> Value {
    let veiled = |(name, value): (&String, &String)| {
        let place = format!("stage variable {name}");
        (name.clone(), Value::from(veil(&place, value)))
    };
    let veiled: serde_json::Map<String, Value> = variables.iter().map(veiled).collect();
    veiled.into()
}

fn setting_value(setting: &MethodSetting) -> Value {
    json!({
        "loggingLevel": setting.logging_level(),
        "dataTraceEnabled": setting.data_trace_enabled,
        "metricsEnabled": setting.metrics_enabled,
        "throttlingRateLimit": setting.throttling_rate_limit,
        "throttlingBurstLimit": setting.throttling_burst_limit,
    })
}
