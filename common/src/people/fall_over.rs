//! What does not reach somebody at one address goes to their next.

use crate::code::sms;
use crate::config;
use crate::db::Tx;
use crate::db::people::reach::{self, Failed};
use crate::messages::{EmailOutput, Origin, Purpose, TextOutput};
use crate::outbox::Outbox;
use crate::{Result, telemetry};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tracing::{info, warn};
use uuid::Uuid;

/// Counts what became of messages that an address did not take, by outcome.
const FALL_OVERS: &str = "kentongan_fall_overs_total";

/// Mails that say something to somebody at any address. All others are about mail itself.
const SPEAKING: [&str; 2] = ["answer", "alert"];

/// A message that was refused, came too late, or was not sent because its address is suppressed.
#[derive(Debug, Clone, Copy)]
pub enum Message<'a> {
    /// A mail.
    Mail(&'a EmailOutput),
    /// A text.
    Text(&'a TextOutput),
}

/// What did not get through: the delivery (its envelope's id), and what it was.
#[derive(Debug, Clone, Copy)]
pub struct Undelivered<'a> {
    /// The envelope's id.
    pub delivery: Uuid,
    /// What it carried.
    pub message: Message<'a>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FellOver {
    /// It goes to another address of theirs, by this envelope.
    Onward(Uuid),
    /// They have no other address.
    Unreached,
    /// The address is nobody's, or theirs who does not take part, or the message is about its
    /// address alone.
    NotForOthers,
    /// It was taken care of before.
    Before,
}

