//! Files of SMS Server Tools 3, as its `fileformat.html` describes them.

use super::alphabet::{from_bytes, from_gsm, from_hex, from_latin, from_ucs2, to_hex, to_ucs2};
use super::intake::{Found, Incoming, Report};
use super::join_header;
use crate::adapter::Outgoing;
use crate::port::Part;
use common::channel::Split;
use common::code::sms;
use jiff::civil::DateTime;

/// What stands first in the body of a receipt.
const STATUS_REPORT: &str = "SMS STATUS REPORT";

/// Name and body of the file that sends a piece.
pub fn outgoing(
    outgoing: &Outgoing<'_>,
    number: &str,
    (id, reports, split): (&str, bool, Split),
) -> (String, Vec<u8>) {
    let piece = outgoing.piece;
    // A number without `+` is a short code.
    let short = if outgoing.to.starts_with('+') {
        ""
    } else {
        "s"
    };
    let (alphabet, text) = encoded(&piece.text);
    let mut head = format!("To: {short}{number}\nAlphabet: {alphabet}\n");
    if reports {
        head.push_str("Report: yes\n");
    }
    // With its own header a piece must not be split once more; `whole` lets the daemon do it.
    let joined = join_header(outgoing, piece.number, piece.of);
    match joined.filter(|_| split == Split::Joined) {
        Some(header) => {
            head.push_str(&format!(
                "Autosplit: 0\nUDH-DATA: {}\n",
                to_hex(&header, " ")
            ));
        }
        None => head.push_str("Autosplit: 3\n"),
    }
    head.push('\n');
    (format!("kentongan.{id}"), [head.as_bytes(), &text].concat())
}

/// `UTF-8` is sent in the GSM alphabet when that is possible, and is known since 3.1.16; `ISO` was
/// always known.
fn encoded(text: &str) -> (&'static str, Vec<u8>) {
    match (sms::is_gsm7(text), text.is_ascii()) {
        (true, true) => ("ISO", text.into()),
        (true, false) => ("UTF-8", text.into()),
        (false, _) => ("UCS2", to_ucs2(text)),
    }
}

/// Not a message: locks, hidden files, parts that the daemon itself still collects.
pub fn is_foreign(name: &str) -> bool {
    name.starts_with('.')
        || name.starts_with("LOCKED")
        || name.ends_with(".LOCK")
        || name.ends_with("-concatenated")
}

/// Head and body of a file.
pub struct Parsed<'a> {
    head: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
}

impl<'a> Parsed<'a> {
    /// `None` when there is no head of lines of the form `Name: value`.
    pub fn of(file: &'a [u8]) -> Option<Self> {
        let mut head = Vec::new();
        let mut rest = file;
        loop {
            let end = rest.iter().position(|b| *b == b'\n');
            let (line, after) = match end {
                Some(at) => (&rest[..at], &rest[at + 1..]),
                None => (rest, &rest[rest.len()..]),
            };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                return (!head.is_empty()).then_some(Self { head, body: after });
            }
            let line = str::from_utf8(line).ok()?;
            let (name, value) = line.split_once(':')?;
            head.push((name.trim(), value.trim()));
            rest = after;
        }
    }

    /// What the first line of this name says.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut head = self.head.iter();
        head.find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    fn text(&self) -> Result<String, &'static str> {
        let alphabet = self.get("Alphabet").unwrap_or_default();
        // The daemon, too, looks at three letters only.
        let first: String = alphabet.chars().take(3).collect();
        Ok(match first.to_ascii_uppercase().as_str() {
            "UCS" | "CHI" | "UNI" => from_ucs2(self.body),
            "GSM" => from_gsm(self.body),
            "ISO" | "LAT" | "ANS" => from_latin(self.body),
            "BIN" => return Err("it holds binary data"),
            _ => from_bytes(self.body),
        })
    }

    fn part(&self) -> Option<Part> {
        part(&from_hex(self.get("UDH-DATA")?)?)
    }
}

/// The place among parts that a header names (3GPP TS 23.040, 9.2.3.24.1 and 9.2.3.24.8).
pub fn part(header: &[u8]) -> Option<Part> {
    let mut rest = header.get(1..)?;
    while let [element, length, after @ ..] = rest {
        let value = after.get(..usize::from(*length))?;
        match (*element, value) {
            (0, [reference, of, number]) => {
                return Part::new(u16::from(*reference), *number, *of);
            }
            (8, [high, low, of, number]) => {
                return Part::new(u16::from_be_bytes([*high, *low]), *number, *of);
            }
            _ => rest = &after[usize::from(*length)..],
        }
    }
    None
}

/// What a file that came in says. `reports` tells that it lies in the folder for receipts.
pub fn incoming(file: &[u8], reports: bool) -> Found {
    let Some(parsed) = Parsed::of(file) else {
        return Found::Rubbish("it has no head");
    };
    let Some(from) = parsed.get("From").filter(|from| !from.is_empty()) else {
        return Found::Rubbish("it names no sender");
    };
    if parsed.get("Error").is_some() {
        return Found::Rubbish("the daemon could not decode it");
    }
    let text = match parsed.text() {
        Ok(text) => text,
        Err(why) => return Found::Rubbish(why),
    };
    let from = international(from, parsed.get("From_TOA"));
    if let Some(report) = report(&from, &text) {
        return Found::Report(report);
    }
    if reports {
        return Found::Rubbish("it is no receipt");
    }
    let sent = parsed.get("Sent");
    Found::Text(Incoming {
        from,
        text,
        part: parsed.part(),
        stamp: sent.map(str::to_owned),
        sent: sent.and_then(when),
    })
}

/// Numbers come without their `+`. The daemon names the type of an address; 91 is international
/// (3GPP TS 24.011, 8.2.5.2), and without a type a long number is taken for that.
fn international(from: &str, kind: Option<&str>) -> String {
    let number = from.len() >= 9 && from.bytes().all(|b| b.is_ascii_digit());
    let international = match kind {
        Some(kind) => kind.starts_with("91"),
        None => number && !from.starts_with('0'),
    };
    match number && international {
        true => format!("+{from}"),
        false => from.to_owned(),
    }
}

/// `00-02-21 22:26:23`
fn when(text: &str) -> Option<DateTime> {
    DateTime::strptime("%y-%m-%d %H:%M:%S", text).ok()
}

fn report(from: &str, text: &str) -> Option<Report> {
    let lines = text.trim_start().strip_prefix(STATUS_REPORT)?;
    let line = |name: &str| {
        let mut lines = lines.lines();
        lines.find_map(|l| l.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    };
    let (code, words) = line("Status")?
        .split_once(',')
        .unwrap_or((line("Status")?, ""));
    Some(Report {
        from: from.to_owned(),
        message_id: line("Message_id")?.to_owned(),
        state: state(code.trim().parse().ok()?).to_owned(),
        reason: words.to_owned(),
        at: line("Discharge_timestamp").and_then(when),
    })
}

/// 3GPP TS 23.040, 9.2.3.15, in its groups.
fn state(code: u8) -> &'static str {
    match code {
        0..=31 => "COMPLETED",
        32..=63 => "TRYING",
        _ => "UNDELIVERED",
    }
}

#[cfg(test)]
mod tests;
