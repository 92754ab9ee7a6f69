//! How long a text is on the air: its encoding, its parts, and how it is cut.
//!
//! Tables and sizes: 3GPP TS 23.038 (alphabet), TS 23.040 section 9.2.3.24.1 (a concatenated part
//! loses six octets to its header).

pub mod gsm7;

/// The alphabet that a text needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// GSM 7-bit default alphabet with its extension table.
    Gsm7,
    /// UTF-16, 16 bits per unit.
    Ucs2,
}

/// What a text costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The alphabet that holds all its characters.
    pub alphabet: Alphabet,
    /// Septets (an extended character takes two) or 16-bit units.
    pub units: usize,
    /// Number of SMS it takes; none for an empty text.
    pub parts: usize,
}

/// The default alphabet without its escape.
const GSM7: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The extension table: an escape and one septet each.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Septets of one character; `None` outside the alphabet.
fn septets(c: char) -> Option<usize> {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' => Some(1),
        c if EXTENDED.contains(c) => Some(2),
        c => GSM7.contains(c).then_some(1),
    }
}

/// Codes of the characters of [`EXTENDED`], in the same order.
const EXTENDED_CODES: [u8; 10] = [0x0a, 0x14, 0x28, 0x29, 0x2f, 0x3c, 0x3d, 0x3e, 0x40, 0x65];

/// The escape of the default alphabet.
const ESCAPE: u8 = 0x1b;

/// A text out of septets, one in each byte. After the escape an unknown code is the character of the
/// default alphabet (3GPP TS 23.038, 6.2.1.1); bytes beyond the alphabet are blanks.
pub fn of_septets(septets: &[u8]) -> String {
    let (mut text, mut escaped) = (String::with_capacity(septets.len()), false);
    for septet in septets {
        if *septet == ESCAPE && !escaped {
            escaped = true;
            continue;
        }
        let code = |known: &u8| known == septet;
        let extended = EXTENDED_CODES.iter().position(code).filter(|_| escaped);
        let character = match extended {
            Some(at) => EXTENDED.chars().nth(at),
            // The table leaves the escape away.
            None if *septet > ESCAPE => GSM7.chars().nth(usize::from(*septet) - 1),
            None if *septet == ESCAPE => None,
            None => GSM7.chars().nth(usize::from(*septet)),
        };
        text.push(character.unwrap_or(' '));
        escaped = false;
    }
    text
}

/// Whether every character is in the GSM 7-bit alphabet, so that 160 fit into one SMS.
pub fn is_gsm7(text: &str) -> bool {
    text.chars().all(|c| septets(c).is_some())
}

/// What a text costs. A character of two units never lies across two parts, hence parts are
/// counted by filling them.
pub fn size(text: &str) -> Size {
    let gsm = is_gsm7(text);
    let cost = |c: char| {
        if gsm {
            septets(c).unwrap_or(1)
        } else {
            c.len_utf16()
        }
    };
    let (alphabet, single, part) = if gsm {
        (Alphabet::Gsm7, 160, 153)
    } else {
        (Alphabet::Ucs2, 70, 67)
    };
    let units = text.chars().map(cost).sum();
    if units <= single {
        return Size {
            alphabet,
            units,
            parts: units.min(1),
        };
    }
    let (mut parts, mut filled) = (1, 0);
    for cost in text.chars().map(cost) {
        if filled + cost > part {
            (parts, filled) = (parts + 1, 0);
        }
        filled += cost;
    }
    Size {
        alphabet,
        units,
        parts,
    }
}

