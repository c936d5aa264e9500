//! The calls that read, write and delete a table.

use super::beside::{self, Place};
use super::shape::{
    self, GOING, ON_DEMAND_LIMITS, RECOVERY_DAYS, RECOVERY_PERIOD, Shown, TABLE_CLASS,
};
use super::{AttributeKind, Billing, KeyAttribute, StreamView, Table, index};
use crate::resources::tags::{self, Retag};
use crate::resources::{
    At, Aws, Class, CloudError, Condition, Delete, During, Live, Observed, Outputs, Put, Resource,
    Tags, Unmanaged,
};
use async_trait::async_trait;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::update_table::builders::UpdateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, ContinuousBackupsDescription, KeySchemaElement, KeyType,
    OnDemandThroughput, PointInTimeRecoverySpecification, ScalarAttributeType, SseSpecification,
    SseType, StreamSpecification, StreamViewType, TableClass, TableDescription, Tag,
    TimeToLiveDescription, TimeToLiveSpecification,
};
use aws_sdk_dynamodbstreams::types::StreamStatus;

#[async_trait]
impl Live for Table {
    async fn read(aws: &Aws, at: &At<Self>) -> Result<Option<Observed<Self>>, CloudError> {
        let name = &at.properties.name;
        // While a new table is waited for there is nothing beside it, and nobody need ask.
        let on_record = at.outputs.contains_key("streamArn");
        let known = place(aws, name, &at.outputs);
        let (table, backups, ttl, tags, beside) = tokio::join!(
            describe(aws, name),
            backups(aws, name),
            time_to_live(aws, name),
            tags_of(aws, name),
            beside_if(aws, &known, on_record),
        );
        // The tags of a table that does not exist are refused as if they were forbidden.
        let Some(table) = table? else {
            return Ok(None);
        };
        let (backups, ttl, tags) = (backups?, ttl?, tags?);
        let mut shown = Shown {
            table,
            backups,
            ttl,
            stream_ready: false,
        };
        let mut outputs = at.properties.predicted(&aws.given);
        let stream = shown.stream_arn().map(str::to_owned);
        let same = stream.as_ref() == at.outputs.get("streamArn");
        if let Some(arn) = &stream {
            // A stream on record was readable once and stays so; each other one must say so itself.
            shown.stream_ready = same || is_readable(aws, arn).await?;
            if shown.stream_ready {
                outputs.insert("streamArn".to_owned(), arn.clone());
            }
        }
        let settled = shown.condition() == Condition::Settled;
        let mut properties = shown.properties(name);
        properties.unmanaged.extend(match on_record {
            true if same => beside?,
            true => beside::of_stream(aws, beside?, stream.as_deref()).await?,
            false => beside_if(aws, &place(aws, name, &outputs), settled).await?,
        });
        Ok(Some(Observed {
            properties,
            outputs,
            tags: Some(tags),
            condition: shown.condition(),
            unseen: Vec::new(),
        }))
    }

    async fn put(
        aws: &Aws,
        at: &At<Self>,
        observed: Option<&Observed<Self>>,
    ) -> Result<Put, CloudError> {
        let Some(observed) = observed else {
            create(aws, at).await?;
            return Ok(Put::Waiting("the table to become active"));
        };
        match &observed.condition {
            Condition::Settling(what) => return Ok(Put::Waiting(what)),
            Condition::Failed(why) => {
                let call = "dynamodb:DescribeTable";
                return Err(CloudError::new(call, Class::Failed, "table-failed", why));
            }
            Condition::Settled => {}
        }
        let (wanted, is) = (&at.properties, &observed.properties);
        let place = place(aws, &wanted.name, &observed.outputs);
        if beside::take_back(aws, &place, &is.unmanaged).await? {
            return Ok(Put::Waiting(
                "what was set beside the table to be taken back",
            ));
        }
        if let Some(update) = next_update(aws, wanted, is)? {
            update.send().await.during("dynamodb:UpdateTable")?;
            return Ok(Put::Waiting("the table's update to end"));
        }
        retag(aws, at, observed.tags.as_ref()).await?;
        let recovery_differs = wanted.point_in_time_recovery != is.point_in_time_recovery
            || is.unmanaged.contains_key(RECOVERY_PERIOD);
        if recovery_differs && !set_recovery(aws, wanted, is).await? {
            return Ok(Put::Waiting("point-in-time recovery to change"));
        }
        // Last, since DynamoDB takes only one such change an hour and everything else should have landed by then.
        set_time_to_live(aws, wanted, is).await?;
        Ok(Put::Done(observed.outputs.clone()))
    }

