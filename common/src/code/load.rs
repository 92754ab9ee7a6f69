//! A code file becomes a [`Spec`], or a list of everything that is wrong with it.
//!
//! The file is read key by key rather than in one go, so that its author hears of all faults at
//! once.

mod alerts;
mod file;
mod section;

pub(crate) use file::{line_of, syntax_fault};

use super::format::{Format, Part};
use super::kind::{Kind, Rules};
use super::lexicon::Lexicon;
use super::machine::Machine;
use super::reply::{Replies, Trial, Var};
use super::spec::{AnimalRules, Example, Field, Spec};
use super::{CodeFault, CodeSource, names, prove, second_look};
use crate::alerts::Circles;
use crate::language::Both;
use file::Reading;
use section::{RawAlert, RawField, RawQuery};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a file may become.
pub(crate) enum Loaded {
    Code(Arc<Spec>),
    /// An old name: which code took its place.
    Replaced {
        old: String,
        by: String,
    },
}

/// What loading needs besides the files.
pub(crate) struct Loader<'a> {
    pub lexicon: &'a Arc<Lexicon>,
    pub country: &'a str,
    pub replies: &'a mut Replies,
    pub circles: &'a Circles,
}

impl Loader<'_> {
    /// Loads one file.
    pub(crate) fn load(&mut self, source: &CodeSource) -> Result<Loaded, Vec<CodeFault>> {
        let table = source.toml.parse();
        let table =
            table.map_err(|error| vec![syntax_fault(&source.name, &source.toml, &error)])?;
        let mut reading = Reading {
            source,
            table,
            faults: Vec::new(),
        };
        let loaded = if reading.table.contains_key("replaced_by") {
            reading.replaced()
        } else {
            self.code(&mut reading).map(Arc::new).map(Loaded::Code)
        };
        for key in reading.table.keys().cloned().collect::<Vec<_>>() {
            reading.fault(
                &key,
                format!("a code file has no {key:?}"),
                "remove it or correct its name",
            );
        }
        match loaded {
            Some(loaded) if reading.faults.is_empty() => Ok(loaded),
            _ => Err(reading.faults),
        }
    }

    /// Takes everything out of the table first, so that a fault in one part hides none in another.
    fn code(&mut self, reading: &mut Reading) -> Option<Spec> {
        let code: Option<String> = reading.must("code");
        let (name, help) = (reading.must("name"), reading.must("help"));
        let chapter = reading.may("chapter");
        let permission = reading.must("permission");
        let format = reading.format(code.as_deref());
        let raw_fields: BTreeMap<String, toml::Value> = reading.may("field").unwrap_or_default();
        let group: Option<String> = reading.may("group");
        let effect: Option<String> = reading.may("effect");
        let animal = AnimalRules::read(reading);
        self.check_animal(reading, animal.as_ref(), effect.as_deref());
        let (attached, strangers) = reading.openness(effect.as_deref());
        let query = RawQuery::read(reading);
        let alerts = RawAlert::read_all(reading);
        let escalation = self.escalation(reading, &alerts);
        let examples: Vec<Example> = reading.each("example");
        reading.check_examples(&examples);
        let (reply, bare): (Option<Both>, Option<Both>) =
            (reading.may("reply"), reading.may("bare"));
        let forbidden: Option<Both> = reading.may("forbidden");
        let aliases: Vec<String> = reading.may("aliases").unwrap_or_default();
        reading.check_alerts(effect.as_deref(), &alerts);
        let offered = reading.offered(effect.as_deref());
        let fields = format
            .as_ref()
            .and_then(|format| self.fields(reading, format, raw_fields));
        let whom = self.alerts(reading, &alerts, fields.as_deref());
        let (code, format) = (code?, format?);
        reading.check_group(&format, group.as_deref());
        let fields = fields?;
        let trial = trial(&format, &fields, group.as_deref(), &offered);
        self.texts(
            reading,
            &code,
            Texts {
                reply,
                bare: bare.as_ref(),
                forbidden: forbidden.as_ref(),
                query: query.as_ref(),
                alerts: &alerts,
            },
            &trial,
        );
        let query = reading.query(query, &fields);
        let machine = Machine::of(&format, &fields);
        if let Some(clash) = prove::clash(&machine) {
            let what = format!("the format is ambiguous: {clash}");
            reading.fault(
                "format",
                what,
                "make a field mandatory, move it, or narrow its type",
            );
        }
        Some(Spec {
            code: code.to_ascii_uppercase(),
            aliases: aliases.iter().map(|a| a.to_ascii_uppercase()).collect(),
            name: name?,
            help: help?,
            chapter,
            permission: permission?,
            format,
            fields,
            group: group.as_deref().map(Arc::from),
            effect,
            animal,
            attached,
            strangers,
            query,
            alerts: whom,
            escalation,
            examples,
            bare: bare.is_some(),
            forbidden: forbidden.is_some(),
            machine,
        })
    }

    /// The fields in the order of the format; those that it does not name are faults.
    fn fields(
        &self,
        reading: &mut Reading,
        format: &Format,
        mut raw: BTreeMap<String, toml::Value>,
    ) -> Option<Vec<Arc<Field>>> {
        let mut fields = Vec::new();
        for slot in format.slots() {
            let at = format!("[field.{}]", slot.field);
            let Some(value) = raw.remove(&slot.field) else {
                reading.fault(
                    "format",
                    format!("the format names {:?}, which has no {at}", slot.field),
                    "add the section",
                );
                continue;
            };
            let Some(raw) = RawField::read(reading, &at, value) else {
                continue;
            };
            match self.field(&slot.field, raw) {
                Ok(field) if slot.list && field.kind.many_words() => {
                    reading.fault(
                        &at,
                        format!("{:?} cannot be a comma list", slot.field),
                        "free text goes on to its end by itself: write [x]",
                    );
                }
                Ok(field) => fields.push(Arc::new(field)),
                Err(what) => reading.fault(&at, what, "correct it"),
            }
        }
        for name in raw.keys() {
            reading.fault(
                &format!("[field.{name}]"),
                format!("the format does not name {name:?}"),
                "add it to the format or remove the section",
            );
        }
        (fields.len() == format.slots().count()).then_some(fields)
    }

    fn field(&self, name: &str, raw: RawField) -> Result<Field, String> {
        let kind = Kind::named(&raw.kind, self.lexicon, self.country)?;
        let RawField {
            kind: type_name,
            label,
            min,
            max,
            min_length,
            max_length,
            only,
            kinds,
            units,
            past,
        } = raw;
        let only = self.people(only)?;
        let kinds = self.sorts(&kind, kinds)?;
        let units = second_look::units(self.lexicon, &kind, &units)?;
        let rules = Rules {
            min,
            max,
            min_length,
            max_length,
            kinds,
            past,
        };
        Ok(Field {
            name: name.into(),
            kind,
            type_name,
            label,
            rules,
            only,
            units,
        })
    }

    /// The sorts of programmes or infrastructure that a field may name.
    fn sorts(&self, kind: &Kind, kinds: Vec<String>) -> Result<Vec<String>, String> {
        if kinds.is_empty() {
            return Ok(kinds);
        }
        let known = kind.sorts(self.lexicon);
        let known = known.ok_or("kinds is for fields of type program or infrastructure")?;
        match kinds.iter().find(|kind| !known.contains(kind)) {
            Some(no) => Err(format!(
                "there is no kind {no:?}; there are {}",
                known.join(", ")
            )),
            None => Ok(kinds),
        }
    }

    /// Rules for animals are kept by effects that look at them, and name a sex that exists.
    fn check_animal(
        &self,
        reading: &mut Reading,
        rules: Option<&AnimalRules>,
        effect: Option<&str>,
    ) {
        let Some(rules) = rules else { return };
        if !effect.is_some_and(|effect| names::OF_ANIMALS.contains(&effect)) {
            reading.fault(
                "[animal]",
                "nothing keeps the rules of [animal]".into(),
                "add effect = \"herd_event\"",
            );
        }
        let sexes = self.lexicon.list("sex");
        if let (Some(sex), Some(sexes)) = (&rules.sex, sexes)
            && sexes.find(sex).is_none()
        {
            let what = format!("[animal]: the list sex has no {sex:?}");
            reading.fault("[animal]", what, "correct sex");
        }
    }

    /// User types as codes, whatever words the file calls them by; permissions stay as they are.
    fn people(&self, names: Vec<String>) -> Result<Vec<String>, String> {
        let types = self.lexicon.list("user_type");
        let code = |name: String| match types.filter(|_| !name.starts_with("can_")) {
            None => Ok(name),
            Some(types) => types
                .meant(&name)
                .map(|entry| entry.code.clone())
                .ok_or_else(|| {
                    let known: Vec<&str> =
                        types.entries().iter().map(|e| e.code.as_str()).collect();
                    format!(
                        "there is no user type {name:?}; there are {}",
                        known.join(", ")
                    )
                }),
        };
        names.into_iter().map(code).collect()
    }

    /// Compiles the code's texts, under the names by which [`super::Codes`] asks for them.
    fn texts(&mut self, reading: &mut Reading, code: &str, texts: Texts, trial: &Trial) {
        let code = code.to_ascii_uppercase();
        let mut add = |name: &str, key: &str, text: &Both, trial: &Trial| {
            for what in self.replies.add(&format!("{code}/{name}"), text, trial) {
                reading.fault(key, what, "correct the text");
            }
        };
        let rows = Both::same("{rows}");
        match (&texts.reply, texts.query) {
            (Some(reply), _) => add("reply", "reply", reply, trial),
            (None, Some(_)) => add("reply", "reply", &rows, trial),
            (None, None) => {}
        }
        if let Some(bare) = texts.bare {
            add("bare", "bare", bare, &Trial::of(names::BARE));
        }
        if let Some(forbidden) = texts.forbidden {
            add(
                "forbidden",
                "forbidden",
                forbidden,
                &Trial::of(names::FORBIDDEN),
            );
        }
        if let Some(query) = texts.query {
            let columns: Vec<&str> = query.columns.iter().map(String::as_str).collect();
            add("item", "item", &query.item, &Trial::of(&columns));
            add("empty", "empty", &query.empty, trial);
        }
        let told = trial.with(names::ANSWER);
        for (at, alert) in texts.alerts.iter().enumerate() {
            add(&format!("alert/{at}"), "[[alert]]", &alert.text, &told);
        }
        if texts.reply.is_none() && texts.query.is_none() {
            reading.fault(
                "reply",
                "a code that stores must answer".into(),
                "add reply.id and reply.en",
            );
        }
    }
}

