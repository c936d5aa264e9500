//! What can go wrong with the local emulator, in the words of the person who has to put it right.

use std::path::PathBuf;
use std::time::Duration;

use crate::local::launcher::EMULATOR_VERSION;
use crate::local::port::PortHolder;
use crate::local::python::OLDEST_PYTHON;

const CHOOSE_PORT: &str = "choose another port with `port` under [local] in infra.toml";

/// Why the local emulator could not be started, stopped or asked.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error(
        "no Python found (tried {}): the local AWS emulator needs Python {OLDEST_PYTHON} or newer; install it, or \
         name one with `python` under [local] in infra.toml",
        tried.join(", ")
    )]
    NoPython { tried: Vec<String> },

    #[error(
        "Python {version} ({python}) is too old: the local AWS emulator needs Python {OLDEST_PYTHON} or newer; install \
         it, or name one with `python` under [local] in infra.toml"
    )]
    PythonTooOld { python: String, version: String },

    #[error(
        "{python} cannot make virtual environments (its `venv` or `ensurepip` module is missing); install it, on Debian \
         and Ubuntu with `apt install python3-venv`, and try again"
    )]
    VenvMissing { python: String },

    #[error("{python} could not make a virtual environment in {}: {said}", dir.display())]
    VenvFailed {
        python: String,
        dir: PathBuf,
        said: String,
    },

    #[error(
        "pip could not install ministack {EMULATOR_VERSION}: {said}\nCheck the network and pip's own settings (index, proxy), \
         then run the same command again, or point PAYHOOK_EMULATOR_PYTHON at a Python that already has it"
    )]
    PipFailed { said: String },

    #[error(
        "`{what}` did not end within {} s; check the network, then run the same command again",
        waited.as_secs()
    )]
    InstallTimedOut { what: String, waited: Duration },

    #[error(
        "PAYHOOK_EMULATOR_PYTHON is {}, which has {}: install it there with `pip install ministack=={EMULATOR_VERSION} \
         cbor2`, or unset the variable to let payhook make its own environment",
        python.display(),
        found.as_ref().map_or_else(|| "no ministack with cbor2".to_owned(), |version| {
            format!("ministack {version} where {EMULATOR_VERSION} is needed")
        })
    )]
    GivenPython {
        python: PathBuf,
        found: Option<String>,
    },

    #[error(
        "port {port} is taken by {holder}, which is not the local AWS emulator: stop it, or {CHOOSE_PORT}"
    )]
    PortTaken { port: u16, holder: PortHolder },

    #[error(
        "the emulator of this directory already runs on port {running} (pid {pid}), not on {wanted}: run `payhook local \
         down` first, or set the port back to {running}"
    )]
    OnOtherPort { running: u16, wanted: u16, pid: u32 },

    #[error(
        "the emulator ended while starting; its last words (all of them in {}):\n{said}",
        log.display()
    )]
    DiedAtStart { log: PathBuf, said: String },

    #[error(
        "the emulator (pid {pid}) does not answer on port {port} after {} s; see {}, or run `payhook local down` and try \
         again",
        waited.as_secs(),
        log.display()
    )]
    NoAnswer {
        pid: u32,
        port: u16,
        waited: Duration,
        log: PathBuf,
    },

    #[error(
        "AWS_ENDPOINT_URL is {endpoint}, but nothing answers there ({why}): start it, or unset the variable to let payhook \
         start its own emulator"
    )]
    GivenEndpointSilent { endpoint: String, why: String },

    #[error(
        "the emulator on port {port} was not started from this directory{}: stop it where it was started{}",
        dir.as_ref().map_or_else(String::new, |dir| format!(" but from {}", dir.display())),
        pid.map_or_else(String::new, |pid| format!(", or end process {pid}"))
    )]
    StartedElsewhere {
        port: u16,
        pid: Option<u32>,
        dir: Option<PathBuf>,
    },

    #[error(
        "another payhook{} is still starting or stopping the emulator after {} s: wait for it, or end it, and try again",
        holder.map_or_else(String::new, |pid| format!(" (pid {pid})")),
        waited.as_secs()
    )]
    Busy {
        holder: Option<u32>,
        waited: Duration,
    },

    #[error(
        "the emulator (pid {pid}) is still there {} s after SIGKILL: end it by other means, then run `payhook local \
         status`",
        waited.as_secs()
    )]
    WillNotEnd { pid: u32, waited: Duration },

    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
}

impl LocalError {
    /// Closure for `map_err`: what was being done to which path.
    pub(super) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
