//! Keeping a mail: the raw original first, the queue second (FAILURES M29).

use super::arrival::Arrival;
use crate::exit::{Fault, Result};
use common::blob::Blobs;
use common::messages::{EmailInput, Message};
use common::queue::{Entry, Queue, all_done};
use std::time::Duration;

/// Stores the mail and queues it; on return both are on the disk. May run again for the same mail:
/// it replaces the same blob by the same bytes and sends the same id.
pub async fn keep(blobs: &dyn Blobs, queue: &dyn Queue, arrival: &Arrival) -> Result<()> {
    blobs.put(&arrival.message.blob, &arrival.raw).await?;
    let name = arrival.message.queue();
    // A queue of PostgreSQL takes messages under any name: a wrong prefix would lose them in a
    // queue that nobody reads.
    if !queue.list().await?.contains(&name) {
        return Err(Fault::new(format!("queue `{name}` does not exist"))
            .remedy("make it with `kentongan queues create`, or correct the key `prefix`"));
    }
    let entry = Entry {
        id: arrival.id,
        body: arrival.envelope().to_json(),
        delay: Duration::ZERO,
    };
    all_done(queue.send(EmailInput::KIND, &[entry]).await?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::arrival::Told;
    use super::*;
    use crate::exit::Exit;
    use crate::fakes::{Blobs as Kept, Queue as Sent};
    use common::Failure;
    use common::envelope::Envelope;
    use common::failure::Dependency;
    use jiff::Timestamp;

    fn mail() -> Arrival {
        let raw = b"Subject: a\n\nU MC,DM SP 5".to_vec();
        Arrival::new(raw, Told::default(), Timestamp::now()).unwrap()
    }

    #[tokio::test]
    async fn the_raw_mail_is_kept_and_the_message_names_it() {
        let (blobs, queue) = (Kept::default(), Sent::with(&["email-input"]));
        keep(&blobs, &queue, &mail()).await.unwrap();
        let sent = queue.bodies("email-input");
        let envelope = Envelope::open(sent[0].as_bytes()).unwrap();
        let message: EmailInput = envelope.message().unwrap();
        assert_eq!(blobs.get_now(&message.blob), Some(mail().raw));
        assert_eq!((envelope.id, envelope.trace), (mail().id, mail().id));
    }

    #[tokio::test]
    async fn what_cannot_be_stored_is_not_queued() {
        let full = Failure::wait(Dependency::Blobs, "no space left");
        let (blobs, queue) = (Kept::failing(full), Sent::with(&["email-input"]));
        assert!(keep(&blobs, &queue, &mail()).await.is_err());
        assert!(queue.bodies("email-input").is_empty());
    }

    #[tokio::test]
    async fn a_refused_entry_is_a_failure_although_the_call_worked() {
        let refused = Failure::retry("throttled");
        let (blobs, queue) = (Kept::default(), Sent::refusing(&["email-input"], refused));
        let fault = keep(&blobs, &queue, &mail()).await.unwrap_err();
        assert_eq!(fault.what, "throttled", "Q17");
    }

    #[tokio::test]
    async fn a_queue_that_nobody_made_takes_no_mail() {
        let (blobs, queue) = (Kept::default(), Sent::with(&["text-input"]));
        let fault = keep(&blobs, &queue, &mail()).await.unwrap_err();
        assert_eq!(fault.exit, Exit::Failed);
        assert!(fault.remedy.unwrap().contains("queues create"));
        assert!(queue.bodies("email-input").is_empty());
    }
}
