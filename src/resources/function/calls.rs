//! The calls that read, write and delete a function.

use super::shape::{self, HANDLER, LIVE};
use super::{Architecture, Function, beside, concurrency, publish};
use crate::resources::tags::{self, Retag};
use crate::resources::{
    At, Aws, Class, CloudError, Condition, Delete, During, Live, Observed, Put, Resource, Tags,
    Unmanaged,
};
use async_trait::async_trait;
use aws_sdk_lambda::error::BuildError;
use aws_sdk_lambda::operation::get_alias::GetAliasOutput;
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture as Wire, DeadLetterConfig, Environment, EphemeralStorage, FunctionCode,
    FunctionConfiguration, LogFormat, LoggingConfig, Runtime, TracingConfig, TracingMode,
    VpcConfig,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What Lambda takes in one call, zipped.
const ZIP_LIMIT: usize = 50 * 1024 * 1024;

#[async_trait]
impl Live for Function {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let name = &at.properties.name;
        // While a new function is waited for there is nothing around it, and nobody need ask.
        let on_record = at.outputs.contains_key("version");
        let around_if = async |asked: bool| match asked {
            true => around(aws, name).await,
            false => Ok(Around::default()),
        };
        let (function, known) = tokio::try_join!(get(aws, name), around_if(on_record))?;
        let Some(function) = function else {
            return Ok(None);
        };
        let shown = function
            .configuration
            .unwrap_or_else(|| FunctionConfiguration::builder().build());
        let mut properties = shape::properties(&at.properties, &shown)?;
        let condition = shape::condition(&shown);
        let settling = matches!(condition, Condition::Settling(_));
        let Around {
            live,
            alias,
            beside,
        } = match on_record {
            true => known,
            false => around_if(!settling).await?,
        };
        let mut live = live
            .map(|live| shape::properties(&at.properties, &live))
            .transpose()?;
        let mut unseen = Vec::new();
        // AWS always shows where a function logs to; moto 5.2 drops it.
        if aws.emulated && shown.logging_config().is_none() {
            unseen.push("logGroup");
            for function in live.iter_mut().chain([&mut properties]) {
                function.log_group = at.properties.log_group.clone();
            }
        }
        let departures = shape::alias_unmanaged(&properties, live.as_ref(), alias.as_ref());
        properties.unmanaged.extend(departures);
        properties.unmanaged.extend(beside);
        let reserved = function
            .concurrency
            .and_then(|c| c.reserved_concurrent_executions);
        properties.reserved_concurrency = reserved.map(|reserved| reserved.unsigned_abs());
        let mut outputs = at.properties.predicted(&aws.given);
        if let Some(version) = alias.and_then(|alias| alias.function_version) {
            outputs.insert("version".to_owned(), version);
        }
        Ok(Some(Observed {
            properties,
            outputs,
            tags: Some(tags::collect(function.tags.unwrap_or_default())),
            condition,
            unseen,
        }))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let Some(observed) = observed else {
            return create(aws, at).await;
        };
        match &observed.condition {
            Condition::Settling(what) => return Ok(Put::Waiting(what)),
            Condition::Failed(why) => return repair(aws, at, observed, why).await,
            Condition::Settled => {}
        }
        let (wanted, is) = (&at.properties, &observed.properties);
        if beside::take_back(aws, &wanted.name, &is.unmanaged).await? {
            return Ok(Put::Waiting(
                "what was set beside the function to be taken back",
            ));
        }
        retag(aws, at, observed.tags.as_ref()).await?;
        concurrency::set(aws, wanted, is.reserved_concurrency).await?;
        if !same_configuration(wanted, is) {
            configure(aws, wanted, is).await?;
            return Ok(Put::Waiting("the function's configuration to take effect"));
        }
        if wanted.code != is.code || wanted.architecture != is.architecture {
            upload(aws, wanted).await?;
            return Ok(Put::Waiting("the function's code to take effect"));
        }
        match is.unmanaged.is_empty() {
            true => Ok(Put::Done(observed.outputs.clone())),
            false => publish::publish(aws, at, is).await,
        }
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        _observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        Ok(match delete_function(aws, &at.properties.name).await? {
            Some(()) => Delete::Waiting("the function to be gone"),
            None => Delete::Gone,
        })
    }
}

/// What stands around a function: the version behind `live`, the alias itself, and what was set beside.
#[derive(Default)]
struct Around {
    live: Option<FunctionConfiguration>,
    alias: Option<GetAliasOutput>,
    beside: Unmanaged,
}

async fn around(aws: &Aws, name: &str) -> Result<Around, CloudError> {
    let (live, alias, beside) = tokio::try_join!(
        get_live(aws, name),
        get_alias(aws, name),
        beside::read(aws, name),
    )?;
    Ok(Around {
        live,
        alias,
        beside,
    })
}

