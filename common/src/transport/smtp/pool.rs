//! Connections that are kept open between mails, and the turns that bound how many there are.

use lettre::transport::smtp::client::AsyncSmtpConnection;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Servers close idle connections after five minutes (RFC 5321, section 4.5.3.2.7), many after one.
const IDLE: Duration = Duration::from_secs(30);

pub struct Pool {
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Pool {
    /// A pool of at most so many connections; at least one.
    pub fn new(connections: u32) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(connections.max(1) as usize)),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Waits until fewer than the most are in use. The turn ends when it is dropped.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // Closed never: nobody calls `close`.
        self.turns.clone().acquire_owned().await.ok()
    }

    /// The connection that was used last, unless it is old.
    pub fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(connection, _)| connection)
    }

    /// Keeps a connection whose last dialogue ended well.
    pub fn put(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push((connection, Instant::now()));
    }
}
