//! Makes a finished mail out of an [`EmailOutput`]: the words come from `common/mails/<name>/`, the
//! headers tell the receiver's programs what this is, and nothing that somebody wrote can become a
//! header of ours.
//!
//! The same envelope gives the same bytes as long as the words stay the same, and always the same
//! Message-ID, date and boundaries: a mail that had to be sent twice is one mail to most programs.

mod address;
mod headers;
mod html;
mod template;

pub use address::{BadAddress, checked};
pub use template::{MailError, Mails, Rendered};

use crate::document;
use crate::envelope::Envelope;
use crate::mail::robots::MARK;
use crate::mail::token::{Purpose, Signer};
use crate::messages::{Document, EmailOutput, Origin};
use crate::transport::Finished;
use crate::{Failure, Result};
use jiff::SignedDuration;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;
use std::sync::{Arc, PoisonError, RwLock};
use uuid::Uuid;

/// How long our marks are good: people answer old mails, and a bounce may take days. A token's end
/// counts from when the mail was put on the queue, so that it is the same in every try.
const MARKS_GOOD: SignedDuration = SignedDuration::from_hours(24 * 400);

/// A file to attach, fetched already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Name that the receiver sees.
    pub name: String,
    /// Media type such as `text/csv`; anything odd becomes `application/octet-stream`.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a mail cannot be made. Nothing here mends itself by waiting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The receiver's address cannot be written to.
    #[error("the receiver's address cannot be used: {0}")]
    Address(#[from] BadAddress),
    /// The words are missing, or a value that they need.
    #[error(transparent)]
    Words(#[from] MailError),
    /// A document that goes with it cannot be made.
    #[error("{}", .0.cause)]
    Document(Failure),
}

/// The words of our mails, which may be replaced while mails are written. Clones share them.
#[derive(Clone)]
pub struct Words(Arc<RwLock<Mails>>);

impl Words {
    /// Every mail from now on has these words.
    pub fn replace(&self, mails: Mails) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = mails;
    }

    fn render(&self, mail: &EmailOutput) -> std::result::Result<Rendered, MailError> {
        let mails = self.0.read().unwrap_or_else(PoisonError::into_inner);
        mails.render(mail)
    }
}

/// Writes mails in our name.
pub struct Composer {
    words: Words,
    sender: Sender,
    signer: Signer,
}

/// Who we are in mail.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Name that receivers see beside the address; may be empty.
    pub name: String,
    /// Address that answers come from and go to.
    pub address: String,
    /// Right side of our Message-IDs.
    pub domain: String,
}

impl Composer {
    /// A composer that writes as `sender`. An address or domain of ours that cannot be used is a
    /// fault of the settings.
    pub fn new(
        mails: Mails,
        sender: Sender,
        signer: Signer,
    ) -> std::result::Result<Self, BadAddress> {
        checked(&sender.address)?;
        checked(&format!("x@{}", sender.domain))?;
        let words = Words(Arc::new(RwLock::new(mails)));
        Ok(Self {
            words,
            sender,
            signer,
        })
    }

    /// The words that it uses, to replace them.
    pub fn words(&self) -> Words {
        self.words.clone()
    }

    /// The finished mail, with its documents behind the files. Gives the same bytes for the same
    /// envelope, files, words and first key.
    pub fn compose(
        &self,
        envelope: &Envelope,
        mail: &EmailOutput,
        mut files: Vec<File>,
    ) -> std::result::Result<Finished, ComposeError> {
        let to = checked(&mail.to)?;
        files.extend(self.documents(mail)?);
        let words = self.words.render(mail)?;
        let reference = self.token(Purpose::Trace, envelope);
        let message_id = self.message_id(envelope);
        let subject = headers::subject(mail.thread.as_ref(), &words.subject);
        let body = body(envelope.id, &mail.language, words.text, files);

        let mut message = MessageBuilder::new()
            .from(self.from())
            .to(to)
            .subject(subject)
            .date(envelope.sent_at.as_second())
            .message_id(message_id.clone());
        if let Some(id) = headers::in_reply_to(mail.thread.as_ref()) {
            message = message.in_reply_to(id);
        }
        let ours = [Some(&reference), mail.reply_token.as_ref()];
        let ours = ours.into_iter().flatten();
        let ours = ours.map(|token| format!("{token}@{}", self.sender.domain));
        let references = headers::references(mail.thread.as_ref(), ours);
        let raw = message
            .references(MessageId::new_list(references.into_iter()))
            .header("Auto-Submitted", Raw::new(auto_submitted(mail.origin)))
            .header("X-Auto-Response-Suppress", Raw::new("All"))
            .header(MARK, Raw::new(self.token(Purpose::Mark, envelope)))
            .body(body);
        let mut bytes = Vec::new();
        raw.serialize(&mut bytes);
        Ok(Finished {
            from: self.sender.address.clone(),
            to: to.to_owned(),
            message_id,
            at: envelope.sent_at,
            raw: bytes,
        })
    }