    async fn delete(
        aws: &Aws,
        at: &At<Self>,
        observed: &Observed<Self>,
    ) -> Result<Delete, CloudError> {
        if observed.condition == Condition::Settling(GOING) {
            return Ok(Delete::Waiting(GOING));
        }
        let name = &at.properties.name;
        if observed.properties.deletion_protection {
            let update = aws.dynamodb.update_table().table_name(name);
            let update = update.deletion_protection_enabled(false);
            update.send().await.during("dynamodb:UpdateTable")?;
        }
        let delete = aws.dynamodb.delete_table().table_name(name);
        let deleted = delete.send().await.or_absent("dynamodb:DeleteTable")?;
        Ok(match deleted {
            Some(_) => Delete::Waiting(GOING),
            None => Delete::Gone,
        })
    }
}

async fn beside_if(aws: &Aws, of: &Place<'_>, asked: bool) -> Result<Unmanaged, CloudError> {
    match asked {
        true => beside::read(aws, of).await,
        false => Ok(Unmanaged::new()),
    }
}

fn place<'a>(aws: &Aws, name: &'a str, outputs: &'a Outputs) -> Place<'a> {
    Place {
        name,
        arn: arn(aws, name),
        stream: outputs.get("streamArn").map(String::as_str),
    }
}

fn arn(aws: &Aws, name: &str) -> String {
    aws.given.arn("dynamodb", &format!("table/{name}"))
}

async fn describe(aws: &Aws, name: &str) -> Result<Option<TableDescription>, CloudError> {
    let call = aws.dynamodb.describe_table().table_name(name);
    let shown = call.send().await.or_absent("dynamodb:DescribeTable")?;
    Ok(shown.and_then(|shown| shown.table))
}

async fn backups(
    aws: &Aws,
    name: &str,
) -> Result<Option<ContinuousBackupsDescription>, CloudError> {
    let call = aws.dynamodb.describe_continuous_backups().table_name(name);
    let shown = call.send().await;
    let shown = shown.or_absent("dynamodb:DescribeContinuousBackups")?;
    Ok(shown.and_then(|shown| shown.continuous_backups_description))
}

async fn time_to_live(aws: &Aws, name: &str) -> Result<Option<TimeToLiveDescription>, CloudError> {
    let call = aws.dynamodb.describe_time_to_live().table_name(name);
    let shown = call.send().await.or_absent("dynamodb:DescribeTimeToLive")?;
    Ok(shown.and_then(|shown| shown.time_to_live_description))
}

async fn tags_of(aws: &Aws, name: &str) -> Result<Tags, CloudError> {
    let arn = arn(aws, name);
    let mut found = Vec::new();
    let mut next = None;
    loop {
        let call = aws.dynamodb.list_tags_of_resource().resource_arn(&arn);
        let page = call.set_next_token(next).send().await;
        let Some(page) = page.or_absent("dynamodb:ListTagsOfResource")? else {
            return Ok(Tags::new());
        };
        found.extend(page.tags.unwrap_or_default());
        next = page.next_token;
        if next.is_none() {
            return Ok(tags::collect(found.into_iter().map(|t| (t.key, t.value))));
        }
    }
}

async fn is_readable(aws: &Aws, arn: &str) -> Result<bool, CloudError> {
    let call = aws.streams.describe_stream().stream_arn(arn).limit(1);
    let shown = call.send().await.or_absent("dynamodb:DescribeStream")?;
    let status = shown.and_then(|shown| shown.stream_description?.stream_status);
    Ok(status == Some(StreamStatus::Enabled))
}

