//! Progress on a terminal: a line for each running step, redrawn in place, and what has ended above them.

use super::{Board, Show};
use crate::engine::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

/// Time between two drawings.
const FRAME: Duration = Duration::from_millis(100);
/// Running lines that are drawn at most; a terminal cannot redraw what has scrolled away.
const MOST: usize = 12;

struct Drawing {
    board: Board,
    lines: Vec<ProgressBar>,
    screen: MultiProgress,
    start: Instant,
}

/// Progress redrawn in place.
pub struct Live {
    drawing: Arc<Mutex<Drawing>>,
    frames: JoinHandle<()>,
}

impl Live {
    /// Draws on standard error; needs a tokio runtime for its frames.
    pub fn new(board: Board) -> Self {
        let drawing = Arc::new(Mutex::new(Drawing {
            board,
            lines: Vec::new(),
            screen: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            start: Instant::now(),
        }));
        let frames = tokio::spawn(draw(drawing.clone()));
        Self { drawing, frames }
    }
}

impl Show for Live {
    fn take(&self, event: Event) {
        let mut drawing = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = drawing.start.elapsed();
        if let Some(line) = drawing.board.take(&event, now) {
            // A terminal that has gone away is not an error of the run.
            let _ = drawing.screen.println(line);
        }
        drawing.redraw();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.frames.abort();
        let drawing = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = drawing.screen.clear();
    }
}

async fn draw(drawing: Arc<Mutex<Drawing>>) {
    let mut frames = interval(FRAME);
    loop {
        frames.tick().await;
        drawing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .redraw();
    }
}

impl Drawing {
    fn redraw(&mut self) {
        let mut wanted = self.board.running(self.start.elapsed());
        if wanted.len() > MOST {
            let more = wanted.len() - (MOST - 1);
            wanted.truncate(MOST - 1);
            wanted.push(format!("... and {more} more"));
        }
        while self.lines.len() > wanted.len() {
            if let Some(line) = self.lines.pop() {
                line.finish_and_clear();
                self.screen.remove(&line);
            }
        }
        while self.lines.len() < wanted.len() {
            let line = self.screen.add(ProgressBar::new_spinner());
            // The template is fixed and good, so its own default never shows.
            if let Ok(style) = ProgressStyle::with_template("        {wide_msg}") {
                line.set_style(style);
            }
            self.lines.push(line);
        }
        for (line, text) in self.lines.iter().zip(wanted) {
            line.set_message(text);
        }
    }
}
