//! Every change makes its own call, and what is set by hand is seen and taken back.

use super::*;

type Change = fn(&mut At<Bucket>);

#[tokio::test]
async fn each_change_makes_exactly_its_own_call_and_no_change_none() {
    let table: [(&[&str], Change); 13] = [
        (&[], |_| {}),
        (&["PUT /?encryption"], |at| at.properties.key = None),
        (&["PUT /?encryption"], |at| at.properties.bucket_key = false),
        (&["PUT /?versioning"], |at| at.properties.versioned = true),
        (&["PUT /?publicAccessBlock"], |at| {
            at.properties.public_access_blocked = false
        }),
        (&["PUT /?ownershipControls"], |at| {
            at.properties.owner_enforced = false
        }),
        (&["DELETE /?policy"], |at| at.properties.tls_only = false),
        (&["PUT /?lifecycle"], |at| at.properties.expiry_days = None),
        (&["PUT /?lifecycle"], |at| {
            at.properties.old_versions_days = Some(7)
        }),
        (&["PUT /?lifecycle"], |at| {
            at.properties.unfinished_uploads_days = Some(7)
        }),
        (&["DELETE /?lifecycle"], |at| {
            at.properties.expiry_days = None;
            at.properties.old_versions_days = None;
            at.properties.unfinished_uploads_days = None;
        }),
        (&["PUT /?tagging"], |at| {
            drop(at.tags.insert("a".to_owned(), "b".to_owned()))
        }),
        (&["PUT /?tagging"], |at| drop(at.tags.remove("team"))),
    ];
    let observed = read_back(bucket()).await;
    for (number, (calls, change)) in table.into_iter().enumerate() {
        let mut at = known(bucket());
        change(&mut at);
        let (aws, script) = scripted(calls.iter().map(|call| reply(call, 200, Value::Null)));
        let put = Bucket::put(&aws, &at, Some(&observed)).await.unwrap();
        assert_eq!(put, Put::Done(observed.outputs.clone()), "change {number}");
        script.assert_calls(calls.iter().copied());
    }
}

#[tokio::test]
async fn an_object_is_encrypted_with_the_key_of_the_stack_and_goes_after_its_days() {
    let fresh = Bucket {
        key: None,
        expiry_days: None,
        ..bucket()
    };
    let observed = read_back(fresh).await;
    let calls = ["PUT /?encryption", "PUT /?lifecycle"];
    let (aws, script) = scripted(calls.map(|call| reply(call, 200, Value::Null)));
    Bucket::put(&aws, &known(bucket()), Some(&observed))
        .await
        .unwrap();
    let sent = |call| script.body(call).as_str().unwrap().to_owned();
    let encryption = sent(calls[0]);
    for part in ["aws:kms", KEY, "<BucketKeyEnabled>true</BucketKeyEnabled>"] {
        assert!(encryption.contains(part), "{encryption}");
    }
    let lifecycle = sent(calls[1]);
    for part in [
        "<Expiration><Days>400</Days>",
        "<NoncurrentDays>1<",
        "<DaysAfterInitiation>1<",
    ] {
        assert!(lifecycle.contains(part), "{lifecycle}");
    }
}

/// A setting made by hand: the answer that shows it, its name, and the call that takes it back.
type ByHand = (&'static str, &'static str, &'static str, &'static str);

const BY_HAND: [ByHand; 8] = [
    (
        "website",
        "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>",
        "website",
        "DELETE /?website",
    ),
    (
        "cors",
        "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>",
        "cors",
        "DELETE /?cors",
    ),
    (
        "replication",
        "<ReplicationConfiguration><Role>r</Role><Rule><Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::x</Bucket></Destination></Rule></ReplicationConfiguration>",
        "replicatedTo",
        "DELETE /?replication",
    ),
    (
        "logging",
        "<BucketLoggingStatus><LoggingEnabled><TargetBucket>x</TargetBucket><TargetPrefix></TargetPrefix></LoggingEnabled></BucketLoggingStatus>",
        "accessLogBucket",
        "PUT /?logging",
    ),
    (
        "notification",
        "<NotificationConfiguration><QueueConfiguration><Queue>arn:aws:sqs:::q</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>",
        "notifications",
        "PUT /?notification",
    ),
    (
        "acl",
        "<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>",
        "acl",
        "PUT /?acl",
    ),
    (
        "encryption",
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms:dsse</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>",
        "sseAlgorithm",
        "PUT /?encryption",
    ),
    (
        "lifecycle",
        "<LifecycleConfiguration><Rule><ID>mine</ID><Filter/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
        "lifecycleRules",
        "PUT /?lifecycle",
    ),
];

#[tokio::test]
async fn what_is_switched_on_by_hand_is_seen_by_name_and_taken_back() {
    for (query, xml, name, call) in BY_HAND {
        let at = known(bucket());
        let mut replies = shown(&at);
        let query = format!("GET /?{query}");
        let place = replies
            .iter()
            .position(|reply| reply.call() == query)
            .unwrap();
        replies[place] = reply(&query, 200, Value::from(xml));
        let observed = read(&at, replies).await;
        let seen: Vec<_> = observed.properties.unmanaged.keys().collect();
        assert_eq!(seen, [name]);
        let (aws, script) = scripted([reply(call, 200, Value::Null)]);
        Bucket::put(&aws, &at, Some(&observed)).await.unwrap();
        script.assert_calls([call]);
    }
}

#[tokio::test]
async fn one_way_to_the_public_left_open_is_a_difference() {
    let at = known(bucket());
    let mut replies = shown(&at);
    let open = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
        <BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    replies[3] = reply("GET /?publicAccessBlock", 200, Value::from(open));
    assert!(!read(&at, replies).await.properties.public_access_blocked);
}

#[tokio::test]
async fn a_bucket_whose_versioning_was_suspended_keeps_no_versions() {
    let at = known(bucket());
    let mut replies = shown(&at);
    let suspended = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    replies[2] = reply("GET /?versioning", 200, Value::from(suspended));
    assert_eq!(read(&at, replies).await.properties, bucket());
}

#[tokio::test]
async fn a_rule_of_ours_that_was_changed_into_another_kind_of_rule_is_seen_as_not_ours() {
    let rules = [
        "<ID>bodies</ID><Filter/><Status>Disabled</Status><Expiration><Days>400</Days></Expiration>",
        "<ID>bodies</ID><Filter><Prefix>a/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>400</Days></Expiration>",
        "<ID>bodies</ID><Filter/><Status>Enabled</Status><Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>",
    ];
    for rule in rules {
        let at = known(bucket());
        let mut replies = shown(&at);
        let xml = tag("LifecycleConfiguration", tag("Rule", rule));
        replies[6] = reply("GET /?lifecycle", 200, Value::from(xml));
        let seen = read(&at, replies).await.properties;
        assert_eq!(
            seen.unmanaged["lifecycleRules"],
            json!(["bodies"]),
            "{rule}"
        );
        assert_eq!(seen.expiry_days, None);
    }
}
