//! Whether a mail or a text goes out: what is known of it against what its rules say. Pure.

use crate::db::deliveries::{Found, State};
use crate::messages::Purpose;
use serde::Deserialize;
use std::time::Duration;

/// Between the end of a hand-over and the row that tells of it.
const RECORDING: Duration = Duration::from_secs(5);

/// What holds for everything that one transport or channel carries.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Longest time from the claim to the end of the hand-over. Who holds a claim for longer died.
    pub limit: Duration,
    /// What to do with an unknown outcome.
    pub unknown: Unknown,
    /// So many times at the most is it sent, the first time included.
    pub sends_at_most: u32,
}

/// What to do with what nobody knows the end of, for each purpose.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table such as { answer = \"resend\", alert = \"leave\" }"
)]
pub struct Unknown {
    /// For answers.
    pub answer: OnUnknown,
    /// For alerts.
    pub alert: OnUnknown,
}

/// What to do when nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Send it again: doubled is better than lost.
    Resend,
    /// Leave it, for an operator to see.
    Leave,
}

impl Unknown {
    /// What to do with one of this purpose.
    pub fn of(&self, purpose: Purpose) -> OnUnknown {
        match purpose {
            Purpose::Answer => self.answer,
            Purpose::Alert => self.alert,
        }
    }
}

impl Default for Unknown {
    fn default() -> Self {
        Self {
            answer: OnUnknown::Resend,
            alert: OnUnknown::Resend,
        }
    }
}

/// What there is to know.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The delivery's row, if there is one.
    pub found: Option<Found>,
    /// Why the receiver is not written to any more.
    pub suppressed: Option<String>,
    /// Why it is too late: it waited for longer than it is worth.
    pub expired: Option<String>,
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
pub fn decide(facts: &Facts, rules: &Rules) -> Decision {
    let limit = rules.limit + RECORDING;
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
        ) if !may_resend(found, facts.purpose, rules) => left(found),
        None
        | Some(Found {
            state: State::Claimed | State::Unknown | State::Waiting,
            ..
        }) => if_wanted(facts),
        Some(_) => Decision::Done,
    }
}

fn may_resend(found: Found, purpose: Purpose, rules: &Rules) -> bool {
    let tries_left = i64::from(found.attempts) < i64::from(rules.sends_at_most);
    rules.unknown.of(purpose) == OnUnknown::Resend && tries_left
}

/// Left as it is, for an operator to see.
fn left(found: Found) -> Decision {
    match found.state {
        State::Unknown => Decision::Done,
        _ => Decision::Close(State::Unknown, "who sent it did not come back".into()),
    }
}

fn if_wanted(facts: &Facts) -> Decision {
    if let Some(reason) = &facts.suppressed {
        return Decision::Close(State::Suppressed, reason.clone());
    }
    match &facts.expired {
        Some(why) => Decision::Close(State::Expired, why.clone()),
        None => Decision::Send,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        limit: Duration::from_secs(240),
        unknown: Unknown {
            answer: OnUnknown::Resend,
            alert: OnUnknown::Resend,
        },
        sends_at_most: 3,
    };

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
            expired: None,
            purpose: Purpose::Answer,
        }
    }

    #[test]
    fn everything_is_sent_once() {
        for (found, decision) in [
            (None, Decision::Send),
            (found(State::Waiting, 9, 1), Decision::Send),
            (found(State::Sent, 1, 1), Decision::Done),
            (found(State::Refused, 1, 1), Decision::Done),
            (found(State::Suppressed, 0, 1), Decision::Done),
            (found(State::Expired, 0, 1), Decision::Done),
        ] {
            assert_eq!(decide(&facts(found), &RULES), decision, "{found:?}");
        }
    }

    #[test]
    fn q30_what_nobody_knows_is_sent_again_or_left_as_the_settings_say() {
        let answer = OnUnknown::Leave;
        let leave = Rules {
            unknown: Unknown {
                answer,
                ..Unknown::default()
            },
            ..RULES
        };
        let dead = found(State::Claimed, 1, 246);
        let unknown = found(State::Unknown, 1, 1);
        for found in [dead, unknown] {
            assert_eq!(decide(&facts(found), &RULES), Decision::Send);
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
        let unknown = decide(&facts(found(State::Unknown, 3, 1)), &RULES);
        assert_eq!(unknown, Decision::Done);
        let dead = decide(&facts(found(State::Claimed, 3, 999)), &RULES);
        assert!(
            matches!(dead, Decision::Close(State::Unknown, _)),
            "{dead:?}"
        );
    }

    #[test]
    fn q1_what_somebody_is_sending_is_left_to_them() {
        let young = decide(&facts(found(State::Claimed, 1, 220)), &RULES);
        assert_eq!(young, Decision::LookAgain(Duration::from_secs(25)));
    }

    #[test]
    fn nobody_is_written_to_against_their_will_or_too_late() {
        let suppressed = Facts {
            suppressed: Some("complaint".into()),
            ..facts(None)
        };
        let closed = Decision::Close(State::Suppressed, "complaint".into());
        assert_eq!(decide(&suppressed, &RULES), closed);
        let sent = Facts {
            found: found(State::Sent, 1, 1),
            ..suppressed
        };
        assert_eq!(
            decide(&sent, &RULES),
            Decision::Done,
            "what was sent stays sent"
        );
        let late = Facts {
            expired: Some("older than 72 hours".into()),
            ..facts(None)
        };
        assert!(matches!(
            decide(&late, &RULES),
            Decision::Close(State::Expired, _)
        ));
    }
}
