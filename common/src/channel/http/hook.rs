//! How texts and receipts come in.

use super::document::{Document, Format, Places, View};
use super::proof::{Asked, Check};
use crate::channel::came::{Came, CameReceipt, CameText, time};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[settings.webhook]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// How a body is written.
    #[serde(default)]
    pub format: Format,
    /// How the provider proves itself.
    pub check: Check,
    /// Numbers come with their country code and without a `+`.
    #[serde(default)]
    pub without_plus: bool,
    /// Where a text stands.
    pub text: Option<TextPlaces>,
    /// Where a receipt stands; what has all of its places is one.
    pub receipt: Option<ReceiptPlaces>,
    /// What the provider is answered.
    #[serde(default)]
    pub answer: Thanks,
}

/// What a provider is answered that brought something.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thanks {
    /// Its body.
    pub body: String,
    /// Its content type.
    pub content_type: String,
}

impl Default for Thanks {
    fn default() -> Self {
        Self {
            body: String::new(),
            content_type: "text/plain".to_owned(),
        }
    }
}

/// `[settings.webhook.text]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextPlaces {
    /// The list, where a body brings several; other places are within its items.
    pub each: Option<String>,
    /// Only what has this there.
    #[serde(default)]
    pub only: BTreeMap<String, String>,
    /// The sender.
    pub from: Places,
    /// What was written.
    pub text: Places,
    /// The provider's id.
    #[serde(default)]
    pub id: Places,
    /// When.
    #[serde(default)]
    pub at: Places,
    /// For parts of longer texts.
    pub part: Option<PartPlaces>,
}

/// Where the place of a part stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartPlaces {
    /// The same in all parts.
    pub reference: String,
    /// From 1.
    pub number: String,
    /// Of how many.
    pub of: String,
}

/// `[settings.webhook.receipt]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptPlaces {
    /// The list, where a body brings several.
    pub each: Option<String>,
    /// Only what has this there.
    #[serde(default)]
    pub only: BTreeMap<String, String>,
    /// The id that the provider gave when it took the text.
    pub id: Places,
    /// Its word for the state; `signs.receipt` says what it means.
    pub state: Places,
    /// Why.
    #[serde(default)]
    pub reason: Places,
    /// When.
    #[serde(default)]
    pub at: Places,
}

impl Hook {
    /// What a request brings; says why it cannot be read. Call it only for one that is proven.
    pub fn read(&self, asked: &Asked<'_>) -> Result<Came, String> {
        let body = match asked.method {
            "GET" => asked.query.as_bytes(),
            _ => asked.body,
        };
        self.read_body(body)
    }

    /// What a body brings.
    pub fn read_body(&self, body: &[u8]) -> Result<Came, String> {
        let document = Document::read(self.format, body)?;
        let whole = document.whole();
        let mut came = Came::default();
        if let Some(places) = &self.receipt {
            let items = whole.each(places.each.as_deref());
            came.receipts
                .extend(items.iter().filter_map(|item| places.read(item)));
        }
        if let Some(places) = &self.text {
            // A text that quotes an id and a state is a receipt to this description: that one is first.
            let items = whole.each(places.each.as_deref());
            let own =
                |item: &View<'_>| self.receipt.as_ref().is_none_or(|r| r.read(item).is_none());
            for item in items.into_iter().filter(own) {
                match places.read(&item) {
                    Some(text) => came.texts.push(text),
                    None => came.others += 1,
                }
            }
        }
        if came.texts.is_empty() && came.receipts.is_empty() {
            return Err(
                "neither a text nor a receipt as the channel file describes them".to_owned(),
            );
        }
        if self.without_plus {
            for text in &mut came.texts {
                text.from = with_plus(&text.from);
            }
        }
        Ok(came)
    }

    pub(super) fn secrets(&self) -> Vec<String> {
        vec![self.check.secret().to_owned()]
    }

    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self.check.fault().into_iter().collect();
        if self.text.is_none() && self.receipt.is_none() {
            faults.push("`settings.webhook`: describes neither `text` nor `receipt`".to_owned());
        }
        let mut look = |key: &str, places: &Places| {
            faults.extend(places.fault(&format!("settings.webhook.{key}"), self.format));
        };
        if let Some(text) = &self.text {
            look("text.from", &text.from);
            look("text.text", &text.text);
            look("text.id", &text.id);
            look("text.at", &text.at);
        }
        if let Some(receipt) = &self.receipt {
            look("receipt.id", &receipt.id);
            look("receipt.state", &receipt.state);
            look("receipt.reason", &receipt.reason);
            look("receipt.at", &receipt.at);
        }
        faults
    }
}

impl TextPlaces {
    fn read(&self, item: &View<'_>) -> Option<CameText> {
        if !has(item, &self.only) {
            return None;
        }
        Some(CameText {
            from: item.first(&self.from).filter(|from| !from.is_empty())?,
            text: item.first(&self.text)?,
            id: item.first(&self.id).filter(|id| !id.is_empty()),
            at: item.first(&self.at).and_then(|at| time(&at)),
            part: self.part.as_ref().and_then(|part| part.read(item)),
        })
    }
}

impl PartPlaces {
    fn read(&self, item: &View<'_>) -> Option<(u16, u8, u8)> {
        let reference: u32 = item.find(&self.reference)?.parse().ok()?;
        let number = item.find(&self.number)?.parse().ok()?;
        let of = item.find(&self.of)?.parse().ok()?;
        // References are 8 or 16 bits wide on the air.
        Some(((reference & 0xffff) as u16, number, of))
    }
}

impl ReceiptPlaces {
    fn read(&self, item: &View<'_>) -> Option<CameReceipt> {
        if !has(item, &self.only) {
            return None;
        }
        Some(CameReceipt {
            id: item.first(&self.id).filter(|id| !id.is_empty())?,
            state: item.first(&self.state)?,
            reason: item.first(&self.reason).filter(|why| !why.is_empty()),
            at: item.first(&self.at).and_then(|at| time(&at)),
        })
    }
}

fn has(item: &View<'_>, only: &BTreeMap<String, String>) -> bool {
    only.iter()
        .all(|(place, want)| item.find(place).as_ref() == Some(want))
}

/// An international number that is written without its sign.
pub fn with_plus(number: &str) -> String {
    match number.starts_with(|c: char| c.is_ascii_digit()) && !number.starts_with('0') {
        true => format!("+{number}"),
        false => number.to_owned(),
    }
}