async fn create(aws: &Aws, at: &At<Table>) -> Result<(), CloudError> {
    let table = &at.properties;
    let mut call = aws.dynamodb.create_table().table_name(&table.name);
    let keys = [
        (&table.partition_key, KeyType::Hash),
        (&table.sort_key, KeyType::Range),
    ];
    for (key, role) in keys {
        call = call.key_schema(schema(key, role)?);
    }
    call.set_attribute_definitions(Some(index::attributes(table)?))
        .set_global_secondary_indexes(index::of_new_table(table)?)
        .billing_mode(billing(table.billing))
        .stream_specification(stream(table.stream)?)
        .sse_specification(encryption(table)?)
        .deletion_protection_enabled(table.deletion_protection)
        .set_tags(Some(sdk_tags(&at.tags)?))
        .send()
        .await
        .during("dynamodb:CreateTable")?;
    Ok(())
}

/// The next change of the table itself: DynamoDB takes one class of change in a call, and one call at a time.
fn next_update(
    aws: &Aws,
    wanted: &Table,
    is: &Table,
) -> Result<Option<UpdateTableFluentBuilder>, CloudError> {
    let update = aws.dynamodb.update_table().table_name(&wanted.name);
    let found = |setting: &str| is.unmanaged.contains_key(setting);
    Ok(Some(if wanted.billing != is.billing {
        update.billing_mode(billing(wanted.billing))
    } else if found(TABLE_CLASS) {
        update.table_class(TableClass::Standard)
    } else if found(ON_DEMAND_LIMITS) {
        let limits = OnDemandThroughput::builder()
            .max_read_request_units(-1)
            .max_write_request_units(-1);
        update.on_demand_throughput(limits.build())
    } else if wanted.deletion_protection != is.deletion_protection {
        update.deletion_protection_enabled(wanted.deletion_protection)
    } else if key(wanted)? != key(is)? {
        update.sse_specification(encryption(wanted)?)
    } else if wanted.stream != is.stream {
        // What a stream carries cannot be changed while it is on.
        update.stream_specification(stream(wanted.stream.filter(|_| is.stream.is_none()))?)
    } else {
        return index::next_update(update, wanted, is);
    }))
}

/// Switches recovery; whether the answer already shows it so.
async fn set_recovery(aws: &Aws, wanted: &Table, is: &Table) -> Result<bool, CloudError> {
    let on = wanted.point_in_time_recovery;
    // A period is refused while switching off, and needed only to take a shorter one back.
    let period = (on && is.unmanaged.contains_key(RECOVERY_PERIOD)).then_some(RECOVERY_DAYS);
    let recovery = PointInTimeRecoverySpecification::builder()
        .point_in_time_recovery_enabled(on)
        .set_recovery_period_in_days(period)
        .build()
        .map_err(unbuilt)?;
    let call = aws.dynamodb.update_continuous_backups();
    let call = call.table_name(&wanted.name);
    let updated = call.point_in_time_recovery_specification(recovery).send();
    let updated = updated.await.during("dynamodb:UpdateContinuousBackups")?;
    let shown = updated.continuous_backups_description;
    Ok((shape::recovery_is_on(shown.as_ref()) == on) && shown.is_some())
}

