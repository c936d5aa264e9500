//! A bucket is deleted only once nothing is left in it, and what is left is deleted page by page.

use super::*;

const UPLOADS: &str = "GET /?uploads";
const VERSIONS: &str = "GET /?versions";
const DELETE: &str = "POST /?delete";
const BUCKET: &str = "DELETE /";

fn uploads(inner: &str) -> Reply {
    reply(
        UPLOADS,
        200,
        Value::from(tag("ListMultipartUploadsResult", inner)),
    )
}

fn versions(truncated: bool, inner: &str) -> Reply {
    let xml = tag("IsTruncated", truncated) + inner;
    reply(VERSIONS, 200, Value::from(tag("ListVersionsResult", xml)))
}

fn deleted(inner: &str) -> Reply {
    reply(DELETE, 200, Value::from(tag("DeleteResult", inner)))
}

async fn delete(replies: Vec<Reply>) -> (Result<Delete, crate::resources::CloudError>, Script) {
    let observed = read_back(bucket()).await;
    let (aws, script) = scripted(replies);
    (
        Bucket::delete(&aws, &known(bucket()), &observed).await,
        script,
    )
}

#[tokio::test]
async fn an_empty_bucket_is_deleted_and_waited_for_until_it_is_gone() {
    let gone = || reply(BUCKET, 204, Value::Null);
    let (done, script) = delete(vec![uploads(""), versions(false, ""), gone()]).await;
    assert_eq!(done.unwrap(), Delete::Waiting("bucket to be gone"));
    script.assert_calls([UPLOADS, VERSIONS, BUCKET]);

    let absent = reply_error(BUCKET, 404, "NoSuchBucket", "");
    let (done, _) = delete(vec![uploads(""), versions(false, ""), absent]).await;
    assert_eq!(done.unwrap(), Delete::Gone);
}

#[tokio::test]
async fn every_version_marker_and_unfinished_upload_goes_page_by_page() {
    let page = "<Version><Key>stripe/a</Key><VersionId>v1</VersionId></Version>\
        <Version><Key>stripe/a</Key><VersionId>null</VersionId></Version>\
        <DeleteMarker><Key>stripe/b</Key><VersionId>v2</VersionId></DeleteMarker>";
    let last = "<Version><Key>stripe/c</Key><VersionId>null</VersionId></Version>";
    let upload = "<Upload><Key>stripe/d</Key><UploadId>u-1</UploadId></Upload>";
    let abort = "DELETE /stripe/d?x-id=AbortMultipartUpload&uploadId=u-1";
    let (done, script) = delete(vec![
        uploads(upload),
        reply(abort, 204, Value::Null),
        versions(true, page),
        deleted(""),
        versions(false, last),
        deleted(""),
        reply(BUCKET, 204, Value::Null),
    ])
    .await;
    assert_eq!(done.unwrap(), Delete::Waiting("bucket to be gone"));
    script.assert_calls([UPLOADS, abort, VERSIONS, DELETE, VERSIONS, DELETE, BUCKET]);
    let first = script.bodies(DELETE)[0].as_str().unwrap().to_owned();
    for part in [
        "<VersionId>v1<",
        "<VersionId>null<",
        "<VersionId>v2<",
        "<Quiet>true<",
    ] {
        assert!(first.contains(part), "{first}");
    }
}

#[tokio::test]
async fn a_bucket_that_fills_up_meanwhile_is_emptied_again() {
    let refused = reply_error(BUCKET, 409, "BucketNotEmpty", "not empty");
    let (done, _) = delete(vec![uploads(""), versions(false, ""), refused]).await;
    assert_eq!(done.unwrap(), Delete::Waiting("bucket to be empty"));
}

#[tokio::test]
async fn an_object_that_may_not_be_deleted_stops_with_s3s_reason_and_without_its_key() {
    let one = "<Version><Key>stripe/a</Key><VersionId>v1</VersionId></Version>";
    let refusal = |code| {
        format!("<Error><Key>stripe/a</Key><Code>{code}</Code><Message>no</Message></Error>")
    };
    let try_with = |code| {
        delete(vec![
            uploads(""),
            versions(false, one),
            deleted(&refusal(code)),
        ])
    };
    for (code, class) in [
        ("AccessDenied", Class::Denied),
        ("SlowDown", Class::Throttle),
        ("InternalError", Class::Unavailable),
    ] {
        let error = try_with(code).await.0.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (class, code));
        assert!(!error.to_string().contains("stripe/a"));
    }
    // Somebody else was faster.
    let gone = reply(BUCKET, 204, Value::Null);
    let replies = vec![
        uploads(""),
        versions(false, one),
        deleted(&refusal("NoSuchVersion")),
        gone,
    ];
    assert_eq!(
        delete(replies).await.0.unwrap(),
        Delete::Waiting("bucket to be gone")
    );
}
