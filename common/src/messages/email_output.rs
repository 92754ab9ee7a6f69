use super::{Message, Purpose};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A mail for somebody: which template, in which language, with which values. The mailer composes
/// it; nothing that a person reads is decided here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmailOutput {
    /// The receiver's address.
    pub to: String,
    /// Folder of `common/mails/` that says it.
    pub template: String,
    /// `id` or `en`.
    pub language: String,
    /// What the template may name.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// Answer or alert.
    pub purpose: Purpose,
    /// The mail that this answers, for the headers that keep both together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
    /// Files to attach, from the blob store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Files to attach that are made when the mail is composed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
    /// Signed text that an answer to this mail brings back, where an answer means something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_token: Option<String>,
    /// What made us write, for `Auto-Submitted`.
    pub origin: Origin,
}

/// What an answer needs of the mail that it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Thread {
    /// Its Message-ID without angle brackets; absent when it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Its References, oldest first, without angle brackets.
    #[serde(default)]
    pub references: Vec<String>,
    /// Its subject as it was written.
    pub subject: String,
}

/// A file that goes with a mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// Key in the blob store.
    pub blob: String,
    /// Name that the receiver sees.
    pub name: String,
    /// Media type such as `text/csv`.
    pub media_type: String,
}

/// A file that the mailer makes from values, the same whenever it is made: nothing lies in the blob
/// store for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// What to make: `permit`. A kind that the mailer does not know sends the whole mail to the dead
    /// letters: without its document it would mean nothing.
    pub kind: String,
    /// Name that the receiver sees, such as `SKKH-208.pdf`.
    pub name: String,
    /// `id` or `en`: the language that is set large.
    pub language: String,
    /// What stands in it, as its kind wants it.
    #[serde(default)]
    pub values: Map<String, Value>,
}

/// What made us write; RFC 3834 wants it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The answer to a mail: `auto-replied`.
    Replied,
    /// Anything else that a program wrote: `auto-generated`.
    Generated,
}

impl Message for EmailOutput {
    const KIND: &'static str = "email-output";
    const VERSION: u32 = 1;
}
