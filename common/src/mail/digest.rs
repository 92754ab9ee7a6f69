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

#[cfg(test)]
mod tests {
    use super::super::{Limits, read};
    use super::*;

    fn keys(raw: &str) -> Keys {
        Keys::of(&read(raw.as_bytes(), &Limits::default()).expect("readable"))
    }

    const MAIL: &str = "From: Budi <budi@dinas.example>\r\nTo: lapor@k.example\r\nSubject: lapor\r\n\
        Date: Mon, 5 Aug 2019 07:12:32 +0700\r\nMessage-ID: <1@dinas.example>\r\n\r\nU MC SP 4\r\n";

    /// M7: what the way adds or folds anew changes nothing.
    #[test]
    fn the_same_mail_has_the_same_keys_whatever_way_it_came() {
        let trace = "Received: from a by b; Mon, 5 Aug 2019 00:12:33 +0000\r\nReturn-Path: <x@y.z>\r\n\
            Delivered-To: other@k.example\r\nX-Spam-Score: 1\r\n";
        for other in [
            format!("{trace}{MAIL}"),
            MAIL.replace("\r\n", "\n"),
            MAIL.replace("Subject: lapor", "Subject:\r\n lapor"),
            MAIL.replace("SP 4\r\n", "SP 4 \r\n\r\n"),
            MAIL.replace("Budi <", "\"Budi\" <"),
            MAIL.replace(
                "\r\n\r\nU MC SP 4",
                "\r\nContent-Transfer-Encoding: base64\r\n\r\nVSBNQyBTUCA0DQo=",
            ),
        ] {
            assert_eq!(keys(&other), keys(MAIL), "{other}");
        }
    }

    /// M4, M5: another text under the same id is another mail; no id is no fault.
    #[test]
    fn other_mails_have_other_keys() {
        let first = keys(MAIL);
        for (old, new) in [
            ("SP 4", "SP 5"),
            ("Subject: lapor", "Subject: lagi"),
            ("budi@", "siti@"),
            ("07:12:32", "07:12:33"),
            ("U MC SP 4", "U MC\r\nSP 4"),
        ] {
            let second = keys(&MAIL.replace(old, new));
            assert_ne!(second.effect, first.effect, "{new}");
            assert!(second.reuses_id_of(&first), "{new}");
        }
        let renamed = keys(&MAIL.replace("<1@", "<2@"));
        assert!(!renamed.reuses_id_of(&first) && renamed.content == first.content);
        assert_ne!(renamed.effect, first.effect);
        let none = keys(&MAIL.replace("Message-ID: <1@dinas.example>\r\n", ""));
        assert_eq!(none.message_id, None);
        assert!(!none.reuses_id_of(&none.clone()) && none.effect != first.effect);
        assert_eq!(first.effect.len(), 64);
    }
}
