//! Delivery reports that come as mail, on a home whose mail server tells it in no better way.

use common::mail::{Letter, Purpose, Signer, report};
use common::messages::{MailEvent, MailEventKind, MailEventRecipient};
use jiff::Timestamp;

/// What a report says, if it answers a mail of ours: anybody can write a report, so one without a
/// reference that we signed is not believed.
pub fn event(letter: &Letter, signer: &Signer, now: Timestamp) -> Option<MailEvent> {
    let ids = report::original_ids(letter);
    let ours = |id: &String| signer.find(Purpose::Trace, id, now).is_some();
    if !ids.iter().any(ours) {
        return None;
    }
    let failed = report::read(letter);
    let gone: Vec<_> = failed
        .iter()
        .filter(|f| f.action == report::Action::Failed)
        .collect();
    if gone.is_empty() {
        return None;
    }
    let recipient = |f: &&report::Failed| MailEventRecipient {
        address: f.address.clone(),
        diagnostic: Some(f.diagnostic.clone()),
    };
    Some(MailEvent {
        provider_id: None,
        event: MailEventKind::Bounce {
            permanent: gone.iter().all(|f| f.is_permanent()),
        },
        recipients: gone.iter().map(recipient).collect(),
        at: now,
    })
}
