//! A secret from the keyboard or a pipe, never shown and never on a command line.

use payments::secret::SecretText;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsRawFd;
use std::sync::Mutex;

/// How the terminal was before its echo was switched off.
static BEFORE: Mutex<Option<libc::termios>> = Mutex::new(None);

/// Longest secret that is read, in bytes; Secrets Manager keeps 64 KiB in all.
const LONGEST: u64 = 32 * 1024;

/// Reads a secret: from the terminal without echo, otherwise all of standard input; surrounding blanks are dropped.
pub fn read_secret() -> io::Result<SecretText> {
    let stdin = io::stdin();
    let mut text = zeroizing();
    if stdin.is_terminal() {
        let quiet = Quiet::start();
        let read = stdin.read_line(&mut text);
        drop(quiet);
        read?;
    } else {
        stdin.lock().take(LONGEST + 1).read_to_string(&mut text)?;
        if text.len() as u64 > LONGEST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a secret is at most {LONGEST} bytes"),
            ));
        }
    }
    Ok(SecretText::new(text.trim()))
}

/// Room for the whole text at once, so that growing leaves no copies behind.
fn zeroizing() -> zeroize::Zeroizing<String> {
    zeroize::Zeroizing::new(String::with_capacity(LONGEST as usize + 2))
}

/// Puts the terminal back as it was; for the way out in the middle of a question.
pub fn restore() {
    let before = BEFORE.lock().ok().and_then(|mut before| before.take());
    if let Some(before) = before {
        set(&before);
    }
}

/// While this lives, the terminal does not show what is typed.
struct Quiet;

impl Quiet {
    fn start() -> Self {
        if let Some(now) = get() {
            let mut quiet = now;
            quiet.c_lflag &= !libc::ECHO;
            if let Ok(mut before) = BEFORE.lock() {
                *before = Some(now);
            }
            set(&quiet);
        }
        Self
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        restore();
    }
}

fn get() -> Option<libc::termios> {
    let mut settings = std::mem::MaybeUninit::uninit();
    // SAFETY: tcgetattr fills the whole struct when it answers 0, and only then is it read.
    unsafe {
        let answer = libc::tcgetattr(io::stdin().as_raw_fd(), settings.as_mut_ptr());
        (answer == 0).then(|| settings.assume_init())
    }
}

fn set(settings: &libc::termios) {
    // SAFETY: the pointer is to a valid struct for the whole call.
    unsafe {
        libc::tcsetattr(io::stdin().as_raw_fd(), libc::TCSANOW, settings);
    }
}
