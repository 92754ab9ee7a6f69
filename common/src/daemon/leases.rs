//! Leases are renewed while work goes on, by one task per queue. No renewal of a message is under way
//! when it is put off, or deleted by a call of its own; a transaction that deletes it is passed over
//! by the renewal instead (FAILURES Q1-Q4).

use crate::queue::{Queue, Receipt, Received};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{debug, warn};

/// SQS cannot keep a message from others for longer than 12 h after its receive; we stop renewing
/// an hour earlier. A job's time limit is far below.
const MOST: Duration = Duration::from_secs(11 * 3600);

/// The messages in hand of one queue. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Leases {
    held: Arc<Mutex<HashMap<Receipt, Held>>>,
}

struct Held {
    id: String,
    since: Instant,
}

impl Leases {
    /// These are in hand from now on.
    pub async fn hold(&self, received: &[Received]) {
        let since = Instant::now();
        let held = |m: &Received| {
            let id = m.id.clone();
            (m.receipt.clone(), Held { id, since })
        };
        self.held.lock().await.extend(received.iter().map(held));
    }

    /// These are about to be deleted or put off. No renewal of them is under way when this
    /// returns, and none follows.
    pub async fn let_go(&self, receipts: &[Receipt]) {
        let mut held = self.held.lock().await;
        for receipt in receipts {
            held.remove(receipt);
        }
    }

    /// All that is still in hand, with the queue's ids, and lets go of it.
    pub async fn drain(&self) -> (Vec<Receipt>, Vec<String>) {
        let mut held = self.held.lock().await;
        held.drain()
            .map(|(receipt, held)| (receipt, held.id))
            .unzip()
    }

    /// One round of renewals. The lock is held across the call: that is what `let_go` waits for.
    pub async fn renew(&self, queue: &dyn Queue, name: &str, lease: Duration) {
        let mut held = self.held.lock().await;
        held.retain(|_, held| held.since.elapsed() < MOST);
        let receipts: Vec<Receipt> = held.keys().cloned().collect();
        if receipts.is_empty() {
            return;
        }
        match queue.extend(name, &receipts, lease).await {
            Ok(outcomes) => {
                for failed in outcomes.iter().filter_map(|o| o.as_ref().err()) {
                    warn!(queue = name, error = %failed, "A lease was not renewed");
                }
                debug!(queue = name, renewed = receipts.len(), "Renewed leases");
            }
            Err(e) => warn!(queue = name, error = %e, "Leases were not renewed"),
        }
    }
}
