//! The types of fields. **A new type is added here and nowhere else**: its name in [`Kind::named`],
//! the words it takes in `Kind::takes`, what a word means in `Kind::read`, its column in
//! [`Kind::column`], and a few typical words in `prove.rs` if they look like no other type's.
//!
//! What a type takes is decided word by word and without a look at anything else, so that a
//! format can be proved unambiguous before anybody uses it. Rules (`min`, `max`, ...) are checked
//! afterwards: a number out of range is still the number.

use super::lexicon::{Lexicon, List};
use super::values::{PartDate, Value};
use crate::db::works::PROGRAM_KINDS;
use crate::phone;
use serde::Deserialize;
use std::sync::Arc;

/// The type of a field.
#[derive(Debug, Clone)]
pub enum Kind {
    /// `list:species`, `list:species/breed`: a word of one of these lists.
    List(Vec<Arc<List>>),
    /// `list_name`: a list itself, under the short name that `KODE` knows.
    ListName(Arc<Lexicon>),
    /// `place`: 2 to 10 digits, with or without dots between the levels.
    Place,
    /// `case`: up to 12 digits.
    Case,
    /// `number`: digits.
    Number,
    /// `decimal`: digits, perhaps a point or comma and more digits.
    Decimal,
    /// `date`: `dd/mm/yyyy`, `dd/mm/yy`, `mm/yyyy` or `mm/yy`, also with `-`.
    Date,
    /// `phone`: a telephone number without blanks inside; holds the country's calling code.
    Phone(String),
    /// `owner`: 4 to 16 digits, perhaps with a `+`: one who is registered.
    Owner,
    /// `new_owner`: as `owner`, but not looked up.
    NewOwner,
    /// `animal`: one word of letters and digits, up to 20: a living animal of the message's first
    /// owner, or of the sender's own herd when it names none.
    Animal,
    /// `new_animal`: as `animal`, but not looked up.
    NewAnimal,
    /// `program`: number of a programme.
    Program,
    /// `permit`: number of a movement permit.
    Permit,
    /// `infrastructure`: 4 to 8 digits, the code of an office, a laboratory, an abattoir.
    Infrastructure,
    /// `identity`: the number of a national identity card, 16 digits, 15 on older ones.
    Identity,
    /// `coordinate`: degrees, perhaps with a minus in front and a fraction.
    Coordinate,
    /// `seal`: the letters that prove that the message's permit is ours, as printed or scanned.
    Seal,
    /// `word`: any one word, up to 20 characters.
    Word,
    /// `name`: words without digits.
    Name,
    /// `text`: any words.
    Text,
}

/// What a field's value must keep to; checked once its type is clear.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Smallest number.
    pub min: Option<f64>,
    /// Largest number.
    pub max: Option<f64>,
    /// Fewest characters of a text.
    pub min_length: Option<usize>,
    /// Most characters of a text, or most values of a comma list.
    pub max_length: Option<usize>,
    /// Which sorts of programmes or of infrastructure may be named; empty for all. Checked when they
    /// are looked up.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// A date must have come when the message was sent. Checked then.
    #[serde(default)]
    pub past: bool,
}

/// Which rule a value breaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Breach {
    /// Below `min` or above `max`.
    Range,
    /// A day or month that does not exist.
    Date,
    /// Fewer characters than `min_length`.
    Short,
    /// More characters, or more values, than `max_length`.
    Long,
}

/// Names of the types as data files write them, for the remedy of an unknown one.
pub const NAMES: &str = "list:<key>, list_name, place, case, number, decimal, date, phone, owner, \
                         new_owner, animal, new_animal, program, permit, infrastructure, identity, \
                         coordinate, seal, word, name, text";

impl Kind {
    /// The type of a name such as `list:species` or `number`; the error says what would be right.
    pub fn named(name: &str, lexicon: &Arc<Lexicon>, country: &str) -> Result<Self, String> {
        Ok(match name {
            "list_name" => Self::ListName(Arc::clone(lexicon)),
            "place" => Self::Place,
            "case" => Self::Case,
            "number" => Self::Number,
            "decimal" => Self::Decimal,
            "date" => Self::Date,
            "phone" => Self::Phone(country.to_owned()),
            "owner" => Self::Owner,
            "new_owner" => Self::NewOwner,
            "animal" => Self::Animal,
            "new_animal" => Self::NewAnimal,
            "program" => Self::Program,
            "permit" => Self::Permit,
            "infrastructure" => Self::Infrastructure,
            "identity" => Self::Identity,
            "coordinate" => Self::Coordinate,
            "seal" => Self::Seal,
            "word" => Self::Word,
            "name" => Self::Name,
            "text" => Self::Text,
            other => return Self::list(other, lexicon),
        })
    }

