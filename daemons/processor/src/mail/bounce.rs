//! Delivery reports that come as mail, on a home whose mail server tells it in no better way.

use common::Result;
use common::db::{Tx, deliveries};
use common::mail::{Letter, Purpose, Signer, report};
use common::messages::{MailEvent, MailEventKind, MailEventRecipient};
use jiff::Timestamp;

/// Most message ids of a report that are looked up: it has the original's own and its thread's.
const MOST_IDS: usize = 20;

/// What a report says of a mail of ours. Anybody can write a report, so it is believed only about
/// the receiver of the very mail whose Message-ID it brings back: that id is signed, and whoever
/// never saw the mail cannot name it.
pub async fn event(
    letter: &Letter,
    signer: &Signer,
    (tx, now): (&Tx<'_>, Timestamp),
) -> Result<Option<MailEvent>> {
    let mut failed = report::read(letter);
    failed.retain(|f| f.action == report::Action::Failed);
    let ids = report::original_ids(letter);
    let ours = |id: &&String| signer.find(Purpose::Trace, id, now).is_some();
    for id in ids.iter().filter(ours).take(MOST_IDS) {
        let Some(receiver) = deliveries::receiver(tx, id).await? else {
            continue;
        };
        let of_receiver = |f: &&report::Failed| f.address.eq_ignore_ascii_case(&receiver);
        if let Some(found) = failed.iter().find(of_receiver) {
            return Ok(Some(bounced(id, found, now)));
        }
    }
    Ok(None)
}

fn bounced(id: &str, failed: &report::Failed, now: Timestamp) -> MailEvent {
    MailEvent {
        provider_id: Some(id.to_owned()),
        event: MailEventKind::Bounce {
            permanent: failed.is_permanent(),
        },
        recipients: vec![MailEventRecipient {
            address: failed.address.clone(),
            diagnostic: Some(failed.diagnostic.clone()),
        }],
        at: now,
    }
}
