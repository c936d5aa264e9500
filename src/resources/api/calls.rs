//! The calls that read, write and delete a REST API.

use super::observe::{Shown, respell};
use super::{Api, CONTENT, ID, assemble, body, gateway};
use crate::resources::{
    At, Aws, CloudError, Condition, Delete, During, Live, Observed, Outputs, Put, Resource, Tags,
};
use async_trait::async_trait;
use aws_sdk_apigateway::operation::get_rest_api::GetRestApiOutput;
use aws_sdk_apigateway::operation::put_rest_api::PutRestApiOutput;
use aws_sdk_apigateway::types::{
    self, EndpointConfiguration, EndpointType, PatchOperation, PutMode, RestApi,
};
use aws_smithy_types::Blob;

/// As many as API Gateway gives at once.
const PAGE: i32 = 500;

#[async_trait]
impl Live for Api {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let Some(api) = find(aws, at).await? else {
            return Ok(None);
        };
        let id = api.id().unwrap_or_default().to_owned();
        let arn = gateway::arn(&aws.given, &id, None);
        let tags = gateway::tags(aws, &arn, api.tags.clone());
        // An API that goes away while it is read is gone.
        match tokio::try_join!(shown(aws, &id, api), tags) {
            Ok((shown, tags)) => Ok(Some(observed(aws, at, &id, &shown, tags))),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let Some(observed) = observed else {
            return create(aws, at).await;
        };
        let id = observed.outputs.get(ID).cloned().unwrap_or_default();
        if at.properties.clone().canonical() != observed.properties.clone().canonical() {
            import(aws, &id, at).await?;
        }
        if let Some(tags) = &observed.tags {
            let arn = gateway::arn(&aws.given, &id, None);
            gateway::retag(aws, &arn, &at.tags, tags).await?;
        }
        Ok(Put::Done(outputs(aws, &id, &at.properties)))
    }

    async fn delete(
        aws: &Aws,
        _at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        let id = observed.outputs.get(ID).cloned().unwrap_or_default();
        let delete = aws.apigateway.delete_rest_api().rest_api_id(id);
        delete.send().await.or_absent("apigateway:DeleteRestApi")?;
        Ok(Delete::Gone)
    }
}

async fn find(aws: &Aws, at: &At<Api>) -> Result<Option<GetRestApiOutput>, CloudError> {
    let get = |id: &str| aws.apigateway.get_rest_api().rest_api_id(id).send();
    if let Some(id) = at.outputs.get(ID) {
        let api = get(id).await.or_absent("apigateway:GetRestApi")?;
        if api.is_some() {
            return Ok(api);
        }
    }
    match by_tags(aws, at).await? {
        Some(id) => get(&id).await.or_absent("apigateway:GetRestApi"),
        None => Ok(None),
    }
}

/// The oldest API of this name with our ownership tags.
async fn by_tags(aws: &Aws, at: &At<Api>) -> Result<Option<String>, CloudError> {
    let mut ours = all(aws).await?;
    ours.retain(|api| api.name() == Some(&at.properties.name) && is_ours(api, &at.tags));
    ours.sort_by_key(|api| (api.created_date.map(|d| d.secs()), api.id.clone()));
    Ok(ours.into_iter().next().and_then(|api| api.id))
}

/// Every API of the account and region, with its tags.
pub(in crate::resources) async fn all(aws: &Aws) -> Result<Vec<RestApi>, CloudError> {
    let mut found = Vec::new();
    let mut position = None;
    loop {
        let page = aws
            .apigateway
            .get_rest_apis()
            .limit(PAGE)
            .set_position(position.take())
            .send()
            .await
            .during("apigateway:GetRestApis")?;
        found.extend(page.items.unwrap_or_default());
        match page.position {
            Some(next) if !next.is_empty() => position = Some(next),
            _ => return Ok(found),
        }
    }
}

fn is_ours(api: &RestApi, wanted: &Tags) -> bool {
    let mut ownership = wanted.iter().filter(|(key, _)| key.starts_with("payhook:"));
    ownership.all(|(key, value)| api.tags().and_then(|tags| tags.get(key)) == Some(value))
}

/// Reads what is below an API, in three calls at once.
pub(super) async fn shown(aws: &Aws, id: &str, api: GetRestApiOutput) -> Result<Shown, CloudError> {
    let answers = aws.apigateway.get_gateway_responses().rest_api_id(id);
    let answers = async {
        let page = answers.limit(PAGE).send().await;
        page.during("apigateway:GetGatewayResponses")
    };
    let validators = aws.apigateway.get_request_validators().rest_api_id(id);
    let validators = async {
        let page = validators.limit(PAGE).send().await;
        page.during("apigateway:GetRequestValidators")
    };
    let (resources, answers, validators) =
        tokio::try_join!(resources(aws, id), answers, validators)?;
    Ok(Shown {
        api,
        resources,
        answers: answers.items.unwrap_or_default(),
        validators: validators.items.unwrap_or_default(),
    })
}

/// Every resource of an API with its methods and their integrations.
async fn resources(aws: &Aws, id: &str) -> Result<Vec<types::Resource>, CloudError> {
    let mut found = Vec::new();
    let mut position = None;
    loop {
        let page = aws
            .apigateway
            .get_resources()
            .rest_api_id(id)
            .embed("methods")
            .limit(PAGE)
            .set_position(position.take())
            .send()
            .await
            .during("apigateway:GetResources")?;
        found.extend(page.items.unwrap_or_default());
        match page.position {
            Some(next) if !next.is_empty() => position = Some(next),
            _ => return Ok(found),
        }
    }
}

