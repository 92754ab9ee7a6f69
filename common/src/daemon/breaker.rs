//! The circuit breaker of a queue: while something that its handler needs is away, nothing is
//! received, so that an outage costs no attempts (FAILURES Q13, Q15).

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::{info, warn};

/// First pause between probes; doubles up to the longest.
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(15);

/// Who trips again within this time after closing was not mended: the pause goes on growing
/// instead of beginning anew, so that a probe that passes too easily does not make a hot loop.
const MEMORY: Duration = Duration::from_secs(60);

/// Open: nothing is received. Clones share the state.
#[derive(Clone)]
pub(super) struct Breaker {
    queue: String,
    open: Arc<watch::Sender<bool>>,
    last: Arc<Mutex<Last>>,
    first: Duration,
}

struct Last {
    pause: Duration,
    closed: Option<Instant>,
}

impl Breaker {
    pub fn new(queue: &str) -> Self {
        Self::beginning_with(queue, FIRST)
    }

    fn beginning_with(queue: &str, first: Duration) -> Self {
        let last = Last {
            pause: first,
            closed: None,
        };
        Self {
            queue: queue.to_owned(),
            open: Arc::new(watch::Sender::new(false)),
            last: Arc::new(Mutex::new(last)),
            first,
        }
    }

    /// Returns once the breaker is closed.
    pub async fn closed(&self) {
        let mut open = self.open.subscribe();
        // The sender lives as long as we do.
        let _ = open.wait_for(|open| !open).await;
    }

    /// How long a message should be put off that meets an open breaker.
    pub fn pause(&self) -> Duration {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pause
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
        let mut pause = self.first_pause();
        warn!(
            queue = self.queue,
            cause,
            ?pause,
            "Stopped receiving until this is mended"
        );
        let this = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                pause = this.grown(pause);
                match probe().await {
                    Ok(()) => break,
                    Err(e) => warn!(queue = this.queue, error = %e, "Still not mended"),
                }
            }
            info!(queue = this.queue, "Receiving again");
            this.close();
        });
    }

    fn first_pause(&self) -> Duration {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.closed.is_none_or(|closed| closed.elapsed() > MEMORY) {
            last.pause = self.first;
        }
        last.pause
    }

    fn grown(&self, pause: Duration) -> Duration {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.pause = (pause * 2).min(LONGEST);
        last.pause
    }

    fn close(&self) {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = Some(Instant::now());
        self.open.send_replace(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_breaker_that_trips_again_at_once_pauses_longer_each_time() {
        let breaker = Breaker::beginning_with("q", Duration::from_millis(1));
        let mut pauses = Vec::new();
        for _ in 0..4 {
            breaker.trip("away".into(), || async { Ok(()) });
            breaker.closed().await;
            pauses.push(breaker.pause());
        }
        assert_eq!(pauses, [2, 4, 8, 16].map(Duration::from_millis));
    }

    #[tokio::test]
    async fn nothing_passes_while_the_probe_fails() {
        let breaker = Breaker::beginning_with("q", Duration::from_millis(1));
        let tries = Arc::new(Mutex::new(0));
        let counted = tries.clone();
        breaker.trip("away".into(), move || {
            let counted = counted.clone();
            async move {
                let mut tries = counted.lock().unwrap();
                *tries += 1;
                if *tries < 3 {
                    Err(crate::Failure::retry("still away"))
                } else {
                    Ok(())
                }
            }
        });
        breaker.closed().await;
        assert_eq!(*tries.lock().unwrap(), 3);
    }
}
