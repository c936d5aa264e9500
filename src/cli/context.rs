//! What every verb stands on: configuration, folders, the connection to AWS, the lock, the clock.

use super::refusal::Refusal;
use super::{Global, Interrupt, Ui, local};
use crate::config::{Config, Endpoint, EnvName};
use crate::local::{Emulator, LocalSettings};
use crate::resources::{Aws, Given};
use crate::state::State;
use anyhow::Context as _;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use tokio::sync::OnceCell;

const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// One environment as a verb sees it.
pub struct Context {
    /// Where everything is said.
    pub ui: Ui,
    /// Whether the user wants to stop.
    pub interrupt: Interrupt,
    /// What infra.toml says about the environment.
    pub config: Config,
    /// The folder of infra.toml; `.payhook/` and `cfn-outputs/` are in it.
    pub root: PathBuf,
    /// The connection, once there is one.
    pub link: OnceCell<Link>,
}

/// What connecting once has brought to light.
pub struct Link {
    /// Region, credentials, endpoint.
    pub sdk: SdkConfig,
    /// The clients.
    pub aws: Aws,
    endpoint: Option<String>,
}

/// The clients, and where they lead.
pub struct Connection {
    /// The clients.
    pub aws: Aws,
    /// Where calls go when that is not AWS.
    pub emulator: Option<String>,
}

impl Context {
    /// Reads the configuration of the environment that the command line names.
    pub fn load(ui: &Ui, interrupt: &Interrupt, global: &Global) -> anyhow::Result<Self> {
        Self::load_env(ui, interrupt, &global.config, global.env.as_deref())
    }

    /// The same for the local environment, unless the command line names another.
    pub fn load_local(ui: &Ui, interrupt: &Interrupt, global: &Global) -> anyhow::Result<Self> {
        let env = global.env.as_deref().unwrap_or(EnvName::LOCAL);
        Self::load_env(ui, interrupt, &global.config, Some(env))
    }

    fn load_env(
        ui: &Ui,
        interrupt: &Interrupt,
        file: &Path,
        env: Option<&str>,
    ) -> anyhow::Result<Self> {
        let endpoint = std::env::var(ENDPOINT).ok();
        let config = Config::load(file, env, endpoint.as_deref())?;
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let root = std::path::absolute(folder.unwrap_or(Path::new(".")))
            .context("cannot find the folder of the configuration file")?;
        Ok(Self {
            ui: ui.clone(),
            interrupt: interrupt.clone(),
            config,
            root,
            link: OnceCell::new(),
        })
    }

    /// Name of the environment.
    pub fn env(&self) -> &str {
        self.config.env.as_str()
    }

    /// The emulator of this folder.
    pub fn emulator(&self) -> Emulator {
        let mut settings = LocalSettings::from_env(
            &self.root,
            self.config.local.port.get(),
            self.config.local.python.as_str(),
        );
        if let Endpoint::At(url) = &self.config.endpoint {
            settings.endpoint = Some(url.as_str().to_owned());
        }
        Emulator::new(settings)
    }

    /// Connects to where the environment lives, starting the emulator if it is the local one, and checks the account.
    pub async fn connect(&self) -> anyhow::Result<Connection> {
        let link = self.link().await?;
        Ok(Connection {
            aws: link.aws.clone(),
            emulator: link.endpoint.clone().filter(|_| link.aws.emulated),
        })
    }

    /// The same, and what only the state's backend needs of it; the second time nothing is asked.
    pub async fn link(&self) -> anyhow::Result<&Link> {
        self.link.get_or_try_init(|| self.make_link()).await
    }

    async fn make_link(&self) -> anyhow::Result<Link> {
        let endpoint = self.endpoint().await?;
        let emulated = endpoint.as_deref().is_some_and(|url| !is_aws(url));
        let sdk = self.sdk_config(endpoint.as_deref(), emulated).await;
        let aws = Aws::connect(&sdk, emulated).await?;
        self.guard_account(&aws.given)?;
        Ok(Link { sdk, aws, endpoint })
    }

    /// Where calls go: `None` is AWS itself.
    async fn endpoint(&self) -> anyhow::Result<Option<String>> {
        if self.config.endpoint == Endpoint::Aws {
            return Ok(None);
        }
        let up = self
            .emulator()
            .up(&|event| self.ui.note(local::of_event(&event)))
            .await?;
        self.ui.note(local::of_up(&up));
        Ok(Some(up.endpoint))
    }

    async fn sdk_config(&self, endpoint: Option<&str>, emulated: bool) -> SdkConfig {
        let region = Region::new(self.config.region.as_str().to_owned());
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(region);
        if let Some(url) = endpoint {
            loader = loader.endpoint_url(url);
        }
        // Real credentials are never sent to an emulator that payhook itself started.
        let own = self.config.endpoint == Endpoint::Emulator;
        let named = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"];
        let given = named.iter().any(|name| std::env::var_os(name).is_some());
        if own || emulated && !given {
            loader = loader
                .credentials_provider(Credentials::new("test", "test", None, None, "emulator"));
        }
        if endpoint.is_some_and(|url| url.starts_with("http://")) {
            // An emulator is on this machine or near it, where proxies and certificates have no part.
            loader = loader.http_client(aws_smithy_http_client::Builder::new().build_http());
        }
        loader.load().await
    }

    fn guard_account(&self, given: &Given) -> anyhow::Result<()> {
        match &self.config.account {
            Some(wanted) if wanted.as_str() != given.account => Err(Refusal::Account {
                env: self.env().to_owned(),
                wanted: wanted.as_str().to_owned(),
                found: given.account.clone(),
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// Refuses to work with a state that describes a stack somewhere else.
    pub fn guard_place(&self, state: &State, given: &Given) -> anyhow::Result<()> {
        match &state.given {
            Some(recorded) if recorded != given && !state.is_empty() => Err(Refusal::Elsewhere {
                env: self.env().to_owned(),
                recorded: recorded.clone(),
                found: given.clone(),
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// The flat outputs file.
    pub fn outputs_file(&self) -> PathBuf {
        self.root.join("cfn-outputs").join("flat-outputs.json")
    }

    /// Where the functions' zips are kept.
    pub fn artifacts(&self) -> PathBuf {
        self.root.join(".payhook").join("artifacts")
    }

    /// The time to the second.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

/// Whether an endpoint is one of AWS's own (a VPC endpoint, FIPS), not an emulator.
fn is_aws(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or(url);
    let host = host.split(['/', ':']).next().unwrap_or(host);
    [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"]
        .iter()
        .any(|suffix| host.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::is_aws;

    #[test]
    fn only_hosts_of_aws_count_as_aws() {
        for url in [
            "https://vpce-1.execute-api.eu-central-1.vpce.amazonaws.com",
            "https://dynamodb.eu-central-1.api.aws:443/x",
        ] {
            assert!(is_aws(url), "{url}");
        }
        for url in [
            "http://127.0.0.1:4566",
            "http://localhost.localstack.cloud:4566",
            "https://amazonaws.com.example.org",
            "http://127.0.0.1:4566/.amazonaws.com",
        ] {
            assert!(!is_aws(url), "{url}");
        }
    }
}
