//! What comes from outside, made fit for rows: times that can be, ids that an index can hold.

use common::mail::proof::LONGEST_ADDRESS;
use jiff::{SignedDuration, Timestamp};

/// Longest Message-ID or channel's id that is kept, in bytes: a line of a mail may have 998
/// (RFC 5322, 2.1.1), and PostgreSQL indexes no value over a third of a page (2,704 bytes).
const LONGEST_ID: usize = 998;

/// Oldest receipt that is believed: far longer than any queue keeps a message, and a dead letter
/// that somebody repairs is younger.
const OLDEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// When a message reached us, as whoever took it in says, if that can be: a clock that is wrong
/// must not put a report into a month to come or a year long gone (FAILURES M15).
pub fn received(told: Timestamp, now: Timestamp) -> Timestamp {
    let oldest = now.checked_sub(OLDEST).unwrap_or(Timestamp::MIN);
    if (oldest..=now).contains(&told) {
        told
    } else {
        now
    }
}

/// An address; empty, which is nobody's, when it is too long for one.
pub fn address(address: String) -> String {
    if address.len() <= LONGEST_ADDRESS {
        address
    } else {
        String::new()
    }
}

/// An id that others gave; none when it is too long for one.
pub fn id(id: String) -> Option<String> {
    (id.len() <= LONGEST_ID).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_receipt_is_never_in_the_future_and_not_ages_ago() {
        let now = Timestamp::from_second(1_800_000_000).expect("in range");
        for (seconds, believed) in [
            (0, true),
            (1, false),
            (-28 * 24 * 3600, true),
            (-367 * 24 * 3600, false),
            (40 * 365 * 24 * 3600, false),
        ] {
            let told = now + SignedDuration::from_secs(seconds);
            assert_eq!(received(told, now) == told, believed, "{seconds}");
        }
        assert_eq!(received(Timestamp::MIN, now), now);
        assert_eq!(received(now, Timestamp::MIN), Timestamp::MIN);
    }

    #[test]
    fn what_no_index_can_hold_is_none() {
        assert_eq!(address("x".repeat(320)).len(), 320);
        assert_eq!(address("é".repeat(161)), "");
        assert_eq!(id("x".repeat(999)), None);
    }
}
