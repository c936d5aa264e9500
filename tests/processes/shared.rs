//! The bucket of the states, and the way from one backend to the other.

use super::emulator::Stock;
use super::machine::{self, Machine};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use payhook::state::{Account, Bucket, Reach};

const BUCKET: &str = "payhook-state-000000000000-us-east-1";

fn s3(emulator: &Stock) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(&emulator.endpoint)
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

#[tokio::test]
async fn the_bucket_is_made_with_versions_encryption_tags_and_no_public_access() {
    let emulator = machine::emulator();
    let machine = Machine::new(&emulator.endpoint);
    let said = machine.payhook("state init").well("made");
    assert!(said.contains(&format!("Made bucket {BUCKET}")), "{said}");
    let said = machine.payhook("state init").well("checked");
    assert!(said.contains(&format!("Checked bucket {BUCKET}")), "{said}");
    let s3 = s3(&emulator);
    let versions = s3.get_bucket_versioning().bucket(BUCKET).send().await;
    let versions = versions.expect("versioning").status;
    assert_eq!(versions.expect("a status").as_str(), "Enabled");
    let block = s3.get_public_access_block().bucket(BUCKET).send().await;
    let block = block
        .expect("a block")
        .public_access_block_configuration
        .expect("a block");
    let blocked = [
        block.block_public_acls,
        block.block_public_policy,
        block.ignore_public_acls,
    ];
    assert_eq!(blocked, [Some(true); 3]);
    let encryption = s3.get_bucket_encryption().bucket(BUCKET).send().await;
    let encryption = encryption
        .expect("encryption")
        .server_side_encryption_configuration;
    assert_eq!(encryption.expect("encryption").rules.len(), 1);
    let tags = s3
        .get_bucket_tagging()
        .bucket(BUCKET)
        .send()
        .await
        .expect("tags")
        .tag_set;
    let stack = tags
        .iter()
        .find(|tag| tag.key == "payhook:stack")
        .expect("the stack");
    assert_eq!(stack.value, "payment-webhooks");
}

#[tokio::test]
async fn where_there_is_tls_nothing_else_is_let_in() {
    let emulator = machine::emulator();
    let sdk = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "test",
        )))
        .endpoint_url(&emulator.endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let account = Account {
        id: "000000000000".to_owned(),
        partition: "aws".to_owned(),
    };
    let reach = Reach {
        in_path: true,
        tls: true,
    };
    let bucket = Bucket::new(
        &sdk,
        "states-over-tls",
        "us-east-1",
        account,
        "payment-webhooks",
        reach,
    );
    assert!(bucket.make().await.expect("made"));
    let policy = s3(&emulator)
        .get_bucket_policy()
        .bucket("states-over-tls")
        .send()
        .await;
    let policy = policy.expect("a policy").policy.expect("a text");
    let policy: serde_json::Value = serde_json::from_str(&policy).expect("JSON");
    assert_eq!(policy["Statement"][0]["Sid"], "TlsOnly");
    assert_eq!(
        policy["Statement"][0]["Condition"]["Bool"]["aws:SecureTransport"],
        "false"
    );
}

#[tokio::test]
async fn a_bucket_that_is_not_payhooks_is_refused_and_left_alone() {
    let emulator = machine::emulator();
    let s3 = s3(&emulator);
    s3.create_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .expect("somebody's bucket");
    let machine = Machine::new(&emulator.endpoint);
    let refused = machine.payhook("state init");
    assert_eq!(refused.code, Some(3), "{}", refused.said);
    assert!(
        refused.said.contains("no ownership tags"),
        "{}",
        refused.said
    );
    machine.keeps_state_in("s3");
    let refused = machine.payhook("deploy");
    assert_eq!(refused.code, Some(3), "{}", refused.said);
    assert!(!refused.said.contains("Building"), "{}", refused.said);
    let left = s3
        .list_objects_v2()
        .bucket(BUCKET)
        .send()
        .await
        .expect("a list");
    assert_eq!(left.contents().len(), 0);
    let tags = s3.get_bucket_tagging().bucket(BUCKET).send().await;
    assert!(tags.is_err());
}

#[tokio::test]
async fn a_bucket_that_is_not_there_says_how_to_make_it() {
    let emulator = machine::emulator();
    let machine = Machine::new(&emulator.endpoint);
    machine.keeps_state_in("s3");
    for words in ["deploy", "state list", "preview"] {
        let failed = machine.payhook(words);
        assert_eq!(failed.code, Some(1), "{}", failed.said);
        assert!(
            failed.said.contains("payhook state init"),
            "{words}: {}",
            failed.said
        );
        // It is said before a minute is spent on building.
        assert!(!failed.said.contains("Building"), "{}", failed.said);
    }
}

#[tokio::test]
async fn a_state_moves_to_the_bucket_and_back_and_counts_in_one_place_at_a_time() {
    let emulator = machine::emulator();
    let machine = Machine::new(&emulator.endpoint);
    machine.payhook("deploy").well("deployed");
    let list = machine.payhook("state list --json").well("listed");
    machine.payhook("state init").well("a bucket");
    machine.keeps_state_in("s3");
    let early = machine.payhook("deploy");
    assert_eq!(early.code, Some(3), "{}", early.said);
    assert!(early.said.contains("state move --to s3"), "{}", early.said);
    machine.keeps_state_in("local");

    let moved = machine.payhook("state move --to s3").well("moved");
    assert!(moved.contains("set backend = \"s3\""), "{moved}");
    let late = machine.payhook("deploy");
    assert_eq!(late.code, Some(3), "{}", late.said);
    assert!(late.said.contains("was moved to s3"), "{}", late.said);
    machine.payhook("state move --to s3").well("moved already");
    machine.keeps_state_in("s3");
    assert_eq!(machine.payhook("state list --json").well("listed"), list);
    machine
        .payhook("preview --detailed-exitcode")
        .well("nothing to do");

    let elsewhere = Machine::new(&emulator.endpoint);
    elsewhere.keeps_state_in("s3");
    assert_eq!(elsewhere.payhook("state list --json").well("listed"), list);

    machine.payhook("state move --to local").well("moved back");
    let late = elsewhere.payhook("deploy");
    assert_eq!(late.code, Some(3), "{}", late.said);
    machine.keeps_state_in("local");
    assert_eq!(machine.payhook("state list --json").well("listed"), list);
    machine.payhook("destroy --yes").well("destroyed");
}
