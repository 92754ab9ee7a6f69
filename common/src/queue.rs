//! The queue seam: PostgreSQL on one box, SQS on AWS. Standard-queue semantics in both: at least
//! once, in no promised order, leased for a time, counted, dead letters beside every queue.

pub mod postgres;
mod sqs;

pub use sqs::{REQUESTS, Rules, SqsQueue};

use crate::db::Tx;
use crate::{Failure, Result};
use async_trait::async_trait;
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

/// Most messages in one call. SQS takes ten; PostgreSQL is held to what keeps a transaction short.
pub const BATCH: usize = 10;

/// What both homes can do. Names are logical (`text-input`); the implementation adds the
/// installation's prefix. Every call has an attempt timeout; batch calls answer entry by entry, in
/// the order given, and repeat nothing by themselves that was not refused as "try again".
#[async_trait]
pub trait Queue: Send + Sync {
    /// Takes up to `most` messages and leases them for `lease`; waits up to `wait` for the first.
    async fn receive(&self, name: &str, ask: Ask) -> Result<Vec<Received>>;

    /// Puts messages on a queue; one outcome each. The same id may be on the queue twice.
    async fn send(&self, name: &str, entries: &[Entry]) -> Result<Vec<Result>>;

    /// Deletes what was handled. A receipt that is out of date counts as done: the message comes
    /// again and its inbox row turns that into nothing.
    async fn delete(&self, name: &str, receipts: &[Receipt]) -> Result<Vec<Result>>;

    /// Deletes what was handled in the transaction that keeps what it caused; false where the home
    /// cannot do that, and the messages are to be deleted after the commit. A receipt that is out
    /// of date deletes nothing.
    async fn delete_with(&self, _tx: &Tx<'_>, _receipts: &[Receipt]) -> Result<bool> {
        Ok(false)
    }

    /// Sets the lease to `lease` from now; zero hands the message back at once.
    async fn extend(
        &self,
        name: &str,
        receipts: &[Receipt],
        lease: Duration,
    ) -> Result<Vec<Result>>;

    /// Hands messages back, to be received after a pause, without counting the receive where the
    /// home can (SQS cannot: there the pause keeps them from wearing out).
    async fn give_back(
        &self,
        name: &str,
        receipts: &[Receipt],
        after: Duration,
    ) -> Result<Vec<Result>>;

    /// Moves one message to the dead letters with the reason and its raw body, then deletes it.
    async fn bury(&self, name: &str, message: &Received, reason: &str) -> Result;

    /// What an operator, and a starting daemon, must know of a queue; `None` when it is missing.
    async fn facts(&self, name: &str) -> Result<Option<Facts>>;

    /// Makes a queue and its dead letters, or finds that they exist; says which.
    async fn create(&self, name: &str) -> Result<Created>;

    /// Names of this installation's queues without prefix, dead letters (`<name>-dead`) included.
    async fn list(&self) -> Result<Vec<String>>;

    /// Looks at up to `most` messages without taking them (SQS: taken and handed back at once, so
    /// their receive count grows).
    async fn peek(&self, name: &str, most: usize) -> Result<Vec<Received>>;
}

/// What a receive asks for.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// At most so many messages; never more than there are free hands.
    pub most: usize,
    /// How long to wait for the first.
    pub wait: Duration,
    /// How long they are ours.
    pub lease: Duration,
}

/// Proof that we hold a message; changes with every receive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receipt(pub String);

/// A message in hand.
#[derive(Debug, Clone)]
pub struct Received {
    /// The queue's own id of the message.
    pub id: String,
    /// Proof that we hold it.
    pub receipt: Receipt,
    /// The raw body; perhaps an envelope.
    pub body: String,
    /// How many times it was received, this time included.
    pub receives: u32,
    /// When it was first put on a queue, where the home tells.
    pub sent_at: Option<jiff::Timestamp>,
    /// Why it is here, when this is a dead letter.
    pub reason: Option<String>,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The envelope's id; names the entry in a batch.
    pub id: Uuid,
    /// The envelope as it travels.
    pub body: String,
    /// Not to be received before this has passed; at most 15 minutes (SQS).
    pub delay: Duration,
}

/// What is known of a queue. Counts are approximate on SQS.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// Waiting to be received.
    pub waiting: u64,
    /// Received and not yet deleted.
    pub in_flight: u64,
    /// Not yet due.
    pub delayed: u64,
    /// Age of the oldest waiting message in seconds, where the home tells.
    pub oldest_s: Option<u64>,
    /// Where messages go that were received too often; a queue without it is refused at start.
    pub redrive: Option<Redrive>,
}

/// A queue's dead-letter rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Redrive {
    /// Logical name of the dead-letter queue.
    pub dead: String,
    /// After so many receives.
    pub max_receives: u32,
}

/// What `create` found or made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Created {
    /// The queue's full name.
    pub name: String,
    /// Did not exist before.
    pub made: bool,
    /// Full name of its dead letters; `None` for a dead-letter queue itself.
    pub dead: Option<String>,
    /// The dead letters did not exist before.
    pub dead_made: bool,
    /// Where what exists is not as it would be made, and what was done about it, for operators.
    pub notes: Vec<String>,
}

/// Name of the dead letters of a queue.
pub fn dead_name(name: &str) -> String {
    format!("{name}-dead")
}

/// Keeps the first failure of a batch's entries, for callers that cannot treat them one by one.
pub fn all_done(outcomes: Vec<Result>) -> Result {
    outcomes
        .into_iter()
        .collect::<std::result::Result<Vec<()>, Failure>>()
        .map(drop)
}
