//! The quick way through a batch: one transaction without savepoints, in which messages that do not
//! depend on each other are applied at the same time, so that their statements travel together.
//! When anything fails, nothing of it is kept, and the batch goes the careful way instead.

use super::batch::{Item, PANICKED, State, Way, spread};
use super::line::Line;
use super::work::{Ready, Work};
use crate::db::Tx;
use crate::envelope::Envelope;
use crate::handler::Lane;
use crate::outbox::{Outbox, Pushed};
use crate::queue::Received;
use crate::{Failure, Result};
use futures_util::FutureExt;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use uuid::Uuid;

/// Messages by the turn and the lane in which they are applied.
type Lanes<'a> = BTreeMap<u8, BTreeMap<i64, Vec<&'a mut Item>>>;

impl Line {
    /// Handles all of these, or nothing at all: then they are handed back.
    pub(super) async fn together(
        self: &Arc<Self>,
        work: &Arc<dyn Work>,
        received: Vec<Received>,
    ) -> Vec<Received> {
        if received.len() < 2 {
            return received;
        }
        let mut items = self.open_all(work, received).await;
        match self.in_one_transaction(&mut items, Way::SideBySide).await {
            Ok(deleted) => {
                self.settle_items(items, deleted).await;
                Vec::new()
            }
            Err(e) => {
                tracing::debug!(queue = self.queue, error = %e, "A batch is gone through again");
                items.into_iter().map(|i| i.received).collect()
            }
        }
    }

    /// Turn by turn; what all messages want to say.
    pub(super) async fn side_by_side(
        &self,
        tx: &Tx<'_>,
        items: &mut [Item],
        fresh: HashSet<Uuid>,
    ) -> Result<Vec<Pushed>> {
        let mut said = Vec::new();
        for lanes in self.lanes(items, fresh, &mut said).into_values() {
            let lanes = lanes.into_values().map(|lane| in_order(tx, lane));
            said.extend(try_join_all(lanes).await?.into_iter().flatten());
        }
        Ok(said)
    }

    /// What has to be applied; everything else is over after this.
    fn lanes<'a>(
        &self,
        items: &'a mut [Item],
        mut fresh: HashSet<Uuid>,
        said: &mut Vec<Pushed>,
    ) -> Lanes<'a> {
        let mut lanes = Lanes::new();
        let mut latest = HashMap::new();
        for item in items {
            match &mut item.state {
                State::Over(_) => {}
                State::Spread(envelopes) => {
                    said.extend(spread(&self.queue, std::mem::take(envelopes)));
                    item.state = State::Over(Ok(()));
                }
                State::Ready(envelope, _) if !fresh.remove(&envelope.id) => {
                    item.state = State::Over(Ok(()));
                }
                State::Ready(_, ready) => {
                    let (turn, number) = in_turn(ready.lane(), &mut latest);
                    let turn = lanes.entry(turn).or_default();
                    turn.entry(number).or_default().push(item);
                }
            }
        }
        lanes
    }
}

/// A message's turn and lane, once it is made sure that it does not overtake one of its sender that
/// came before it: then it waits for the end, where all go one by one. `latest` has what the last
/// message of each sender was given.
fn in_turn(lane: Lane, latest: &mut HashMap<i64, (u8, i64)>) -> (u8, i64) {
    let before = latest.get(&lane.of).copied();
    let beside = |(turn, number)| lane.turn < turn || (lane.turn == turn && lane.number != number);
    let lane = if before.is_some_and(beside) {
        Lane::last(lane.of)
    } else {
        lane
    };
    latest.insert(lane.of, (lane.turn, lane.number));
    (lane.turn, lane.number)
}

/// Applies the messages of a lane one after the other.
async fn in_order(tx: &Tx<'_>, lane: Vec<&mut Item>) -> Result<Vec<Pushed>> {
    let mut said = Vec::new();
    for item in lane {
        if let State::Ready(envelope, ready) = &mut item.state {
            let applying = AssertUnwindSafe(applied(tx, envelope, ready.as_mut())).catch_unwind();
            let applied = applying.await;
            said.extend(applied.unwrap_or_else(|_| Err(Failure::retry(PANICKED)))?);
            item.state = State::Over(Ok(()));
        }
    }
    Ok(said)
}

/// Applies one message. What was rejected before the transaction is told in it; a later rejection
/// has something to roll back, and that is the careful way's business.
async fn applied(tx: &Tx<'_>, envelope: &Envelope, ready: &mut dyn Ready) -> Result<Vec<Pushed>> {
    let mut out = Outbox::new(envelope.clone(), Timestamp::now());
    match ready.rejection() {
        Some(failure) => ready.rejected(&failure, tx, &mut out).await?,
        None => ready.apply(tx, &mut out).await?,
    }
    Ok(out.into_pushed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_senders_messages_never_overtake_each_other() {
        let mut latest = HashMap::new();
        let lane = |of, turn, number| Lane { of, turn, number };
        let mut next = |lane| in_turn(lane, &mut latest);
        let last = (u8::MAX, 0);
        assert_eq!(next(lane(7, 0, 7)), (0, 7));
        assert_eq!(next(lane(7, 0, 7)), (0, 7), "the same lane keeps the order");
        assert_eq!(next(lane(7, 1, 5)), (1, 5), "a later turn does");
        assert_eq!(next(lane(8, 1, 6)), (1, 6), "somebody else");
        assert_eq!(next(lane(8, 1, 5)), last, "another lane of that turn");
        assert_eq!(next(lane(7, 0, 7)), last, "an earlier turn");
        assert_eq!(next(lane(7, 1, 5)), last, "after one that was put last");
        assert_eq!(next(Lane::last(9)), last);
        assert_eq!(
            next(lane(9, 0, 9)),
            last,
            "after one that is last by itself"
        );
    }
}
