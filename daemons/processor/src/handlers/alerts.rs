//! Alerts on their way: a text or a mail each.

use common::engine::{Alert, Wording};
use common::language::Language;
use common::messages::{EmailOutput, Origin, Purpose};
use common::outbox::Outbox;
use serde_json::{Map, Value, json};

/// Sends what a message or the clock sets off; the engine wrote down who is told.
pub fn send(alerts: &[Alert], wording: &Wording, out: &mut Outbox) {
    for alert in alerts {
        if alert.channel == "email" {
            out.send_as(alert.id, &mail(alert));
        } else {
            let now = out.now();
            let text = wording.text(&alert.channel, &alert.address, &alert.text, now);
            out.send_as(alert.id, &text);
        }
    }
}

/// Sends mails that a message brought about.
pub fn mail_all(mails: &[EmailOutput], out: &mut Outbox) {
    for mail in mails {
        out.send(mail);
    }
}

fn mail(alert: &Alert) -> EmailOutput {
    let mut values = Map::new();
    values.insert("text".into(), json!(alert.text));
    values.insert("code".into(), json!(alert.code));
    values.insert(
        "case".into(),
        json!(alert.case_id.map(|c| c.to_string()).unwrap_or_default()),
    );
    letter(&alert.address, alert.language, values)
}

/// A mail to somebody who must act, with the values of the template `alert`.
pub fn letter(to: &str, language: Language, values: Map<String, Value>) -> EmailOutput {
    EmailOutput {
        to: to.to_owned(),
        template: "alert".into(),
        language: language.tag().into(),
        values,
        purpose: Purpose::Alert,
        thread: None,
        attachments: Vec::new(),
        documents: Vec::new(),
        reply_token: None,
        origin: Origin::Generated,
    }
}
