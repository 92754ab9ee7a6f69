//! What a transaction wants to say, said after it committed. On one box the outbox is the queue
//! itself; on AWS a row waits in `outbox` until SQS has taken it.

use crate::envelope::Envelope;
use crate::messages::Message;
use jiff::Timestamp;
use serde_json::value::RawValue;
use std::time::Duration;
use uuid::Uuid;

/// Messages pushed while one message is handled. The frame writes them in its transaction.
pub struct Outbox {
    cause: Envelope,
    now: Timestamp,
    pushed: Vec<Pushed>,
}

/// One message on its way out.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Logical name of the queue.
    pub queue: String,
    /// What travels.
    pub envelope: Envelope,
    /// Not before this has passed; at most 15 minutes.
    pub delay: Duration,
}

impl Outbox {
    /// An empty outbox for what `cause` will cause.
    pub fn new(cause: Envelope, now: Timestamp) -> Self {
        Self {
            cause,
            now,
            pushed: Vec::new(),
        }
    }

    /// An empty outbox for what is said by the clock, about a message of long ago.
    pub fn on_behalf(message: Uuid, trace: Uuid, now: Timestamp) -> Self {
        let cause = Envelope {
            id: message,
            kind: "clock".to_owned(),
            version: 1,
            cause: None,
            trace,
            sent_at: now,
            body: RawValue::NULL.to_owned(),
        };
        Self::new(cause, now)
    }

    /// Says this once the transaction has committed; returns the id it will have.
    pub fn send<M: Message>(&mut self, message: &M) -> Uuid {
        self.send_later(message, Duration::ZERO)
    }

    /// The same under an id that the caller has written down already. Who handles the cause again
    /// must come to the same id.
    pub fn send_as<M: Message>(&mut self, id: Uuid, message: &M) {
        let envelope = self.cause.caused(self.pushed.len(), message, self.now);
        self.pushed.push(Pushed {
            queue: message.queue(),
            envelope: Envelope { id, ..envelope },
            delay: Duration::ZERO,
        });
    }

    /// The same, to be received after a pause.
    pub fn send_later<M: Message>(&mut self, message: &M, delay: Duration) -> Uuid {
        let envelope = self.cause.caused(self.pushed.len(), message, self.now);
        let id = envelope.id;
        self.pushed.push(Pushed {
            queue: message.queue(),
            envelope,
            delay,
        });
        id
    }

    /// The time of handling, one for all that a handler does.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What was pushed, in order.
    pub fn into_pushed(self) -> Vec<Pushed> {
        self.pushed
    }
}
