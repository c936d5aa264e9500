//! Steady lines for logs: one for each step that ended, and a sign of life when nothing has ended for a while.

use super::{Board, Show};
use crate::engine::Event;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Longest silence; CI systems and people take more for a hang.
const SILENCE: Duration = Duration::from_secs(9);

type Write = Box<dyn Fn(&str) + Send + Sync>;

struct Shared {
    board: Mutex<(Board, Instant)>,
    start: Instant,
    write: Write,
}

/// Progress as lines.
pub struct Steady {
    shared: Arc<Shared>,
    heart: JoinHandle<()>,
}

impl Steady {
    /// Writes each line through `write`; needs a tokio runtime for its sign of life.
    pub fn new(board: Board, write: Write) -> Self {
        let start = Instant::now();
        let shared = Arc::new(Shared {
            board: Mutex::new((board, start)),
            start,
            write,
        });
        let heart = tokio::spawn(beat(shared.clone()));
        Self { shared, heart }
    }
}

impl Show for Steady {
    fn take(&self, event: Event) {
        let mut board = self
            .shared
            .board
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = board.0.take(&event, self.shared.start.elapsed()) {
            (self.shared.write)(&line);
            board.1 = Instant::now();
        }
    }
}

impl Drop for Steady {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

async fn beat(shared: Arc<Shared>) {
    loop {
        let next = {
            let mut board = shared.board.lock().unwrap_or_else(PoisonError::into_inner);
            if board.1.elapsed() >= SILENCE {
                (shared.write)(&board.0.heartbeat(shared.start.elapsed()));
                board.1 = Instant::now();
            }
            board.1 + SILENCE
        };
        sleep_until(next).await;
    }
}
