//! Handlers and deliverers as the frame sees them: without their types, and with their panics
//! caught.

use crate::db::{Tx, frame};
use crate::envelope::Envelope;
use crate::handler::{Claim, Deliverer, Handler, Incoming, Lane};
use crate::home::Home;
use crate::messages::Message;
use crate::outbox::Outbox;
use crate::transport::Outcome;
use crate::{Failure, Result};
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;

/// What the frame does with one envelope.
#[async_trait]
pub(super) trait Work: Send + Sync {
    /// Wire name of what it takes.
    fn kind(&self) -> &'static str;

    /// See [`Handler::TIMES`].
    fn times(&self) -> usize;

    /// The slow part; what comes back is applied in the group's transaction.
    async fn prepare(&self, envelope: Envelope, receives: u32) -> Result<Box<dyn Ready>>;

    /// Is the outside that it calls there again?
    async fn probe(&self) -> Result;
}

/// A message whose slow part is done.
#[async_trait]
pub(super) trait Ready: Send + Sync {
    /// See [`Handler::lane`].
    fn lane(&self) -> Lane;

    /// Why the slow part rejected the message, if it did.
    fn rejection(&self) -> Option<Failure>;

    /// The fast part. Called once.
    async fn apply(&mut self, tx: &Tx<'_>, out: &mut Outbox) -> Result;

    /// Tells the sender of a rejection.
    async fn rejected(&self, failure: &Failure, tx: &Tx<'_>, out: &mut Outbox) -> Result;
}

pub(super) struct Handling<H>(pub std::sync::Arc<H>);

struct Handled<H: Handler> {
    handler: std::sync::Arc<H>,
    message: Incoming<H::Message>,
    /// Or why the slow part rejected the message: told by `rejected`, in the transaction.
    prepared: Option<Result<H::Prepared>>,
    lane: Lane,
}

#[async_trait]
impl<H: Handler> Work for Handling<H> {
    fn kind(&self) -> &'static str {
        H::Message::KIND
    }

    fn times(&self) -> usize {
        H::TIMES
    }

    async fn prepare(&self, envelope: Envelope, receives: u32) -> Result<Box<dyn Ready>> {
        let message = envelope.message()?;
        let message = Incoming {
            envelope,
            message,
            receives,
        };
        let prepared = match self.0.prepare(&message).await {
            Err(e) if !matches!(e.verdict, crate::Verdict::Reject(_)) => return Err(e),
            prepared => prepared,
        };
        let lane = match &prepared {
            Ok(prepared) => self.0.lane(&message, prepared),
            Err(_) => Lane::last(0),
        };
        Ok(Box::new(Handled {
            handler: self.0.clone(),
            message,
            prepared: Some(prepared),
            lane,
        }))
    }

    async fn probe(&self) -> Result {
        Ok(())
    }
}

#[async_trait]
impl<H: Handler> Ready for Handled<H> {
    fn lane(&self) -> Lane {
        self.lane
    }

    fn rejection(&self) -> Option<Failure> {
        self.prepared.as_ref()?.as_ref().err().cloned()
    }

    async fn apply(&mut self, tx: &Tx<'_>, out: &mut Outbox) -> Result {
        let twice = || Err(Failure::retry("applied a second time"));
        let prepared = self.prepared.take().unwrap_or_else(twice)?;
        self.handler.apply(&self.message, prepared, tx, out).await
    }

