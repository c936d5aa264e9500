//! Services whose operations are a method and a path.

use percent_encoding::percent_decode_str;

use super::{Body, Need, REGION, arn, need, pairs, passed, with_the_key};
use crate::request::Request;

/// Method, path and query of a request.
struct Asked {
    method: String,
    path: String,
    query: Vec<(String, String)>,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let mut words = request.start.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path: percent_decode_str(path).decode_utf8_lossy().into_owned(),
            query: pairs(query),
        }
    }

    fn asks_for(&self, name: &str) -> bool {
        self.query.iter().any(|(known, _)| known == name)
    }
}

pub(super) fn lambda(request: &Request, body: &Body) -> Vec<Need> {
    let asked = Asked::of(request);
    let (method, path) = (asked.method.as_str(), asked.path.as_str());
    let parts: Vec<&str> = path.trim_matches('/').splitn(2, '/').collect();
    let rest = parts.get(1).copied().unwrap_or_default();
    if rest.starts_with("account-settings") {
        return vec![need("lambda:GetAccountSettings", "*")];
    }
    if let Some(resource) = rest.strip_prefix("tags/") {
        let action = match method {
            "POST" => "lambda:TagResource",
            "DELETE" => "lambda:UntagResource",
            _ => "lambda:ListTags",
        };
        return vec![need(action, resource)];
    }
    let rest = rest
        .strip_prefix("functions")
        .expect("functions")
        .trim_start_matches('/');
    let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let named = body.text("FunctionName");
    let name = if name.is_empty() {
        named.as_deref().unwrap_or_default()
    } else {
        name
    };
    let function = match name.starts_with("arn:") {
        true => name.to_owned(),
        false => arn("lambda", &format!("function:{name}")),
    };
    let first = rest.split('/').next().unwrap_or_default();
    let below = rest.contains('/');
    let action = match (method, first, below) {
        ("POST", "", _) => "CreateFunction",
        ("GET", "", _) => "GetFunction",
        ("DELETE", "", _) => "DeleteFunction",
        ("PUT", "code", _) => "UpdateFunctionCode",
        ("PUT", "configuration", _) => "UpdateFunctionConfiguration",
        ("GET", "configuration", _) => "GetFunctionConfiguration",
        ("POST", "versions", _) => "PublishVersion",
        ("GET", "versions", _) => "ListVersionsByFunction",
        ("POST", "aliases", _) => "CreateAlias",
        ("GET", "aliases", true) => "GetAlias",
        ("PUT", "aliases", true) => "UpdateAlias",
        ("DELETE", "aliases", true) => "DeleteAlias",
        ("GET", "policy", _) => "GetPolicy",
        ("POST", "policy", _) => "AddPermission",
        ("DELETE", "policy", true) => "RemovePermission",
        ("GET", "concurrency", _) => "GetFunctionConcurrency",
        ("PUT", "concurrency", _) => "PutFunctionConcurrency",
        ("DELETE", "concurrency", _) => "DeleteFunctionConcurrency",
        ("GET", "event-invoke-config", true) => "ListFunctionEventInvokeConfigs",
        ("DELETE", "event-invoke-config", _) => "DeleteFunctionEventInvokeConfig",
        ("GET", "urls", _) => "ListFunctionUrlConfigs",
        ("DELETE", "url", _) => "DeleteFunctionUrlConfig",
        ("GET", "provisioned-concurrency", _) => "GetProvisionedConcurrencyConfig",
        ("DELETE", "provisioned-concurrency", _) => "DeleteProvisionedConcurrencyConfig",
        other => panic!("nobody knows what Lambda needs for {other:?}"),
    };
    let mut needs = vec![need(format!("lambda:{action}"), function)];
    if ["CreateFunction", "UpdateFunctionConfiguration"].contains(&action) {
        needs.extend(passed(body.text("Role"), "lambda.amazonaws.com"));
        needs.extend(with_the_key(
            body.text("KMSKeyArn"),
            &["CreateGrant", "Encrypt"],
        ));
    }
    needs
}

/// API Gateway's actions are its methods.
pub(super) fn api(request: &Request, body: &Body) -> Vec<Need> {
    let asked = Asked::of(request);
    let path = format!("arn:aws:apigateway:{REGION}::{}", asked.path);
    let mut needs = vec![need(format!("apigateway:{}", asked.method), path)];
    let patches = body.0["patchOperations"].as_array();
    for patch in patches.into_iter().flatten() {
        if patch["path"] == "/cloudwatchRoleArn" {
            let role = patch["value"].as_str().filter(|role| !role.is_empty());
            needs.extend(passed(role.map(str::to_owned), "apigateway.amazonaws.com"));
        }
    }
    needs
}

