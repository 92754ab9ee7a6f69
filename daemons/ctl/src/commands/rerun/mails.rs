//! Mails that came to nothing, handed to the processor once more.

use super::Rerun;
use crate::context::in_tx;
use crate::exit::{Exit, Result};
use crate::out::{Look, Out, note, one_line};
use crate::time::clock;
use common::db::again::{self, Letter};
use common::db::operator;
use common::engine::short_trace;
use common::envelope::{Envelope, derived_id};
use common::home::Home;
use common::messages::EmailInput;
use common::outbox::Pushed;
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// Shows them, asks, and queues them. What the receiving service found out about a mail is not kept, so
/// one that does not prove its sender by itself is held until its sender confirms it.
pub async fn run(asked: &Rerun, home: &Home, out: Out) -> Result {
    let to = asked.to.unwrap_or_else(Timestamp::now);
    let letters = in_tx(&home.db, async |tx| {
        Ok(again::letters(tx, asked.from, to).await?)
    });
    let letters = letters.await?;
    letters.iter().try_for_each(|letter| tell(out, letter))?;
    note(format!("{} mails came to nothing", letters.len()));
    if asked.dry_run || letters.is_empty() {
        return Ok(Exit::Done);
    }
    let count = letters.len() as u64;
    let Some(record) = asked.agreed(home, "mails", count).await? else {
        return Ok(Exit::Failed);
    };
    let mut queued = 0;
    for letter in &letters {
        queued += u64::from(queue(home, letter, record.id()).await?);
    }
    record.end(&home.db).await?;
    note(format!(
        "{queued} queued; `kentongan trace` tells what becomes of one"
    ));
    Ok(Exit::Done)
}

fn tell(out: Out, letter: &Letter) -> Result<()> {
    let (at, trace) = (letter.received_at, short_trace(letter.trace));
    if out.json {
        return out.item(&json!({
            "mail": letter.id, "trace": trace, "received_at": at, "subject": letter.subject,
            "was": letter.outcome, "why": letter.reason,
        }));
    }
    let subject = one_line(&letter.subject, 80);
    let head = format!("{}  {trace}  {subject}", clock(at));
    out.line(out.look(Look::Bold, head))?;
    let why = letter.reason.as_deref().unwrap_or_default();
    out.line(format!("    was {} {why}", letter.outcome))
}

/// Queues a mail in the transaction that lets it have an effect; false when another run was faster.
async fn queue(home: &Home, letter: &Letter, record: Uuid) -> Result<bool> {
    let message = EmailInput {
        blob: letter.blob.clone(),
        recipients: Vec::new(),
        sender: None,
        received_at: letter.received_at,
        verdicts: None,
        client_ip: None,
        client_name: None,
        confirmed: None,
    };
    let id = derived_id(&[b"rerun", record.as_bytes(), letter.id.as_bytes()]);
    let mut envelope = Envelope::first(id, &message, Timestamp::now());
    envelope.trace = letter.trace;
    let mut conn = home.db.connect().await?;
    let tx = conn.begin().await?;
    if !again::reopen(&tx, letter).await? {
        return Ok(false);
    }
    operator::touched(&tx, record, 1, &[(letter.id, letter.trace)]).await?;
    let pushed = Pushed {
        queue: common::messages::Message::queue(&message),
        envelope,
        delay: Duration::ZERO,
    };
    let unsaid = home.push(&tx, vec![pushed]).await?;
    tx.commit().await?;
    home.say(unsaid).await;
    Ok(true)
}
