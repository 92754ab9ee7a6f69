//! What is attached to a mail: its name, what it really is, its bytes.

use super::part::Part;
use super::words;

/// One attached file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The name the sender gave, decoded and made harmless; empty if none. Show it, never use it
    /// as a path.
    pub name: String,
    /// What its bytes say it is.
    pub kind: FileKind,
    /// What its header says it is, in lower case.
    pub declared: String,
    /// Its bytes, transfer encoding undone.
    pub content: Vec<u8>,
    /// It came inside an attached mail. Good as data; says nothing about who sent it (M18).
    pub forwarded: bool,
}

/// What a file is, told by its first bytes: names and declared types lie (M12, M30).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// Excel since 2007 (a zip with `xl/`).
    Xlsx,
    /// Word since 2007.
    Docx,
    /// OpenDocument spreadsheet.
    Ods,
    /// Excel and other Office files before 2007.
    OldOffice,
    /// Any other zip.
    Zip,
    /// PDF.
    Pdf,
    /// JPEG, PNG, GIF, WebP, HEIC.
    Image,
    /// Outlook's `winmail.dat`, which hides the files in it (M17).
    Tnef,
    /// A detached signature; nothing to read.
    Signature,
    /// HTML.
    Html,
    /// Text of some kind, CSV included.
    Text,
    /// Nothing in it.
    Empty,
    /// Something else.
    Other,
}

impl File {
    pub(crate) fn of(part: &Part<'_>) -> Self {
        let content = part.content();
        let kind = if is_signature(&part.kind) {
            FileKind::Signature
        } else {
            kind(&content)
        };
        Self {
            name: name(part),
            kind,
            declared: part.kind.clone(),
            content,
            forwarded: part.letter > 0,
        }
    }
}

fn is_signature(kind: &str) -> bool {
    matches!(
        kind,
        "application/pkcs7-signature"
            | "application/x-pkcs7-signature"
            | "application/pgp-signature"
    )
}

/// What the bytes are.
pub fn kind(bytes: &[u8]) -> FileKind {
    const IMAGES: [&[u8]; 4] = [b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"RIFF"];
    if bytes.iter().all(u8::is_ascii_whitespace) {
        FileKind::Empty
    } else if bytes.starts_with(b"PK\x03\x04") {
        zip(bytes)
    } else if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        FileKind::OldOffice
    } else if bytes.starts_with(&super::tnef::SIGNATURE) {
        FileKind::Tnef
    } else if bytes.starts_with(b"%PDF-") {
        FileKind::Pdf
    } else if IMAGES.iter().any(|m| bytes.starts_with(m)) || bytes.get(4..8) == Some(b"ftyp") {
        FileKind::Image
    } else {
        text(bytes)
    }
}

/// The names in a zip stand in the clear; Office writes what it is among the first of them, but
/// not always first.
fn zip(bytes: &[u8]) -> FileKind {
    let has = |name: &[u8]| bytes.windows(name.len()).any(|w| w == name);
    let ods = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet";
    if has(b"xl/workbook") {
        FileKind::Xlsx
    } else if has(b"word/document") {
        FileKind::Docx
    } else if bytes.get(30..30 + ods.len()) == Some(ods) {
        FileKind::Ods
    } else {
        FileKind::Zip
    }
}

fn text(bytes: &[u8]) -> FileKind {
    let head = &bytes[..bytes.len().min(1_024)];
    let control = |b: &u8| *b < 32 && !matches!(b, b'\t' | b'\n' | b'\r' | 12 | 27);
    let utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    if head.iter().any(control) && !utf16 {
        return FileKind::Other;
    }
    let start = String::from_utf8_lossy(head)
        .trim_start()
        .to_ascii_lowercase();
    let html = start.starts_with("<!doctype html") || start.starts_with("<html");
    if html { FileKind::Html } else { FileKind::Text }
}

/// The name from wherever it stands: `filename*`, `filename`, `name*`, `name`; in RFC 2231 or
/// RFC 2047 form or in plain bytes (M12).
pub(crate) fn name(part: &Part<'_>) -> String {
    let found = parameter_of(part, "content-disposition", "filename");
    let found = found.or_else(|| parameter_of(part, "content-type", "name"));
    harmless(&found.unwrap_or_default())
}

/// A parameter; of its plain and its starred form the starred one (RFC 6266, 4.3), which the
/// parser gives back without the star, in their order.
fn parameter_of(part: &Part<'_>, field: &str, name: &str) -> Option<String> {
    let field = part.fields.first(field)?;
    let found = field.content_type()?;
    let all: Vec<&str> = found
        .attributes()
        .unwrap_or_default()
        .iter()
        .filter(|a| a.name.eq_ignore_ascii_case(name))
        .map(|a| a.value.as_ref())
        .collect();
    let raw = String::from_utf8_lossy(&field.raw).to_ascii_lowercase();
    let (plain, starred) = (raw.find(&format!("{name}=")), raw.find(&format!("{name}*")));
    let last = matches!((plain, starred), (Some(plain), Some(starred)) if plain < starred);
    let chosen = if last { all.last() } else { all.first() };
    chosen.map(|value| (*value).to_owned())
}

/// A name that can be shown anywhere: one line, no folders, at most 150 letters.
pub(crate) fn harmless(name: &str) -> String {
    let name = if name.contains("=?") {
        words::decode(name.as_bytes())
    } else {
        name.to_owned()
    };
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_turning(*c))
        .collect();
    let clean = clean.trim().trim_start_matches('.');
    clean.chars().take(150).collect()
}

/// Letters that turn the writing direction make `fdp.exe` look like `exe.pdf`.
fn is_turning(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(crate) fn is_attached(part: &Part<'_>) -> bool {
    let disposition = part.fields.text("content-disposition").to_ascii_lowercase();
    disposition.starts_with("attachment")
}

/// Whether a part carries a name, and thus is a file even when it is text.
pub(crate) fn is_named(part: &Part<'_>) -> bool {
    !name(part).is_empty()
}

impl FileKind {
    /// Whether it may be a workbook.
    pub fn is_workbook(self) -> bool {
        matches!(self, Self::Xlsx | Self::OldOffice | Self::Ods)
    }
}

pub(crate) fn parameter(part: &Part<'_>, name: &str) -> Option<String> {
    let found = part.fields.content_type()?;
    found.attribute(name).map(str::to_owned)
}
