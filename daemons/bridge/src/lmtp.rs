//! Mail in from the mail server of this machine, by LMTP (RFC 2033): one answer for each receiver,
//! so that it keeps what we could not keep, and returns what nobody will ever take.
//!
//! Whoever reaches the listener may hand in mail in anybody's name, as whoever may run
//! `kentongan submit mail` can: it belongs on loopback or on a socket of the file system.

mod command;
mod data;
mod forward;
mod keeping;
mod place;
mod session;
mod wire;

use async_trait::async_trait;
use common::config::Place;
use common::home::Home;
use common::mail::intake::{self, Arrival};
use common::{Failure, Result};
use data::Room;
use place::Listener;
use session::Session;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};
use wire::Wire;

/// Connections at once. Postfix opens 20 to one destination and 100 in all, unless told otherwise.
const CONNECTIONS: usize = 100;

/// So many mails of the largest size may be in memory at once, and twice as much while they are
/// kept; what does not fit comes again.
const LARGEST_AT_ONCE: u64 = 3;

/// After a fault of accepting, such as no free file descriptor.
const PAUSE: Duration = Duration::from_millis(200);

/// Where a mail goes that was handed in.
#[async_trait]
pub trait Keeper: Send + Sync + 'static {
    /// Keeps it on the disk and on the queue. May be asked again for the same mail.
    async fn keep(&self, arrival: &Arrival) -> Result;
}

#[async_trait]
impl Keeper for Home {
    async fn keep(&self, arrival: &Arrival) -> Result {
        intake::keep(&*self.blobs, &*self.queue, arrival).await
    }
}

/// What all connections share.
pub struct Desk {
    keeper: Arc<dyn Keeper>,
    /// Bytes of the largest mail that is taken.
    most: u64,
    room: Room,
    connections: Arc<Semaphore>,
}

impl Desk {
    /// For mails of at most so many bytes.
    pub fn new(keeper: Arc<dyn Keeper>, most: u64) -> Self {
        Self {
            keeper,
            most,
            room: Room::new(most.saturating_mul(LARGEST_AT_ONCE)),
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
        }
    }
}

/// Listens, and serves in `tasks` until told to stop. Fails when nothing can listen there.
pub async fn start(
    place: &Place,
    desk: Desk,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> Result {
    let listener = Listener::at(place).await.map_err(|e| {
        Failure::retry(format!(
            "settings: key `bridge.lmtp`: cannot listen on {place}: {e}"
        ))
    })?;
    info!(%place, "Takes mails by LMTP");
    tasks.spawn(accept(listener, Arc::new(desk), tasks.clone(), stop));
    Ok(())
}

async fn accept(listener: Listener, desk: Arc<Desk>, tasks: TaskTracker, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok(stream) => drop(tasks.spawn(serve(stream, desk.clone(), stop.clone()))),
            Err(e) => {
                warn!(error = %e, "Cannot accept a connection of the mail server");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    desk: Arc<Desk>,
    stop: CancellationToken,
) {
    let mut wire = Wire::new(stream);
    let Ok(_place) = desk.connections.clone().try_acquire_owned() else {
        let _ = wire
            .say("421 4.3.2 too many connections: try again later")
            .await;
        return;
    };
    if let Err(e) = Session::new(wire, &desk, &stop).run().await {
        debug!(error = %e, "A connection of the mail server broke");
    }
}

#[cfg(test)]
mod tests;
