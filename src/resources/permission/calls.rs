//! The calls that read, write and delete a permission.

use super::{Permission, statement};
use crate::resources::function::Function;
use crate::resources::{At, Aws, CloudError, Delete, During, Live, Observed, Outputs, Put};
use async_trait::async_trait;

#[async_trait]
impl Live for Permission {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        // A function that is not there yet has no policy.
        let Ok(function) = at.properties.function.get() else {
            return Ok(None);
        };
        let call = aws.lambda.get_policy().function_name(function);
        let shown = call.qualifier(Function::ALIAS).send().await;
        let policy = shown
            .or_absent("lambda:GetPolicy")?
            .and_then(|shown| shown.policy);
        let found = policy.and_then(|policy| statement::find(&policy, &at.properties));
        Ok(found.map(|found| Observed::settled(found, Outputs::new(), None)))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        match observed {
            Some(observed) if observed.properties == at.properties => {}
            Some(_) => {
                remove(aws, &at.properties).await?;
                add(aws, &at.properties).await?;
            }
            None => add(aws, &at.properties).await?,
        }
        Ok(Put::Done(Outputs::new()))
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        _observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        remove(aws, &at.properties).await?;
        Ok(Delete::Gone)
    }
}

async fn add(aws: &Aws, permission: &Permission) -> Result<(), CloudError> {
    let function = permission.function.get()?;
    let _turn = aws.turns.take(&Function::policy_turn(&function)).await;
    aws.lambda
        .add_permission()
        .function_name(function)
        .qualifier(Function::ALIAS)
        .statement_id(&permission.sid)
        .action(statement::ACTION)
        .principal(&permission.principal)
        .source_arn(permission.source_arn.get()?)
        .send()
        .await
        .during("lambda:AddPermission")?;
    Ok(())
}

async fn remove(aws: &Aws, permission: &Permission) -> Result<(), CloudError> {
    let function = permission.function.get()?;
    let _turn = aws.turns.take(&Function::policy_turn(&function)).await;
    let call = aws.lambda.remove_permission().function_name(function);
    let call = call
        .qualifier(Function::ALIAS)
        .statement_id(&permission.sid);
    call.send().await.or_absent("lambda:RemovePermission")?;
    Ok(())
}
