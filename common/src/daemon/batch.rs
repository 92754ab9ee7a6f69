//! What happens to a batch: attempts are counted, bodies opened, slow parts done, then one
//! transaction for all of it with a savepoint each, and at last every message its own outcome.

use super::line::Line;
use super::work::{Delivery, Given, Ready, Step, Work};
use crate::db::{Tx, frame};
use crate::envelope::Envelope;
use crate::handler::Foreign;
use crate::outbox::{Outbox, Pushed};
use crate::queue::Received;
use crate::{Failure, Result, Verdict};
use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A message whose handling panicked: its attempt is not ended, so that it is counted with those
/// that killed the process (FAILURES Q9, M21).
pub(super) const PANICKED: &str = "the handler panicked";

/// A message that shared a transaction which failed: its attempt is not ended either, so that it is
/// handled alone when it comes back (FAILURES Q16).
const TOGETHER: &str = "failed together with others";

/// How messages are applied that share a transaction.
pub(super) enum Way {
    /// What does not depend on each other at the same time; all or nothing.
    SideBySide,
    /// Each behind a savepoint; each its own outcome.
    OneByOne,
}

/// A message in hand and what became of it so far.
pub(super) struct Item {
    pub received: Received,
    pub state: State,
}

pub(super) enum State {
    /// Ready for the transaction.
    Ready(Envelope, Box<dyn Ready>),
    /// A notice that stands for several messages: they go onto the queue one by one.
    Spread(Vec<Envelope>),
    /// Finished with this outcome.
    Over(Result),
}

impl Line {
    /// Messages for a handler.
    pub async fn handle(self: &Arc<Self>, work: &Arc<dyn Work>, received: Vec<Received>) {
        let Some((together, alone)) = self.begin(received).await else {
            return;
        };
        self.group(work, together).await;
        for one in alone {
            if let Some(one) = self.begin_again(one).await {
                self.group(work, vec![one]).await;
            }
        }
    }

    /// Messages for a deliverer: each by itself, all at once.
    pub async fn deliver(self: &Arc<Self>, work: &Arc<dyn Delivery>, received: Vec<Received>) {
        let Some((together, alone)) = self.begin(received).await else {
            return;
        };
        join_all(together.into_iter().map(|one| self.deliver_one(work, one))).await;
        for one in alone {
            if let Some(one) = self.begin_again(one).await {
                self.deliver_one(work, one).await;
            }
        }
    }

    async fn deliver_one(self: &Arc<Self>, work: &Arc<dyn Delivery>, received: Received) {
        let outcome = match Envelope::open(received.body.as_bytes()) {
            Ok(envelope) if envelope.kind != work.kind() => Err(unknown_kind(&envelope)),
            Ok(envelope) => {
                let limit = Duration::from_secs(self.frame.job_limit_s);
                let (home, receives) = (&self.home, received.receives);
                let given = Given {
                    envelope,
                    receives,
                    home,
                    limit,
                };
                let delivered = AssertUnwindSafe(work.deliver(given)).catch_unwind().await;
                delivered.unwrap_or_else(|_| Err(Failure::retry(PANICKED)))
            }
            Err(e) => Err(e),
        };
        let outcome = match outcome {
            Ok(Step::Done) => Ok(()),
            Ok(Step::Later(pause)) => {
                // Put off without blame: the attempt ended, and the receive is not counted.
                self.end_attempts(&[(&received, &Ok(()))]).await;
                let receipt = [received.receipt];
                self.leases.let_go(&receipt).await;
                self.report(
                    self.home
                        .queue
                        .give_back(&self.queue, &receipt, pause)
                        .await,
                );
                return;
            }
            Err(e) => Err(e),
        };
        self.end_attempts(&[(&received, &outcome)]).await;
        self.settle(vec![(received, outcome)], false).await;
    }

