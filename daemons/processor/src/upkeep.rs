//! What the processor does by the clock: tells again what nobody answered, and tells in one text
//! what was held, and forgets what is too old.

mod housekeeping;

use crate::config::Config;
use crate::handlers::alerts;
use common::daemon::Daemon;
use common::db::Db;
use common::engine::{Engine, Look, Wording};
use common::home::Home;
use common::outbox::Outbox;
use common::{Failure, Result};
use housekeeping::Housekeeping;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Receivers whose held alerts one round tells; more wait for the next.
const RECEIVERS: usize = 200;

/// Begins all of it; it ends with the process.
pub fn start(engine: &Arc<Engine>, d: &Daemon) -> Result {
    tokio::spawn(Upkeep::new(engine.clone(), d)?.run());
    tokio::spawn(Housekeeping::new(engine.clone(), d).run());
    Ok(())
}

/// Everything that alerts by the clock need.
pub struct Upkeep {
    engine: Arc<Engine>,
    home: Home,
    wording: Wording,
    zone: TimeZone,
    every: Duration,
}

impl Upkeep {
    /// With the engine that decides.
    pub fn new(engine: Arc<Engine>, d: &Daemon) -> Result<Self> {
        let config: Config = d.section("processor", &d.settings().processor)?;
        let zone = TimeZone::get(&config.time_zone)
            .map_err(|e| Failure::quarantine(format!("settings key `processor.time_zone`: {e}")))?;
        Ok(Self {
            engine,
            home: d.home().clone(),
            wording: Wording::of(&d.settings().engine),
            zone,
            every: Duration::from_secs(config.clock_s.max(1)),
        })
    }

    /// Does it again and again. May be broken off anywhere, and many may do it at once. The first
    /// look comes after a pause: answers that waited while nobody ran are taken in before.
    pub async fn run(self) {
        loop {
            tokio::time::sleep(self.every).await;
            if let Err(e) = self.raise().await {
                warn!(error = %e, "Alerts that nobody answered were not told again yet");
            }
            if let Err(e) = self.bundle().await {
                warn!(error = %e, "Alerts that are held were not told yet");
            }
        }
    }

    /// Takes all steps that are due.
    async fn raise(&self) -> Result {
        loop {
            let mut conn = self.db().connect().await?;
            let tx = conn.begin().await?;
            let raised = self.engine.raise_due(&tx, &self.zone).await?;
            let now = Timestamp::now();
            let mut pushed = Vec::new();
            for one in &raised {
                let mut out = Outbox::on_behalf(one.message, one.trace, now);
                alerts::send(&one.alerts, &self.wording, &mut out);
                pushed.extend(out.into_pushed());
            }
            let told = pushed.len();
            let unsaid = self.home.push(&tx, pushed).await?;
            tx.commit().await?;
            drop(conn);
            self.home.say(unsaid).await;
            if raised.is_empty() {
                return Ok(());
            }
            info!(
                count = raised.len(),
                told, "Went on with urgent cases that were due"
            );
        }
    }

    /// Tells what is held and due, one receiver at a time.
    async fn bundle(&self) -> Result {
        for _ in 0..RECEIVERS {
            let mut conn = self.db().connect().await?;
            let tx = conn.begin().await?;
            let mut pushed = Vec::new();
            let look = self.engine.bundle_due(&tx, &self.zone).await?;
            if let Look::Tell(bundle) = &look {
                let mut out = Outbox::on_behalf(bundle.id, bundle.id, Timestamp::now());
                alerts::send(std::slice::from_ref(bundle), &self.wording, &mut out);
                pushed = out.into_pushed();
            }
            let unsaid = self.home.push(&tx, pushed).await?;
            tx.commit().await?;
            drop(conn);
            self.home.say(unsaid).await;
            if matches!(look, Look::Done) {
                break;
            }
        }
        Ok(())
    }

    fn db(&self) -> &Db {
        &self.home.db
    }
}
