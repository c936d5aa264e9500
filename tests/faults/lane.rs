//! One emulator, one proxy and one folder with its own infra.toml: what a series of trials runs on.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};

use crate::clients::Clients;
use crate::emulator::Stock;
use crate::inventory::inventory;
use crate::proxy::{At, Fault, Proxy};

const SHIPPED: &str = include_str!("../../infra.toml");

/// What a change changes in infra.toml: updates in place, a new API deployment, and resources no longer declared.
const CHANGES: &str = r#"
[env.local.tags]
team = "payments"
[env.local.lambda.webhook_validator]
memory_mb = 512
reserved_concurrency = 5
[env.local.logs]
retention_days = 30
[env.local.throttling]
rate_limit = 60
[env.local.retry]
interval_seconds = 1
[env.local.pipe]
batch_size = 5
[env.local.table]
deletion_protection = true
[env.local.dashboard]
enabled = false
[env.local.providers.stripe]
tolerance_seconds = 600
[env.local.providers.paddle]
[env.local.events]
bus = "arn:aws:events:us-east-1:000000000000:event-bus/settlements"
"#;

/// How a run of payhook ended.
pub struct Ended {
    /// `None` when it was killed.
    pub code: Option<i32>,
    pub said: String,
}

impl Ended {
    pub fn well(&self, what: &str) {
        assert_eq!(self.code, Some(0), "{what}:\n{}", self.said);
    }
}

pub struct Lane {
    pub proxy: Proxy,
    clients: Clients,
    emulator: Stock,
    folder: tempfile::TempDir,
}

impl Lane {
    pub fn start() -> Self {
        let emulator = Stock::start();
        let lane = Self {
            proxy: Proxy::before(&emulator.endpoint),
            clients: Clients::emulated(&emulator.endpoint),
            emulator,
            folder: tempfile::tempdir().expect("a folder"),
        };
        lane.write_cargo();
        lane
    }

    /// An account with nothing in it, and a folder as just cloned.
    pub async fn begin(&self) {
        self.emulator.empty().await;
        for made in [".payhook", "cfn-outputs"] {
            let _ = fs::remove_dir_all(self.path(made));
        }
        self.first_version();
    }

    /// The first version of the user's code and settings.
    pub fn first_version(&self) {
        self.write("infra.toml", SHIPPED);
        self.write("program", "#!/bin/sh\n# first\n");
    }

    /// The next version of the user's code and settings, and a stream that somebody made anew.
    pub async fn change(&self) {
        self.write("program", "#!/bin/sh\n# second\n");
        let changed = SHIPPED.replace("[env.local]\n", &format!("{CHANGES}\n[env.local]\n"));
        self.write("infra.toml", &changed);
        let dynamodb = self.clients.dynamodb();
        for enabled in [false, true] {
            let stream = StreamSpecification::builder().stream_enabled(enabled);
            let stream = match enabled {
                true => stream.stream_view_type(StreamViewType::NewAndOldImages),
                false => stream,
            };
            let update = dynamodb
                .update_table()
                .table_name("payments-local")
                .stream_specification(stream.build().expect("a stream"));
            update.send().await.expect("UpdateTable");
        }
    }

    /// Runs payhook for the local environment; nobody answers questions.
    pub fn payhook(&self, words: &str, fault: Option<(At, Fault)>) -> Ended {
        self.proxy.prepare(fault);
        let mut command = Command::new(env!("CARGO_BIN_EXE_payhook"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        let child = command
            .args(words.split(' '))
            .args(["--env", "local"])
            .current_dir(self.folder.path())
            .env("CARGO", self.path("cargo"))
            .env("AWS_ENDPOINT_URL", &self.proxy.url)
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("payhook starts");
        self.proxy.belongs_to(child.id());
        let output = child.wait_with_output().expect("payhook ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended {
            code: output.status.code(),
            said: format!("{}{}", text(&output.stdout), text(&output.stderr)),
        }
    }

    /// Everything the account holds.
    pub async fn inventory(&self) -> Vec<String> {
        inventory(&self.clients).await
    }

    /// flat-outputs.json without what AWS makes up anew each time; checked to lead to what is there.
    pub async fn outputs(&self) -> BTreeMap<String, String> {
        let file = self.path("cfn-outputs/flat-outputs.json");
        let text = fs::read(&file).expect("flat-outputs.json");
        let mut outputs: BTreeMap<String, String> =
            serde_json::from_slice(&text).expect("a flat object of texts");
        let api = outputs["apiId"].clone();
        let found = self.clients.apigateway().get_rest_api().rest_api_id(&api);
        found.send().await.expect("the API of the outputs");
        let key = outputs["kmsKeyId"].clone();
        let found = self.clients.kms().describe_key().key_id(&key);
        let found = found.send().await.expect("the key of the outputs");
        assert!(found.key_metadata.is_some_and(|key| key.enabled));
        for value in outputs.values_mut() {
            *value = value.replace(&api, "API").replace(&key, "KEY");
            *value = value.replace(&self.proxy.url, "ENDPOINT");
        }
        outputs
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect(name);
    }

    /// Stands for cargo: both functions are one small program that is built already.
    fn write_cargo(&self) {
        let built = |function: &str| {
            let program = self.path("program");
            let message = serde_json::json!({
                "reason": "compiler-artifact", "target": {"name": function}, "executable": program,
            });
            format!("echo '{message}'\n")
        };
        let script = format!(
            "#!/bin/sh\n{}{}",
            built("webhook-validator"),
            built("payment-processor")
        );
        self.write("cargo", &script);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path("cargo"), executable).expect("its permissions");
    }
}