async fn set_time_to_live(aws: &Aws, wanted: &Table, is: &Table) -> Result<(), CloudError> {
    if wanted.ttl_attribute == is.ttl_attribute {
        return Ok(());
    }
    // Another attribute needs the old one switched off first; switching off needs its name too.
    let (attribute, on) = match (&is.ttl_attribute, &wanted.ttl_attribute) {
        (Some(old), _) => (old, false),
        (None, Some(new)) => (new, true),
        (None, None) => return Ok(()),
    };
    let change = TimeToLiveSpecification::builder()
        .attribute_name(attribute)
        .enabled(on)
        .build()
        .map_err(unbuilt)?;
    let call = aws.dynamodb.update_time_to_live().table_name(&wanted.name);
    let updated = call.time_to_live_specification(change).send().await;
    updated
        .during("dynamodb:UpdateTimeToLive")
        .map_err(once_an_hour)?;
    match &wanted.ttl_attribute {
        Some(_) if !on => Err(once_an_hour(CloudError::new(
            "dynamodb:UpdateTimeToLive",
            Class::Conflict,
            "ttl-attribute-changes",
            format!("expiry by `{attribute}` is now off"),
        ))),
        _ => Ok(()),
    }
}

fn once_an_hour(error: CloudError) -> CloudError {
    if !matches!(
        error.code.as_str(),
        "ValidationException" | "ttl-attribute-changes"
    ) {
        return error;
    }
    let message = format!(
        "{}; DynamoDB takes one change of a table's time to live an hour: deploy again in an hour",
        error.message
    );
    CloudError { message, ..error }
}

async fn retag(aws: &Aws, at: &At<Table>, tags: Option<&Tags>) -> Result<(), CloudError> {
    let retag = Retag::between(tags, &at.tags);
    let arn = &arn(aws, &at.properties.name);
    if !retag.set.is_empty() {
        let call = aws.dynamodb.tag_resource().resource_arn(arn);
        let call = call.set_tags(Some(sdk_tags(&retag.set)?));
        call.send().await.during("dynamodb:TagResource")?;
    }
    if !retag.remove.is_empty() {
        let call = aws.dynamodb.untag_resource().resource_arn(arn);
        let call = call.set_tag_keys(Some(retag.remove));
        call.send().await.during("dynamodb:UntagResource")?;
    }
    Ok(())
}

fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(unbuilt)
}

fn key(table: &Table) -> Result<Option<String>, CloudError> {
    Ok(table.key.as_ref().map(|key| key.get()).transpose()?)
}

/// With no key of ours the table goes back under one that AWS owns.
fn encryption(table: &Table) -> Result<SseSpecification, CloudError> {
    let Some(key) = key(table)? else {
        return Ok(SseSpecification::builder().enabled(false).build());
    };
    let with_key = SseSpecification::builder()
        .enabled(true)
        .sse_type(SseType::Kms);
    Ok(with_key.kms_master_key_id(key).build())
}

fn stream(view: Option<StreamView>) -> Result<StreamSpecification, CloudError> {
    let view = view.map(|view| match view {
        StreamView::NewAndOldImages => StreamViewType::NewAndOldImages,
        StreamView::NewImage => StreamViewType::NewImage,
        StreamView::OldImage => StreamViewType::OldImage,
        StreamView::KeysOnly => StreamViewType::KeysOnly,
    });
    let stream = StreamSpecification::builder().stream_enabled(view.is_some());
    stream.set_stream_view_type(view).build().map_err(unbuilt)
}

fn billing(billing: Billing) -> BillingMode {
    match billing {
        Billing::OnDemand => BillingMode::PayPerRequest,
        Billing::Provisioned => BillingMode::Provisioned,
    }
}

pub(super) fn attribute(key: &KeyAttribute) -> Result<AttributeDefinition, CloudError> {
    let kind = match key.kind {
        AttributeKind::S => ScalarAttributeType::S,
        AttributeKind::N => ScalarAttributeType::N,
        AttributeKind::B => ScalarAttributeType::B,
    };
    let definition = AttributeDefinition::builder().attribute_name(&key.name);
    definition.attribute_type(kind).build().map_err(unbuilt)
}

pub(super) fn schema(key: &KeyAttribute, role: KeyType) -> Result<KeySchemaElement, CloudError> {
    let element = KeySchemaElement::builder().attribute_name(&key.name);
    element.key_type(role).build().map_err(unbuilt)
}

pub(super) fn unbuilt(error: BuildError) -> CloudError {
    CloudError::new("dynamodb", Class::Invalid, "not-sent", error.to_string())
}
