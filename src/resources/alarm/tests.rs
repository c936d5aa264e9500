use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Delete, Live, Observed, Put};
use proptest::prelude::*;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:payment-dlq-depth-dev";
const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:alarms-dev";
const DESCRIBE: &str = "cloudwatch:DescribeAlarms";
const TAGS: &str = "cloudwatch:ListTagsForResource";
const PUT: &str = "cloudwatch:PutMetricAlarm";

fn alarm() -> Alarm {
    Alarm {
        name: "payment-dlq-depth-dev".to_owned(),
        description: "Events wait in the dead-letter queue".to_owned(),
        namespace: "AWS/SQS".to_owned(),
        metric: "ApproximateNumberOfMessagesVisible".to_owned(),
        dimensions: [(
            "QueueName".to_owned(),
            Input::known("payment-events-dlq-dev"),
        )]
        .into(),
        statistic: "Maximum".to_owned(),
        period_seconds: 60,
        evaluation_periods: 1,
        threshold: 1.0,
        topic: Input::known(TOPIC),
        unmanaged: Unmanaged::new(),
    }
}

fn wanted() -> At<Alarm> {
    at("dlq-depth", alarm())
}

fn shown(alarm: &Alarm) -> Value {
    let dimensions = alarm.dimensions.iter();
    let dimensions: Vec<Value> = dimensions
        .map(|(name, value)| json!({"Name": name, "Value": value.get().unwrap()}))
        .collect();
    let percentile = alarm.statistic.starts_with('p');
    let field = if percentile {
        "ExtendedStatistic"
    } else {
        "Statistic"
    };
    let mut shown = json!({
        "AlarmName": alarm.name, "AlarmArn": ARN, "AlarmDescription": alarm.description, "ActionsEnabled": true,
        "OKActions": [TOPIC], "AlarmActions": [TOPIC], "InsufficientDataActions": [],
        "StateValue": "INSUFFICIENT_DATA", "MetricName": alarm.metric, "Namespace": alarm.namespace,
        "Dimensions": dimensions, "Period": alarm.period_seconds, "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.evaluation_periods, "Threshold": alarm.threshold,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
    });
    shown[field] = alarm.statistic.as_str().into();
    shown
}

async fn read(answer: Value) -> Observed<Alarm> {
    let tags = tag_list(&wanted().tags, "Key", "Value");
    let (aws, script) = scripted([
        reply(DESCRIBE, 200, json!({ "MetricAlarms": [answer] })),
        reply(TAGS, 200, json!({ "Tags": tags })),
    ]);
    let observed = Alarm::read(&aws, &wanted()).await.unwrap().unwrap();
    script.assert_calls([DESCRIBE, TAGS]);
    observed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_read_gives_back_every_property(
        statistic in "Sum|Maximum|Average|Minimum|SampleCount|p99|p99.9", minutes in 1..60u32, periods in 1..10u32,
        threshold in 0..1_000u32, names in proptest::collection::btree_map("[a-z]{1,3}", "[a-z]{1,3}", 0..3),
    ) {
        let alarm = Alarm {
            statistic,
            period_seconds: minutes * 60,
            evaluation_periods: periods,
            threshold: f64::from(threshold) / 4.0,
            dimensions: names.into_iter().map(|(k, v)| (k, Input::known(v))).collect(),
            ..alarm()
        };
        let observed = run(read(shown(&alarm)));
        prop_assert_eq!(observed.properties, alarm);
        prop_assert_eq!(observed.tags, Some(wanted().tags));
        prop_assert_eq!(&observed.outputs["alarmArn"], ARN);
    }
}

#[tokio::test]
async fn a_new_alarm_is_made_with_its_tags_and_tells_the_topic_when_it_starts_and_ends() {
    let (aws, script) = scripted([reply(PUT, 200, json!({}))]);
    let put = Alarm::put(&aws, &wanted(), None).await.unwrap();
    assert_eq!(put, Put::Done(alarm().predicted(&aws.given)));
    let sent = script.body(PUT);
    assert_eq!(sent["ComparisonOperator"], "GreaterThanOrEqualToThreshold");
    assert_eq!(sent["TreatMissingData"], "notBreaching");
    assert_eq!(sent["AlarmActions"], json!([TOPIC]));
    assert_eq!(sent["OKActions"], json!([TOPIC]));
    assert_eq!(sent["Statistic"], "Maximum");
    assert_eq!(sent["Tags"], tag_list(&wanted().tags, "Key", "Value"));
    assert!(sent.get("ExtendedStatistic").is_none() && sent.get("Metrics").is_none());
}

#[tokio::test]
async fn a_percentile_goes_by_a_field_of_its_own() {
    let (aws, script) = scripted([reply(PUT, 200, json!({}))]);
    let mut at = wanted();
    at.properties.statistic = "p99".to_owned();
    Alarm::put(&aws, &at, None).await.unwrap();
    let sent = script.body(PUT);
    assert_eq!(
        (&sent["ExtendedStatistic"], sent.get("Statistic")),
        (&json!("p99"), None)
    );
}

#[tokio::test]
async fn an_alarm_that_is_as_wanted_costs_no_call() {
    let (aws, script) = scripted([]);
    let observed = read(shown(&alarm())).await;
    let put = Alarm::put(&aws, &wanted(), Some(&observed)).await.unwrap();
    assert_eq!(put, Put::Done(observed.outputs));
    script.assert_calls([]);
}

