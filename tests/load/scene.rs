//! The deployed stack with every provider, and what can be done to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use payhook::config::Config;
use payments::secret::Secrets;
use payments::store::{DynamoStore, Processing, Search};
use serde_json::{Value, json};

use super::apis::{self, Apis};
use super::chance::Chance;
use super::clients::Clients;
use super::place::{Place, succeeded};
use super::plan::Sender;

/// Providers that are on beside those that always are.
const ON: [&str; 20] = [
    "adyen",
    "adyen_header",
    "authorize_net",
    "braintree",
    "checkout_com",
    "coinbase_commerce",
    "flutterwave",
    "flutterwave_v3",
    "gocardless",
    "klarna",
    "mercado_pago",
    "mollie",
    "paddle",
    "paystack",
    "plaid",
    "razorpay",
    "shopify",
    "square",
    "worldpay",
    "xendit",
];

/// How long what was sent may take until all of it is settled.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// An event that is tried again shows nothing for at most about this long.
const QUIET: Duration = Duration::from_secs(45);
/// Rounds of repair in a row, as an operator makes them, that may repair nothing.
const IN_VAIN: usize = 2;

pub struct Scene {
    pub place: Place,
    pub clients: Clients,
    pub outputs: BTreeMap<String, String>,
    pub senders: Vec<Sender>,
    pub apis: Apis,
}

/// What the audit said.
#[derive(Debug)]
pub struct Audited {
    pub figures: Value,
    pub faults: Vec<Value>,
}

