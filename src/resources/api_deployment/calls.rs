//! The calls that read, write and delete a deployment.

use super::ApiDeployment;
use crate::graph::Input;
use crate::resources::{At, Aws, CloudError, Delete, During, Live, Observed, Outputs, Put};
use async_trait::async_trait;
use aws_sdk_apigateway::types::Deployment;

pub(super) const ID: &str = "deploymentId";

#[async_trait]
impl Live for ApiDeployment {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        // Without its API there is nothing to look in.
        let Ok(api) = at.properties.api.get() else {
            return Ok(None);
        };
        let found = match at.outputs.get(ID) {
            Some(id) => by_id(aws, &api, id).await?,
            None => None,
        };
        let found = match (found, at.properties.content.get()) {
            (Some(found), _) => Some(found),
            (None, Ok(content)) => by_content(aws, &api, &content).await?,
            (None, Err(_)) => None,
        };
        Ok(found.map(|(id, content)| {
            let properties = ApiDeployment {
                api: Input::known(api),
                content: Input::known(content),
            };
            Observed::settled(properties, outputs(id), None)
        }))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let content = at.properties.content.get()?;
        // Everything about a deployment is fixed: one of another content is never this one.
        if let Some(observed) = observed
            && observed.properties == at.properties
        {
            return Ok(Put::Done(observed.outputs.clone()));
        }
        let create = aws.apigateway.create_deployment();
        // No stage is named here: API Gateway would make or move one by the way.
        let made = create
            .rest_api_id(at.properties.api.get()?)
            .description(content)
            .send()
            .await
            .during("apigateway:CreateDeployment")?;
        Ok(Put::Done(outputs(made.id.unwrap_or_default())))
    }

    async fn delete(
        aws: &Aws,
        _at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        let id = observed.outputs.get(ID).cloned().unwrap_or_default();
        let delete = aws.apigateway.delete_deployment().deployment_id(id);
        delete
            .rest_api_id(observed.properties.api.get()?)
            .send()
            .await
            .or_absent("apigateway:DeleteDeployment")?;
        Ok(Delete::Gone)
    }
}

fn outputs(id: String) -> Outputs {
    Outputs::from([(ID.to_owned(), id)])
}

async fn by_id(aws: &Aws, api: &str, id: &str) -> Result<Option<(String, String)>, CloudError> {
    let get = aws.apigateway.get_deployment().rest_api_id(api);
    let found = get.deployment_id(id).send().await;
    let found = found.or_absent("apigateway:GetDeployment")?;
    Ok(found.map(|d| (id.to_owned(), d.description.unwrap_or_default())))
}

/// The newest deployment of a content; an API that is gone has none.
async fn by_content(
    aws: &Aws,
    api: &str,
    content: &str,
) -> Result<Option<(String, String)>, CloudError> {
    let mut found: Vec<Deployment> = Vec::new();
    let mut position = None;
    loop {
        let get = aws.apigateway.get_deployments().rest_api_id(api);
        let page = get.limit(500).set_position(position.take()).send().await;
        let Some(page) = page.or_absent("apigateway:GetDeployments")? else {
            return Ok(None);
        };
        let items = page.items.unwrap_or_default().into_iter();
        found.extend(items.filter(|d| d.description() == Some(content)));
        match page.position {
            Some(next) if !next.is_empty() => position = Some(next),
            _ => break,
        }
    }
    found.sort_by_key(|d| (d.created_date.map(|d| d.secs()), d.id.clone()));
    let newest = found.pop().and_then(|d| d.id);
    Ok(newest.map(|id| (id, content.to_owned())))
}
