//! Whether a machine wrote a mail: then it is stored and never answered (M1-M3).

use super::headers::Fields;
use super::token::{Purpose, Signer, TokenError};
use super::{Heading, commands};
use jiff::Timestamp;

/// The field that marks our own mail; its value is a token for [`Purpose::Mark`].
pub const MARK: &str = "X-Kentongan-Mark";

/// Why a mail is not answered, the surest sign first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Robot {
    /// It carries our own mark, or comes from an address of ours (M1).
    Ours,
    /// A delivery report, by its form or by its empty return path (M2).
    Report,
    /// From `mailer-daemon`, `postmaster`, `no-reply` and their kin.
    Daemon,
    /// `Auto-Submitted` says so (RFC 3834).
    AutoSubmitted,
    /// An absence note or the like, by its headers.
    AutoReply,
    /// The same, by its subject alone.
    AutoSubject,
    /// It came over a mailing list (M3): the answer would go to everybody.
    List,
    /// `Precedence: bulk` or `junk`.
    Bulk,
}

/// What we know of ourselves.
#[derive(Clone, Copy)]
pub struct Ours<'a> {
    /// Our own addresses in lower case, those we send from and those we take mail at.
    pub addresses: &'a [String],
    /// Checks our mark.
    pub signer: &'a Signer,
    /// When the mail came.
    pub now: Timestamp,
}

impl Robot {
    /// The name that is stored and counted.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "own_mail",
            Self::Report => "delivery_report",
            Self::Daemon => "daemon",
            Self::AutoSubmitted => "auto_submitted",
            Self::AutoReply => "auto_reply",
            Self::AutoSubject => "auto_reply_subject",
            Self::List => "mailing_list",
            Self::Bulk => "bulk",
        }
    }

    /// Whether it may tell that a mail of ours was not delivered: read it with `report::read`.
    pub fn is_report(self) -> bool {
        matches!(self, Self::Report | Self::Daemon)
    }
}

/// The machine that wrote a mail, or `None` for a person. `sender` is the envelope's, `Some("")`
/// for the null return path, `None` if nobody told it (then `Return-Path` is looked at).
pub fn robot(heading: &Heading, sender: Option<&str>, ours: &Ours<'_>) -> Option<Robot> {
    let fields = &heading.fields;
    let found = [
        (Robot::Ours, is_ours(heading, sender, ours)),
        (Robot::Report, is_report(fields, sender)),
        (Robot::Daemon, is_daemon(heading, sender)),
        (Robot::AutoSubmitted, is_auto_submitted(fields)),
        (Robot::AutoReply, is_auto_reply(fields)),
        (Robot::List, is_list(fields)),
        (Robot::Bulk, has_precedence(fields, &["bulk", "junk"])),
        (Robot::AutoSubject, is_auto_subject(&heading.subject)),
    ];
    found
        .into_iter()
        .find(|(_, yes)| *yes)
        .map(|(robot, _)| robot)
}

fn is_ours(heading: &Heading, sender: Option<&str>, ours: &Ours<'_>) -> bool {
    let own = |address: &str| {
        let address = address.to_lowercase();
        ours.addresses
            .iter()
            .any(|a| *a == address || *a == without_tag(&address))
    };
    let marked = heading.fields.all("x-kentongan-mark").any(|field| {
        // An old mark is still ours: the loop may have taken its time.
        let found = ours.signer.open(Purpose::Mark, &field.text(), ours.now);
        matches!(found, Ok(_) | Err(TokenError::Expired(_)))
    });
    marked || sender.is_some_and(own) || heading.from.iter().any(|from| own(&from.address))
}

/// `lapor+token@x` is `lapor@x`.
fn without_tag(address: &str) -> String {
    match address.split_once('@') {
        Some((local, domain)) => {
            format!("{}@{domain}", local.split('+').next().unwrap_or_default())
        }
        None => address.to_owned(),
    }
}

fn is_report(fields: &Fields, sender: Option<&str>) -> bool {
    let null = match sender {
        Some(sender) => sender.trim_matches(['<', '>', ' ']).is_empty(),
        None => fields
            .first("return-path")
            .is_some_and(|f| f.text() == "<>"),
    };
    let kind = fields.text("content-type").to_ascii_lowercase();
    let report =
        kind.starts_with("multipart/report") || kind.starts_with("message/delivery-status");
    null || report || fields.first("x-failed-recipients").is_some()
}

fn is_daemon(heading: &Heading, sender: Option<&str>) -> bool {
    const NAMES: [&str; 10] = [
        "mailer-daemon",
        "postmaster",
        "mail-daemon",
        "mdaemon",
        "noreply",
        "no-reply",
        "donotreply",
        "do-not-reply",
        "bounce",
        "bounces",
    ];
    let is = |address: &str| {
        let local = address.split('@').next().unwrap_or_default().to_lowercase();
        let local = local.split('+').next().unwrap_or_default();
        NAMES.contains(&local)
    };
    heading.from.iter().any(|f| is(&f.address)) || sender.is_some_and(is)
}

