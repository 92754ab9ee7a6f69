//! The definition of one code, as its file declares it and as the engine uses it.

use super::Reader;
use super::format::Format;
use super::kind::{Kind, Rules};
use super::lexicon::Entry;
use super::machine::Machine;
use super::sql::Sql;
use super::values::Values;
use crate::language::Both;
use serde::Deserialize;
use std::sync::Arc;

/// Everything about one code. Built by [`super::Codes::load`] only, so that whatever exists has
/// been checked: its format is unambiguous, its texts name nothing that is not there.
#[derive(Debug)]
pub struct Spec {
    /// The start code in capitals.
    pub code: String,
    /// Other spellings that mean the same code.
    pub aliases: Vec<String>,
    /// What it is called.
    pub name: Both,
    /// One or two sentences for help texts and the documentation.
    pub help: Both,
    /// Its chapter in the manual; `None` puts it behind all others.
    pub chapter: Option<Chapter>,
    /// Who may send it: `can_send_u`.
    pub permission: String,
    /// Its format.
    pub format: Format,
    /// Its fields in the order of the format.
    pub fields: Vec<Arc<Field>>,
    /// Name of the repeatable group.
    pub group: Option<Arc<str>>,
    /// The behaviour of its own, one of [`super::names::EFFECTS`].
    pub effect: Option<String>,
    /// What must be true of the animals that it names, and what it tells about them.
    pub animal: Option<AnimalRules>,
    /// What is typed in place of the code, with the digits of the first field behind it and no
    /// blank between: `D` lets `D959595` be `PIN 959595`.
    pub attached: Option<String>,
    /// Whether somebody whom nobody knows may send it.
    pub strangers: bool,
    /// How its question is answered; `None` for a code that stores.
    pub query: Option<Query>,
    /// Who else is told.
    pub alerts: Vec<Alert>,
    /// Who is told again, and who next, while nobody answers; in the order of their times.
    pub escalation: Vec<Escalation>,
    /// Its tests and the documentation's examples.
    pub examples: Vec<Example>,
    /// Whether the bare code has an answer of its own.
    pub(crate) bare: bool,
    /// Whether it says itself who may send it, to somebody who may not.
    pub(crate) forbidden: bool,
    pub(crate) machine: Machine,
}

/// The chapters of `docs/CODES.md` and of the field cards, in their order; the words are those of
/// code files: `chapter = "cases"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chapter {
    /// Sick animals, and what became of them.
    Cases,
    /// Permits, transport and slaughter.
    Movement,
    /// Vaccination, surveillance, population.
    Programmes,
    /// Owners, their animals, breeding.
    Herds,
    /// Questions.
    Queries,
    /// Oneself, other users, one's last message.
    Administration,
}

impl Chapter {
    /// Its word in code files.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Cases => "cases",
            Self::Movement => "movement",
            Self::Programmes => "programmes",
            Self::Herds => "herds",
            Self::Queries => "queries",
            Self::Administration => "administration",
        }
    }
}

/// One field of a code.
#[derive(Debug)]
pub struct Field {
    /// Its name in the format, in templates, in SQL (`:name`) and in `report.fields`.
    pub name: Arc<str>,
    /// Its type.
    pub kind: Kind,
    /// Its type as the code file writes it: `list:species`.
    pub type_name: String,
    /// What people read in the format.
    pub label: Both,
    /// What its values must keep to.
    pub rules: Rules,
    /// Who may give it: permissions (`can_...`) or user types; empty for all.
    pub only: Vec<String>,
    /// Units of the list `unit` in which its number may be told (`10 ekor`); behind no other field's.
    pub units: Vec<Arc<Entry>>,
}

/// How a question's rows become an answer.
#[derive(Debug)]
pub struct Query {
    /// The statement with numbered parameters.
    pub sql: Sql,
    /// The columns that it returns, all of them texts, numbers or null.
    pub columns: Vec<String>,
    /// Between two rows.
    pub separator: String,
    /// Most characters of all rows together, dots of the cut included.
    pub limit: usize,
}

/// What a message tells about the life of an animal, so that codes can follow one another whatever
/// they are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// She is ready to be inseminated.
    Heat,
    /// She was inseminated.
    Insemination,
    /// She was examined; the field `month` tells how far she is, 0 that she is not.
    Pregnancy,
    /// She lost what she carried.
    Loss,
    /// She gave birth; the field `date` tells when.
    Birth,
}

/// `[animal]`: what must be true of every animal that a message names; the effects `herd_event` and
/// `birth` see to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnimalRules {
    /// What the message tells.
    pub event: Option<Event>,
    /// Code in the list `sex`: it must be of that one.
    pub sex: Option<String>,
    /// It must be old enough to breed; one whose age nobody knows is.
    pub mature: bool,
    /// What should have been reported before.
    pub after: Option<After>,
    /// The field that tells what it weighs, in kilograms; of a birth what the newborn weighs.
    pub weight: Option<String>,
}

