//! The code of a version, fetched back from Lambda.

use crate::resources::{Aws, CloudError, During};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::time::Duration;

/// Time for the download of at most 50 MB.
const DOWNLOAD: Duration = Duration::from_secs(300);

/// The zip of a published version; `None` when Lambda no longer has it or it holds other code.
///
/// Lambda answers with an address that is valid for ten minutes and says by itself who may read, so the download is a
/// plain one.
pub async fn fetch(
    aws: &Aws,
    name: &str,
    version: &str,
    wanted: &str,
) -> Result<Option<Vec<u8>>, CloudError> {
    let call = aws.lambda.get_function().function_name(name);
    let found = call.qualifier(version).send().await;
    let Some(found) = found.or_absent("lambda:GetFunction")? else {
        return Ok(None);
    };
    let sha = found.configuration.and_then(|it| it.code_sha256);
    let (Some(address), true) = (
        found.code.and_then(|code| code.location),
        sha.as_deref() == Some(wanted),
    ) else {
        return Ok(None);
    };
    let zip = download(&address).await;
    Ok(zip.filter(|zip| BASE64_STANDARD.encode(digest(&SHA256, zip)) == wanted))
}

async fn download(address: &str) -> Option<Vec<u8>> {
    let client = reqwest::Client::builder().timeout(DOWNLOAD).build().ok()?;
    let answer = client.get(address).send().await.ok()?;
    let answer = answer.error_for_status().ok()?;
    Some(answer.bytes().await.ok()?.to_vec())
}
