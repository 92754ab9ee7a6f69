//! How fast a channel is used: the rate of its file, less while the network throttles.

use common::channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// Messages a second below which throttling does not push.
const SLOWEST: f64 = 0.2;

/// The rate that a channel without one falls to when it is throttled for the first time.
const FIRST_LIMIT: f64 = 50.0;

/// What the rate grows by for each message that was taken, until it is the file's again.
const RECOVERY: f64 = 1.02;

/// Longest pause for being throttled.
const LONGEST: Duration = Duration::from_secs(60);

/// The pace of one channel in one bridge.
pub struct Pace {
    most: f64,
    hands: Semaphore,
    state: Mutex<State>,
}

struct State {
    /// Messages a second; infinite without a limit.
    rate: f64,
    /// When the next may go.
    next: Instant,
    /// Told to slow down at this time last: what was in flight then says it again.
    slowed: Option<Instant>,
}

impl Pace {
    /// As the file says.
    pub fn new(pace: &channel::Pace) -> Self {
        let most = match pace.per_s {
            rate if rate > 0.0 => rate,
            _ => f64::INFINITY,
        };
        Self {
            most,
            hands: Semaphore::new(pace.in_flight),
            state: Mutex::new(State {
                rate: most,
                next: Instant::now(),
                slowed: None,
            }),
        }
    }

    /// Waits for one's turn; hold what comes back during the hand-over.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Never closed.
        let hand = self.hands.acquire().await.ok();
        let at = self.next(Instant::now());
        sleep_until(at).await;
        hand
    }

    /// When the next may go, which is taken with that.
    fn next(&self, now: Instant) -> Instant {
        let mut state = self.state();
        let at = state.next.max(now);
        state.next = at + Duration::from_secs_f64(1.0 / state.rate);
        at
    }

    /// The network took one.
    pub fn taken(&self) {
        let mut state = self.state();
        if state.rate < self.most {
            state.rate *= RECOVERY;
            if state.rate >= self.most.min(FIRST_LIMIT * 10.0) {
                state.rate = self.most;
            }
        }
    }

    /// The network throttles: half as fast, and a pause, its own or one that grows as the rate falls.
    pub fn slow(&self, pause: Option<Duration>) {
        let mut state = self.state();
        let now = Instant::now();
        let pause = pause.map_or(Duration::from_secs(1), |p| p.min(LONGEST));
        state.next = state.next.max(now + pause);
        let said = state
            .slowed
            .is_some_and(|at| now - at < Duration::from_secs(1));
        if !said {
            state.slowed = Some(now);
            let from = if state.rate.is_finite() {
                state.rate
            } else {
                FIRST_LIMIT * 2.0
            };
            state.rate = (from / 2.0).max(SLOWEST.min(self.most));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_s: f64) -> Pace {
        let in_flight = 100;
        Pace::new(&channel::Pace { per_s, in_flight })
    }

    /// How long after the first the last of so many may go, asked for all at once.
    fn takes(pace: &Pace, messages: usize) -> Duration {
        let now = Instant::now();
        let first = pace.next(now);
        let last = (1..messages).map(|_| pace.next(now)).last();
        last.unwrap_or(first) - first
    }

    fn about(took: Duration, want_ms: u64) {
        let off = took.abs_diff(Duration::from_millis(want_ms));
        assert!(off < Duration::from_millis(1), "{took:?}");
    }

    #[tokio::test]
    async fn a_rate_is_kept_and_none_is_none() {
        about(takes(&pace(0.0), 1000), 0);
        about(takes(&pace(10.0), 21), 2000);
        drop(pace(0.0).turn().await);
    }

    #[tokio::test]
    async fn throttling_halves_the_rate_once_and_success_brings_it_back() {
        let pace = pace(10.0);
        let now = Instant::now();
        pace.slow(Some(Duration::from_secs(3)));
        pace.slow(None);
        assert!(pace.next(now) >= now + Duration::from_secs(3));
        about(takes(&pace, 11), 2000);
        for _ in 0..100 {
            pace.taken();
        }
        about(takes(&pace, 11), 1000);
    }

    #[tokio::test]
    async fn a_channel_without_a_rate_gets_one_until_it_is_well_again() {
        let pace = pace(0.0);
        pace.slow(Some(Duration::ZERO));
        about(takes(&pace, 51), 1000);
        for _ in 0..300 {
            pace.taken();
        }
        about(takes(&pace, 1000), 0);
    }
}
