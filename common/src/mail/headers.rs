//! The fields above a mail or a part, as they came, and the typed values read from them.

use super::charset;
use super::words;
use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, ContentType, HeaderValue};

/// One field: its name in lower case and its value with the folding still in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Lower case, without the colon.
    pub name: String,
    /// Bytes after the colon up to the end of the last folded line.
    pub raw: Vec<u8>,
}

/// A header block in its order. Reading it never fails: a line that is no field is skipped (M13).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<Field>);

/// A name and an address as a header gives them; neither is proof of anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, decoded; empty if there is none.
    pub name: String,
    /// The address in lower case (the local part too: no mail host in use tells cases apart);
    /// empty if none could be read.
    pub address: String,
}

impl Fields {
    /// Splits a header block into its fields.
    pub fn parse(block: &[u8]) -> Self {
        let mut fields: Vec<Field> = Vec::new();
        for line in block.split_inclusive(|&b| b == b'\n') {
            match fields.last_mut() {
                Some(last) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                    last.raw.extend_from_slice(line);
                }
                _ => fields.extend(field(line)),
            }
        }
        Self(fields)
    }

    /// Every field, the topmost first.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.0.iter()
    }

    /// Every field of this (lower-case) name, the topmost first.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field> {
        self.0.iter().filter(move |f| f.name == name)
    }

    /// The topmost field of this (lower-case) name.
    pub fn first(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|f| f.name == name)
    }

    /// The topmost field as readable text; empty if there is none.
    pub fn text(&self, name: &str) -> String {
        self.first(name).map(Field::text).unwrap_or_default()
    }

    /// The addresses of all fields of this name.
    pub fn mailboxes(&self, name: &str) -> Vec<Mailbox> {
        self.all(name).flat_map(Field::mailboxes).collect()
    }

    /// The message ids of all fields of this name, without their angle brackets.
    pub fn ids(&self, name: &str) -> Vec<String> {
        self.all(name).flat_map(Field::ids).collect()
    }

    /// `Content-Type`, if it can be read.
    pub(crate) fn content_type(&self) -> Option<ContentType<'_>> {
        self.first("content-type")?.content_type()
    }

    /// `Content-Transfer-Encoding` in lower case.
    pub(crate) fn encoding(&self) -> String {
        let text = self.text("content-transfer-encoding").to_ascii_lowercase();
        text.split([';', ' ', '('])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    }
}

impl Field {
    /// The value unfolded, its encoded words decoded, white space in runs made one.
    pub fn text(&self) -> String {
        let words = words::decode(&self.raw);
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The addresses in it, groups opened.
    pub fn mailboxes(&self) -> Vec<Mailbox> {
        let line = self.line();
        let HeaderValue::Address(found) = MessageStream::new(&line).parse_address() else {
            return Vec::new();
        };
        found.into_list().into_iter().map(mailbox).collect()
    }

    /// The message ids in it, without angle brackets.
    pub fn ids(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.raw).replace(['\r', '\n', '\0'], "");
        let in_brackets: Vec<String> = text
            .split('<')
            .skip(1)
            .filter_map(|rest| rest.split_once('>').map(|(id, _)| without_space(id)))
            .filter(|id| !id.is_empty())
            .collect();
        if !in_brackets.is_empty() {
            return in_brackets;
        }
        text.split_whitespace()
            .filter(|w| w.contains('@'))
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn content_type(&self) -> Option<ContentType<'static>> {
        let line = self.line();
        let HeaderValue::ContentType(found) = MessageStream::new(&line).parse_content_type() else {
            return None;
        };
        match HeaderValue::ContentType(found).into_owned() {
            HeaderValue::ContentType(owned) => Some(owned),
            _ => None,
        }
    }

    /// The value as the crate's parsers want it: ended by a line end.
    pub(crate) fn line(&self) -> Vec<u8> {
        let mut line = self.raw.clone();
        while line.last().is_some_and(|b| matches!(b, b'\r' | b'\n')) {
            line.pop();
        }
        line.push(b'\n');
        line
    }
}

fn without_space(id: &str) -> String {
    id.chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .collect()
}

fn field(line: &[u8]) -> Option<Field> {
    let colon = line.iter().position(|&b| b == b':')?;
    let name = line[..colon].trim_ascii();
    let valid = !name.is_empty() && name.iter().all(|b| (33..=126).contains(b));
    valid.then(|| Field {
        name: String::from_utf8_lossy(name).to_ascii_lowercase(),
        raw: line[colon + 1..].to_vec(),
    })
}

fn mailbox(found: Addr<'_>) -> Mailbox {
    let clean = |text: Option<std::borrow::Cow<'_, str>>| {
        charset::without_nul(text.as_deref().unwrap_or_default())
            .trim()
            .to_owned()
    };
    Mailbox {
        name: clean(found.name),
        address: clean(found.address).to_lowercase(),
    }
}

/// Where the header block ends and where the body begins. A block that ends the input has no
/// blank line; then both are the length.
pub(crate) fn split(raw: &[u8]) -> (usize, usize) {
    let mut at = 0;
    for line in raw.split_inclusive(|&b| b == b'\n') {
        if line == b"\n" || line == b"\r\n" {
            return (at, at + line.len());
        }
        at += line.len();
    }
    (raw.len(), raw.len())
}
