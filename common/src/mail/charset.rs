//! Bytes to text, whatever the label says (M9-M11, M14).

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;
use std::borrow::Cow;

/// Text that came out of bytes, and what had to be guessed or repaired for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Valid UTF-8 without NUL: PostgreSQL takes it.
    pub text: String,
    /// The charset that was used.
    pub used: &'static str,
    /// The label was missing, unknown or wrong, so `used` is a guess.
    pub guessed: bool,
    /// Something was replaced or taken out; the raw mail still has it.
    pub repaired: bool,
}

/// Decodes text by its declared charset, then as UTF-8, then as windows-1252, which never fails.
/// A declared charset that does not fit the bytes is given up only if UTF-8 fits them; otherwise
/// what does not fit is replaced, since a wrong guess would spoil the whole text.
pub fn decode(bytes: &[u8], label: Option<&str>) -> Decoded {
    let declared = label.and_then(by_label);
    let joined = (declared == Some(ISO_2022_JP)).then(|| without_empty_shifts(bytes));
    let bytes = joined.as_deref().unwrap_or(bytes);
    if let Some(encoding) = declared
        && !is_mislabelled(encoding, bytes)
        && let Some(text) = fits(encoding, bytes)
    {
        return finish(text.into_owned(), encoding, false, false);
    }
    if let Some(text) = utf7(bytes, label) {
        return Decoded {
            text,
            used: "UTF-7",
            guessed: false,
            repaired: false,
        };
    }
    if declared != Some(ISO_2022_JP)
        && let Some(text) = fits(UTF_8, bytes)
    {
        let guessed = label.is_some() || !bytes.is_ascii();
        return finish(text.into_owned(), UTF_8, guessed, false);
    }
    match declared {
        // ASCII and UTF-8 are what programs write when they do not know.
        Some(encoding) if encoding != UTF_8 && encoding != WINDOWS_1252 => {
            let (text, _) = encoding.decode_without_bom_handling(bytes);
            finish(text.into_owned(), encoding, false, true)
        }
        Some(encoding) if encoding == UTF_8 && mostly_utf8(bytes) => finish(
            String::from_utf8_lossy(bytes).into_owned(),
            UTF_8,
            false,
            true,
        ),
        _ => {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
            finish(
                text.into_owned(),
                WINDOWS_1252,
                declared != Some(WINDOWS_1252),
                false,
            )
        }
    }
}

/// Repairs text from anywhere for the one boundary to the database: no NUL.
pub fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', ""))
    } else {
        Cow::Borrowed(text)
    }
}

fn finish(text: String, used: &'static Encoding, guessed: bool, repaired: bool) -> Decoded {
    let clean = without_nul(&text).into_owned();
    let repaired = repaired || clean.len() != text.len();
    Decoded {
        text: clean,
        used: used.name(),
        guessed,
        repaired,
    }
}

fn fits<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
    // A byte order mark is no text; UTF-16 without one follows its label.
    let (bytes, encoding) = match Encoding::for_bom(bytes) {
        Some((by_mark, length)) if by_mark == encoding || is_utf16(encoding) => {
            (&bytes[length..], by_mark)
        }
        _ => (bytes, encoding),
    };
    encoding.decode_without_bom_handling_and_without_replacement(bytes)
}

fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// UTF-8 bytes under a single-byte label decode without an error, into rubbish. Text in such a
/// charset is hardly ever valid UTF-8 by chance; text in a two-byte charset (GBK) can be.
fn is_mislabelled(encoding: &'static Encoding, bytes: &[u8]) -> bool {
    encoding.is_single_byte() && !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok()
}

fn mostly_utf8(bytes: &[u8]) -> bool {
    let valid: usize = bytes
        .utf8_chunks()
        .map(|c| c.valid().chars().filter(|c| !c.is_ascii()).count())
        .sum();
    let broken = bytes
        .utf8_chunks()
        .filter(|c| !c.invalid().is_empty())
        .count();
    valid > broken
}

