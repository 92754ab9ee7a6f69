//! The words of an answer.

use super::fault::{Fault, FaultKind};
use super::reply::{Var, context};
use super::spec::{Chapter, Query, Spec};
use super::values::{Value, Values};
use super::{Codes, Reader, Reading, sms};
use crate::language::{Both, Language};
use minijinja::value::Serde;
use serde::Serialize;
use std::collections::BTreeMap;

impl Codes {
    /// What the engine itself says under a key of [`super::texts::KEYS`].
    pub fn say(&self, key: &str, language: Language, values: &[(&str, Var)]) -> String {
        self.replies
            .render(key, language, context(&Values::default(), language, values))
    }

    /// The whole answer to a text that was not understood; `None` for [`Reading::Parsed`], whose
    /// answer needs the database.
    pub fn answer(&self, reading: &Reading, reader: &Reader<'_>) -> Option<String> {
        let codes = || ("codes", self.permitted(reader.may).join(", ").into());
        let say = |key, values: &[(&str, Var)]| Some(self.say(key, reader.language, values));
        match reading {
            Reading::Parsed(..) => None,
            Reading::Nothing => say("nothing", &[codes()]),
            Reading::Help => Some(self.help(reader)),
            Reading::UnknownCode { word, near } => {
                let near = near.join(", ");
                say(
                    "unknown_code",
                    &[
                        ("word", word.as_str().into()),
                        ("near", near.into()),
                        codes(),
                    ],
                )
            }
            Reading::Bare(spec) => Some(self.bare(spec, reader)),
            Reading::Replaced { old, by } => {
                let [format, _, code] = about(by, reader);
                say("replaced", &[("old", old.as_str().into()), code, format])
            }
            Reading::Forbidden(spec) => {
                let [_, name, code] = about(spec, reader);
                if spec.forbidden {
                    let key = format!("{}/forbidden", spec.code);
                    return say(&key, &[code, name]);
                }
                say("no_permission", &[code, name])
            }
            Reading::Faulty(spec, fault) => {
                Some(self.format_error(spec, &self.fault(fault, reader), reader))
            }
        }
    }

    /// Which codes there are: those of many by their chapters, where that takes no more than two SMS.
    fn help(&self, reader: &Reader<'_>) -> String {
        let say = |codes: String| self.say("help", reader.language, &[("codes", codes.into())]);
        let fits = |text: &str, most| {
            let signed = format!("{}{text}", self.signature);
            sms::size(&signed).parts <= most
        };
        let permitted = self.permitted(reader.may);
        let all = say(permitted.join(", "));
        if fits(&all, 1) {
            return all;
        }
        let mut chapters: BTreeMap<Option<Chapter>, Vec<&str>> = BTreeMap::new();
        for spec in self.allowed(reader).filter(|s| s.attached.is_none()) {
            chapters.entry(spec.chapter).or_default().push(&spec.code);
        }
        let chapter = |(chapter, codes): (&Option<Chapter>, &Vec<&str>)| {
            let chapter = chapter.map_or("", Chapter::key);
            let values = [
                ("chapter", chapter.into()),
                ("codes", codes.join(" ").into()),
            ];
            self.say("chapter", reader.language, &values)
        };
        let chapters: Vec<String> = chapters.iter().map(chapter).collect();
        let sorted = chapters.join("\n");
        // Without commas at the last: codes hold no blanks.
        let either = [sorted, all].into_iter().find(|text| fits(text, 2));
        either.unwrap_or_else(|| say(permitted.join(" ")))
    }

    /// The format error around a fault in words: also for faults that only the database finds
    /// (`unknown_place`, `unknown_case`), which [`Codes::say`] puts into words.
    pub fn format_error(&self, spec: &Spec, fault: &str, reader: &Reader<'_>) -> String {
        let [format, ..] = about(spec, reader);
        self.say(
            "format_error",
            reader.language,
            &[("fault", fault.into()), format],
        )
    }

    /// The answer to a message that was understood and stored. `extra` holds what
    /// [`super::names`] promises: `case`, `place`, `sender`, `phone`, `trace`, an effect's own.
    pub fn reply(
        &self,
        spec: &Spec,
        values: &Values,
        reader: &Reader<'_>,
        extra: &[(&str, Var)],
    ) -> String {
        self.of_code((spec, "reply"), values, reader, extra)
    }

    /// The text of an alert in the language of whoever is told, with the same `extra`; the number
    /// is the one from [`Spec::alerts_for`].
    pub fn alert(
        &self,
        (spec, number): (&Spec, usize),
        values: &Values,
        reader: &Reader<'_>,
        extra: &[(&str, Var)],
    ) -> String {
        self.of_code((spec, &format!("alert/{number}")), values, reader, extra)
    }

