//! The one door through which a command speaks: words or JSON lines, in colours or without.

use super::keyboard;
use crate::view::Paint;
use payments::secret::SecretText;
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

type Sink = Arc<Mutex<dyn Write + Send>>;

/// What the user asked of the output.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// JSON lines instead of words.
    pub json: bool,
    /// No colours.
    pub no_color: bool,
}

/// Results go to standard output, what happens on the way and errors to standard error.
///
/// In JSON mode standard output carries one JSON value a line and nothing else.
#[derive(Clone)]
pub struct Ui {
    json: bool,
    out: Sink,
    err: Sink,
    out_paint: Paint,
    err_paint: Paint,
    asks: bool,
    live: bool,
    /// Whether whoever read the results has gone away.
    gone: Arc<AtomicBool>,
    /// Why results could not be written.
    lost: Arc<Mutex<Option<io::Error>>>,
}

impl Ui {
    /// Speaks through the streams of this process.
    pub fn of_process(wishes: Wishes) -> Self {
        let env = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = env("TERM").is_some_and(|term| term == "dumb");
        let plain = wishes.no_color || env("NO_COLOR").is_some() || dumb;
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            json: wishes.json,
            out: Arc::new(Mutex::new(io::stdout())),
            err: Arc::new(Mutex::new(io::stderr())),
            out_paint: Paint::new(out && !plain),
            err_paint: Paint::new(err && !plain),
            asks: io::stdin().is_terminal() && err && !wishes.json,
            live: err && !dumb && !wishes.json,
            gone: Arc::default(),
            lost: Arc::default(),
        }
    }

    /// Speaks into memory, without a terminal.
    #[cfg(test)]
    pub fn captured(json: bool) -> (Self, Captured) {
        let captured = Captured::default();
        let ui = Self {
            json,
            out: captured.out.clone(),
            err: captured.err.clone(),
            out_paint: Paint::NONE,
            err_paint: Paint::NONE,
            asks: false,
            live: false,
            gone: Arc::default(),
            lost: Arc::default(),
        };
        (ui, captured)
    }

    /// Whether output is JSON lines.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether somebody is there to answer questions.
    pub fn can_ask(&self) -> bool {
        self.asks
    }

    /// Whether progress can be redrawn in place.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Whether anybody still reads the results, as far as writing them has shown: what goes on for ever may end then.
    pub fn is_read(&self) -> bool {
        !self.gone.load(Ordering::Relaxed)
    }

    /// Why some of the results could not be written, such as a full disk.
    pub fn lost(&self) -> Option<String> {
        let lost = self.lost.lock().ok()?;
        lost.as_ref().map(io::Error::to_string)
    }

    /// Colours of results.
    pub fn paint(&self) -> Paint {
        self.out_paint
    }

    /// Colours of what happens on the way.
    pub fn note_paint(&self) -> Paint {
        self.err_paint
    }

    /// A result in words; nothing in JSON mode.
    pub fn say(&self, text: impl AsRef<str>) {
        if !self.json {
            self.result(format!("{}\n", text.as_ref()).as_bytes());
        }
    }

    /// A result in whatever form was asked for, without a line feed of its own.
    pub fn raw(&self, text: impl AsRef<[u8]>) {
        self.result(text.as_ref());
    }

    /// One JSON value on a line of its own.
    pub fn json(&self, value: &impl Serialize) {
        if let Ok(line) = serde_json::to_string(value) {
            self.result(format!("{line}\n").as_bytes());
        }
    }

    fn result(&self, bytes: &[u8]) {
        let Err(error) = write(&self.out, bytes) else {
            return;
        };
        self.gone.store(true, Ordering::Relaxed);
        // A reader that has gone away has read what it wanted.
        if error.kind() != io::ErrorKind::BrokenPipe
            && let Ok(mut lost) = self.lost.lock()
        {
            lost.get_or_insert(error);
        }
    }

    /// Something on the way, in words; nothing in JSON mode.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.json {
            self.error(text);
        }
    }

    /// An error in words, in every mode.
    pub fn error(&self, text: impl AsRef<str>) {
        let _ = write(&self.err, format!("{}\n", text.as_ref()).as_bytes());
    }

    /// Asks for one line; `None` at the end of the input.
    pub fn ask(&self, question: &str) -> io::Result<Option<String>> {
        self.prompt(question)?;
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim().to_owned()))
    }

    /// Asks for a secret, which is not shown; without a terminal reads all of standard input.
    pub fn ask_secret(&self, question: &str) -> io::Result<SecretText> {
        let terminal = io::stdin().is_terminal();
        if terminal {
            self.prompt(question)?;
        }
        let secret = keyboard::read_secret();
        if terminal {
            self.prompt("\n")?;
        }
        secret
    }

    fn prompt(&self, question: &str) -> io::Result<()> {
        match self.err.lock() {
            Ok(mut err) => err
                .write_all(question.as_bytes())
                .and_then(|()| err.flush()),
            Err(_) => Ok(()),
        }
    }
}

fn write(sink: &Sink, bytes: &[u8]) -> io::Result<()> {
    match sink.lock() {
        Ok(mut sink) => sink.write_all(bytes).and_then(|()| sink.flush()),
        Err(_) => Ok(()),
    }
}

/// What a captured [`Ui`] has said.
#[cfg(test)]
#[derive(Clone, Default)]
pub struct Captured {
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
}

#[cfg(test)]
impl Captured {
    /// Everything on standard output so far.
    pub fn out(&self) -> String {
        text(&self.out)
    }

    /// Everything on standard error so far.
    pub fn err(&self) -> String {
        text(&self.err)
    }
}

#[cfg(test)]
fn text(buffer: &Mutex<Vec<u8>>) -> String {
    let bytes = buffer.lock().expect("no panic while writing").clone();
    String::from_utf8(bytes).expect("text")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn results_show_when_their_reader_has_gone_and_notes_do_not() {
        for json in [false, true] {
            let (mut ui, captured) = Ui::captured(json);
            ui.say("one");
            ui.json(&1);
            assert!(ui.is_read(), "{}", captured.out());
            (ui.out, ui.err) = (Arc::new(Mutex::new(Gone)), Arc::new(Mutex::new(Gone)));
            ui.note("two");
            assert!(ui.is_read());
            let clone = ui.clone();
            clone.raw("three");
            assert!(!ui.is_read(), "and every clone knows");
            assert_eq!(ui.lost(), None);
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn results_that_cannot_be_written_are_known_to_be_lost_and_notes_are_not_missed() {
        let (mut ui, _) = Ui::captured(false);
        (ui.out, ui.err) = (Arc::new(Mutex::new(Full)), Arc::new(Mutex::new(Full)));
        ui.note("one");
        assert_eq!(ui.lost(), None);
        ui.clone().say("two");
        assert!(ui.lost().is_some());
    }
}
