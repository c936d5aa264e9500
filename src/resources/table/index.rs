//! A global secondary index: the table's items again under other keys, and the calls that add and remove it.

use super::calls::{attribute, schema, unbuilt};
use super::{KeyAttribute, Table};
use crate::resources::CloudError;
use aws_sdk_dynamodb::operation::update_table::builders::UpdateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, CreateGlobalSecondaryIndexAction, DeleteGlobalSecondaryIndexAction,
    GlobalSecondaryIndex, GlobalSecondaryIndexDescription, GlobalSecondaryIndexUpdate, IndexStatus,
    KeySchemaElement, KeyType, OnDemandThroughput, Projection as SdkProjection, ProjectionType,
    UpdateGlobalSecondaryIndexAction,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A global secondary index of a table, which holds only the items that have its key attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Partition key.
    pub partition_key: KeyAttribute,
    /// Sort key.
    pub sort_key: Option<KeyAttribute>,
    /// What of an item it holds beside the keys of index and table.
    pub projection: Projection,
    /// Limits that payhook never sets: read and write units a second, -1 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<(i64, i64)>,
}

/// What of an item an index holds beside the keys of index and table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Projection {
    /// Nothing.
    KeysOnly,
    /// Everything.
    All,
    /// These attributes.
    Include(BTreeSet<String>),
}

/// Indexes by name.
pub type Indexes = BTreeMap<String, Index>;

impl Index {
    fn keys(&self) -> impl Iterator<Item = (&KeyAttribute, KeyType)> {
        let sort = self.sort_key.iter().map(|key| (key, KeyType::Range));
        std::iter::once((&self.partition_key, KeyType::Hash)).chain(sort)
    }

    fn schema(&self) -> Result<Vec<KeySchemaElement>, CloudError> {
        self.keys().map(|(key, role)| schema(key, role)).collect()
    }

    fn projection(&self) -> SdkProjection {
        let projection = SdkProjection::builder();
        match &self.projection {
            Projection::KeysOnly => projection.projection_type(ProjectionType::KeysOnly),
            Projection::All => projection.projection_type(ProjectionType::All),
            Projection::Include(names) => projection
                .projection_type(ProjectionType::Include)
                .set_non_key_attributes(Some(names.iter().cloned().collect())),
        }
        .build()
    }

    /// Whether the two are one index but for the limits, which alone can change in place.
    fn is_same_but_for_limits(&self, other: &Self) -> bool {
        (&self.partition_key, &self.sort_key, &self.projection)
            == (&other.partition_key, &other.sort_key, &other.projection)
    }
}

/// The attributes that the keys of table and indexes use, each once.
pub(super) fn attributes(table: &Table) -> Result<Vec<AttributeDefinition>, CloudError> {
    let indexed = table.indexes.values().flat_map(Index::keys);
    let mut seen = BTreeSet::new();
    [&table.partition_key, &table.sort_key]
        .into_iter()
        .chain(indexed.map(|(key, _)| key))
        .filter(|key| seen.insert(key.name.as_str()))
        .map(attribute)
        .collect()
}

/// The indexes as a new table takes them.
pub(super) fn of_new_table(table: &Table) -> Result<Option<Vec<GlobalSecondaryIndex>>, CloudError> {
    let built = |(name, index): (&String, &Index)| {
        GlobalSecondaryIndex::builder()
            .index_name(name)
            .set_key_schema(Some(index.schema()?))
            .projection(index.projection())
            .build()
            .map_err(unbuilt)
    };
    let all: Vec<_> = table.indexes.iter().map(built).collect::<Result<_, _>>()?;
    Ok(Some(all).filter(|all| !all.is_empty()))
}

/// The next change of the indexes: DynamoDB takes one in a call, and knows no change of an index's keys or projection.
pub(super) fn next_update(
    update: UpdateTableFluentBuilder,
    wanted: &Table,
    is: &Table,
) -> Result<Option<UpdateTableFluentBuilder>, CloudError> {
    let change = GlobalSecondaryIndexUpdate::builder();
    for (name, index) in &is.indexes {
        let kept = wanted.indexes.get(name);
        match kept.filter(|wanted| wanted.is_same_but_for_limits(index)) {
            None => {
                let delete = DeleteGlobalSecondaryIndexAction::builder().index_name(name);
                let change = change.delete(delete.build().map_err(unbuilt)?);
                return Ok(Some(update.global_secondary_index_updates(change.build())));
            }
            Some(wanted) if wanted.limits != index.limits => {
                let (read, write) = wanted.limits.unwrap_or((-1, -1));
                let limits = OnDemandThroughput::builder()
                    .max_read_request_units(read)
                    .max_write_request_units(write);
                let limited = UpdateGlobalSecondaryIndexAction::builder()
                    .index_name(name)
                    .on_demand_throughput(limits.build());
                let change = change.update(limited.build().map_err(unbuilt)?);
                return Ok(Some(update.global_secondary_index_updates(change.build())));
            }
            Some(_) => {}
        }
    }
    let missing = |(name, _): &(&String, &Index)| !is.indexes.contains_key(*name);
    let Some((name, index)) = wanted.indexes.iter().find(missing) else {
        return Ok(None);
    };
    let create = CreateGlobalSecondaryIndexAction::builder()
        .index_name(name)
        .set_key_schema(Some(index.schema()?))
        .projection(index.projection());
    let change = change.create(create.build().map_err(unbuilt)?);
    let keys: Vec<_> = index
        .keys()
        .map(|(key, _)| attribute(key))
        .collect::<Result<_, _>>()?;
    Ok(Some(
        update
            .set_attribute_definitions(Some(keys))
            .global_secondary_index_updates(change.build()),
    ))
}

/// What a table that is otherwise ready still waits for; an active table may have indexes that are not.
pub(super) fn waited_for(indexes: &[GlobalSecondaryIndexDescription]) -> Option<&'static str> {
    let status = |wanted: &IndexStatus| indexes.iter().any(|i| i.index_status() == Some(wanted));
    if status(&IndexStatus::Creating) {
        Some("the table's index to be filled")
    } else if status(&IndexStatus::Deleting) {
        Some("the table's index to be gone")
    } else if status(&IndexStatus::Updating) {
        Some("the table's index to change")
    } else {
        None
    }
}

/// The indexes as DynamoDB shows them; `key` finds the attribute that an element of a schema names.
pub(super) fn shown(
    indexes: &[GlobalSecondaryIndexDescription],
    key: impl Fn(&[KeySchemaElement], &KeyType) -> Option<KeyAttribute>,
) -> Indexes {
    let index = |shown: &GlobalSecondaryIndexDescription| {
        let limits = shown.on_demand_throughput();
        let limits = limits.map(|limits| {
            let read = limits.max_read_request_units().unwrap_or(-1);
            (read, limits.max_write_request_units().unwrap_or(-1))
        });
        let index = Index {
            partition_key: key(shown.key_schema(), &KeyType::Hash)?,
            sort_key: key(shown.key_schema(), &KeyType::Range),
            projection: projection(shown.projection()),
            limits: limits.filter(|limits| *limits != (-1, -1)),
        };
        Some((shown.index_name()?.to_owned(), index))
    };
    indexes.iter().filter_map(index).collect()
}

fn projection(shown: Option<&SdkProjection>) -> Projection {
    let kind = shown.and_then(|shown| shown.projection_type());
    match (kind, shown) {
        (Some(ProjectionType::All), _) => Projection::All,
        (Some(ProjectionType::Include), Some(shown)) => {
            Projection::Include(shown.non_key_attributes().iter().cloned().collect())
        }
        _ => Projection::KeysOnly,
    }
}
