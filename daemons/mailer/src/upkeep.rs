//! What the mailer does on the side: looks how much may be sent now.

use crate::allowance::Allowance;
use crate::config::Mailer;
use crate::limits;
use common::transport::Transport;
use std::sync::Arc;
use std::time::Duration;

/// Providers raise limits within days and lower them at once.
const EVERY: Duration = Duration::from_secs(3600);

/// What did not work is tried again.
const SOON: Duration = Duration::from_secs(300);

/// Everything that it needs.
pub struct Upkeep {
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
        limits::refresh(&self.settings, self.transport.as_ref(), &self.allowance).await
    }
}
