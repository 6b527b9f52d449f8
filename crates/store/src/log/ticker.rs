//! A thread that reminds the writer twice a second, but only while something waits to be synced or signed. Without
//! a clock: it only counts its own pauses.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::error::StoreError;
use crate::log::turn::Order;

/// Half the time within which a `Logged` record has to be synced.
pub(super) const PERIOD: Duration = Duration::from_millis(500);

pub(super) struct Ticker {
    wishes: mpsc::Sender<bool>,
    running: bool,
}

impl Ticker {
    pub(super) fn start(orders: mpsc::Sender<Order>) -> Result<Self, StoreError> {
        let (wishes, inbox) = mpsc::channel();
        thread::Builder::new()
            .name("audit ticker".to_owned())
            .spawn(move || run(&inbox, &orders))
            .map_err(|fault| StoreError::AuditBroken(fault.to_string()))?;
        Ok(Self { wishes, running: false })
    }

    /// Starts or stops the reminders.
    pub(super) fn wish(&mut self, run: bool) {
        if self.running != run {
            self.running = run;
            // It only ends with the writer, which holds `self`.
            let _ = self.wishes.send(run);
        }
    }
}

fn run(inbox: &mpsc::Receiver<bool>, orders: &mpsc::Sender<Order>) {
    while let Ok(mut running) = inbox.recv() {
        while running {
            match inbox.recv_timeout(PERIOD) {
                Ok(wish) => running = wish,
                Err(RecvTimeoutError::Timeout) if orders.send(Order::Tick).is_ok() => {}
                Err(_) => return,
            }
        }
    }
}
