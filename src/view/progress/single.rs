//! One line that says what is going on: redrawn in place on a terminal, repeated now and then in a log.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Time between two repetitions in a log.
const REPEAT: Duration = Duration::from_secs(9);

/// A line about something that takes a while.
pub struct Single {
    drawn: Option<ProgressBar>,
    start: Instant,
    repeated: Instant,
}

impl Single {
    /// Time between two calls of [`tick`](Self::tick).
    pub const TICK: Duration = Duration::from_millis(200);

    /// Starts; `live` is whether a terminal can redraw it.
    pub fn start(live: bool) -> Self {
        let now = Instant::now();
        let drawn = live.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // The template is fixed and good, so indicatif's own default never shows.
            match ProgressStyle::with_template("  ... {wide_msg}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self {
            drawn,
            start: now,
            repeated: now,
        }
    }

    /// Shows what is going on; answers with a line for the log when it is time for one.
    pub fn tick(&mut self, doing: &str) -> Option<String> {
        let words = format!("{} s, {doing}", self.start.elapsed().as_secs());
        if let Some(bar) = &self.drawn {
            bar.set_message(words);
            bar.tick();
            return None;
        }
        let due = self.repeated.elapsed() >= REPEAT;
        due.then(|| {
            self.repeated = Instant::now();
            format!("  ... {words}")
        })
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        if let Some(bar) = &self.drawn {
            bar.finish_and_clear();
        }
    }
}
