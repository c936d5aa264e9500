mod changes;
mod emptying;

use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Class, Delete, Live, Observed, Put};
use proptest::prelude::*;
use serde_json::{Value, json};

const NAME: &str = "payment-bodies-dev-123456789012-eu-central-1";
const ARN: &str = "arn:aws:s3:::payment-bodies-dev-123456789012-eu-central-1";
const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/k-1";
const TAGS: &str = "GET /?tagging";

fn bucket() -> Bucket {
    Bucket {
        name: "payment-bodies-dev".to_owned(),
        key: Some(Input::known(KEY)),
        bucket_key: true,
        versioned: false,
        public_access_blocked: true,
        owner_enforced: true,
        tls_only: true,
        expiry_days: Some(400),
        old_versions_days: Some(1),
        unfinished_uploads_days: Some(1),
        unmanaged: Unmanaged::new(),
    }
}

fn known(bucket: Bucket) -> At<Bucket> {
    at("payment-bodies", bucket)
}

fn tag(name: &str, inner: impl std::fmt::Display) -> String {
    format!("<{name}>{inner}</{name}>")
}

/// An answer that is there, or S3's word for a configuration that is not.
fn found(query: &str, xml: Option<String>, absent: &str) -> Reply {
    let call = format!("GET /?{query}");
    match xml {
        Some(xml) => reply(&call, 200, Value::from(xml)),
        None => reply_error(&call, 404, absent, ""),
    }
}

fn tagging(at: &At<Bucket>) -> String {
    let one = |(k, v): (&String, &String)| tag("Tag", tag("Key", k) + &tag("Value", v));
    let all: String = at.tags.iter().map(one).collect();
    tag("Tagging", tag("TagSet", all))
}

fn encryption(bucket: &Bucket) -> String {
    let by_default = match &bucket.key {
        Some(key) => tag("SSEAlgorithm", "aws:kms") + &tag("KMSMasterKeyID", key.get().unwrap()),
        None => tag("SSEAlgorithm", "AES256"),
    };
    let by_default = tag("ApplyServerSideEncryptionByDefault", by_default);
    let rule = tag(
        "Rule",
        by_default + &tag("BucketKeyEnabled", bucket.bucket_key),
    );
    tag("ServerSideEncryptionConfiguration", rule)
}

fn lifecycle(bucket: &Bucket) -> Option<String> {
    let days = |outer: &str, inner: &str, days: Option<u32>| {
        days.map(|days| tag(outer, tag(inner, days)))
            .unwrap_or_default()
    };
    let ends = [
        days("Expiration", "Days", bucket.expiry_days),
        days(
            "NoncurrentVersionExpiration",
            "NoncurrentDays",
            bucket.old_versions_days,
        ),
        days(
            "AbortIncompleteMultipartUpload",
            "DaysAfterInitiation",
            bucket.unfinished_uploads_days,
        ),
    ]
    .concat();
    let rule = "<ID>bodies</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status>";
    (!ends.is_empty()).then(|| {
        tag(
            "LifecycleConfiguration",
            tag("Rule", rule.to_owned() + &ends),
        )
    })
}

const OWNER_ONLY: &str = "<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList><Grant>\
    <Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>me</ID></Grantee>\
    <Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>";

