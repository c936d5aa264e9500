//! Ctrl-C and SIGTERM: the first asks to stop, the second leaves at once.

use super::{Exit, Ui, keyboard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Whether and how this process has been asked to stop.
#[derive(Clone, Default)]
pub struct Interrupt {
    /// Cancelled by the first signal.
    pub token: CancellationToken,
    /// While a plan is applied the first signal lets what is in flight finish; otherwise it ends the process.
    graceful: Arc<AtomicBool>,
}

impl Interrupt {
    /// Starts to listen. Without signals (never seen in practice) the system's own handling stays in place.
    pub fn listen(ui: Ui) -> Self {
        let interrupt = Self::default();
        let (Ok(mut ctrl_c), Ok(mut terminate)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) else {
            return interrupt;
        };
        let listener = interrupt.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = ctrl_c.recv() => {}
                    _ = terminate.recv() => {}
                }
                listener.signalled(&ui);
            }
        });
        interrupt
    }

    fn signalled(&self, ui: &Ui) {
        let first = !self.token.is_cancelled();
        self.token.cancel();
        if first && self.graceful.load(Ordering::SeqCst) {
            return;
        }
        keyboard::restore();
        ui.error(match first {
            true => "\nInterrupted.",
            false => "\nLeft at once; the next run goes on from here.",
        });
        std::process::exit(i32::from(Exit::Interrupted.code()));
    }

    /// From here until the guard is dropped the first signal lets what is in flight finish.
    pub fn finish_what_is_in_flight(&self) -> InFlight {
        self.graceful.store(true, Ordering::SeqCst);
        InFlight(self.graceful.clone())
    }
}

/// While this lives, the first signal does not end the process.
pub struct InFlight(Arc<AtomicBool>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
