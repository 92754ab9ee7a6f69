//! One part of a mail, and what its header says it is.

use super::headers::Fields;
use super::transfer;
use std::borrow::Cow;

/// One part that is no container, or a container that turned out to hold nothing.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    /// Its own header.
    pub fields: Fields,
    /// `text/plain` and the like, in lower case.
    pub kind: String,
    /// The kind of the container it stands in; empty at the top.
    pub container: String,
    /// 0 in the mail itself, 1 in a mail that is attached to it, and so on (M18).
    pub letter: usize,
    /// The body as it came, transfer encoding and all.
    pub body: Cow<'a, [u8]>,
}

impl Part<'_> {
    /// The body without its transfer encoding. Broken encodings give what can be read.
    pub fn content(&self) -> Vec<u8> {
        transfer::decode(&self.body, &self.fields.encoding())
    }

    /// The same part, standing in a mail on that level, its bytes its own.
    pub fn under(self, letter: usize) -> Part<'static> {
        let letter = self.letter + letter;
        Part {
            letter,
            ..self.into_owned()
        }
    }

    /// The same part, its bytes its own.
    pub fn into_owned(self) -> Part<'static> {
        let Self {
            fields,
            kind,
            container,
            letter,
            body,
        } = self;
        Part {
            fields,
            kind,
            container,
            letter,
            body: Cow::Owned(body.into_owned()),
        }
    }
}

/// The kind of a part and, if it is a container, its boundary. A container without a usable
/// boundary is read as a text (M13); a part of a digest that says nothing is a mail (RFC 2046,
/// 5.1.5).
pub(crate) fn kind_of(fields: &Fields, in_digest: bool) -> (String, Option<Vec<u8>>) {
    let Some(found) = fields.content_type() else {
        let mail = in_digest && fields.first("content-type").is_none();
        return (
            if mail { "message/rfc822" } else { "text/plain" }.to_owned(),
            None,
        );
    };
    let kind = format!("{}/{}", found.ctype(), found.subtype().unwrap_or("*"));
    let kind = kind.to_ascii_lowercase();
    if !kind.starts_with("multipart/") {
        return (kind, None);
    }
    let boundary = found
        .attribute("boundary")
        .map(|b| b.trim_end().as_bytes().to_vec());
    match boundary.filter(|b| !b.is_empty()) {
        Some(boundary) => (kind, Some(boundary)),
        None => ("text/plain".to_owned(), None),
    }
}

/// Whether the part is a whole mail.
pub(crate) fn is_mail(kind: &str) -> bool {
    kind == "message/rfc822" || kind == "message/global"
}

/// Whether what stands in the part can be walked without decoding it.
pub(crate) fn is_plain(encoding: &str) -> bool {
    encoding != "base64" && encoding != "quoted-printable"
}
