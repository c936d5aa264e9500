//! The proxy: passes every request on, and does one thing to one of them.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use crate::guard::Guard;
use crate::refusal;
use crate::request::{Request, is_read};

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// payhook is killed; AWS never gets the request.
    KilledBefore,
    /// AWS does what was asked; payhook is killed before it hears of it.
    KilledAfterEffect,
    /// payhook is killed as the answer reaches it.
    KilledAfterAnswer,
    /// Ctrl-C as the request leaves.
    Interrupted,
    /// Refused for too many calls.
    Throttled,
    /// Refused for want of a permission.
    Denied,
    /// Refused with an HTTP status of 5xx.
    Failed(u16),
    /// The connection breaks; AWS never gets the request.
    ResetBefore,
    /// AWS does what was asked; the connection breaks instead of an answer.
    AnswerLost,
    /// AWS does what was asked; the connection breaks in the middle of the answer.
    AnswerTorn,
    /// The answer takes seconds.
    Slow,
    /// AWS does what was asked; no answer ever comes and the connection stays.
    Silent,
}

/// Which request it happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The one of this number, from 0.
    Request(usize),
    /// The first that asks for this operation.
    First(&'static str),
}

/// How long a slow answer takes.
const SLOW: Duration = Duration::from_secs(4);
/// Longer than anybody should wait.
const EVER: Duration = Duration::from_secs(600);

#[derive(Default)]
struct Script {
    fault: Option<(At, Fault)>,
    hit: bool,
    /// The process on this wire, once it runs.
    process: Option<i32>,
    dead: bool,
    calls: Vec<String>,
    /// What payhook may do; everything if there is none.
    guard: Option<Guard>,
}

pub struct Proxy {
    pub url: String,
    script: Arc<(Mutex<Script>, Condvar)>,
}

impl Proxy {
    /// Stands before an endpoint such as `http://127.0.0.1:4566`.
    pub fn before(endpoint: &str) -> Self {
        let upstream = endpoint.strip_prefix("http://").expect("http").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let script = Arc::<(Mutex<Script>, Condvar)>::default();
        let shared = Arc::clone(&script);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (upstream, script) = (upstream.clone(), Arc::clone(&shared));
                std::thread::spawn(move || serve(connection, &upstream, &script));
            }
        });
        Self { url, script }
    }

    /// Forgets what was, and spoils one request from now on.
    pub fn prepare(&self, fault: Option<(At, Fault)>) {
        let mut script = self.script();
        let guard = script.guard.take();
        *script = Script {
            fault,
            guard,
            ..Script::default()
        };
    }

    /// From now on refuses what the guard does not admit; gives back the one before.
    pub fn guarded_by(&self, guard: Option<Guard>) -> Option<Guard> {
        std::mem::replace(&mut self.script().guard, guard)
    }

    /// Says who sends the requests.
    pub fn belongs_to(&self, process: u32) {
        self.script().process = i32::try_from(process).ok();
        self.script.1.notify_all();
    }

    /// Whether the fault has happened.
    pub fn was_hit(&self) -> bool {
        self.script().hit
    }

    /// Every operation asked for since `prepare`.
    pub fn calls(&self) -> Vec<String> {
        self.script().calls.clone()
    }

    /// Those of them that change something.
    pub fn mutations(&self) -> Vec<String> {
        let calls = self.calls().into_iter();
        calls
            .filter(|call| !is_read(call) && call != "GetCallerIdentity")
            .collect()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.0.lock().expect("the script")
    }
}

fn serve(client: TcpStream, upstream: &str, shared: &(Mutex<Script>, Condvar)) -> Option<()> {
    let request = Request::read(&client)?;
    let (fault, admitted, process) = {
        let mut script = shared.0.lock().ok()?;
        while script.process.is_none() {
            script = shared.1.wait(script).ok()?;
        }
        if script.dead {
            return None;
        }
        let (number, operation) = (script.calls.len(), request.operation());
        let hit = script.hit;
        let fault = script.fault.filter(|(at, _)| match at {
            At::Request(at) => *at == number,
            At::First(wanted) => !hit && *wanted == operation,
        });
        script.calls.push(operation);
        script.hit |= fault.is_some();
        let guard = script.guard.as_mut();
        let admitted = guard.is_none_or(|guard| guard.admits(&request));
        (fault.map(|(_, fault)| fault), admitted, script.process?)
    };
    let fault = if admitted { fault } else { Some(Fault::Denied) };
    let connection = Connection {
        client,
        upstream,
        request,
    };
    let kill = || {
        if let Ok(mut script) = shared.0.lock() {
            script.dead = true;
        }
        signal(process, libc::SIGKILL);
    };
    match fault {
        None => connection.pass_on(),
        Some(Fault::KilledBefore) => {
            kill();
            Some(())
        }
        Some(Fault::KilledAfterEffect) => {
            connection.ask()?;
            kill();
            Some(())
        }
        Some(Fault::KilledAfterAnswer) => {
            connection.pass_on()?;
            kill();
            Some(())
        }
        Some(Fault::Interrupted) => {
            signal(process, libc::SIGINT);
            connection.pass_on()
        }
        Some(fault) => connection.spoil(fault),
    }
}

struct Connection<'a> {
    client: TcpStream,
    upstream: &'a str,
    request: Request,
}

impl Connection<'_> {
    /// The emulator's whole answer.
    fn ask(&self) -> Option<Vec<u8>> {
        let mut server = TcpStream::connect(self.upstream).ok()?;
        server.write_all(&self.request.bytes(self.upstream)).ok()?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).ok()?;
        Some(answer)
    }

    fn answer(&self, bytes: &[u8]) -> Option<()> {
        (&self.client).write_all(bytes).ok()?;
        self.client.shutdown(Shutdown::Write).ok()
    }

    fn pass_on(&self) -> Option<()> {
        self.answer(&self.ask()?)
    }

    fn spoil(self, fault: Fault) -> Option<()> {
        match fault {
            Fault::Throttled => self.answer(&refusal::throttle(&self.request)),
            Fault::Denied => self.answer(&refusal::denied()),
            Fault::Failed(status) => self.answer(&refusal::failure(status)),
            Fault::ResetBefore => reset(&self.client),
            Fault::AnswerLost => {
                self.ask()?;
                reset(&self.client)
            }
            Fault::AnswerTorn => {
                let answer = self.ask()?;
                (&self.client).write_all(&answer[..answer.len() / 2]).ok()?;
                reset(&self.client)
            }
            Fault::Slow => {
                std::thread::sleep(SLOW);
                self.pass_on()
            }
            Fault::Silent => {
                self.ask()?;
                std::thread::sleep(EVER);
                Some(())
            }
            other => unreachable!("{other:?} is done to the process"),
        }
    }
}

/// Ends a connection as a crash of the other side would.
fn reset(connection: &TcpStream) -> Option<()> {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    let size = libc::socklen_t::try_from(size_of::<libc::linger>()).ok()?;
    // SAFETY: the descriptor is open, and the option is read from a value of its own type.
    unsafe {
        libc::setsockopt(
            connection.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            std::ptr::from_ref(&linger).cast(),
            size,
        );
    }
    Some(())
}

fn signal(process: i32, signal: i32) {
    // SAFETY: kill takes two integers; the process is a child that has not been waited for.
    unsafe { libc::kill(process, signal) };
}
