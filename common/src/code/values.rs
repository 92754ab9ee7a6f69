//! What a message said, field by field.
//!
//! `Values` has one shape as JSON, which is the shape of `report.fields` and what the generated
//! views read: an object with one key per field that was given, in the order of the format;
//!
//! * a code is its code in capitals (`"SP"`), a comma list an array (`["MC","DM"]`);
//! * a group is an array of objects under the group's name
//!   (`"animals":[{"species":"SP","number":4}]`);
//! * case, programme, permit, number and decimal are JSON numbers; a place and an infrastructure are
//!   their codes as strings of digits; an owner is their number as a string, once looked up;
//! * a date is `"2014-10-10"`, or `"2014-10"` when the message named no day;
//! * telephone numbers (`"+62..."`), animals, words, names and texts are strings.
//!
//! A field that was left out has no key.

use super::lexicon::{Entry, List};
use crate::language::Language;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;
use std::sync::Arc;

/// A date as precise as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartDate {
    /// Year, four digits.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: i8,
    /// Day; `None` when only month and year were given.
    pub day: Option<i8>,
}

/// What one field said.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A word of a code list, with its names.
    Code(Arc<Entry>),
    /// A code list itself, as `KODE` asks for it.
    List(Arc<List>),
    /// Code of a place: digits only; not looked up yet.
    Place(String),
    /// Number of a case; not looked up yet.
    Case(i64),
    /// Number of a programme; not looked up yet.
    Program(i64),
    /// Number of a permit; not looked up yet.
    Permit(i64),
    /// Code of an office, a laboratory, an abattoir: digits; not looked up yet.
    Infrastructure(String),
    /// Whole number.
    Number(i64),
    /// Number with a fraction.
    Decimal(f64),
    /// Date, as precise as given.
    Date(PartDate),
    /// Telephone number in canonical form.
    Phone(String),
    /// Owner as typed: digits of a telephone number, its last digits, or another identification.
    Owner(String),
    /// Animal as typed, in capitals: one word.
    Animal(String),
    /// Free text with single blanks.
    Text(String),
    /// A comma list.
    Many(Vec<Value>),
    /// The turns of a group.
    Group(Vec<Values>),
}

/// All that a message said: fields in the order of the format, absent ones absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    fields: Vec<(Arc<str>, Value)>,
}

impl Values {
    /// What a field said; `None` when it was left out.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|(name, _)| &**name == field)
            .map(|(_, value)| value)
    }

    /// All fields that were given, in the order of the format.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields.iter().map(|(name, value)| (&**name, value))
    }

    /// The first place that the message names.
    pub fn place(&self) -> Option<&str> {
        let beside = self.beside_case().is_some();
        self.places()
            .next()
            .filter(|_| !beside)
            .map(|(_, code)| code)
    }

    /// A place that the message names beside a case, under another name than `place`, with its field: the
    /// case is not there.
    pub fn beside_case(&self) -> Option<(&str, &str)> {
        self.case()?;
        self.places().next().filter(|(field, _)| *field != "place")
    }

    fn places(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().filter_map(|(name, v)| match v {
            Value::Place(code) => Some((&**name, code.as_str())),
            _ => None,
        })
    }

    /// The first case that the message names.
    pub fn case(&self) -> Option<i64> {
        self.fields.iter().find_map(|(_, v)| match v {
            Value::Case(id) => Some(*id),
            _ => None,
        })
    }

    /// The words of all fields of one sort in the order of the message, those inside groups and
    /// comma lists too.
    pub fn words<'a>(&'a self, field: &'a str) -> Vec<&'a Value> {
        let own = self.fields.iter().filter(|(name, _)| &**name == field);
        let flat = |value: &'a Value| match value {
            Value::Many(values) => values.iter().collect(),
            one => vec![one],
        };
        let groups = self.fields.iter().filter_map(|(_, value)| match value {
            Value::Group(turns) => Some(turns.iter().flat_map(|turn| turn.words(field))),
            _ => None,
        });
        own.flat_map(|(_, value)| flat(value))
            .chain(groups.flatten())
            .collect()
    }

    /// The turns of a group; none when the message has no such group.
    pub fn turns(&self, group: &str) -> &[Values] {
        match self.get(group) {
            Some(Value::Group(turns)) => turns,
            _ => &[],
        }
    }

    /// Whether a field, here or in a turn of the group, said one of these codes of a list.
    pub fn has(&self, field: &str, codes: &[String]) -> bool {
        let own = self.get(field).is_some_and(|value| value.is_any(codes));
        own || self.fields.iter().any(|(_, value)| match value {
            Value::Group(turns) => turns.iter().any(|turn| turn.has(field, codes)),
            _ => false,
        })
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Adds a field behind the others.
    pub(crate) fn push(&mut self, field: &Arc<str>, value: Value) {
        self.fields.push((Arc::clone(field), value));
    }

    /// The turns of a group, begun if need be.
    pub(crate) fn group(&mut self, name: &Arc<str>) -> &mut Vec<Values> {
        let at = self
            .fields
            .iter()
            .position(|(n, v)| n == name && matches!(v, Value::Group(_)));
        let at = at.unwrap_or_else(|| {
            self.push(name, Value::Group(Vec::new()));
            self.fields.len() - 1
        });
        match &mut self.fields[at].1 {
            Value::Group(turns) => turns,
            _ => unreachable!("the position was found or made as a group two lines above"),
        }
    }

    /// The JSON of `report.fields`; see the head of this module.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::Value::Object(
            self.fields
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_json()))
                .collect(),
        )
    }
}

