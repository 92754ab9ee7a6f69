//! A probe sees only a part of what a mail needs: a role may send and ask nothing, a server greets
//! and then refuses. So a probe is believed less the more often mails failed after it.

use super::{Finished, Outcome, Quota, Time, Transport, Turn};
use crate::failure::Dependency;
use crate::{Failure, Result, Verdict};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Pause after the first probe that was wrong; doubles up to the longest.
const FIRST: Duration = Duration::from_secs(1);

/// Somebody has to mend what no probe sees, and looks whether it helped: a minute is not too long.
const LONGEST: Duration = Duration::from_secs(60);

/// A transport whose probe also remembers how mails fared.
pub(super) struct Wary {
    inner: Arc<dyn Transport>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// A probe worked, and no mail has failed since.
    all_well: bool,
    /// So many times all was well and a mail failed.
    misled: u32,
    /// When a mail failed last.
    failed: Option<Instant>,
}

impl Wary {
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        let memory = Mutex::default();
        Self { inner, memory }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn note(&mut self, outcome: &Outcome, now: Instant) {
        match outcome {
            // Mails that were under way together fail together: that is once.
            Outcome::NotSent(Failure {
                verdict: Verdict::Wait(_),
                ..
            }) => {
                self.misled += u32::from(std::mem::take(&mut self.all_well));
                self.failed = Some(now);
            }
            Outcome::Unknown { .. } => {}
            // The other side looked at a mail.
            Outcome::Sent { .. } | Outcome::Refused { .. } | Outcome::NotSent(_) => {
                *self = Self::default();
            }
        }
    }

    /// How long no probe is worth anything.
    fn pause(&self, now: Instant) -> Duration {
        let (Some(failed), 1..) = (self.failed, self.misled) else {
            return Duration::ZERO;
        };
        let pause = FIRST * 2u32.pow((self.misled - 1).min(16));
        pause.min(LONGEST).saturating_sub(now - failed)
    }
}

#[async_trait]
impl Transport for Wary {
    async fn turn(&self) -> Turn {
        self.inner.turn().await
    }

    async fn deliver(&self, mail: &Finished, time: Time) -> Outcome {
        let outcome = self.inner.deliver(mail, time).await;
        self.memory().note(&outcome, Instant::now());
        outcome
    }

    async fn probe(&self) -> Result {
        let pause = self.memory().pause(Instant::now());
        if !pause.is_zero() {
            let cause = format!(
                "all looked well and no mail was taken: look for the cause in the lines above; \
                 the next mail is tried in {} s",
                pause.as_secs() + 1
            );
            return Err(Failure::wait(Dependency::Mail, cause));
        }
        self.inner.probe().await?;
        self.memory().all_well = true;
        Ok(())
    }

    async fn quota(&self) -> Result<Option<Quota>> {
        self.inner.quota().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Outcome = Outcome::Sent { provider_id: None };

    fn away() -> Outcome {
        Outcome::NotSent(Failure::wait(Dependency::Mail, "denied"))
    }

    fn now() -> Instant {
        Instant::now()
    }

    /// A probe works, and the next mail fails.
    fn misled(memory: &mut Memory, now: Instant) -> Duration {
        memory.all_well = true;
        memory.note(&away(), now);
        memory.note(&away(), now);
        memory.pause(now)
    }

    #[test]
    fn an_outage_that_the_probe_sees_costs_no_pause() {
        let (mut memory, now) = (Memory::default(), now());
        for _ in 0..9 {
            memory.note(&away(), now);
        }
        assert_eq!(memory.pause(now), Duration::ZERO);
    }

    #[test]
    fn a_probe_that_misleads_is_asked_less_and_less_often() {
        let (mut memory, now) = (Memory::default(), now());
        let pauses: Vec<u64> = (0..8).map(|_| misled(&mut memory, now).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(memory.pause(now + LONGEST), Duration::ZERO);
    }

    #[test]
    fn a_mail_that_somebody_looked_at_ends_the_doubt() {
        let refused = Outcome::Refused {
            reason: "no".into(),
        };
        let later = Outcome::NotSent(Failure::retry("greylisted"));
        for outcome in [SENT, refused, later] {
            let (mut memory, now) = (Memory::default(), now());
            misled(&mut memory, now);
            memory.note(&outcome, now);
            assert_eq!(memory.pause(now), Duration::ZERO, "{outcome:?}");
        }
    }

    /// Says that all is well, and takes nothing.
    struct Misleading;

    #[async_trait]
    impl Transport for Misleading {
        async fn deliver(&self, _: &Finished, _: Time) -> Outcome {
            away()
        }
        async fn probe(&self) -> Result {
            Ok(())
        }
        async fn quota(&self) -> Result<Option<Quota>> {
            Ok(None)
        }
    }

    #[tokio::test]
    async fn a_transport_that_takes_nothing_is_down_whatever_its_probe_says() {
        let wary = Wary::new(Arc::new(Misleading));
        let (mail, time) = (super::super::suite::mail(1), super::super::suite::time());
        assert_eq!(wary.deliver(&mail, time).await, away());
        assert_eq!(wary.probe().await, Ok(()));
        assert_eq!(wary.deliver(&mail, time).await, away());
        let failure = wary.probe().await.unwrap_err();
        assert_eq!(failure.verdict, Verdict::Wait(Dependency::Mail));
    }
}
