//! What a provider's request or answer says, as every adapter that speaks HTTP reads it.

use super::Sign;
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// What one request of a provider brings.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Came {
    /// Texts that people sent, in the provider's order.
    pub texts: Vec<CameText>,
    /// What became of texts that we sent.
    pub receipts: Vec<CameReceipt>,
    /// Things that are neither: pictures, edits, what is for another number.
    pub others: usize,
}

/// A text, or a part of one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CameText {
    /// The sender's address, as other parts of the program know it as far as the channel can tell.
    pub from: String,
    /// What was written.
    pub text: String,
    /// The provider's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it was sent, where that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Reference, number from 1 and count, for a part of a longer text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<(u16, u8, u8)>,
}

/// What became of a text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CameReceipt {
    /// The provider's id of the text, as it gave it when it took it.
    pub id: String,
    /// The provider's own word.
    pub state: String,
    /// Why, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When, where that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What the provider answered to a text that was handed over.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answered {
    /// What it comes to.
    pub means: Sign,
    /// The word that decided: the provider's own, or `http 429`.
    pub status: String,
    /// The provider's id, where it took the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Nothing more for so long.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "seconds")]
    pub pause: Option<Duration>,
}

#[expect(clippy::ref_option, reason = "serde hands the field over like this")]
fn seconds<S: serde::Serializer>(pause: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    pause.map(|p| p.as_secs()).serialize(to)
}

/// A time as providers write it: seconds or milliseconds since 1970, RFC 3339 with or without a
/// zone (UTC then), RFC 9110. What is none is `None`: a text is worth more than its time.
pub fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        // Seconds until the year 5138, as milliseconds that was 1973: nobody has such texts.
        return match number {
            0..100_000_000_000 => Timestamp::from_second(number).ok(),
            _ => Timestamp::from_millisecond(number).ok(),
        };
    }
    let utc = || {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok()
    };
    text.parse()
        .ok()
        .or_else(|| utc().map(|t| t.timestamp()))
        .or_else(|| jiff::fmt::rfc2822::parse(text).ok().map(|t| t.timestamp()))
}

/// How long a `Retry-After` asks to wait (RFC 9110, section 10.2.3).
pub fn pause(retry_after: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = retry_after.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = time(retry_after)?;
    Duration::try_from(until.duration_since(now)).ok()
}

/// What of `want` is not in `got`; tables may hold more than is asked for.
pub(super) fn missing(want: &toml::Value, got: &toml::Value, at: &str) -> Option<String> {
    let differs = || Some(format!("{at} is {got}, and its case says {want}"));
    match (want, got) {
        (toml::Value::Table(want), toml::Value::Table(got)) => {
            want.iter().find_map(|(key, want)| {
                let at = format!("{at}.{key}");
                match got.get(key) {
                    Some(got) => missing(want, got, &at),
                    None => Some(format!("{at} is nowhere, and its case says {want}")),
                }
            })
        }
        (toml::Value::Array(want), toml::Value::Array(got)) if want.len() == got.len() => want
            .iter()
            .zip(got)
            .enumerate()
            .find_map(|(i, (want, got))| missing(want, got, &format!("{at}[{i}]"))),
        _ if want == got => None,
        _ => differs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_providers_write_them() {
        for (text, want) in [
            ("1603059201", "2020-10-18T22:13:21Z"),
            ("1603059201000", "2020-10-18T22:13:21Z"),
            ("2016-10-06T09:28:39.220+0000", "2016-10-06T09:28:39.22Z"),
            ("2019-04-09T16:01:56-03:00", "2019-04-09T19:01:56Z"),
            ("2018-10-25 12:10:29", "2018-10-25T12:10:29Z"),
            ("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"),
        ] {
            assert_eq!(
                time(text).map(|t| t.to_string()).as_deref(),
                Some(want),
                "{text}"
            );
        }
        for odd in [
            "",
            "soon",
            "2018-13-45",
            "99999999999999999999",
            "-9223372036854775808",
        ] {
            assert_eq!(time(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_pause_is_seconds_or_a_time() {
        let now = time("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let pause = |text| pause(text, now).map(|p| p.as_secs());
        assert_eq!(pause("7"), Some(7));
        assert_eq!(pause("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(pause("Sun, 06 Nov 1994 08:00:00 GMT"), None, "it is over");
        assert_eq!(pause("later"), None);
    }
}
