//! A table as DynamoDB describes it, in the terms of its properties.

use super::{AttributeKind, Billing, KeyAttribute, StreamView, Table, index};
use crate::graph::Input;
use crate::resources::{Condition, Unmanaged};
use aws_sdk_dynamodb::types::{
    BillingMode, ContinuousBackupsDescription, KeySchemaElement, KeyType,
    PointInTimeRecoveryDescription, ScalarAttributeType, SseDescription, SseStatus, StreamViewType,
    TableClass, TableDescription, TableStatus, TimeToLiveDescription, TimeToLiveStatus,
};
use serde_json::json;

/// What a table being deleted is waited for.
pub(super) const GOING: &str = "the table to be gone";
/// Days that a full recovery window has; what DynamoDB takes when none is asked for.
pub(super) const RECOVERY_DAYS: i32 = 35;

pub(super) const TABLE_CLASS: &str = "tableClass";
pub(super) const ON_DEMAND_LIMITS: &str = "onDemandThroughput";
pub(super) const RECOVERY_PERIOD: &str = "recoveryPeriodInDays";

/// Everything that DynamoDB tells about one table.
pub(super) struct Shown {
    pub table: TableDescription,
    pub backups: Option<ContinuousBackupsDescription>,
    pub ttl: Option<TimeToLiveDescription>,
    /// Whether the stream can be read; a table is ACTIVE before its stream is.
    pub stream_ready: bool,
}

impl Shown {
    pub fn properties(&self, name: &str) -> Table {
        let table = &self.table;
        Table {
            name: name.to_owned(),
            partition_key: self.own_key(&KeyType::Hash),
            sort_key: self.own_key(&KeyType::Range),
            indexes: index::shown(table.global_secondary_indexes(), |schema, role| {
                self.key_attribute(schema, role)
            }),
            billing: self.billing(),
            stream: self.stream(),
            key: key(table.sse_description()).map(Input::known),
            point_in_time_recovery: recovery_is_on(self.backups.as_ref()),
            ttl_attribute: self.ttl_attribute(),
            deletion_protection: table.deletion_protection_enabled() == Some(true),
            unmanaged: self.unmanaged(),
        }
    }

    pub fn condition(&self) -> Condition {
        let status = self.table.table_status();
        match status {
            Some(TableStatus::Active) => self.parts_condition(),
            Some(TableStatus::Creating) => Condition::Settling("the table to become active"),
            Some(TableStatus::Updating) => Condition::Settling("the table's update to end"),
            Some(TableStatus::Deleting) => Condition::Settling(GOING),
            Some(TableStatus::InaccessibleEncryptionCredentials) => Condition::Failed(format!(
                "DynamoDB cannot use the table's key {}; enable the key and let DynamoDB use it, then deploy again",
                key(self.table.sse_description()).unwrap_or_default()
            )),
            _ => Condition::Failed(format!(
                "the table is in status {}",
                status.map_or("(none)", |status| status.as_str())
            )),
        }
    }

    /// An active table may still be busy with its encryption, its backups or its stream.
    fn parts_condition(&self) -> Condition {
        let encryption = self.table.sse_description().and_then(|sse| sse.status());
        if let Some(SseStatus::Enabling | SseStatus::Updating | SseStatus::Disabling) = encryption {
            return Condition::Settling("the table's encryption to change");
        }
        if let Some(what) = index::waited_for(self.table.global_secondary_indexes()) {
            return Condition::Settling(what);
        }
        // DynamoDB shows ENABLING for a while although its API does not list it.
        if recovery_status(self.recovery()) == "ENABLING" {
            return Condition::Settling("point-in-time recovery to be on");
        }
        match self.stream().is_some() && !self.stream_ready {
            true => Condition::Settling("the table's stream to be readable"),
            false => Condition::Settled,
        }
    }

    /// The ARN of the stream that is switched on.
    pub fn stream_arn(&self) -> Option<&str> {
        self.stream().and_then(|_| self.table.latest_stream_arn())
    }