struct Texts<'a> {
    reply: Option<Both>,
    bare: Option<&'a Both>,
    forbidden: Option<&'a Both>,
    query: Option<&'a RawQuery>,
    alerts: &'a [RawAlert],
}

/// Values for the trial renderings of a code's texts.
fn trial(format: &Format, fields: &[Arc<Field>], group: Option<&str>, offered: &[&str]) -> Trial {
    let mut trial = Trial::of(offered);
    let (mut full, mut least) = (BTreeMap::new(), BTreeMap::new());
    let grouped = |name: &str| {
        format
            .parts
            .iter()
            .any(|p| matches!(p, Part::Group(slots) if slots.iter().any(|s| s.field == name)))
    };
    for (slot, field) in format.slots().zip(fields) {
        let sample = match field.kind {
            Kind::Case | Kind::Program | Kind::Permit | Kind::Number => Var::from(3),
            _ => Var::from("x"),
        };
        if grouped(&slot.field) {
            full.insert(slot.field.clone(), sample.clone());
            if slot.mandatory {
                least.insert(slot.field.clone(), sample);
            }
        } else {
            trial.names.push(slot.field.clone());
            trial.full.insert(slot.field.clone(), sample.clone());
            if let Some(as_typed) = names::as_typed(field) {
                trial.names.push(as_typed.clone());
                trial.full.insert(as_typed, Var::from("x"));
            }
            trial.least.remove(&slot.field);
            if slot.mandatory {
                trial.least.insert(slot.field.clone(), sample);
            }
        }
    }
    if let Some(group) = group {
        trial.names.push(group.to_owned());
        trial.full.insert(
            group.to_owned(),
            Var::from_iter([Var::from(&full), Var::from(&full)]),
        );
        trial
            .least
            .insert(group.to_owned(), Var::from_iter([Var::from(&least)]));
    }
    trial
}