/// What S3 says of a bucket, call by call.
fn shown(at: &At<Bucket>) -> Vec<Reply> {
    let bucket = &at.properties;
    let block = [
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ]
    .map(|flag| tag(flag, true))
    .concat();
    let enforced = tag("Rule", tag("ObjectOwnership", "BucketOwnerEnforced"));
    let yes = |set: bool, xml: String| set.then_some(xml);
    let status = match bucket.versioned {
        true => tag("Status", "Enabled"),
        false => String::new(),
    };
    let policy = bucket.tls_only.then(|| policy::tls_only(ARN));
    vec![
        found("tagging", Some(tagging(at)), ""),
        found("encryption", Some(encryption(bucket)), ""),
        found(
            "versioning",
            Some(tag("VersioningConfiguration", status)),
            "",
        ),
        found(
            "publicAccessBlock",
            yes(
                bucket.public_access_blocked,
                tag("PublicAccessBlockConfiguration", block),
            ),
            "NoSuchPublicAccessBlockConfiguration",
        ),
        found(
            "ownershipControls",
            yes(bucket.owner_enforced, tag("OwnershipControls", enforced)),
            "OwnershipControlsNotFoundError",
        ),
        found("policy", policy, "NoSuchBucketPolicy"),
        found(
            "lifecycle",
            lifecycle(bucket),
            "NoSuchLifecycleConfiguration",
        ),
        found("website", None, "NoSuchWebsiteConfiguration"),
        found("cors", None, "NoSuchCORSConfiguration"),
        found("replication", None, "ReplicationConfigurationNotFoundError"),
        found("logging", Some("<BucketLoggingStatus/>".to_owned()), ""),
        found(
            "notification",
            Some("<NotificationConfiguration/>".to_owned()),
            "",
        ),
        found("acl", Some(OWNER_ONLY.to_owned()), ""),
    ]
}

async fn read(at: &At<Bucket>, replies: Vec<Reply>) -> Observed<Bucket> {
    let (aws, script) = scripted(replies);
    let observed = Bucket::read(&aws, at).await.unwrap().unwrap();
    assert_eq!(script.calls().len(), 13);
    observed
}

async fn read_back(bucket: Bucket) -> Observed<Bucket> {
    let at = known(bucket);
    read(&at, shown(&at)).await
}