fn is_auto_submitted(fields: &Fields) -> bool {
    fields.all("auto-submitted").any(|field| {
        let text = field.text().to_ascii_lowercase();
        let word = text.split([';', ' ', '(']).next().unwrap_or_default();
        !word.is_empty() && word != "no"
    })
}

fn is_auto_reply(fields: &Fields) -> bool {
    const FIELDS: [&str; 7] = [
        "x-autoreply",
        "x-autorespond",
        "x-auto-reply",
        "x-autoresponder",
        "x-mail-autoreply",
        "x-autoreply-from",
        "x-vacation",
    ];
    let suppress = fields.text("x-auto-response-suppress").to_ascii_lowercase();
    let suppressed = suppress
        .split(',')
        .any(|w| matches!(w.trim(), "all" | "autoreply"));
    let present = |name: &&str| fields.first(name).is_some_and(|f| f.text() != "no");
    suppressed || FIELDS.iter().any(present) || has_precedence(fields, &["auto_reply"])
}

fn is_list(fields: &Fields) -> bool {
    fields.iter().any(|f| f.name.starts_with("list-")) || has_precedence(fields, &["list"])
}

fn has_precedence(fields: &Fields, words: &[&str]) -> bool {
    let found = fields.text("precedence").to_ascii_lowercase();
    words.contains(&found.trim())
}

/// Subjects that programs write, at the very beginning: in the middle people write them too.
fn is_auto_subject(subject: &str) -> bool {
    const STARTS: [&str; 27] = [
        "out of office",
        "out of the office",
        "automatic reply",
        "auto reply",
        "auto-reply",
        "autoreply",
        "auto response",
        "automatic response",
        "vacation reply",
        "auto:",
        "away from my mail",
        "balasan otomatis",
        "jawaban otomatis",
        "pesan otomatis",
        "di luar kantor",
        "sedang cuti",
        "sedang dinas luar",
        "undelivered mail",
        "undeliverable",
        "mail delivery",
        "delivery status notification",
        "delivery failure",
        "returned mail",
        "failure notice",
        "tidak terkirim",
        "gagal terkirim",
        "pesan tidak terkirim",
    ];
    let subject = commands::without_marks(subject).to_lowercase();
    STARTS.iter().any(|start| subject.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, read};
    use super::*;

    fn found(header: &str, sender: Option<&str>, signer: &Signer, now: i64) -> Option<Robot> {
        let raw = format!("From: Budi <budi@dinas.example>\r\n{header}\r\n\r\nU MC SP 4\r\n");
        let heading = read(raw.as_bytes(), &Limits::default())
            .expect("readable")
            .heading;
        let addresses = ["lapor@kentongan.example".to_owned()];
        let now = Timestamp::from_second(now).expect("in range");
        robot(
            &heading,
            sender,
            &Ours {
                addresses: &addresses,
                signer,
                now,
            },
        )
    }

    /// M1: our mark counts when we signed it, even when it is old; a stranger's does not.
    #[test]
    fn our_own_mark_is_known_and_no_other() {
        let signer = Signer::new(&[[1; 32]]).expect("a key");
        let other = Signer::new(&[[2; 32]]).expect("a key");
        let until = Timestamp::from_second(100).expect("in range");
        let mark = format!("{MARK}: {}", signer.sign(Purpose::Mark, b"", until));
        assert_eq!(found(&mark, None, &signer, 1), Some(Robot::Ours));
        assert_eq!(found(&mark, None, &signer, 1_000), Some(Robot::Ours));
        assert_eq!(found(&mark, None, &other, 1), None);
        let trace = format!("{MARK}: {}", signer.sign(Purpose::Trace, b"", until));
        assert_eq!(found(&trace, None, &signer, 1), None);
    }

    /// M2: the envelope's sender counts before the header, which anybody can write.
    #[test]
    fn the_null_sender_is_a_report() {
        let signer = Signer::new(&[[1; 32]]).expect("a key");
        for (header, sender, robot) in [
            ("Subject: x", Some(""), Some(Robot::Report)),
            ("Subject: x", Some("<>"), Some(Robot::Report)),
            ("Subject: x", Some("budi@dinas.example"), None),
            ("Subject: x", None, None),
            ("Return-Path: <>", None, Some(Robot::Report)),
            ("Return-Path: <>", Some("budi@dinas.example"), None),
            (
                "Subject: x",
                Some("MAILER-DAEMON@x.example"),
                Some(Robot::Daemon),
            ),
            (
                "Subject: x",
                Some("lapor+tag@kentongan.example"),
                Some(Robot::Ours),
            ),
            ("Subject: kasus auto: reply", None, None),
            ("X-Auto-Response-Suppress: DR, RN", None, None),
        ] {
            assert_eq!(
                found(header, sender, &signer, 1),
                robot,
                "{header} {sender:?}"
            );
        }
    }
}
