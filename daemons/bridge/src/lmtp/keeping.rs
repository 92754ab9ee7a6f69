//! What becomes of a mail that came in, for each of its receivers.

use super::Desk;
use super::data::Received;
use super::forward::Client;
use common::mail::intake::{Arrival, PATIENCE, Told};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

/// Counts receivers' mails by outcome: `kept`, `later`, `too_large`, `empty`.
const MAILS: &str = "kentongan_mails_in_total";

const LATER: &str = "451 4.3.0 cannot be kept now: try again later";

/// Whom a mail is from and for.
pub struct Envelope {
    pub from: String,
    pub to: Vec<String>,
}

impl Desk {
    /// What each receiver's mail comes to, in their order.
    pub async fn answers(
        &self,
        received: Received,
        mail: &Envelope,
        client: &Client,
    ) -> Vec<String> {
        let all = |answer: String| vec![answer; mail.to.len()];
        match received {
            Received::Mail(raw, _room) => self.keep(&raw, mail, client).await,
            Received::TooLarge => {
                count("too_large", mail.to.len());
                all(too_large(self.most))
            }
            Received::NoRoom => {
                count("later", mail.to.len());
                warn!("No room for a mail now; the mail server keeps it");
                all("452 4.3.1 too many large mails at once: try again later".into())
            }
        }
    }

    /// Each receiver's mail is a message of its own: when one could not be kept, the mail server
    /// brings it again for that one alone, and the other must stay the same message.
    async fn keep(&self, raw: &[u8], mail: &Envelope, client: &Client) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        let mut answers = Vec::with_capacity(mail.to.len());
        for to in &mail.to {
            let told = Told {
                to: vec![to.clone()],
                from: Some(mail.from.clone()),
                client: client.address.clone(),
                helo: client.helo.clone(),
            };
            answers.push(self.keep_one(raw, told, until).await);
        }
        answers
    }

    async fn keep_one(&self, raw: &[u8], told: Told, until: Instant) -> String {
        let Some(arrival) = Arrival::new(raw.to_vec(), told, Timestamp::now()) else {
            count("empty", 1);
            return "554 5.6.0 there is no mail".into();
        };
        let id = arrival.id;
        let why = match timeout_at(until, self.keeper.keep(&arrival)).await {
            Ok(Ok(())) => {
                count("kept", 1);
                info!(mail = %id, bytes = raw.len(), "Took a mail");
                return format!("250 2.0.0 kept as {id}");
            }
            Ok(Err(failure)) => failure.cause,
            Err(_) => format!("not kept within {PATIENCE:?}"),
        };
        count("later", 1);
        warn!(mail = %id, error = why, "Cannot keep a mail; the mail server does");
        LATER.into()
    }
}

/// The answer that makes the mail server return a mail to its sender.
pub fn too_large(most: u64) -> String {
    format!("552 5.3.4 mails of more than {most} bytes are not taken")
}

/// Counts so many receivers' mails.
pub fn count(outcome: &'static str, by: usize) {
    metrics::counter!(MAILS, "outcome" => outcome).increment(by as u64);
}