    fn list(name: &str, lexicon: &Lexicon) -> Result<Self, String> {
        let keys = name.strip_prefix("list:");
        let keys = keys.ok_or_else(|| format!("no type {name:?}; there are {NAMES}"))?;
        let find = |key| {
            let known = || {
                lexicon
                    .lists()
                    .iter()
                    .map(|l| l.key.as_str())
                    .collect::<Vec<_>>()
            };
            let list = lexicon.list(key).map(Arc::clone);
            list.ok_or_else(|| format!("no list {key:?}; there are {}", known().join(", ")))
        };
        keys.split('/')
            .map(find)
            .collect::<Result<_, _>>()
            .map(Self::List)
    }

    /// The sorts that [`Rules::kinds`] may name for a field of this type, when it has any.
    pub(crate) fn sorts(&self, lexicon: &Lexicon) -> Option<Vec<String>> {
        let of = |list: &Arc<List>| list.entries().iter().map(|e| e.code.clone()).collect();
        match self {
            Self::Program => Some(PROGRAM_KINDS.map(str::to_owned).to_vec()),
            Self::Infrastructure => lexicon.list("infrastructure_type").map(of),
            _ => None,
        }
    }

    /// Whether a field of this type goes on over several words.
    pub(crate) fn many_words(&self) -> bool {
        matches!(self, Self::Seal | Self::Name | Self::Text)
    }

    /// The lists whose words it takes.
    pub fn lists(&self) -> &[Arc<List>] {
        if let Self::List(lists) = self {
            lists
        } else {
            &[]
        }
    }

    /// Whether a word in capitals can be a value of this type.
    pub(crate) fn takes(&self, word: &str) -> bool {
        match self {
            Self::List(lists) => lists.iter().any(|l| l.find_upper(word).is_some()),
            Self::ListName(lexicon) => lexicon.by_short(word).is_some(),
            Self::Place => place(word).is_some(),
            Self::Case | Self::Program | Self::Permit => digits(word, 1, 12),
            Self::Number => digits(word, 1, 18),
            Self::Decimal => decimal(word).is_some(),
            Self::Date => date_parts(word).is_some(),
            Self::Phone(country) => phone::canonical(word, country).is_ok(),
            Self::Owner | Self::NewOwner => digits(word.strip_prefix('+').unwrap_or(word), 4, 16),
            Self::Animal | Self::NewAnimal => {
                word.len() <= 20 && word.bytes().all(|b| b.is_ascii_alphanumeric())
            }
            Self::Infrastructure => digits(word, 4, 8),
            Self::Identity => digits(word, 15, 16),
            Self::Coordinate => coordinate(word).is_some(),
            Self::Seal => word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')),
            Self::Word => word.chars().count() <= 20,
            Self::Name => !word.bytes().any(|b| b.is_ascii_digit()),
            Self::Text => true,
        }
    }

    /// What a word means that [`Kind::takes`] has taken; `typed` is the word in its own letter
    /// case, `upper` in capitals. `None` when it was not taken.
    pub(crate) fn read(&self, typed: &str, upper: &str) -> Option<Result<Value, Breach>> {
        let value = match self {
            Self::List(lists) => {
                Value::Code(Arc::clone(lists.iter().find_map(|l| l.find_upper(upper))?))
            }
            Self::ListName(lexicon) => Value::List(Arc::clone(lexicon.by_short(upper)?)),
            Self::Place => Value::Place(place(upper)?),
            Self::Case => Value::Case(upper.parse().ok()?),
            Self::Number => Value::Number(upper.parse().ok()?),
            Self::Decimal => Value::Decimal(decimal(upper)?),
            Self::Date => {
                return Some(
                    date(date_parts(upper)?)
                        .map(Value::Date)
                        .ok_or(Breach::Date),
                );
            }
            Self::Phone(country) => Value::Phone(phone::canonical(upper, country).ok()?),
            Self::Owner | Self::NewOwner => Value::Owner(upper.to_owned()),
            Self::Animal | Self::NewAnimal => Value::Animal(upper.to_owned()),
            Self::Program => Value::Program(upper.parse().ok()?),
            Self::Permit => Value::Permit(upper.parse().ok()?),
            Self::Infrastructure => Value::Infrastructure(upper.to_owned()),
            Self::Identity | Self::Word => Value::Text(upper.to_owned()),
            Self::Coordinate => Value::Decimal(coordinate(upper)?),
            Self::Seal | Self::Name | Self::Text => {
                Value::Text(typed.split_whitespace().collect::<Vec<_>>().join(" "))
            }
        };
        Some(Ok(value))
    }

