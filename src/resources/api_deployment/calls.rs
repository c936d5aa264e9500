//! The calls that read, write and delete a deployment.

use super::ApiDeployment;
use crate::graph::Input;
use crate::resources::{At, Aws, CloudError, Delete, During, Live, Observed, Outputs, Put};
use async_trait::async_trait;
use aws_sdk_apigateway::types::Deployment;

pub(super) const ID: &str = "deploymentId";
/// Characters of a content's digest.
const DIGEST: usize = 64;

#[async_trait]
impl Live for ApiDeployment {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        // Without its API there is nothing to look in.
        let Ok(api) = at.properties.api.get() else {
            return Ok(None);
        };
        let found = match (at.outputs.get(ID), at.properties.content.get()) {
            (Some(id), content) => match (by_id(aws, &api, id).await?, content) {
                (None, Ok(content)) => listed(aws, &api).await?.of_content(&content),
                (found, _) => found,
            },
            // Not on record: another content of ours is what a stopped replace was to take the place of.
            (None, Ok(content)) => {
                let listed = listed(aws, &api).await?;
                listed
                    .of_content(&content)
                    .or_else(|| listed.ours().next_back())
            }
            (None, Err(_)) => None,
        };
        Ok(found.map(|found| observed(&api, found)))
    }

    async fn leftovers(
        aws: &Aws,
        _at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Vec<Observed<Self>>, CloudError> {
        let api = observed.properties.api.get()?;
        let ours = listed(aws, &api).await?.ours();
        let others = ours.filter(|(id, _)| observed.outputs.get(ID) != Some(id));
        Ok(others.map(|found| self::observed(&api, found)).collect())
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

fn observed(api: &str, (id, content): (String, String)) -> Observed<ApiDeployment> {
    let properties = ApiDeployment {
        api: Input::known(api),
        content: Input::known(content),
    };
    Observed::settled(properties, outputs(id), None)
}

/// Ids and descriptions of an API's deployments, the oldest first.
struct Listed(Vec<(String, String)>);

impl Listed {
    /// The newest of a content.
    fn of_content(&self, content: &str) -> Option<(String, String)> {
        let of_content = |(_, found): &&(String, String)| found == content;
        self.0.iter().rev().find(of_content).cloned()
    }

    /// Those that payhook made: they are described by digests.
    fn ours(self) -> impl DoubleEndedIterator<Item = (String, String)> {
        let all = self.0.into_iter();
        all.filter(|(_, content)| is_digest(content))
    }
}

/// An API that is gone has none.
async fn listed(aws: &Aws, api: &str) -> Result<Listed, CloudError> {
    let mut found: Vec<Deployment> = Vec::new();
    let mut position = None;
    loop {
        let get = aws.apigateway.get_deployments().rest_api_id(api);
        let page = get.limit(500).set_position(position.take()).send().await;
        let Some(page) = page.or_absent("apigateway:GetDeployments")? else {
            return Ok(Listed(Vec::new()));
        };
        found.extend(page.items.unwrap_or_default());
        match page.position {
            Some(next) if !next.is_empty() => position = Some(next),
            _ => break,
        }
    }
    found.sort_by_key(|d| (d.created_date.map(|d| d.secs()), d.id.clone()));
    let described = found.into_iter();
    let described = described.filter_map(|d| Some((d.id?, d.description.unwrap_or_default())));
    Ok(Listed(described.collect()))
}

fn is_digest(content: &str) -> bool {
    content.len() == DIGEST && content.bytes().all(|b| b.is_ascii_hexdigit())
}