/// Sends a message that did not get through to its receiver's next usable address, as a text or a
/// mail. Call it in the transaction that records the failure, once the failure is final. Of two
/// calls for one delivery the second does nothing; a way visits no address twice.
pub async fn fall_over(
    (tx, out): (&Tx<'_>, &mut Outbox),
    undelivered: &Undelivered<'_>,
    settings: &config::Engine,
) -> Result<FellOver> {
    let fell = fallen((tx, out), undelivered, settings).await?;
    let delivery = undelivered.delivery;
    let outcome = match fell {
        FellOver::Onward(next) => {
            info!(%delivery, %next, "Sends what did not get through to another address");
            "onward"
        }
        FellOver::Unreached => {
            warn!(%delivery, "Somebody has no other address for what did not get through");
            "unreached"
        }
        FellOver::NotForOthers | FellOver::Before => return Ok(fell),
    };
    telemetry::count(FALL_OVERS, outcome);
    Ok(fell)
}

async fn fallen(
    (tx, out): (&Tx<'_>, &mut Outbox),
    undelivered: &Undelivered<'_>,
    settings: &config::Engine,
) -> Result<FellOver> {
    let delivery = undelivered.delivery;
    let (channel, address) = match undelivered.message {
        Message::Mail(mail) if !SPEAKING.contains(&mail.template.as_str()) => {
            return Ok(FellOver::NotForOthers);
        }
        Message::Mail(mail) => ("email", mail.to.as_str()),
        Message::Text(text) => (text.channel.as_str(), text.to.as_str()),
    };
    let failed = reach::owner(tx, channel, address)
        .await?
        .filter(|f| f.active);
    let Some(failed) = failed else {
        return Ok(FellOver::NotForOthers);
    };
    if !reach::begin(tx, delivery, &failed).await? {
        return Ok(FellOver::Before);
    }
    let next = reach::next(tx, delivery, failed.person).await?;
    let Some((contact, channel)) = next.and_then(|c| c.channel.clone().map(|by| (c, by))) else {
        return Ok(FellOver::Unreached);
    };
    let sent = match channel.as_str() {
        "email" => {
            let mail = as_mail(undelivered.message, &contact.address, (&failed, settings));
            out.send(&mail)
        }
        channel => {
            let text = as_text(
                undelivered.message,
                (channel, &contact.address),
                out.now(),
                settings,
            );
            out.send(&text)
        }
    };
    reach::went_on(tx, delivery, sent, contact.id).await?;
    Ok(FellOver::Onward(sent))
}

/// As a mail: itself with another receiver and no thread, or the text as an answer's only line.
fn as_mail(
    message: Message<'_>,
    to: &str,
    (failed, settings): (&Failed, &config::Engine),
) -> EmailOutput {
    let text = match message {
        Message::Mail(mail) => {
            return EmailOutput {
                to: to.to_owned(),
                thread: None,
                reply_token: None,
                ..mail.clone()
            };
        }
        Message::Text(text) => text,
    };
    let said = text
        .text
        .strip_prefix(&settings.signature)
        .unwrap_or(&text.text);
    let (template, values) = match text.purpose {
        Purpose::Alert => ("alert", json!({ "text": said })),
        Purpose::Answer => (
            "answer",
            json!({ "lines": [{ "typed": "", "answer": said }] }),
        ),
    };
    EmailOutput {
        to: to.to_owned(),
        template: template.to_owned(),
        language: failed.language.clone(),
        values: object(values),
        purpose: text.purpose,
        thread: None,
        attachments: Vec::new(),
        documents: Vec::new(),
        reply_token: None,
        origin: Origin::Generated,
    }
}

/// As a text: what a mail says without what stands around it.
fn as_text(
    message: Message<'_>,
    (channel, to): (&str, &str),
    now: Timestamp,
    settings: &config::Engine,
) -> TextOutput {
    let (said, purpose, in_reply_to) = match message {
        Message::Mail(mail) => (words(&mail.values), mail.purpose, None),
        Message::Text(text) => (text.text.clone(), text.purpose, text.in_reply_to),
    };
    let said = match said.starts_with(&settings.signature) {
        true => said,
        false => format!("{}{said}", settings.signature),
    };
    let text = sms::cut_to_parts(&said, settings.max_parts as usize);
    let worth = SignedDuration::from_secs(i64::from(settings.answer_ttl_s));
    TextOutput {
        channel: channel.to_owned(),
        to: to.to_owned(),
        parts: u32::try_from(sms::size(&text).parts).unwrap_or(u32::MAX),
        text,
        purpose,
        in_reply_to,
        expires_at: now.checked_add(worth).unwrap_or(Timestamp::MAX),
        tried: Vec::new(),
    }
}

/// What the values of an alert or an answer say.
fn words(values: &Map<String, Value>) -> String {
    let text = values.get("text").and_then(Value::as_str);
    let lines = values.get("lines").and_then(Value::as_array);
    let answers = lines
        .into_iter()
        .flatten()
        .filter_map(|l| l.get("answer")?.as_str());
    text.into_iter()
        .chain(answers)
        .collect::<Vec<_>>()
        .join(" ")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(values) => values,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> config::Engine {
        config::Engine::default()
    }

    fn mail(template: &str, values: Value) -> EmailOutput {
        EmailOutput {
            to: "a@x.id".into(),
            template: template.into(),
            language: "id".into(),
            values: object(values),
            purpose: Purpose::Answer,
            thread: None,
            attachments: Vec::new(),
            documents: Vec::new(),
            reply_token: Some("t".into()),
            origin: Origin::Replied,
        }
    }

    #[test]
    fn a_mail_becomes_a_text_that_says_the_same() {
        let lines = json!({ "lines": [{ "typed": "U", "answer": "Satu." }, { "answer": "Dua." }] });
        for (mail, said) in [
            (mail("answer", lines), "[Kentongan] Satu. Dua."),
            (mail("alert", json!({ "text": "Awas" })), "[Kentongan] Awas"),
        ] {
            let text = as_text(
                Message::Mail(&mail),
                ("sms", "+62"),
                Timestamp::UNIX_EPOCH,
                &settings(),
            );
            assert_eq!((text.text.as_str(), text.parts), (said, 1));
            assert_eq!(text.expires_at.as_second(), 6 * 3600);
        }
    }

    #[test]
    fn a_text_becomes_a_mail_without_its_signature() {
        let text = TextOutput {
            channel: "sms".into(),
            to: "+62".into(),
            text: "[Kentongan] Terima kasih.".into(),
            purpose: Purpose::Answer,
            in_reply_to: None,
            parts: 1,
            expires_at: Timestamp::MAX,
            tried: Vec::new(),
        };
        let failed = Failed {
            person: 1,
            contact: 1,
            active: true,
            language: "en".into(),
        };
        let mail = as_mail(Message::Text(&text), "b@x.id", (&failed, &settings()));
        assert_eq!(
            (mail.template.as_str(), mail.language.as_str()),
            ("answer", "en")
        );
        assert_eq!(words(&mail.values), "Terima kasih.");
        let alert = TextOutput {
            purpose: Purpose::Alert,
            ..text
        };
        let mail = as_mail(Message::Text(&alert), "b@x.id", (&failed, &settings()));
        assert_eq!(mail.template, "alert");
        assert_eq!(mail.values["text"], "Terima kasih.");
    }

    #[test]
    fn a_mail_to_another_address_asks_for_no_answer_of_the_first() {
        let first = mail("answer", json!({ "lines": [] }));
        let failed = Failed {
            person: 1,
            contact: 1,
            active: true,
            language: "en".into(),
        };
        let next = as_mail(Message::Mail(&first), "b@x.id", (&failed, &settings()));
        assert_eq!((next.to.as_str(), next.reply_token), ("b@x.id", None));
        assert_eq!(next.language, "id", "the words were made for the first");
    }
}
