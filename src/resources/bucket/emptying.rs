//! Emptying a bucket, so that it can be deleted.

use super::Bucket;
use super::calls::ask;
use crate::resources::{At, Aws, Class, CloudError, During};
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, Error as Refused, ObjectIdentifier};

/// Pages of 1,000 objects that one round deletes.
const PAGES: usize = 20;
const DELETE: &str = "s3:DeleteObjectVersion";

/// Deletes objects with all their versions, delete markers and unfinished uploads; whether nothing is left.
///
/// Safe to stop and repeat anywhere: each page is listed anew.
pub(super) async fn empty(aws: &Aws, at: &At<Bucket>) -> Result<bool, CloudError> {
    end_uploads(aws, at).await?;
    for _ in 0..PAGES {
        let page = ask!(aws, at, list_object_versions).send().await;
        let page = page.during("s3:ListBucketVersions")?;
        let objects = objects(&page).map_err(unbuilt)?;
        if !objects.is_empty() {
            delete(aws, at, objects).await?;
        }
        if page.is_truncated() != Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn objects(page: &ListObjectVersionsOutput) -> Result<Vec<ObjectIdentifier>, BuildError> {
    let versions = page.versions().iter();
    let versions = versions.map(|one| (one.key(), one.version_id()));
    let markers = page.delete_markers().iter();
    let markers = markers.map(|one| (one.key(), one.version_id()));
    versions
        .chain(markers)
        .map(|(key, version)| {
            let object = ObjectIdentifier::builder().key(key.unwrap_or_default());
            object.set_version_id(version.map(str::to_owned)).build()
        })
        .collect()
}

async fn delete(
    aws: &Aws,
    at: &At<Bucket>,
    objects: Vec<ObjectIdentifier>,
) -> Result<(), CloudError> {
    let objects = Delete::builder().set_objects(Some(objects)).quiet(true);
    let call = ask!(aws, at, delete_objects).delete(objects.build().map_err(unbuilt)?);
    // One call for many objects, each of which needs the permission to delete its version, or itself where it has none.
    const WITHOUT_VERSIONS: &str = "s3:DeleteObject";
    let answer = call.send().await.during(WITHOUT_VERSIONS)?;
    // The call succeeds although it may have deleted nothing.
    let refused = answer.errors().iter().find(|one| !is_gone(one));
    refused.map_or(Ok(()), |one| Err(refusal(one)))
}

fn is_gone(refused: &Refused) -> bool {
    matches!(refused.code(), Some("NoSuchKey" | "NoSuchVersion"))
}

fn refusal(refused: &Refused) -> CloudError {
    let code = refused.code().unwrap_or("Unknown");
    let class = match code {
        "AccessDenied" => Class::Denied,
        "SlowDown" => Class::Throttle,
        "InternalError" | "ServiceUnavailable" => Class::Unavailable,
        _ => Class::Invalid,
    };
    CloudError::new(DELETE, class, code, refused.message().unwrap_or_default())
}

async fn end_uploads(aws: &Aws, at: &At<Bucket>) -> Result<(), CloudError> {
    let uploads = ask!(aws, at, list_multipart_uploads).send().await;
    let uploads = uploads.during("s3:ListBucketMultipartUploads")?;
    for upload in uploads.uploads() {
        let call = ask!(aws, at, abort_multipart_upload)
            .set_key(upload.key.clone())
            .set_upload_id(upload.upload_id.clone());
        call.send().await.or_absent("s3:AbortMultipartUpload")?;
    }
    Ok(())
}

fn unbuilt(error: BuildError) -> CloudError {
    CloudError::new("s3", Class::Invalid, "not-sent", error.to_string())
}
