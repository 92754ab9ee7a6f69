//! How a batch ends: every message its own outcome (FAILURES Q16).

use super::batch::{Item, State};
use super::line::Line;
use crate::queue::Received;
use crate::{Failure, Result, Verdict};
use std::sync::Arc;
use std::time::Duration;
use tracing::error;

impl Line {
    /// Every item its own outcome; `deleted` says that those that are done are gone already.
    pub(super) async fn settle_items(self: &Arc<Self>, items: Vec<Item>, deleted: bool) {
        let outcomes = items.into_iter().map(|item| match item.state {
            State::Over(outcome) => (item.received, outcome),
            _ => (
                item.received,
                Err(Failure::retry("left without an outcome")),
            ),
        });
        self.settle(outcomes.collect(), deleted).await;
    }

    /// Every message its own outcome. From here on no lease of these is renewed.
    pub(super) async fn settle(self: &Arc<Self>, outcomes: Vec<(Received, Result)>, deleted: bool) {
        let receipts: Vec<_> = outcomes.iter().map(|(m, _)| m.receipt.clone()).collect();
        self.leases.let_go(&receipts).await;
        let (mut done, mut back) = (Vec::new(), Vec::new());
        for (message, outcome) in outcomes {
            self.tell(&message, &outcome);
            let Err(failure) = outcome else {
                done.push(message.receipt);
                continue;
            };
            match failure.verdict {
                // The queue would move it without a reason, if it came once more.
                Verdict::Retry { .. } if message.receives >= self.frame.max_receives => {
                    let n = message.receives;
                    let reason = format!("received {n} times without success, at last: {failure}");
                    let bury = self.home.queue.bury(&self.queue, &message, &reason).await;
                    self.report(bury.map(|()| Vec::new()));
                }
                Verdict::Retry { after } => {
                    let pause = after.unwrap_or_else(|| self.pause_before(message.receives));
                    let receipt = [message.receipt];
                    let put_off = self.home.queue.extend(&self.queue, &receipt, pause).await;
                    self.report(put_off);
                }
                Verdict::Wait(_) => {
                    self.hold_back(&failure);
                    back.push(message.receipt);
                }
                Verdict::Reject(_) | Verdict::Quarantine => {
                    let bury = self
                        .home
                        .queue
                        .bury(&self.queue, &message, &failure.cause)
                        .await;
                    self.report(bury.map(|()| Vec::new()));
                }
            }
        }
        if !deleted && !done.is_empty() {
            self.report(self.home.queue.delete(&self.queue, &done).await);
        }
        if !back.is_empty() {
            let pause = self.breaker.pause();
            self.report(self.home.queue.give_back(&self.queue, &back, pause).await);
        }
    }

    /// Exponential from the receive count, with a quarter of jitter to either side.
    fn pause_before(&self, receives: u32) -> Duration {
        let doubled =
            self.frame.retry_base_s * 2f64.powi(receives.saturating_sub(1).min(30) as i32);
        let jitter = 0.75 + fastrand::f64() / 2.0;
        Duration::from_secs_f64(doubled.min(self.frame.retry_most_s) * jitter)
    }

    /// One line and one count per outcome.
    fn tell(&self, message: &Received, outcome: &Result) {
        let queue = &self.queue;
        let name = match outcome {
            Ok(()) => "done",
            Err(e) => match e.verdict {
                Verdict::Retry { .. } => "retry",
                Verdict::Wait(_) => "wait",
                Verdict::Reject(_) | Verdict::Quarantine => "dead",
            },
        };
        metrics::counter!("kentongan_handled_total", "queue" => queue.clone(), "outcome" => name)
            .increment(1);
        let (id, receives) = (&message.id, message.receives);
        let Err(e) = outcome else {
            tracing::debug!(queue, id, receives, "Done");
            return;
        };
        match name {
            "dead" => error!(queue, id, cause = %e, "A message went to the dead letters"),
            "wait" => tracing::debug!(queue, id, cause = %e, "Given back uncounted"),
            _ => tracing::warn!(queue, id, receives, cause = %e, "Will try again"),
        }
    }

    /// A call on the queue that failed costs a redelivery, which the inbox makes harmless.
    pub(super) fn report(&self, outcome: Result<Vec<Result>>) {
        let failures = match outcome {
            Ok(each) => each.into_iter().filter_map(Result::err).collect(),
            Err(e) => vec![e],
        };
        for e in failures {
            tracing::warn!(queue = self.queue, error = %e, "A message will come once more");
        }
    }
}
