//! What an effect is given and what it hands back.

use super::{Engine, Found};
use crate::code::effects;
use crate::code::{Codes, Spec, Value, Values, Var};
use crate::db::Tx;
use crate::db::cases::Case;
use crate::db::people::Person;
use crate::db::places::Place;
use crate::db::subjects::{Sort, Subject};
use crate::envelope::derived_id;
use crate::language::Language;
use crate::messages::EmailOutput;
use crate::{Result, config};
use jiff::Timestamp;
use serde_json::Value as Json;
use std::borrow::Cow;
use uuid::Uuid;

/// A message to decide.
pub struct Asked<'a> {
    /// Who sent it.
    pub sender: &'a Person,
    /// The sender's address, as others may be shown it.
    pub address: &'a str,
    /// What was written.
    pub text: &'a str,
    /// Id of the message that brought it.
    pub message: Uuid,
    /// Which command of that message; 0 for a text.
    pub line: i16,
    /// The trace it belongs to.
    pub trace: Uuid,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it reached us.
    pub received_at: Timestamp,
}

#[cfg(test)]
impl<'a> Asked<'a> {
    /// A text that is a message by itself, sent and received at once.
    pub(crate) fn text(sender: &'a Person, address: &'a str, text: &'a str, at: Timestamp) -> Self {
        let message = Uuid::now_v7();
        Self {
            sender,
            address,
            text,
            message,
            line: 0,
            trace: message,
            sent_at: at,
            received_at: at,
        }
    }
}

impl Asked<'_> {
    /// Id of the report that this message becomes: the same however often it is decided.
    pub fn report_id(&self) -> Uuid {
        let line = self.line.to_be_bytes();
        derived_id(&[b"report", self.message.as_bytes(), &line])
    }

    /// The trace as answers print it: enough to find it by, short enough to read out on the phone.
    pub fn short_trace(&self) -> String {
        short_trace(self.trace)
    }
}

/// The last eight hexadecimal digits of a trace; operators look it up with `kentongan trace`.
pub fn short_trace(trace: Uuid) -> String {
    let hex = trace.simple().to_string();
    hex[hex.len() - 8..].to_owned()
}

/// A message whose places and cases were found; what only its code does comes next.
pub struct Deed<'a> {
    /// The transaction that keeps all of it.
    pub tx: &'a Tx<'a>,
    /// The message.
    pub asked: &'a Asked<'a>,
    /// All codes, for their lists and texts.
    pub codes: &'a Codes,
    /// The message's code.
    pub spec: &'a Spec,
    /// What it said.
    pub values: &'a Values,
    /// Where it happened: the place that the message names, else that of the case that it names, else
    /// that of the first owner, else that of the first infrastructure, else the sender's own.
    pub place: Option<&'a Place>,
    /// The case it names.
    pub case: Option<&'a Case>,
    /// Owners, animals, programmes, permits and infrastructure that it names.
    pub found: &'a Found,
    /// How answers are made here.
    pub settings: &'a config::Engine,
    pub(super) engine: &'a Engine,
}

impl Deed<'_> {
    /// The language in which the sender is answered.
    pub(crate) fn language(&self) -> Language {
        Language::from_tag(&self.asked.sender.language).unwrap_or_default()
    }

    /// Whether it is for training: what has no twin must stay as it is, and nobody else is told.
    pub fn trains(&self) -> bool {
        self.engine.trains(self.asked.sender)
    }

    /// The place of a field that is not the report's place: a message's second one, say. The inner
    /// `Err` is a refusal: no such place, or the field was left out.
    pub async fn place_of(&self, field: &str) -> Result<std::result::Result<Place, Effected>> {
        let code = match self.values.get(field) {
            Some(Value::Place(code)) => code.as_str(),
            _ => "",
        };
        let systems = &self.settings.place_systems;
        let found = self.engine.places.by_code(self.tx, systems, code).await?;
        let unknown = || {
            let values = vec![("word", Var::from(code)), ("near", Var::from(""))];
            Effected::Refused("unknown_place", values)
        };
        Ok(found.ok_or_else(unknown))
    }

    /// Does what only this code does. A code without an effect just stores.
    pub(super) async fn effect(&self) -> Result<Effected> {
        match self.spec.effect.as_deref() {
            Some(name) => effects::run(name, self).await,
            None => {
                let case_id = self.case.map(|c| c.id);
                Ok(Effected::Done(Done {
                    case_id,
                    ..Done::default()
                }))
            }
        }
    }
}

/// What an effect came to.
pub enum Effected {
    /// It was done.
    Done(Done),
    /// It cannot be done: one of the engine's texts says why, with these values.
    Refused(&'static str, Vec<(&'static str, Var)>),
}

