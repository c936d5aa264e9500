use super::*;
use crate::resources::scripted::*;
use crate::resources::{At, Delete, Live, Observed, Put, Tags};
use serde_json::json;

fn alias(key: &str) -> At<KeyAlias> {
    let name = "alias/payment-webhook-dev".to_owned();
    at(
        "key-alias",
        KeyAlias {
            name,
            key: Input::known(key),
        },
    )
}

fn points_at(key: &str) -> Reply {
    reply(
        "kms:DescribeKey",
        200,
        json!({"KeyMetadata": {"KeyId": key}}),
    )
}

fn key_tags(tags: &Tags) -> Reply {
    let tags = tag_list(tags, "TagKey", "TagValue");
    reply("kms:ListResourceTags", 200, json!({ "Tags": tags }))
}

fn of_key(resource: &str, env: &str) -> Tags {
    let mut tags = alias("k-1").tags;
    tags.insert("payhook:resource".to_owned(), resource.to_owned());
    tags.insert("payhook:env".to_owned(), env.to_owned());
    tags
}

async fn read(at: &At<KeyAlias>, replies: Vec<Reply>) -> (Observed<KeyAlias>, Script) {
    let (aws, script) = scripted(replies);
    (KeyAlias::read(&aws, at).await.unwrap().unwrap(), script)
}

#[tokio::test]
async fn an_alias_on_a_key_of_this_stack_is_ours_and_on_another_key_is_not() {
    let at = alias("k-1");
    let (ours, script) = read(&at, vec![points_at("k-1"), key_tags(&of_key("key", "dev"))]).await;
    assert_eq!(ours.properties, at.properties);
    assert_eq!(ours.tags.unwrap()["payhook:resource"], "key-alias");
    script.assert_calls(["kms:DescribeKey", "kms:ListResourceTags"]);

    let foreign = of_key("key", "prod");
    let replies = vec![key_tags(&Tags::new()), points_at("k-2"), key_tags(&foreign)];
    let (theirs, _) = read(&at, replies).await;
    assert_eq!(theirs.properties.key.get().unwrap(), "k-2");
    assert_eq!(theirs.tags.unwrap(), foreign);

    let replies = vec![
        key_tags(&Tags::new()),
        points_at("k-2"),
        key_tags(&Tags::new()),
    ];
    assert_eq!(read(&at, replies).await.0.tags.unwrap(), Tags::new());
}

#[tokio::test]
async fn an_alias_is_created_repointed_kept_and_deleted() {
    let (aws, script) = scripted([
        reply("kms:CreateAlias", 200, json!({})),
        reply("kms:UpdateAlias", 200, json!({})),
        reply("kms:DeleteAlias", 200, json!({})),
        reply_error("kms:DeleteAlias", 400, "NotFoundException", "no alias"),
    ]);
    let at = alias("arn:aws:kms:eu-central-1:123456789012:key/k-1");
    KeyAlias::put(&aws, &at, None).await.unwrap();
    assert_eq!(script.body("kms:CreateAlias")["TargetKeyId"], "k-1");

    let seen = |key: &str| Observed::settled(alias(key).properties, Outputs::new(), None);
    let done = KeyAlias::put(&aws, &at, Some(&seen("k-1"))).await.unwrap();
    let arn = "arn:aws:kms:eu-central-1:123456789012:alias/payment-webhook-dev";
    assert_eq!(
        done,
        Put::Done([("aliasArn".to_owned(), arn.to_owned())].into())
    );
    KeyAlias::put(&aws, &at, Some(&seen("k-0"))).await.unwrap();
    assert_eq!(script.body("kms:UpdateAlias")["TargetKeyId"], "k-1");
    for _ in 0..2 {
        let gone = KeyAlias::delete(&aws, &at, &seen("k-1")).await.unwrap();
        assert_eq!(gone, Delete::Gone);
    }
    let delete = "kms:DeleteAlias";
    script.assert_calls(["kms:CreateAlias", "kms:UpdateAlias", delete, delete]);
}

#[tokio::test]
async fn an_alias_that_does_not_exist_reads_as_none() {
    let (aws, _) = scripted([
        reply_error("kms:DescribeKey", 400, "NotFoundException", "no alias"),
        key_tags(&Tags::new()),
    ]);
    assert!(KeyAlias::read(&aws, &alias("k-1")).await.unwrap().is_none());
}

#[test]
fn a_key_that_aliases_do_not_see_yet_is_waited_for() {
    let name = waits_for::<KeyAlias>("NotFoundException", "Key is not found");
    assert_eq!(name, Some("key to be visible to aliases"));
    assert_eq!(waits_for::<KeyAlias>("AlreadyExistsException", ""), None);
}
