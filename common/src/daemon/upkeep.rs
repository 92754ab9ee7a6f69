//! What every daemon does on the side: says that it lives and that it stops, sends what a crash left
//! in the outbox, forgets what is old.

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

/// Longest a stop waits for a database that may be what is wrong.
const FAREWELL: Duration = Duration::from_secs(5);

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

/// Says that this daemon stops in order, after everything else that it does: nobody takes the stop
/// for a crash then.
pub(super) async fn take_leave(daemon: &str, home: &Home) {
    match tokio::time::timeout(FAREWELL, farewell(daemon, home)).await {
        Ok(Ok(())) => {}
        Ok(Err(e)) => info!(error = %e, "Stops without taking leave; the fleet shows it as silent"),
        Err(_) => info!("Stops without taking leave; the fleet shows it as silent"),
    }
}

async fn farewell(daemon: &str, home: &Home) -> Result {
    let mut conn = home.db.connect().await?;
    let tx = conn.begin().await?;
    frame::farewell(&tx, daemon, &instance()).await?;
    tx.commit().await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::operator;
    use crate::db::testing::TestHome;

    async fn living(home: &Home) -> Vec<String> {
        let mut conn = home.db.connect().await.unwrap();
        let tx = conn.begin().await.unwrap();
        let fleet = operator::fleet(&tx).await.unwrap();
        fleet.into_iter().map(|h| h.daemon).collect()
    }

    #[tokio::test]
    async fn a_daemon_that_stops_in_order_leaves_the_fleet_and_others_stay() {
        let place = TestHome::new().await;
        let home = &place.home;
        home.db.probe("crashed", &instance()).await.unwrap();
        let stop = CancellationToken::new();
        let upkeep = tokio::spawn(run("stops", home.clone(), stop.clone()));
        while !living(home).await.contains(&"stops".to_owned()) {
            tokio::task::yield_now().await;
        }
        stop.cancel();
        upkeep.await.unwrap();
        take_leave("stops", home).await;
        assert_eq!(living(home).await, ["crashed"]);
    }
}
