//! The bucket for bodies of webhooks that do not fit an item of the table.

mod calls;
mod emptying;
mod policy;
mod settings;
mod shape;
#[cfg(test)]
mod tests;

use super::policy::{Action, Grantable};
use super::{Forced, Given, Of, Outputs, Poll, Resource, Schedule, Settle, Unmanaged};
use crate::graph::{
    BucketArn, BucketName, Declared, Handle, Input, KeyArn, Output, Part, Text, join,
};
use serde::{Deserialize, Serialize};

/// A general purpose S3 bucket.
///
/// The names of buckets are one list for all accounts and regions, so that no name of ours alone is sure to be free:
/// S3 knows the bucket as `{name}-{account}-{region}`, which is as deterministic and belongs to nobody else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// Name without account and region.
    pub name: String,
    /// The customer-managed key; `None` leaves objects under a key of S3's own.
    pub key: Option<Input<KeyArn>>,
    /// Whether one data key serves many objects, which spares nearly all calls to KMS.
    pub bucket_key: bool,
    /// Whether overwritten and deleted objects stay as versions.
    pub versioned: bool,
    /// Whether S3 refuses whatever would make anything public.
    pub public_access_blocked: bool,
    /// Whether ACLs are off and every object belongs to the bucket's account.
    pub owner_enforced: bool,
    /// Whether requests without TLS are refused.
    pub tls_only: bool,
    /// Days after which an object goes; `None` keeps it.
    pub expiry_days: Option<u32>,
    /// Days after which a version goes that a spell of versioning has left.
    pub old_versions_days: Option<u32>,
    /// Days after which an upload in parts goes that was never completed.
    pub unfinished_uploads_days: Option<u32>,
    /// What else was found set.
    #[serde(default)]
    pub unmanaged: Unmanaged,
}

impl Declared for Bucket {
    const KIND: &'static str = "s3-bucket";
    fn physical_name(&self) -> String {
        self.name.clone()
    }
}

impl Resource for Bucket {
    const FORCED: &'static [Forced] = &[Forced {
        property: "name",
        rule: "S3 cannot rename a bucket",
    }];
    const HOLDS: Option<&'static str> = Some("the bodies of webhooks that did not fit the table");
    const POLL: Poll = Poll::LONG;
    const SETTLE: &'static [Settle] = SETTLE;

    fn predicted(&self, given: &Given) -> Outputs {
        Outputs::from([
            ("bucketArn".to_owned(), self.arn(given)),
            ("bucketName".to_owned(), self.bucket_name(given)),
        ])
    }
}

/// S3 shows a new bucket late, and makes one change of a bucket at a time; facts: section 17.
const SETTLE: &[Settle] = &[
    Settle {
        name: "another change of the bucket to end",
        of: Of::Itself,
        codes: &["OperationAborted"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 180,
        otherwise: "something else keeps changing it, perhaps another tool",
        source: "AWS SDK, S3: OperationAborted; go-to-k/cdkd",
    },
    Settle {
        name: "bucket to be visible",
        of: Of::Itself,
        codes: &["NoSuchBucket"],
        messages: &[],
        schedule: Schedule::PROPAGATION,
        budget_seconds: 120,
        otherwise: "somebody has deleted the bucket",
        source: "terraform-provider-aws, internal/service/s3/bucket.go",
    },
];

impl Bucket {
    /// The name by which S3 knows it.
    pub fn bucket_name(&self, given: &Given) -> String {
        format!("{}-{}-{}", self.name, given.account, given.region)
    }

    /// ARNs of buckets name neither account nor region.
    fn arn(&self, given: &Given) -> String {
        format!("arn:{}:s3:::{}", given.partition, self.bucket_name(given))
    }
}

/// The objects of a bucket as something that access is granted to.
#[derive(Clone, Debug, Serialize)]
pub struct Objects;

impl Objects {
    /// Writing an object.
    pub const PUT: Action<Objects> = Action::new(&["s3:PutObject"]);
}

impl Handle<Bucket> {
    /// The bucket's ARN.
    pub fn arn(&self) -> Output<BucketArn> {
        self.output("bucketArn")
    }
    /// The name by which S3 knows the bucket.
    pub fn bucket_name(&self) -> Output<BucketName> {
        self.output("bucketName")
    }
    /// Its objects as something that access is granted to.
    pub fn objects(&self) -> Handle<Objects> {
        Handle::new(self.name().clone(), self.physical_name().to_owned())
    }
    /// The ARN, which follows from the name, so that a role need not wait for the bucket.
    pub fn expected_arn(&self) -> Input<Text> {
        join(arn_parts(self.physical_name()))
    }
}

impl Grantable for Objects {
    fn grant_arn(handle: &Handle<Self>) -> Input<Text> {
        let all: Part = "/*".into();
        join(arn_parts(handle.physical_name()).into_iter().chain([all]))
    }
}

fn arn_parts(name: &str) -> [Part; 6] {
    [
        "arn:".into(),
        Output::partition().into(),
        format!(":s3:::{name}-").into(),
        Output::account().into(),
        "-".into(),
        Output::region().into(),
    ]
}