    /// The PostgreSQL type of its column in a generated view.
    pub fn column(&self) -> &'static str {
        match self {
            Self::Case | Self::Number | Self::Program | Self::Permit => "bigint",
            Self::Decimal | Self::Coordinate => "numeric",
            Self::Date => "date",
            _ => "text",
        }
    }
}

impl Rules {
    /// Checks a value against the rules.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Breach> {
        match value {
            Value::Number(n) => self.range(*n as f64),
            Value::Decimal(n) => self.range(*n),
            Value::Many(values) => {
                self.length(values.len().max(self.min_length.unwrap_or_default()))?;
                let each = Self {
                    max_length: None,
                    min_length: None,
                    ..self.clone()
                };
                values.iter().try_for_each(|v| each.check(v))
            }
            Value::Text(text) | Value::Owner(text) | Value::Animal(text) => {
                self.length(text.chars().count())
            }
            _ => Ok(()),
        }
    }

    fn range(&self, n: f64) -> Result<(), Breach> {
        let low = self.min.is_some_and(|min| n < min);
        let high = self.max.is_some_and(|max| n > max);
        if low || high {
            Err(Breach::Range)
        } else {
            Ok(())
        }
    }

    fn length(&self, length: usize) -> Result<(), Breach> {
        match () {
            () if self.min_length.is_some_and(|min| length < min) => Err(Breach::Short),
            () if self.max_length.is_some_and(|max| length > max) => Err(Breach::Long),
            () => Ok(()),
        }
    }
}

fn digits(word: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())
}

/// `72060202` or `72.06.02.02`; two digits at least in each level.
fn place(word: &str) -> Option<String> {
    let mut levels = word.split('.');
    let sound = levels.all(|level| digits(level, 2, 10));
    let code = if word.contains('.') {
        word.replace('.', "")
    } else {
        word.to_owned()
    };
    (sound && digits(&code, 2, 10)).then_some(code)
}

/// `3`, `3.5`, `3,5`.
fn decimal(word: &str) -> Option<f64> {
    let (whole, rest) = word.split_once(['.', ',']).unwrap_or((word, "0"));
    (digits(whole, 1, 12) && digits(rest, 1, 6)).then(|| format!("{whole}.{rest}").parse().ok())?
}

/// `119.5734`, `-5,13`: degrees as maps print them. No more than nine digits behind the point, which
/// are less than a millimetre.
fn coordinate(word: &str) -> Option<f64> {
    let plain = word.strip_prefix('-').unwrap_or(word);
    let (whole, rest) = plain.split_once(['.', ',']).unwrap_or((plain, "0"));
    let sign = if plain.len() < word.len() { "-" } else { "" };
    (digits(whole, 1, 3) && digits(rest, 1, 9))
        .then(|| format!("{sign}{whole}.{rest}").parse().ok())?
}

/// Day, month and year as typed.
fn date_parts(word: &str) -> Option<(Option<&str>, &str, &str)> {
    let mut parts = word.split(['/', '-']);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next());
    let (day, month, year) = match c {
        Some(c) => (Some(a), b, c),
        None => (None, a, b),
    };
    let short = |part: &str| digits(part, 1, 2);
    let sound = day.is_none_or(short) && short(month) && matches!(year.len(), 2 | 4);
    (sound && digits(year, 2, 4) && parts.next().is_none()).then_some((day, month, year))
}