    fn stream(&self) -> Option<StreamView> {
        let stream = self.table.stream_specification();
        let stream = stream.filter(|stream| stream.stream_enabled())?;
        match stream.stream_view_type()? {
            StreamViewType::NewAndOldImages => Some(StreamView::NewAndOldImages),
            StreamViewType::NewImage => Some(StreamView::NewImage),
            StreamViewType::OldImage => Some(StreamView::OldImage),
            _ => Some(StreamView::KeysOnly),
        }
    }

    fn billing(&self) -> Billing {
        let summary = self.table.billing_mode_summary();
        match summary.and_then(|summary| summary.billing_mode()) {
            Some(BillingMode::PayPerRequest) => Billing::OnDemand,
            _ => Billing::Provisioned,
        }
    }

    fn own_key(&self, role: &KeyType) -> KeyAttribute {
        let own = self.key_attribute(self.table.key_schema(), role);
        own.unwrap_or_else(|| KeyAttribute {
            name: String::new(),
            kind: AttributeKind::S,
        })
    }

    fn key_attribute(&self, schema: &[KeySchemaElement], role: &KeyType) -> Option<KeyAttribute> {
        let element = schema.iter().find(|element| element.key_type() == role)?;
        let name = element.attribute_name();
        let definitions = self.table.attribute_definitions();
        let definition = definitions.iter().find(|d| d.attribute_name() == name);
        Some(KeyAttribute {
            name: name.to_owned(),
            kind: match definition.map(|d| d.attribute_type()) {
                Some(ScalarAttributeType::N) => AttributeKind::N,
                Some(ScalarAttributeType::B) => AttributeKind::B,
                _ => AttributeKind::S,
            },
        })
    }

    fn recovery(&self) -> Option<&PointInTimeRecoveryDescription> {
        self.backups.as_ref()?.point_in_time_recovery_description()
    }

    /// ENABLING counts: DynamoDB may take an hour, and refuses any further change meanwhile.
    fn ttl_attribute(&self) -> Option<String> {
        let ttl = self.ttl.as_ref()?;
        match ttl.time_to_live_status()? {
            TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling => {
                ttl.attribute_name().map(str::to_owned)
            }
            _ => None,
        }
    }

    fn unmanaged(&self) -> Unmanaged {
        let mut found = Unmanaged::new();
        let class = self.table.table_class_summary();
        if let Some(class) = class.and_then(|summary| summary.table_class())
            && *class != TableClass::Standard
        {
            found.insert(TABLE_CLASS.to_owned(), class.as_str().into());
        }
        if let Some(limits) = self.table.on_demand_throughput() {
            let read = limits.max_read_request_units().unwrap_or(-1);
            let write = limits.max_write_request_units().unwrap_or(-1);
            if (read, write) != (-1, -1) {
                let limits = json!({ "read": read, "write": write });
                found.insert(ON_DEMAND_LIMITS.to_owned(), limits);
            }
        }
        let period = self.recovery().and_then(|r| r.recovery_period_in_days());
        if let Some(days) = period.filter(|days| *days != RECOVERY_DAYS) {
            found.insert(RECOVERY_PERIOD.to_owned(), days.into());
        }
        found
    }
}

/// Whether any second can be restored.
pub(super) fn recovery_is_on(backups: Option<&ContinuousBackupsDescription>) -> bool {
    let recovery = backups.and_then(|b| b.point_in_time_recovery_description());
    recovery_status(recovery) == "ENABLED"
}

fn recovery_status(recovery: Option<&PointInTimeRecoveryDescription>) -> &str {
    let status = recovery.and_then(|r| r.point_in_time_recovery_status());
    status.map_or("DISABLED", |status| status.as_str())
}

/// The table's key; DynamoDB leaves the description out, or says DISABLED, under a key of its own.
fn key(sse: Option<&SseDescription>) -> Option<String> {
    let sse = sse.filter(|sse| sse.status() != Some(&SseStatus::Disabled))?;
    sse.kms_master_key_arn().map(str::to_owned)
}
