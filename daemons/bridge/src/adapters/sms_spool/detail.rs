//! gammu's backup format: sections of `key = value` lines, texts in hexadecimal UTF-16.

use super::alphabet::{from_hex, from_ucs2, to_hex, to_ucs2};
use super::intake::{Found, Incoming};
use super::join_header;
use super::smstools::part;
use crate::adapter::Outgoing;
use common::code::sms;
use jiff::civil::DateTime;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Hexadecimal digits on one line; gammu reads lines of limited length.
const LINE: usize = 200;

/// What sends a piece. A text that nobody has split is split here: all of it in one file.
pub fn written(outgoing: &Outgoing<'_>, reports: bool) -> String {
    let piece = outgoing.piece;
    let texts = sms::pieces(&piece.text);
    let whole = piece.of == 1;
    let of = u8::try_from(texts.len()).unwrap_or(u8::MAX);
    let mut file = String::new();
    for ((section, text), number) in texts.iter().enumerate().zip(1..=of) {
        let header = match whole {
            true => join_header(outgoing, number, of),
            false => join_header(outgoing, piece.number, piece.of),
        };
        write_section(&mut file, section, (outgoing.to, text, reports), header);
    }
    file
}

fn write_section(
    file: &mut String,
    section: usize,
    (to, text, reports): (&str, &str, bool),
    header: Option<[u8; 6]>,
) {
    let units = to_ucs2(text);
    let kind = if reports { "Status_Report" } else { "Submit" };
    let coding = match sms::is_gsm7(text) {
        true => "Default_No_Compression",
        false => "Unicode_No_Compression",
    };
    // Writing to a String does not fail.
    let _ = writeln!(
        file,
        "[SMSBackup{section:03}]\nPDU = {kind}\nState = UnSent"
    );
    let _ = writeln!(file, "Number = \"{to}\"");
    if let Some(header) = header {
        let _ = writeln!(file, "UDH = {}", to_hex(&header, ""));
    }
    let hex = to_hex(&units, "");
    for (line, digits) in hex.as_bytes().chunks(LINE).enumerate() {
        let _ = writeln!(file, "Text{line:02} = {}", String::from_utf8_lossy(digits));
    }
    let length = units.len() / 2;
    let _ = writeln!(file, "Coding = {coding}\nLength = {length}\nClass = -1\n");
}

/// The sections of a file, by their keys; `None` for one that is not of this format.
pub fn read(file: &str) -> Option<Vec<BTreeMap<&str, &str>>> {
    let mut sections: Vec<BTreeMap<&str, &str>> = Vec::new();
    for line in file.lines().map(str::trim) {
        match (line.starts_with("[SMSBackup"), sections.last_mut()) {
            (true, _) => sections.push(BTreeMap::new()),
            (false, Some(section)) => {
                if let Some((key, value)) = line.split_once('=') {
                    section.insert(key.trim(), value.trim());
                }
            }
            (false, None) if line.is_empty() || line.starts_with([';', '#', '[']) => {}
            (false, None) => return None,
        }
    }
    (!sections.is_empty()).then_some(sections)
}

/// What the sections of a file say: the parts of one text, all that ever came, or a receipt.
pub fn incoming(sections: Vec<BTreeMap<&str, &str>>, stamp: &str, sent: Option<DateTime>) -> Found {
    let get = |key: &str| sections.iter().find_map(|s| s.get(key).copied());
    if get("PDU") == Some("Status_Report") {
        // The daemon keeps no reference of what it sent, so a receipt cannot be told whose it is.
        return Found::Nothing("a receipt of gammu-smsd");
    }
    let from = get("Number")
        .map(|n| n.trim_matches('"'))
        .unwrap_or_default();
    if from.is_empty() {
        return Found::Rubbish("it names no sender");
    }
    let mut parts = Vec::new();
    for section in &sections {
        match section_text(section) {
            Some(text) => parts.push((place(section), text)),
            None => return Found::Rubbish("it holds no text"),
        }
    }
    parts.sort_by_key(|(place, _)| *place);
    Found::Text(Incoming {
        from: from.to_owned(),
        text: parts.into_iter().map(|(_, text)| text).collect(),
        part: None,
        stamp: Some(stamp.to_owned()),
        sent,
    })
}

fn place(section: &BTreeMap<&str, &str>) -> u8 {
    let header = section.get("UDH").and_then(|hex| from_hex(hex));
    header.and_then(|h| part(&h)).map_or(0, |part| part.number)
}

fn section_text(section: &BTreeMap<&str, &str>) -> Option<String> {
    if section
        .get("Coding")
        .is_some_and(|coding| coding.starts_with('8'))
    {
        return None;
    }
    // `Text00`, `Text01`, ... in the order of the map.
    let lines = section.range("Text00".."Text:").map(|(_, value)| *value);
    let hex: String = lines.collect();
    from_hex(&hex).map(|units| from_ucs2(&units))
}
