//! What SQS takes as a body. Emulators take more than AWS does, so we look before we call.

use super::LONGEST_DELAY;
use super::batch::MOST_BYTES;
use crate::queue::Entry;
use crate::{Failure, Result};
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// The body as it may travel, or why this entry never will. Characters that SQS refuses are
/// escaped where the body is JSON; there they mean the same.
pub fn checked(entry: &Entry) -> Result<Cow<'_, str>> {
    let refused = |why: String| Err(Failure::quarantine(format!("message {}: {why}", entry.id)));
    if entry.delay > LONGEST_DELAY {
        return refused(format!(
            "a delay of {:?}; SQS holds 15 minutes",
            entry.delay
        ));
    }
    if entry.body.is_empty() {
        return refused("an empty body".into());
    }
    let Some(body) = travelling(&entry.body) else {
        return refused("a body with characters that SQS refuses, and not JSON".into());
    };
    if body.len() > MOST_BYTES {
        let size = body.len();
        return refused(format!(
            "a body of {size} bytes; SQS takes {MOST_BYTES}, put it in a blob"
        ));
    }
    Ok(body)
}

/// Bodies that may go, with their places, and the outcomes of the others; those of the first are
/// still to be filled in.
pub fn apart<'a>(bodies: &'a [Result<Cow<'a, str>>]) -> (Vec<(usize, Cow<'a, str>)>, Vec<Result>) {
    let fit = bodies.iter().enumerate();
    let fit = fit.filter_map(|(place, body)| Some((place, Cow::Borrowed(&**body.as_ref().ok()?))));
    let outcomes = bodies
        .iter()
        .map(|body| body.as_ref().map(drop).map_err(Clone::clone));
    (fit.collect(), outcomes.collect())
}

fn travelling(body: &str) -> Option<Cow<'_, str>> {
    if body.chars().all(allowed) {
        return Some(Cow::Borrowed(body));
    }
    // In valid JSON such a character can only stand inside a string, where its escape is the same.
    serde_json::from_str::<IgnoredAny>(body).ok()?;
    Some(Cow::Owned(body.chars().map(escaped).collect()))
}

fn escaped(c: char) -> Cow<'static, str> {
    if allowed(c) {
        Cow::Owned(c.to_string())
    } else {
        // What SQS refuses lies below U+10000.
        Cow::Owned(format!("\\u{:04x}", u32::from(c)))
    }
}

/// XML 1.0's characters.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
pub fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}') || c >= '\u{10000}'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;
    use proptest::prelude::*;
    use std::time::Duration;
    use uuid::Uuid;

    fn entry(body: &str) -> Entry {
        Entry {
            id: Uuid::nil(),
            body: body.into(),
            delay: Duration::ZERO,
        }
    }

    #[test]
    fn what_sqs_refuses_is_refused_before_the_call() {
        let large = "x".repeat(MOST_BYTES + 1);
        for body in ["", "raw \u{0}", "raw \u{FFFF}", "\u{1}", &large] {
            let entry = entry(body);
            let verdict = checked(&entry).map_err(|f| f.verdict);
            assert_eq!(verdict, Err(Verdict::Quarantine));
        }
        let mut late = entry("{}");
        late.delay = LONGEST_DELAY + Duration::from_secs(1);
        assert!(checked(&late).is_err());
    }

    #[test]
    fn a_full_mebibyte_passes() {
        assert!(checked(&entry(&"x".repeat(MOST_BYTES))).is_ok());
    }

    #[test]
    fn noncharacters_in_json_travel_as_escapes() {
        let json = serde_json::to_string("mati \u{FFFF} sapi \u{FFFE}\u{1F404}").unwrap();
        let entry = entry(&json);
        let body = checked(&entry).unwrap();
        assert!(body.chars().all(allowed));
        assert_eq!(
            serde_json::from_str::<String>(&body).unwrap(),
            serde_json::from_str::<String>(&json).unwrap()
        );
    }

    proptest! {
        #[test]
        fn any_json_string_travels_unchanged(text in any::<String>()) {
            let entry = entry(&serde_json::to_string(&text).unwrap());
            let body = checked(&entry).unwrap();
            prop_assert!(body.chars().all(allowed));
            prop_assert_eq!(serde_json::from_str::<String>(&body).unwrap(), text);
        }
    }
}
