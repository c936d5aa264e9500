//! Up, down and status of the one emulator that belongs to a directory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::local::error::LocalError;
use crate::local::health::{self, Answer, Health};
use crate::local::launcher::{EMULATOR_VERSION, launcher_digest};
use crate::local::lock::{Exclusive, LOCK_LIMIT};
use crate::local::port::{PortHolder, holder};
use crate::local::process::PidRecord;
use crate::local::python::{Environment, check_given};
use crate::local::start::{self, Start};

const KILL_LIMIT: Duration = Duration::from_secs(5);
/// It saves some thousand events and executions a minute, and what it has not saved is lost for good.
const STOP_LIMIT: Duration = Duration::from_secs(900);
/// Whoever waits longer is told why.
const TELL_AFTER: Duration = Duration::from_secs(15);

/// Where the emulator lives and how it is reached.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    /// Directory for everything it keeps, `.payhook/emulator` of the working directory.
    pub dir: PathBuf,
    /// Port on 127.0.0.1.
    pub port: u16,
    /// Name or path of the Python that a private environment is made with.
    pub python: String,
    /// A Python that already has the emulator (PAYHOOK_EMULATOR_PYTHON): no private environment is made.
    pub ready_python: Option<PathBuf>,
    /// Endpoint to use instead of starting anything (AWS_ENDPOINT_URL).
    pub endpoint: Option<String>,
    /// How long `down` waits for the state to be saved before it kills.
    pub stop_limit: Duration,
}

impl LocalSettings {
    /// Settings for `.payhook/emulator` below `root`, with what the environment variables say.
    pub fn from_env(root: &Path, port: u16, python: &str) -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            dir: root.join(".payhook").join("emulator"),
            port,
            python: python.to_owned(),
            ready_python: set("PAYHOOK_EMULATOR_PYTHON").map(PathBuf::from),
            endpoint: set("AWS_ENDPOINT_URL"),
            stop_limit: STOP_LIMIT,
        }
    }
}

/// What takes time on the way up or down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalEvent {
    /// The private Python environment is being made; this needs the network and up to a minute.
    Installing { version: &'static str },
    /// The emulator process is starting.
    Starting { port: u16 },
    /// Another payhook is starting or stopping it.
    WaitingForOther { pid: Option<u32> },
    /// It is still saving what it holds.
    Saving { pid: u32 },
    /// It did not end in time after SIGTERM and is killed: what it did not save is lost.
    Killing { pid: u32 },
}

/// How the endpoint came to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// AWS_ENDPOINT_URL names it; nothing was started.
    Given,
    /// It already answered on the port.
    AlreadyRunning,
    /// Started now.
    Started { took: Duration },
}

/// A usable endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Up {
    pub endpoint: String,
    pub how: How,
    /// Version of the emulator, where it says so.
    pub version: Option<String>,
    /// Process, when payhook's launcher started it.
    pub pid: Option<u32>,
    /// Whether it is exactly the emulator this payhook would have started: pinned version, same gap fills.
    pub current: bool,
}

/// How `down` ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    NotRunning,
    Stopped {
        pid: u32,
        took: Duration,
        /// It had to be killed: state since the last clean stop is lost.
        killed: bool,
    },
}

/// What `status` finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// AWS_ENDPOINT_URL decides; whether something answers there.
    Given {
        endpoint: String,
        answers: bool,
    },
    /// An emulator answers on the port; `own` when it was started from this directory.
    Running {
        up: Up,
        own: bool,
    },
    /// The process of this directory runs, but does not answer on its port.
    Silent {
        pid: u32,
        port: u16,
        log: PathBuf,
    },
    /// Something else has the port.
    PortTaken {
        port: u16,
        holder: PortHolder,
    },
    Stopped,
}

/// The local AWS emulator of one directory.
pub struct Emulator {
    settings: LocalSettings,
}

/// Receives what happens while `up` and `down` wait.
pub type OnEvent<'a> = &'a (dyn Fn(LocalEvent) + Send + Sync);

impl Emulator {
    pub fn new(settings: LocalSettings) -> Self {
        Self { settings }
    }