    /// All in one go when that works; else each behind a savepoint.
    async fn group(self: &Arc<Self>, work: &Arc<dyn Work>, received: Vec<Received>) {
        let received = self.together(work, received).await;
        if received.is_empty() {
            return;
        }
        let mut items = self.open_all(work, received).await;
        let deleted = self.in_one_transaction(&mut items, Way::OneByOne).await;
        if let Err(e) = &deleted {
            let e = shared(e.clone(), items.len());
            for item in &mut items {
                if !matches!(item.state, State::Over(Err(_))) {
                    item.state = State::Over(Err(e.clone()));
                }
            }
            let over = items.iter().filter_map(Item::over).collect::<Vec<_>>();
            self.end_attempts(&over).await;
        }
        self.settle_items(items, deleted.unwrap_or(false)).await;
    }

    /// The slow part of every message, at the same time.
    pub(super) async fn open_all(
        &self,
        work: &Arc<dyn Work>,
        received: Vec<Received>,
    ) -> Vec<Item> {
        join_all(received.into_iter().map(|m| self.open(work, m))).await
    }

    /// The body made into something that can be applied.
    async fn open(&self, work: &Arc<dyn Work>, received: Received) -> Item {
        let limit = Duration::from_secs(self.frame.job_limit_s);
        let opening = AssertUnwindSafe(self.prepared(work, &received)).catch_unwind();
        let state = match tokio::time::timeout(limit, opening).await {
            Ok(Ok(Ok(state))) => state,
            Ok(Ok(Err(e))) => State::Over(Err(e)),
            Ok(Err(_)) => State::Over(Err(Failure::retry(PANICKED))),
            Err(_) => State::Over(Err(Failure::retry(format!(
                "not finished within {limit:?}"
            )))),
        };
        Item { received, state }
    }

    async fn prepared(&self, work: &Arc<dyn Work>, received: &Received) -> Result<State> {
        let envelope = match (Envelope::open(received.body.as_bytes()), &self.adopt) {
            (Ok(envelope), _) => envelope,
            (Err(e), None) => return Err(e),
            (Err(_), Some(adopt)) => match adopt(&received.body)? {
                Foreign::Ignore(what) => {
                    tracing::info!(what, "Passed over a notice that means nothing to us");
                    return Ok(State::Over(Ok(())));
                }
                Foreign::Messages(mut envelopes) if envelopes.len() == 1 => envelopes.remove(0),
                Foreign::Messages(envelopes) => return Ok(State::Spread(envelopes)),
            },
        };
        if envelope.kind != work.kind() {
            return Err(unknown_kind(&envelope));
        }
        let ready = work.prepare(envelope.clone(), received.receives).await?;
        Ok(State::Ready(envelope, ready))
    }

    /// Inbox rows, then what the messages do, then what all of them want to say; whether it deleted
    /// what was handled. An `Err` means that nothing was kept, or that nobody knows; the inbox tells
    /// the next time.
    pub(super) async fn in_one_transaction(&self, items: &mut [Item], way: Way) -> Result<bool> {
        let ids: Vec<_> = items.iter().filter_map(Item::id).collect();
        let mut conn = self.home.db.connect().await?;
        let tx = conn.begin().await?;
        let fresh = frame::inbox(&tx, self.daemon, &ids).await?;
        let said = match way {
            Way::SideBySide => self.side_by_side(&tx, items, fresh).await?,
            Way::OneByOne => self.one_by_one(&tx, items, fresh).await?,
        };
        let over: Vec<_> = items.iter().filter_map(Item::over).collect();
        let deleted = self.finish(&tx, &over).await?;
        let unsaid = self.home.push(&tx, said).await?;
        tx.commit().await?;
        // Saying it may want a connection of its own.
        drop(conn);
        self.home.say(unsaid).await;
        Ok(deleted)
    }

    /// Each message behind a savepoint of its own; what they want to say.
    async fn one_by_one(
        &self,
        tx: &Tx<'_>,
        items: &mut [Item],
        mut fresh: HashSet<Uuid>,
    ) -> Result<Vec<Pushed>> {
        let mut said: Vec<Pushed> = Vec::new();
        let mut undone = Vec::new();
        for item in items.iter_mut() {
            let outcome = match &mut item.state {
                State::Over(_) => continue,
                State::Spread(envelopes) => {
                    said.extend(spread(&self.queue, std::mem::take(envelopes)));
                    Ok(Vec::new())
                }
                State::Ready(envelope, _) if !fresh.remove(&envelope.id) => Ok(Vec::new()),
                State::Ready(envelope, ready) => {
                    let outcome = applied(tx, envelope, ready.as_mut()).await;
                    if outcome.is_err() {
                        undone.push(envelope.id);
                    }
                    outcome
                }
            };
            if let Err(Failure {
                verdict: Verdict::Wait(_),
                ..
            }) = &outcome
            {
                return outcome;
            }
            item.state = State::Over(outcome.map(|pushed| said.extend(pushed)));
        }
        if !undone.is_empty() {
            frame::forget(tx, self.daemon, &undone).await?;
        }
        Ok(said)
    }

