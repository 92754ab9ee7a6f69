//! What a mail server's answer, or its silence, means at each stage.

use crate::Failure;
use crate::failure::Dependency;
use crate::transport::Outcome;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::{Code, Response};
use std::error::Error as _;

/// How far the dialogue came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Greeting, EHLO, STARTTLS, login.
    Connect,
    /// `MAIL FROM`: about us.
    Mail,
    /// `RCPT TO`: about the receiver.
    Recipient,
    /// `DATA`: about the mail, not one byte of it sent.
    Data,
    /// The mail itself and the final dot.
    Message,
}

impl Stage {
    /// For log lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Mail => "MAIL FROM",
            Self::Recipient => "RCPT TO",
            Self::Data => "DATA",
            Self::Message => "the mail itself",
        }
    }
}

/// What became of the mail when a command of this stage failed.
pub fn outcome(stage: Stage, error: &Error) -> Outcome {
    let code = error.status().map_or(0, number);
    let about_mail = matches!(stage, Stage::Recipient | Stage::Data | Stage::Message);
    if (500..600).contains(&code) && about_mail && !about_us(code) {
        return Outcome::Refused {
            reason: said(stage, error),
        };
    }
    // A 4xx or 5xx after the final dot is an answer: the mail was not taken.
    if stage == Stage::Message && code == 0 {
        return Outcome::Unknown {
            reason: said(stage, error),
        };
    }
    Outcome::NotSent(failure(stage, error))
}

/// When to try again after a failure before which certainly nothing was sent.
pub fn failure(stage: Stage, error: &Error) -> Failure {
    let code = error.status().map_or(0, number);
    let cause = format!("mail server: {}", said(stage, error));
    let about_this_mail = matches!(stage, Stage::Recipient | Stage::Data | Stage::Message);
    if about_this_mail && (400..500).contains(&code) && code != 421 {
        // Greylisting, a full mailbox, a policy that counts: others may get through.
        return Failure::retry(cause);
    }
    Failure::wait(Dependency::Mail, cause)
}

/// The server's name of the mail, as its own log has it: `250 2.0.0 Ok: queued as 4F2A` or, where
/// it says it otherwise, the line it said.
pub fn provider_id(response: &Response) -> Option<String> {
    let line = response.first_line()?.trim();
    let id = line.rsplit_once("queued as ").map_or(line, |(_, id)| id);
    let id: String = id.chars().take(100).collect();
    (!id.is_empty()).then_some(id)
}

/// RFC 4954, section 6: log in first, wrong password, encryption needed. No mail is to blame.
fn about_us(code: u16) -> bool {
    matches!(code, 530 | 534 | 535 | 538)
}

fn number(code: Code) -> u16 {
    code.into()
}

/// Stage, code and the server's words, without the addresses that servers like to repeat.
fn said(stage: Stage, error: &Error) -> String {
    let code = error.status().map(|c| format!(" {c}")).unwrap_or_default();
    let words = match error.source() {
        Some(source) => without_addresses(&source.to_string()),
        None => without_addresses(&error.to_string()),
    };
    format!("{}:{code} {words}", stage.name())
}

fn without_addresses(words: &str) -> String {
    let kept = words
        .split_whitespace()
        .map(|word| match word.contains('@') {
            true => "<...>",
            false => word,
        });
    let kept = kept.collect::<Vec<_>>().join(" ");
    kept.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_repeat_addresses_and_we_do_not() {
        for (said, kept) in [
            (
                "5.1.1 <siti@dinas.example>: Recipient address rejected",
                "5.1.1 <...> Recipient address rejected",
            ),
            (
                "mailbox of siti@dinas.example full",
                "mailbox of <...> full",
            ),
            ("a\r\nb", "a b"),
        ] {
            assert_eq!(without_addresses(said), kept);
        }
        assert_eq!(without_addresses(&"x".repeat(999)).len(), 200);
    }
}