    /// The file everything the emulator says goes to.
    pub fn log(&self) -> PathBuf {
        self.settings.dir.join("emulator.log")
    }

    /// Makes sure an endpoint answers: the given one, the one that runs, or one started now.
    pub async fn up(&self, on_event: OnEvent<'_>) -> Result<Up, LocalError> {
        if let Some(endpoint) = &self.settings.endpoint {
            return given(endpoint).await;
        }
        if let Some(up) = self.running().await? {
            return Ok(up);
        }
        let _exclusive = self.exclusive(on_event).await?;
        if let Some(up) = self.running().await? {
            return Ok(up);
        }
        match self.live_record()? {
            Some(record) => self.adopt(&record).await,
            None => self.start(on_event).await,
        }
    }

    /// Makes sure a Python with the pinned emulator is there, without starting anything, and returns it.
    pub async fn install(&self, on_event: OnEvent<'_>) -> Result<PathBuf, LocalError> {
        let _exclusive = self.exclusive(on_event).await?;
        self.python(on_event).await
    }

    /// Stops the emulator of this directory and waits until its state is saved.
    pub async fn down(&self, on_event: OnEvent<'_>) -> Result<Down, LocalError> {
        let _exclusive = self.exclusive(on_event).await?;
        let Some(record) = self.live_record()? else {
            return self.nothing_to_stop().await;
        };
        let began = Instant::now();
        record.terminate();
        let killed = !self.saves(&record, on_event).await;
        if killed {
            on_event(LocalEvent::Killing { pid: record.pid });
            record.kill();
            if !record.gone_within(KILL_LIMIT).await {
                return Err(LocalError::WillNotEnd {
                    pid: record.pid,
                    waited: KILL_LIMIT,
                });
            }
        }
        self.forget_record()?;
        Ok(Down::Stopped {
            pid: record.pid,
            took: began.elapsed(),
            killed,
        })
    }

    /// Waits until it has saved its state and ended; false when it takes too long.
    async fn saves(&self, record: &PidRecord, on_event: OnEvent<'_>) -> bool {
        let limit = self.settings.stop_limit;
        if record.gone_within(limit.min(TELL_AFTER)).await {
            return true;
        }
        if limit <= TELL_AFTER {
            return false;
        }
        on_event(LocalEvent::Saving { pid: record.pid });
        record.gone_within(limit - TELL_AFTER).await
    }

    /// Looks without changing anything.
    pub async fn status(&self) -> Result<Status, LocalError> {
        if let Some(endpoint) = &self.settings.endpoint {
            return Ok(Status::Given {
                endpoint: endpoint.clone(),
                answers: health::answers(endpoint).await.is_ok(),
            });
        }
        let record = self.read_record()?.filter(PidRecord::alive);
        let port = record.as_ref().map_or(self.settings.port, |own| own.port);
        Ok(match (health::ask(port).await, record) {
            (Answer::Emulator(health), record) => Status::Running {
                own: record.is_some_and(|own| started_by(&health) == Some(own.pid)),
                up: up(port, How::AlreadyRunning, health),
            },
            (_, Some(own)) => Status::Silent {
                pid: own.pid,
                port,
                log: self.log(),
            },
            (Answer::SomethingElse, None) => Status::PortTaken {
                port,
                holder: holder(port),
            },
            (Answer::Nobody, None) => Status::Stopped,
        })
    }

    async fn running(&self) -> Result<Option<Up>, LocalError> {
        let port = self.settings.port;
        match health::ask(port).await {
            Answer::Emulator(health) => Ok(Some(up(port, How::AlreadyRunning, health))),
            // So busy that it does not answer in time.
            Answer::SomethingElse if self.holds(port)? => Ok(None),
            Answer::SomethingElse => Err(LocalError::PortTaken {
                port,
                holder: holder(port),
            }),
            Answer::Nobody => Ok(None),
        }
    }

    /// Whether the emulator of this directory is what listens on a port.
    fn holds(&self, port: u16) -> Result<bool, LocalError> {
        Ok(self.live_record()?.is_some_and(|own| own.port == port))
    }