impl Scene {
    pub async fn deploy() -> Self {
        let apis = Apis::start(7);
        let mut settings: Vec<(String, toml::Value)> = ON
            .iter()
            .map(|provider| (format!("providers.{provider}.enabled"), true.into()))
            .collect();
        for provider in apis::ASKED {
            let key = format!("providers.{provider}.confirm.base_url");
            settings.push((key, format!("{}/{provider}", apis.url).into()));
        }
        let url = "https://hooks.example.com/webhooks/square";
        settings.push(("providers.square.url".to_owned(), url.into()));
        // The machine is the limit.
        for key in ["throttling.rate_limit", "throttling.burst_limit"] {
            settings.push((key.to_owned(), 50_000.into()));
        }
        let settings: Vec<_> = settings
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()))
            .collect();
        let place = Place::new(&settings);
        succeeded(&place.payhook("deploy"));
        let outputs = fs::read(place.outputs_file()).expect("outputs");
        let outputs: BTreeMap<String, String> = serde_json::from_slice(&outputs).expect("JSON");
        let clients = Clients::emulated(&place.endpoint());
        let config = Config::load(&place.config_file(), Some("local"), None).expect("infra.toml");
        let secrets = secrets(&config, &apis);
        let put = clients
            .secrets()
            .put_secret_value()
            .secret_id(&outputs["secretName"]);
        put.secret_string(&secrets)
            .send()
            .await
            .expect("PutSecretValue");
        let secrets = Secrets::parse(&secrets).expect("secrets");
        Self {
            senders: Sender::all(&config, &secrets, &apis),
            place,
            clients,
            outputs,
            apis,
        }
    }

    /// Kills one process of a function, if one runs.
    pub fn kill_a_function(&self, chance: &mut Chance) -> bool {
        let Some(emulator) = self.emulator_pid() else {
            return false;
        };
        let functions = children(emulator);
        let Some(pid) = functions.get(chance.below(functions.len())) else {
            return false;
        };
        // SAFETY: kill takes two integers; the process is a child of our own emulator.
        unsafe { libc::kill(*pid, libc::SIGKILL) == 0 }
    }

    fn emulator_pid(&self) -> Option<i32> {
        let record = fs::read(self.file(".payhook/emulator/emulator.pid")).ok()?;
        let record: Value = serde_json::from_slice(&record).ok()?;
        record["pid"].as_i64()?.try_into().ok()
    }

    /// Stops the emulator as `local down` does, and starts it again.
    pub fn restart(&self) {
        let start = Instant::now();
        let down = succeeded(&self.place.payhook("local down --json"));
        assert!(down.contains(r#""killed":false"#), "{down}");
        let saved = start.elapsed().as_secs_f64();
        succeeded(&self.place.payhook("local up"));
        println!(
            "the emulator saved for {saved:.0} s and was back after {:.0} s",
            start.elapsed().as_secs_f64()
        );
    }

    fn store(&self) -> DynamoStore {
        DynamoStore::new(self.clients.dynamodb(), &self.outputs["paymentsTableName"])
    }

    /// Waits until nothing is left to process, and repairs what failed as an operator would.
    pub async fn settle(&self) {
        let (mut least, mut in_vain) = (usize::MAX, 0);
        while in_vain < IN_VAIN {
            let failed = self.left_once_quiet().await;
            if failed == 0 {
                return;
            }
            in_vain = if failed < least { 0 } else { in_vain + 1 };
            least = least.min(failed);
            println!("{failed} events failed or stuck are processed again");
            succeeded(&self.place.payhook("dlq redrive"));
            succeeded(&self.place.payhook("events replay --from 24h"));
        }
        panic!("repaired again and again, {least} events still fail");
    }

    async fn count(&self, processing: Processing) -> usize {
        let search = Search {
            processing: Some(processing),
            ..Search::default()
        };
        let found = self.store().scan(&search, u64::MAX).await.expect("Scan");
        found.events.len()
    }

    /// How many events came from a provider's list.
    pub async fn listed(&self) -> u64 {
        let found = self.store().scan(&Search::default(), u64::MAX).await;
        let events = found.expect("Scan").events;
        let listed = events.iter().filter(|event| event.told_by.is_some());
        listed.count() as u64
    }

    /// How many events are not settled, once that has not changed for a while.
    async fn left_once_quiet(&self) -> usize {
        let give_up = Instant::now() + PATIENCE;
        let (mut left, mut since) = (usize::MAX, Instant::now());
        while left > 0 && since.elapsed() < QUIET && Instant::now() < give_up {
            let asked = Instant::now();
            let now = self.count(Processing::Received).await + self.count(Processing::Failed).await;
            if now != left {
                (left, since) = (now, Instant::now());
            }
            // A large table is long to look through, and whoever looks all the time leaves the functions no turn.
            tokio::time::sleep(Duration::from_secs(3).max(asked.elapsed() * 5)).await;
        }
        left
    }

    /// A file beside infra.toml.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).expect("a file");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.config_file().with_file_name(name)
    }

    /// Compares everything, as an operator would.
    pub fn audit(&self) -> (Option<i32>, Audited) {
        let words = "events audit --sent sent.jsonl --outcomes outcomes.jsonl --deadline 0s --json";
        let output = self.place.payhook(words);
        let said = String::from_utf8(output.stdout).expect("text");
        let lines = said
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let (last, faults): (Vec<_>, Vec<_>) = lines.partition(|line| line["event"] == "audit");
        let last = last
            .first()
            .unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
        let audited = Audited {
            figures: last["figures"].clone(),
            faults,
        };
        (output.status.code(), audited)
    }
}

/// The processes of functions, which the emulator starts itself.
fn children(parent: i32) -> Vec<i32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_function = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let Some((front, rest)) = stat.rsplit_once(") ") else {
            return false;
        };
        let of_parent = rest.split(' ').nth(1) == Some(&parent.to_string());
        of_parent && front.contains("(bootstrap")
    };
    pids.filter(is_function).collect()
}

/// A signing secret of each provider in the form it issues, and keys for the APIs.
fn secrets(config: &Config, apis: &Apis) -> String {
    let mut all = serde_json::Map::new();
    for provider in config.providers.keys() {
        let signing = match provider.as_str() {
            "standard_webhooks" => json!("whsec_bG9hZCBvZiBzdGFuZGFyZCB3ZWJob29rcw=="),
            "braintree" => json!({"public_key": "load", "private_key": "of-braintree"}),
            "plaid" => apis.plaid().signing(),
            "worldpay" => json!({"1": "6c6f6164206f6620776f726c64706179"}),
            _ => json!("6c6f6164206f662065766572792073656e646572"),
        };
        all.insert(
            provider.clone(),
            json!({"signing": [signing], "api_key": apis::key(provider)}),
        );
    }
    Value::Object(all).to_string()
}
