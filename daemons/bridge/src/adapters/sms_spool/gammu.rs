//! Files of gammu-smsd with `service = files`, as `gammu-smsd-files(7)` and `gammu-smsbackup(5)`
//! describe them.

use super::alphabet::{from_bytes, from_ucs2};
use super::detail;
use super::intake::{Found, Incoming};
use crate::adapter::Outgoing;
use jiff::Timestamp;
use jiff::civil::DateTime;

/// Name and body of the file that sends a piece. Files go out in the order of their names, so they
/// begin with the time. The backup format says which alphabet is meant: a plain text with letters
/// outside the GSM alphabet was seen to lose them (version 1.42, `TransmitFormat = auto`).
pub fn outgoing(
    outgoing: &Outgoing<'_>,
    number: &str,
    (id, reports): (&str, bool),
) -> (String, Vec<u8>) {
    let plus = if outgoing.to.starts_with('+') {
        "+"
    } else {
        ""
    };
    let now = Timestamp::now().strftime("%Y%m%d_%H%M%S");
    let name = format!("OUTC{now}_00_{plus}{number}_{id}.smsbackup");
    (name, detail::written(outgoing, reports).into_bytes())
}

/// What the name of a file tells: `IN20261121_041005_00_+6281234567890_01.txt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name<'a> {
    /// What all files of one text share.
    pub text: &'a str,
    /// Which of them this is, from 0.
    pub sequence: u8,
    from: &'a str,
    /// The time that the network wrote, as it stands there.
    stamp: &'a str,
    binary: bool,
}

/// Reads a name; `None` for a file that is no message.
pub fn name(file: &str) -> Option<Name<'_>> {
    let bare = file.strip_prefix("IN")?;
    let (stem, extension) = bare.rsplit_once('.')?;
    let (front, sequence) = stem.rsplit_once('_')?;
    let mut parts = front.splitn(4, '_');
    let (date, time) = (parts.next()?, parts.next()?);
    let (serial, from) = (parts.next()?, parts.next()?);
    let number =
        |text: &str, least: usize| text.len() >= least && text.bytes().all(|b| b.is_ascii_digit());
    let sound = number(date, 6) && number(time, 6) && number(serial, 2);
    let stamp = file.get(2..3 + date.len() + time.len())?;
    sound.then_some(Name {
        text: file.get(..2 + front.len())?,
        sequence: sequence.parse().ok()?,
        from,
        stamp,
        binary: extension == "bin",
    })
}

/// What the files of one text say together, in their order.
pub fn incoming(files: &[(Name<'_>, Vec<u8>)]) -> Found {
    let Some((first, body)) = files.first() else {
        return Found::Rubbish("it is nothing");
    };
    if files.iter().any(|(name, _)| name.binary) {
        return Found::Rubbish("it holds binary data");
    }
    if let Some(parts) = detail::read(&from_bytes(body)) {
        return detail::incoming(parts, first.stamp, when(first.stamp));
    }
    if first.from.is_empty() {
        return Found::Rubbish("it names no sender");
    }
    Found::Text(Incoming {
        // The daemon writes `*` as `X` in names.
        from: first.from.to_owned(),
        text: files.iter().map(|(_, body)| text(body)).collect(),
        part: None,
        stamp: Some(first.stamp.to_owned()),
        sent: when(first.stamp),
    })
}

/// `InboxFormat = unicode` begins with a mark, `standard` is in the daemon's locale.
fn text(body: &[u8]) -> String {
    match body.strip_prefix(b"\xfe\xff") {
        Some(units) => from_ucs2(units),
        None => from_bytes(body),
    }
}

fn when(stamp: &str) -> Option<DateTime> {
    DateTime::strptime("%Y%m%d_%H%M%S", stamp).ok()
}

#[cfg(test)]
mod tests;