/// A text in the parts that [`size`] counts, in order, each to be sent with the header that joins
/// them; one, and perhaps an empty one, when it fits.
pub fn pieces(text: &str) -> Vec<String> {
    let Size {
        alphabet, parts, ..
    } = size(text);
    if parts <= 1 {
        return vec![text.to_owned()];
    }
    let (cost, most): (fn(char) -> usize, usize) = match alphabet {
        Alphabet::Gsm7 => (|c| septets(c).unwrap_or(1), 153),
        Alphabet::Ucs2 => (char::len_utf16, 67),
    };
    let (mut pieces, mut piece, mut filled) = (Vec::with_capacity(parts), String::new(), 0);
    for c in text.chars() {
        if filled + cost(c) > most {
            pieces.push(std::mem::take(&mut piece));
            filled = 0;
        }
        filled += cost(c);
        piece.push(c);
    }
    pieces.push(piece);
    pieces
}

/// What stands where something was cut off; part of every limit.
pub const DOTS: &str = "...";

/// The text, cut to so many characters at the end of a word if it is longer, dots included.
pub fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let room = characters.saturating_sub(DOTS.len());
    let end = text
        .char_indices()
        .nth(room)
        .map_or(text.len(), |(at, _)| at);
    let whole = text[end..].starts_with(char::is_whitespace);
    let head = &text[..end];
    let word = if whole {
        head.len()
    } else {
        head.rfind(char::is_whitespace).unwrap_or(end)
    };
    // A single long word is cut inside rather than lost.
    let kept =
        head[..word].trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':'));
    let kept = if kept.is_empty() { head } else { kept };
    let dots = &DOTS[..DOTS.len().min(characters)];
    format!("{kept}{dots}")
}

/// The text, cut to so many SMS at the end of a word if it needs more.
pub fn cut_to_parts(text: &str, parts: usize) -> String {
    if size(text).parts <= parts {
        return text.to_owned();
    }
    let (mut low, mut high) = (0, text.chars().count());
    while low < high {
        let middle = (low + high).div_ceil(2);
        if size(&cut(text, middle)).parts <= parts {
            low = middle
        } else {
            high = middle - 1
        }
    }
    cut(text, low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_at_the_edges() {
        use Alphabet::{Gsm7, Ucs2};
        for (text, alphabet, units, parts) in [
            (String::new(), Gsm7, 0, 0),
            ("a".repeat(160), Gsm7, 160, 1),
            ("a".repeat(161), Gsm7, 161, 2),
            ("a".repeat(306), Gsm7, 306, 2),
            ("a".repeat(307), Gsm7, 307, 3),
            ("[".repeat(80), Gsm7, 160, 1),
            ("[".repeat(81), Gsm7, 162, 2),
            // 153 is odd: a bracket's two septets stay together.
            ("[".repeat(153), Gsm7, 306, 3),
            ("é€".to_owned(), Gsm7, 3, 1),
            ("ć".repeat(70), Ucs2, 70, 1),
            ("ć".repeat(71), Ucs2, 71, 2),
            ("😀".repeat(35), Ucs2, 70, 1),
            ("😀".repeat(67), Ucs2, 134, 3),
        ] {
            assert_eq!(
                size(&text),
                Size {
                    alphabet,
                    units,
                    parts
                },
                "{text}"
            );
        }
    }

    #[test]
    fn a_cut_ends_at_a_word() {
        for (text, limit, want) in [
            ("satu dua tiga", 13, "satu dua tiga"),
            ("satu dua tiga", 12, "satu dua..."),
            ("satu dua tiga", 11, "satu dua..."),
            ("satu, dua", 8, "satu..."),
            ("satu; dua tiga", 8, "satu..."),
            ("kependudukan", 8, "kepen..."),
            ("abcd", 2, ".."),
            ("", 5, ""),
        ] {
            assert_eq!(cut(text, limit), want, "{text} {limit}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_keeps_its_limits(
            text in "\\PC{0,400}|[a-z \\[\\]]{0,700}",
            limit in 0usize..320,
            parts in 1usize..4,
        ) {
            prop_assert!(cut(&text, limit).chars().count() <= limit);
            let short = cut_to_parts(&text, parts);
            prop_assert!(size(&short).parts <= parts);
            if size(&text).parts <= parts { prop_assert_eq!(short, text); }
        }
    }
}
