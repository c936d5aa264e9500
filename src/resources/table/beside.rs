//! What can be set beside a table rather than on it, and payhook never sets: who else may use it, and where it sends.

use crate::resources::unmanaged::{collected, parsed};
use crate::resources::{Aws, CloudError, During, Unmanaged};
use aws_sdk_dynamodb::types::{
    ContributorInsightsAction, ContributorInsightsStatus, DestinationStatus,
};

const POLICY: &str = "policy";
const STREAM_POLICY: &str = "streamPolicy";
const STREAMED_TO: &str = "kinesisStreams";
const INSIGHTS: &str = "contributorInsights";

/// A table and its stream.
pub(super) struct Place<'a> {
    pub name: &'a str,
    pub arn: String,
    pub stream: Option<&'a str>,
}

impl Place<'_> {
    /// What bears each of the two policies.
    fn policies(&self) -> [(&'static str, Option<&str>); 2] {
        [(POLICY, Some(&self.arn)), (STREAM_POLICY, self.stream)]
    }
}

/// What was found beside a table.
pub(super) async fn read(aws: &Aws, of: &Place<'_>) -> Result<Unmanaged, CloudError> {
    let (policy, stream_policy, streams, insights) = tokio::try_join!(
        policy(aws, Some(&of.arn)),
        policy(aws, of.stream),
        streams(aws, of.name),
        insights(aws, of.name)
    )?;
    Ok(collected([
        (POLICY, policy.as_deref().map(parsed)),
        (STREAM_POLICY, stream_policy.as_deref().map(parsed)),
        (STREAMED_TO, (!streams.is_empty()).then(|| streams.into())),
        (INSIGHTS, insights.then(|| true.into())),
    ]))
}

/// The same where another stream has taken the place of the one that was asked about.
pub(super) async fn of_stream(
    aws: &Aws,
    mut found: Unmanaged,
    stream: Option<&str>,
) -> Result<Unmanaged, CloudError> {
    found.remove(STREAM_POLICY);
    let policy = policy(aws, stream).await?;
    found.extend(collected([(STREAM_POLICY, policy.as_deref().map(parsed))]));
    Ok(found)
}

/// Takes back what was found; whether there was anything.
pub(super) async fn take_back(
    aws: &Aws,
    of: &Place<'_>,
    found: &Unmanaged,
) -> Result<bool, CloudError> {
    let name = of.name;
    let policies = of.policies().into_iter();
    for (_, arn) in policies.filter(|(setting, _)| found.contains_key(*setting)) {
        let call = aws.dynamodb.delete_resource_policy();
        call.set_resource_arn(arn.map(str::to_owned))
            .send()
            .await
            .or_absent("dynamodb:DeleteResourcePolicy")?;
    }
    let streams = found
        .get(STREAMED_TO)
        .and_then(|streams| streams.as_array());
    for stream in streams.into_iter().flatten() {
        let call = aws.dynamodb.disable_kinesis_streaming_destination();
        let call = call
            .table_name(name)
            .set_stream_arn(stream.as_str().map(str::to_owned));
        call.send()
            .await
            .during("dynamodb:DisableKinesisStreamingDestination")?;
    }
    if found.contains_key(INSIGHTS) {
        let call = aws.dynamodb.update_contributor_insights().table_name(name);
        let call = call.contributor_insights_action(ContributorInsightsAction::Disable);
        call.send()
            .await
            .during("dynamodb:UpdateContributorInsights")?;
    }
    let settings = [POLICY, STREAM_POLICY, STREAMED_TO, INSIGHTS];
    Ok(settings.iter().any(|setting| found.contains_key(*setting)))
}

async fn policy(aws: &Aws, arn: Option<&str>) -> Result<Option<String>, CloudError> {
    let Some(arn) = arn else {
        return Ok(None);
    };
    let call = aws.dynamodb.get_resource_policy().resource_arn(arn);
    match call.send().await.or_absent("dynamodb:GetResourcePolicy") {
        Err(error) if error.code == "PolicyNotFoundException" => Ok(None),
        shown => Ok(shown?.and_then(|shown| shown.policy)),
    }
}

/// The Kinesis streams that are sent every change.
async fn streams(aws: &Aws, name: &str) -> Result<Vec<String>, CloudError> {
    let call = aws.dynamodb.describe_kinesis_streaming_destination();
    let shown = call.table_name(name).send().await;
    let shown = shown.or_absent("dynamodb:DescribeKinesisStreamingDestination")?;
    let destinations = shown.and_then(|shown| shown.kinesis_data_stream_destinations);
    let on = [
        DestinationStatus::Active,
        DestinationStatus::Enabling,
        DestinationStatus::Updating,
    ];
    let on = destinations.into_iter().flatten().filter(|destination| {
        let status = destination.destination_status();
        status.is_some_and(|status| on.contains(status))
    });
    Ok(on
        .filter_map(|destination| destination.stream_arn)
        .collect())
}

/// Whether the table's most used keys are published; facts about them cost money.
async fn insights(aws: &Aws, name: &str) -> Result<bool, CloudError> {
    let call = aws
        .dynamodb
        .describe_contributor_insights()
        .table_name(name);
    let shown = call.send().await;
    let shown = shown.or_absent("dynamodb:DescribeContributorInsights")?;
    let status = shown.and_then(|shown| shown.contributor_insights_status);
    Ok(matches!(
        status,
        Some(ContributorInsightsStatus::Enabled | ContributorInsightsStatus::Enabling)
    ))
}
