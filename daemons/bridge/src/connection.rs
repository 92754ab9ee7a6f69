//! Keeps an adapter going: with a lease where only one bridge may have it, begun again after it
//! broke off.

use crate::adapter::Adapter;
use crate::port::Port;
use common::Result;
use common::db::{Db, leases};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// A holder that died is replaced after this: within 15 s with the pause between two looks.
const LEASE: Duration = Duration::from_secs(9);

/// A lease is renewed, and a foreign one looked at, so often.
const EVERY: Duration = Duration::from_secs(3);

/// First pause before a new beginning; doubles up to the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// A connection that held for so long begins anew with the first pause.
const HELD: Duration = Duration::from_secs(60);

/// One channel's connection in this bridge.
pub struct Connection {
    /// The channel's name, also the lease's.
    pub name: String,
    /// Who we are among bridges.
    pub holder: String,
    /// What speaks to the network.
    pub adapter: Arc<dyn Adapter>,
    /// What takes what comes in.
    pub port: Arc<Port>,
    /// Where leases are.
    pub db: Db,
}

impl Connection {
    /// Goes on until told to stop; then lets another bridge have it at once.
    pub async fn run(self, stop: CancellationToken) {
        let drained = self.port.drain(&stop);
        tokio::join!(drained, self.keep(&stop));
    }

    async fn keep(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            if !self.adapter.exclusive() {
                self.connect(stop).await;
                continue;
            }
            match self.held().await {
                Ok(true) => self.while_held(stop).await,
                Ok(false) => {}
                Err(e) => warn!(channel = self.name, error = %e, "Cannot ask for the connection"),
            }
            pause(EVERY, stop).await;
        }
    }

    /// Connected for as long as the lease is ours.
    async fn while_held(&self, stop: &CancellationToken) {
        info!(channel = self.name, "Holds the connection");
        let lost = stop.child_token();
        let renewed = async {
            while !lost.is_cancelled() {
                pause(EVERY, &lost).await;
                // Without the database nobody else can take it: we go on, and what comes in is
                // spooled.
                if let Ok(false) = self.held().await {
                    warn!(
                        channel = self.name,
                        "Another bridge has taken the connection"
                    );
                    lost.cancel();
                }
            }
        };
        tokio::join!(renewed, self.connect(&lost));
        if stop.is_cancelled()
            && let Err(e) = self.release().await
        {
            info!(channel = self.name, error = %e, "Its lease ends by itself");
        }
    }

    /// Connects again and again, with growing pauses.
    async fn connect(&self, stop: &CancellationToken) {
        let mut wait = FIRST;
        while !stop.is_cancelled() {
            let begun = tokio::time::Instant::now();
            let Err(e) = self.adapter.run(&self.port, stop).await else {
                pause(FIRST, stop).await;
                continue;
            };
            if begun.elapsed() > HELD {
                wait = FIRST;
            }
            let jittered = wait.mul_f64(0.75 + 0.5 * fastrand::f64());
            warn!(channel = self.name, error = %e, again_in = ?jittered, "Not connected");
            pause(jittered, stop).await;
            wait = (wait * 2).min(LONGEST);
        }
    }

    async fn held(&self) -> Result<bool> {
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        let fence = leases::hold(&tx, &self.name, &self.holder, LEASE).await?;
        tx.commit().await?;
        Ok(fence.is_some())
    }

    async fn release(&self) -> Result {
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        leases::release(&tx, &self.name, &self.holder).await?;
        tx.commit().await
    }
}

async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stop.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Spool;
    use crate::testing::{Network, channel, place};
    use common::db::testing::TestHome;

    struct Bridge {
        network: Arc<Network>,
        stop: CancellationToken,
        task: tokio::task::JoinHandle<()>,
        _folder: tempfile::TempDir,
    }

    fn bridge(place: &TestHome, holder: &str) -> Bridge {
        let (network, stop) = (Arc::new(Network::default()), CancellationToken::new());
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), 10).unwrap();
        let port = Port::new(channel("sms", ""), place.home.clone(), spool, "62");
        let connection = Connection {
            name: "sms".into(),
            holder: holder.into(),
            adapter: network.clone(),
            port: Arc::new(port),
            db: place.home.db.clone(),
        };
        Bridge {
            network,
            task: tokio::spawn(connection.run(stop.clone())),
            stop,
            _folder: folder,
        }
    }

    impl Bridge {
        fn runs(&self) -> Vec<&'static str> {
            self.network.runs.lock().unwrap().clone()
        }

        async fn until(&self, runs: &[&str]) {
            while self.runs() != runs {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    #[tokio::test]
    async fn one_bridge_has_the_connection_and_another_follows_when_it_ends() {
        let place = place(&[]).await;
        let first = bridge(&place, "first");
        first.until(&["begun"]).await;
        let second = bridge(&place, "second");
        assert_eq!(second.runs(), [""; 0]);
        first.stop.cancel();
        first.task.await.unwrap();
        second.until(&["begun"]).await;
        let holder = "SELECT holder || ' ' || fence FROM connection_lease";
        assert_eq!(place.db.one::<String>(holder).await, "second 2");
        // Somebody takes it by force: as if this one had been cut off for too long.
        place
            .db
            .run("UPDATE connection_lease SET holder = 'third', until = now() + interval '1 hour'")
            .await;
        second.until(&["begun", "ended"]).await;
        second.stop.cancel();
        second.task.await.unwrap();
    }
}