fn any_bucket() -> impl Strategy<Value = Bucket> {
    let days = || prop::option::of(1u32..4_000);
    let flags = prop::array::uniform5(any::<bool>());
    (prop::option::of(Just(KEY)), flags, days(), days(), days()).prop_map(
        |(key, flags, expiry, old, unfinished)| Bucket {
            key: key.map(Input::known),
            bucket_key: flags[0],
            versioned: flags[1],
            public_access_blocked: flags[2],
            owner_enforced: flags[3],
            tls_only: flags[4],
            expiry_days: expiry,
            old_versions_days: old,
            unfinished_uploads_days: unfinished,
            ..bucket()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_read_gives_back_every_property_and_a_put_of_the_same_calls_nothing(bucket in any_bucket()) {
        run(async {
            let observed = read_back(bucket.clone()).await;
            assert_eq!(observed.properties, bucket);
            let (aws, script) = scripted([]);
            let done = Bucket::put(&aws, &known(bucket.clone()), Some(&observed)).await.unwrap();
            assert_eq!(done, Put::Done(observed.outputs));
            script.assert_calls([]);
        });
    }
}

#[test]
fn the_name_is_one_of_its_own_in_all_of_s3_and_fits_for_every_environment() {
    let (aws, _) = scripted([]);
    let predicted = bucket().predicted(&aws.given);
    assert_eq!(
        (
            predicted["bucketName"].as_str(),
            predicted["bucketArn"].as_str()
        ),
        (NAME, ARN)
    );
    let longest = Bucket {
        name: crate::stack::Names::of(&"e".repeat(20)).bodies,
        ..bucket()
    };
    let far = Given {
        region: "ap-southeast-1".to_owned(),
        ..aws.given
    };
    assert!(longest.bucket_name(&far).len() <= 63);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_reads_as_none_and_one_without_tags_as_nobodys() {
    let at = known(bucket());
    let absent = |reply: Reply| reply_error(reply.call(), 404, "NoSuchBucket", "");
    let (aws, _) = scripted(shown(&at).into_iter().map(absent));
    assert!(Bucket::read(&aws, &at).await.unwrap().is_none());

    let mut untagged = shown(&at);
    untagged[0] = reply_error(TAGS, 404, "NoSuchTagSet", "");
    assert_eq!(read(&at, untagged).await.tags, Some(Default::default()));
}

#[tokio::test]
async fn a_bucket_of_another_account_is_refused_with_its_name() {
    let at = known(bucket());
    let denied = |reply: Reply| reply_error(reply.call(), 403, "AccessDenied", "Access Denied");
    let (aws, _) = scripted(shown(&at).into_iter().map(denied));
    let error = Bucket::read(&aws, &at).await.unwrap_err();
    assert_eq!(error.class, Class::Denied);
    assert!(error.message.contains(NAME) && error.message.contains("another account"));
}

#[tokio::test]
async fn a_new_bucket_carries_its_tags_from_the_first_call_and_is_completed_by_the_next() {
    let at = known(bucket());
    let (aws, script) = scripted([reply("PUT /", 200, Value::Null)]);
    let put = Bucket::put(&aws, &at, None).await.unwrap();
    assert_eq!(put, Put::Waiting("bucket to be visible"));
    let sent = script.body("PUT /").as_str().unwrap().to_owned();
    assert!(
        sent.contains("<LocationConstraint>eu-central-1</LocationConstraint>"),
        "{sent}"
    );
    assert!(
        sent.contains("<Key>payhook:stack</Key><Value>payment-webhooks</Value>"),
        "{sent}"
    );

    // As S3 makes it: nothing public, no ACLs, a key of its own, and nothing else.
    let fresh = Bucket {
        key: None,
        bucket_key: false,
        tls_only: false,
        expiry_days: None,
        old_versions_days: None,
        unfinished_uploads_days: None,
        ..bucket()
    };
    let observed = read_back(fresh).await;
    let next = ["PUT /?encryption", "PUT /?policy", "PUT /?lifecycle"];
    let (aws, script) = scripted(next.map(|call| reply(call, 200, Value::Null)));
    let put = Bucket::put(&aws, &at, Some(&observed)).await.unwrap();
    assert!(matches!(put, Put::Done(outputs) if outputs["bucketName"] == NAME));
    script.assert_calls(next);
}

#[tokio::test]
async fn us_east_1_must_not_be_named() {
    let (mut aws, script) = scripted([reply("PUT /", 200, Value::Null)]);
    aws.given.region = "us-east-1".to_owned();
    Bucket::put(&aws, &known(bucket()), None).await.unwrap();
    let sent = script.body("PUT /").as_str().unwrap().to_owned();
    assert!(!sent.contains("LocationConstraint"), "{sent}");
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_goes_on_and_a_taken_name_says_so() {
    let create = |status, code| async move {
        let (aws, _) = scripted([reply_error("PUT /", status, code, "taken")]);
        Bucket::put(&aws, &known(bucket()), None).await
    };
    let again = create(409, "BucketAlreadyOwnedByYou").await.unwrap();
    assert_eq!(again, Put::Waiting("bucket to be visible"));
    let taken = create(409, "BucketAlreadyExists").await.unwrap_err();
    assert_eq!(taken.class, Class::Invalid, "waiting does not help");
    assert!(taken.message.contains(NAME) && taken.message.contains("another account"));
}

#[tokio::test]
async fn what_passes_by_itself_is_waited_for_by_name() {
    let waits = |code| waits_for::<Bucket>(code, "");
    assert_eq!(waits("NoSuchBucket"), Some("bucket to be visible"));
    assert_eq!(
        waits("OperationAborted"),
        Some("another change of the bucket to end")
    );
    for (code, status, class) in [
        ("SlowDown", 503, Class::Throttle),
        ("InternalError", 500, Class::Unavailable),
        ("TooManyBuckets", 400, Class::Quota),
    ] {
        let (aws, _) = scripted([reply_error("PUT /", status, code, "")]);
        let error = Bucket::put(&aws, &known(bucket()), None).await.unwrap_err();
        assert_eq!(error.class, class, "{code}");
        assert_eq!(waits(code), None);
    }
}