impl Value {
    /// As people read it: names in their language, lists joined by `, `.
    pub fn shown(&self, language: Language) -> String {
        match self {
            Self::Code(entry) => entry.name.get(language).to_owned(),
            Self::List(list) => list.name.get(language).to_owned(),
            Self::Case(n) | Self::Program(n) | Self::Permit(n) | Self::Number(n) => n.to_string(),
            Self::Decimal(n) if language == Language::Id => n.to_string().replace('.', ","),
            Self::Decimal(n) => n.to_string(),
            Self::Date(date) => date.to_string(),
            Self::Place(s)
            | Self::Infrastructure(s)
            | Self::Phone(s)
            | Self::Owner(s)
            | Self::Animal(s)
            | Self::Text(s) => s.clone(),
            Self::Many(values) => joined(values.iter().map(|v| v.shown(language))),
            Self::Group(turns) => joined(turns.iter().map(|turn| {
                turn.iter()
                    .map(|(_, v)| v.shown(language))
                    .collect::<Vec<_>>()
                    .join(" ")
            })),
        }
    }

    fn is_any(&self, codes: &[String]) -> bool {
        match self {
            Self::Code(entry) => codes.contains(&entry.code),
            Self::Many(values) => values.iter().any(|value| value.is_any(codes)),
            _ => false,
        }
    }

    fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Code(entry) => Json::from(entry.code.as_str()),
            Self::List(list) => Json::from(list.key.as_str()),
            Self::Case(n) | Self::Program(n) | Self::Permit(n) | Self::Number(n) => Json::from(*n),
            Self::Decimal(n) => Json::from(*n),
            Self::Date(date) => Json::from(date.iso()),
            Self::Place(s)
            | Self::Infrastructure(s)
            | Self::Phone(s)
            | Self::Owner(s)
            | Self::Animal(s)
            | Self::Text(s) => Json::from(s.as_str()),
            Self::Many(values) => values.iter().map(Self::to_json).collect(),
            Self::Group(turns) => turns.iter().map(Values::to_json).collect(),
        }
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Code(entry) => serializer.serialize_str(&entry.code),
            Self::Many(values) => serializer.collect_seq(values),
            Self::Group(turns) => serializer.collect_seq(turns),
            other => other.to_json().serialize(serializer),
        }
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (name, value) in &self.fields {
            map.serialize_entry(&**name, value)?;
        }
        map.end()
    }
}

impl PartDate {
    /// `2014-10-10` or `2014-10`.
    pub fn iso(self) -> String {
        match self.day {
            Some(day) => format!("{:04}-{:02}-{day:02}", self.year, self.month),
            None => format!("{:04}-{:02}", self.year, self.month),
        }
    }
}

/// `dd/mm/yyyy` or `mm/yyyy`, as the original's replies print dates in both languages.
impl fmt::Display for PartDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(day) = self.day {
            write!(f, "{day:02}/")?;
        }
        write!(f, "{:02}/{:04}", self.month, self.year)
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::lexicon::sample;

    fn values() -> Values {
        let lexicon = sample::lexicon();
        let code =
            |list, code| Value::Code(lexicon.list(list).unwrap().find(code).unwrap().clone());
        let mut values = Values::default();
        values.push(
            &"sign".into(),
            Value::Many(vec![code("sign", "MC"), code("sign", "DM")]),
        );
        let mut turn = Values::default();
        turn.push(&"species".into(), code("species", "SP"));
        turn.push(&"number".into(), Value::Number(4));
        values.group(&"animals".into()).push(turn);
        values.push(&"place".into(), Value::Place("72060202".into()));
        let date = PartDate {
            year: 2014,
            month: 10,
            day: None,
        };
        values.push(&"date".into(), Value::Date(date));
        values.push(&"weight".into(), Value::Decimal(3.5));
        values
    }

    #[test]
    fn the_json_is_the_documented_shape_both_ways() {
        let want = concat!(
            r#"{"sign":["MC","DM"],"animals":[{"species":"SP","number":4}],"#,
            r#""place":"72060202","date":"2014-10","weight":3.5}"#
        );
        assert_eq!(serde_json::to_string(&values()).unwrap(), want);
        let value: serde_json::Value = serde_json::from_str(want).unwrap();
        assert_eq!(values().to_json(), value);
    }

    #[test]
    fn a_field_has_a_code_wherever_it_was_said() {
        let values = values();
        let has = |field, codes: &[&str]| {
            values.has(
                field,
                &codes.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>(),
            )
        };
        assert!(has("sign", &["KBG", "DM"]), "in a comma list");
        assert!(has("species", &["SP"]), "in a group");
        assert!(!has("sign", &["KBG"]) && !has("syndrome", &["GG"]) && !has("place", &["SP"]));
    }

    #[test]
    fn values_are_shown_in_the_readers_language() {
        let values = values();
        let shown = |field, language| values.get(field).unwrap().shown(language);
        assert_eq!(shown("sign", Language::Id), "mencret, demam");
        assert_eq!(shown("sign", Language::En), "diarrhoea, fever");
        assert_eq!(shown("animals", Language::En), "cattle 4");
        assert_eq!(shown("weight", Language::Id), "3,5");
        assert_eq!(shown("date", Language::Id), "10/2014");
        assert_eq!(values.place(), Some("72060202"));
        assert_eq!(values.case(), None);
    }
}