/// A date that exists; a year of two digits is one of this century: the system began in it.
fn date((day, month, year): (Option<&str>, &str, &str)) -> Option<PartDate> {
    let full: i16 = year.parse().ok()?;
    let year = if year.len() == 2 { 2000 + full } else { full };
    let month: i8 = month.parse().ok()?;
    let day = day.map(str::parse::<i8>).transpose().ok()?;
    let exists = jiff::civil::Date::new(year, month, day.unwrap_or(1)).is_ok();
    (exists && year >= 1900).then_some(PartDate { year, month, day })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::lexicon::sample;

    fn kind(name: &str) -> Kind {
        Kind::named(name, &sample::lexicon(), "62").unwrap()
    }

    /// Type, words taken, words not taken.
    #[test]
    fn each_type_takes_its_words_and_no_others() {
        for (name, yes, no) in [
            ("list:species", &["SP", "KB"][..], &["MC", "4", ""][..]),
            ("list:species/sign", &["SP", "MC"], &["COC"]),
            ("list_name", &["SP", "TAN"], &["MC", "XX"]),
            (
                "place",
                &["31", "72060202", "7206020001", "72.06.02.2001"],
                &["3", "72.6", "A1", "72060200011", "."],
            ),
            ("case", &["1", "53144622"], &["", "A1", "1234567890123"]),
            (
                "number",
                &["0", "007", "123456789012345678"],
                &["-1", "3.5", "1234567890123456789"],
            ),
            ("decimal", &["3", "3.5", "3,5"], &["3.", ".5", "3.5.1", "A"]),
            (
                "date",
                &[
                    "10/10/2014",
                    "1/2/15",
                    "10/2014",
                    "01/15",
                    "31-02-2014",
                    "99/99",
                ],
                &["2014", "1/2/3/4", "10/10/201", "/", "10.2014"],
            ),
            (
                "phone",
                &["081234567890", "+6281234567890", "0812-3456-7890"],
                &["0812", "WORD"],
            ),
            (
                "owner",
                &["7890", "081234567890", "+6281234567890", "1234567890123456"],
                &["123", "12A4"],
            ),
            (
                "animal",
                &["ID123", "7"],
                &["A-1", "A.1", "ABCDEFGHIJKLMNOPQRSTU"],
            ),
            (
                "new_owner",
                &["081234567890", "010203"],
                &["123", "X123456"],
            ),
            ("new_animal", &["ID123", "7"], &["A-1"]),
            ("program", &["1"], &["A1", "1234567890123"]),
            ("permit", &["208"], &["20A"]),
            ("infrastructure", &["730801"], &["730", "123456789"]),
            (
                "identity",
                &["123456789012345", "7204012345678901"],
                &["12345678901234", "12345678901234567", "720401234567890A"],
            ),
            (
                "coordinate",
                &["-5", "-5.13", "-5,13", "119.573421"],
                &["--5", "+5", "-", "5.", "1195.7", "5.1.3", "5S"],
            ),
            ("seal", &["4F7K-22QX", "a7"], &["A/7"]),
            ("word", &["A-1/B", "7"], &["ABCDEFGHIJKLMNOPQRSTU"]),
            ("name", &["SITI", "O'NEIL", "É"], &["SITI2"]),
            ("text", &["ANY", "1,2", "?"], &[]),
        ] {
            let kind = kind(name);
            yes.iter()
                .for_each(|word| assert!(kind.takes(word), "{name} takes {word}"));
            no.iter()
                .for_each(|word| assert!(!kind.takes(word), "{name} does not take {word}"));
            yes.iter()
                .for_each(|word| assert!(kind.read(word, word).is_some(), "{name} {word}"));
        }
    }

    #[test]
    fn words_become_values() {
        let read = |name: &str, word: &str| kind(name).read(word, &word.to_uppercase()).unwrap();
        let date = |year, month, day| Ok(Value::Date(PartDate { year, month, day }));
        assert_eq!(read("date", "10/10/2014"), date(2014, 10, Some(10)));
        assert_eq!(read("date", "01/15"), date(2015, 1, None));
        assert_eq!(read("date", "1-2-15"), date(2015, 2, Some(1)));
        for impossible in ["31/02/2014", "13/2014", "0/14", "10/0014"] {
            assert_eq!(read("date", impossible), Err(Breach::Date), "{impossible}");
        }
        assert_eq!(read("decimal", "3,5"), Ok(Value::Decimal(3.5)));
        assert_eq!(read("coordinate", "-0.5"), Ok(Value::Decimal(-0.5)));
        assert_eq!(
            read("place", "72.06.02.02"),
            Ok(Value::Place("72060202".into()))
        );
        assert_eq!(
            read("phone", "081234567890"),
            Ok(Value::Phone("+6281234567890".into()))
        );
        assert_eq!(
            read("name", "Siti  Fatimah"),
            Ok(Value::Text("Siti Fatimah".into()))
        );
        assert_eq!(read("animal", "a7"), Ok(Value::Animal("A7".into())));
    }

    #[test]
    fn unknown_types_and_lists_say_what_there_is() {
        let fault = |name| Kind::named(name, &sample::lexicon(), "62").unwrap_err();
        assert!(fault("specie").contains("list:<key>"));
        assert!(fault("list:specie").contains("species, sign"));
    }

    #[test]
    fn rules_bind_numbers_texts_and_lists() {
        let rules = Rules {
            min: Some(1.0),
            max: Some(9.0),
            min_length: Some(3),
            max_length: Some(4),
            ..Rules::default()
        };
        for (value, want) in [
            (Value::Number(0), Err(Breach::Range)),
            (Value::Number(9), Ok(())),
            (Value::Decimal(9.5), Err(Breach::Range)),
            (Value::Text("ab".into()), Err(Breach::Short)),
            (Value::Text("abcde".into()), Err(Breach::Long)),
            (Value::Text("éééé".into()), Ok(())),
            (Value::Many(vec![Value::Number(1); 5]), Err(Breach::Long)),
            (Value::Many(vec![Value::Number(10)]), Err(Breach::Range)),
        ] {
            assert_eq!(rules.check(&value), want, "{value:?}");
        }
    }
}