fn observed(aws: &Aws, at: &At<Api>, id: &str, shown: &Shown, tags: Tags) -> Observed<Api> {
    let mut properties = shown.properties();
    let unseen = match aws.emulated && !properties.routes.is_empty() {
        true => shown.not_kept(),
        false => Vec::new(),
    };
    if aws.emulated {
        properties.routes.iter_mut().for_each(respell);
    }
    for property in &unseen {
        match *property {
            "validatesParameters" => {
                properties.validates_parameters = at.properties.validates_parameters;
            }
            "binaryMediaTypes" => properties
                .binary_media_types
                .clone_from(&at.properties.binary_media_types),
            _ => properties
                .gateway_responses
                .clone_from(&at.properties.gateway_responses),
        }
    }
    let properties = properties.canonical();
    Observed {
        outputs: outputs(aws, id, &properties),
        properties,
        tags: Some(tags),
        condition: Condition::Settled,
        unseen,
    }
}

fn outputs(aws: &Aws, id: &str, properties: &Api) -> Outputs {
    let digest = body::digest(properties, &aws.given).ok();
    let content = digest.map(|d| (CONTENT.to_owned(), d));
    [(ID.to_owned(), id.to_owned())]
        .into_iter()
        .chain(content)
        .collect()
}

/// Makes an empty API; its id must be on record before anything else happens.
async fn create(aws: &Aws, at: &At<Api>) -> Result<Put, CloudError> {
    let regional = EndpointConfiguration::builder()
        .types(EndpointType::Regional)
        .build();
    let made = aws
        .apigateway
        .create_rest_api()
        .name(&at.properties.name)
        .description(&at.properties.description)
        .set_binary_media_types(Some(at.properties.binary_media_types.clone()))
        .endpoint_configuration(regional)
        .set_tags(Some(at.tags.clone().into_iter().collect()))
        .send()
        .await
        .during("apigateway:CreateRestApi")?;
    let id = made.id.unwrap_or_default();
    Ok(Put::Made(Outputs::from([(ID.to_owned(), id)])))
}

/// Overwrites the whole API with its body, then sets what an import leaves as it was.
async fn import(aws: &Aws, id: &str, at: &At<Api>) -> Result<(), CloudError> {
    let wanted = at.properties.clone().canonical();
    let body = body::render(&wanted, &aws.given)?;
    let put = aws.apigateway.put_rest_api().rest_api_id(id);
    let put = put.mode(PutMode::Overwrite);
    let imported = put
        .body(Blob::new(body.to_string()))
        .send()
        .await
        .during("apigateway:PutRestApi");
    let shown = match imported {
        Ok(api) => Shown::literal(as_read(api)).properties(),
        // The API was just read: it is the import that this endpoint does not know (ministack 1.5.33).
        Err(error) if error.is_absent() => assemble::assemble(aws, id, &wanted).await?,
        Err(error) => return Err(error),
    };
    let patches = corrections(&wanted, &shown);
    if !patches.is_empty() {
        aws.apigateway
            .update_rest_api()
            .rest_api_id(id)
            .set_patch_operations(Some(patches))
            .send()
            .await
            .during("apigateway:UpdateRestApi")?;
    }
    Ok(())
}

/// The SDK has a type of its own for the same answer of each call.
fn as_read(api: PutRestApiOutput) -> GetRestApiOutput {
    GetRestApiOutput::builder()
        .set_name(api.name)
        .set_description(api.description)
        .set_binary_media_types(api.binary_media_types)
        .set_minimum_compression_size(api.minimum_compression_size)
        .set_api_key_source(api.api_key_source)
        .set_endpoint_configuration(api.endpoint_configuration)
        .set_policy(api.policy)
        .disable_execute_api_endpoint(api.disable_execute_api_endpoint)
        .build()
}

/// Patches for the settings of the API itself; what is below it is not looked at.
fn corrections(wanted: &Api, shown: &Api) -> Vec<PatchOperation> {
    let mut patches = Vec::new();
    if shown.name != wanted.name {
        patches.push(gateway::set("/name", &wanted.name));
    }
    if shown.description != wanted.description {
        patches.push(gateway::set("/description", &wanted.description));
    }
    let resets = [
        ("policy", gateway::set("/policy", "")),
        (
            "endpointTypes",
            gateway::set("/endpointConfiguration/types/0", "REGIONAL"),
        ),
        ("apiKeySource", gateway::set("/apiKeySource", "HEADER")),
        (
            "disableExecuteApiEndpoint",
            gateway::set("/disableExecuteApiEndpoint", false),
        ),
        (
            "minimumCompressionSize",
            gateway::clear("/minimumCompressionSize"),
        ),
    ];
    let away = resets.into_iter();
    patches.extend(away.filter_map(|(name, p)| shown.unmanaged.contains_key(name).then_some(p)));
    let path = |media_type: &str| format!("/binaryMediaTypes/{}", gateway::escaped(media_type));
    let (shown, wanted) = (&shown.binary_media_types, &wanted.binary_media_types);
    let surplus = shown.iter().filter(|t| !wanted.contains(t));
    patches.extend(surplus.map(|t| gateway::remove(&path(t))));
    let missing = wanted.iter().filter(|t| !shown.contains(t));
    patches.extend(missing.map(|t| gateway::add(&path(t))));
    patches
}