    async fn rejected(&self, failure: &Failure, tx: &Tx<'_>, out: &mut Outbox) -> Result {
        self.handler.rejected(&self.message, failure, tx, out).await
    }
}

/// How one delivery went on.
pub(super) enum Step {
    /// Recorded, or nothing to do any more.
    Done,
    /// Rate or quota used up.
    Later(Duration),
}

/// What the frame does with one envelope that goes outside.
#[async_trait]
pub(super) trait Delivery: Send + Sync {
    fn kind(&self) -> &'static str;
    async fn deliver(&self, given: Given<'_>) -> Result<Step>;
    async fn ready(&self) -> Result<Option<Duration>>;
    async fn probe(&self) -> Result;
}

/// A delivery's envelope and what it needs.
pub(super) struct Given<'a> {
    pub envelope: Envelope,
    pub receives: u32,
    pub home: &'a Home,
    pub limit: Duration,
}

pub(super) struct Delivering<D>(pub D);

#[async_trait]
impl<D: Deliverer> Delivery for Delivering<D> {
    fn kind(&self) -> &'static str {
        D::Message::KIND
    }

    async fn deliver(&self, given: Given<'_>) -> Result<Step> {
        let Given {
            envelope,
            receives,
            home,
            limit,
        } = given;
        let message = envelope.message()?;
        let message = Incoming {
            envelope,
            message,
            receives,
        };
        let mut conn = home.db.connect().await?;
        let tx = conn.begin().await?;
        let claim = self.0.claim(&message, &tx).await?;
        tx.commit().await?;
        drop(conn);
        let job = match claim {
            Claim::Go(job) => job,
            Claim::Done => return Ok(Step::Done),
            Claim::Later(pause) => return Ok(Step::Later(pause)),
        };
        let late = || Outcome::Unknown {
            reason: format!("no answer within {limit:?}"),
        };
        let outcome = tokio::time::timeout(limit, self.0.deliver(&message, &job)).await;
        let outcome = outcome.unwrap_or_else(|_| late());
        self.record(home, &message, &outcome).await?;
        match outcome {
            Outcome::NotSent(failure) => Err(failure),
            // The message comes back, and the next claim finds the row: whether to send again is
            // the deliverer's policy.
            Outcome::Unknown { reason } => Err(Failure::retry(reason)),
            Outcome::Sent { .. } | Outcome::Refused { .. } => Ok(Step::Done),
        }
    }

    async fn ready(&self) -> Result<Option<Duration>> {
        self.0.ready().await
    }

    async fn probe(&self) -> Result {
        self.0.probe().await
    }
}

impl<D: Deliverer> Delivering<D> {
    /// What the outside said must not be lost to a short absence of the database: tried for as
    /// long as a lease lasts, then left to the redelivery, which finds the claim.
    async fn record(
        &self,
        home: &Home,
        message: &Incoming<D::Message>,
        outcome: &Outcome,
    ) -> Result {
        let mut pause = Duration::from_millis(100);
        loop {
            match self.record_once(home, message, outcome).await {
                Err(e) if pause < Duration::from_secs(20) => {
                    tracing::warn!(error = %e, "Cannot record a delivery yet");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
    }

    async fn record_once(
        &self,
        home: &Home,
        message: &Incoming<D::Message>,
        outcome: &Outcome,
    ) -> Result {
        let mut out = Outbox::new(message.envelope.clone(), Timestamp::now());
        let mut conn = home.db.connect().await?;
        let tx = conn.begin().await?;
        self.0.record(message, outcome, &tx, &mut out).await?;
        let unsaid = home.push(&tx, out.into_pushed()).await?;
        tx.commit().await?;
        // Saying it may want a connection of its own.
        drop(conn);
        home.say(unsaid).await;
        Ok(())
    }
}

/// Ends attempts whose messages did not kill us.
pub(super) async fn ended(home: &Home, queue: &str, messages: &[&str]) -> Result {
    let mut conn = home.db.connect().await?;
    let tx = conn.begin().await?;
    frame::end(&tx, queue, messages).await?;
    tx.commit().await
}

/// Takes back attempts that our own stop broke off.
pub(super) async fn broken_off(home: &Home, queue: &str, messages: &[&str]) -> Result {
    let mut conn = home.db.connect().await?;
    let tx = conn.begin().await?;
    frame::break_off(&tx, queue, messages).await?;
    tx.commit().await
}
