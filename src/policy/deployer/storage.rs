//! What the deployer may do with whatever holds data.

use super::{Allow, Arns};
use crate::stack::Names;

/// What a bucket needs; S3 names some permissions otherwise than the calls.
const BUCKET: &[&str] = &[
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:DeleteBucketWebsite",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketLogging",
    "s3:GetBucketNotification",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:PutBucketAcl",
    "s3:PutBucketCORS",
    "s3:PutBucketLogging",
    "s3:PutBucketNotification",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
    "s3:TagResource",
];

/// Table, bucket, secret and queue.
pub(super) fn storage(arns: &Arns, names: &Names) -> Vec<Allow> {
    let table = arns.of("dynamodb", &format!("table/{}", names.table));
    let (account, region) = (&arns.account, &arns.region);
    let bucket = format!("arn:aws:s3:::{}-{account}-{region}", names.bodies);
    vec![
        Allow::new(
            "TheTable",
            &[
                "dynamodb:CreateTable",
                "dynamodb:DeleteTable",
                "dynamodb:DeleteResourcePolicy",
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:DescribeContributorInsights",
                "dynamodb:DescribeKinesisStreamingDestination",
                "dynamodb:DescribeTable",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:DisableKinesisStreamingDestination",
                "dynamodb:GetResourcePolicy",
                "dynamodb:ListTagsOfResource",
                "dynamodb:TagResource",
                "dynamodb:UntagResource",
                "dynamodb:UpdateContinuousBackups",
                "dynamodb:UpdateContributorInsights",
                "dynamodb:UpdateTable",
                "dynamodb:UpdateTimeToLive",
            ],
            vec![table.clone()],
        ),
        Allow::new(
            "TheStream",
            &[
                "dynamodb:DeleteResourcePolicy",
                "dynamodb:DescribeStream",
                "dynamodb:GetResourcePolicy",
            ],
            vec![format!("{table}/stream/*")],
        ),
        Allow::new("TheBucketOfBodies", BUCKET, vec![bucket.clone()]),
        Allow::new(
            "TheBodies",
            &[
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
            ],
            vec![format!("{bucket}/*")],
        ),
        Allow::new(
            "TheSecret",
            &[
                "secretsmanager:CancelRotateSecret",
                "secretsmanager:CreateSecret",
                "secretsmanager:DeleteResourcePolicy",
                "secretsmanager:DeleteSecret",
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetResourcePolicy",
                "secretsmanager:RemoveRegionsFromReplication",
                "secretsmanager:RestoreSecret",
                "secretsmanager:TagResource",
                "secretsmanager:UntagResource",
                "secretsmanager:UpdateSecret",
            ],
            // Secrets Manager puts a hyphen and six characters of its own behind the name.
            vec![arns.of("secretsmanager", &format!("secret:{}-??????", names.secret))],
        ),
        Allow::new(
            "TheQueue",
            &[
                "sqs:CreateQueue",
                "sqs:DeleteQueue",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ListQueueTags",
                "sqs:SetQueueAttributes",
                "sqs:TagQueue",
                "sqs:UntagQueue",
            ],
            vec![arns.of("sqs", &names.dead_letters)],
        ),
    ]
}
