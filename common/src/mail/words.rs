//! RFC 2047 encoded words in a header value.
//!
//! Adjacent words of one charset are joined before they are decoded: senders cut between the
//! bytes of one letter, and in stateful charsets in the middle of a run (M11).

use super::charset;
use mail_parser::decoders::base64::base64_decode;

struct Word {
    charset: String,
    bytes: Vec<u8>,
}

/// The value as text: encoded words decoded, everything else taken as UTF-8 or windows-1252.
pub fn decode(raw: &[u8]) -> String {
    let mut text = String::new();
    let mut open: Option<Word> = None;
    let mut rest = raw;
    while !rest.is_empty() {
        let start = find(rest, b"=?").unwrap_or(rest.len());
        let (plain, from) = rest.split_at(start);
        let parsed = word(from);
        // White space between two encoded words is no part of the text (RFC 2047, 6.2).
        let joined =
            plain.iter().all(u8::is_ascii_whitespace) && open.is_some() && parsed.is_some();
        if !joined {
            close(&mut open, &mut text);
            text.push_str(&charset::decode(plain, None).text);
        }
        rest = match parsed {
            Some((word, rest)) => {
                add(&mut open, word, &mut text);
                rest
            }
            None if from.is_empty() => from,
            None => {
                close(&mut open, &mut text);
                text.push_str("=?");
                &from[2..]
            }
        };
    }
    close(&mut open, &mut text);
    text
}

fn add(open: &mut Option<Word>, word: Word, text: &mut String) {
    match open {
        Some(before) if before.charset == word.charset => before.bytes.extend(word.bytes),
        _ => {
            close(open, text);
            *open = Some(word);
        }
    }
}

fn close(open: &mut Option<Word>, text: &mut String) {
    if let Some(word) = open.take() {
        text.push_str(&charset::decode(&word.bytes, Some(&word.charset)).text);
    }
}

/// One `=?charset?B|Q?data?=` at the start, and what follows it.
fn word(from: &[u8]) -> Option<(Word, &[u8])> {
    let rest = from.strip_prefix(b"=?")?;
    // RFC 2047 allows 75 bytes for a whole word; many senders write longer ones.
    let rest_start = &rest[..rest.len().min(LONGEST_WORD)];
    let (label, after) = cut(rest_start, b"?")?;
    let (encoding, after) = cut(after, b"?")?;
    let (data, _) = cut(after, b"?=")?;
    let end = label.len() + encoding.len() + data.len() + 4;
    let charset = std::str::from_utf8(label)
        .ok()?
        .split('*')
        .next()?
        .to_ascii_lowercase();
    let bytes = match encoding {
        b"B" | b"b" => base64(data)?,
        b"Q" | b"q" => quoted(data),
        _ => return None,
    };
    (!charset.is_empty()).then_some((Word { charset, bytes }, &rest[end..]))
}

const LONGEST_WORD: usize = 4_096;

fn base64(data: &[u8]) -> Option<Vec<u8>> {
    let packed: Vec<u8> = data
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    base64_decode(&packed)
}

fn quoted(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'_' => out.push(b' '),
            b'=' if after.len() >= 2 => match hex(after[0], after[1]) {
                Some(value) => {
                    out.push(value);
                    rest = &after[2..];
                }
                None => out.push(byte),
            },
            _ => out.push(byte),
        }
    }
    out
}

/// The byte that two hexadecimal digits mean.
pub(crate) fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    Some((digit(high)? * 16 + digit(low)?) as u8)
}

fn cut<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = find(bytes, at)?;
    Some((&bytes[..found], &bytes[found + at.len()..]))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|w| w == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_become_text() {
        for (raw, text) in [
            ("U MC SP 4", "U MC SP 4"),
            ("=?utf-8?Q?Laporan_sapi?=", "Laporan sapi"),
            ("=?UTF-8?B?TGFwb3Jhbg==?= sapi", "Laporan sapi"),
            ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
            ("=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
            // One letter cut in two (M11).
            ("=?utf-8?B?ww==?=\r\n =?utf-8?B?qQ==?=", "é"),
            ("=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "é"),
            ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
            ("=?gb2312?B?1tDOxA==?=", "中文"),
            ("=?x-unknown?Q?caf=E9?=", "café"),
            ("=?utf-8?X?broken?= rest", "=?utf-8?X?broken?= rest"),
            ("=?utf-8?Q?no end", "=?utf-8?Q?no end"),
            ("=?us-ascii*en?Q?lang?=", "lang"),
        ] {
            assert_eq!(decode(raw.as_bytes()), text, "{raw}");
        }
    }
}
