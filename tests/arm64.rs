//! The functions as AWS gets them: built for arm64 by payhook, and run as arm64 code.
//!
//! Needs a toolchain for arm64 and qemu-aarch64-static; `.ci/arm64.sh` installs both and runs this.

mod arm64 {
    pub mod lambda_service;
}

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arm64::lambda_service::{LambdaService, Told};
use aws_lc_rs::hmac;
use payhook::artifact::{Artifact, Request, Target, build};
use payhook::config::{self, ArmTarget, Builder};
use serde_json::{Value, json};
use tokio::process::Command;

const SIGNING_SECRET: &str = "whsec_arm64";
const BODY: &str = r#"{"id":"evt_arm","object":"event","created":1700000000,"type":"payment_intent.succeeded","data":{"object":{"id":"pi_arm","object":"payment_intent","amount":1999,"amount_received":1999,"currency":"eur","status":"succeeded"}}}"#;

async fn for_lambda(workspace: &Path, out: &Path) -> Vec<Artifact> {
    let request = Request {
        workspace: workspace.into(),
        target: Target::Arm64(config::Artifact {
            builder: Builder::Auto,
            target: ArmTarget::Gnu,
            linker: None,
        }),
        out: out.into(),
    };
    let built = build(&request, &mut |progress| println!("{progress:?}")).await;
    built.unwrap_or_else(|error| panic!("{error}"))
}

/// Unpacks `bootstrap` as Lambda does.
fn bootstrap(artifact: &Artifact, folder: &Path) -> PathBuf {
    let mut zip = zip::ZipArchive::new(fs::File::open(&artifact.zip).unwrap()).unwrap();
    let mut code = Vec::new();
    let mut entry = zip.by_name("bootstrap").unwrap();
    entry.read_to_end(&mut code).unwrap();
    let path = folder.join("bootstrap");
    fs::write(&path, code).unwrap();
    let mode = entry.unix_mode().unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn webhook(body: &str, signed: &str) -> Value {
    let now = jiff::Timestamp::now().as_second();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SIGNING_SECRET.as_bytes());
    let signature = hex::encode(hmac::sign(&key, format!("{now}.{signed}").as_bytes()));
    json!({
        "resource": "/webhooks/{provider}",
        "path": "/webhooks/stripe",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json", "Stripe-Signature": format!("t={now},v1={signature}")},
        "pathParameters": {"provider": "stripe"},
        "requestContext": {"requestId": "r-1"},
        "body": body,
        "isBase64Encoded": false,
    })
}

async fn next(service: &mut LambdaService) -> Told {
    let told = tokio::time::timeout(Duration::from_secs(60), service.told.recv());
    told.await
        .expect("the function says something within a minute")
        .unwrap()
}

#[tokio::test]
#[ignore = "needs an arm64 toolchain and qemu; .ci/arm64.sh runs it"]
async fn the_arm64_validator_stores_a_signed_webhook_and_rejects_a_tampered_one() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
    let artifacts = for_lambda(workspace, &workspace.join(".payhook/artifacts")).await;
    for artifact in &artifacts {
        println!(
            "{}: {} bytes, {}",
            artifact.function, artifact.size, artifact.code_sha256
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let program = bootstrap(&artifacts[0], folder.path());
    let secret = json!({"stripe": {"signing": [SIGNING_SECRET]}}).to_string();
    let tampered = BODY.replace("1999", "1");
    let invocations = vec![webhook(BODY, BODY), webhook(&tampered, BODY)];
    let mut service = LambdaService::start(secret, invocations).await;

    let _function = Command::new("qemu-aarch64-static")
        .args(["-L", "/usr/aarch64-linux-gnu"])
        .arg(program)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", &service.address)
        .env("AWS_LAMBDA_FUNCTION_NAME", "webhook-validator-arm")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_ENDPOINT_URL", format!("http://{}", service.address))
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("TABLE_NAME", "payments-arm")
        .env("BODIES_BUCKET", "payment-bodies-arm")
        .env("BODIES_OWNER", "000000000000")
        .env("SECRET_ID", "payment-webhook/arm/providers")
        .env("PAYHOOK_ENV", "arm")
        .env("PAYHOOK_PROVIDERS", r#"{"stripe":{}}"#)
        .kill_on_drop(true)
        .spawn()
        .expect("qemu-aarch64-static is installed");

    let Told::Stored(put) = next(&mut service).await else {
        panic!("the event is stored before it is answered");
    };
    assert_eq!(put["TableName"], "payments-arm");
    assert_eq!(put["Item"]["paymentId"]["S"], "stripe:pi_arm");
    assert_eq!(put["Item"]["amountMinor"]["N"], "1999");
    let Told::Answered(stored) = next(&mut service).await else {
        panic!("the stored event is answered");
    };
    assert_eq!(stored["statusCode"], 200, "{stored}");
    let Told::Answered(rejected) = next(&mut service).await else {
        panic!("the tampered event is answered without being stored");
    };
    assert_eq!(rejected["statusCode"], 401, "{rejected}");
}

#[tokio::test]
#[ignore = "needs an arm64 toolchain; .ci/arm64.sh runs it"]
async fn two_clones_in_different_folders_give_the_same_bytes() {
    let mut built = Vec::new();
    for name in ["one", "another place with a longer name"] {
        let folder = tempfile::tempdir().unwrap();
        let clone = folder.path().join(name);
        sample(&clone);
        let first = for_lambda(&clone, &clone.join(".payhook")).await;
        assert_eq!(for_lambda(&clone, &clone.join(".payhook")).await, first);
        built.push(first);
    }
    let hashes = |of: &[Artifact]| of.iter().map(|a| a.code_sha256.clone()).collect::<Vec<_>>();
    assert_eq!(hashes(&built[0]), hashes(&built[1]));
}

/// Both functions as programs that carry paths of their sources, of a library's and of generated code.
fn sample(workspace: &Path) {
    let write = |name: &str, text: &str| {
        let path = workspace.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"shared\", \"webhook-validator\", \"payment-processor\"]\n",
    );
    write(
        "shared/Cargo.toml",
        "[package]\nname = \"shared\"\nedition = \"2024\"\n",
    );
    write(
        "shared/src/lib.rs",
        "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\npub fn here() -> &'static str { file!() }\n",
    );
    write(
        "shared/build.rs",
        "fn main() { let out = std::env::var(\"OUT_DIR\").unwrap(); \
         std::fs::write(out + \"/made.rs\", \"pub fn made(n: usize) { assert!(n < 9); }\").unwrap() }\n",
    );
    for name in payhook::artifact::FUNCTIONS {
        write(
            &format!("{name}/Cargo.toml"),
            &format!(
                "[package]\nname = \"{name}\"\nedition = \"2024\"\n[dependencies]\nshared = {{ path = \"../shared\" }}\n"
            ),
        );
        write(
            &format!("{name}/src/main.rs"),
            "fn main() { shared::made(std::env::args().count()); println!(\"{}\", shared::here()) }\n",
        );
    }
}
