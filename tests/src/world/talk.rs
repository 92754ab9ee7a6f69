//! What people and operators do with an installation: send, read, look.

use super::{World, until};
use common::Verdict;
use common::envelope::Envelope;
use common::messages::{EmailInput, Message, TextInput, TextOutput};
use common::queue::{Ask, BATCH, Entry, Received, all_done, dead_name};
use jiff::Timestamp;
use std::collections::HashMap;
use std::fs;
use std::time::Duration;
use uuid::Uuid;

/// In front of every text; the settings' default.
const SIGNATURE: &str = "[Kentongan] ";

/// A number that nobody has.
pub const STRANGER: &str = "081299999999";

/// A text that went out.
#[derive(Debug, Clone)]
pub struct Sms {
    /// The envelope's id.
    pub id: Uuid,
    /// What it says.
    pub message: TextOutput,
}

/// A mail that went out.
#[derive(Debug, Clone)]
pub struct Letter {
    /// As it was written.
    pub raw: String,
}

impl World {
    /// Sends a text, waits for its answer, and gives that without the signature and the trace.
    pub async fn text(&mut self, from: &str, text: &str) -> String {
        let id = self.send(from, text).await;
        self.answer_to(id).await
    }

    /// Sends a text; the id that its answer will name.
    pub async fn send(&self, from: &str, text: &str) -> Uuid {
        self.send_all(&[sms(from, text, None)]).await[0]
    }

    /// Sends a text that the channel gave an id; the id that its answer will name.
    pub async fn send_with_id(&self, from: &str, text: &str, channel_id: &str) -> Uuid {
        self.send_all(&[sms(from, text, Some(channel_id))]).await[0]
    }

    /// Sends many texts in few calls; the ids that their answers will name.
    pub async fn send_all(&self, texts: &[TextInput]) -> Vec<Uuid> {
        let now = Timestamp::now();
        let wrapped = texts.iter().map(|t| Envelope::first(t.id(), t, now));
        let envelopes: Vec<Envelope> = wrapped.collect();
        self.put("text-input", &envelopes).await;
        envelopes.iter().map(|e| e.id).collect()
    }

    /// Puts envelopes on a queue.
    pub async fn put(&self, queue: &str, envelopes: &[Envelope]) {
        let entry = |e: &Envelope| Entry {
            id: e.id,
            body: e.to_json(),
            delay: Duration::ZERO,
        };
        let entries: Vec<Entry> = envelopes.iter().map(entry).collect();
        for batch in entries.chunks(BATCH) {
            until("a queue that takes messages", async || {
                match self.queue.send(queue, batch).await.and_then(all_done) {
                    Err(e) if matches!(e.verdict, Verdict::Wait(_)) => false,
                    sent => sent.is_ok(),
                }
            })
            .await;
        }
    }

    /// Puts a body on a queue that is perhaps no envelope.
    pub async fn put_raw(&self, queue: &str, body: &str) {
        let entry = Entry {
            id: Uuid::now_v7(),
            body: body.to_owned(),
            delay: Duration::ZERO,
        };
        let sent = self.queue.send(queue, &[entry]).await.and_then(all_done);
        sent.expect("the body is sent");
    }

    /// Hands a raw mail in, as the mail server does; the id of its envelope.
    pub async fn mail(&self, raw: &[u8]) -> Uuid {
        let id = Uuid::now_v7();
        let mail = EmailInput {
            blob: format!("incoming/{}", id.simple()),
            recipients: vec!["lapor@kentongan.example".into()],
            sender: Some("somebody@example.org".into()),
            received_at: Timestamp::now(),
            verdicts: None,
            client_ip: None,
            client_name: None,
            confirmed: None,
        };
        self.blobs
            .put(&mail.blob, raw)
            .await
            .expect("the mail is kept");
        let envelope = Envelope::first(id, &mail, Timestamp::now());
        self.put(EmailInput::KIND, &[envelope]).await;
        id
    }

    /// Waits for the answer to a text, without the signature and the trace.
    pub async fn answer_to(&mut self, id: Uuid) -> String {
        self.until_answered(&[id]).await;
        let of = |sms: &&Sms| sms.message.in_reply_to == Some(id);
        let answer = self.heard.iter().find(of).expect("it was waited for");
        let text = answer.message.text.strip_prefix(SIGNATURE);
        without_trace(text.expect("every text is signed")).to_owned()
    }

    /// Waits until each of these texts has an answer.
    pub async fn until_answered(&mut self, ids: &[Uuid]) {
        let what = format!("{} answers", ids.len());
        until(&what, async || {
            self.hear().await;
            let answers = self.answers();
            ids.iter().all(|id| answers.contains_key(id))
        })
        .await;
    }

    /// Takes what lies on the channel's queue; how many texts came.
    pub async fn hear(&mut self) -> usize {
        let mut count = 0;
        loop {
            let found = self.take("text-output-console", Duration::ZERO).await;
            if found.is_empty() {
                return count;
            }
            count += found.len();
            for received in found {
                let envelope = Envelope::open(received.body.as_bytes()).expect("an envelope");
                let message = envelope.message().expect("a text");
                self.heard.push(Sms {
                    id: envelope.id,
                    message,
                });
            }
        }
    }