/// One event should follow another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// Which.
    pub event: Event,
    /// So many days ago at most.
    pub within_days: i32,
    /// Without it the message is refused, rather than answered with a remark.
    pub must: bool,
}

/// A message to others when this code was stored.
#[derive(Debug)]
pub struct Alert {
    /// Name of the circle that is told: `responders`.
    pub to: String,
    /// User types of senders whose message is passed on; empty for all.
    pub when: Vec<String>,
    /// Fields with the codes of which one must have been given: only such messages are passed on.
    pub only_if: Vec<(String, Vec<String>)>,
    /// Circles that are told instead, one after the other, until somebody can be reached.
    pub or_else: Vec<String>,
    /// Held only past the second, higher rate; who reads it can end the escalation.
    pub urgent: bool,
}

/// What happens when nobody has answered by then.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// So long after the message, in minutes.
    pub after_min: u32,
    /// Name of the circle that is told.
    pub to: String,
}

/// One example: documentation and test at once.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Messages that came before, from the same sender unless they begin with `vet: ` or the like.
    #[serde(default)]
    pub after: Vec<String>,
    /// User type of the sender.
    #[serde(default = "anybody")]
    pub from: String,
    /// What is sent.
    pub text: String,
    /// The answer; `...` stands for anything, see [`Example::fits`].
    pub reply: Option<Both>,
    /// Name of the error it is answered with: see [`super::Reading::name`].
    pub error: Option<String>,
}

fn anybody() -> String {
    "vet".to_owned()
}

impl Spec {
    /// The format as this reader would type it, with labels in their language; optional fields
    /// that they may not give are left out.
    pub fn format_line(&self, reader: &Reader<'_>) -> String {
        self.format.print(|name| {
            let field = self.field(name)?;
            let optional = self.format.slots().any(|s| s.field == name && !s.mandatory);
            let shown = !optional || field.open_to(reader);
            shown.then(|| field.label.get(reader.language))
        })
    }

    /// The same with a value in the place of one mandatory field.
    pub fn format_with(&self, reader: &Reader<'_>, field: &str, value: &str) -> String {
        let line = self.format_line(reader);
        let label = self.field(field).map(|f| f.label.get(reader.language));
        match label {
            Some(label) => line.replacen(&format!("[{label}]"), value, 1),
            None => line,
        }
    }

    /// A field by its name.
    pub fn field(&self, name: &str) -> Option<&Arc<Field>> {
        self.fields.iter().find(|f| &*f.name == name)
    }

    /// Whether its messages become rows of `report`; questions do not.
    pub fn stores(&self) -> bool {
        self.query.is_none()
    }

    /// The alerts that this message of a sender of this user type sets off, with their place in
    /// the file, which [`super::Codes::alert`] wants.
    pub fn alerts_for<'a>(
        &'a self,
        sender: &'a str,
        values: &'a Values,
    ) -> impl Iterator<Item = (usize, &'a Alert)> {
        let fits = move |alert: &Alert| {
            let from = &alert.when;
            (from.is_empty() || from.iter().any(|w| w.eq_ignore_ascii_case(sender)))
                && alert
                    .only_if
                    .iter()
                    .all(|(field, codes)| values.has(field, codes))
        };
        self.alerts
            .iter()
            .enumerate()
            .filter(move |(_, alert)| fits(alert))
    }
}

impl Field {
    /// Whether this sender may give it.
    pub fn open_to(&self, sender: &Reader<'_>) -> bool {
        let fits = |only: &String| match only.starts_with("can_") {
            true => (sender.may)(only),
            false => only.eq_ignore_ascii_case(sender.kind),
        };
        self.only.is_empty() || self.only.iter().any(fits)
    }
}

impl Example {
    /// Whether an answer is the expected one, in which `...` stands for any text, also none:
    /// case numbers and names of places are not known when a code file is written.
    pub fn fits(expected: &str, answer: &str) -> bool {
        let parts: Vec<&str> = expected.split("...").collect();
        let [first, middle @ .., last] = parts.as_slice() else {
            return expected == answer;
        };
        let inner = answer
            .strip_prefix(first)
            .and_then(|rest| rest.strip_suffix(last));
        let Some(mut rest) = inner else { return false };
        middle.iter().all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expected_reply_may_leave_things_open() {
        for (expected, answer, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a...", "ab", true),
            ("a...", "a", true),
            ("ab...bc", "abc", false),
            ("[ID ...] di ...", "[ID 12] di Sinjai", true),
            ("[ID ...] di ... Ddx: x", "[ID 12] di Sinjai. Ddx: x", true),
            ("[ID ...] x", "[ID 12] y] x", true),
            ("[ID ...] x", "[ID 12] x y", false),
            ("[ID ...] z", "[ID 12] x", false),
            ("...b", "ab", true),
            ("b...", "ab", false),
        ] {
            assert_eq!(
                Example::fits(expected, answer),
                fits,
                "{expected} / {answer}"
            );
        }
    }
}
