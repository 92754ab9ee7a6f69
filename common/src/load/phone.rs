//! Phone numbers as spreadsheets leave them: what a program did to a number is undone here, all
//! else is [`crate::phone`]'s.

use crate::phone::{self, INDONESIA};

/// Why a cell is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPhone {
    /// `8.12346E+10`: a spreadsheet took it for a number and dropped digits.
    Rounded,
    /// Anything else.
    Unfit,
}

/// `0812-3456-7890`, `62 812 3456 7890` and `+6281234567890` are one number. A number that begins with 8 lost its
/// zero in a spreadsheet; an apostrophe in front kept another from losing it. Numbers of other countries need
/// their `+`.
pub(super) fn canonical(text: &str) -> Result<String, NoPhone> {
    if text.contains(['E', 'e']) && text.contains('+') {
        return Err(NoPhone::Rounded);
    }
    let typed = text.replace('\'', "");
    let typed = typed.trim();
    let whole = match typed.strip_prefix('8') {
        Some(rest) => format!("08{rest}"),
        None => typed.to_owned(),
    };
    phone::canonical(&whole, INDONESIA).map_err(|_| NoPhone::Unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_form() {
        for text in [
            "081234567890",
            "'081234567890",
            "0812-3456-7890",
            "62 812 3456 7890",
            "+62 (812) 3456.7890",
            "+62 (0)812 3456 7890",
            "0062 812 3456\u{a0}7890",
            "81234567890",
            "812 3456 7890",
        ] {
            assert_eq!(canonical(text).as_deref(), Ok("+6281234567890"), "{text}");
        }
        assert_eq!(canonical("+61 412 345 678").as_deref(), Ok("+61412345678"));
    }

    /// A number that a file brings is the one that a message from it finds.
    #[test]
    fn the_loader_and_the_engine_agree() {
        for text in [
            "081234567890",
            "021 555 1234",
            "+62 812/3456/7890",
            "0812",
            "+0812345678",
        ] {
            let engines = phone::canonical(text, INDONESIA).ok();
            assert_eq!(canonical(text).ok(), engines, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_says_so() {
        assert_eq!(canonical("8.12346E+10"), Err(NoPhone::Rounded));
        for text in [
            "",
            "0812",
            "08123456789012345",
            "021x5551234",
            "+0812345678",
            "ani",
            "12345678",
        ] {
            assert_eq!(canonical(text), Err(NoPhone::Unfit), "{text}");
        }
    }
}
