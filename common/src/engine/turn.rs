//! One message's turn: what it names is found, its effect done, its row stored, its answer said.

use super::Asked;
use super::{Answer, Deed, Done, EAST, Effected, Engine, Found, case_words, shown};
use crate::Result;
use crate::code::{Codes, Reader, Spec, Value, Values, Var};
use crate::db::places::Place;
use crate::db::reports::{self, Report};
use crate::db::{Tx, cases, intake, subjects};
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use sha2::{Digest, Sha256};

/// One message's turn: everything that its steps need.
pub(super) struct Turn<'a> {
    pub(super) engine: &'a Engine,
    pub(super) codes: &'a Codes,
    pub(super) tx: &'a Tx<'a>,
    pub(super) asked: &'a Asked<'a>,
    pub(super) spec: &'a Spec,
    pub(super) values: &'a Values,
    pub(super) reader: Reader<'a>,
    /// Whether others are told.
    pub(super) tells: bool,
}

impl Turn<'_> {
    /// A code that stores.
    pub(super) async fn store(&self) -> Result<Answer> {
        let (tx, asked) = (self.tx, self.asked);
        let key = self.key();
        let window = self.engine.settings.repeat_window_s;
        let effect = self.spec.effect.as_deref();
        // Said again, both mean what came since.
        let guarded = window > 0 && !matches!(effect, Some("withdraw" | "acknowledge"));
        if guarded {
            let at = asked.received_at;
            let command = (asked.message, asked.line);
            let first = intake::repeated(tx, &key, command, at, window).await?;
            if let Some(first) = first {
                let text = intake::answer(tx, first).await?;
                return Ok(self.answered(text.unwrap_or_default(), "repeated"));
            }
        }
        let mut done = match self.find_and_do().await? {
            Ok(done) => done,
            Err(refused) => {
                if guarded {
                    intake::forget(tx, &key).await?;
                }
                return Ok(refused);
            }
        };
        let (alerts, told) = self.alerts(&done).await?;
        let mut extra = done.extra(self.reader.language);
        extra.push(("told", Var::from(told)));
        let text = self
            .codes
            .reply(self.spec, self.values, &self.reader, &extra);
        if guarded && let Some(case) = self.values.case() {
            intake::forget_of_case(tx, asked.sender.id, case, &key).await?;
        }
        self.acknowledge().await?;
        Ok(Answer {
            case_id: done.case_id,
            alerts,
            mails: std::mem::take(&mut done.mails),
            lapses: done.lapses,
            ..self.answered(text, "stored")
        })
    }

    /// Places and cases that the message names, its effect, its row. The inner `Err` is a refusal.
    async fn find_and_do(&self) -> Result<std::result::Result<Done, Answer>> {
        if let Some(refused) = self.not_yet(self.values) {
            return Ok(Err(refused));
        }
        let mut place = match self.place().await? {
            Ok(place) => place,
            Err(refused) => return Ok(Err(refused)),
        };
        let beside = match self.place_beside_case().await? {
            Ok(beside) => beside,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut case = None;
        if let Some(number) = self.values.case() {
            let Some(found) = cases::by_number(self.tx, number).await? else {
                return Ok(Err(self.no_case(number).await?));
            };
            if place.is_none() {
                place = self.place_by_id(found.place).await?;
            }
            case = Some(found);
        }
        let found = match self.found().await? {
            Ok(found) => found,
            Err(refused) => return Ok(Err(refused)),
        };
        let own_place = self.values.place().is_some() || case.is_some();
        if let Some(owner) = found.herd().filter(|_| !own_place) {
            place = self.place_by_id(owner.place).await?;
        }
        if let Some(at) = found.site().filter(|_| self.names_no_place(&found)) {
            place = self.place_by_id(at.place).await?;
        }
        let deed = Deed {
            tx: self.tx,
            asked: self.asked,
            codes: self.codes,
            spec: self.spec,
            values: self.values,
            place: place.as_ref(),
            case: case.as_ref(),
            found: &found,
            settings: &self.engine.settings,
            engine: self.engine,
        };
        let mut done = match deed.effect().await? {
            Effected::Done(done) => done,
            Effected::Refused(key, values) => return Ok(Err(self.refused(key, &values))),
        };
        if done.place.is_none() {
            done.place = place;
        }
        done.say_found(&found);
        if let Some(case) = &case {
            case_words::say(&mut done, case, self.codes);
        }
        for (name, value) in self.typed() {
            done.say(name, value);
        }
        if let Some((field, place)) = beside {
            done.say(field, Var::from(shown(&place)));
        }
        if done.stores {
            done.speaks_of(found.subjects());
            self.insert(&done, &found).await?;
        }
        done.say("sender", Var::from(self.asked.sender.name.as_str()));
        done.say("phone", Var::from(self.asked.address));
        done.say("trace", Var::from(self.asked.short_trace()));
        Ok(Ok(done))
    }

    async fn insert(&self, done: &Done, found: &Found) -> Result {
        let asked = self.asked;
        let mut fields = self.values.to_json();
        found.settle(&mut fields);
        for (name, value) in &done.kept {
            fields[name] = value.clone();
        }
        let report = Report {
            id: asked.report_id(),
            code: &self.spec.code,
            sender: asked.sender.id,
            place: done.place.as_ref().map(|p| p.id),
            case_id: done.case_id,
            sent_at: asked.sent_at,
            received_at: asked.received_at,
            message_id: asked.message,
            line: asked.line,
            fields,
        };
        reports::insert(self.tx, &report).await?;
        subjects::insert(self.tx, report.id, report.received_at, &done.subjects).await
    }

    /// A refusal when a date that must have come has not come yet anywhere in the country; of a month its
    /// first day counts.
    fn not_yet(&self, values: &Values) -> Option<Answer> {
        let zone = TimeZone::fixed(Offset::constant(EAST));
        let today = self.asked.sent_at.to_zoned(zone).date();
        values.iter().find_map(|(name, value)| match value {
            Value::Group(turns) => turns.iter().find_map(|turn| self.not_yet(turn)),
            Value::Date(date) if self.spec.field(name)?.rules.past => {
                let first = Date::new(date.year, date.month, date.day.unwrap_or(1)).ok()?;
                let format = self.spec.format_line(&self.reader);
                let values = [("date", date.to_string().into()), ("format", format.into())];
                (first > today).then(|| self.refused("future_date", &values))
            }
            _ => None,
        })
    }

    /// The place that a message names beside its case, under another name than `place`: where something
    /// came from, say. The case says where it is itself. The inner `Err` is a refusal.
    async fn place_beside_case(
        &self,
    ) -> Result<std::result::Result<Option<(String, Place)>, Answer>> {
        let Some((field, code)) = self.values.beside_case() else {
            return Ok(Ok(None));
        };
        let systems = &self.engine.settings.place_systems;
        let place = self.engine.places.by_code(self.tx, systems, code).await?;
        Ok(match place {
            Some(place) => Ok(Some((field.to_owned(), place))),
            None => Err(self.no_place(code)),
        })
    }

    fn no_place(&self, code: &str) -> Answer {
        self.refused(
            "unknown_place",
            &[("word", code.into()), ("near", "".into())],
        )
    }

    /// The place that the message names, else the sender's own unless it names a case: a case says
    /// itself where it is.
    /// The inner `Err` is a refusal.
    pub(super) async fn place(&self) -> Result<std::result::Result<Option<Place>, Answer>> {
        let systems = &self.engine.settings.place_systems;
        let named = self.values.place();
        if let Some(code) = named {
            let place = self.engine.places.by_code(self.tx, systems, code).await?;
            return Ok(place.map(Some).ok_or_else(|| self.no_place(code)));
        }
        if self.values.case().is_some() {
            return Ok(Ok(None));
        }
        let home = match self.asked.sender.home_place {
            Some(id) => self.place_by_id(id).await?,
            None => None,
        };
        let wanted = self.spec.fields.iter().any(|f| &*f.name == "place") && self.spec.stores();
        if home.is_none() && wanted {
            let format = self.spec.format_line(&self.reader);
            return Ok(Err(self.refused("no_place", &[("format", format.into())])));
        }
        Ok(Ok(home))
    }

    /// Whether nothing but an infrastructure can tell where it happened.
    fn names_no_place(&self, found: &Found) -> bool {
        self.values.place().is_none() && self.values.case().is_none() && found.herd().is_none()
    }

    pub(super) async fn place_by_id(&self, id: i64) -> Result<Option<Place>> {
        let systems = &self.engine.settings.place_systems;
        self.engine.places.by_id(self.tx, systems, id).await
    }

    /// The same person's same words, whatever blanks and letter case they were typed with.
    fn key(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(self.asked.sender.id.to_be_bytes());
        if self.asked.sender.is_stranger() {
            hash.update(self.asked.address);
            hash.update([b' ']);
        }
        for word in self.asked.text.split_whitespace() {
            hash.update(word.to_uppercase());
            hash.update([b' ']);
        }
        hash.finalize().to_vec()
    }

    pub(super) fn answered(&self, text: String, outcome: &'static str) -> Answer {
        let code = Some(self.spec.code.clone());
        Answer {
            text,
            outcome,
            code,
            ..Answer::default()
        }
    }

    /// An answer that says why nothing was stored; `key` is one of the engine's texts.
    pub(super) fn refused(&self, key: &'static str, values: &[(&str, Var)]) -> Answer {
        self.answered(self.codes.say(key, self.reader.language, values), key)
    }
}
