//! Both functions.

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::{Architecture, LastUpdateStatus, Runtime, State, TracingMode};

use super::deployed::{Deployed, deployed};

const NAMES: [&str; 2] = [
    "webhookValidatorFunctionName",
    "paymentProcessorFunctionName",
];

async fn function(stack: &Deployed, name: &str) -> GetFunctionConfigurationOutput {
    let lambda = stack.clients().await.lambda();
    let function = lambda
        .get_function_configuration()
        .function_name(stack.output(name));
    function.send().await.expect("GetFunctionConfiguration")
}

#[tokio::test]
async fn both_functions_are_native_programs_for_graviton_and_ready() {
    for name in NAMES {
        let function = function(deployed(), name).await;
        assert_eq!(function.architectures(), [Architecture::Arm64], "{name}");
        assert_eq!(function.runtime(), Some(&Runtime::Providedal2023), "{name}");
        assert_eq!(function.state(), Some(&State::Active), "{name}");
        assert_eq!(
            function.last_update_status(),
            Some(&LastUpdateStatus::Successful),
            "{name}"
        );
    }
}

#[tokio::test]
async fn both_functions_are_traced_and_keep_their_environment_under_the_stacks_key() {
    let stack = deployed();
    let key = stack.key_arn().await;
    for name in NAMES {
        let function = function(stack, name).await;
        let tracing = function.tracing_config().and_then(|tracing| tracing.mode());
        assert_eq!(tracing, Some(&TracingMode::Active), "{name}");
        assert_eq!(function.kms_key_arn(), Some(key.as_str()), "{name}");
    }
}

#[tokio::test]
async fn both_functions_know_the_table_and_no_secret() {
    let stack = deployed();
    for name in NAMES {
        let function = function(stack, name).await;
        let variables = function
            .environment()
            .and_then(|environment| environment.variables());
        let variables = variables.expect("an environment");
        let table = variables.get("TABLE_NAME").map(String::as_str);
        assert_eq!(table, Some(stack.output("paymentsTableName")), "{name}");
        for provider in super::senders::SCHEMES {
            let secret = stack.secret(provider).await;
            let leaked = variables.iter().find(|(_, value)| value.contains(&secret));
            assert!(
                leaked.is_none(),
                "{name} has the secret of {provider} in its environment"
            );
        }
    }
}

#[tokio::test]
async fn both_functions_have_reserved_concurrency() {
    let stack = deployed();
    let lambda = stack.clients().await.lambda();
    for name in NAMES {
        let reserved = lambda
            .get_function_concurrency()
            .function_name(stack.output(name));
        let reserved = reserved.send().await.expect("GetFunctionConcurrency");
        let reserved = reserved.reserved_concurrent_executions();
        assert!(
            reserved.is_some_and(|reserved| reserved > 0),
            "{name}: {reserved:?}"
        );
        if stack.stripe_api.is_some() {
            assert_eq!(reserved, Some(10), "{name}: as the shipped infra.toml says");
        }
    }
}

#[tokio::test]
async fn everything_runs_the_published_version_behind_the_alias_live() {
    let stack = deployed();
    let lambda = stack.clients().await.lambda();
    for name in NAMES {
        let name = stack.output(name);
        let live = lambda
            .get_alias()
            .function_name(name)
            .name("live")
            .send()
            .await;
        let live = live.expect("GetAlias");
        let version = live.function_version().expect("a version");
        assert!(
            version.parse::<u32>().is_ok(),
            "{name}: {version} is not a published version"
        );
        let published = lambda
            .get_function_configuration()
            .function_name(name)
            .qualifier(version);
        let published = published.send().await.expect("GetFunctionConfiguration");
        let latest = lambda
            .get_function_configuration()
            .function_name(name)
            .send()
            .await;
        assert_eq!(
            published.code_sha256(),
            latest.expect("GetFunctionConfiguration").code_sha256()
        );
    }
}
