//! One code file while it is read: what is left of it and what was wrong so far.

use super::Loaded;
use super::section::{RawAlert, RawQuery};
use crate::code::format::{Format, Part};
use crate::code::machine::MAX_FIELDS;
use crate::code::spec::{Example, Field, Query};
use crate::code::sql::{self, Sql};
use crate::code::{CodeFault, CodeSource, names};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// The file being read: what is left of it and what was wrong so far.
pub(super) struct Reading<'a> {
    pub source: &'a CodeSource,
    pub table: toml::Table,
    pub faults: Vec<CodeFault>,
}

impl Reading<'_> {
    pub fn fault(&mut self, near: &str, what: String, remedy: &str) {
        self.faults.push(CodeFault {
            file: self.source.name.clone(),
            line: line_of(&self.source.toml, near),
            what,
            remedy: remedy.to_owned(),
        });
    }

    pub fn convert<T: DeserializeOwned>(&mut self, key: &str, value: toml::Value) -> Option<T> {
        value
            .try_into()
            .map_err(|e| self.fault(key, format!("{key}: {}", e.message()), "correct it"))
            .ok()
    }

    pub fn may<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.table.remove(key)?;
        self.convert(key, value)
    }

    /// The elements of an array of tables; one that is wrong hides no other.
    pub fn each<T: DeserializeOwned>(&mut self, key: &str) -> Vec<T> {
        let all: Vec<toml::Value> = self.may(key).unwrap_or_default();
        let at = format!("[[{key}]]");
        all.into_iter()
            .filter_map(|value| self.convert(&at, value))
            .collect()
    }

    pub fn must<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        if !self.table.contains_key(key) {
            self.fault(key, format!("{key:?} is missing"), "add it");
        }
        self.may(key)
    }

    pub fn replaced(&mut self) -> Option<Loaded> {
        let (old, by) = (
            self.must::<String>("code"),
            self.must::<String>("replaced_by"),
        );
        let (old, by) = (old?.to_ascii_uppercase(), by?.to_ascii_uppercase());
        Some(Loaded::Replaced { old, by })
    }

    pub fn format(&mut self, code: Option<&str>) -> Option<Format> {
        let line: String = self.must("format")?;
        let format = match Format::parse(&line) {
            Ok(format) => format,
            Err(fault) => {
                self.fault(
                    "format",
                    format!("format: {fault}"),
                    "see the notation in docs/adding-a-code.md",
                );
                return None;
            }
        };
        if code.is_some_and(|code| !code.eq_ignore_ascii_case(&format.code)) {
            self.fault(
                "format",
                format!(
                    "the format begins with {:?}, not with the code",
                    format.code
                ),
                "begin it with the code",
            );
        }
        if format.slots().count() > MAX_FIELDS {
            self.fault(
                "format",
                format!("a format has at most {MAX_FIELDS} fields"),
                "split the code",
            );
            return None;
        }
        Some(format)
    }

    pub fn check_group(&mut self, format: &Format, group: Option<&str>) {
        let grouped = format.parts.iter().any(|p| matches!(p, Part::Group(_)));
        match (grouped, group) {
            (true, None) => self.fault(
                "format",
                "the format has a group without a name".into(),
                "add group = \"...\"",
            ),
            (false, Some(_)) => self.fault(
                "group",
                "the format has no group".into(),
                "remove group or write (...) in the format",
            ),
            (true, Some(name)) if format.slots().any(|s| s.field == name) => {
                self.fault(
                    "group",
                    format!("the group is named like the field {name:?}"),
                    "choose another name",
                );
            }
            _ => {}
        }
    }

    /// The names that this code's texts may use besides its fields.
    pub fn offered(&mut self, effect: Option<&str>) -> Vec<&'static str> {
        let mut offered = names::ALWAYS.to_vec();
        match effect.map(|effect| (effect, names::of_effect(effect))) {
            Some((_, Some(more))) => offered.extend(more),
            Some((effect, None)) => {
                let known: Vec<&str> = names::EFFECTS.iter().map(|(name, _)| *name).collect();
                self.fault(
                    "effect",
                    format!(
                        "there is no effect {effect:?}; there are {}",
                        known.join(", ")
                    ),
                    "correct it",
                );
            }
            None => {}
        }
        offered
    }

    pub fn query(&mut self, query: Option<RawQuery>, fields: &[Arc<Field>]) -> Option<Query> {
        let sql = self.sql(query.is_some(), fields);
        let RawQuery {
            columns,
            separator,
            limit,
            ..
        } = query?;
        Some(Query {
            sql: sql?,
            columns,
            separator,
            limit,
        })
    }

    fn sql(&mut self, wanted: bool, fields: &[Arc<Field>]) -> Option<Sql> {
        let Some(source) = &self.source.sql else {
            if wanted {
                self.fault(
                    "[query]",
                    "a question needs a .sql file beside it".into(),
                    "add the file",
                );
            }
            return None;
        };
        if !wanted {
            self.fault(
                "code",
                "there is a .sql file, but no [query]".into(),
                "add the section or remove the file",
            );
        }
        let own = fields.iter().map(|f| &*f.name);
        let allowed: Vec<&str> = names::PARAMETERS.iter().copied().chain(own).collect();
        sql::numbered(source, &allowed)
            .map_err(|unknown| {
                let file = self.source.name.replace(".toml", ".sql");
                self.faults
                    .extend(unknown.into_iter().map(|(line, name)| CodeFault {
                        file: file.clone(),
                        line: Some(line),
                        what: format!("there is no parameter :{name}"),
                        remedy: format!("use one of {}", allowed.join(", ")),
                    }));
            })
            .ok()
    }

    /// `attached`, in capitals, and `strangers`.
    pub fn openness(&mut self, effect: Option<&str>) -> (Option<String>, bool) {
        let attached: Option<String> = self.may("attached");
        let letters = |p: &String| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphabetic());
        if attached.as_ref().is_some_and(|prefix| !letters(prefix)) {
            let what = "attached wants letters that digits can follow".to_owned();
            self.fault(
                "attached",
                what,
                "write letters only, as in attached = \"D\"",
            );
        }
        let strangers = self.may("strangers").unwrap_or_default();
        if strangers && !matches!(effect, Some("confirm_person" | "confirm_owner")) {
            let what = "only what uses a PIN can be open to strangers".to_owned();
            self.fault("strangers", what, "its row would have no sender: remove it");
        }
        (
            attached.map(|prefix| prefix.to_ascii_uppercase()),
            strangers,
        )
    }

    /// Who is told is looked up in copies that must not be filled from a transaction which has
    /// itself changed people.
    pub fn check_alerts(&mut self, effect: Option<&str>, alerts: &[RawAlert]) {
        if effect.is_some_and(|e| names::CHANGE_PEOPLE.contains(&e)) && !alerts.is_empty() {
            let what = "a code that changes people cannot have alerts".to_owned();
            self.fault("[[alert]]", what, "remove them");
        }
    }

    pub fn check_examples(&mut self, examples: &[Example]) {
        for example in examples {
            if example.reply.is_none() && example.error.is_none() {
                let what = format!("the example {:?} expects nothing", example.text);
                self.fault(&example.text, what, "add reply.id and reply.en, or error");
            }
        }
    }
}

/// A file that is no TOML.
pub(crate) fn syntax_fault(file: &str, text: &str, error: &toml::de::Error) -> CodeFault {
    let line = error
        .span()
        .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    CodeFault {
        file: file.to_owned(),
        line,
        what: error.message().to_owned(),
        remedy: "correct the TOML".to_owned(),
    }
}

/// The first line, counted from 1, that begins with this key or header, or else holds it.
pub(crate) fn line_of(text: &str, near: &str) -> Option<usize> {
    let begins = |line: &str| {
        let rest = line
            .trim_start()
            .trim_start_matches('[')
            .strip_prefix(near.trim_start_matches('['));
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let line = text.lines().position(begins);
    line.or_else(|| text.lines().position(|line| line.contains(near)))
        .map(|at| at + 1)
}
