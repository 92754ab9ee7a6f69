//! The mails that the processor asks for: which template, with which values.

use common::db::people::Person;
use common::mail::{Heading, Refusal, commands};
use common::messages::{EmailOutput, Origin, Purpose, Thread};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

/// A mail in the thread of the one that it answers.
pub fn answer(
    template: &str,
    to: &str,
    language: &str,
    heading: Option<&Heading>,
    values: Value,
) -> EmailOutput {
    let values = match values {
        Value::Object(values) => values,
        _ => Map::new(),
    };
    EmailOutput {
        to: to.to_owned(),
        template: template.to_owned(),
        language: language.to_owned(),
        values,
        purpose: Purpose::Answer,
        thread: heading.map(thread),
        attachments: Vec::new(),
        documents: Vec::new(),
        reply_token: None,
        origin: Origin::Replied,
    }
}

fn thread(heading: &Heading) -> Thread {
    let mut references = heading.references.clone();
    if references.is_empty() {
        references.clone_from(&heading.in_reply_to);
    }
    Thread {
        message_id: heading.message_id.clone(),
        references,
        subject: commands::without_marks(&heading.subject).to_owned(),
    }
}

/// The mail that asks the registered person whether a held mail is theirs. It begins a thread of
/// its own: nothing that the unproven mail brought goes into its headers.
pub fn confirm(person: &Person, to: &str, about: &Value, token: String) -> EmailOutput {
    let mut mail = answer("confirm", to, &person.language, None, about.clone());
    mail.values.insert("token".into(), json!(token));
    mail.reply_token = Some(token);
    mail.origin = Origin::Generated;
    mail
}

/// A time as people write it, with its zone: `20/11/2026 09:30 WIB`.
pub fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%d/%m/%Y %H:%M %Z")
        .to_string()
}

/// Why a mail cannot be used, as the template `refused` knows it, with the limit that it passed.
pub fn refusal(refusal: &Refusal) -> Value {
    let limit = match refusal {
        Refusal::TooLarge { limit, .. } => format!("{} MB", limit / 1_000_000),
        Refusal::HeaderTooLarge { limit } => format!("{} kB", limit / 1000),
        Refusal::TooManyParts { limit } | Refusal::TooDeep { limit } => limit.to_string(),
        _ => String::new(),
    };
    json!({ "reason": refusal.key(), "limit": limit })
}
