//! How texts that go out are written, whoever they are for.

use super::short_trace;
use crate::code::sms;
use crate::config;
use crate::messages::{Purpose, TextOutput};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// What all texts that go out have in common.
#[derive(Clone)]
pub struct Wording {
    /// In front of every text.
    pub signature: String,
    /// Most parts of an SMS that a text may take.
    pub max_parts: usize,
    /// How long a text is worth sending.
    pub worth: SignedDuration,
    /// Whether answers carry their trace.
    pub traced: bool,
}

impl Wording {
    /// From the settings that all texts share.
    pub fn of(settings: &config::Engine) -> Self {
        Self {
            signature: settings.signature.clone(),
            max_parts: settings.max_parts as usize,
            worth: SignedDuration::from_secs(i64::from(settings.answer_ttl_s)),
            traced: settings.trace_in_answers,
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
            tried: Vec::new(),
        }
    }

    /// The answer to a text, with its trace at the end where that costs nothing: no further part of an
    /// SMS, and no word of the answer cut off.
    pub fn answer(
        &self,
        (channel, to): (&str, &str),
        (text, trace): (&str, Uuid),
        now: Timestamp,
    ) -> TextOutput {
        let plain = self.text(channel, to, text, now);
        let mark = format!(" #{}", short_trace(trace));
        let traced = self.text(channel, to, &format!("{text}{mark}"), now);
        let free = traced.parts == plain.parts && traced.text.ends_with(&mark);
        let chosen = if self.traced && free { traced } else { plain };
        TextOutput {
            purpose: Purpose::Answer,
            ..chosen
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(length: usize, traced: bool) -> TextOutput {
        let settings = config::Engine {
            signature: String::new(),
            max_parts: 2,
            trace_in_answers: traced,
            ..config::Engine::default()
        };
        let trace = Uuid::from_u128(0x1a2b_3c4d);
        let text = "x".repeat(length);
        let to = ("console", "+6281234567890");
        Wording::of(&settings).answer(to, (&text, trace), Timestamp::UNIX_EPOCH)
    }

    /// The mark takes ten characters.
    #[test]
    fn a_trace_costs_no_part_and_no_word() {
        for (length, marked, parts) in [
            (20, true, 1),
            (150, true, 1),
            (151, false, 1),
            (161, true, 2),
            (296, true, 2),
            (297, false, 2),
            (900, false, 2),
        ] {
            let answer = answered(length, true);
            assert_eq!(answer.text.ends_with(" #1a2b3c4d"), marked, "{length}");
            assert_eq!(
                (answer.parts, answer.purpose),
                (parts, Purpose::Answer),
                "{length}"
            );
        }
        assert!(!answered(20, false).text.contains('#'));
    }
}
