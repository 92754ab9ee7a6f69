//! The circuit breaker of a queue: while something that its handler needs is away, nothing is
//! received, so that an outage costs no attempts (FAILURES Q13, Q15).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{info, warn};

/// First pause between probes; doubles up to the longest.
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

/// Open: nothing is received. Clones share the state.
#[derive(Clone)]
pub(super) struct Breaker {
    queue: String,
    open: Arc<watch::Sender<bool>>,
}

impl Breaker {
    pub fn new(queue: &str) -> Self {
        Self {
            queue: queue.to_owned(),
            open: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Returns once the breaker is closed.
    pub async fn closed(&self) {
        let mut open = self.open.subscribe();
        // The sender lives as long as we do.
        let _ = open.wait_for(|open| !open).await;
    }

    /// Opens until `probe` works. While it is open already, this changes nothing.
    pub fn trip<F, P>(&self, cause: String, probe: P)
    where
        P: Fn() -> F + Send + 'static,
        F: Future<Output = crate::Result> + Send,
    {
        if self.open.send_replace(true) {
            return;
        }
        warn!(
            queue = self.queue,
            cause, "Stopped receiving until this is mended"
        );
        let this = self.clone();
        tokio::spawn(async move {
            let mut pause = FIRST;
            loop {
                tokio::time::sleep(pause).await;
                match probe().await {
                    Ok(()) => break,
                    Err(e) => warn!(queue = this.queue, error = %e, "Still not mended"),
                }
                pause = (pause * 2).min(LONGEST);
            }
            info!(queue = this.queue, "Receiving again");
            this.open.send_replace(false);
        });
    }

    /// Opens for a time: a rate or a quota is used up.
    pub fn pause(&self, time: Duration) {
        if self.open.send_replace(true) {
            return;
        }
        info!(
            queue = self.queue,
            ?time,
            "Paused: what may be sent is used up"
        );
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            this.open.send_replace(false);
        });
    }
}
