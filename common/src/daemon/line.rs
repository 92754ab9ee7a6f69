//! One queue's loop: receive only for free hands, hand over, count polls.

use super::attempts::Owed;
use super::breaker::Breaker;
use super::leases::Leases;
use super::pulse::Pulse;
use super::work::{self, Delivery, Work};
use crate::config::Frame;
use crate::failure::Dependency;
use crate::handler::Adopt;
use crate::home::Home;
use crate::queue::{Ask, Received};
use crate::{Failure, Verdict};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info_span, warn};

/// After the stop, a receive that is under way gets this long to hand over what it took, and the
/// last notes so long to be written.
const LAST_RECEIVE: Duration = Duration::from_millis(500);

/// How often a loop that waits says that it lives.
const BEAT: Duration = Duration::from_secs(5);

/// While more messages wait than can be taken, so long is waited for the hands of a whole batch:
/// small batches only set few hands free, which would make the next ones small as well.
const GATHER: Duration = Duration::from_millis(10);

/// What a queue's messages are given to.
#[derive(Clone)]
pub(super) enum Taker {
    Handler(Arc<dyn Work>),
    Deliverer(Arc<dyn Delivery>),
}

/// One queue with everything its loop needs.
pub(super) struct Line {
    pub daemon: &'static str,
    pub instance: String,
    pub queue: String,
    pub home: Home,
    pub frame: Frame,
    pub taker: Taker,
    pub adopt: Option<Adopt>,
    pub leases: Leases,
    pub owed: Owed,
    pub breaker: Breaker,
    pub pulse: Pulse,
    pub hands: Arc<Semaphore>,
    /// Most messages that one receive asks for; never more than all hands.
    pub batch: usize,
    /// The last receive came back full: more wait.
    pub crowded: AtomicBool,
    /// Held by the poller that waits for free hands: several at once would share out what a batch
    /// sets free, and the batches would get smaller and smaller.
    pub next: Mutex<()>,
    pub tasks: TaskTracker,
    /// Told when a receive came back full: another poller may help.
    pub busy: Notify,
}

