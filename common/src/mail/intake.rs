//! A mail that our own mail server hands in: what it says about it, what makes it one message, and
//! how it is kept. The one place for `kentongan submit mail` and for LMTP.

use crate::blob::Blobs;
use crate::envelope::{Envelope, derived_id};
use crate::messages::{EmailInput, Message};
use crate::queue::{Entry, Queue, all_done};
use crate::{Failure, Result};
use jiff::Timestamp;
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;
use uuid::Uuid;

/// A mail that cannot be kept within this time is the mail server's again. Postfix waits 1,000 s
/// for a pipe and 600 s for LMTP, but each waiting mail occupies one of its few deliveries.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A mail as it is kept and queued.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Of its envelope, and of its trace. Follows from the mail and its recipients, so that a mail
    /// server that repeats after exit code 75 hands in the same message.
    pub id: Uuid,
    /// What travels.
    pub message: EmailInput,
    /// What is kept.
    pub raw: Vec<u8>,
    now: Timestamp,
}

/// What was said about it, as it was said.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Envelope recipients.
    pub to: Vec<String>,
    /// Envelope sender.
    pub from: Option<String>,
    /// Address of the machine that handed it in.
    pub client: Option<String>,
    /// What that machine called itself.
    pub helo: Option<String>,
}

impl Arrival {
    /// A mail that arrived now; `None` when there is nothing but blank lines.
    pub fn new(raw: Vec<u8>, told: Told, now: Timestamp) -> Option<Self> {
        let (mark, raw) = without_mark(raw);
        if raw.trim_ascii().is_empty() {
            return None;
        }
        let mut recipients: Vec<String> = told.to.iter().filter_map(|to| address(to)).collect();
        recipients.sort();
        recipients.dedup();
        let id = id(&raw, &recipients);
        let sender = told.from.or(mark).map(|from| sender(&from));
        let message = EmailInput {
            blob: key(id, now),
            recipients,
            sender,
            received_at: now,
            verdicts: None,
            client_ip: told.client.as_deref().and_then(ip),
            client_name: told.helo.filter(|helo| known(helo)),
            confirmed: None,
        };
        Some(Self {
            id,
            message,
            raw,
            now,
        })
    }

    /// As it travels.
    pub fn envelope(&self) -> Envelope {
        Envelope::first(self.id, &self.message, self.now)
    }

    /// What `--json` says about it.
    pub fn told(&self) -> serde_json::Value {
        json!({ "id": self.id, "blob": self.message.blob, "bytes": self.raw.len() })
    }
}

/// Stores the mail and queues it, the raw original first, the queue second (FAILURES M29); on
/// return both are on the disk. May run again for the same mail: it replaces the same blob by the
/// same bytes and sends the same id. Waits as long as blobs and queue let it: see [`PATIENCE`].
pub async fn keep(blobs: &dyn Blobs, queue: &dyn Queue, arrival: &Arrival) -> Result {
    blobs.put(&arrival.message.blob, &arrival.raw).await?;
    let name = arrival.message.queue();
    // A queue of PostgreSQL takes messages under any name: a wrong prefix would lose them in a
    // queue that nobody reads.
    if !queue.list().await?.contains(&name) {
        return Err(Failure::retry(format!(
            "queue `{name}` does not exist: make it with `kentongan queues create`, or correct \
             the key `prefix`"
        )));
    }
    let entry = Entry {
        id: arrival.id,
        body: arrival.envelope().to_json(),
        delay: Duration::ZERO,
    };
    all_done(queue.send(EmailInput::KIND, &[entry]).await?)
}

fn id(raw: &[u8], recipients: &[String]) -> Uuid {
    let mut parts: Vec<&[u8]> = vec![b"mail", raw];
    parts.extend(recipients.iter().map(String::as_bytes));
    derived_id(&parts)
}

/// Where the raw mail lies: by day, so that old ones can be moved away by folder.
fn key(id: Uuid, now: Timestamp) -> String {
    let day = now.strftime("%Y/%m/%d");
    format!("mail/{day}/{id}.eml")
}

/// The mbox line (`From sender date`) that a mail server's local delivery puts in front: no part of
/// the mail, other at every attempt, and the only place where an alias line without environment
/// tells the envelope sender.
fn without_mark(mut raw: Vec<u8>) -> (Option<String>, Vec<u8>) {
    if !raw.starts_with(b"From ") {
        return (None, raw);
    }
    let end = raw
        .iter()
        .position(|b| *b == b'\n')
        .map_or(raw.len(), |at| at + 1);
    let rest = raw.split_off(end);
    let line = String::from_utf8_lossy(&raw);
    let sender = line.split_whitespace().nth(1).map(String::from);
    (sender, rest)
}

