//! Which dead letters are meant.

use crate::letter::Letter;
use crate::time::{age, span};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// Every condition that is given must hold; without any, all are meant.
#[derive(Debug, Clone, Default, Args, Serialize)]
pub struct Filter {
    /// Only dead letters of this queue (its own name, without `-dead`)
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Only this one: its id, or eight letters of the beginning or end of its id or trace
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Only messages of this kind; `foreign` for bodies that are no messages of ours
    #[arg(long)]
    pub kind: Option<String>,
    /// Only those whose reason holds this text, in any letter case
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
    /// Only those first sent longer ago than this: 90s, 15m, 2h, 3d
    #[arg(long, value_name = "AGE", value_parser = span)]
    pub older: Option<Duration>,
    /// Only those first sent within this time
    #[arg(long, value_name = "AGE", value_parser = span)]
    pub younger: Option<Duration>,
}

impl Filter {
    /// Means the one with this id.
    pub fn of(id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            ..Self::default()
        }
    }

    /// Means those with this reason.
    #[cfg(test)]
    pub fn because(text: &str) -> Self {
        Self {
            because: Some(text.to_owned()),
            ..Self::default()
        }
    }

    /// Is this one meant? A message whose age nobody knows is neither older nor younger.
    pub fn takes(&self, letter: &Letter, now: Timestamp) -> bool {
        let old = letter.sent_at().map(|at| age(at, now));
        let holds = |reason: &str, text: &str| reason.to_lowercase().contains(&text.to_lowercase());
        let reason = letter.received.reason.as_deref().unwrap_or_default();
        self.id.as_ref().is_none_or(|id| letter.is(id))
            && self.kind.as_ref().is_none_or(|kind| letter.kind() == kind)
            && self.because.as_ref().is_none_or(|text| holds(reason, text))
            && self
                .older
                .is_none_or(|limit| old.is_some_and(|old| old > limit))
            && self
                .younger
                .is_none_or(|limit| old.is_some_and(|old| old <= limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letter::tests::{letter, text};
    use uuid::Uuid;

    fn hours(n: i64) -> Timestamp {
        Timestamp::from_second(n * 3600).unwrap()
    }

    #[test]
    fn every_condition_must_hold() {
        let one = letter(&text(Uuid::now_v7(), hours(0)), Some("No such PLACE"));
        let takes = |filter: Filter| filter.takes(&one, hours(2));
        let because = Filter::because;
        assert!(takes(Filter::default()));
        assert!(takes(because("such place")));
        assert!(!takes(because("timeout")));
        let kind = Some("email-input".into());
        assert!(!takes(Filter {
            kind,
            ..because("place")
        }));
    }

    #[test]
    fn age_is_that_of_the_first_sending() {
        let one = letter(&text(Uuid::now_v7(), hours(0)), None);
        let older = Filter {
            older: Some(Duration::from_secs(3600)),
            ..Filter::default()
        };
        let younger = Filter {
            younger: Some(Duration::from_secs(3600)),
            ..Filter::default()
        };
        assert!(older.takes(&one, hours(2)) && !younger.takes(&one, hours(2)));
        assert!(!older.takes(&one, hours(1)) && younger.takes(&one, hours(1)));
        let foreign = letter("?", None);
        assert!(!older.takes(&foreign, hours(2)) && !younger.takes(&foreign, hours(2)));
    }
}
