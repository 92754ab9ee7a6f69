//! A message on a queue as an operator sees it, whatever its body is.

use crate::time::{age, shown};
use common::envelope::Envelope;
use common::mail;
use common::queue::Received;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A message with what its envelope tells, where it has one.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The logical name of the queue it lies on.
    pub queue: String,
    /// As it was received or looked at.
    pub received: Received,
    /// What the body is, if it is ours.
    pub envelope: Option<Envelope>,
}

impl Letter {
    /// Reads what can be read; a foreign body is no error here.
    pub fn new(queue: &str, received: Received) -> Self {
        Self {
            queue: queue.to_owned(),
            envelope: Envelope::open(received.body.as_bytes()).ok(),
            received,
        }
    }

    /// The kind of its envelope, or `foreign`.
    pub fn kind(&self) -> &str {
        self.envelope.as_ref().map_or("foreign", |e| &e.kind)
    }

    /// Who sent it, as far as can be told: a program of ours by the kind and version that it
    /// writes, another by what the body names; `unknown` otherwise.
    pub fn producer(&self) -> String {
        match &self.envelope {
            Some(e) => format!("kentongan {} v{}", e.kind, e.version),
            None => mail::producer(self.received.body.as_bytes())
                .unwrap_or_else(|| "unknown".to_owned()),
        }
    }

    /// What operators name it by: the envelope's id, else the queue's own.
    pub fn name(&self) -> String {
        match &self.envelope {
            Some(envelope) => envelope.id.to_string(),
            None => self.received.id.clone(),
        }
    }

    /// Is it the one that is meant? By the envelope's id or the beginning or end of it (eight
    /// letters at least), by its trace, or by the queue's own id.
    pub fn is(&self, wanted: &str) -> bool {
        let wanted = wanted.to_ascii_lowercase();
        let long = wanted.len() >= 8;
        let like =
            |id: &str| id == wanted || long && (id.starts_with(&wanted) || id.ends_with(&wanted));
        self.received.id.eq_ignore_ascii_case(&wanted)
            || self
                .envelope
                .as_ref()
                .is_some_and(|e| like(&e.id.to_string()) || like(&e.trace.to_string()))
    }

    /// When it was first put on a queue.
    pub fn sent_at(&self) -> Option<Timestamp> {
        self.received
            .sent_at
            .or(self.envelope.as_ref().map(|e| e.sent_at))
    }

    /// How long ago that was, in words.
    pub fn age(&self, now: Timestamp) -> String {
        self.sent_at().map_or("-".into(), |at| shown(age(at, now)))
    }

    /// For `--json`; the body only when it was asked for, since people wrote it.
    pub fn told(&self, body: bool) -> Value {
        let mut told = json!({
            "queue": self.queue,
            "id": self.name(),
            "queue_id": self.received.id,
            "kind": self.kind(),
            "producer": self.producer(),
            "version": self.envelope.as_ref().map(|e| e.version),
            "trace": self.envelope.as_ref().map(|e| e.trace),
            "cause": self.envelope.as_ref().and_then(|e| e.cause),
            "sent_at": self.sent_at(),
            "receives": self.received.receives,
            "reason": self.received.reason,
        });
        if body {
            told["body"] = self.body();
        }
        told
    }

    /// The body as JSON, or as the text that it is.
    pub fn body(&self) -> Value {
        let body = &self.received.body;
        serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.clone()))
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use common::messages::TextInput;
    use common::queue::Receipt;
    use uuid::Uuid;

    pub fn text(id: Uuid, sent_at: Timestamp) -> String {
        let text = TextInput {
            channel: "console".into(),
            from: "+6281234567890".into(),
            text: "U MC,DM SP 5".into(),
            channel_id: None,
            sent_at,
        };
        Envelope::first(id, &text, sent_at).to_json()
    }

    pub fn letter(body: &str, reason: Option<&str>) -> Letter {
        let received = Received {
            id: "17".into(),
            receipt: Receipt("17:1".into()),
            body: body.into(),
            receives: 3,
            sent_at: None,
            reason: reason.map(String::from),
        };
        Letter::new("text-input-dead", received)
    }

    #[test]
    fn a_message_is_named_by_any_of_its_names() {
        let id: Uuid = "0199a2c4-1111-7222-8333-44445555abcd".parse().unwrap();
        let letter = letter(&text(id, Timestamp::UNIX_EPOCH), None);
        for name in ["0199a2c4", "5555ABCD", "17", &id.to_string()] {
            assert!(letter.is(name), "{name}");
        }
        for name in ["0199", "1", "0199a2c5", ""] {
            assert!(!letter.is(name), "{name}");
        }
    }

    #[test]
    fn a_letter_names_its_producer_as_far_as_it_is_known() {
        let ours = letter(&text(Uuid::now_v7(), Timestamp::UNIX_EPOCH), None);
        assert_eq!(ours.producer(), "kentongan text-input v1");
        let topic = r#"{"TopicArn":"arn:aws:sns:x:1:other","Message":"hi"}"#;
        assert_eq!(letter(topic, None).producer(), "arn:aws:sns:x:1:other");
        assert_eq!(letter("not JSON", None).told(false)["producer"], "unknown");
    }

    #[test]
    fn a_foreign_body_is_shown_as_it_is_and_only_when_asked_for() {
        let letter = letter("not JSON", Some("not an envelope"));
        assert_eq!((letter.kind(), letter.name()), ("foreign", "17".into()));
        assert_eq!(letter.told(true)["body"], "not JSON");
        assert!(letter.told(false).get("body").is_none());
    }
}
