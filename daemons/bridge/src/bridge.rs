//! Joins channels, adapters and queues, and looks after them while the bridge runs.

use crate::adapter::{Adapter, Parts};
use crate::adapters;
use crate::connection::Connection;
use crate::handlers::TextOutputDeliverer;
use crate::lmtp::{self, Desk};
use crate::pace::Pace;
use crate::port::Port;
use crate::secrets::Secrets;
use crate::spool::Spool;
use crate::ways::Ways;
use crate::webhooks::{self, Route, Webhooks};
use common::channel::Channel;
use common::config::Bridge;
use common::daemon::Daemon;
use common::db::{Db, people, pieces};
use common::home::Home;
use common::{Failure, Result};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// How channels do is looked at so often.
const LOOK: Duration = Duration::from_secs(2);

/// Whether a connection came or went is looked at so often.
const GLANCE: Duration = Duration::from_millis(100);

/// Old pieces are looked for so often.
const FORGET: Duration = Duration::from_secs(3600);

/// Networks give up parts that they cannot bring after two days.
const PARTS_HOURS: i32 = 48;

/// Longest a stop waits for connections to end in order.
const FAREWELL: Duration = Duration::from_secs(5);

/// One channel that runs here.
#[derive(Clone)]
struct Run {
    channel: Arc<Channel>,
    adapter: Arc<dyn Adapter>,
    port: Arc<Port>,
}

/// Opens all channels and declares what takes their queues.
pub async fn start(d: &mut Daemon) -> Result {
    let config = d.settings().bridge.clone();
    let channels = config.checked()?.running()?;
    let ways = Arc::new(Ways::new(channels.clone()));
    let mut running = Vec::new();
    for channel in channels.values() {
        running.push(open(channel, &config, d)?);
    }
    let listening = listening(&running, config.listen).await?;
    known(&running, d.home()).await?;
    for run in &running {
        d.deliver_from(&run.channel.queue(), deliverer(run, &ways, d));
    }
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    for run in &running {
        tasks.spawn(connection(run, d).run(stop.clone()));
    }
    if let Some((listener, webhooks)) = listening {
        tasks.spawn(webhooks.serve(listener, stop.clone()));
    }
    tasks.spawn(look_after(ways, running, d.home().clone(), stop.clone()));
    tasks.spawn(forget(config.keep_days, d.home().db.clone(), stop.clone()));
    if let Some(place) = &config.lmtp {
        let desk = Desk::new(Arc::new(d.home().clone()), d.settings().mail.max_bytes);
        lmtp::start(place, desk, &tasks, stop.clone()).await?;
    }
    tasks.close();
    d.at_end(move || {
        let (stop, tasks) = (stop.clone(), tasks.clone());
        async move {
            stop.cancel();
            // What is not ended by then ends with the process, and its lease by itself.
            let _ = tokio::time::timeout(FAREWELL, tasks.wait()).await;
            Ok(())
        }
    });
    Ok(())
}

fn open(channel: &Arc<Channel>, config: &Bridge, d: &Daemon) -> Result<Run> {
    let secrets = Secrets(config.secrets.clone());
    let adapter = adapters::of(&Parts {
        channel,
        secrets: &secrets,
    })?;
    let spool = Spool::open(&config.spool.join(&channel.channel), config.spool_most)?;
    let country = &d.settings().engine.country_code;
    let port = Arc::new(Port::new(channel.clone(), d.home().clone(), spool, country));
    adapter.attach(&port);
    Ok(Run {
        channel: channel.clone(),
        adapter,
        port,
    })
}

/// Listens for providers, where a channel has one that brings something.
async fn listening(
    running: &[Run],
    at: Option<SocketAddr>,
) -> Result<Option<(TcpListener, Webhooks)>> {
    let route = |run: &Run| {
        let hook = run.adapter.webhook()?;
        let port = run.port.clone();
        Some((run.channel.channel.clone(), Route { hook, port }))
    };
    let routes: BTreeMap<String, Route> = running.iter().filter_map(route).collect();
    let Some(at) = at else {
        return match routes.keys().next() {
            None => Ok(None),
            Some(channel) => Err(Failure::quarantine(format!(
                "key `bridge.listen`: is missing, and the provider of channel {channel} brings \
                 texts or receipts there"
            ))),
        };
    };
    Ok(Some((webhooks::bind(at).await?, Webhooks::new(routes))))
}

/// Everybody who looks for a way to somebody knows these channels.
async fn known(running: &[Run], home: &Home) -> Result {
    let mut conn = home.db.connect().await?;
    let tx = conn.begin().await?;
    for Run { channel, .. } in running {
        people::put_channel(&tx, &channel.channel, &channel.address, channel.default).await?;
    }
    tx.commit().await
}

fn deliverer(run: &Run, ways: &Arc<Ways>, d: &Daemon) -> TextOutputDeliverer {
    TextOutputDeliverer {
        channel: run.channel.clone(),
        adapter: run.adapter.clone(),
        ways: ways.clone(),
        pace: Pace::new(&run.channel.pace),
        home: d.home().clone(),
        engine: d.settings().engine.clone(),
    }
}

fn connection(run: &Run, d: &Daemon) -> Connection {
    Connection {
        name: run.channel.channel.clone(),
        holder: common::daemon::instance(),
        adapter: run.adapter.clone(),
        port: run.port.clone(),
        db: d.home().db.clone(),
    }
}

/// Forgets what is old, once an hour.
async fn forget(days: u32, db: Db, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match forgotten(days, &db).await {
            Ok(0) => {}
            Ok(lost) => warn!(lost, "Gave up texts of which parts never came"),
            Err(e) => warn!(error = %e, "Old pieces of texts were not forgotten yet"),
        }
        tokio::select! {
            () = tokio::time::sleep(FORGET) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn forgotten(days: u32, db: &Db) -> Result<u64> {
    let mut conn = db.connect().await?;
    let tx = conn.begin().await?;
    let lost = pieces::forget_old(&tx, PARTS_HOURS).await?;
    pieces::prune(&tx, days).await?;
    tx.commit().await?;
    Ok(lost)
}

/// Says what is connected here, and follows how all channels do.
async fn look_after(ways: Arc<Ways>, running: Vec<Run>, home: Home, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let served: Vec<_> = running
            .iter()
            .map(|run| (run.channel.clone(), run.adapter.ready()))
            .collect();
        match ways.judge(&home.db, &served).await {
            Ok(changed) => {
                for (channel, health) in changed {
                    info!(channel, health = health.name(), "A channel changed");
                }
            }
            Err(e) => warn!(error = %e, "Cannot look how the channels do"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = connected_anew(&running, &served) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Returns when a channel got or lost its connection since it was served like this, so that its
/// first text does not wait for the next look.
async fn connected_anew(running: &[Run], served: &[(Arc<Channel>, bool)]) {
    let same = |(run, (_, ready)): (&Run, &(Arc<Channel>, bool))| run.adapter.ready() == *ready;
    while running.iter().zip(served).all(same) {
        tokio::time::sleep(GLANCE).await;
    }
}