async fn get(aws: &Aws, name: &str) -> Result<Option<GetFunctionOutput>, CloudError> {
    let call = aws.lambda.get_function().function_name(name).send();
    call.await.or_absent("lambda:GetFunction")
}

/// The configuration of the version behind `live`.
async fn get_live(aws: &Aws, name: &str) -> Result<Option<FunctionConfiguration>, CloudError> {
    let call = aws.lambda.get_function().function_name(name);
    let shown = call.qualifier(Function::ALIAS).send().await;
    let shown = shown.or_absent("lambda:GetFunction")?;
    Ok(shown.and_then(|shown| shown.configuration))
}

async fn get_alias(aws: &Aws, name: &str) -> Result<Option<GetAliasOutput>, CloudError> {
    let call = aws.lambda.get_alias().function_name(name);
    let shown = call.name(Function::ALIAS).send().await;
    shown.or_absent("lambda:GetAlias")
}

async fn delete_function(aws: &Aws, name: &str) -> Result<Option<()>, CloudError> {
    let call = aws.lambda.delete_function().function_name(name).send();
    let deleted = call.await.or_absent("lambda:DeleteFunction")?;
    Ok(deleted.map(|_| ()))
}

/// Everything but code, architecture, concurrency and what the alias points at.
fn same_configuration(wanted: &Function, is: &Function) -> bool {
    let apart = ["code", "architecture", "reservedConcurrency", "unmanaged"];
    let differing = shape::differing(wanted, is);
    let settings = is.unmanaged.keys();
    differing.iter().all(|name| apart.contains(&name.as_str()))
        && settings
            .filter(|s| !shape::OF_ALIAS.contains(&s.as_str()))
            .count()
            == 0
}

async fn create(aws: &Aws, at: &At<Function>) -> Result<Put, CloudError> {
    let function = &at.properties;
    if let Some(wanted) = function.reserved_concurrency {
        concurrency::check(aws, &function.name, wanted, 0).await?;
    }
    let code = FunctionCode::builder().zip_file(zip(aws, function).await?);
    aws.lambda
        .create_function()
        .function_name(&function.name)
        .description(function.description.get()?)
        .runtime(Runtime::from(function.runtime.as_str()))
        .handler(HANDLER)
        .architectures(architecture(function))
        .code(code.build())
        .role(function.role.get()?)
        .memory_size(function.memory_mb.cast_signed())
        .timeout(function.timeout_seconds.cast_signed())
        .environment(environment(function)?)
        .kms_key_arn(function.key.get()?)
        .tracing_config(tracing(function))
        .logging_config(logging(function)?)
        .set_tags(Some(at.tags.clone().into_iter().collect()))
        .customize()
        .config_override(Aws::upload())
        .send()
        .await
        .during("lambda:CreateFunction")?;
    aws.attempts.begin(&attempt(function));
    if let Some(wanted) = function.reserved_concurrency {
        concurrency::reserve(aws, &function.name, wanted, 0).await?;
    }
    Ok(Put::Waiting("the function to become active"))
}

/// Sends the whole configuration, and takes back what payhook never sets.
///
/// The key always goes with the environment: Lambda encrypts it, and grants the role its use, only when both are sent.
async fn configure(aws: &Aws, function: &Function, is: &Function) -> Result<(), CloudError> {
    let found = |setting: &str| is.unmanaged.contains_key(setting);
    let no_network = VpcConfig::builder()
        .set_subnet_ids(Some(Vec::new()))
        .set_security_group_ids(Some(Vec::new()));
    let no_target = DeadLetterConfig::builder().target_arn("");
    aws.lambda
        .update_function_configuration()
        .function_name(&function.name)
        .description(function.description.get()?)
        .runtime(Runtime::from(function.runtime.as_str()))
        .handler(HANDLER)
        .role(function.role.get()?)
        .memory_size(function.memory_mb.cast_signed())
        .timeout(function.timeout_seconds.cast_signed())
        .environment(environment(function)?)
        .kms_key_arn(function.key.get()?)
        .tracing_config(tracing(function))
        .logging_config(logging(function)?)
        .set_ephemeral_storage(found(shape::STORAGE).then(storage).transpose()?)
        .set_layers(found(shape::LAYERS).then(Vec::new))
        .set_file_system_configs(found(shape::FILES).then(Vec::new))
        .set_vpc_config(found(shape::SUBNETS).then(|| no_network.build()))
        .set_dead_letter_config(found(shape::DEAD_LETTERS).then(|| no_target.build()))
        .send()
        .await
        .during("lambda:UpdateFunctionConfiguration")?;
    aws.attempts.begin(&attempt(function));
    Ok(())
}

