use super::Message;
use crate::envelope::derived_id;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that somebody sent, on whatever channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TextInput {
    /// The channel that brought it, for example `console` or `sms`.
    pub channel: String,
    /// The sender's address on that channel, as the channel writes it.
    pub from: String,
    /// What was written.
    pub text: String,
    /// The channel's own id of this message, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<String>,
    /// When the sender sent it, as far as the channel knows.
    pub sent_at: Timestamp,
}

impl TextInput {
    /// The id of its envelope: the channel's own id makes it, so that a text that the channel
    /// hands over twice is one message. Without one every text is its own.
    pub fn id(&self) -> Uuid {
        match &self.channel_id {
            Some(id) => {
                let parts = [&self.channel, &self.from, id].map(|p| p.as_bytes());
                derived_id(&[b"text", parts[0], parts[1], parts[2]])
            }
            None => Uuid::now_v7(),
        }
    }
}

impl Message for TextInput {
    const KIND: &'static str = "text-input";
    const VERSION: u32 = 1;
}
