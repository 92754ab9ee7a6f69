//! The sections of a code file as written. Each is read key by key, so that one wrong key hides no
//! other.

use super::file::Reading;
use crate::code::spec::{After, AnimalRules, Event};
use crate::language::Both;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// `[field.x]`
pub(super) struct RawField {
    pub kind: String,
    pub label: Both,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
    pub past: bool,
    pub only: Vec<String>,
    pub kinds: Vec<String>,
    pub units: Vec<String>,
}

/// `[query]`
pub(super) struct RawQuery {
    pub columns: Vec<String>,
    pub item: Both,
    pub empty: Both,
    pub separator: String,
    pub limit: usize,
}

/// `[[alert]]`
pub(super) struct RawAlert {
    pub to: String,
    pub when: Vec<String>,
    pub only_if: BTreeMap<String, Vec<String>>,
    pub or_else: Vec<String>,
    pub urgent: bool,
    pub text: Both,
}

/// What is left of one section.
struct Section<'s, 'r> {
    reading: &'s mut Reading<'r>,
    at: &'s str,
    table: toml::Table,
}

impl RawField {
    pub fn read(reading: &mut Reading, at: &str, value: toml::Value) -> Option<Self> {
        let mut section = Section::new(reading, at, value)?;
        let (kind, label) = (section.must("type"), section.must("label"));
        let (min, max) = (section.may("min"), section.may("max"));
        let (min_length, max_length) = (section.may("min_length"), section.may("max_length"));
        let only = section.may("only").unwrap_or_default();
        let kinds = section.may("kinds").unwrap_or_default();
        let units = section.may("units").unwrap_or_default();
        let past = section.may("past").unwrap_or_default();
        section.end();
        Some(Self {
            kind: kind?,
            label: label?,
            min,
            max,
            min_length,
            max_length,
            only,
            kinds,
            units,
            past,
        })
    }
}

impl RawQuery {
    pub fn read(reading: &mut Reading) -> Option<Self> {
        let value = reading.table.remove("query")?;
        let mut section = Section::new(reading, "[query]", value)?;
        let columns = section.must("columns");
        let (item, empty) = (section.must("item"), section.must("empty"));
        let separator = section.may("separator");
        let limit = section.must("limit");
        section.end();
        Some(Self {
            columns: columns?,
            item: item?,
            empty: empty?,
            // Between the items of an answer, as the original printed them.
            separator: separator.unwrap_or_else(|| "; ".to_owned()),
            limit: limit?,
        })
    }
}

impl AnimalRules {
    /// `[animal]`
    pub(super) fn read(reading: &mut Reading) -> Option<Self> {
        let value = reading.table.remove("animal")?;
        let mut section = Section::new(reading, "[animal]", value)?;
        let (event, sex) = (section.may("event"), section.may::<String>("sex"));
        let mature = section.may("mature").unwrap_or_default();
        let weight = section.may("weight");
        let after = section.may::<Event>("after").and_then(|event| {
            let (within_days, must) = (section.must("within_days"), section.may("must"));
            Some(After {
                event,
                within_days: within_days?,
                must: must.unwrap_or_default(),
            })
        });
        section.end();
        Some(Self {
            event,
            sex: sex.map(|code| code.to_uppercase()),
            mature,
            after,
            weight,
        })
    }
}

impl RawAlert {
    pub fn read_all(reading: &mut Reading) -> Vec<Self> {
        let all: Vec<toml::Value> = reading.may("alert").unwrap_or_default();
        all.into_iter()
            .filter_map(|value| Self::read(reading, value))
            .collect()
    }

    fn read(reading: &mut Reading, value: toml::Value) -> Option<Self> {
        let mut section = Section::new(reading, "[[alert]]", value)?;
        let (to, text) = (section.must("to"), section.must("text"));
        let when = section.may("when").unwrap_or_default();
        let only_if = section.may("if").unwrap_or_default();
        let or_else = section.may("else").unwrap_or_default();
        let urgent = section.may("urgent").unwrap_or_default();
        section.end();
        Some(Self {
            to: to?,
            when,
            only_if,
            or_else,
            urgent,
            text: text?,
        })
    }
}

impl<'s, 'r> Section<'s, 'r> {
    fn new(reading: &'s mut Reading<'r>, at: &'s str, value: toml::Value) -> Option<Self> {
        let table = reading.convert(at, value)?;
        Some(Self { reading, at, table })
    }

    fn may<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.table.remove(key)?;
        let what = |e: toml::de::Error| format!("{}: {key}: {}", self.at, e.message());
        let outcome = value.try_into().map_err(what);
        outcome
            .map_err(|what| self.reading.fault(self.at, what, "correct it"))
            .ok()
    }

    fn must<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        if !self.table.contains_key(key) {
            self.reading
                .fault(self.at, format!("{} has no {key:?}", self.at), "add it");
        }
        self.may(key)
    }

    /// What is left is nothing that such a section has.
    fn end(self) {
        for key in self.table.keys() {
            let what = format!("{}: there is no {key:?} here", self.at);
            self.reading
                .fault(self.at, what, "remove it or correct its name");
        }
    }
}