/// The WHATWG labels, and what programs write that is not among them.
fn by_label(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    let label = label.split('*').next().unwrap_or_default();
    if let Some(encoding) = Encoding::for_label_no_replacement(label.as_bytes()) {
        return Some(encoding);
    }
    let plain: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
    let alias = match plain.as_str() {
        "utf8mb4" | "unicode11utf8" | "utf8" | "xutf8" => "utf-8",
        "ascii" | "usascii" | "ansix341968" | "iso646us" | "646" | "cp367" => "windows-1252",
        "latin1"
        | "iso88591"
        | "cp819"
        | "ansi"
        | "iso88591windows31latin1"
        | "cp1252"
        | "win1252"
        | "windows1252" => "windows-1252",
        "cp932" | "windows31j" | "ms932" | "xmsmscp932" => "shift_jis",
        "cp936" | "ms936" | "xgbk" | "gb231280" | "euccn" => "gbk",
        "cp950" | "ms950" => "big5",
        "cp949" | "ms949" | "uhc" => "euc-kr",
        "iso2022jp1" | "iso2022jp2" | "iso2022jpms" | "cp50220" | "cp50221" => "iso-2022-jp",
        "cp1250" | "win1250" => "windows-1250",
        "cp1251" | "win1251" => "windows-1251",
        "cp1256" | "win1256" => "windows-1256",
        "cp874" => "windows-874",
        _ => return None,
    };
    Encoding::for_label(alias.as_bytes())
}

/// ISO-2022-JP that was cut into words and joined again goes to ASCII and back with nothing in
/// between, which the decoder takes for an attack.
fn without_empty_shifts(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        let empty = rest.starts_with(b"\x1b(B\x1b");
        rest = if empty { &rest[3..] } else { after };
        if !empty {
            out.push(byte);
        }
    }
    out
}

/// UTF-7 is not among the WHATWG charsets; some old programs still write it.
fn utf7(bytes: &[u8], label: Option<&str>) -> Option<String> {
    let label = label?.trim().to_ascii_lowercase();
    let decode = charset_decoder(label.as_bytes()).filter(|_| label.contains("utf-7"))?;
    Some(without_nul(&decode(bytes)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_lie_and_bytes_do_not() {
        for (bytes, label, text, used, guessed) in [
            (&b"sapi"[..], None, "sapi", "UTF-8", false),
            (b"sapi", Some("x-none"), "sapi", "UTF-8", true),
            ("résumé".as_bytes(), Some("utf-8"), "résumé", "UTF-8", false),
            (
                "résumé".as_bytes(),
                Some("iso-8859-1"),
                "résumé",
                "UTF-8",
                true,
            ),
            (
                b"r\xe9sum\xe9",
                Some("iso-8859-1"),
                "résumé",
                "windows-1252",
                false,
            ),
            (
                b"r\xe9sum\xe9",
                Some("utf-8"),
                "résumé",
                "windows-1252",
                true,
            ),
            (
                b"r\xe9sum\xe9",
                Some("us-ascii"),
                "résumé",
                "windows-1252",
                false,
            ),
            (b"r\xe9sum\xe9", None, "résumé", "windows-1252", true),
            (b"\xd6\xd0\xce\xc4", Some("GB2312"), "中文", "GBK", false),
            (
                b"\x1b$BF|K\\\x1b(B",
                Some("ISO-2022-JP"),
                "日本",
                "ISO-2022-JP",
                false,
            ),
            (b"\xff\xfeU\0 \0", Some("utf-16"), "U ", "UTF-16LE", false),
            (b"Hi +AKM-", Some("utf-7"), "Hi £", "UTF-7", false),
            ("文".as_bytes(), Some("UTF8MB4"), "文", "UTF-8", false),
        ] {
            let seen = decode(bytes, label);
            assert_eq!((seen.text.as_str(), seen.used), (text, used), "{label:?}");
            assert_eq!(seen.guessed, guessed, "{label:?} {text}");
        }
    }

    #[test]
    fn broken_bytes_are_replaced_and_nul_is_taken_out() {
        for (bytes, label, text) in [
            (&b"a\0b"[..], None, "ab"),
            ("ééé\0".as_bytes(), Some("utf-8"), "ééé"),
            (b"\xc3\xa9\xc3\xa9\xff", Some("utf-8"), "éé\u{fffd}"),
            (b"\xd6\xd0\xff", Some("gbk"), "中\u{fffd}"),
        ] {
            let seen = decode(bytes, label);
            assert_eq!(seen.text, text);
            assert!(seen.repaired, "{text}");
        }
    }
}
