//! The calls that read, write and delete an alarm.

use super::{AT_ONCE, Alarm};
use crate::graph::Input;
use crate::resources::tags::{Retag, collect};
use crate::resources::{
    At, Aws, CloudError, Delete, During, Live, Observed, Outputs, Put, Resource, Tags, Unmanaged,
};
use async_trait::async_trait;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricAlarm, Statistic, Tag};
use serde_json::{Value, json};
use std::collections::HashMap;

const ARN: &str = "alarmArn";
const MISSING: &str = "notBreaching";

/// Every property of an alarm.
pub(super) const ALL: &[&str] = &[
    "name",
    "description",
    "namespace",
    "metric",
    "dimensions",
    "statistic",
    "periodSeconds",
    "evaluationPeriods",
    "threshold",
    "topic",
    "unmanaged",
];

#[async_trait]
impl Live for Alarm {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let name = &at.properties.name;
        let cloudwatch = aws.cloudwatch.clone();
        let asked = aws.alarms.ask(name, |names| describe(cloudwatch, names));
        let shown = match asked.await {
            // moto 5.2 does not speak the protocol that CloudWatch is asked in.
            Err(error) if aws.lacks(&error) => {
                let (alarm, outputs) = (&at.properties, at.properties.predicted(&aws.given));
                return Ok(Some(Observed::unobservable(alarm.clone(), outputs, ALL)));
            }
            shown => shown?,
        };
        let Some(shown) = shown else {
            return Ok(None);
        };
        let arn = shown.alarm_arn().unwrap_or_default();
        let list = aws.cloudwatch.list_tags_for_resource().resource_arn(arn);
        let tags = list.send().await;
        // An alarm that goes away while it is read is gone.
        let Some(tags) = tags.or_absent("cloudwatch:ListTagsForResource")? else {
            return Ok(None);
        };
        let tags = tags.tags.unwrap_or_default().into_iter();
        let tags = tags.filter_map(|tag| Some((tag.key?, tag.value?)));
        Ok(Some(Observed::settled(
            properties(&shown),
            Outputs::from([(ARN.to_owned(), arn.to_owned())]),
            Some(collect(tags)),
        )))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let arn = observed.and_then(|o| o.outputs.get(ARN)).cloned();
        let arn = arn.unwrap_or_else(|| {
            let alarm = format!("alarm:{}", at.properties.name);
            aws.given.arn("cloudwatch", &alarm)
        });
        if observed.is_none_or(|o| o.properties != at.properties) {
            write(aws, at, observed.is_none()).await?;
        }
        if let Some(observed) = observed {
            retag(aws, &arn, &at.tags, observed.tags.as_ref()).await?;
        }
        Ok(Put::Done(Outputs::from([(ARN.to_owned(), arn)])))
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        _observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        let delete = aws.cloudwatch.delete_alarms();
        let deleted = delete.alarm_names(&at.properties.name).send().await;
        deleted.or_absent("cloudwatch:DeleteAlarms")?;
        Ok(Delete::Gone)
    }
}

/// Alarms by name; those that do not exist are left out.
async fn describe(
    cloudwatch: aws_sdk_cloudwatch::Client,
    names: Vec<String>,
) -> Result<HashMap<String, MetricAlarm>, CloudError> {
    let describe = cloudwatch.describe_alarms().set_alarm_names(Some(names));
    // A page holds 50 unless told otherwise.
    let shown = describe.max_records(AT_ONCE.into()).send().await;
    let shown = shown.during("cloudwatch:DescribeAlarms")?;
    let alarms = shown.metric_alarms.unwrap_or_default().into_iter();
    let named = alarms.filter_map(|alarm| Some((alarm.alarm_name.clone()?, alarm)));
    Ok(named.collect())
}

/// Overwrites the whole alarm; what is not sent falls back to AWS's default.
async fn write(aws: &Aws, at: &At<Alarm>, new: bool) -> Result<(), CloudError> {
    let alarm = &at.properties;
    let topic = alarm.topic.get()?;
    let mut dimensions = Vec::new();
    for (name, value) in &alarm.dimensions {
        dimensions.push(Dimension::builder().name(name).value(value.get()?).build());
    }
    let put = aws
        .cloudwatch
        .put_metric_alarm()
        .alarm_name(&alarm.name)
        .alarm_description(&alarm.description)
        .namespace(&alarm.namespace)
        .metric_name(&alarm.metric)
        .set_dimensions(Some(dimensions))
        .period(number(alarm.period_seconds))
        .evaluation_periods(number(alarm.evaluation_periods))
        .threshold(alarm.threshold)
        .comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold)
        .treat_missing_data(MISSING)
        .alarm_actions(&topic)
        .ok_actions(&topic)
        // On an alarm that exists tags are ignored here.
        .set_tags(new.then(|| at.tags.iter().map(tag).collect()));
    let put = match plain(&alarm.statistic) {
        Some(statistic) => put.statistic(statistic),
        None => put.extended_statistic(&alarm.statistic),
    };
    put.send().await.during("cloudwatch:PutMetricAlarm")?;
    Ok(())
}

