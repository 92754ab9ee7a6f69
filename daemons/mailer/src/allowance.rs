//! This process's share of the fleet's rate and quota. Mails in hand wait here for their turn; one
//! of them asks the database for all of them, so that the one row that all mailers share is no hot
//! spot.

use common::Result;
use common::db::quota::{self, Grant, Limits};
use common::db::{Db, Tx};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Tokens beyond one's own are good for so long; what the database promises for the whole fleet
/// holds for tokens that are used so soon.
const GOOD_FOR: Duration = Duration::from_millis(50);

/// Most tokens asked for at once.
const MOST: u32 = 16;

/// A quota that is used up is looked at again after this, so that a raised one is seen.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Mails wait in hand: nothing more is received before this.
const IN_LINE: Duration = Duration::from_millis(20);

/// What may be sent, and what of it is in hand.
pub struct Allowance {
    db: Db,
    transport: &'static str,
    limits: Mutex<Limits>,
    hand: Mutex<Hand>,
    /// Mails in hand that wait for a token.
    waiting: AtomicU32,
    /// One of them asks at a time; the others stand in line here.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Hand {
    spare: u32,
    since: Option<Instant>,
    /// Got and never used: given back to the day. To the rate they are lost.
    unused: u32,
    /// Nothing was left when we asked last; there may be something again then.
    dry_until: Option<Instant>,
}

/// What a mail got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// It may go, now.
    Go,
    /// It may go after this, which is later than it could wait.
    Later(Duration),
}

/// What is known without asking the database.
#[derive(Debug, PartialEq, Eq)]
enum Known {
    Free,
    Dry(Duration),
    Nothing,
}

impl Allowance {
    /// An allowance of one transport.
    pub fn new(db: Db, transport: &'static str, limits: Limits) -> Self {
        Self {
            db,
            transport,
            limits: Mutex::new(limits),
            hand: Mutex::default(),
            waiting: AtomicU32::new(0),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// What holds now.
    pub fn limits(&self) -> Limits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What holds from now on.
    pub fn set(&self, limits: Limits) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
        self.hand().dry_until = None;
    }

    /// Waits for the right to hand one mail over at once; `Later` when it would not come until then.
    pub async fn take(&self, until: Instant) -> Result<Share> {
        if self.limits().none() {
            return Ok(Share::Go);
        }
        let _waits = Waits::new(&self.waiting);
        let Ok(_asking) = timeout_at(until, self.asking.lock()).await else {
            return Ok(Share::Later(IN_LINE));
        };
        loop {
            if self.hand().spend(Instant::now()) {
                return Ok(Share::Go);
            }
            let (want, grant) = self.ask().await?;
            let pause = match grant {
                Grant::Go(granted) => {
                    let now = Instant::now();
                    self.hand().credit(granted - 1, granted < want, now);
                    return Ok(Share::Go);
                }
                Grant::Later(pause) => pause,
            };
            let now = Instant::now();
            self.hand().dry_until = Some(now + pause.min(LONGEST_PAUSE));
            if now + pause > until {
                return Ok(Share::Later(pause));
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// How long nothing may be sent, asked inside a transaction that is open anyway.
    pub async fn pause(&self, tx: &Tx<'_>) -> Result<Option<Duration>> {
        match self.known(Instant::now()) {
            Known::Free => Ok(None),
            Known::Dry(pause) => Ok(Some(pause)),
            Known::Nothing => {
                let pause = quota::pause(tx, self.transport, self.limits()).await?;
                Ok(pause.map(|pause| pause.min(LONGEST_PAUSE)))
            }
        }
    }

    /// How long nothing should be received. Asks the database only when nothing is known here.
    pub async fn ready(&self) -> Result<Option<Duration>> {
        match self.known(Instant::now()) {
            Known::Free => Ok(None),
            Known::Dry(pause) => Ok(Some(pause)),
            Known::Nothing => {
                let mut conn = self.db.connect().await?;
                let tx = conn.begin().await?;
                let pause = self.pause(&tx).await?;
                tx.commit().await?;
                Ok(pause)
            }
        }
    }

    fn known(&self, now: Instant) -> Known {
        if self.limits().none() {
            return Known::Free;
        }
        let waiting = self.waiting.load(Ordering::Relaxed) > 0;
        self.hand().known(waiting, now)
    }

    /// For all who wait, in a transaction of its own: what it got is granted.
    async fn ask(&self) -> Result<(u32, Grant)> {
        let want = self.waiting.load(Ordering::Relaxed).clamp(1, MOST);
        let unused = std::mem::take(&mut self.hand().unused);
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        let grant = quota::take(&tx, self.transport, self.limits(), (want, unused)).await?;
        tx.commit().await?;
        Ok((want, grant))
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hand {
    /// Takes in hand what was got beyond one's own; `short`: less than was asked for.
    fn credit(&mut self, spare: u32, short: bool, now: Instant) {
        self.drop_old(now);
        self.spare += spare;
        self.since = Some(now);
        self.dry_until = short.then_some(now);
    }

    fn spend(&mut self, now: Instant) -> bool {
        self.drop_old(now);
        let some = self.spare > 0;
        self.spare -= u32::from(some);
        some
    }

    fn known(&self, waiting: bool, now: Instant) -> Known {
        match self.dry_until {
            Some(until) if waiting => {
                Known::Dry((until.saturating_duration_since(now)).max(IN_LINE))
            }
            Some(until) if until > now => Known::Dry(until - now),
            _ if self.spare > 0 && !self.is_old(now) => Known::Free,
            _ => Known::Nothing,
        }
    }

    fn is_old(&self, now: Instant) -> bool {
        self.since
            .is_some_and(|since| now.duration_since(since) > GOOD_FOR)
    }

    fn drop_old(&mut self, now: Instant) {
        if self.spare > 0 && self.is_old(now) {
            self.unused += self.spare;
            self.spare = 0;
        }
    }
}

/// Counts one who waits, until it is dropped.
struct Waits<'a>(&'a AtomicU32);

impl<'a> Waits<'a> {
    fn new(waiting: &'a AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Duration = Duration::from_secs(7);

    #[test]
    fn spare_tokens_are_used_soon_or_lost_to_the_rate() {
        let (mut hand, now) = (Hand::default(), Instant::now());
        assert!(!hand.spend(now));
        hand.credit(3, false, now);
        assert_eq!(hand.known(false, now), Known::Free);
        assert!(hand.spend(now + GOOD_FOR));
        let later = now + GOOD_FOR + Duration::from_millis(1);
        assert_eq!(hand.known(false, later), Known::Nothing);
        assert!(
            !hand.spend(later),
            "a token that is old comes on top of the rate"
        );
        assert_eq!(hand.unused, 2, "the day gets them back");
    }

    #[test]
    fn nothing_is_received_while_nothing_may_be_sent() {
        let (mut hand, now) = (Hand::default(), Instant::now());
        assert_eq!(
            hand.known(true, now),
            Known::Nothing,
            "they may be asking just now"
        );
        hand.dry_until = Some(now + SOME);
        assert_eq!(hand.known(false, now), Known::Dry(SOME));
        assert_eq!(hand.known(false, now + SOME), Known::Nothing);
        assert_eq!(
            hand.known(true, now + SOME),
            Known::Dry(IN_LINE),
            "they come first"
        );
        hand.credit(0, true, now);
        assert_eq!(
            hand.known(true, now),
            Known::Dry(IN_LINE),
            "the fleet wants more than there is"
        );
        hand.credit(1, false, now);
        assert_eq!(hand.known(true, now), Known::Free);
    }
}
