//! Bytes of a file as text, and the other way round.

use common::code::sms;

/// UTF-16, the high byte first; half a character at the end is left away.
pub fn from_ucs2(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|b| u16::from_be_bytes([b[0], b[1]]));
    let text: String = char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    without_fill(&text)
}

/// The same the other way.
pub fn to_ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// UTF-8 where it is that, else ISO 8859-15, which has every byte.
pub fn from_bytes(bytes: &[u8]) -> String {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => from_latin(bytes),
    };
    without_fill(&text)
}

/// ISO 8859-15.
pub fn from_latin(bytes: &[u8]) -> String {
    let (text, _) = encoding_rs::ISO_8859_15.decode_without_bom_handling(bytes);
    without_fill(&text)
}

/// The GSM alphabet, a septet in each byte.
pub fn from_gsm(bytes: &[u8]) -> String {
    sms::of_septets(bytes)
}

/// Hexadecimal digits, blanks among them or not; `None` for anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits.filter(|d| d.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|d| d[0] * 16 + d[1]).collect())
}

/// As hexadecimal digits, with this between bytes.
pub fn to_hex(bytes: &[u8], between: &str) -> String {
    let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02X}")).collect();
    hex.join(between)
}

/// gammu-smsd fills the end of some texts with NUL.
fn without_fill(text: &str) -> String {
    text.trim_end_matches('\0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_out_of_every_alphabet() {
        let text = "Sapi 😀 عربى";
        assert_eq!(from_ucs2(&to_ucs2(text)), text);
        assert_eq!(from_ucs2(&[0, b'a', 0, 0, 0]), "a");
        assert_eq!(from_ucs2(&[0xd8, 0x3d]), "\u{fffd}");
        assert_eq!(from_latin(b"\xa4 5, caf\xe9"), "€ 5, café");
        assert_eq!(from_bytes("café".as_bytes()), "café");
        assert_eq!(from_bytes(b"caf\xe9"), "café");
        assert_eq!(from_gsm(b"\x00 \x1b\x65 a\x1b\x28\x05"), "@ € a{é");
    }

    #[test]
    fn hexadecimal_is_read_or_refused() {
        assert_eq!(from_hex("05 00 03 4d0201").unwrap(), [5, 0, 3, 0x4d, 2, 1]);
        assert_eq!(to_hex(&[5, 0, 0x4d], " "), "05 00 4D");
        for odd in ["5", "0g", "é5"] {
            assert_eq!(from_hex(odd), None, "{odd}");
        }
    }
}
