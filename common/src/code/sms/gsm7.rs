//! The GSM 7-bit alphabet as octets, one for each septet (unpacked), as gateways carry it.

use super::GSM7;

/// What an extended character begins with (3GPP TS 23.038, section 6.2.1).
const ESCAPE: u8 = 0x1b;

/// The extension table (3GPP TS 23.038, section 6.2.1.1).
const EXTENSION: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

/// The text's octets; `None` when it needs another alphabet.
pub fn octets(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    for c in text.chars() {
        match extended(c) {
            Some(octet) => octets.extend([ESCAPE, octet]),
            None => octets.push(basic(c)?),
        }
    }
    Some(octets)
}

/// What the octets say. An extended character that nobody has is shown as the basic one in its
/// place, as the standard asks; an octet above 127 belongs to no alphabet of 7 bits and is skipped.
pub fn text(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut escaped = false;
    for &octet in octets {
        if octet == ESCAPE {
            escaped = true;
            continue;
        }
        let known = EXTENSION.iter().find(|(_, o)| *o == octet);
        match known.filter(|_| escaped) {
            Some((c, _)) => text.push(*c),
            None => text.extend(letter(octet)),
        }
        escaped = false;
    }
    text
}

fn extended(c: char) -> Option<u8> {
    let entry = EXTENSION.iter().find(|(e, _)| *e == c);
    entry.map(|(_, octet)| *octet)
}

/// The table of [`GSM7`] leaves the escape out.
fn basic(c: char) -> Option<u8> {
    let at = u8::try_from(GSM7.chars().position(|g| g == c)?).ok()?;
    Some(if at < ESCAPE { at } else { at + 1 })
}

fn letter(octet: u8) -> Option<char> {
    let at = if octet < ESCAPE { octet } else { octet - 1 };
    GSM7.chars().nth(usize::from(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::sms::{EXTENDED, is_gsm7};
    use proptest::prelude::*;

    #[test]
    fn every_letter_has_the_standards_place() {
        assert_eq!(GSM7.chars().count(), 127);
        for (letters, first) in [
            ("@£$¥èéùìòÇ\nØø\rÅå", 0x00),
            ("Δ_ΦΓΛΩΠΨΣΘΞ", 0x10),
            ("ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?", 0x1c),
            ("¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§", 0x40),
            ("¿abcdefghijklmnopqrstuvwxyzäöñüà", 0x60),
        ] {
            let want: Vec<u8> = (first..).take(letters.chars().count()).collect();
            assert_eq!(octets(letters), Some(want.clone()));
            assert_eq!(text(&want), letters);
        }
        assert_eq!(
            octets("{€}"),
            Some(vec![0x1b, 0x28, 0x1b, 0x65, 0x1b, 0x29])
        );
        assert!(EXTENDED.chars().all(|c| extended(c).is_some()));
    }

    #[test]
    fn what_no_table_has_is_still_read() {
        for (octets, want) in [
            (&[0x1b, 0x41][..], "A"),
            (&[0x41, 0x1b], "A"),
            (&[0x1b, 0x1b, 0x3c], "["),
            (&[0x41, 0xff, 0x42], "AB"),
            (&[], ""),
        ] {
            assert_eq!(text(octets), want, "{octets:x?}");
        }
        assert_eq!(octets("ć"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(said in "[@£$¥èéùìòÇØøÅåΔ_a-zA-Z0-9 \\[\\]{}€~^|\\\\]{0,200}") {
            prop_assert!(is_gsm7(&said));
            prop_assert_eq!(text(&octets(&said).unwrap()), said);
        }

        #[test]
        fn anything_can_be_read(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            text(&octets);
        }
    }
}