impl Line {
    /// Polls until told to stop. Poller 0 always polls, with one long poll at a time; the others
    /// help while receives come back full.
    pub async fn poll(self: Arc<Self>, poller: usize, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if poller > 0 {
                tokio::select! {
                    () = self.busy.notified() => {}
                    () = stop.cancelled() => return,
                }
            }
            while self.once(poller, &stop).await && poller > 0 && !stop.is_cancelled() {}
        }
    }

    /// One receive; true when it came back full.
    async fn once(self: &Arc<Self>, poller: usize, stop: &CancellationToken) -> bool {
        let Some(hands) = self.free_hands(stop).await else {
            return false;
        };
        // A helper does not wait: an empty queue sends it back to sleep.
        let wait = Duration::from_secs(if poller == 0 { self.frame.poll_s } else { 0 });
        let ask = Ask {
            most: hands.num_permits(),
            wait,
            lease: self.frame.lease(),
        };
        let most = ask.most;
        let received = self.receive(ask, stop).await;
        self.pulse.beat(&self.queue);
        let full = received.len() >= most.min(crate::queue::BATCH);
        self.crowded.store(full, Ordering::Relaxed);
        if !received.is_empty() {
            self.hand_over(received, hands).await;
        }
        if full {
            self.busy.notify_one();
        }
        full
    }

    /// As many free hands as one receive may ask for; `None` when told to stop.
    async fn free_hands(
        self: &Arc<Self>,
        stop: &CancellationToken,
    ) -> Option<OwnedSemaphorePermit> {
        let mut wait = std::pin::pin!(self.gathered());
        loop {
            tokio::select! {
                hands = &mut wait => return hands,
                () = stop.cancelled() => return None,
                // To wait for what is away, or for a quota, is no reason to be restarted.
                () = tokio::time::sleep(BEAT) => self.beat_if_waiting(),
            }
        }
    }

    /// The hands for a batch: all that are free, and a moment's worth of those that get free while
    /// more messages wait than there are hands.
    async fn gathered(self: &Arc<Self>) -> Option<OwnedSemaphorePermit> {
        let _next = self.next.lock().await;
        let mut hands = self.first_hand().await?;
        let rest = self.batch.saturating_sub(1);
        if self.crowded.load(Ordering::Relaxed) && self.hands.available_permits() < rest {
            let enough = self.hands.acquire_many(u32::try_from(rest).unwrap_or(0));
            // Whether it came to that or not: what is free now is taken.
            let _ = tokio::time::timeout(GATHER, enough).await;
        }
        let more = self.hands.available_permits().min(rest);
        let more = u32::try_from(more).unwrap_or(0);
        if let Ok(more) = self.hands.clone().try_acquire_many_owned(more) {
            hands.merge(more);
        }
        Some(hands)
    }

    /// One hand that is free while the breaker is closed and something may be done.
    async fn first_hand(self: &Arc<Self>) -> Option<OwnedSemaphorePermit> {
        loop {
            self.breaker.closed().await;
            let pause = match &self.taker {
                Taker::Handler(_) => Ok(None),
                Taker::Deliverer(work) => work.ready().await,
            };
            match pause {
                Ok(None) => break,
                Ok(Some(pause)) => tokio::time::sleep(pause).await,
                Err(failure) => self.hold_back(&failure),
            }
        }
        // The semaphore is never closed.
        self.hands.clone().acquire_owned().await.ok()
    }

    /// With all hands busy it is the renewals that show that we live.
    fn beat_if_waiting(&self) {
        if self.hands.available_permits() > 0 {
            self.pulse.beat(&self.queue);
        }
    }

    async fn receive(self: &Arc<Self>, ask: Ask, stop: &CancellationToken) -> Vec<Received> {
        let mut receive = std::pin::pin!(self.home.queue.receive(&self.queue, ask));
        let received = tokio::select! {
            received = &mut receive => received,
            () = stop.cancelled() => {
                match tokio::time::timeout(LAST_RECEIVE, receive).await {
                    Ok(received) => received,
                    Err(_) => return Vec::new(),
                }
            }
        };
        match received {
            Ok(received) => received,
            Err(failure) => {
                self.hold_back(&failure);
                Vec::new()
            }
        }
    }

    /// What was received is in hand; a task of its own handles it.
    async fn hand_over(self: &Arc<Self>, received: Vec<Received>, mut hands: OwnedSemaphorePermit) {
        // The others are free for the next receive.
        drop(hands.split(hands.num_permits().saturating_sub(received.len())));
        metrics::counter!("kentongan_received_total", "queue" => self.queue.clone())
            .increment(received.len() as u64);
        self.leases.hold(&received).await;
        let line = self.clone();
        let span = info_span!("batch", queue = self.queue);
        self.tasks.spawn(
            async move {
                match &line.taker {
                    Taker::Handler(work) => line.handle(work, received).await,
                    Taker::Deliverer(work) => line.deliver(work, received).await,
                }
                drop(hands);
            }
            .instrument(span),
        );
    }

    /// Opens the breaker for a failure of what everybody needs; anything else only costs a pause.
    pub fn hold_back(self: &Arc<Self>, failure: &Failure) {
        let on = match failure.verdict {
            Verdict::Wait(on) => on,
            _ => Dependency::Queue,
        };
        let line = self.clone();
        self.breaker.trip(failure.cause.clone(), move || {
            let line = line.clone();
            async move { line.probe(on).await }
        });
    }

    async fn probe(&self, on: Dependency) -> crate::Result {
        let limit = Duration::from_secs(10);
        let probe = async {
            match on {
                Dependency::Database => self.home.db.probe(self.daemon, &self.instance).await,
                Dependency::Queue => self.queue_is_there().await,
                Dependency::Blobs => self.home.blobs.probe().await,
                Dependency::Mail | Dependency::Gateway => match &self.taker {
                    Taker::Handler(work) => work.probe().await,
                    Taker::Deliverer(work) => work.probe().await,
                },
            }
        };
        let done = tokio::time::timeout(limit, probe).await;
        self.pulse.beat(&self.queue);
        done.unwrap_or_else(|_| Err(Failure::wait(on, format!("no answer within {limit:?}"))))
    }

    async fn queue_is_there(&self) -> crate::Result {
        let facts = self.home.queue.facts(&self.queue).await?;
        let gone = || Failure::wait(Dependency::Queue, format!("queue {} is gone", self.queue));
        facts.map(drop).ok_or_else(gone)
    }

    /// Renews leases until told to stop; the last to stop, after everything is settled.
    pub async fn renew(self: Arc<Self>, stop: CancellationToken) {
        let mut every = tokio::time::interval(self.frame.lease() / 3);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = every.tick() => {
                    let lease = self.frame.lease();
                    self.leases.renew(&*self.home.queue, &self.queue, lease).await;
                    // With all hands busy no poll finishes; a finished round shows that we live.
                    if self.hands.available_permits() == 0 {
                        self.pulse.beat(&self.queue);
                    }
                }
                () = stop.cancelled() => return,
            }
        }
    }

    /// Hands back what is still in hand after the stop's budget, with its attempts: nobody was
    /// killed by them. What a transaction deletes at this moment is gone with its commit, or comes
    /// back with its lease.
    pub async fn hand_back(&self) {
        let (receipts, ids) = self.leases.drain().await;
        if receipts.is_empty() {
            return;
        }
        let count = receipts.len();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let broken_off = work::broken_off(&self.home, &self.queue, &ids);
        // Work that still goes on may hold their rows; one attempt too many is all that it costs.
        let _ = tokio::time::timeout(LAST_RECEIVE, broken_off).await;
        match self
            .home
            .queue
            .extend(&self.queue, &receipts, Duration::ZERO)
            .await
        {
            Ok(_) => warn!(
                queue = self.queue,
                count, "Handed back what was not finished"
            ),
            Err(e) => warn!(queue = self.queue, count, error = %e,
                "Could not hand back what was not finished; it returns with its lease"),
        }
    }
}