/// What was done, for the row, the reply and the alerts.
pub struct Done {
    /// The case that was opened or is meant.
    pub case_id: Option<i64>,
    /// Where it is, when that is not the [`Deed`]'s place.
    pub place: Option<Place>,
    /// Whether a `report` row is written.
    pub stores: bool,
    /// Mails that go out because of it, in the transaction that keeps it.
    pub mails: Vec<EmailOutput>,
    /// What it is about besides its place and case.
    pub(super) subjects: Vec<Subject>,
    /// The earlier message that was taken back: who was told because of it is the circle `told`.
    pub about: Option<Uuid>,
    /// Fields of the row that the message did not name.
    pub(super) kept: Vec<(&'static str, Json)>,
    /// Who registered whom the message confirms: the circle `officer`.
    pub officer: Option<i64>,
    /// It gave something that is good for a time only, from when the message was sent.
    pub lapses: Option<Lapse>,
    /// What the texts of the code may name besides its fields.
    said: Vec<(Cow<'static, str>, Said)>,
}

/// What is good for a time only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// A PIN, which somebody must send within minutes or hours: no workbook gives any.
    Pin,
    /// A movement permit.
    Permit,
}

/// A value for texts in either language.
#[derive(Clone)]
pub enum Said {
    /// Numbers, codes, names.
    Same(Var),
    /// Words.
    Both {
        /// In Indonesian.
        id: Var,
        /// In English.
        en: Var,
    },
}

impl Default for Done {
    fn default() -> Self {
        Self {
            case_id: None,
            place: None,
            stores: true,
            mails: Vec::new(),
            subjects: Vec::new(),
            about: None,
            kept: Vec::new(),
            officer: None,
            lapses: None,
            said: Vec::new(),
        }
    }
}

impl Done {
    /// Done to a case.
    pub fn to_case(case_id: i64) -> Self {
        Self {
            case_id: Some(case_id),
            ..Self::default()
        }
    }

    /// Done, and no row of its own to write.
    pub fn without_row(case_id: Option<i64>) -> Self {
        Self {
            case_id,
            stores: false,
            ..Self::default()
        }
    }

    /// It brought this into being: `H` makes that withdrawn.
    pub fn made(&mut self, sort: Sort, id: i64) {
        self.subject(sort, id).made = true;
    }

    /// It changed this, which was `before`: `H` puts that back.
    pub fn changed(&mut self, sort: Sort, id: i64, before: Json) {
        self.subject(sort, id).before.get_or_insert(before);
    }

    /// It is about this.
    pub(super) fn speaks_of(&mut self, found: Vec<Subject>) {
        for one in found {
            self.subject(one.sort, one.id);
        }
    }

    /// The infrastructure that the message names: its staff are a circle of receivers.
    pub(super) fn infrastructure(&self) -> Option<i64> {
        let mut subjects = self.subjects.iter();
        let found = subjects.find(|s| s.sort == Sort::Infrastructure);
        found.map(|s| s.id)
    }

    fn subject(&mut self, sort: Sort, id: i64) -> &mut Subject {
        let at = self
            .subjects
            .iter()
            .position(|s| (s.sort, s.id) == (sort, id));
        let at = at.unwrap_or_else(|| {
            self.subjects.push(Subject::about(sort, id));
            self.subjects.len() - 1
        });
        &mut self.subjects[at]
    }

    /// Keeps a field in the report's row that follows from what the message named.
    pub fn keep(&mut self, field: &'static str, value: Json) {
        self.kept.push((field, value));
    }

    /// Lets the texts name a value that is the same in both languages.
    pub fn say(&mut self, name: impl Into<Cow<'static, str>>, value: Var) {
        self.said.push((name.into(), Said::Same(value)));
    }

    /// Lets the texts name a value that has words in it.
    pub fn say_in(&mut self, name: &'static str, words: impl Fn(Language) -> String) {
        let (id, en) = (words(Language::Id).into(), words(Language::En).into());
        self.said.push((name.into(), Said::Both { id, en }));
    }

    /// Lets the texts print what was looked up by its name, unless the effect says otherwise.
    pub(super) fn say_found(&mut self, found: &Found) {
        let (id, en) = (found.said(Language::Id), found.said(Language::En));
        for ((name, id), (_, en)) in id.into_iter().zip(en) {
            if !self.said.iter().any(|(said, _)| said == name) {
                let name = name.to_owned().into();
                self.said.push((name, Said::Both { id, en }));
            }
        }
    }

    /// Everything a text in this language may name besides the message's fields.
    pub(super) fn extra(&self, language: Language) -> Vec<(&str, Var)> {
        let value = |said: &Said| match (said, language) {
            (Said::Same(value), _) => value.clone(),
            (Said::Both { id, .. }, Language::Id) => id.clone(),
            (Said::Both { en, .. }, Language::En) => en.clone(),
        };
        let mut extra: Vec<_> = self.said.iter().map(|(n, v)| (&**n, value(v))).collect();
        let case = self.case_id.map_or_else(|| Var::from(""), Var::from);
        extra.push(("case", case));
        let place = self.place.as_ref();
        extra.push(("place", Var::from(place.map_or_else(String::new, shown))));
        let up = place.map_or_else(String::new, |place| place.names.join(", "));
        extra.push(("place_up", Var::from(up)));
        extra
    }
}

/// A place in words, from the largest to the smallest.
pub fn shown(place: &Place) -> String {
    place
        .names
        .iter()
        .rev()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
