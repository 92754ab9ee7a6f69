//! Tells systemd's watchdog that the daemon is well: fed by finished polls, not by a timer, and
//! only while every queue's loop goes round (FAILURES Q21).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When each loop last came round. Clones share it.
#[derive(Clone)]
pub(super) struct Pulse {
    last: Arc<Mutex<HashMap<String, Instant>>>,
    most: Duration,
}

impl Pulse {
    /// A loop that has not come round for `most` keeps the watchdog unfed.
    pub fn new(loops: impl IntoIterator<Item = String>, most: Duration) -> Self {
        let now = Instant::now();
        let last = loops.into_iter().map(|name| (name, now)).collect();
        Self {
            last: Arc::new(Mutex::new(last)),
            most,
        }
    }

    /// This loop came round.
    pub fn beat(&self, name: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(name.to_owned(), Instant::now());
        if last.values().all(|t| t.elapsed() < self.most) {
            // Without systemd there is nobody to tell.
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        }
    }
}
