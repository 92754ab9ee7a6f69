//! Delivery reports that come as mail, on a home whose mail server tells it in no better way.

use common::db::{Tx, deliveries};
use common::mail::{Letter, Purpose, Signer, report};
use common::messages::{MailEvent, MailEventKind, MailEventRecipient};
use common::{Result, mail};
use jiff::Timestamp;

/// Ids of a report that are looked up; a real one names a mail and its thread.
const MOST_IDS: usize = 20;

/// What a report says, if it is about a mail of ours: anybody can write a report, so one without a
/// reference that we signed is not believed. Nor is whom it names: it is about the receiver of that
/// mail and nobody else, or whoever ever got a mail of ours could stop our mail to others.
pub async fn event(
    letter: &Letter,
    signer: &Signer,
    now: Timestamp,
    tx: &Tx<'_>,
) -> Result<Option<MailEvent>> {
    let told = report::read(letter);
    let is_gone = |f: &&report::Failed| f.action == report::Action::Failed;
    let gone: Vec<_> = told.iter().filter(is_gone).collect();
    let Some(first) = gone.first() else {
        return Ok(None);
    };
    let Some((id, address)) = returned(letter, signer, now, tx).await? else {
        return Ok(None);
    };
    let diagnostic = mail::charset::without_nul(&first.diagnostic).into_owned();
    Ok(Some(MailEvent {
        provider_id: Some(id),
        event: MailEventKind::Bounce {
            permanent: gone.iter().all(|f| f.is_permanent()),
        },
        recipients: vec![MailEventRecipient {
            address,
            diagnostic: Some(diagnostic),
        }],
        at: now,
    }))
}

/// The Message-ID of the mail of ours that came back, and to whom it went.
async fn returned(
    letter: &Letter,
    signer: &Signer,
    now: Timestamp,
    tx: &Tx<'_>,
) -> Result<Option<(String, String)>> {
    let ids = report::original_ids(letter).into_iter();
    let ours = ids.filter(|id| signer.find(Purpose::Trace, id, now).is_some());
    for id in ours.take(MOST_IDS) {
        if let Some(address) = deliveries::receiver(tx, &id).await? {
            return Ok(Some((id, address)));
        }
    }
    Ok(None)
}
