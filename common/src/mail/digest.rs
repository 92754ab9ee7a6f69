//! Keys that tell whether a mail was here before.
//!
//! Three keys for three questions. *Was this delivery seen?* — the intake's object id together
//! with the envelope's recipient, since one mail to two of our addresses comes twice (M6). *Was
//! this mail done?* — [`Keys::effect`], which knows neither recipient nor trace headers, so that
//! it is the same however often and by whatever way the mail comes (M7). *Is this id used again?*
//! — equal message id, other [`Keys::content`]: another mail, flagged, not dropped (M5).

use super::{Heading, Letter};
use sha2::{Digest as _, Sha256};

/// The keys of one mail, each 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Keys {
    /// What the mail says: who wrote it when to whom, its subject, text and files.
    pub content: String,
    /// One effect per value: message id and content together. A unique index on it decides (M8).
    pub effect: String,
    /// The mail's own id, if it has one (M4).
    pub message_id: Option<String>,
}

impl Keys {
    /// The keys of a mail that was read.
    pub fn of(letter: &Letter) -> Self {
        let content = content(letter);
        let message_id = letter.heading.message_id.clone();
        let mut effect = Sha256::new();
        field(
            &mut effect,
            "id",
            message_id.as_deref().unwrap_or_default().as_bytes(),
        );
        field(&mut effect, "content", content.as_bytes());
        Self {
            content,
            effect: hex(effect),
            message_id,
        }
    }

    /// Whether the other mail carries the same id and says something else (M5).
    pub fn reuses_id_of(&self, other: &Self) -> bool {
        self.message_id.is_some()
            && self.message_id == other.message_id
            && self.content != other.content
    }
}

/// Lists and virus scanners fold headers anew, servers change line ends and blanks at line ends:
/// none of that changes what was said.
fn content(letter: &Letter) -> String {
    let mut hash = Sha256::new();
    header(&mut hash, &letter.heading);
    for line in letter.text.trim_end().lines() {
        field(&mut hash, "line", line.trim_end().as_bytes());
    }
    for file in &letter.files {
        field(&mut hash, "file", file.name.as_bytes());
        field(&mut hash, "bytes", file.content.trim_ascii_end());
    }
    hex(hash)
}

fn header(hash: &mut Sha256, heading: &Heading) {
    for (name, boxes) in [
        ("from", &heading.from),
        ("to", &heading.to),
        ("cc", &heading.cc),
    ] {
        boxes
            .iter()
            .for_each(|b| field(hash, name, b.address.as_bytes()));
    }
    field(hash, "subject", heading.subject.as_bytes());
    field(hash, "date", heading.fields.text("date").as_bytes());
}

/// Name and length first: no two different mails give the same bytes.
fn field(hash: &mut Sha256, name: &str, value: &[u8]) {
    hash.update(name.as_bytes());
    hash.update((value.len() as u64).to_be_bytes());
    hash.update(value);
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}
