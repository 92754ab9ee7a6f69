//! What travels on a queue: id, kind, version, cause, trace, time of sending, body.

use crate::messages::Message;
use crate::{Failure, Result};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// One message on its way. Its id is the key that makes one effect out of many deliveries: who
/// sends the same thing again sends the same id.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Envelope {
    /// Names this message; the inbox knows it by that.
    pub id: Uuid,
    /// Wire name of the body's type.
    pub kind: String,
    /// Version of the body.
    pub version: u32,
    /// The message that caused this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Uuid>,
    /// The message that began it all, handed on by every hop.
    pub trace: Uuid,
    /// When it was put on the queue.
    pub sent_at: Timestamp,
    /// The message itself, not yet understood.
    #[schemars(with = "serde_json::Value")]
    pub body: Box<RawValue>,
}

impl Envelope {
    /// Wraps the first message of a trace. `id` decides what counts as the same message.
    pub fn first<M: Message>(id: Uuid, message: &M, now: Timestamp) -> Self {
        Self::wrap(id, message, now, None, id)
    }

    /// Wraps a message that this one caused. The id follows from the cause and the place among
    /// what it caused, so that a cause handled twice sends the same id twice.
    pub fn caused<M: Message>(&self, nth: usize, message: &M, now: Timestamp) -> Self {
        let id = derived_id(&[self.id.as_bytes(), M::KIND.as_bytes(), &nth.to_be_bytes()]);
        Self::wrap(id, message, now, Some(self.id), self.trace)
    }

    /// Reads an envelope. Whatever is no envelope is quarantined: nobody can be told.
    pub fn open(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes)
            .map_err(|e| Failure::quarantine(format!("not an envelope: {}", without_values(&e))))
    }

    /// The envelope as it travels.
    pub fn to_json(&self) -> String {
        // Strings, numbers and an already valid JSON text: there is nothing that could fail.
        serde_json::to_string(self).expect("an envelope is always JSON")
    }

    /// The body as this version of the program knows it. Readers take version N and N-1.
    pub fn message<M: Message>(&self) -> Result<M> {
        let wrong = |e: serde_json::Error| {
            let (kind, version) = (&self.kind, self.version);
            Failure::quarantine(format!("body of {kind} v{version}: {}", without_values(&e)))
        };
        if self.version == M::VERSION {
            return serde_json::from_str(self.body.get()).map_err(wrong);
        }
        let value = serde_json::from_str(self.body.get()).map_err(wrong)?;
        let value = M::upgrade(self.version, value).ok_or_else(|| {
            let (kind, version, ours) = (&self.kind, self.version, M::VERSION);
            Failure::quarantine(format!(
                "{kind} v{version} is unknown here; this is v{ours}"
            ))
        })?;
        serde_json::from_value(value).map_err(wrong)
    }

    fn wrap<M: Message>(
        id: Uuid,
        message: &M,
        sent_at: Timestamp,
        cause: Option<Uuid>,
        trace: Uuid,
    ) -> Self {
        // Messages are structs of strings, numbers and lists, which are always JSON.
        let body = serde_json::value::to_raw_value(message).expect("a message is always JSON");
        Self {
            id,
            kind: M::KIND.to_owned(),
            version: M::VERSION,
            cause,
            trace,
            sent_at,
            body,
        }
    }
}

/// An id that follows from what is given, so that the same thing has the same id wherever and
/// however often it arrives. Parts are length-prefixed: `ab|c` and `a|bc` differ.
pub fn derived_id(parts: &[&[u8]]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// A JSON error's kind and place; its text would quote the body.
fn without_values(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a field is missing or of the wrong type",
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "not JSON",
        serde_json::error::Category::Io => "unreadable",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}
