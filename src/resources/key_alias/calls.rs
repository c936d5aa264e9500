use super::KeyAlias;
use crate::graph::Input;
use crate::resources::key::tags_of;
use crate::resources::tags::tag;
use crate::resources::{At, Aws, CloudError, Delete, During, Live, Observed, Put, Resource, Tags};
use async_trait::async_trait;

#[async_trait]
impl Live for KeyAlias {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let name = &at.properties.name;
        // The key it should point at is almost always the one it does point at: ask for its tags in the same wave.
        let expected = at.properties.clone().canonical().key.get().ok();
        let (described, tags) = tokio::join!(aws.kms.describe_key().key_id(name).send(), async {
            match &expected {
                Some(id) => Some(tags_of(aws, id).await),
                None => None,
            }
        });
        let described = described.or_absent("kms:DescribeKey")?;
        let Some(key) = described.and_then(|d| d.key_metadata) else {
            return Ok(None);
        };
        let id = key.key_id();
        let tags = match tags {
            Some(tags) if expected.as_deref() == Some(id) => tags?,
            _ => tags_of(aws, id).await?,
        };
        let properties = Self {
            name: name.clone(),
            key: Input::known(id),
        };
        let outputs = properties.predicted(&aws.given);
        let tags = Some(ownership(at, tags));
        Ok(Some(Observed::settled(properties, outputs, tags)))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let wanted = at.properties.clone().canonical();
        let key = wanted.key.get()?;
        match observed {
            None => {
                let call = aws.kms.create_alias().alias_name(&wanted.name);
                let call = call.target_key_id(key);
                call.send().await.during("kms:CreateAlias")?;
            }
            Some(observed) if observed.properties.clone().canonical().key != wanted.key => {
                let call = aws.kms.update_alias().alias_name(&wanted.name);
                let call = call.target_key_id(key);
                call.send().await.during("kms:UpdateAlias")?;
            }
            Some(_) => {}
        }
        Ok(Put::Done(wanted.predicted(&aws.given)))
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        _observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        let call = aws.kms.delete_alias().alias_name(&at.properties.name);
        call.send().await.or_absent("kms:DeleteAlias")?;
        Ok(Delete::Gone)
    }
}

/// The alias belongs to whom its key belongs: it has no tags of its own.
///
/// When the key carries our stack and environment, the alias is the resource of that stack with this name.
fn ownership(at: &At<KeyAlias>, mut key: Tags) -> Tags {
    let same = |name: &str| key.contains_key(name) && key.get(name) == at.tags.get(name);
    if same(tag::STACK)
        && same(tag::ENV)
        && let Some(resource) = at.tags.get(tag::RESOURCE)
    {
        key.insert(tag::RESOURCE.to_owned(), resource.clone());
    }
    key
}
