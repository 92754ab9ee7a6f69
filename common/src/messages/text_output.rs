use super::Message;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text for somebody, on one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TextOutput {
    /// The channel that shall carry it.
    pub channel: String,
    /// The receiver's address on that channel.
    pub to: String,
    /// What to say.
    pub text: String,
    /// Answer or alert.
    pub purpose: Purpose,
    /// The message that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<Uuid>,
    /// How many SMS parts the text takes.
    pub parts: u32,
    /// After this it is not worth sending any more.
    pub expires_at: Timestamp,
    /// Channels that could not carry it, before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<String>,
}

/// Why a text or mail goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// The answer to what the receiver sent.
    Answer,
    /// Something the receiver must act on.
    Alert,
}

impl Message for TextOutput {
    const KIND: &'static str = "text-output";
    const VERSION: u32 = 1;

    fn queue(&self) -> String {
        format!("text-output-{}", self.channel)
    }
}