pub(super) fn pipe(request: &Request, body: &Body) -> Vec<Need> {
    let asked = Asked::of(request);
    if let Some(resource) = asked.path.strip_prefix("/tags/") {
        let action = match asked.method.as_str() {
            "POST" => "pipes:TagResource",
            "DELETE" => "pipes:UntagResource",
            _ => "pipes:ListTagsForResource",
        };
        return vec![need(action, resource)];
    }
    let name = asked.path.strip_prefix("/v1/pipes/").expect("a pipe");
    let (name, verb) = name.split_once('/').unwrap_or((name, ""));
    let action = match (asked.method.as_str(), verb) {
        ("POST", "") => "CreatePipe",
        ("GET", "") => "DescribePipe",
        ("PUT", "") => "UpdatePipe",
        ("DELETE", "") => "DeletePipe",
        ("POST", "start") => "StartPipe",
        ("POST", "stop") => "StopPipe",
        other => panic!("nobody knows what Pipes needs for {other:?}"),
    };
    let mut needs = vec![need(
        format!("pipes:{action}"),
        arn("pipes", &format!("pipe/{name}")),
    )];
    needs.extend(passed(body.text("RoleArn"), "pipes.amazonaws.com"));
    needs
}

/// What is asked for of a bucket, and the permission to read it, to set it and to take it away.
const OF_A_BUCKET: [(&str, [&str; 3]); 13] = [
    ("acl", ["GetBucketAcl", "PutBucketAcl", ""]),
    ("cors", ["GetBucketCORS", "PutBucketCORS", "PutBucketCORS"]),
    (
        "encryption",
        [
            "GetEncryptionConfiguration",
            "PutEncryptionConfiguration",
            "PutEncryptionConfiguration",
        ],
    ),
    (
        "lifecycle",
        [
            "GetLifecycleConfiguration",
            "PutLifecycleConfiguration",
            "PutLifecycleConfiguration",
        ],
    ),
    ("logging", ["GetBucketLogging", "PutBucketLogging", ""]),
    (
        "notification",
        ["GetBucketNotification", "PutBucketNotification", ""],
    ),
    (
        "ownershipControls",
        [
            "GetBucketOwnershipControls",
            "PutBucketOwnershipControls",
            "PutBucketOwnershipControls",
        ],
    ),
    (
        "policy",
        ["GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"],
    ),
    (
        "publicAccessBlock",
        [
            "GetBucketPublicAccessBlock",
            "PutBucketPublicAccessBlock",
            "PutBucketPublicAccessBlock",
        ],
    ),
    (
        "replication",
        [
            "GetReplicationConfiguration",
            "PutReplicationConfiguration",
            "PutReplicationConfiguration",
        ],
    ),
    (
        "tagging",
        ["GetBucketTagging", "PutBucketTagging", "PutBucketTagging"],
    ),
    (
        "versioning",
        ["GetBucketVersioning", "PutBucketVersioning", ""],
    ),
    (
        "website",
        [
            "GetBucketWebsite",
            "PutBucketWebsite",
            "DeleteBucketWebsite",
        ],
    ),
];

pub(super) fn bucket(request: &Request) -> Vec<Need> {
    let asked = Asked::of(request);
    let path = asked.path.trim_start_matches('/');
    let (bucket, object) = path.split_once('/').unwrap_or((path, ""));
    let (own, within) = (
        format!("arn:aws:s3:::{bucket}"),
        format!("arn:aws:s3:::{bucket}/{object}"),
    );
    let of = |action: &str, resource: &str| vec![need(format!("s3:{action}"), resource)];
    let method = asked.method.as_str();
    if asked.asks_for("delete") {
        let versions = String::from_utf8_lossy(&request.body).contains("<VersionId>");
        let action = if versions {
            "DeleteObjectVersion"
        } else {
            "DeleteObject"
        };
        return of(action, &format!("{own}/any"));
    }
    if !object.is_empty() {
        return match method {
            "DELETE" if asked.asks_for("uploadId") => of("AbortMultipartUpload", &within),
            "DELETE" if asked.asks_for("versionId") => of("DeleteObjectVersion", &within),
            "DELETE" => of("DeleteObject", &within),
            "PUT" => of("PutObject", &within),
            _ => of("GetObject", &within),
        };
    }
    if let Some((_, actions)) = OF_A_BUCKET.iter().find(|(name, _)| asked.asks_for(name)) {
        let place = match method {
            "GET" => 0,
            "PUT" => 1,
            _ => 2,
        };
        return of(actions[place], &own);
    }
    match method {
        "GET" if asked.asks_for("versions") => of("ListBucketVersions", &own),
        "GET" if asked.asks_for("uploads") => of("ListBucketMultipartUploads", &own),
        "GET" if asked.asks_for("location") => of("GetBucketLocation", &own),
        "GET" | "HEAD" => of("ListBucket", &own),
        "DELETE" => of("DeleteBucket", &own),
        _ => {
            let mut needs = of("CreateBucket", &own);
            if String::from_utf8_lossy(&request.body).contains("<Tag>") {
                needs.extend(of("TagResource", &own));
            }
            needs
        }
    }
}
