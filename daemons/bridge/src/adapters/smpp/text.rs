//! Texts in the alphabets of SMPP's data coding (SMPP 3.4, section 5.2.19; 3GPP TS 23.038, section 4).

use super::settings::DefaultAlphabet;
use common::code::sms::gsm7;

/// The gateway's default alphabet.
pub const DEFAULT: u8 = 0;

/// UCS-2, as everybody sends it: UTF-16, high octet first.
pub const UCS2: u8 = 8;

/// What an octet string is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Default,
    Ascii,
    Latin1,
    Ucs2,
    /// No text by what it says of itself.
    Octets,
}

impl Alphabet {
    fn of(data_coding: u8) -> Self {
        match data_coding {
            1 => Self::Ascii,
            3 => Self::Latin1,
            UCS2 => Self::Ucs2,
            2 | 4 => Self::Octets,
            // Message waiting with a text in UCS-2.
            0xe0..=0xef => Self::Ucs2,
            // Message class: bit 2 chooses.
            0xf0..=0xff if data_coding & 0x04 != 0 => Self::Octets,
            // General data coding: bits 3 and 2 choose.
            0x10..=0x3f => match (data_coding >> 2) & 3 {
                1 => Self::Octets,
                2 => Self::Ucs2,
                _ => Self::Default,
            },
            _ => Self::Default,
        }
    }
}

/// What somebody wrote. Nothing is refused: what fits no alphabet is read as well as it can be,
/// and characters that nobody types and no database keeps are left out.
pub fn read(data_coding: u8, octets: &[u8], default: DefaultAlphabet) -> String {
    let text = match Alphabet::of(data_coding) {
        Alphabet::Ucs2 => ucs2(octets),
        Alphabet::Latin1 => latin1(octets),
        Alphabet::Ascii | Alphabet::Octets => eight_bits(octets),
        Alphabet::Default if default == DefaultAlphabet::Latin1 => latin1(octets),
        // Seven bits were promised; gateways that pass other things on have been seen.
        Alphabet::Default if octets.iter().any(|o| *o > 0x7f) => eight_bits(octets),
        Alphabet::Default => gsm7::text(octets),
    };
    text.replace(['\0', '\u{feff}'], "")
}

/// A text with its data coding; `wide` asks for UCS-2 whatever it says.
pub fn write(text: &str, default: DefaultAlphabet, wide: bool) -> (u8, Vec<u8>) {
    let narrow = match default {
        _ if wide => None,
        DefaultAlphabet::Gsm7 => gsm7::octets(text),
        DefaultAlphabet::Latin1 => text.chars().map(|c| u8::try_from(c).ok()).collect(),
    };
    match narrow {
        Some(octets) => (DEFAULT, octets),
        None => (
            UCS2,
            text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ),
    }
}

fn eight_bits(octets: &[u8]) -> String {
    let utf8 = std::str::from_utf8(octets);
    utf8.map_or_else(|_| latin1(octets), str::to_owned)
}

fn latin1(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}

/// A mark at the beginning may say that the low octets come first.
fn ucs2(octets: &[u8]) -> String {
    let order = match octets {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        _ => u16::from_be_bytes,
    };
    let units = octets.chunks_exact(2).map(|pair| order([pair[0], pair[1]]));
    let chars = char::decode_utf16(units);
    chars
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use DefaultAlphabet::{Gsm7, Latin1};
    use proptest::prelude::*;

    #[test]
    fn data_codings_as_networks_send_them() {
        let rows: [(u8, &[u8], DefaultAlphabet, &str); 20] = [
            (0, b"U MC,DM SP 4", Gsm7, "U MC,DM SP 4"),
            (0, &[0x00, 0x1b, 0x65, 0x11], Gsm7, "@€_"),
            (0, b"a@b", Latin1, "a@b"),
            (0, b"caf\xe9", Latin1, "café"),
            (0, "café".as_bytes(), Gsm7, "café"),
            (0, b"caf\xe9", Gsm7, "café"),
            (1, b"a_b", Gsm7, "a_b"),
            (3, b"caf\xe9", Gsm7, "café"),
            (2, "sapi".as_bytes(), Gsm7, "sapi"),
            (4, &[0xe9], Gsm7, "é"),
            (8, &[0x00, 0x41, 0xd8, 0x3d, 0xdc, 0x04], Gsm7, "A🐄"),
            (8, &[0xfe, 0xff, 0x00, 0x41], Gsm7, "A"),
            (8, &[0xff, 0xfe, 0x41, 0x00], Gsm7, "A"),
            (8, &[0x06, 0x33, 0x00], Gsm7, "س"),
            (8, &[0xd8, 0x3d], Gsm7, "\u{fffd}"),
            (0x18, &[0x00, 0x41], Gsm7, "A"),
            (0x14, b"A", Gsm7, "A"),
            (0x10, &[0x00], Gsm7, "@"),
            (0xf0, &[0x00], Gsm7, "@"),
            (0xf5, b"a\0b", Gsm7, "ab"),
        ];
        for (data_coding, octets, default, want) in rows {
            let said = read(data_coding, octets, default);
            assert_eq!(said, want, "{data_coding} {octets:x?}");
        }
    }

    #[test]
    fn the_content_chooses_the_alphabet() {
        for (text, default, wide, want) in [
            (
                "@[€]",
                Gsm7,
                false,
                (0, vec![0, 0x1b, 0x3c, 0x1b, 0x65, 0x1b, 0x3e]),
            ),
            ("@é", Latin1, false, (0, vec![0x40, 0xe9])),
            ("€", Latin1, false, (8, vec![0x20, 0xac])),
            ("A", Gsm7, true, (8, vec![0, 0x41])),
            ("ć", Gsm7, false, (8, vec![0x01, 0x07])),
            ("🐄", Gsm7, false, (8, vec![0xd8, 0x3d, 0xdc, 0x04])),
            ("", Gsm7, false, (0, vec![])),
        ] {
            assert_eq!(write(text, default, wide), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "[^\\x00\\u{feff}]{0,200}", latin in any::<bool>()) {
            let default = if latin { Latin1 } else { Gsm7 };
            let (data_coding, octets) = write(&text, default, false);
            prop_assert_eq!(read(data_coding, &octets, default), text);
        }

        #[test]
        fn anything_can_be_read(
            data_coding in any::<u8>(),
            octets in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            prop_assert!(!read(data_coding, &octets, Gsm7).contains('\0'));
        }
    }
}
