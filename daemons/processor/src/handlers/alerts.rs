//! Alerts on their way: a text or a mail, and the row that says who was told.

use common::Result;
use common::db::Tx;
use common::db::intake::{self, Alerted};
use common::engine::Alert;
use common::messages::{EmailOutput, Origin, Purpose, TextOutput};
use common::outbox::Outbox;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, json};
use uuid::Uuid;

/// How texts that go out are written, whoever they are for.
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
    pub fn of(settings: &common::config::Engine) -> Self {
        Self {
            signature: settings.signature.clone(),
            max_parts: settings.max_parts as usize,
            worth: SignedDuration::from_secs(i64::from(settings.answer_ttl_s)),
        }
    }

    /// A text for somebody, signed, as long as it may be, with its length in parts.
    pub fn text(&self, channel: &str, to: &str, text: &str, now: Timestamp) -> TextOutput {
        let text = format!("{}{text}", self.signature);
        let text = common::code::sms::cut_to_parts(&text, self.max_parts);
        TextOutput {
            channel: channel.to_owned(),
            to: to.to_owned(),
            parts: u32::try_from(common::code::sms::size(&text).parts).unwrap_or(u32::MAX),
            text,
            purpose: Purpose::Alert,
            in_reply_to: None,
            expires_at: now.checked_add(self.worth).unwrap_or(Timestamp::MAX),
        }
    }
}

/// Sends what a message sets off, and keeps who was told.
pub async fn send(
    alerts: Vec<Alert>,
    message: Uuid,
    wording: &Wording,
    (tx, out): (&Tx<'_>, &mut Outbox),
) -> Result {
    // All alerts of one message are about the case that it opened or belongs to.
    let Some(case_id) = alerts.first().map(|alert| alert.case_id) else {
        return Ok(());
    };
    let mut told = Vec::new();
    for alert in alerts {
        let id = if alert.channel == "email" {
            out.send(&mail(&alert))
        } else {
            let now = out.now();
            out.send(&wording.text(&alert.channel, &alert.address, &alert.text, now))
        };
        let (person, channel) = (alert.person, alert.channel);
        told.push(Alerted {
            id,
            person,
            channel,
        });
    }
    intake::alerted(tx, message, case_id, &told).await
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
    EmailOutput {
        to: alert.address.clone(),
        template: "alert".into(),
        language: alert.language.tag().into(),
        values,
        purpose: Purpose::Alert,
        thread: None,
        attachments: Vec::new(),
        documents: Vec::new(),
        reply_token: None,
        origin: Origin::Generated,
    }
}