    fn documents(&self, mail: &EmailOutput) -> std::result::Result<Vec<File>, ComposeError> {
        let file = |asked: &Document| {
            let bytes = document::made(asked, &self.signer).map_err(ComposeError::Document)?;
            let (name, media_type) = (asked.name.clone(), document::MEDIA_TYPE.to_owned());
            Ok(File {
                name,
                media_type,
                bytes,
            })
        };
        mail.documents.iter().map(file).collect()
    }

    /// The Message-ID that this envelope's mail has, without angle brackets: the envelope's id,
    /// a dot, and the signed reference to the trace.
    pub fn message_id(&self, envelope: &Envelope) -> String {
        let id = envelope.id.simple();
        let reference = self.token(Purpose::Trace, envelope);
        format!("{id}.{reference}@{}", self.sender.domain)
    }

    /// A signed token that names the trace: ours for certain when it comes back (M1, M26).
    fn token(&self, purpose: Purpose, envelope: &Envelope) -> String {
        let end = envelope.sent_at.saturating_add(MARKS_GOOD);
        let end = end.unwrap_or(envelope.sent_at);
        self.signer.sign(purpose, envelope.trace.as_bytes(), end)
    }

    fn from(&self) -> Address<'_> {
        let name = headers::clean(&self.sender.name);
        let name = Some(name).filter(|n| !n.is_empty());
        Address::new_address(name, self.sender.address.as_str())
    }
}

/// Text and HTML of the same words, and what is attached. Boundaries follow from the mail's id;
/// `=_` keeps them out of every quoted-printable or base64 body.
fn body(id: Uuid, language: &str, text: String, files: Vec<File>) -> MimePart<'static> {
    let page = html::page(language, &text);
    let alternative = multipart(
        "alternative",
        id,
        vec![
            MimePart::new("text/plain", text),
            MimePart::new("text/html", page),
        ],
    );
    if files.is_empty() {
        return alternative;
    }
    let files = files.into_iter().map(|file| {
        let name = headers::file_name(&file.name);
        MimePart::new(headers::media_type(&file.media_type), file.bytes).attachment(name)
    });
    let parts = std::iter::once(alternative).chain(files).collect();
    multipart("mixed", id, parts)
}

fn multipart(kind: &'static str, id: Uuid, parts: Vec<MimePart<'static>>) -> MimePart<'static> {
    let boundary = format!("=_{kind}_{}", id.simple());
    let of = ContentType::new(format!("multipart/{kind}")).attribute("boundary", boundary);
    MimePart::new(of, parts)
}

/// RFC 3834, section 5: what an auto-responder must see to keep quiet (M3).
fn auto_submitted(origin: Origin) -> &'static str {
    match origin {
        Origin::Replied => "auto-replied",
        Origin::Generated => "auto-generated",
    }
}

impl From<ComposeError> for Failure {
    /// There is nobody to tell: whoever is to be told has no address, or we have no words.
    fn from(error: ComposeError) -> Self {
        match error {
            ComposeError::Document(failure) => failure,
            other => Failure::quarantine(other),
        }
    }
}

/// Reads the shipped mails and those of a folder that adds to them or replaces them.
pub fn mails(folder: Option<&std::path::Path>) -> Result<Mails> {
    let mut mails = Mails::shipped().map_err(Failure::quarantine)?;
    if let Some(folder) = folder {
        mails.add_folder(folder).map_err(Failure::quarantine)?;
    }
    Ok(mails)
}

#[cfg(test)]
mod tests;
