//! How texts that go out are written, whoever they are for.

use crate::code::sms;
use crate::config;
use crate::messages::{Purpose, TextOutput};
use jiff::{SignedDuration, Timestamp};

/// What all texts that go out have in common.
#[derive(Clone)]
pub struct Wording {
    /// In front of every text.
    pub signature: String,
    /// Most parts of an SMS that a text may take.
    pub max_parts: usize,
    /// How long a text is worth sending.
    pub worth: SignedDuration,
}

impl Wording {
    /// From the settings that all texts share.
    pub fn of(settings: &config::Engine) -> Self {
        Self {
            signature: settings.signature.clone(),
            max_parts: settings.max_parts as usize,
            worth: SignedDuration::from_secs(i64::from(settings.answer_ttl_s)),
        }
    }

    /// A text for somebody, signed, as long as it may be, with its length in parts.
    pub fn text(&self, channel: &str, to: &str, text: &str, now: Timestamp) -> TextOutput {
        let text = format!("{}{text}", self.signature);
        let text = sms::cut_to_parts(&text, self.max_parts);
        TextOutput {
            channel: channel.to_owned(),
            to: to.to_owned(),
            parts: u32::try_from(sms::size(&text).parts).unwrap_or(u32::MAX),
            text,
            purpose: Purpose::Alert,
            in_reply_to: None,
            expires_at: now.checked_add(self.worth).unwrap_or(Timestamp::MAX),
        }
    }
}
