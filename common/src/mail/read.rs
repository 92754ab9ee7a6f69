//! Raw bytes to a [`Letter`]: the one way in for every mail, whatever brought it.

use super::body::{self, Text};
use super::files::{self, File, FileKind};
use super::heading::Heading;
use super::limits::{Limits, Refusal};
use super::part::Part;
use super::parts::{self, Walked};
use super::signed::{self, Wrapped};
use super::{quote, tnef};
use std::ops::Range;

/// A mail that was read. Nothing in it is proof of anything; see `proof` for who sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// What stands above it.
    pub heading: Heading,
    /// The whole readable text, quotation and signature included; valid UTF-8 without NUL.
    pub text: String,
    /// The bytes of `text` that the sender wrote for this mail.
    pub own: Range<usize>,
    /// What is attached, files of attached mails included (`forwarded`).
    pub files: Vec<File>,
    /// What stands above the mails that are attached to it. Data, never authority (M18).
    pub attached: Vec<Heading>,
    /// What was guessed or repaired while reading, each once.
    pub notes: Vec<Note>,
}

/// What reading had to guess or repair. The raw mail still has everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Note {
    /// The charset label was missing, unknown or wrong; this one was used.
    CharsetGuessed(&'static str),
    /// Bytes that fit no charset, or NUL, were replaced or taken out (M10, M14).
    TextRepaired,
    /// More text than the limit; the rest was not looked at.
    TextCut,
    /// There was no plain text; it was made from HTML.
    MadeFromHtml,
    /// Files were taken out of Outlook's `winmail.dat`.
    TnefOpened,
    /// A `winmail.dat` that could not be opened: the sender should switch to plain text or HTML.
    TnefClosed,
    /// The mail was taken out of an S/MIME signature, which was not checked.
    SignatureOpened,
}

/// A mail that is not read, with its header, so that the sender can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{refusal}")]
pub struct Refused {
    /// Why, with the remedy.
    pub refusal: Refusal,
    /// Whom to answer and in which thread.
    pub heading: Box<Heading>,
}

impl Letter {
    /// What the sender wrote for this mail, without quotation and signature.
    pub fn own_words(&self) -> &str {
        &self.text[self.own.clone()]
    }
}

/// Reads a mail. The same bytes always give the same letter; nothing in them makes it panic or
/// take more than one pass and a few copies within the limits.
///
/// # Errors
/// [`Refused`], for good: the same mail is refused again.
pub fn read(raw: &[u8], limits: &Limits) -> Result<Letter, Refused> {
    let start = raw
        .iter()
        .position(|b| !b.is_ascii_whitespace())
        .unwrap_or(raw.len());
    let raw = &raw[start..];
    let heading = Heading::new(parts::top_fields(raw, limits));
    match content(raw, &heading, limits) {
        Ok(content) => Ok(letter(heading, content, limits)),
        Err(refusal) => Err(Refused {
            refusal,
            heading: Box::new(heading),
        }),
    }
}

struct Content {
    text: Text,
    files: Vec<File>,
    attached: Vec<Heading>,
    notes: Vec<Note>,
}

fn content(raw: &[u8], heading: &Heading, limits: &Limits) -> Result<Content, Refusal> {
    check(raw, heading, limits)?;
    let mut notes = Vec::new();
    let Walked {
        parts: all,
        attached,
    } = parts::parts(raw, limits)?;
    let all = open_signed(all, limits, &mut notes)?;
    if all.iter().any(is_encrypted) {
        return Err(Refusal::Encrypted);
    }
    let attached = attached.into_iter().map(Heading::new).collect();
    let (text, rest) = body::choose(&all, limits);
    if text.text.trim_start().starts_with(PGP_MESSAGE) {
        return Err(Refusal::Encrypted);
    }
    let files = open_tnef(rest.into_iter().map(File::of).collect(), &mut notes);
    Ok(Content {
        text,
        files,
        attached,
        notes,
    })
}

/// The first line of a text that is encrypted by PGP without MIME (RFC 4880, 6.2).
const PGP_MESSAGE: &str = "-----BEGIN PGP MESSAGE-----";

fn check(raw: &[u8], heading: &Heading, limits: &Limits) -> Result<(), Refusal> {
    if raw.is_empty() {
        Err(Refusal::Empty)
    } else if raw.len() > limits.bytes {
        Err(Refusal::TooLarge {
            found: raw.len(),
            limit: limits.bytes,
        })
    } else if heading.fields.all("received").count() > limits.hops {
        Err(Refusal::TooManyHops { limit: limits.hops })
    } else {
        Ok(())
    }
}

fn letter(heading: Heading, content: Content, limits: &Limits) -> Letter {
    let Content {
        text: Text {
            mut text,
            notes: text_notes,
        },
        files,
        attached,
        mut notes,
    } = content;
    notes.extend(text_notes);
    if text.len() > limits.text_bytes {
        text.truncate(text.floor_char_boundary(limits.text_bytes));
        notes.push(Note::TextCut);
    }
    notes.sort_unstable();
    notes.dedup();
    Letter {
        own: quote::own_words(&text),
        heading,
        text,
        files,
        attached,
        notes,
    }
}

/// Puts what an opaque signature holds in the place of the signature.
fn open_signed<'a>(
    all: Vec<Part<'a>>,
    limits: &Limits,
    notes: &mut Vec<Note>,
) -> Result<Vec<Part<'a>>, Refusal> {
    let mut out = Vec::with_capacity(all.len());
    for part in all {
        if !is_smime(&part) {
            out.push(part);
            continue;
        }
        match signed::unwrap(&part.content()) {
            Wrapped::Encrypted if part.letter == 0 => return Err(Refusal::Encrypted),
            Wrapped::Signed(inner) => {
                let left = Limits {
                    parts: limits.parts.saturating_sub(out.len()),
                    ..*limits
                };
                let inner = parts::parts(&inner, &left)?.parts;
                notes.push(Note::SignatureOpened);
                out.extend(inner.into_iter().map(|p| p.under(part.letter)));
            }
            Wrapped::Encrypted | Wrapped::Unknown => out.push(part),
        }
    }
    Ok(out)
}

fn is_smime(part: &Part<'_>) -> bool {
    matches!(
        part.kind.as_str(),
        "application/pkcs7-mime" | "application/x-pkcs7-mime"
    ) || part.kind == "application/octet-stream" && files::name(part) == "smime.p7m"
}

/// PGP/MIME (RFC 3156, 4). An encrypted mail that is only attached is one file among others.
fn is_encrypted(part: &Part<'_>) -> bool {
    part.letter == 0
        && (part.container == "multipart/encrypted" || part.kind == "application/pgp-encrypted")
}

fn open_tnef(files: Vec<File>, notes: &mut Vec<Note>) -> Vec<File> {
    let mut out = Vec::with_capacity(files.len());
    for file in files {
        if file.kind != FileKind::Tnef {
            out.push(file);
            continue;
        }
        let inner = tnef::unwrap(&file.content, file.forwarded);
        if inner.is_empty() {
            notes.push(Note::TnefClosed);
            out.push(file);
        } else {
            notes.push(Note::TnefOpened);
            out.extend(inner);
        }
    }
    out
}