    /// Uses a process of this directory that runs but did not answer yet: its starter was interrupted, or it is busy.
    async fn adopt(&self, record: &PidRecord) -> Result<Up, LocalError> {
        if record.port != self.settings.port {
            return Err(LocalError::OnOtherPort {
                running: record.port,
                wanted: self.settings.port,
                pid: record.pid,
            });
        }
        let deadline = Instant::now() + start::READY_LIMIT;
        while Instant::now() < deadline && record.alive() {
            if let Some(up) = self.running().await? {
                return Ok(up);
            }
            sleep(start::POLL).await;
        }
        Err(LocalError::NoAnswer {
            pid: record.pid,
            port: record.port,
            waited: start::READY_LIMIT,
            log: self.log(),
        })
    }

    async fn start(&self, on_event: OnEvent<'_>) -> Result<Up, LocalError> {
        let began = Instant::now();
        let python = self.python(on_event).await?;
        on_event(LocalEvent::Starting {
            port: self.settings.port,
        });
        let health = Start {
            dir: &self.settings.dir,
            port: self.settings.port,
            log: &self.log(),
            python: &python,
        }
        .run()
        .await?;
        let took = began.elapsed();
        Ok(up(self.settings.port, How::Started { took }, health))
    }

    async fn python(&self, on_event: OnEvent<'_>) -> Result<PathBuf, LocalError> {
        if let Some(given) = &self.settings.ready_python {
            return check_given(given).await;
        }
        let environment = Environment::new(self.settings.dir.join("venv"));
        if let Some(python) = environment.ready() {
            return Ok(python);
        }
        on_event(LocalEvent::Installing {
            version: EMULATOR_VERSION,
        });
        environment.make(&self.settings.python).await
    }

    async fn nothing_to_stop(&self) -> Result<Down, LocalError> {
        let port = self.settings.port;
        let Answer::Emulator(health) = health::ask(port).await else {
            return Ok(Down::NotRunning);
        };
        let (pid, dir) = health.payhook.map(|by| (by.pid, by.dir)).unzip();
        Err(LocalError::StartedElsewhere { port, pid, dir })
    }

    async fn exclusive(&self, on_event: OnEvent<'_>) -> Result<Exclusive, LocalError> {
        let dir = &self.settings.dir;
        std::fs::create_dir_all(dir).map_err(LocalError::io("create", dir))?;
        let path = dir.join("lock");
        Exclusive::take(&path, LOCK_LIMIT, |pid| {
            on_event(LocalEvent::WaitingForOther { pid });
        })
        .await
    }

    fn record_path(&self) -> PathBuf {
        self.settings.dir.join(start::PID_FILE)
    }

    fn read_record(&self) -> Result<Option<PidRecord>, LocalError> {
        PidRecord::read(&self.record_path())
    }

    /// The record of a process that still runs; one of a process that is gone is removed.
    fn live_record(&self) -> Result<Option<PidRecord>, LocalError> {
        match self.read_record()? {
            Some(record) if record.alive() => Ok(Some(record)),
            _ => self.forget_record().map(|()| None),
        }
    }

    fn forget_record(&self) -> Result<(), LocalError> {
        let path = self.record_path();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(LocalError::io("remove", path)(error))
            }
            _ => Ok(()),
        }
    }
}

async fn given(endpoint: &str) -> Result<Up, LocalError> {
    health::answers(endpoint)
        .await
        .map_err(|why| LocalError::GivenEndpointSilent {
            endpoint: endpoint.to_owned(),
            why,
        })?;
    Ok(Up {
        endpoint: endpoint.to_owned(),
        how: How::Given,
        version: None,
        pid: None,
        current: false,
    })
}

fn up(port: u16, how: How, health: Health) -> Up {
    let same_fills = health
        .payhook
        .as_ref()
        .is_some_and(|by| by.launcher == launcher_digest());
    Up {
        endpoint: format!("http://127.0.0.1:{port}"),
        how,
        pid: started_by(&health),
        current: same_fills && health.version == EMULATOR_VERSION,
        version: Some(health.version),
    }
}

fn started_by(health: &Health) -> Option<u32> {
    health.payhook.as_ref().map(|by| by.pid)
}
