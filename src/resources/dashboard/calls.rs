//! The calls that read, write and delete a dashboard.

use super::{Dashboard, marker};
use crate::resources::{
    At, Aws, CloudError, Delete, During, Live, Observed, Outputs, Put, Tags, Unmanaged,
};
use async_trait::async_trait;
use serde_json::{Value, json};

/// Every property of a dashboard.
pub(super) const ALL: &[&str] = &["name", "body", "unmanaged"];

#[async_trait]
impl Live for Dashboard {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let name = &at.properties.name;
        let get = aws.cloudwatch.get_dashboard().dashboard_name(name);
        let shown = match get.send().await.during("cloudwatch:GetDashboard") {
            // moto 5.2 does not speak the protocol that CloudWatch is asked in.
            Err(error) if aws.lacks(&error) => {
                let dashboard = at.properties.clone();
                return Ok(Some(Observed::unobservable(dashboard, Outputs::new(), ALL)));
            }
            Err(error) if error.is_absent() => return Ok(None),
            shown => shown?,
        };
        let text = shown.dashboard_body.unwrap_or_default();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let (body, tags) = marker::unmark(body);
        let properties = Dashboard {
            name: name.clone(),
            body,
            unmanaged: owner(&tags, &ownership(&at.tags)),
        };
        Ok(Some(Observed::settled(
            properties,
            Outputs::new(),
            Some(tags),
        )))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let same = |o: &Observed<Self>| {
            o.properties == at.properties && o.tags.as_ref() == Some(&ownership(&at.tags))
        };
        if !observed.is_some_and(same) {
            let body = marker::mark(&at.properties.body, &at.tags);
            let put = aws.cloudwatch.put_dashboard();
            put.dashboard_name(&at.properties.name)
                .dashboard_body(body.to_string())
                .send()
                .await
                .during("cloudwatch:PutDashboard")?;
        }
        Ok(Put::Done(Outputs::new()))
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        _observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        let delete = aws.cloudwatch.delete_dashboards();
        let deleted = delete.dashboard_names(&at.properties.name).send().await;
        deleted.or_absent("cloudwatch:DeleteDashboards")?;
        Ok(Delete::Gone)
    }
}

/// Whose the dashboard says it is, where that is not us.
fn owner(found: &Tags, ours: &Tags) -> Unmanaged {
    let owner = match (found == ours, found.is_empty()) {
        (true, _) => return Unmanaged::new(),
        (false, true) => "nobody".into(),
        (false, false) => json!(found),
    };
    Unmanaged::from([("owner".to_owned(), owner)])
}

fn ownership(tags: &Tags) -> Tags {
    let ours = tags.iter().filter(|(key, _)| key.starts_with("payhook:"));
    ours.map(|(k, v)| (k.clone(), v.clone())).collect()
}
