//! What SES puts on `mail-events`, made into messages of ours.

use common::envelope::{Envelope, derived_id};
use common::handler::Foreign;
use common::mail::events::{self, EventKind};
use common::messages::{MailEvent, MailEventKind, MailEventRecipient};
use common::{Failure, Result};
use jiff::Timestamp;

/// Understands notices of SES. One that comes twice gives the same ids.
pub fn ses_events(body: &str) -> Result<Foreign> {
    let events = events::decode(body.as_bytes()).map_err(Failure::quarantine)?;
    let now = Timestamp::now();
    let envelopes: Vec<Envelope> = events.iter().filter_map(|e| envelope(e, now)).collect();
    if envelopes.is_empty() {
        return Ok(Foreign::Ignore("an event that changes nothing"));
    }
    Ok(Foreign::Messages(envelopes))
}

fn envelope(event: &events::MailEvent, now: Timestamp) -> Option<Envelope> {
    let (name, kind) = kind(event)?;
    let recipient = |r: &events::Recipient| MailEventRecipient {
        address: r.address.clone(),
        diagnostic: Some(r.diagnostic.clone()).filter(|d| !d.is_empty()),
    };
    let at = event.at.unwrap_or(now);
    let told_at = event.at.map(|at| at.to_string()).unwrap_or_default();
    let mut parts = vec![name, &event.provider_message_id, &told_at];
    parts.extend(event.recipients.iter().map(|r| r.address.as_str()));
    let parts: Vec<&[u8]> = parts.into_iter().map(str::as_bytes).collect();
    let message = MailEvent {
        provider_id: Some(event.provider_message_id.clone()),
        event: kind,
        recipients: event.recipients.iter().map(recipient).collect(),
        at,
    };
    Some(Envelope::first(derived_id(&parts), &message, now))
}

fn kind(event: &events::MailEvent) -> Option<(&'static str, MailEventKind)> {
    let permanent = event.suppresses();
    match &event.kind {
        EventKind::Bounce { .. } => Some(("bounce", MailEventKind::Bounce { permanent })),
        // Somebody took a mail out of their spam folder: not a complaint.
        EventKind::Complaint { .. } if !permanent => None,
        EventKind::Complaint { .. } => Some(("complaint", MailEventKind::Complaint)),
        EventKind::Delivery => Some(("delivery", MailEventKind::Delivery)),
        EventKind::Delay { .. } => Some(("delay", MailEventKind::Delay)),
        EventKind::Reject { .. } => Some(("reject", MailEventKind::Reject)),
        EventKind::Other(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNCE: &str = r#"{"notificationType":"Bounce","mail":{"messageId":"0102-abc"},
        "bounce":{"bounceType":"Permanent","bounceSubType":"General",
        "timestamp":"2026-11-20T09:30:00.000Z",
        "bouncedRecipients":[{"emailAddress":"Siti@dinas.example","diagnosticCode":"550 5.1.1"}]}}"#;

    fn adopted(body: &str) -> Vec<Envelope> {
        match ses_events(body).unwrap() {
            Foreign::Messages(envelopes) => envelopes,
            Foreign::Ignore(_) => Vec::new(),
        }
    }

    #[test]
    fn a_bounce_becomes_a_message_and_twice_the_same() {
        let one = adopted(BOUNCE);
        let message: MailEvent = one[0].message().unwrap();
        assert_eq!(message.event, MailEventKind::Bounce { permanent: true });
        assert_eq!(message.provider_id.as_deref(), Some("0102-abc"));
        assert_eq!(message.recipients[0].address, "siti@dinas.example");
        assert_eq!(
            message.recipients[0].diagnostic.as_deref(),
            Some("550 5.1.1")
        );
        assert_eq!(one[0].id, adopted(BOUNCE)[0].id);
        let other = adopted(&BOUNCE.replace("0102-abc", "0102-abd"));
        assert_ne!(one[0].id, other[0].id);
    }

    #[test]
    fn what_changes_nothing_is_passed_over_and_what_is_foreign_is_not() {
        let open = r#"{"eventType":"Open","mail":{"messageId":"0102-abc"},"open":{}}"#;
        assert!(adopted(open).is_empty());
        let foreign = ses_events("{}").err().unwrap();
        assert_eq!(foreign.verdict, common::Verdict::Quarantine);
    }
}
