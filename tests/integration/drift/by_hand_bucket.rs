//! What somebody changes in the console of the bucket of bodies.

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, CorsConfiguration, CorsRule,
    ExpirationStatus, IndexDocument, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration, WebsiteConfiguration,
};

use super::super::clients::Clients;
use super::Changed;

const BUCKET: &str = "payment-bodies-local-000000000000-us-east-1";
const TLS_AND_EVERYBODY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
    "Action": "s3:GetObject", "Resource": "arn:aws:s3:::payment-bodies-local-000000000000-us-east-1/*"}]}"#;

/// Everything that a bucket's console pages change.
pub async fn bucket(clients: &Clients) -> Vec<Changed> {
    protection(clients).await;
    keeping(clients).await;
    ways_out(clients).await;
    vec![
        ("payment-bodies", "bucketKey"),
        ("payment-bodies", "expiryDays"),
        ("payment-bodies", "key"),
        ("payment-bodies", "oldVersionsDays"),
        ("payment-bodies", "ownerEnforced"),
        ("payment-bodies", "publicAccessBlocked"),
        ("payment-bodies", "tags.team"),
        ("payment-bodies", "tlsOnly"),
        ("payment-bodies", "unfinishedUploadsDays"),
        ("payment-bodies", "unmanaged.cors"),
        ("payment-bodies", "unmanaged.policyStatements"),
        ("payment-bodies", "unmanaged.website"),
        ("payment-bodies", "versioned"),
    ]
}

async fn protection(clients: &Clients) {
    let s3 = clients.s3();
    let open = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .build();
    let block = s3.put_public_access_block().bucket(BUCKET);
    let block = block.public_access_block_configuration(open);
    block.send().await.expect("PutPublicAccessBlock");
    let writer =
        OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerPreferred);
    let controls = OwnershipControls::builder().rules(writer.build().expect("a rule"));
    let own = s3.put_bucket_ownership_controls().bucket(BUCKET);
    let own = own.ownership_controls(controls.build().expect("controls"));
    own.send().await.expect("PutBucketOwnershipControls");
    let policy = s3.put_bucket_policy().bucket(BUCKET);
    let policy = policy.policy(TLS_AND_EVERYBODY);
    policy.send().await.expect("PutBucketPolicy");
    let plain =
        ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(plain.build().expect("a default"))
        .bucket_key_enabled(false);
    let encryption = ServerSideEncryptionConfiguration::builder().rules(rule.build());
    let encrypt = s3.put_bucket_encryption().bucket(BUCKET);
    let encrypt =
        encrypt.server_side_encryption_configuration(encryption.build().expect("encryption"));
    encrypt.send().await.expect("PutBucketEncryption");
}

async fn keeping(clients: &Clients) {
    let s3 = clients.s3();
    let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let version = s3.put_bucket_versioning().bucket(BUCKET);
    let version = version.versioning_configuration(versioning.build());
    version.send().await.expect("PutBucketVersioning");
    let rule = LifecycleRule::builder()
        .id("bodies")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .expiration(LifecycleExpiration::builder().days(7).build());
    let rules = BucketLifecycleConfiguration::builder().rules(rule.build().expect("a rule"));
    let keep = s3.put_bucket_lifecycle_configuration().bucket(BUCKET);
    let keep = keep.lifecycle_configuration(rules.build().expect("rules"));
    keep.send().await.expect("PutBucketLifecycleConfiguration");
    let tags = s3.get_bucket_tagging().bucket(BUCKET).send().await;
    let mut tags = tags.expect("GetBucketTagging").tag_set;
    tags.push(
        Tag::builder()
            .key("team")
            .value("mine")
            .build()
            .expect("a tag"),
    );
    let tagging = Tagging::builder().set_tag_set(Some(tags));
    let tag = s3.put_bucket_tagging().bucket(BUCKET);
    let tag = tag.tagging(tagging.build().expect("tags"));
    tag.send().await.expect("PutBucketTagging");
}

async fn ways_out(clients: &Clients) {
    let s3 = clients.s3();
    let index = IndexDocument::builder().suffix("index.html");
    let site = WebsiteConfiguration::builder().index_document(index.build().expect("an index"));
    let website = s3.put_bucket_website().bucket(BUCKET);
    let website = website.website_configuration(site.build());
    website.send().await.expect("PutBucketWebsite");
    let rule = CorsRule::builder()
        .allowed_methods("GET")
        .allowed_origins("*");
    let rules = CorsConfiguration::builder().cors_rules(rule.build().expect("a rule"));
    let cors = s3.put_bucket_cors().bucket(BUCKET);
    let cors = cors.cors_configuration(rules.build().expect("rules"));
    cors.send().await.expect("PutBucketCors");
}
