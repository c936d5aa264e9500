//! What AWS says about the deployed stack now.

use super::{Finding, Health, runbook, unsettled};
use crate::cli::Context;
use crate::cli::listen::ear;
use crate::resources::{Aws, During};
use crate::stack::Stack;
use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_lambda::types::State as FunctionState;
use aws_sdk_pipes::types::PipeState;
use aws_sdk_sqs::types::QueueAttributeName;
use std::collections::BTreeMap;

pub async fn look(context: &Context, stack: &Stack) -> Vec<Finding> {
    let what = "connection";
    let aws = match context.connect().await {
        Ok(connection) => connection.aws,
        Err(error) => return vec![Finding::failed(what, &error)],
    };
    let account = format!("account {}, {}", aws.given.account, aws.given.region);
    let mut findings = vec![Finding::good(what, account)];
    let names = &stack.names;
    let (validator, processor, pipe, letters, unsettled, alarms, listeners) = tokio::join!(
        function(&aws, &names.validator),
        function(&aws, &names.processor),
        pipe(context, &aws, &names.pipe),
        letters(&aws, &names.dead_letters),
        unsettled::look(&aws, &names.table),
        alarms(&aws, stack),
        listeners(context, &aws),
    );
    findings.extend([validator, processor, pipe, letters, unsettled]);
    findings.extend(alarms);
    findings.extend(listeners);
    findings
}

/// What `payhook listen` left where it could not clean up; nothing where nobody may look for it.
async fn listeners(context: &Context, aws: &Aws) -> Option<Finding> {
    let bus = context.config.events.bus.as_str();
    let left = ear::left(aws, context.env(), bus, ear::Which::Dead).await;
    let left = left.ok().filter(|left| !left.is_empty())?;
    let next = format!(
        "`payhook listen --sweep --env {}` removes it",
        context.env()
    );
    let seen = format!("listeners that died left {}", left.join(", "));
    Some(Finding::new(Health::Note, "listeners", seen, vec![next]))
}

async fn function(aws: &Aws, name: &str) -> Finding {
    let what = format!("function {name}");
    let call = aws.lambda.get_function_configuration().function_name(name);
    match call
        .send()
        .await
        .or_absent("lambda:GetFunctionConfiguration")
    {
        Err(error) => Finding::failed(what, &error.into()),
        Ok(None) => absent(what),
        Ok(Some(found)) if found.state() == Some(&FunctionState::Active) => {
            Finding::good(what, "Active")
        }
        Ok(Some(found)) => {
            let state = found
                .state()
                .map_or("without state", |state| state.as_str());
            let reason = found.state_reason().unwrap_or("without a reason");
            Finding::new(Health::Bad, what, format!("{state}, {reason}"), Vec::new())
        }
    }
}

async fn pipe(context: &Context, aws: &Aws, name: &str) -> Finding {
    let what = format!("pipe {name}");
    let found = aws.pipes.describe_pipe().name(name).send().await;
    match found.or_absent("pipes:DescribePipe") {
        Err(error) => Finding::failed(what, &error.into()),
        Ok(None) => absent(what),
        Ok(Some(found)) if found.current_state() == Some(&PipeState::Running) => {
            Finding::good(what, "RUNNING")
        }
        Ok(Some(found)) => {
            let state = found
                .current_state()
                .map_or("without state", |state| state.as_str());
            let reason = found.state_reason().unwrap_or("without a reason");
            let next = format!("`payhook deploy --env {}` starts it again", context.env());
            Finding::new(Health::Bad, what, format!("{state}, {reason}"), vec![next])
        }
    }
}

async fn letters(aws: &Aws, name: &str) -> Finding {
    let what = format!("dead-letter queue {name}");
    let url = aws.sqs.get_queue_url().queue_name(name).send().await;
    let url = match url.or_absent("sqs:GetQueueUrl") {
        Err(error) => return Finding::failed(what, &error.into()),
        Ok(None) => return absent(what),
        Ok(Some(found)) => found.queue_url.unwrap_or_default(),
    };
    let depth = QueueAttributeName::ApproximateNumberOfMessages;
    let call = aws
        .sqs
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(depth.clone());
    let found = match call.send().await.during("sqs:GetQueueAttributes") {
        Err(error) => return Finding::failed(what, &error.into()),
        Ok(found) => found,
    };
    let count = found.attributes().and_then(|all| all.get(&depth));
    match count.map_or("unknown", String::as_str) {
        "0" => Finding::good(what, "empty"),
        count => Finding::new(
            Health::Bad,
            what,
            format!("{count} messages"),
            runbook::entry("dead-letters").unwrap_or_default(),
        ),
    }
}

async fn alarms(aws: &Aws, stack: &Stack) -> Vec<Finding> {
    let known: BTreeMap<String, String> = stack
        .graph
        .nodes()
        .filter_map(|node| node.name.as_str().strip_prefix("alarm-"))
        .map(|logical| (stack.names.alarm(logical), logical.to_owned()))
        .collect();
    let call = aws
        .cloudwatch
        .describe_alarms()
        .set_alarm_names(Some(known.keys().cloned().collect()))
        .state_value(StateValue::Alarm);
    let found = match call.send().await.during("cloudwatch:DescribeAlarms") {
        Err(error) => return vec![Finding::failed("alarms", &error.into())],
        Ok(found) => found,
    };
    let firing: Vec<_> = found
        .metric_alarms()
        .iter()
        .filter_map(|alarm| alarm.alarm_name())
        .filter_map(|name| Some((name.to_owned(), known.get(name)?)))
        .collect();
    if firing.is_empty() {
        return vec![Finding::good("alarms", "none of them is firing")];
    }
    firing
        .into_iter()
        .map(|(name, logical)| {
            let entry = runbook::entry(logical).unwrap_or_default();
            Finding::new(Health::Bad, format!("alarm {name}"), "firing", entry)
        })
        .collect()
}

fn absent(what: String) -> Finding {
    let next = vec!["deploy first".to_owned()];
    Finding::new(Health::Bad, what, "not there", next)
}
