//! The one-box home: a table, `FOR UPDATE SKIP LOCKED`, and `LISTEN/NOTIFY` to wake.

use super::{Ask, Created, Entry, Facts, Queue, Receipt, Received, dead_name};
use crate::db::notices::Notice;
use crate::db::{self, Db};
use crate::{Failure, Result};
use async_trait::async_trait;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout_at};

/// A delayed message is not announced when it falls due: a waiting poller looks this often.
const LOOK: Duration = Duration::from_secs(1);

/// Queues in the database.
pub struct PgQueue {
    db: Db,
    prefix: String,
    max_receives: u32,
    notices: broadcast::Sender<Notice>,
}

impl PgQueue {
    /// Queues of one installation. After `max_receives` receives a message goes to the dead
    /// letters instead of coming again.
    pub fn new(
        db: Db,
        prefix: &str,
        max_receives: u32,
        notices: broadcast::Sender<Notice>,
    ) -> Self {
        Self {
            db,
            prefix: prefix.to_owned(),
            max_receives,
            notices,
        }
    }

    /// A queue's name in the table.
    pub fn full(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// One look; what was received too often is buried on the way, as SQS does it.
    async fn take(&self, name: &str, ask: Ask) -> Result<Vec<Received>> {
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        let lease_s = ask.lease.as_secs_f64();
        let mut taken = db::queue::receive(&tx, &self.full(name), ask.most, lease_s).await?;
        let redriven = !name.ends_with("-dead");
        for worn in taken.extract_if(.., |m| redriven && m.receives > self.max_receives) {
            let reason = format!("received {} times without success", self.max_receives);
            let dead = self.full(&dead_name(name));
            db::queue::bury(&tx, &worn.receipt, &dead, &reason).await?;
        }
        tx.commit().await?;
        Ok(taken)
    }

    async fn each(
        &self,
        count: usize,
        work: impl AsyncFnOnce(&db::Tx<'_>) -> Result<u64>,
    ) -> Result<Vec<Result>> {
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        work(&tx).await?;
        tx.commit().await?;
        Ok(vec![Ok(()); count])
    }
}

#[async_trait]
impl Queue for PgQueue {
    async fn receive(&self, name: &str, ask: Ask) -> Result<Vec<Received>> {
        let mut notices = self.notices.subscribe();
        let until = Instant::now() + ask.wait;
        loop {
            let taken = self.take(name, ask).await?;
            let now = Instant::now();
            if !taken.is_empty() || now >= until {
                return Ok(taken);
            }
            wait_for(&mut notices, &self.full(name), until.min(now + LOOK)).await;
        }
    }

    async fn send(&self, name: &str, entries: &[Entry]) -> Result<Vec<Result>> {
        if self.facts(name).await?.is_none() {
            let full = self.full(name);
            let remedy = "make it with `kentongan queues create`";
            return Err(Failure::retry(format!(
                "queue {full} does not exist: {remedy}"
            )));
        }
        let mut batch = db::queue::Batch::default();
        for entry in entries {
            batch.names.push(self.full(name));
            batch.ids.push(entry.id);
            batch.bodies.push(entry.body.clone());
            batch.delays.push(entry.delay.as_secs_f64());
        }
        self.each(entries.len(), async |tx| {
            db::queue::send(tx, &batch).await.map(|()| 0)
        })
        .await
    }

    async fn delete(&self, _name: &str, receipts: &[Receipt]) -> Result<Vec<Result>> {
        self.each(receipts.len(), async |tx| {
            db::queue::delete(tx, receipts).await
        })
        .await
    }

    async fn delete_with(&self, tx: &db::Tx<'_>, receipts: &[Receipt]) -> Result<bool> {
        db::queue::delete(tx, receipts).await.map(|_| true)
    }

    async fn extend(
        &self,
        _name: &str,
        receipts: &[Receipt],
        lease: Duration,
    ) -> Result<Vec<Result>> {
        let lease_s = lease.as_secs_f64();
        let extend = async |tx: &db::Tx<'_>| db::queue::extend(tx, receipts, lease_s, false).await;
        self.each(receipts.len(), extend).await
    }

    async fn give_back(
        &self,
        _name: &str,
        receipts: &[Receipt],
        after: Duration,
    ) -> Result<Vec<Result>> {
        let after_s = after.as_secs_f64();
        let back = async |tx: &db::Tx<'_>| db::queue::extend(tx, receipts, after_s, true).await;
        self.each(receipts.len(), back).await
    }

    async fn bury(&self, name: &str, message: &Received, reason: &str) -> Result {
        let dead = self.full(&dead_name(name));
        let bury =
            async |tx: &db::Tx<'_>| db::queue::bury(tx, &message.receipt, &dead, reason).await;
        self.each(1, bury).await.map(drop)
    }

    async fn facts(&self, name: &str) -> Result<Option<Facts>> {
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        let facts = db::queue::facts(&tx, &self.full(name)).await?;
        tx.commit().await?;
        Ok(facts)
    }

    async fn create(&self, name: &str) -> Result<Created> {
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        let (full, dead) = (self.full(name), self.full(&dead_name(name)));
        if name.ends_with("-dead") {
            // Dead letters have no dead letters of their own.
            let made = db::queue::create(&tx, &full, None, 0).await?;
            tx.commit().await?;
            let notes = Vec::new();
            return Ok(Created {
                name: full,
                made,
                dead: None,
                dead_made: false,
                notes,
            });
        }
        let dead_made = db::queue::create(&tx, &dead, None, 0).await?;
        let dead_logical = dead_name(name);
        let made = db::queue::create(&tx, &full, Some(&dead_logical), self.max_receives).await?;
        tx.commit().await?;
        Ok(Created {
            name: full,
            made,
            dead: Some(dead),
            dead_made,
            notes: Vec::new(),
        })
    }

    async fn list(&self) -> Result<Vec<String>> {
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        let names = db::queue::list(&tx).await?;
        tx.commit().await?;
        let ours = |name: &String| {
            name.strip_prefix(&format!("{}-", self.prefix))
                .map(String::from)
        };
        Ok(names.iter().filter_map(ours).collect())
    }

    async fn peek(&self, name: &str, most: usize) -> Result<Vec<Received>> {
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        let seen = db::queue::peek(&tx, &self.full(name), most).await?;
        tx.commit().await?;
        Ok(seen)
    }
}

/// Until something is put on this queue, the connection was lost, or the time is up.
async fn wait_for(notices: &mut broadcast::Receiver<Notice>, name: &str, until: Instant) {
    while let Ok(heard) = timeout_at(until, notices.recv()).await {
        match heard {
            Ok(Notice::Queue(queue)) if queue != name => {}
            Ok(Notice::Changed(_)) => {}
            _ => return,
        }
    }
}
