//! Reserved concurrency, and why an account may not have enough of it.

use super::Function;
use crate::resources::{Aws, Class, CloudError, During};

const CALL: &str = "lambda:PutFunctionConcurrency";

/// Reserves what is wanted, unless it is so already.
pub(super) async fn set(aws: &Aws, wanted: &Function, is: Option<u32>) -> Result<(), CloudError> {
    let name = &wanted.name;
    if wanted.reserved_concurrency == is {
        return Ok(());
    }
    let Some(reserved) = wanted.reserved_concurrency else {
        let call = aws.lambda.delete_function_concurrency().function_name(name);
        let deleted = call.send().await;
        deleted.during("lambda:DeleteFunctionConcurrency")?;
        return Ok(());
    };
    let held = is.unwrap_or(0);
    if reserved > held {
        check(aws, name, reserved, held).await?;
    }
    reserve(aws, name, reserved, held).await
}

/// Reserves; Lambda takes it while the function is still being made.
pub(super) async fn reserve(
    aws: &Aws,
    name: &str,
    reserved: u32,
    held: u32,
) -> Result<(), CloudError> {
    let call = aws.lambda.put_function_concurrency().function_name(name);
    let call = call.reserved_concurrent_executions(reserved.cast_signed());
    match call.send().await.during(CALL) {
        Err(error) if error.message.contains("UnreservedConcurrentExecution") => {
            let account = account(aws).await?;
            Err(refusal(
                name,
                reserved,
                held,
                account,
                minimum(&error.message),
            ))
        }
        other => other.map(|_| ()),
    }
}

/// Refuses what the account can never grant, before anything is made.
pub(super) async fn check(aws: &Aws, name: &str, wanted: u32, held: u32) -> Result<(), CloudError> {
    let account = match account(aws).await {
        // moto 5.2 does not know GetAccountSettings; an emulator has no quota to check against.
        Err(error) if aws.lacks(&error) => return Ok(()),
        account => account?,
    };
    match wanted.saturating_sub(held) > account.unreserved {
        true => Err(refusal(name, wanted, held, account, None)),
        false => Ok(()),
    }
}

/// Concurrent executions of the account.
#[derive(Clone, Copy)]
struct Account {
    limit: u32,
    unreserved: u32,
}

async fn account(aws: &Aws) -> Result<Account, CloudError> {
    let shown = aws.lambda.get_account_settings().send().await;
    let shown = shown.during("lambda:GetAccountSettings")?;
    let limit = shown.account_limit;
    let unreserved = limit
        .as_ref()
        .and_then(|l| l.unreserved_concurrent_executions);
    Ok(Account {
        limit: limit.map_or(u32::MAX, |l| l.concurrent_executions.unsigned_abs()),
        unreserved: unreserved.map_or(u32::MAX, i32::unsigned_abs),
    })
}

fn refusal(
    name: &str,
    wanted: u32,
    held: u32,
    account: Account,
    minimum: Option<u32>,
) -> CloudError {
    let Account { limit, unreserved } = account;
    let kept = minimum.map_or(String::new(), |n| {
        format!(", {n} of which must stay unreserved")
    });
    let message = format!(
        "`{name}` should have {wanted} reserved concurrent executions and has {held}, but the account's limit is {limit} and {unreserved} are unreserved{kept}; lower the function's concurrency in infra.toml, or ask for a higher Lambda quota `Concurrent executions`"
    );
    CloudError::new(CALL, Class::Quota, "concurrency-limit", message)
}

/// The number in "below its minimum value of [N]": it differs between accounts.
fn minimum(message: &str) -> Option<u32> {
    let (_, after) = message.split_once('[')?;
    after.split_once(']')?.0.trim().parse().ok()
}
