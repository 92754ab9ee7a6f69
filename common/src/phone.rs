//! Telephone numbers in one canonical form: `+` and digits only (E.164), so that the number a
//! network reports, the one an officer types and the one in a workbook are the same string.

use std::fmt;
use std::ops::RangeInclusive;

/// How numbers are written in a country, as the settings say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbering {
    /// The country calling code, digits only: `engine.country_code`.
    pub country: String,
    /// What mobile numbers begin with behind the country code; empty: nothing tells them apart:
    /// `engine.mobile_prefix`.
    pub mobile: String,
}

impl Default for Numbering {
    /// That of the default settings.
    fn default() -> Self {
        crate::config::Engine::default().numbering()
    }
}

impl Numbering {
    /// Whether this number, as it is dialled in the country with a nought, is a mobile one, of a length that networks
    /// give out. False for all where nothing tells them apart.
    pub fn is_mobile(&self, dialled: &str) -> bool {
        let Some(rest) = dialled.strip_prefix('0') else {
            return false;
        };
        let known = DIALLED.iter().find(|d| d.0 == self.country);
        let fits = match known {
            Some((_, lengths)) => lengths.contains(&dialled.len()),
            None => canonical(dialled, &self.country).is_ok(),
        };
        !self.mobile.is_empty() && rest.starts_with(&self.mobile) && fits
    }
}

/// Digits of mobile numbers as they are dialled, nought included, by calling code (Indonesia: the numbering plan of its
/// regulator, as networks give out). Elsewhere whatever E.164 allows.
const DIALLED: &[(&str, RangeInclusive<usize>)] = &[("62", 10..=13)];

/// Digits of the longest number, country code included (ITU-T E.164, section 6).
const LONGEST: usize = 15;

/// Digits of the shortest number we believe, country code included. E.164 names no minimum;
/// Indonesian short codes and emergency numbers are below this, subscriber numbers above.
const SHORTEST: usize = 9;

/// Why a text is no telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneFault {
    /// Letters, a `+` inside, or nothing at all.
    #[error("not a telephone number: only digits, blanks and - . / ( ), with one + in front")]
    NotANumber,
    /// Neither `+`, `00`, `0` nor the country's own code at the start.
    #[error("the number starts neither with 0 nor with a country code and +")]
    NoPrefix,
    /// Too few or too many digits.
    #[error("a telephone number has {SHORTEST} to {LONGEST} digits with its country code")]
    Length,
}

/// The canonical form of a number as people write it: `081234567890`, `+62 812-3456-7890`,
/// `62812...` and `0062812...` all give `+6281234567890`. A number without a country code
/// belongs to `country` (digits only, `62` say).
pub fn canonical(text: &str, country: &str) -> Result<String, PhoneFault> {
    let (plus, digits) = digits(text)?;
    let full = if plus {
        digits
    } else if let Some(rest) = digits.strip_prefix("00") {
        rest.to_owned()
    } else if let Some(rest) = digits.strip_prefix('0') {
        format!("{country}{rest}")
    } else if digits.starts_with(country) {
        digits
    } else {
        return Err(PhoneFault::NoPrefix);
    };
    // "+62 (0)812" is how some address books print it: the 0 is only dialled inside the country.
    let full = match full
        .strip_prefix(country)
        .and_then(|rest| rest.strip_prefix('0'))
    {
        Some(rest) => format!("{country}{rest}"),
        None => full,
    };
    let sound = (SHORTEST..=LONGEST).contains(&full.len()) && !full.starts_with('0');
    if sound {
        Ok(format!("+{full}"))
    } else {
        Err(PhoneFault::Length)
    }
}

/// A number as it is dialled in its country, digits only: `081234567890`. One of another country, and
/// what is no telephone number, is its digits as they stand.
pub fn dialled(text: &str, country: &str) -> String {
    let full = canonical(text, country).unwrap_or_else(|_| text.to_owned());
    let digits = full.trim_start_matches('+');
    match digits.strip_prefix(country) {
        Some(rest) if full.starts_with('+') => format!("0{rest}"),
        _ => digits.to_owned(),
    }
}

