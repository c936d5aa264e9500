//! The DynamoDB table that holds the payment events.

mod beside;
mod calls;
mod index;
mod shape;
#[cfg(test)]
mod tests;

use super::policy::{Action, Grantable, arn};
use super::{Forced, Given, Guard, Of, Outputs, Poll, Resource, Schedule, Settle, Unmanaged};
use crate::graph::{Declared, Handle, Input, KeyArn, Output, StreamArn, TableArn, TableName, Text};
use serde::{Deserialize, Serialize};

pub use index::{Index, Indexes, Projection};

/// A DynamoDB table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// Table name.
    pub name: String,
    /// Partition key.
    pub partition_key: KeyAttribute,
    /// Sort key.
    pub sort_key: KeyAttribute,
    /// Global secondary indexes by name.
    #[serde(default)]
    pub indexes: Indexes,
    /// How capacity is paid for.
    pub billing: Billing,
    /// What the stream carries; `None` switches it off.
    pub stream: Option<StreamView>,
    /// The customer-managed key; `None` leaves the table under a key owned by AWS.
    pub key: Option<Input<KeyArn>>,
    /// Whether any second of the last 35 days can be restored.
    pub point_in_time_recovery: bool,
    /// Number attribute with the second at which an item expires.
    pub ttl_attribute: Option<String>,
    /// Whether AWS itself refuses to delete the table.
    pub deletion_protection: bool,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

/// A key attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyAttribute {
    /// Attribute name.
    pub name: String,
    /// Attribute type.
    pub kind: AttributeKind,
}

/// The type of a key attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeKind {
    /// Text.
    S,
    /// Number.
    N,
    /// Bytes.
    B,
}

/// How capacity is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Billing {
    /// Per request.
    OnDemand,
    /// Per hour of reserved throughput; payhook never declares it, only observes it.
    Provisioned,
}

/// What a stream record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StreamView {
    /// The item before and after.
    NewAndOldImages,
    /// The item after.
    NewImage,
    /// The item before.
    OldImage,
    /// The keys.
    KeysOnly,
}

impl Declared for Table {
    const KIND: &'static str = "dynamodb-table";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Table {
    const FORCED: &'static [Forced] = &[
        Forced {
            property: "name",
            rule: "DynamoDB cannot rename a table",
        },
        Forced {
            property: "partitionKey",
            rule: "DynamoDB cannot change the key schema of a table",
        },
        Forced {
            property: "sortKey",
            rule: "DynamoDB cannot change the key schema of a table",
        },
    ];
    const HOLDS: Option<&'static str> = Some("every stored payment event");
    const GUARD: Option<Guard> = Some(Guard {
        property: "deletionProtection",
        lifted: "its deletion protection is lifted first",
    });
    const POLL: Poll = Poll::LONG;
    const RENEWS: &'static [(&'static str, &'static str)] = &[("stream", "streamArn")];
    const SETTLE: &'static [Settle] = SETTLE;
    const IDENTITY: &'static [&'static str] = &["streamArn"];

    fn predicted(&self, given: &Given) -> Outputs {
        let arn = given.arn("dynamodb", &format!("table/{}", self.name));
        Outputs::from([
            ("tableArn".to_owned(), arn),
            ("tableName".to_owned(), self.name.clone()),
        ])
    }
}

/// DynamoDB makes one change of a table at a time, and prepares the backups of a new one by itself; facts: section 5.
/// Backups of a new table are prepared for minutes, and their state may be asked for every 15 s (terraform-provider-aws).
const BACKUPS: Schedule = Schedule::steady(&[1_000, 2_000, 4_000, 8_000], 15_000);

const SETTLE: &[Settle] = &[
    Settle {
        name: "the table's backups to be prepared",
        of: Of::Itself,
        codes: &["ResourceInUseException", "ValidationException"],
        messages: &["Backups are being enabled"],
        schedule: BACKUPS,
        budget_seconds: 1200,
        otherwise: "look at the backups of the table in the console of DynamoDB",
        source: "terraform-provider-aws, internal/service/dynamodb/table.go; go-to-k/cdkd",
    },
    Settle {
        name: "the table's backups to be available",
        of: Of::Itself,
        codes: &["ContinuousBackupsUnavailableException"],
        messages: &[],
        schedule: BACKUPS,
        budget_seconds: 1200,
        otherwise: "look at the backups of the table in the console of DynamoDB",
        source: "terraform-provider-aws, internal/service/dynamodb/wait.go",
    },
    // "Table already exists" has the same code and does not pass.
    Settle {
        name: "the table's running change to end",
        of: Of::Itself,
        codes: &["ResourceInUseException"],
        messages: &["is being"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 1200,
        otherwise: "something else keeps changing it, perhaps another tool",
        source: "AWS SDK, DynamoDB: ResourceInUseException",
    },
    // How a delete is refused although the table itself is active.
    Settle {
        name: "the change of the table's indexes to end",
        of: Of::Itself,
        codes: &["ResourceInUseException", "ValidationException"],
        messages: &["indexes are being"],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 1200,
        otherwise: "an index is still being filled: wait for it",
        source: "go-to-k/cdkd, provisioning/dynamodb-index-busy-delete.ts",
    },
];

impl Table {
    /// Writing an item, also under a condition.
    pub const PUT_ITEM: Action<Table> = Action::new(&["dynamodb:PutItem"]);
    /// Reading one item.
    pub const GET_ITEM: Action<Table> = Action::new(&["dynamodb:GetItem"]);
    /// Changing one item.
    pub const UPDATE_ITEM: Action<Table> = Action::new(&["dynamodb:UpdateItem"]);
    /// Reading all items of one payment.
    pub const QUERY: Action<Table> = Action::new(&["dynamodb:Query"]);
}

/// The stream of a table as something that access is granted to.
#[derive(Clone, Debug, Serialize)]
pub struct Stream;

impl Stream {
    /// Reading the stream's records.
    pub const READ: Action<Stream> = Action::new(&[
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
    ]);
}

impl Handle<Table> {
    /// The table's ARN.
    pub fn arn(&self) -> Output<TableArn> {
        self.output("tableArn")
    }
    /// The table's name.
    pub fn table_name(&self) -> Output<TableName> {
        self.output("tableName")
    }
    /// The ARN of the current stream.
    pub fn stream_arn(&self) -> Output<StreamArn> {
        self.output("streamArn")
    }
    /// The stream as something that access is granted to.
    pub fn stream(&self) -> Handle<Stream> {
        Handle::new(self.name().clone(), self.physical_name().to_owned())
    }
}

impl Grantable for Table {
    // The ARN follows from the name, so that a role need not wait for the table.
    fn grant_arn(handle: &Handle<Self>) -> Input<Text> {
        arn(
            "dynamodb",
            [format!("table/{}", handle.physical_name()).into()],
        )
    }
}

impl Grantable for Stream {
    fn grant_arn(handle: &Handle<Self>) -> Input<Text> {
        Input::from(handle.output::<StreamArn>("streamArn")).into_text()
    }
}
