use super::Message;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a mail that we sent, as the provider tells it or as a bounce says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MailEvent {
    /// The provider's id of the mail; absent when only the address is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// What happened.
    pub event: MailEventKind,
    /// To whom it happened.
    pub recipients: Vec<MailEventRecipient>,
    /// When it happened.
    pub at: Timestamp,
}

/// What happened to a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailEventKind {
    /// Refused by the receiver's mail server.
    Bounce {
        /// The address will never work; it is not written to again.
        permanent: bool,
    },
    /// The receiver called it spam; the address is not written to again.
    Complaint,
    /// The receiver's mail server took it.
    Delivery,
    /// Not yet delivered; the provider goes on trying.
    Delay,
    /// The provider refused to send it.
    Reject,
}

/// One receiver's share of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MailEventRecipient {
    /// The address.
    pub address: String,
    /// What the receiver's mail server said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<String>,
}

impl Message for MailEvent {
    const KIND: &'static str = "mail-events";
    const VERSION: u32 = 1;
}
