//! Dead letters counted by what they have in common.

use crate::exit::{Exit, Fault, Result};
use crate::letter::Letter;
use crate::out::{Out, one_line};
use crate::time::{age, shown};
use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// What to count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The queue that they were taken from
    Queue,
    /// The kind of message; `foreign` for bodies that are no messages of ours
    Kind,
    /// Why they are here, without the place in the body
    Reason,
    /// Who sent them, as far as the body tells
    Producer,
}

/// Letters that have something in common.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Group {
    what: String,
    letters: usize,
    oldest: Option<Timestamp>,
    /// The name of one of them, for `dead show`.
    example: String,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Kind => "kind",
            Self::Reason => "reason",
            Self::Producer => "producer",
        }
    }

    fn of(self, letter: &Letter) -> String {
        match self {
            Self::Queue => letter.queue.clone(),
            Self::Kind => letter.kind().to_owned(),
            Self::Producer => letter.producer(),
            Self::Reason => {
                let reason = letter.received.reason.as_deref().unwrap_or("-");
                // One fault of one producer stands at another place in every body.
                let place = reason.find(" (line ").unwrap_or(reason.len());
                reason[..place].to_owned()
            }
        }
    }
}

/// Prints how many there are of each, most first.
pub fn said(out: Out, by: By, letters: &[Letter]) -> Result {
    let groups = groups(by, letters);
    if out.json {
        out.document(&groups)?;
        return Ok(Exit::Done);
    }
    if groups.is_empty() {
        return Err(Fault::nothing("there are no such dead letters"));
    }
    let now = Timestamp::now();
    let row = |group: &Group| {
        let oldest = group.oldest.map_or("-".into(), |at| shown(age(at, now)));
        let what = one_line(&group.what, 100);
        vec![
            what,
            group.letters.to_string(),
            oldest,
            group.example.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = groups.iter().map(row).collect();
    out.table(&[by.name(), "letters", "oldest", "for example"], &rows)?;
    Ok(Exit::Done)
}

fn groups(by: By, letters: &[Letter]) -> Vec<Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for letter in letters {
        let what = by.of(letter);
        let group = groups.entry(what.clone()).or_insert_with(|| Group {
            what,
            letters: 0,
            oldest: None,
            example: letter.name(),
        });
        group.letters += 1;
        group.oldest = [group.oldest, letter.sent_at()].into_iter().flatten().min();
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    // Stable: those of one size stay in the order of their names.
    groups.sort_by_key(|group| std::cmp::Reverse(group.letters));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letter::tests::{letter, text};
    use uuid::Uuid;

    fn counted(by: By, letters: &[Letter]) -> Vec<(String, usize)> {
        let groups = groups(by, letters).into_iter();
        groups.map(|group| (group.what, group.letters)).collect()
    }

    /// Q26: what is not ours is counted by producer.
    #[test]
    fn letters_are_counted_by_what_they_have_in_common_most_first() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let topic = r#"{"TopicArn":"arn:aws:sns:x:1:other","Message":"hi"}"#;
        let letters = [
            letter(
                "not JSON",
                Some("not an envelope: not JSON (line 1, column 2)"),
            ),
            letter(
                topic,
                Some("not an envelope: a field is missing (line 1, column 7)"),
            ),
            letter(
                topic,
                Some("not an envelope: a field is missing (line 3, column 9)"),
            ),
            letter(&text(Uuid::now_v7(), at(60)), None),
            letter(&text(Uuid::now_v7(), at(30)), None),
            letter(&text(Uuid::now_v7(), at(90)), None),
        ];
        let n = |what: &str, letters| (what.to_owned(), letters);
        let producers = counted(By::Producer, &letters);
        let (ours, other) = ("kentongan text-input v1", "arn:aws:sns:x:1:other");
        assert_eq!(producers, [n(ours, 3), n(other, 2), n("unknown", 1)]);
        assert_eq!(
            counted(By::Kind, &letters),
            [n("foreign", 3), n("text-input", 3)]
        );
        assert_eq!(counted(By::Queue, &letters), [n("text-input-dead", 6)]);
        let (missing, broken) = ("a field is missing", "not JSON");
        let of = |why: &str, letters| (format!("not an envelope: {why}"), letters);
        let reasons = [n("-", 3), of(missing, 2), of(broken, 1)];
        assert_eq!(counted(By::Reason, &letters), reasons);
        let ours = groups(By::Kind, &letters).pop().unwrap();
        assert_eq!(
            (ours.oldest, ours.example),
            (Some(at(30)), letters[3].name())
        );
    }
}