    /// Ends attempts and, where the home can, deletes what is done, in the transaction that keeps
    /// what it caused; whether it did. Leases are let go by [`Line::settle`]: a transaction does not
    /// wait for a renewal, and a renewal passes over what a transaction deletes.
    async fn finish(&self, tx: &Tx<'_>, over: &[(&Received, &Result)]) -> Result<bool> {
        let done = over.iter().filter(|(_, outcome)| outcome.is_ok());
        let done: Vec<_> = done.map(|(m, _)| m.receipt.clone()).collect();
        frame::end(tx, &self.queue, &ended(over)).await?;
        self.home.queue.delete_with(tx, &done).await
    }
}

impl Item {
    fn id(&self) -> Option<Uuid> {
        match &self.state {
            State::Ready(envelope, _) => Some(envelope.id),
            _ => None,
        }
    }

    fn over(&self) -> Option<(&Received, &Result)> {
        match &self.state {
            State::Over(outcome) => Some((&self.received, outcome)),
            _ => None,
        }
    }
}

/// Applies one message behind a savepoint; what it wants to say when it worked.
async fn applied(tx: &Tx<'_>, envelope: &Envelope, ready: &mut dyn Ready) -> Result<Vec<Pushed>> {
    tx.batch("SAVEPOINT message").await?;
    let mut out = Outbox::new(envelope.clone(), Timestamp::now());
    let run = AssertUnwindSafe(ready.apply(tx, &mut out))
        .catch_unwind()
        .await;
    let failure = match run.unwrap_or_else(|_| Err(Failure::retry(PANICKED))) {
        Ok(()) => match tx.batch("RELEASE message").await {
            Ok(()) => return Ok(out.into_pushed()),
            Err(failure) => failure,
        },
        Err(failure) => failure,
    };
    tx.batch("ROLLBACK TO message").await?;
    if !matches!(failure.verdict, Verdict::Reject(_)) {
        return Err(failure);
    }
    let mut out = Outbox::new(envelope.clone(), Timestamp::now());
    match ready.rejected(&failure, tx, &mut out).await {
        Ok(()) => Ok(out.into_pushed()),
        Err(failure) => {
            tx.batch("ROLLBACK TO message").await?;
            Err(failure)
        }
    }
}

pub(super) fn spread(queue: &str, envelopes: Vec<Envelope>) -> impl Iterator<Item = Pushed> {
    let queue = queue.to_owned();
    envelopes.into_iter().map(move |envelope| Pushed {
        queue: queue.clone(),
        envelope,
        delay: Duration::ZERO,
    })
}

/// A failure of a whole transaction says nothing about any one message of several: they come back
/// and are handled alone, where the one at fault shows itself and the others pass.
fn shared(failure: Failure, messages: usize) -> Failure {
    match failure.verdict {
        Verdict::Wait(_) => failure,
        _ if messages < 2 => failure,
        _ => Failure::retry(format!("{TOGETHER}: {failure}")),
    }
}

/// The messages whose attempts ended. Those that go on counting are handled alone next time.
pub(super) fn ended<'a>(over: &[(&'a Received, &Result)]) -> Vec<&'a str> {
    let open = |e: &Failure| e.cause == PANICKED || e.cause.starts_with(TOGETHER);
    over.iter()
        .filter(|(_, o)| !o.as_ref().is_err_and(open))
        .map(|(m, _)| m.id.as_str())
        .collect()
}

fn unknown_kind(envelope: &Envelope) -> Failure {
    Failure::quarantine(format!(
        "kind {} is not taken from this queue",
        envelope.kind
    ))
}