    /// Every text that was taken off the channel's queue so far.
    pub fn heard(&self) -> &[Sms] {
        &self.heard
    }

    /// The answers heard so far, by the text that they answer; a text may have come twice.
    pub fn answers(&self) -> HashMap<Uuid, Vec<&Sms>> {
        let mut answers: HashMap<Uuid, Vec<&Sms>> = HashMap::new();
        for sms in &self.heard {
            if let Some(id) = sms.message.in_reply_to {
                answers.entry(id).or_default().push(sms);
            }
        }
        answers
    }

    /// Waits for a text to this number that answers nothing: an alert.
    pub async fn alert_to(&mut self, number: &str) -> TextOutput {
        let mut found = None;
        until(&format!("an alert to {number}"), async || {
            self.hear().await;
            let alert = |s: &&Sms| s.message.in_reply_to.is_none() && same(&s.message.to, number);
            found = self.heard.iter().find(alert).map(|s| s.message.clone());
            found.is_some()
        })
        .await;
        found.expect("it was waited for")
    }

    /// What lies among the dead letters of a queue.
    pub async fn dead(&self, queue: &str) -> Vec<Received> {
        let dead = dead_name(queue);
        self.queue
            .peek(&dead, 1000)
            .await
            .expect("the dead letters")
    }

    /// Waits until so many messages lie among the dead letters of a queue.
    pub async fn until_dead(&self, queue: &str, count: usize) -> Vec<Received> {
        let mut dead = Vec::new();
        until(&format!("{count} dead letters of {queue}"), async || {
            dead = self.dead(queue).await;
            dead.len() >= count
        })
        .await;
        assert_eq!(dead.len(), count, "no more than that");
        dead
    }

    /// Waits until nothing waits on a queue and nobody holds anything of it.
    pub async fn until_empty(&self, queue: &str) {
        until(&format!("{queue} to be empty"), async || {
            let facts = self.queue.facts(queue).await.expect("facts");
            let facts = facts.expect("the queue exists");
            facts.waiting + facts.in_flight + facts.delayed == 0
        })
        .await;
    }

    /// Fails the test when anything lies among the dead letters of any queue.
    pub async fn nothing_dead(&self) {
        for queue in super::QUEUES {
            let dead = self.dead(queue).await;
            let reasons: Vec<_> = dead.iter().map(|m| m.reason.clone()).collect();
            assert!(dead.is_empty(), "{queue}: {reasons:?}");
        }
    }

    /// Mails that went out so far, as files.
    pub fn mails(&self) -> Vec<Letter> {
        let entries = fs::read_dir(self.maildir().join("new"));
        let paths = entries.into_iter().flatten().flatten().map(|e| e.path());
        let read = |path| fs::read_to_string(path).ok().map(|raw| Letter { raw });
        paths.filter_map(read).collect()
    }

    /// Waits for a mail to this address that has these words in it.
    pub async fn mail_to(&self, address: &str, words: &str) -> Letter {
        let mut found = None;
        until(&format!("a mail to {address} with {words:?}"), async || {
            let fits = |l: &Letter| l.is_to(address) && l.raw.contains(words);
            found = self.mails().into_iter().find(fits);
            found.is_some()
        })
        .await;
        found.expect("it was waited for")
    }

    async fn take(&self, queue: &str, wait: Duration) -> Vec<Received> {
        let ask = Ask {
            most: BATCH,
            wait,
            lease: Duration::from_secs(60),
        };
        let found = match self.queue.receive(queue, ask).await {
            // The database is away; some tests want it so.
            Err(e) if matches!(e.verdict, Verdict::Wait(_)) => return Vec::new(),
            found => found.expect("a receive"),
        };
        let receipts: Vec<_> = found.iter().map(|m| m.receipt.clone()).collect();
        if !receipts.is_empty() {
            let deleted = self.queue.delete(queue, &receipts).await;
            deleted.and_then(all_done).expect("it is deleted");
        }
        found
    }
}

impl Letter {
    /// Is it to this address?
    pub fn is_to(&self, address: &str) -> bool {
        let to = |line: &&str| line.to_lowercase().starts_with("to:");
        self.raw
            .lines()
            .find(to)
            .is_some_and(|line| line.contains(address))
    }
}

/// A text as a channel hands it over.
pub fn sms(from: &str, text: &str, channel_id: Option<&str>) -> TextInput {
    TextInput {
        channel: "console".into(),
        from: from.into(),
        text: text.into(),
        channel_id: channel_id.map(str::to_owned),
        sent_at: Timestamp::now(),
    }
}

/// One number in two ways of writing.
fn same(canonical: &str, number: &str) -> bool {
    canonical.strip_prefix("+62") == number.strip_prefix('0')
}

/// An answer without the ` #1a2b3c4d` at its end.
pub fn without_trace(answer: &str) -> &str {
    let (text, mark) = answer.rsplit_once(" #").unwrap_or((answer, ""));
    let is_trace = mark.len() == 8 && mark.bytes().all(|b| b.is_ascii_hexdigit());
    if is_trace { text } else { answer }
}
