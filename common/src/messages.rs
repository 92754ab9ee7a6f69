//! The typed bodies of envelopes. Wire names are constants, never type names; a breaking change
//! is a new version, and `messages/<kind>.v<n>.json` keeps an example of each for ever.

mod email_input;
mod email_output;
mod mail_event;
mod text_input;
mod text_output;

pub use email_input::{EmailInput, ReceiptVerdicts, VerdictStatus};
pub use email_output::{Attachment, Document, EmailOutput, Origin, Thread};
pub use mail_event::{MailEvent, MailEventKind, MailEventRecipient};
pub use text_input::TextInput;
pub use text_output::{Purpose, TextOutput};

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A body that travels in an [`Envelope`](crate::envelope::Envelope).
pub trait Message: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Name on the wire; also the name of the queue, unless the message chooses one.
    const KIND: &'static str;
    /// The version this program writes.
    const VERSION: u32;

    /// The queue it goes to, without the installation's prefix.
    fn queue(&self) -> String {
        Self::KIND.to_owned()
    }

    /// Turns an older body into one of this version; `None` when that version is not known.
    fn upgrade(_from: u32, _body: serde_json::Value) -> Option<serde_json::Value> {
        None
    }
}

/// Every message with its schema, for the generated documentation.
pub fn schemas() -> Vec<(&'static str, u32, schemars::Schema)> {
    fn one<M: Message>() -> (&'static str, u32, schemars::Schema) {
        (M::KIND, M::VERSION, schemars::schema_for!(M))
    }
    vec![
        one::<TextInput>(),
        one::<TextOutput>(),
        one::<EmailInput>(),
        one::<EmailOutput>(),
        one::<MailEvent>(),
    ]
}

#[cfg(test)]
mod tests;
