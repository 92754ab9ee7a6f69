//! Where an installation lives: its database, its queues, its blobs. One box or AWS, as the
//! settings say; whoever uses it does not know which.

use crate::aws::Sdk;
use crate::blob::Blobs;
use crate::config::{QueueSettings, Settings};
use crate::db::notices::{self, Notice};
use crate::db::{self, Db};
use crate::outbox::Pushed;
use crate::queue::postgres::PgQueue;
use crate::queue::{Entry, Queue, SqsQueue};
use crate::{Result, blob};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tracing::warn;
use uuid::Uuid;

/// The seams of one installation, opened. Clones share everything.
#[derive(Clone)]
pub struct Home {
    /// PostgreSQL.
    pub db: Db,
    /// Queues.
    pub queue: Arc<dyn Queue>,
    /// Blobs.
    pub blobs: Arc<dyn Blobs>,
    /// What the database calls out.
    pub notices: broadcast::Sender<Notice>,
    /// The same without what is said of queues.
    pub changes: broadcast::Sender<Notice>,
    prefix: String,
    /// The outbox is the queue itself: nothing has to be sent after the commit.
    one_box: bool,
}

/// What a transaction wrote to the outbox and must still be said; empty on one box.
#[must_use = "what committed must be said"]
pub struct Unsaid(Vec<(i64, String, Entry)>);

impl Home {
    /// Opens what the settings name. Connects to nothing yet but the listening connection.
    pub async fn open(settings: &Settings, daemon: &str) -> Result<Self> {
        let sdk = Sdk::new();
        let db = Db::open(&settings.database, daemon)?;
        let (notices, changes) = notices::listen_apart(&db);
        let most = settings.frame.max_receives;
        let one_box = matches!(settings.queue, QueueSettings::Postgres {});
        let queue: Arc<dyn Queue> = match &settings.queue {
            QueueSettings::Postgres {} => Arc::new(PgQueue::new(
                db.clone(),
                &settings.prefix,
                most,
                notices.clone(),
            )),
            QueueSettings::Sqs(aws) => Arc::new(SqsQueue::open(settings, aws, &sdk).await),
        };
        let blobs = blob::open(&settings.blob, &sdk).await?;
        Ok(Self {
            db,
            queue,
            blobs,
            notices,
            changes,
            prefix: settings.prefix.clone(),
            one_box,
        })
    }

    /// Queues are a table of the database: a receive brings as many messages as are asked for.
    pub fn is_one_box(&self) -> bool {
        self.one_box
    }

    /// Writes messages in the transaction that decided them.
    pub async fn push(&self, tx: &db::Tx<'_>, pushed: Vec<Pushed>) -> Result<Unsaid> {
        if pushed.is_empty() {
            return Ok(Unsaid(Vec::new()));
        }
        if self.one_box {
            let mut batch = db::queue::Batch::default();
            for message in pushed {
                batch
                    .names
                    .push(format!("{}-{}", self.prefix, message.queue));
                batch.ids.push(message.envelope.id);
                batch.bodies.push(message.envelope.to_json());
                batch.delays.push(message.delay.as_secs_f64());
            }
            db::queue::send(tx, &batch).await?;
            return Ok(Unsaid(Vec::new()));
        }
        let rows: Vec<(&str, Uuid, String, i32)> = pushed
            .iter()
            .map(|p| {
                (
                    p.queue.as_str(),
                    p.envelope.id,
                    p.envelope.to_json(),
                    seconds(p.delay),
                )
            })
            .collect();
        let seqs = db::frame::keep(tx, &rows).await?;
        let unsaid = |(seq, (queue, id, body, delay_s)): (i64, (&str, Uuid, String, i32))| {
            (seq, queue.to_owned(), entry(id, body, delay_s))
        };
        Ok(Unsaid(seqs.into_iter().zip(rows).map(unsaid).collect()))
    }

    /// Says what a committed transaction wrote. What cannot be said now stays in the outbox, where
    /// the sweeper finds it: this never fails.
    pub async fn say(&self, unsaid: Unsaid) {
        if unsaid.0.is_empty() {
            return;
        }
        let said = self.send_each(unsaid.0).await;
        if let Err(e) = self.forget_said(&said).await {
            warn!(error = %e, "Messages were sent but stay in the outbox; they will go twice");
        }
    }

    /// Sends what a crash left in the outbox for longer than `older`; how many rows it found.
    pub async fn sweep(&self, older: Duration) -> Result<usize> {
        if self.one_box {
            return Ok(0);
        }
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        let left = db::frame::left_behind(&tx, older.as_secs_f64()).await?;
        tx.commit().await?;
        // No transaction is open while the outside is called.
        drop(conn);
        let found = left.len();
        let unsaid = left
            .into_iter()
            .map(|w| (w.seq, w.queue, entry(w.id, w.body, w.delay_s)));
        self.say(Unsaid(unsaid.collect())).await;
        Ok(found)
    }

    /// Sends in batches per queue; the rows that the service has confirmed.
    async fn send_each(&self, unsaid: Vec<(i64, String, Entry)>) -> Vec<i64> {
        let mut by_queue: BTreeMap<String, (Vec<i64>, Vec<Entry>)> = BTreeMap::new();
        for (seq, queue, entry) in unsaid {
            let (seqs, entries) = by_queue.entry(queue).or_default();
            seqs.push(seq);
            entries.push(entry);
        }
        let mut said = Vec::new();
        for (queue, (seqs, entries)) in by_queue {
            match self.queue.send(&queue, &entries).await {
                Ok(outcomes) => {
                    for (seq, outcome) in seqs.iter().zip(outcomes) {
                        match outcome {
                            Ok(()) => said.push(*seq),
                            Err(e) => warn!(queue, outbox = seq, error = %e,
                                "A message cannot be sent; the outbox keeps it"),
                        }
                    }
                }
                Err(e) => warn!(queue, error = %e, "Cannot send now; the outbox keeps it"),
            }
        }
        said
    }

    async fn forget_said(&self, said: &[i64]) -> Result {
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        db::frame::spoken(&tx, said).await?;
        tx.commit().await
    }
}

fn entry(id: Uuid, body: String, delay_s: i32) -> Entry {
    Entry {
        id,
        body,
        delay: Duration::from_secs(u64::from(delay_s.unsigned_abs())),
    }
}

fn seconds(delay: Duration) -> i32 {
    i32::try_from(delay.as_secs()).unwrap_or(i32::MAX)
}