/// Whether a `+` came first, and the digits alone.
fn digits(text: &str) -> Result<(bool, String), PhoneFault> {
    let text = text.trim();
    let (plus, rest) = match text.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let separator = |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '/' | '(' | ')');
    let digits: String = rest.chars().filter(|c| !separator(*c)).collect();
    let clean = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if clean {
        Ok((plus, digits))
    } else {
        Err(PhoneFault::NotANumber)
    }
}

/// A number for logs and operators' screens: the country code and the last two digits only.
pub struct Masked<'a>(pub &'a str);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, len) = (self.0, self.0.len());
        match (number.is_ascii(), len > 6) {
            (true, true) => write!(f, "{}...{}", &number[..3], &number[len - 2..]),
            _ => f.write_str("..."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDONESIA: &str = "62";

    #[test]
    fn a_mobile_number_is_known_by_what_it_begins_with_and_its_length() {
        let of = |country: &str, mobile: &str| Numbering {
            country: country.into(),
            mobile: mobile.into(),
        };
        for (numbering, dialled, want) in [
            (of("62", "8"), "081234567890", true),
            (of("62", "8"), "08123456", false),
            (of("62", "8"), "08123456789012", false),
            (of("62", "8"), "0215551234", false),
            (of("62", "8"), "7204012345678901", false),
            (of("62", ""), "081234567890", false),
            (of("670", "7"), "077123456", true),
            (of("670", "7"), "07712", false),
            (of("670", "7"), "081234567", false),
        ] {
            assert_eq!(
                numbering.is_mobile(dialled),
                want,
                "{numbering:?} {dialled}"
            );
        }
    }

    #[test]
    fn a_number_is_dialled_with_a_nought() {
        for (text, want) in [
            ("081234567890", "081234567890"),
            ("+6281234567890", "081234567890"),
            ("6281234567890", "081234567890"),
            ("+4915112345678", "4915112345678"),
            ("7890", "7890"),
            ("3174012345678901", "3174012345678901"),
        ] {
            assert_eq!(dialled(text, "62"), want, "{text}");
        }
    }
    use proptest::prelude::*;

    #[test]
    fn every_spelling_gives_one_number() {
        for text in [
            "081234567890",
            "+6281234567890",
            "+62 812-3456-7890",
            "6281234567890",
            "006281234567890",
            " (0812) 3456.7890 ",
            "+62 (0)812 3456 7890",
        ] {
            assert_eq!(
                canonical(text, INDONESIA).as_deref(),
                Ok("+6281234567890"),
                "{text}"
            );
        }
        assert_eq!(
            canonical("0171 1234567", "49").as_deref(),
            Ok("+491711234567")
        );
        assert_eq!(
            canonical("+49 171 1234567", INDONESIA).as_deref(),
            Ok("+491711234567")
        );
    }

    #[test]
    fn rubbish_is_refused_with_its_reason() {
        for (text, fault) in [
            ("", PhoneFault::NotANumber),
            ("+", PhoneFault::NotANumber),
            ("0812abc4567", PhoneFault::NotANumber),
            ("62+81234567", PhoneFault::NotANumber),
            ("81234567890", PhoneFault::NoPrefix),
            ("0812", PhoneFault::Length),
            ("+628123456789012345", PhoneFault::Length),
            ("000081234567", PhoneFault::Length),
        ] {
            assert_eq!(canonical(text, INDONESIA), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_masked_number_cannot_be_dialled() {
        assert_eq!(Masked("+6281234567890").to_string(), "+62...90");
        assert_eq!(Masked("123").to_string(), "...");
    }

    proptest! {
        #[test]
        fn canonical_twice_is_canonical_once(text in "\\+?[0-9 ()./-]{0,24}|\\PC{0,24}") {
            if let Ok(number) = canonical(&text, INDONESIA) {
                prop_assert_eq!(canonical(&number, INDONESIA), Ok(number.clone()));
                prop_assert!(number[1..].bytes().all(|b| b.is_ascii_digit()));
            }
        }

        #[test]
        fn national_and_international_spelling_agree(rest in "[1-9][0-9]{7,11}") {
            let national = canonical(&format!("0{rest}"), INDONESIA);
            prop_assert!(national.is_ok());
            prop_assert_eq!(canonical(&format!("+62{rest}"), INDONESIA), national);
        }
    }
}