/// `Sum`, `Average`, ...; percentiles go by another field.
fn plain(statistic: &str) -> Option<Statistic> {
    let found = Statistic::try_parse(statistic);
    found.ok()
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn tag((key, value): (&String, &String)) -> Tag {
    Tag::builder().key(key).value(value).build()
}

async fn retag(
    aws: &Aws,
    arn: &str,
    wanted: &Tags,
    shown: Option<&Tags>,
) -> Result<(), CloudError> {
    let Retag { set, remove } = Retag::between(shown, wanted);
    if !set.is_empty() {
        let add = aws.cloudwatch.tag_resource().resource_arn(arn);
        let added = add.set_tags(Some(set.iter().map(tag).collect()));
        let added = added.send().await;
        added.during("cloudwatch:TagResource")?;
    }
    if !remove.is_empty() {
        let take = aws.cloudwatch.untag_resource().resource_arn(arn);
        let taken = take.set_tag_keys(Some(remove)).send().await;
        taken.during("cloudwatch:UntagResource")?;
    }
    Ok(())
}

fn properties(shown: &MetricAlarm) -> Alarm {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let natural = |value: Option<i32>| value.and_then(|v| u32::try_from(v).ok()).unwrap_or(0);
    let dimensions = shown.dimensions().iter();
    let dimensions =
        dimensions.filter_map(|d| Some((d.name()?.to_owned(), Input::known(d.value()?))));
    // An emulator shows a plain statistic beside a percentile.
    let statistic = match shown.extended_statistic() {
        Some(percentile) => percentile.to_owned(),
        None => text(shown.statistic().map(Statistic::as_str)),
    };
    Alarm {
        name: text(shown.alarm_name()),
        description: text(shown.alarm_description()),
        namespace: text(shown.namespace()),
        metric: text(shown.metric_name()),
        dimensions: dimensions.collect(),
        statistic,
        period_seconds: natural(shown.period()),
        evaluation_periods: natural(shown.evaluation_periods()),
        threshold: shown.threshold().unwrap_or_default(),
        topic: Input::known(text(shown.alarm_actions().first().map(String::as_str))),
        unmanaged: unmanaged(shown),
    }
}

fn unmanaged(shown: &MetricAlarm) -> Unmanaged {
    let other =
        |value: Option<&str>, default: &str| value.filter(|v| *v != default).map(Value::from);
    let operator = shown.comparison_operator().map(ComparisonOperator::as_str);
    let (fires, ends) = (shown.alarm_actions(), shown.ok_actions());
    let unknown = shown.insufficient_data_actions();
    let points = shown.datapoints_to_alarm();
    let metrics = shown.metrics().iter().map(|m| m.id().unwrap_or_default());
    let metrics: Vec<&str> = metrics.collect();
    let settings = [
        (
            "comparisonOperator",
            other(operator, "GreaterThanOrEqualToThreshold"),
        ),
        // AWS's own default is `missing`.
        (
            "treatMissingData",
            other(
                Some(shown.treat_missing_data().unwrap_or("missing")),
                MISSING,
            ),
        ),
        (
            "actionsEnabled",
            shown.actions_enabled().filter(|on| !on).map(Value::from),
        ),
        ("alarmActions", (fires.len() > 1).then(|| json!(fires))),
        ("okActions", (ends != fires).then(|| json!(ends))),
        (
            "insufficientDataActions",
            (!unknown.is_empty()).then(|| json!(unknown)),
        ),
        (
            "datapointsToAlarm",
            points
                .filter(|p| Some(*p) != shown.evaluation_periods())
                .map(Value::from),
        ),
        ("unit", shown.unit().map(|u| u.as_str().into())),
        (
            "evaluateLowSampleCountPercentile",
            other(shown.evaluate_low_sample_count_percentile(), "evaluate"),
        ),
        (
            "thresholdMetricId",
            shown.threshold_metric_id().map(Value::from),
        ),
        ("metrics", (!metrics.is_empty()).then(|| json!(metrics))),
    ];
    let set = settings.into_iter();
    set.filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}
