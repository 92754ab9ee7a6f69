//! What the mailer does on the side: looks how much may be sent now, forgets what is old.

use crate::allowance::Allowance;
use crate::config::Mailer;
use crate::limits;
use common::Result;
use common::db::{Db, deliveries};
use common::transport::Transport;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Providers raise limits within days and lower them at once.
const EVERY: Duration = Duration::from_secs(3600);

/// What did not work is tried again.
const SOON: Duration = Duration::from_secs(300);

/// Everything that it needs.
pub struct Upkeep {
    pub(crate) db: Db,
    pub(crate) settings: Mailer,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) allowance: Arc<Allowance>,
}

impl Upkeep {
    /// Does it again and again. May be broken off anywhere.
    pub async fn run(self) {
        let mut pause = SOON;
        loop {
            tokio::time::sleep(pause).await;
            pause = if self.once().await { EVERY } else { SOON };
        }
    }

    /// One round; false when a part of it should be tried again soon.
    pub(crate) async fn once(&self) -> bool {
        let transport = self.transport.as_ref();
        let refreshed = limits::refresh(&self.settings, transport, &self.allowance).await;
        let pruned = self.prune().await;
        if let Err(e) = &pruned {
            warn!(error = %e, "Old deliveries were not forgotten yet");
        }
        refreshed && pruned.is_ok()
    }

    async fn prune(&self) -> Result {
        let mut all = 0;
        loop {
            let mut conn = self.db.connect().await?;
            let tx = conn.begin().await?;
            let forgotten = deliveries::prune(&tx, self.settings.keep_days).await?;
            tx.commit().await?;
            all += forgotten;
            if forgotten < deliveries::PRUNED_AT_ONCE {
                break;
            }
        }
        if all > 0 {
            info!(forgotten = all, "Forgot old deliveries");
        }
        Ok(())
    }
}
