//! Commands of a mail, one after the other, each answered by the engine.

use crate::handlers::alerts;
use common::Result;
use common::db::Tx;
use common::db::intake::{self, Taken};
use common::db::people::Person;
use common::engine::Wording;
use common::engine::{Asked, Engine};
use common::outbox::Outbox;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A mail whose commands are carried out.
pub struct Order<'a> {
    /// Who sent it.
    pub person: &'a Person,
    /// The address it came from.
    pub address: &'a str,
    /// Id of the mail.
    pub id: Uuid,
    /// Its trace.
    pub trace: Uuid,
    /// When we received it.
    pub received_at: Timestamp,
}

impl<'a> Order<'a> {
    /// One command of it, as the engine is asked.
    pub fn asked(&self, line: i16, text: &'a str) -> Asked<'a> {
        Asked {
            sender: self.person,
            address: self.address,
            text,
            message: self.id,
            line,
            trace: self.trace,
            sent_at: self.received_at,
            received_at: self.received_at,
        }
    }
}

/// Carries commands out in order; for each what was typed and what came of it, as the template
/// `answer` wants them. What one of them refuses does not keep the others back.
pub async fn all(
    order: &Order<'_>,
    lines: &[String],
    (engine, wording): (&Engine, &Wording),
    (tx, out): (&Tx<'_>, &mut Outbox),
) -> Result<Vec<Value>> {
    let mut answers = Vec::new();
    for (line, text) in (0i16..).zip(lines) {
        let answer = engine.answer(tx, &order.asked(line, text)).await?;
        alerts::mail_all(&answer.mails, out);
        alerts::send(&answer.alerts, wording, out);
        let taken = Taken {
            outcome: answer.outcome,
            code: answer.code.as_deref(),
            answer: Some(&answer.text),
            training: answer.training,
            ..taken(order, line, text)
        };
        intake::insert(tx, &taken).await?;
        answers.push(json!({ "typed": text, "answer": answer.text }));
    }
    Ok(answers)
}

/// Keeps commands of a mail that waits for its confirmation.
pub async fn hold(order: &Order<'_>, lines: &[String], tx: &Tx<'_>) -> Result {
    for (line, text) in (0i16..).zip(lines) {
        intake::insert(
            tx,
            &Taken {
                outcome: "held",
                ..taken(order, line, text)
            },
        )
        .await?;
    }
    Ok(())
}

fn taken<'a>(order: &'a Order<'_>, line: i16, text: &'a str) -> Taken<'a> {
    Taken {
        id: order.id,
        line,
        trace: order.trace,
        channel: "email",
        address: order.address,
        person: Some(order.person.id),
        text,
        channel_id: None,
        sent_at: order.received_at,
        received_at: order.received_at,
        outcome: "begun",
        code: None,
        answer: None,
        answer_id: None,
        training: false,
    }
}
