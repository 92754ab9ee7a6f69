//! What every daemon does on the side: says that it lives, sends what a crash left in the outbox,
//! forgets what is old.

use super::instance;
use crate::Result;
use crate::db::{self, frame};
use crate::home::Home;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often the outbox is looked through.
const SWEEP: Duration = Duration::from_secs(5);

/// Rows younger than this are being sent by whoever wrote them.
const OLD: Duration = Duration::from_secs(5);

/// Every so many sweeps (an hour) old rows are forgotten and partitions made.
const PRUNE: u64 = 720;

/// Every so many sweeps (a minute) a heartbeat is written.
const HEARTBEAT: u64 = 12;

pub(super) async fn run(daemon: &'static str, home: Home, stop: CancellationToken) {
    let mut round = 0;
    loop {
        if let Err(e) = once(daemon, &home, round).await {
            warn!(error = %e, "Upkeep was put off");
        }
        round += 1;
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn once(daemon: &str, home: &Home, round: u64) -> Result {
    let found = home.sweep(OLD).await?;
    if found > 0 {
        info!(found, "Sent what was left in the outbox");
    }
    if round.is_multiple_of(HEARTBEAT) {
        home.db.probe(daemon, &instance()).await?;
    }
    if round.is_multiple_of(PRUNE) {
        prune(home).await?;
    }
    Ok(())
}

async fn prune(home: &Home) -> Result {
    let mut conn = home.db.connect().await?;
    let tx = conn.begin().await?;
    let forgotten = frame::prune(&tx).await?;
    tx.commit().await?;
    if forgotten > 0 {
        info!(forgotten, "Forgot old inbox rows");
    }
    // By itself: neither must keep the other from being done.
    let tx = conn.begin().await?;
    db::reports::partitions(&tx).await?;
    tx.commit().await
}
