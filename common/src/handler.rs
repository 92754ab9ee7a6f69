//! What a daemon gives the frame: handlers, which decide, and deliverers, which hand something to
//! the outside world.

use crate::db::Tx;
use crate::envelope::Envelope;
use crate::messages::Message;
use crate::outbox::Outbox;
use crate::transport::Outcome;
use crate::{Failure, Result};
use std::future::Future;
use std::ops::Deref;

/// A message with the envelope that it came in. Reads like the message itself.
#[derive(Debug)]
pub struct Incoming<M> {
    /// Id, trace and time of the envelope.
    pub envelope: Envelope,
    /// The body.
    pub message: M,
    /// How many times this message was received, this time included.
    pub receives: u32,
}

impl<M> Deref for Incoming<M> {
    type Target = M;
    fn deref(&self) -> &M {
        &self.message
    }
}

/// When a message is applied, among those that share its transaction. Lanes of one turn go on at
/// the same time, their statements mixed, so they must not depend on each other; within a lane the
/// order is that of arrival; a turn begins when the one before it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// Whose message it is: those of one sender keep their order, whatever their lanes.
    pub of: i64,
    /// Lower ones first.
    pub turn: u8,
    /// Names the lane within its turn.
    pub number: i64,
}

impl Lane {
    /// One by one after all others: for what may depend on anything.
    pub fn last(of: i64) -> Self {
        let (turn, number) = (u8::MAX, 0);
        Self { of, turn, number }
    }
}

/// Decides what a message means. `prepare` may be slow and touch the outside; `apply` writes rows
/// and pushes messages, inside the transaction that also holds the inbox row.
///
/// Both may run again for one message (a lost race, a lost connection): `prepare` must leave
/// nothing behind that a second run would double. What `apply` does is kept once.
pub trait Handler: Send + Sync + 'static {
    /// What it takes.
    type Message: Message;
    /// What `prepare` hands to `apply`.
    type Prepared: Send + Sync + 'static;

    /// So many times the usual number of messages are in hand and share a transaction, where a
    /// receive can bring so many: for messages that are small and decided at once.
    const TIMES: usize = 1;

    /// Everything slow: no transaction is open.
    fn prepare(
        &self,
        message: &Incoming<Self::Message>,
    ) -> impl Future<Output = Result<Self::Prepared>> + Send;

    /// Which messages of one transaction this one may be applied beside; without it, none.
    fn lane(&self, _message: &Incoming<Self::Message>, _prepared: &Self::Prepared) -> Lane {
        Lane::last(0)
    }

    /// Rows of ours, messages for others; no network. An `Err` rolls all of it back; a `Reject`
    /// is then told to the sender by `rejected`.
    fn apply(
        &self,
        message: &Incoming<Self::Message>,
        prepared: Self::Prepared,
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> impl Future<Output = Result> + Send;

    /// Stores a rejection and tells the sender, after `apply` (or `prepare`) returned `Reject` and
    /// was rolled back. Without it a rejected message goes to the dead letters.
    fn rejected(
        &self,
        _message: &Incoming<Self::Message>,
        failure: &Failure,
        _tx: &Tx<'_>,
        _out: &mut Outbox,
    ) -> impl Future<Output = Result> + Send {
        let nobody = Failure::quarantine(failure);
        async { Err(nobody) }
    }
}

/// Hands something to the outside world: claims it in a committed row, calls, records what came
/// of it. A redelivery finds the row, so nothing goes out twice unless a policy says so. A message
/// whose outcome is not known comes back as well: its next claim applies that policy.
pub trait Deliverer: Send + Sync + 'static {
    /// What it takes.
    type Message: Message;
    /// What `claim` hands to `deliver`.
    type Job: Send + Sync + 'static;

    /// Decides in a transaction of its own whether to deliver, and writes the claim.
    fn claim(
        &self,
        message: &Incoming<Self::Message>,
        tx: &Tx<'_>,
    ) -> impl Future<Output = Result<Claim<Self::Job>>> + Send;

    /// Calls the outside, with no transaction open.
    fn deliver(
        &self,
        message: &Incoming<Self::Message>,
        job: &Self::Job,
    ) -> impl Future<Output = Outcome> + Send;

    /// Records the outcome in a transaction of its own.
    fn record(
        &self,
        message: &Incoming<Self::Message>,
        outcome: &Outcome,
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> impl Future<Output = Result> + Send;

    /// May anything be delivered now? Asked before each receive; a pause means that a rate or a
    /// quota is used up, and that nothing is received until it has passed.
    fn ready(&self) -> impl Future<Output = Result<Option<std::time::Duration>>> + Send {
        async { Ok(None) }
    }

    /// Finds out whether the outside can be reached again, after it was waited for.
    fn probe(&self) -> impl Future<Output = Result> + Send {
        async { Ok(()) }
    }
}

/// What a deliverer's claim came to.
#[derive(Debug)]
pub enum Claim<J> {
    /// Claimed: deliver it.
    Go(J),
    /// Nothing to do any more: sent, refused, suppressed or expired; the message is deleted.
    Done,
    /// Not now (rate, quota): the message comes back after this pause, uncounted where the home can.
    Later(std::time::Duration),
}

/// A body on a queue that is no envelope of ours (SES, S3 and SNS notices), made into messages.
pub enum Foreign {
    /// One envelope each, with ids that follow from the notice, so that a notice that comes twice
    /// gives the same ids.
    Messages(Vec<Envelope>),
    /// Known and without meaning for us, such as a test event.
    Ignore(&'static str),
}

/// Turns a foreign body into messages; an error is quarantined with the raw body.
pub type Adopt = std::sync::Arc<dyn Fn(&str) -> Result<Foreign> + Send + Sync>;
