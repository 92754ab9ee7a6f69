//! Alerts on their way: a text or a mail, and the row that says who was told.

use common::Result;
use common::db::Tx;
use common::db::intake::{self, Alerted};
use common::engine::{Alert, Wording};
use common::messages::{EmailOutput, Origin, Purpose};
use common::outbox::Outbox;
use serde_json::{Map, json};
use uuid::Uuid;

/// What set alerts off.
pub struct Cause {
    /// The message.
    pub message: Uuid,
    /// Only for training: those in training are told, and nobody keeps a record of it.
    pub training: bool,
}

/// Sends what a message sets off, and keeps who was told.
pub async fn send(
    alerts: Vec<Alert>,
    cause: &Cause,
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
    if cause.training {
        return Ok(());
    }
    intake::alerted(tx, cause.message, case_id, &told).await
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
