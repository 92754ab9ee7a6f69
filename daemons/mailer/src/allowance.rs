//! This process's share of the fleet's rate and quota: asks the database for several at once while
//! it is busy, so that the one row that all mailers share is no hot spot.

use common::Result;
use common::db::Tx;
use common::db::quota::{self, Grant, Limits};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tokens got in advance are good for so long; later they would come on top of the rate.
const GOOD_FOR: Duration = Duration::from_millis(200);

/// Most tokens asked for at once.
const MOST: u32 = 16;

/// What may be sent, and what of it is in hand.
pub struct Allowance {
    limits: Limits,
    transport: &'static str,
    hand: Mutex<Hand>,
}

#[derive(Default)]
struct Hand {
    spare: u32,
    since: Option<Instant>,
    /// Got and never used: given back to the day.
    unused: u32,
    /// Asked for next: doubles while all that was got is used.
    want: u32,
}

/// What a claim got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// It may go; so many more are ours once the claim has committed.
    Go(u32),
    /// It may go after this.
    Later(Duration),
}

impl Allowance {
    /// An allowance of one transport.
    pub fn new(transport: &'static str, limits: Limits) -> Self {
        let hand = Mutex::default();
        Self {
            limits,
            transport,
            hand,
        }
    }

    /// Takes one mail's worth, from the hand or from the database. Call it late in the
    /// transaction: the fleet waits for its end.
    pub async fn take(&self, tx: &Tx<'_>) -> Result<Share> {
        if self.limits.none() || self.spend_spare(Instant::now()) {
            return Ok(Share::Go(0));
        }
        let ask = self.ask();
        let grant = quota::take(tx, self.transport, self.limits, ask).await?;
        Ok(match grant {
            Grant::Go(granted) => Share::Go(granted - 1),
            Grant::Later(pause) => Share::Later(pause),
        })
    }

    /// Takes in hand what a claim got beyond its own mail. Call it after the commit: what a
    /// rolled-back claim got was never granted.
    pub fn credit(&self, spare: u32, now: Instant) {
        if spare == 0 {
            return;
        }
        let mut hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        hand.drop_old(now);
        hand.spare += spare;
        hand.since = Some(now);
    }

    fn spend_spare(&self, now: Instant) -> bool {
        let mut hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        hand.drop_old(now);
        if hand.spare == 0 {
            return false;
        }
        hand.spare -= 1;
        if hand.spare == 0 {
            hand.want = (hand.want * 2).clamp(1, MOST);
        }
        true
    }

    /// How many to ask for, and how many to hand back.
    fn ask(&self) -> (u32, u32) {
        let mut hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        // Two at the least: one that is never used costs nothing, and only a spare one shows
        // that more would be.
        (hand.want.max(2), std::mem::take(&mut hand.unused))
    }
}

impl Hand {
    fn drop_old(&mut self, now: Instant) {
        let old = |since: Instant| now.duration_since(since) > GOOD_FOR;
        if self.spare > 0 && self.since.is_some_and(old) {
            self.unused += self.spare;
            self.spare = 0;
            self.want = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance() -> Allowance {
        let limits = Limits {
            per_second: 100.0,
            per_day: 0,
        };
        Allowance::new("test", limits)
    }

    #[test]
    fn spare_ones_are_used_up_before_more_are_asked_for() {
        let (allowance, now) = (allowance(), Instant::now());
        assert!(!allowance.spend_spare(now));
        assert_eq!(allowance.ask(), (2, 0));
        allowance.credit(1, now);
        assert!(allowance.spend_spare(now));
        assert!(!allowance.spend_spare(now));
        for want in [2, 2, 4, 8, 16, 16] {
            assert_eq!(allowance.ask().0, want);
            allowance.credit(1, now);
            assert!(allowance.spend_spare(now));
        }
    }

    #[test]
    fn old_ones_are_given_back_and_less_is_asked_for() {
        let (allowance, now) = (allowance(), Instant::now());
        allowance.credit(3, now);
        assert!(allowance.spend_spare(now + GOOD_FOR));
        let later = now + GOOD_FOR + Duration::from_millis(1);
        assert!(!allowance.spend_spare(later));
        assert_eq!(allowance.ask(), (2, 2), "two were never used");
        assert_eq!(allowance.ask(), (2, 0), "and are given back once");
    }
}
