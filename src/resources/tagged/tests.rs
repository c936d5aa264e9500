use super::*;
use crate::resources::scripted::*;
use crate::resources::{Class, Cloud};
use std::collections::BTreeSet;

const HERE: &str = "eu-central-1:123456789012";

/// One ARN of every kind that is listed, and what it tells.
fn table() -> Vec<(String, Kind, Value, Outputs)> {
    let named = |name: &str| json!({ "name": name });
    let chosen = |outputs: &[(&str, &str)]| -> Outputs {
        let outputs = outputs.iter();
        outputs
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    };
    let plain = |arn: &str, kind, name: &str| {
        let (service, resource) = arn.split_once(' ').expect("service and resource");
        let arn = format!("arn:aws:{service}:{HERE}:{resource}");
        (arn, kind, named(name), Outputs::new())
    };
    let key = format!("arn:aws:kms:{HERE}:key/1234-ab");
    let gateway = "arn:aws:apigateway:eu-central-1::/restapis/a1b2c3";
    vec![
        (
            key.clone(),
            Kind::Key,
            json!({}),
            chosen(&[("keyId", "1234-ab"), ("keyArn", &key)]),
        ),
        plain(
            "secretsmanager secret:payment-webhook/dev/providers-AbC1x2",
            Kind::Secret,
            "payment-webhook/dev/providers",
        ),
        plain(
            "sqs payment-events-dlq-dev",
            Kind::Queue,
            "payment-events-dlq-dev",
        ),
        plain("sns payment-alarms-dev", Kind::Topic, "payment-alarms-dev"),
        plain(
            "logs log-group:/aws/lambda/x-dev",
            Kind::LogGroup,
            "/aws/lambda/x-dev",
        ),
        plain(
            "logs log-group:/aws/lambda/x-dev:*",
            Kind::LogGroup,
            "/aws/lambda/x-dev",
        ),
        plain("dynamodb table/payments-dev", Kind::Table, "payments-dev"),
        (
            "arn:aws:s3:::payment-bodies-dev-123456789012-eu-central-1".to_owned(),
            Kind::Bucket,
            named("payment-bodies-dev"),
            Outputs::new(),
        ),
        plain(
            "lambda function:webhook-validator-dev",
            Kind::Function,
            "webhook-validator-dev",
        ),
        plain(
            "states stateMachine:payment-processor-dev",
            Kind::StateMachine,
            "payment-processor-dev",
        ),
        plain(
            "pipes pipe/payment-events-pipe-dev",
            Kind::Pipe,
            "payment-events-pipe-dev",
        ),
        plain(
            "cloudwatch alarm:payments-dev: 5xx/a",
            Kind::Alarm,
            "payments-dev: 5xx/a",
        ),
        (
            gateway.to_owned(),
            Kind::Api,
            json!({}),
            chosen(&[("apiId", "a1b2c3")]),
        ),
        (
            format!("{gateway}/stages/prod"),
            Kind::ApiStage,
            json!({"name": "prod", "api": "a1b2c3"}),
            Outputs::new(),
        ),
    ]
}

fn given() -> Given {
    let (aws, _) = scripted([]);
    aws.given
}

#[test]
fn the_arn_of_every_listed_kind_leads_to_it() {
    let table = table();
    for (arn, kind, properties, outputs) in &table {
        let found = located(&given(), arn);
        assert_eq!(
            found,
            Some((*kind, properties.clone(), outputs.clone())),
            "{arn}"
        );
    }
    let kinds: BTreeSet<Kind> = table.iter().map(|(_, kind, _, _)| *kind).collect();
    let listed = Kind::ALL.iter().copied().filter(|kind| kind.is_listed());
    assert_eq!(kinds, listed.collect());
}

#[test]
fn an_arn_of_what_is_no_kind_of_ours_leads_nowhere() {
    for arn in [
        "arn:aws:kms:eu-central-1:123456789012:alias/payment-webhook-dev",
        "arn:aws:lambda:eu-central-1:123456789012:function:webhook-validator-dev:live",
        "arn:aws:lambda:eu-central-1:123456789012:event-source-mapping:1",
        "arn:aws:sns:eu-central-1:123456789012:payment-alarms-dev:1234",
        "arn:aws:dynamodb:eu-central-1:123456789012:table/payments-dev/stream/2026",
        "arn:aws:s3:::somebody-elses-bucket",
        "arn:aws:events:eu-central-1:123456789012:rule/payhook-listen",
        "arn:aws:iam::123456789012:role/payhook-dev",
        "arn:aws:apigateway:eu-central-1::/restapis/a1b2c3/deployments/d",
        "arn:aws:ec2:eu-central-1:123456789012:instance/i-1",
        "no ARN at all",
    ] {
        assert_eq!(located(&given(), arn), None, "{arn}");
    }
}

fn listed(arn: &str, logical: Option<&str>) -> Value {
    let mut tags = vec![
        json!({"Key": tag::STACK, "Value": "payment-webhooks"}),
        json!({"Key": tag::ENV, "Value": "dev"}),
        json!({"Key": "aws:cloudformation:stack-name", "Value": "x"}),
    ];
    tags.extend(logical.map(|name| json!({"Key": tag::RESOURCE, "Value": name})));
    json!({"ResourceARN": arn, "Tags": tags})
}

#[tokio::test]
async fn every_page_is_asked_for_and_what_does_not_say_which_resource_it_is_is_left_out() {
    let arns = table();
    let (queue, topic) = (arns[2].0.as_str(), arns[3].0.as_str());
    let pages = [
        json!({"PaginationToken": "more", "ResourceTagMappingList": [listed(queue, Some("dlq"))]}),
        json!({"PaginationToken": "", "ResourceTagMappingList": [listed(topic, None), listed(topic, Some("alarms"))]}),
    ];
    let (aws, script) = scripted(pages.map(|page| reply("tagging:GetResources", 200, page)));
    let found = aws.tagged("payment-webhooks", "dev").await.unwrap();
    let names: Vec<_> = found.iter().map(|f| (f.kind, f.logical.as_str())).collect();
    assert_eq!(names, [(Kind::Queue, "dlq"), (Kind::Topic, "alarms")]);
    assert_eq!(found[0].tags.len(), 3, "those of AWS itself are left out");
    let asked = script.bodies("tagging:GetResources");
    assert_eq!(asked.len(), 2);
    let filters = json!([
        {"Key": "payhook:stack", "Values": ["payment-webhooks"]},
        {"Key": "payhook:env", "Values": ["dev"]},
    ]);
    assert_eq!(asked[0]["TagFilters"], filters);
    assert_eq!(asked[0]["ResourcesPerPage"], 100);
    assert_eq!(asked[1]["PaginationToken"], "more");
}

#[tokio::test]
async fn a_role_that_may_not_search_is_told_the_action_that_it_needs() {
    let denied = reply_error("tagging:GetResources", 400, "AccessDeniedException", "no");
    let (aws, _) = scripted([denied]);
    let error = aws.tagged("payment-webhooks", "dev").await.unwrap_err();
    assert_eq!(
        (error.class, error.call.as_str()),
        (Class::Denied, "tag:GetResources")
    );
}
