//! The movement permit, as offices print, stamp and sign it.

mod body;
mod words;

use super::page::{A4, MM, Page, Sheets};
use super::seal::Seal;
use crate::language::{Both, Language};
use crate::messages::Document;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use words::{Words, day};

/// What stands on a permit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermitPage {
    /// Its number; permits of an installation are counted without gaps.
    pub number: i64,
    /// Day of issue where the office is.
    pub issued: Date,
    /// Name of the owner; empty leaves room to write it by hand.
    #[serde(default)]
    pub owner: String,
    /// Number of the owner's identity card.
    pub owner_id: String,
    /// Telephone of the owner; empty leaves the row out.
    #[serde(default)]
    pub owner_phone: String,
    /// Where the animals come from.
    pub origin: PermitPlace,
    /// Where they go.
    pub destination: PermitPlace,
    /// Which animals, in the order of the message.
    pub animals: Vec<PermitAnimals>,
    /// Name of the officer who examined them.
    pub officer: String,
    /// The issuing office, which stands at the head.
    pub office: String,
    /// Number of the SMS gateway, `+62...`: with it, a phone that scans the QR code has the message to
    /// send ready. Empty when there is none.
    #[serde(default)]
    pub gateway: String,
    /// Made by somebody in training: said across the page.
    #[serde(default)]
    pub training: bool,
    /// The proof that the number is ours; [`super::made`] adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

/// A place on a permit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermitPlace {
    /// Its code.
    pub code: String,
    /// Names from the province down to the village.
    pub names: Vec<String>,
}

/// One row of animals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermitAnimals {
    /// How many.
    pub number: i64,
    /// Species or breed in words.
    pub kind: Both,
}

impl PermitPage {
    /// As a document of a mail, which the mailer makes and seals; the language is the one set large.
    pub fn document(&self, language: Language) -> Document {
        let file = Words::shipped(language).main(|w| &w.file);
        Document {
            kind: super::PERMIT.to_owned(),
            name: file.replace("{number}", &self.number.to_string()),
            language: language.tag().to_owned(),
            values: self.values(),
        }
    }

    /// What the mail `permit` wants to say about it.
    pub fn mail(&self, language: Language) -> Map<String, Value> {
        let animals = self.animals.iter();
        let animals = animals.map(|a| format!("{} {}", a.number, a.kind.get(language)));
        let owner = match self.owner.as_str() {
            "" => &self.owner_id,
            name => name,
        };
        let values = [
            ("number", Value::from(self.number)),
            ("owner", owner.into()),
            ("animals", animals.collect::<Vec<_>>().join(", ").into()),
            ("origin", self.origin.words().into()),
            ("destination", self.destination.words().into()),
            ("officer", self.officer.as_str().into()),
            ("training", self.training.into()),
        ];
        values
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }

    /// As the values of a message's document.
    pub(super) fn values(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(values)) => values,
            // A record of texts and numbers is always an object.
            _ => Map::new(),
        }
    }
}

impl PermitPlace {
    /// The names from the village up to the province.
    fn words(&self) -> String {
        let names: Vec<&str> = self.names.iter().rev().map(String::as_str).collect();
        names.join(", ")
    }
}

/// The page, or pages where the animals need more than one.
pub(super) fn sheets(page: &PermitPage, language: Language) -> Sheets {
    let words = Words::shipped(language);
    let mut pages = body::Body::new(page, &words).pages();
    let last = pages.len();
    for (at, sheet) in pages.iter_mut().enumerate() {
        foot(sheet, page, &words, (at + 1, last));
    }
    let number = words.main(|w| &w.number);
    Sheets {
        title: format!("{} - {number} {}", words.main(|w| &w.title), page.number),
        language: language.tag(),
        pages,
    }
}

/// What stands at the bottom of every page, so that no page can be put under another permit.
fn foot(sheet: &mut Page, page: &PermitPage, words: &Words, (at, of): (usize, usize)) {
    use super::page::{Role, Style};
    use super::text::{Align, Lines};
    let (left, width) = (body::MARGIN, A4.0 - 2.0 * body::MARGIN);
    let top = A4.1 - 14.0 * MM;
    sheet.line((left, top), (left + width, top), 0.5);
    let valid = format!(
        "{} / {}",
        words.main(|w| &w.valid),
        words.small(|w| &w.valid)
    );
    let lines = Lines::wrap(&[(Style::faint(7.5), &valid)], width - 40.0 * MM);
    lines.put(sheet, (left, top + 3.0), Role::Aside, Align::Left);
    let number = words.main(|w| &w.number);
    let (name, issued) = (words.main(|w| &w.page), day(page.issued, words));
    let which = format!("{number} {}, {issued}, {name} {at}/{of}", page.number);
    let lines = Lines::wrap(&[(Style::faint(7.5), &which)], width);
    let above = if lines.height() > 12.0 { 0.0 } else { 11.0 };
    lines.put(sheet, (left, top + 3.0 + above), Role::Aside, Align::Right);
}
