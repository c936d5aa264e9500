//! The calls that read, set and clear the account's logging role.

use super::ApiAccount;
use crate::graph::Input;
use crate::resources::api::{calls::all, gateway::set};
use crate::resources::{
    At, Aws, Class, CloudError, Delete, During, Live, Observed, Outputs, Put, tag,
};
use async_trait::async_trait;
use std::collections::BTreeSet;

/// The role in use: ours, or somebody else's that works.
const ROLE: &str = "loggingRole";

#[async_trait]
impl Live for ApiAccount {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let Some(current) = current(aws).await? else {
            return Ok(None);
        };
        let ours = at.properties.role.get().ok().as_deref() == Some(&current);
        let role = match !ours && works(aws, &current).await? {
            // Any working role does; which one it is stands in the outputs.
            true => at.properties.role.clone(),
            false => Input::known(&current),
        };
        let outputs = Outputs::from([(ROLE.to_owned(), current)]);
        Ok(Some(Observed::settled(ApiAccount { role }, outputs, None)))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        if let Some(observed) = observed
            && observed.properties == at.properties
        {
            return Ok(Put::Done(observed.outputs.clone()));
        }
        let role = at.properties.role.get()?;
        write(aws, &role).await?;
        Ok(Put::Done(Outputs::from([(ROLE.to_owned(), role)])))
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        // Other stacks share the setting: only our own role is taken out.
        if observed.outputs.get(ROLE) != at.properties.role.get().ok().as_ref() {
            return Ok(Delete::Gone);
        }
        for role in heirs(aws, at).await? {
            match write(aws, &role).await {
                Ok(()) => return Ok(Delete::Gone),
                Err(error) if passes(error.class) => return Err(error),
                // A role that is gone, or that this deployer may not pass on.
                Err(_) => {}
            }
        }
        match write(aws, "").await {
            Err(error) if passes(error.class) => Err(error),
            // It is not certain that AWS lets the setting be cleared at all; a role that is gone is replaced by the
            // next stack that needs one.
            _ => Ok(Delete::Gone),
        }
    }
}

/// The same role of the stack's other environments in this account and region, whose APIs log through the setting too.
async fn heirs(aws: &Aws, at: &At<ApiAccount>) -> Result<Vec<String>, CloudError> {
    let role = at.properties.role.get()?;
    let Some(env) = at.tags.get(tag::ENV) else {
        return Ok(Vec::new());
    };
    let Some(common) = role.strip_suffix(env.as_str()) else {
        return Ok(Vec::new());
    };
    let apis = match all(aws).await {
        Ok(apis) => apis,
        Err(error) if passes(error.class) => return Err(error),
        Err(_) => return Ok(Vec::new()),
    };
    let of_stack = apis.iter().filter_map(|api| {
        let tags = api.tags()?;
        let ours = tags.get(tag::STACK) == at.tags.get(tag::STACK);
        tags.get(tag::ENV).filter(|other| ours && *other != env)
    });
    let others: BTreeSet<String> = of_stack.map(|other| format!("{common}{other}")).collect();
    Ok(others.into_iter().collect())
}

/// Whether trying again may help.
fn passes(class: Class) -> bool {
    matches!(
        class,
        Class::Throttle | Class::Unavailable | Class::Credentials
    )
}

async fn current(aws: &Aws) -> Result<Option<String>, CloudError> {
    let account = aws.apigateway.get_account().send().await;
    let account = account.during("apigateway:GetAccount")?;
    Ok(account.cloudwatch_role_arn.filter(|role| !role.is_empty()))
}

/// Whether a role still exists; one that may not be looked at is left alone.
async fn works(aws: &Aws, arn: &str) -> Result<bool, CloudError> {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let role = aws.iam.get_role().role_name(name).send().await;
    match role.or_absent("iam:GetRole") {
        Ok(role) => Ok(role.is_some()),
        Err(error) if error.class == Class::Denied => Ok(true),
        Err(error) => Err(error),
    }
}

async fn write(aws: &Aws, role: &str) -> Result<(), CloudError> {
    let update = aws.apigateway.update_account();
    let patched = update.patch_operations(set("/cloudwatchRoleArn", role));
    let written = patched.send().await;
    written.during("apigateway:UpdateAccount")?;
    Ok(())
}