    /// The answer to a question: each row through the code's `item`, joined, cut to its limit with
    /// dots, and set into its reply. Rows serialise to maps with the declared columns; `extra` is
    /// that of [`Codes::reply`].
    pub fn rows<R: Serialize>(
        &self,
        (spec, query): (&Spec, &Query),
        (values, extra): (&Values, &[(&str, Var)]),
        reader: &Reader<'_>,
        rows: &[R],
    ) -> String {
        if rows.is_empty() {
            return self.of_code((spec, "empty"), values, reader, extra);
        }
        let item = format!("{}/item", spec.code);
        let one = |row| {
            self.replies
                .render(&item, reader.language, Var::from(Serde(row)))
        };
        let items: Vec<String> = rows.iter().map(one).collect();
        let rows = sms::cut(&items.join(&query.separator), query.limit);
        let extra = [extra, &[("rows", rows.into())]].concat();
        self.of_code((spec, "reply"), values, reader, &extra)
    }

    fn of_code(
        &self,
        (spec, text): (&Spec, &str),
        values: &Values,
        reader: &Reader<'_>,
        extra: &[(&str, Var)],
    ) -> String {
        let code = spec.code.as_str();
        let values = context(
            values,
            reader.language,
            &[&[("code", code.into())], extra].concat(),
        );
        self.replies
            .render(&format!("{code}/{text}"), reader.language, values)
    }

    fn bare(&self, spec: &Spec, reader: &Reader<'_>) -> String {
        let [format, name, code] = about(spec, reader);
        if !spec.bare {
            return self.say("bare", reader.language, &[format, name, code]);
        }
        let lists = ("lists", self.lexicon.index(reader.language).into());
        let values = context(
            &Values::default(),
            reader.language,
            &[format, name, code, lists],
        );
        self.replies
            .render(&format!("{}/bare", spec.code), reader.language, values)
    }

    /// A fault in words.
    pub(crate) fn fault(&self, fault: &Fault, reader: &Reader<'_>) -> String {
        let language = reader.language;
        let near: Vec<String> = fault
            .near
            .iter()
            .map(|e| format!("{} ({})", e.code, bracketed(e.name.get(language))))
            .collect();
        let units: Vec<String> = fault
            .units
            .iter()
            .map(|e| e.name.get(language).to_owned())
            .collect();
        let (list, meaning) = match &fault.elsewhere {
            Some((list, entry)) => (list.get(language), bracketed(entry.name.get(language))),
            None => ("", String::new()),
        };
        let (listed, joined) = match &fault.unjoined {
            Some((label, joined)) => (label.get(language), joined.as_str()),
            None => ("", ""),
        };
        let (min, max) = match fault.kind {
            FaultKind::Range { min, max } => (limit(min, language), limit(max, language)),
            FaultKind::Short { min } => (min.to_string(), String::new()),
            FaultKind::Long { max } => (String::new(), max.to_string()),
            _ => (String::new(), String::new()),
        };
        self.say(
            &format!("fault_{}", fault.kind.name()),
            language,
            &[
                ("word", fault.word.as_str().into()),
                ("expected", self.either(&fault.expected, language).into()),
                ("near", self.or(&near, language).into()),
                ("unit", self.or(&units, language).into()),
                ("list", list.into()),
                ("meaning", meaning.into()),
                ("listed", listed.into()),
                ("joined", joined.into()),
                ("order", fault.order.clone().unwrap_or_default().into()),
                ("min", min.into()),
                ("max", max.into()),
            ],
        )
    }

    fn either(&self, labels: &[Both], language: Language) -> String {
        let labels: Vec<String> = labels.iter().map(|l| l.get(language).to_owned()).collect();
        self.or(&labels, language)
    }

    /// `a`, `a or b`, `a, b or c`.
    fn or(&self, things: &[String], language: Language) -> String {
        match things {
            [] => String::new(),
            [one] => one.clone(),
            [most @ .., last] => {
                format!(
                    "{} {} {last}",
                    most.join(", "),
                    self.say("or", language, &[])
                )
            }
        }
    }
}

fn limit(limit: Option<f64>, language: Language) -> String {
    limit.map_or(String::new(), |n| Value::Decimal(n).shown(language))
}

/// A name between brackets has none of its own: `PLS (pelapor desa, Pelsa)`.
fn bracketed(name: &str) -> String {
    name.replace(" (", ", ").replace(')', "")
}

fn about(spec: &Spec, reader: &Reader<'_>) -> [(&'static str, Var); 3] {
    let format = spec.format_line(reader);
    let name = spec.name.get(reader.language);
    [
        ("format", format.into()),
        ("name", name.into()),
        ("code", spec.code.as_str().into()),
    ]
}