async fn upload(aws: &Aws, function: &Function) -> Result<(), CloudError> {
    let call = aws.lambda.update_function_code();
    call.function_name(&function.name)
        .zip_file(zip(aws, function).await?)
        .architectures(architecture(function))
        .customize()
        .config_override(Aws::upload())
        .send()
        .await
        .during("lambda:UpdateFunctionCode")?;
    aws.attempts.begin(&attempt(function));
    Ok(())
}

/// A failure that this run did not cause is tried once: one never published is made anew, another one updated again.
async fn repair(
    aws: &Aws,
    at: &At<Function>,
    observed: &Observed<Function>,
    why: &str,
) -> Result<Put, CloudError> {
    let function = &at.properties;
    if aws.attempts.since(&attempt(function)).is_some() {
        let call = "lambda:GetFunction";
        return Err(CloudError::new(call, Class::Failed, "function-failed", why));
    }
    if observed.properties.unmanaged.get(LIVE) == Some(&"missing".into()) {
        delete_function(aws, &function.name).await?;
        return Ok(Put::Waiting(
            "the failed function to be gone before it is made again",
        ));
    }
    configure(aws, function, &observed.properties).await?;
    Ok(Put::Waiting("the function's configuration to take effect"))
}

fn attempt(function: &Function) -> String {
    format!("function {}", function.name)
}

/// The zip that the wanted hash names; another one would be uploaded again at every deploy.
async fn zip(aws: &Aws, function: &Function) -> Result<Blob, CloudError> {
    let refused =
        |code, message| CloudError::new("lambda:UpdateFunctionCode", Class::Invalid, code, message);
    let wanted = function.code.get()?;
    let Some(path) = aws.artifacts.get(&wanted) else {
        let message = format!(
            "no zip with SHA-256 {wanted} has been built for `{}`",
            function.name
        );
        return Err(refused("no-artifact", message));
    };
    let bytes = tokio::fs::read(path).await.map_err(|error| {
        refused(
            "no-artifact",
            format!("{} cannot be read: {error}", path.display()),
        )
    })?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    if BASE64_STANDARD.encode(digest) != wanted {
        let message = format!(
            "{} is no longer what was built; deploy again",
            path.display()
        );
        return Err(refused("artifact-changed", message));
    }
    if bytes.len() > ZIP_LIMIT {
        let size = bytes.len() / (1024 * 1024);
        let message = format!("{} has {size} MB, Lambda takes 50 MB", path.display());
        return Err(refused("artifact-too-large", message));
    }
    Ok(Blob::new(bytes))
}

fn architecture(function: &Function) -> Wire {
    match function.architecture {
        Architecture::Arm64 => Wire::Arm64,
        Architecture::X86_64 => Wire::X8664,
    }
}

fn environment(function: &Function) -> Result<Environment, CloudError> {
    let mut environment = Environment::builder().set_variables(Some(Default::default()));
    for (name, value) in &function.environment {
        environment = environment.variables(name, value.get()?);
    }
    Ok(environment.build())
}

fn tracing(function: &Function) -> TracingConfig {
    let mode = match function.tracing {
        true => TracingMode::Active,
        false => TracingMode::PassThrough,
    };
    TracingConfig::builder().mode(mode).build()
}

/// Text: the functions write one JSON object a line themselves, which the format JSON would wrap again.
fn logging(function: &Function) -> Result<LoggingConfig, CloudError> {
    let logging = LoggingConfig::builder().log_format(LogFormat::Text);
    Ok(logging.log_group(function.log_group.get()?).build())
}

fn storage() -> Result<EphemeralStorage, CloudError> {
    let storage = EphemeralStorage::builder().size(shape::STORAGE_MB).build();
    storage.map_err(|error: BuildError| {
        CloudError::new("lambda", Class::Invalid, "not-sent", error.to_string())
    })
}

async fn retag(aws: &Aws, at: &At<Function>, tags: Option<&Tags>) -> Result<(), CloudError> {
    let retag = Retag::between(tags, &at.tags);
    let arn = aws
        .given
        .arn("lambda", &format!("function:{}", at.properties.name));
    if !retag.set.is_empty() {
        let call = aws.lambda.tag_resource().resource(&arn);
        let call = call.set_tags(Some(retag.set.into_iter().collect()));
        call.send().await.during("lambda:TagResource")?;
    }
    if !retag.remove.is_empty() {
        let call = aws.lambda.untag_resource().resource(&arn);
        let call = call.set_tag_keys(Some(retag.remove));
        call.send().await.during("lambda:UntagResource")?;
    }
    Ok(())
}
