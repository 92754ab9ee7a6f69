use common::db::deliveries::{self, Heard};
use common::db::{Tx, suppressions};
use common::handler::{Handler, Incoming};
use common::messages::{MailEvent, MailEventKind, MailEventRecipient};
use common::outbox::Outbox;
use common::{Failure, Result};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tracing::{info, warn};

/// An event may overtake the row of its mail: looked at again this often, until it is so old (Q24).
const LOOK_AGAIN: Duration = Duration::from_secs(120);
const GIVE_UP: SignedDuration = SignedDuration::from_mins(30);

/// And at most so often, which is the same time: the age of an event that does not tell when it
/// happened starts anew with every look. Fewer than the receives after which the frame takes a
/// message to the dead letters.
const LOOKS: u32 = 16;

/// Longest diagnostic that is kept, in characters: a mail server's answer has 512 (RFC 5321).
const DIAGNOSTIC_CHARS: usize = 500;

/// Learns from what became of a mail: whom not to write to any more, who cannot be reached now.
///
/// May run twice for one event: everything it writes is the same the second time.
pub struct MailEventHandler;

impl Handler for MailEventHandler {
    type Message = MailEvent;
    type Prepared = ();

    /// Nothing slow to do.
    async fn prepare(&self, _: &Incoming<MailEvent>) -> Result {
        Ok(())
    }

    async fn apply(
        &self,
        event: &Incoming<MailEvent>,
        (): (),
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> Result {
        let Some(recipients) = recipients(event, tx, out.now()).await? else {
            warn!(event = %event.envelope.id, "An event names no mail that we know; only kept");
            return keep(event, "", None, tx).await;
        };
        for recipient in &recipients {
            learn(event, recipient, tx).await?;
        }
        let name = name(&event.event);
        info!(event = %event.envelope.id, kind = name, "Noted what became of a mail");
        Ok(())
    }
}

/// Those whom the event names, else the receiver of the mail that it names. `None` when there is
/// no such mail and none to be expected any more.
async fn recipients(
    event: &Incoming<MailEvent>,
    tx: &Tx<'_>,
    now: Timestamp,
) -> Result<Option<Vec<MailEventRecipient>>> {
    if !event.recipients.is_empty() {
        return Ok(Some(event.recipients.clone()));
    }
    let Some(provider_id) = &event.provider_id else {
        return Ok(None);
    };
    match deliveries::receiver(tx, provider_id).await? {
        Some(address) => Ok(Some(vec![MailEventRecipient {
            address,
            diagnostic: None,
        }])),
        None if now.duration_since(event.at) < GIVE_UP && event.receives < LOOKS => {
            let cause = "the mail of this event is not known yet";
            Err(Failure::retry_after(LOOK_AGAIN, cause))
        }
        None => Ok(None),
    }
}

async fn learn(event: &Incoming<MailEvent>, recipient: &MailEventRecipient, tx: &Tx<'_>) -> Result {
    let address = kept(&recipient.address);
    let diagnostic = recipient.diagnostic.as_deref().map(kept);
    let diagnostic = diagnostic.as_deref();
    let name = name(&event.event);
    keep(event, &address, diagnostic, tx).await?;
    match event.event {
        MailEventKind::Bounce { permanent: true } | MailEventKind::Complaint => {
            suppressions::add(tx, &address, name, (name, diagnostic), event.at).await
        }
        MailEventKind::Bounce { permanent: false } | MailEventKind::Delay => {
            suppressions::failing(tx, &address, name, event.at).await
        }
        MailEventKind::Delivery => suppressions::works(tx, &address).await,
        // A virus in what we sent: nothing that the receiver did.
        MailEventKind::Reject => Ok(()),
    }
}

/// For whoever looks what became of a mail; without an address when nobody knows whose it was.
async fn keep(
    event: &Incoming<MailEvent>,
    address: &str,
    diagnostic: Option<&str>,
    tx: &Tx<'_>,
) -> Result {
    let heard = Heard {
        id: event.envelope.id,
        address,
        event: name(&event.event),
        provider_id: event.provider_id.as_deref(),
        diagnostic,
        at: event.at,
    };
    deliveries::hear(tx, &heard).await
}

/// The name under which it is kept and counted.
fn name(event: &MailEventKind) -> &'static str {
    match event {
        MailEventKind::Bounce { permanent: true } => "bounce",
        MailEventKind::Bounce { permanent: false } => "soft-bounce",
        MailEventKind::Complaint => "complaint",
        MailEventKind::Delivery => "delivery",
        MailEventKind::Delay => "delay",
        MailEventKind::Reject => "reject",
    }
}

/// What others wrote, fit for the database (M14).
fn kept(text: &str) -> String {
    let visible = text.chars().filter(|c| *c != '\0');
    visible.take(DIAGNOSTIC_CHARS).collect()
}
