//! Whether a mail goes out: what is known of it against what the settings say. Pure.

use crate::config::{Mailer, OnUnknown};
use common::db::deliveries::{Found, State};
use common::messages::Purpose;
use std::time::Duration;

/// Between the end of a hand-over and the row that tells of it.
const RECORDING: Duration = Duration::from_secs(5);

/// What there is to know.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The delivery's row, if there is one.
    pub found: Option<Found>,
    /// Why the receiver is not written to any more.
    pub suppressed: Option<String>,
    /// How long ago the mail was put on the queue.
    pub age: Duration,
    /// Answer or alert.
    pub purpose: Purpose,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Send it, if rate and quota allow.
    Send,
    /// It was closed before.
    Done,
    /// Do not send it; say why.
    Close(State, String),
    /// Somebody may be at it: look again after this.
    LookAgain(Duration),
}

/// Decides. The row first, since what was sent must not be sent again for any other reason.
pub fn decide(facts: &Facts, mailer: &Mailer) -> Decision {
    // Until the hand-over begins, and for the hand-over.
    let limit = mailer.deliver_limit() * 2 + RECORDING;
    match facts.found {
        Some(Found {
            state: State::Claimed,
            age,
            ..
        }) if age < limit => Decision::LookAgain(limit.saturating_sub(age)),
        Some(
            found @ Found {
                state: State::Claimed | State::Unknown,
                ..
            },
        ) if !may_resend(found, facts.purpose, mailer) => left(found),
        None
        | Some(Found {
            state: State::Claimed | State::Unknown | State::Waiting,
            ..
        }) => if_wanted(facts, mailer),
        Some(_) => Decision::Done,
    }
}

fn may_resend(found: Found, purpose: Purpose, mailer: &Mailer) -> bool {
    let tries_left = i64::from(found.attempts) < i64::from(mailer.sends_at_most);
    mailer.on_unknown(purpose) == OnUnknown::Resend && tries_left
}

/// Left as it is, for an operator to see.
fn left(found: Found) -> Decision {
    match found.state {
        State::Unknown => Decision::Done,
        _ => Decision::Close(
            State::Unknown,
            "the mailer that sent it did not come back".into(),
        ),
    }
}

fn if_wanted(facts: &Facts, mailer: &Mailer) -> Decision {
    if let Some(reason) = &facts.suppressed {
        return Decision::Close(State::Suppressed, reason.clone());
    }
    if facts.age > Duration::from_secs(u64::from(mailer.expire_hours) * 3600) {
        let hours = mailer.expire_hours;
        return Decision::Close(State::Expired, format!("older than {hours} hours"));
    }
    Decision::Send
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Unknown;

    const HOUR: Duration = Duration::from_secs(3600);

    fn found(state: State, attempts: i32, age_s: u64) -> Option<Found> {
        let age = Duration::from_secs(age_s);
        Some(Found {
            state,
            attempts,
            age,
        })
    }

    fn facts(found: Option<Found>) -> Facts {
        Facts {
            found,
            suppressed: None,
            age: HOUR,
            purpose: Purpose::Answer,
        }
    }

    #[test]
    fn a_mail_is_sent_once() {
        let mailer = Mailer::default();
        for (found, decision) in [
            (None, Decision::Send),
            (found(State::Waiting, 9, 1), Decision::Send),
            (found(State::Sent, 1, 1), Decision::Done),
            (found(State::Refused, 1, 1), Decision::Done),
            (found(State::Suppressed, 0, 1), Decision::Done),
            (found(State::Expired, 0, 1), Decision::Done),
        ] {
            assert_eq!(decide(&facts(found), &mailer), decision, "{found:?}");
        }
    }

    #[test]
    fn q30_what_nobody_knows_is_sent_again_or_left_as_the_settings_say() {
        let resend = Mailer::default();
        let answer = OnUnknown::Leave;
        let leave = Mailer {
            unknown: Unknown {
                answer,
                ..Unknown::default()
            },
            ..Mailer::default()
        };
        let dead = found(State::Claimed, 1, 246);
        let unknown = found(State::Unknown, 1, 1);
        for found in [dead, unknown] {
            assert_eq!(decide(&facts(found), &resend), Decision::Send);
        }
        let closed = decide(&facts(dead), &leave);
        assert!(
            matches!(closed, Decision::Close(State::Unknown, _)),
            "{closed:?}"
        );
        assert_eq!(decide(&facts(unknown), &leave), Decision::Done);
        let alert = Facts {
            purpose: Purpose::Alert,
            ..facts(unknown)
        };
        assert_eq!(
            decide(&alert, &leave),
            Decision::Send,
            "each purpose has its own"
        );
    }

    #[test]
    fn q30_even_what_may_be_sent_again_is_not_sent_for_ever() {
        let mailer = Mailer::default();
        let unknown = decide(&facts(found(State::Unknown, 3, 1)), &mailer);
        assert_eq!(unknown, Decision::Done);
        let dead = decide(&facts(found(State::Claimed, 3, 999)), &mailer);
        assert!(
            matches!(dead, Decision::Close(State::Unknown, _)),
            "{dead:?}"
        );
    }

    #[test]
    fn q1_a_mail_that_somebody_is_sending_is_left_to_them() {
        let young = decide(&facts(found(State::Claimed, 1, 220)), &Mailer::default());
        assert_eq!(young, Decision::LookAgain(Duration::from_secs(25)));
    }

    #[test]
    fn nobody_is_written_to_against_their_will_or_too_late() {
        let mailer = Mailer::default();
        let suppressed = Facts {
            suppressed: Some("complaint".into()),
            ..facts(None)
        };
        let closed = Decision::Close(State::Suppressed, "complaint".into());
        assert_eq!(decide(&suppressed, &mailer), closed);
        let sent = Facts {
            found: found(State::Sent, 1, 1),
            ..suppressed
        };
        assert_eq!(
            decide(&sent, &mailer),
            Decision::Done,
            "what was sent stays sent"
        );
        let late = Facts {
            age: HOUR * 73,
            ..facts(None)
        };
        assert!(matches!(
            decide(&late, &mailer),
            Decision::Close(State::Expired, _)
        ));
    }
}
