//! Processes that can be killed at any instant.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// The power supply of a process: once it is cut, nothing that runs on it goes on.
#[derive(Clone, Debug, Default)]
pub struct Power(Arc<Supply>);

#[derive(Debug, Default)]
struct Supply {
    cut: AtomicBool,
    lost: Notify,
}

impl Power {
    /// Cuts it; whoever runs the process drops it then.
    pub async fn cut(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
        self.0.lost.notify_waiters();
        std::future::pending::<()>().await;
    }

    /// Waits until it is cut; no time passes between that and the return.
    pub async fn lost(&self) {
        let lost = self.0.lost.notified();
        if !self.is_cut() {
            lost.await;
        }
    }

    /// Whether it has been cut.
    pub fn is_cut(&self) -> bool {
        self.0.cut.load(Ordering::SeqCst)
    }

    /// Goes on only while there is power.
    pub async fn needed(&self) {
        if self.is_cut() {
            std::future::pending::<()>().await;
        }
    }
}
