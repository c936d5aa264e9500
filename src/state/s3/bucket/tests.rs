//! Making and looking at the bucket, on scripted answers of S3.

use super::*;
use crate::resources::scripted::{Reply, Script, reply, reply_error, reply_lost, scripted_sdk};
use serde_json::{Value, json};

const LOOK: &str = "GET /?tagging";
const CREATE: &str = "PUT /";
/// What makes a bucket ours to use, in this order.
const PROTECTION: [&str; 6] = [
    "PUT /?publicAccessBlock",
    "PUT /?ownershipControls",
    "PUT /?encryption",
    "PUT /?versioning",
    "PUT /?policy",
    "PUT /?lifecycle",
];

fn bucket(replies: impl IntoIterator<Item = Reply>) -> (Bucket, Script) {
    let (sdk, script) = scripted_sdk(replies);
    let account = Account {
        id: "123456789012".to_owned(),
        partition: "aws".to_owned(),
    };
    let reach = Reach {
        in_path: false,
        tls: true,
    };
    let bucket = Bucket::new(
        &sdk,
        "states",
        "eu-central-1",
        account,
        "payment-webhooks",
        reach,
    );
    (bucket, script)
}

fn done(call: &str) -> Reply {
    reply(call, 200, Value::Null)
}

fn tagged(stack: &str) -> Reply {
    let tag = json!({"Key": "payhook:stack", "Value": stack});
    reply(LOOK, 200, json!({"Tagging": {"TagSet": {"Tag": tag}}}))
}

fn absent() -> Reply {
    reply_error(
        LOOK,
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
    )
}

#[tokio::test]
async fn a_bucket_is_made_with_its_tags_and_protected_before_anything_is_kept_in_it() {
    let ours = tagged("payment-webhooks");
    let mut replies = vec![absent(), done(CREATE), ours.clone(), ours];
    replies.extend(PROTECTION.map(done));
    let (bucket, script) = bucket(replies);
    assert!(bucket.make().await.expect("made"));
    let mut calls = vec![LOOK, CREATE, LOOK, LOOK];
    calls.extend(PROTECTION);
    script.assert_calls(calls);
    let sent = |call: &str| script.body(call).as_str().unwrap_or_default().to_owned();
    let created = sent(CREATE);
    assert!(
        created.contains("<LocationConstraint>eu-central-1<"),
        "{created}"
    );
    assert!(
        created.contains("<Key>payhook:stack</Key><Value>payment-webhooks<"),
        "{created}"
    );
    let blocked = sent(PROTECTION[0]);
    for setting in [
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ] {
        assert!(blocked.contains(&format!("<{setting}>true<")), "{blocked}");
    }
    assert!(sent(PROTECTION[1]).contains("<ObjectOwnership>BucketOwnerEnforced<"));
    assert!(sent(PROTECTION[2]).contains("<SSEAlgorithm>AES256<"));
    assert!(sent(PROTECTION[3]).contains("<Status>Enabled<"));
    let policy = script.body(PROTECTION[4]);
    let statement = &policy["Statement"][0];
    assert_eq!(statement["Effect"], "Deny");
    assert_eq!(statement["Principal"], "*");
    assert_eq!(
        statement["Resource"],
        json!(["arn:aws:s3:::states", "arn:aws:s3:::states/*"])
    );
    assert_eq!(
        statement["Condition"],
        json!({"Bool": {"aws:SecureTransport": "false"}})
    );
    assert!(sent(PROTECTION[5]).contains("<NoncurrentDays>30<"));
}

#[tokio::test]
async fn a_bucket_that_stands_is_set_right_and_not_made_again() {
    let mut replies = vec![tagged("payment-webhooks")];
    replies.extend(PROTECTION.map(done));
    let (bucket, script) = bucket(replies);
    assert!(!bucket.make().await.expect("checked"));
    script.assert_calls([LOOK].into_iter().chain(PROTECTION));
}

#[tokio::test(start_paused = true)]
async fn a_new_bucket_that_other_calls_do_not_know_yet_is_waited_for_at_each_of_them() {
    let not_yet = |call: &str| reply_error(call, 404, "NoSuchBucket", "not yet");
    let under_way = |call: &str| {
        let words = "A conflicting conditional operation is currently in progress";
        reply_error(call, 409, "OperationAborted", words)
    };
    let ours = tagged("payment-webhooks");
    let mut replies = vec![
        absent(),
        under_way(CREATE),
        done(CREATE),
        absent(),
        ours.clone(),
        ours,
    ];
    for call in PROTECTION {
        replies.extend([not_yet(call), under_way(call), done(call)]);
    }
    let (bucket, script) = bucket(replies);
    assert!(bucket.make().await.expect("made"));
    assert_eq!(script.calls().len(), 6 + 3 * PROTECTION.len());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_stays_blocked_is_given_up_after_two_minutes() {
    let blocked = reply_error(CREATE, 409, "OperationAborted", "in progress");
    let replies = [absent()].into_iter().chain(vec![blocked; 100]);
    let (bucket, _) = bucket(replies);
    let start = Instant::now();
    let error = bucket.make().await.expect_err("blocked");
    assert!(error.to_string().contains("OperationAborted"), "{error}");
    assert!((120..130).contains(&start.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_look_survives_what_passes() {
    for passing in [
        reply_error(LOOK, 503, "SlowDown", "Reduce your request rate."),
        reply_error(
            LOOK,
            500,
            "InternalError",
            "We encountered an internal error.",
        ),
        reply_lost(LOOK),
    ] {
        let (bucket, script) = bucket([passing, tagged("payment-webhooks")]);
        bucket.guard().await.expect("ours");
        assert_eq!(script.calls().len(), 2);
    }
}

#[tokio::test]
async fn a_make_whose_answer_was_lost_goes_on_with_the_bucket_that_is_ours() {
    let ours = tagged("payment-webhooks");
    let again = reply_error(CREATE, 409, "BucketAlreadyOwnedByYou", "you own it");
    let mut replies = vec![absent(), again, ours.clone(), ours];
    replies.extend(PROTECTION.map(done));
    assert!(bucket(replies).0.make().await.expect("made"));
}

#[tokio::test]
async fn whatever_shows_that_a_bucket_cannot_be_used_says_which_it_is_and_why() {
    let refused = |status, code| reply_error(LOOK, status, code, "");
    for (answer, why) in [
        (absent(), "bucket `states` does not exist"),
        (tagged("other"), "its tags say stack `other`"),
        (refused(404, "NoSuchTagSet"), "no ownership tags"),
        (
            refused(403, "AccessDenied"),
            "another account than 123456789012",
        ),
        (
            refused(301, "PermanentRedirect"),
            "not in region eu-central-1",
        ),
        (
            refused(400, "AuthorizationHeaderMalformed"),
            "not in region eu-central-1",
        ),
        (refused(400, "ExpiredToken"), "ExpiredToken"),
    ] {
        let (bucket, script) = bucket([answer]);
        let error = bucket.guard().await.expect_err(why);
        assert!(error.to_string().contains(why), "{why}: {error}");
        assert_eq!(script.calls().len(), 1, "{why}");
    }
}

#[tokio::test]
async fn a_name_that_another_account_has_is_refused_and_nothing_is_set_on_it() {
    let taken = reply_error(CREATE, 409, "BucketAlreadyExists", "not available");
    let (bucket, script) = bucket([absent(), taken]);
    let error = bucket.make().await.expect_err("taken");
    assert!(matches!(error, BucketError::NotOurs { .. }), "{error}");
    script.assert_calls([LOOK, CREATE]);
}
