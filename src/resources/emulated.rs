//! The life of each kind on the local emulator, from nothing to nothing again.
//!
//! These tests run only where `PAYHOOK_EMULATOR` holds the endpoint of a running emulator.

use super::scripted::scripted;
use super::{At, Aws, Condition, Delete, Live, Observed, Put};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use std::time::Duration;

const ROUNDS: usize = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// The emulator, where one is offered.
pub async fn emulator() -> Option<Aws> {
    let endpoint = std::env::var("PAYHOOK_EMULATOR").ok()?;
    let credentials = Credentials::new("test", "test", None, None, "emulator");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client())
        .endpoint_url(endpoint)
        .build();
    Some(
        Aws::connect(&config, true)
            .await
            .expect("the emulator answers"),
    )
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(aws_smithy_http_client::tls::Provider::Rustls(
            aws_smithy_http_client::tls::rustls_provider::CryptoMode::AwsLc,
        ))
        .build_https()
}

/// Puts until done, as the engine does, and returns what a read then shows.
pub async fn settle<R: Live>(aws: &Aws, at: &mut At<R>) -> Observed<R> {
    let mut observed = R::read(aws, at).await.unwrap();
    for _ in 0..ROUNDS {
        if matches!(&observed, Some(seen) if matches!(seen.condition, Condition::Settling(_))) {
            tokio::time::sleep(PAUSE).await;
        } else {
            match R::put(aws, at, observed.as_ref()).await.unwrap() {
                Put::Done(outputs) => {
                    at.outputs = outputs;
                    return R::read(aws, at).await.unwrap().expect("what was just put");
                }
                Put::Made(outputs) => at.outputs = outputs,
                Put::Waiting(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        observed = R::read(aws, at).await.unwrap();
    }
    panic!("{} does not settle", R::KIND);
}

/// Creates, reads, changes, finds without recorded outputs; every read shows what was wanted and costs no further call.
pub async fn live<R: Live>(aws: &Aws, at: &mut At<R>, change: impl FnOnce(&mut R)) {
    assert!(R::read(aws, at).await.unwrap().is_none(), "{}", R::KIND);
    let created = settle(aws, at).await;
    assert_as_wanted(aws, at, &created).await;
    change(&mut at.properties);
    at.tags.insert("team".to_owned(), "settlement".to_owned());
    let changed = settle(aws, at).await;
    assert_as_wanted(aws, at, &changed).await;

    let lost = At {
        outputs: Default::default(),
        ..at.clone()
    };
    let found = R::read(aws, &lost).await.unwrap().expect("without state");
    assert_eq!(found.outputs, changed.outputs, "{}", R::KIND);
}

async fn assert_as_wanted<R: Live>(aws: &Aws, at: &At<R>, observed: &Observed<R>) {
    let data = |properties: &R| serde_json::to_value(properties.clone().canonical()).unwrap();
    assert_eq!(data(&observed.properties), data(&at.properties));
    if R::TAGGED {
        assert_eq!(observed.tags.as_ref(), Some(&at.tags), "{}", R::KIND);
    }
    let (mut unreachable, _) = scripted([]);
    unreachable.given = aws.given.clone();
    let put = R::put(&unreachable, at, Some(observed)).await.unwrap();
    assert_eq!(put, Put::Done(observed.outputs.clone()), "{}", R::KIND);
}

/// Deletes until a read shows nothing.
pub async fn die<R: Live>(aws: &Aws, at: &At<R>) {
    for _ in 0..ROUNDS {
        let Some(observed) = R::read(aws, at).await.unwrap() else {
            return;
        };
        if let Delete::Waiting(_) = R::delete(aws, at, &observed).await.unwrap() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    panic!("{} does not go away", R::KIND);
}

#[cfg(test)]
mod tests {
    use super::super::Unmanaged;
    use super::super::bucket::Bucket;
    use super::super::key::{Key, ServiceUse};
    use super::super::key_alias::KeyAlias;
    use super::super::log_group::LogGroup;
    use super::super::policy::{Condition as When, Statement};
    use super::super::queue::Queue;
    use super::super::role::Role;
    use super::super::scripted::at;
    use super::super::secret::Secret;
    use super::super::topic::Topic;
    use super::*;
    use crate::graph::Input;

    fn key() -> Key {
        Key {
            description: "emulated".to_owned(),
            rotation: true,
            rotation_period_days: 365,
            services: vec![ServiceUse {
                sid: "Logs".to_owned(),
                principal: Input::known("logs.eu-central-1.amazonaws.com"),
                actions: vec!["kms:Encrypt".to_owned(), "kms:Decrypt".to_owned()],
                conditions: vec![When::new("StringEquals", "aws:SourceAccount", "1")],
            }],
            deletion_window_days: 7,
        }
    }

    fn role() -> Role {
        let when = When::new("StringEquals", "aws:SourceAccount", "1");
        let mut role = Role::assumed_by("emulated".to_owned(), "lambda.amazonaws.com", vec![when]);
        role.statements = vec![Statement {
            actions: vec!["b:Y".to_owned(), "a:X".to_owned()],
            resources: vec![Input::known("arn:aws:sqs:::x y")],
            conditions: vec![],
        }];
        role
    }

    #[tokio::test]
    async fn keys_roles_and_what_keys_encrypt_live_and_die_on_the_emulator() {
        let Some(aws) = emulator().await else {
            return;
        };
        let name = || "emulated".to_owned();
        let mut key_at = at("emulated-key", key());
        live(&aws, &mut key_at, |key| {
            key.description.push('2');
            key.rotation_period_days = 90;
            key.services.clear();
        })
        .await;
        let arn = || Input::known(key_at.outputs["keyArn"].clone());

        let mut alias = at(
            "emulated-alias",
            KeyAlias {
                name: "alias/emulated".to_owned(),
                key: Input::known(key_at.outputs["keyId"].clone()),
            },
        );
        live(&aws, &mut alias, |_| {}).await;
        let mut role = at("emulated-role", role());
        live(&aws, &mut role, |role| {
            role.description.push('2');
            role.trust.conditions.clear();
            role.statements[0].actions.pop();
        })
        .await;
        let mut secret = at(
            "emulated-secret",
            Secret {
                name: name(),
                description: name(),
                key: arn(),
                recovery_window_days: 7,
                unmanaged: Unmanaged::new(),
            },
        );
        live(&aws, &mut secret, |secret| secret.description.push('2')).await;
        let mut queue = at(
            "emulated-queue",
            Queue {
                name: name(),
                key: arn(),
                retention_seconds: 1_209_600,
                visibility_timeout_seconds: 60,
                unmanaged: Unmanaged::new(),
            },
        );
        live(&aws, &mut queue, |queue| queue.retention_seconds = 60).await;
        let mut bucket = at(
            "emulated-bucket",
            Bucket {
                name: name(),
                key: Some(arn()),
                bucket_key: true,
                versioned: false,
                public_access_blocked: true,
                owner_enforced: true,
                tls_only: true,
                expiry_days: Some(400),
                old_versions_days: Some(1),
                unfinished_uploads_days: Some(1),
                unmanaged: Unmanaged::new(),
            },
        );
        live(&aws, &mut bucket, |bucket| {
            bucket.expiry_days = None;
            bucket.bucket_key = false;
            bucket.versioned = true;
        })
        .await;
        let objects = bucket.outputs["bucketName"].clone();
        for _ in 0..2 {
            let object = aws.s3.put_object().bucket(&objects).key("one/body");
            object.body(vec![7; 10].into()).send().await.unwrap();
        }
        let mut topic = at(
            "emulated-topic",
            Topic {
                name: name(),
                key: arn(),
                email: None,
                unmanaged: Unmanaged::new(),
            },
        );
        live(&aws, &mut topic, |topic| {
            topic.email = Some("on-call@example.com".to_owned());
        })
        .await;
        let mut group = at(
            "emulated-logs",
            LogGroup {
                name: name(),
                retention_days: 30,
                key: arn(),
                unmanaged: Unmanaged::new(),
            },
        );
        live(&aws, &mut group, |group| group.retention_days = 7).await;

        die(&aws, &secret).await;
        let restored = settle(&aws, &mut secret).await;
        assert_as_wanted(&aws, &secret, &restored).await;
        secret.properties.recovery_window_days = 0;
        die(&aws, &secret).await;
        die(&aws, &group).await;
        die(&aws, &bucket).await;
        die(&aws, &topic).await;
        die(&aws, &queue).await;
        die(&aws, &role).await;
        die(&aws, &alias).await;
        die(&aws, &key_at).await;
    }
}
