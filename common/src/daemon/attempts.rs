//! Attempts are written down before a body is opened and taken back when they ended, in whatever
//! way, so that a message that kills the process is known when it comes back (FAILURES Q9).

use super::line::Line;
use super::work;
use crate::db::frame;
use crate::queue::Received;
use crate::{Failure, Result};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Messages whose attempts ended while that could not be written, because the database was away.
#[derive(Default)]
pub(super) struct Owed(Mutex<HashSet<String>>);

impl Owed {
    fn add<'a>(&self, ids: impl IntoIterator<Item = &'a str>) {
        let mut owed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owed.extend(ids.into_iter().map(str::to_owned));
    }

    fn take(&self) -> Vec<String> {
        let mut owed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owed.drain().collect()
    }
}

impl Line {
    /// Begins the first attempt at each of these. What was begun before and never ended is given
    /// back second: it is handled alone, after [`Line::begin_again`], so that it takes nobody with
    /// it and nobody who waits behind it is counted with it.
    pub(super) async fn begin(
        self: &Arc<Self>,
        received: Vec<Received>,
    ) -> Option<(Vec<Received>, Vec<Received>)> {
        let ids: Vec<&str> = received.iter().map(|m| m.id.as_str()).collect();
        match self.first_attempts(&ids).await {
            Ok(first) => Some(received.into_iter().partition(|m| first.contains(&m.id))),
            Err(e) => {
                let back = received.into_iter().map(|m| (m, Err(e.clone())));
                self.settle(back.collect(), false).await;
                None
            }
        }
    }

    /// Begins one more attempt; `None` when there were too many, or none could be counted.
    pub(super) async fn begin_again(self: &Arc<Self>, message: Received) -> Option<Received> {
        let failure = match self.next_attempt(&message.id).await {
            Ok(n) if n <= self.frame.max_crashes => return Some(message),
            Ok(n) => {
                let worn = Failure::quarantine(format!("began {} times and never ended", n - 1));
                self.end_attempts(&[(&message, &Err(worn.clone()))]).await;
                worn
            }
            // Nothing ended: what was counted before stays counted.
            Err(e) => e,
        };
        self.settle(vec![(message, Err(failure))], false).await;
        None
    }

    /// Attempts of these ended: the process lives. A panic does not count as an end.
    pub(super) async fn end_attempts(&self, over: &[(&Received, &Result)]) {
        let ids = super::batch::ended(over);
        if let Err(e) = work::ended(&self.home, &self.queue, &ids).await {
            self.owed.add(ids);
            tracing::debug!(error = %e, "Ends of attempts will be written later");
        }
    }

    async fn first_attempts(&self, ids: &[&str]) -> Result<HashSet<String>> {
        let owed = self.owed.take();
        let owed: Vec<&str> = owed.iter().map(String::as_str).collect();
        let begun = async {
            let mut conn = self.home.db.connect().await?;
            let tx = conn.begin().await?;
            if !owed.is_empty() {
                frame::end(&tx, &self.queue, &owed).await?;
            }
            let first = frame::begin_first(&tx, &self.queue, ids).await?;
            tx.commit().await?;
            Ok(first)
        };
        let begun = begun.await;
        if begun.is_err() {
            self.owed.add(owed);
        }
        begun
    }

    async fn next_attempt(&self, id: &str) -> Result<u32> {
        let mut conn = self.home.db.connect().await?;
        let tx = conn.begin().await?;
        let begun = frame::begin(&tx, &self.queue, id).await?;
        tx.commit().await?;
        Ok(begun)
    }
}
