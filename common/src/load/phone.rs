//! Phone numbers as spreadsheets leave them: what a program did to a number is undone here, all
//! else is [`crate::phone`]'s.

use crate::phone::{self, Numbering};

/// Why a cell is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPhone {
    /// `8.12346E+10`: a spreadsheet took it for a number and dropped digits.
    Rounded,
    /// Anything else.
    Unfit,
}

/// `0812-3456-7890`, `62 812 3456 7890` and `+6281234567890` are one number. A number that begins as mobile numbers
/// do lost its zero in a spreadsheet; an apostrophe in front kept another from losing it. Numbers of other countries need
/// their `+`.
pub(super) fn canonical(text: &str, numbering: &Numbering) -> Result<String, NoPhone> {
    if text.contains(['E', 'e']) && text.contains('+') {
        return Err(NoPhone::Rounded);
    }
    let typed = text.replace('\'', "");
    let typed = typed.trim();
    let lost = !numbering.mobile.is_empty() && typed.starts_with(&numbering.mobile);
    let whole = if lost {
        format!("0{typed}")
    } else {
        typed.to_owned()
    };
    phone::canonical(&whole, &numbering.country).map_err(|_| NoPhone::Unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<String, NoPhone> {
        super::canonical(text, &Numbering::default())
    }

    #[test]
    fn another_country_has_its_own_numbers() {
        let timor = Numbering {
            country: "670".into(),
            mobile: "7".into(),
        };
        for text in ["077123456", "77123456", "670 77 123 456", "+67077123456"] {
            let found = super::canonical(text, &timor);
            assert_eq!(found.as_deref(), Ok("+67077123456"), "{text}");
        }
        assert_eq!(super::canonical("812345678", &timor), Err(NoPhone::Unfit));
        let none = Numbering {
            mobile: String::new(),
            ..timor
        };
        assert_eq!(super::canonical("77123456", &none), Err(NoPhone::Unfit));
    }

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
            let engines = phone::canonical(text, "62").ok();
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
