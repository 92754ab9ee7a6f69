//! Times and spans as operators type and read them.

use jiff::Timestamp;
use std::time::Duration;

/// Reads a span: `90s`, `15m`, `2h`, `3d`; a bare number is seconds. For clap, so the error is a
/// sentence.
pub fn span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a span; write 90s, 15m, 2h or 3d");
    let (number, unit) = match text.char_indices().find(|(_, c)| c.is_ascii_alphabetic()) {
        Some((at, _)) => text.split_at(at),
        None => (text, "s"),
    };
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    let total = number.checked_mul(seconds).ok_or_else(wrong)?;
    Ok(Duration::from_secs(total))
}

/// A span as two units at most: `12 s`, `3 min`, `2 h 05 min`, `4 d 3 h`.
pub fn shown(span: Duration) -> String {
    match span.as_secs() {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3600 => format!("{} min", s / 60),
        s @ 3600..86_400 => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
        s => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

/// How long ago that was; nothing for a time that has not come yet.
pub fn age(then: Timestamp, now: Timestamp) -> Duration {
    let passed = now.duration_since(then);
    Duration::try_from(passed).unwrap_or_default()
}

/// A time of this machine's zone, to the millisecond.
pub fn clock(at: Timestamp) -> String {
    let zoned = at.to_zoned(jiff::tz::TimeZone::system());
    zoned.strftime("%Y-%m-%d %H:%M:%S%.3f %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        let seconds = |text| span(text).map(|s| s.as_secs());
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("15m"), Ok(900));
        assert_eq!(seconds("2h"), Ok(7200));
        assert_eq!(seconds("3d"), Ok(259_200));
        for wrong in ["", "h", "-1h", "2w", "1.5h", "99999999999999999d"] {
            let said = seconds(wrong).unwrap_err();
            assert!(said.contains("15m"), "{wrong}: {said}");
        }
    }

    #[test]
    fn spans_are_shown_in_two_units_at_most() {
        let shown = |s| super::shown(Duration::from_secs(s));
        assert_eq!(shown(59), "59 s");
        assert_eq!(shown(3599), "59 min");
        assert_eq!(shown(7_500), "2 h 05 min");
        assert_eq!(shown(356_400), "4 d 3 h");
    }

    #[test]
    fn what_lies_ahead_has_no_age() {
        let at = |s| Timestamp::from_second(s).unwrap();
        assert_eq!(age(at(10), at(70)), Duration::from_secs(60));
        assert_eq!(age(at(70), at(10)), Duration::ZERO);
    }
}
