//! A gate that holds a tool until a test opens it, and that knows whether the tool was let go before that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// Holds tools that wait.
#[derive(Debug, Clone)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
    entered: Arc<AtomicUsize>,
    abandoned: Arc<AtomicUsize>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            open: Arc::new(watch::Sender::new(false)),
            entered: Arc::default(),
            abandoned: Arc::default(),
        }
    }
}

/// Counts a wait that ended before the gate was opened.
struct Waiting {
    abandoned: Arc<AtomicUsize>,
    done: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.done {
            self.abandoned.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Gate {
    /// Lets everything through.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Holds whatever comes next.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// How many have come to the gate.
    #[must_use]
    pub fn entered(&self) -> usize {
        self.entered.load(Ordering::SeqCst)
    }

    /// How many gave up waiting, because their call was cancelled.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        self.abandoned.load(Ordering::SeqCst)
    }

    /// Waits for the gate.
    pub async fn pass(&self) {
        let mut waiting = Waiting { abandoned: self.abandoned.clone(), done: false };
        let mut watch = self.open.subscribe();
        self.entered.fetch_add(1, Ordering::SeqCst);
        // The sender lives as long as `self`, so this ends only when the gate opens.
        let _opened = watch.wait_for(|open| *open).await.is_ok();
        waiting.done = true;
    }
}