/// A null return path is written as nothing, as `<>`, or as Postfix's name for it.
fn sender(text: &str) -> String {
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>');
    match bare {
        "MAILER-DAEMON" => String::new(),
        bare => bare.to_owned(),
    }
}

fn address(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>');
    known(bare).then(|| bare.to_owned())
}

/// Mail servers say `unknown` where they do not know; a mail is never refused for that.
fn known(text: &str) -> bool {
    !text.is_empty() && text != "unknown"
}

fn ip(text: &str) -> Option<IpAddr> {
    let bare = text.trim().trim_matches(['[', ']']);
    bare.strip_prefix("IPv6:").unwrap_or(bare).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(raw: &str, told: Told) -> Arrival {
        let now = "2026-03-09T23:59:59Z".parse().unwrap();
        Arrival::new(raw.as_bytes().to_vec(), told, now).unwrap()
    }

    fn to(addresses: &[&str]) -> Told {
        Told {
            to: addresses.iter().map(|a| (*a).to_owned()).collect(),
            ..Told::default()
        }
    }

    #[test]
    fn the_same_mail_again_is_the_same_message_whatever_the_order() {
        let first = arrived("Subject: a\n\nU", to(&["a@x.id", "b@x.id"]));
        let again = arrived("Subject: a\n\nU", to(&["b@x.id", "<a@x.id>", "b@x.id"]));
        assert_eq!(first.id, again.id);
        assert_eq!(first.message.blob, again.message.blob);
    }

    #[test]
    fn another_mail_or_another_recipient_is_another_message() {
        let one = arrived("Subject: a\n\nU", to(&["a@x.id"]));
        assert_ne!(one.id, arrived("Subject: b\n\nU", to(&["a@x.id"])).id);
        assert_ne!(one.id, arrived("Subject: a\n\nU", to(&["b@x.id"])).id, "M6");
    }

    #[test]
    fn the_mbox_line_is_no_part_of_the_mail() {
        let at_noon = "From a@x.id Mon Mar  9 12:00:00 2026\nSubject: a\n\nU";
        let later = "From a@x.id Mon Mar  9 12:05:00 2026\nSubject: a\n\nU";
        let (noon, later) = (arrived(at_noon, to(&[])), arrived(later, to(&[])));
        assert_eq!(noon.id, later.id);
        assert_eq!(noon.raw, b"Subject: a\n\nU");
        assert_eq!(noon.message.sender.as_deref(), Some("a@x.id"));
    }

    #[test]
    fn nothing_but_blank_lines_is_no_mail() {
        for raw in ["", "\r\n\n ", "From a@x.id Mon Mar  9 12:00:00 2026\n"] {
            let now = Timestamp::UNIX_EPOCH;
            assert!(
                Arrival::new(raw.into(), Told::default(), now).is_none(),
                "{raw:?}"
            );
        }
    }

    #[test]
    fn a_null_sender_is_known_in_all_its_spellings() {
        for null in ["", "<>", "MAILER-DAEMON"] {
            let told = Told {
                from: Some(null.into()),
                ..Told::default()
            };
            assert_eq!(
                arrived("a", told).message.sender.as_deref(),
                Some(""),
                "{null:?}"
            );
        }
        assert_eq!(arrived("a", Told::default()).message.sender, None);
    }

    #[test]
    fn what_the_mail_server_does_not_know_is_absent() {
        let told = |client: &str| Told {
            client: Some(client.into()),
            helo: Some("unknown".into()),
            ..Told::default()
        };
        assert_eq!(arrived("a", told("unknown")).message.client_ip, None);
        assert_eq!(arrived("a", told("unknown")).message.client_name, None);
        let six = Some("2001:db8::1".parse().unwrap());
        for text in ["2001:db8::1", "IPv6:2001:db8::1", "[IPv6:2001:db8::1]"] {
            assert_eq!(arrived("a", told(text)).message.client_ip, six, "{text}");
        }
    }

    #[test]
    fn mails_lie_by_the_day_of_their_arrival() {
        let mail = arrived("a", to(&["a@x.id"]));
        assert_eq!(
            mail.message.blob,
            format!("mail/2026/03/09/{}.eml", mail.id)
        );
        assert_eq!(crate::blob::check_key(&mail.message.blob), Ok(()));
    }
}