#[tokio::test]
async fn every_setting_changed_outside_is_seen_and_overwritten_in_one_call() {
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 12] = [
        (|a| a["Threshold"] = 9.5.into(), "threshold"),
        (
            |a| a["ComparisonOperator"] = "LessThanThreshold".into(),
            "comparisonOperator",
        ),
        (
            |a| drop(a.as_object_mut().unwrap().remove("TreatMissingData")),
            "treatMissingData",
        ),
        (|a| a["ActionsEnabled"] = false.into(), "actionsEnabled"),
        (|a| a["AlarmActions"] = json!([]), "topic"),
        (|a| a["AlarmActions"] = json!([TOPIC, "x"]), "alarmActions"),
        (|a| a["OKActions"] = json!([]), "okActions"),
        (
            |a| a["InsufficientDataActions"] = json!([TOPIC]),
            "insufficientDataActions",
        ),
        (
            |a| {
                a["EvaluationPeriods"] = 1.into();
                a["DatapointsToAlarm"] = 2.into();
            },
            "datapointsToAlarm",
        ),
        (|a| a["Unit"] = "Count".into(), "unit"),
        (
            |a| a["EvaluateLowSampleCountPercentile"] = "ignore".into(),
            "evaluateLowSampleCountPercentile",
        ),
        (
            |a| a["Metrics"] = json!([{"Id": "m1", "Expression": "1"}]),
            "metrics",
        ),
    ];
    for (change, named) in changes {
        let mut changed = shown(&alarm());
        change(&mut changed);
        let observed = read(changed).await;
        assert_ne!(observed.properties, alarm(), "{named}");
        let text = serde_json::to_string(&observed.properties).unwrap();
        assert!(text.contains(named), "{named} in {text}");
        let (aws, script) = scripted([reply(PUT, 200, json!({}))]);
        Alarm::put(&aws, &wanted(), Some(&observed)).await.unwrap();
        script.assert_calls([PUT]);
        assert!(script.body(PUT).get("Tags").is_none());
    }
}

#[tokio::test]
async fn tags_of_an_alarm_that_exists_go_by_calls_of_their_own() {
    let mut observed = read(shown(&alarm())).await;
    observed.tags = Some([("old".to_owned(), "x".to_owned())].into());
    let (tag, untag) = ("cloudwatch:TagResource", "cloudwatch:UntagResource");
    let (aws, script) = scripted([reply(tag, 200, json!({})), reply(untag, 200, json!({}))]);
    Alarm::put(&aws, &wanted(), Some(&observed)).await.unwrap();
    script.assert_calls([tag, untag]);
    assert_eq!(
        script.body(tag)["Tags"],
        tag_list(&wanted().tags, "Key", "Value")
    );
    assert_eq!(script.body(untag)["TagKeys"], json!(["old"]));
}

#[tokio::test]
async fn an_absent_alarm_is_an_empty_list_and_one_already_gone_is_gone() {
    let (aws, script) = scripted([reply(DESCRIBE, 200, json!({"MetricAlarms": []}))]);
    assert!(Alarm::read(&aws, &wanted()).await.unwrap().is_none());
    script.assert_calls([DESCRIBE]);
    let delete = "cloudwatch:DeleteAlarms";
    let observed = read(shown(&alarm())).await;
    for answer in [
        reply(delete, 200, json!({})),
        reply_error(delete, 404, "ResourceNotFound", "no alarm"),
    ] {
        let (aws, script) = scripted([answer]);
        let deleted = Alarm::delete(&aws, &wanted(), &observed).await.unwrap();
        assert_eq!(deleted, Delete::Gone);
        script.assert_calls([delete]);
    }
}

#[tokio::test]
async fn an_alarm_lives_and_dies_on_the_emulator() {
    use crate::resources::emulated::{die, emulator, live};
    let Some(aws) = emulator().await else {
        return;
    };
    for statistic in ["Maximum", "p99"] {
        let name = format!("emulated-{statistic}");
        let statistic = statistic.to_owned();
        let mut at = at(
            "emulated-alarm",
            Alarm {
                name,
                statistic,
                ..alarm()
            },
        );
        live(&aws, &mut at, |alarm| {
            alarm.description.push('2');
            alarm.dimensions.clear();
            alarm.threshold = 2.5;
            alarm.period_seconds = 300;
        })
        .await;
        die(&aws, &at).await;
    }
}

#[tokio::test]
async fn only_an_emulator_may_lack_alarms_and_an_absent_operation_is_not_an_absent_alarm() {
    let lacking = || [reply(DESCRIBE, 404, "Not Found".into())];
    let (aws, _) = scripted(lacking());
    assert!(Alarm::read(&aws, &wanted()).await.is_err());
    let (mut aws, script) = scripted(lacking());
    aws.emulated = true;
    let observed = Alarm::read(&aws, &wanted()).await.unwrap().unwrap();
    assert_eq!(observed.properties, alarm());
    assert_eq!(observed.outputs["alarmArn"], ARN);
    script.assert_calls([DESCRIBE]);
    let refused = reply_error(DESCRIBE, 404, "ResourceNotFound", "no alarm");
    let (mut aws, _) = scripted([refused]);
    aws.emulated = true;
    assert!(Alarm::read(&aws, &wanted()).await.is_err());
}

#[test]
fn an_unobservable_alarm_names_every_property_as_unseen() {
    let data = serde_json::to_value(alarm()).unwrap();
    let names: Vec<_> = data.as_object().unwrap().keys().collect();
    assert_eq!(names, calls::ALL);
}
