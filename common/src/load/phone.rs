//! Phone numbers as people write them in a list, made canonical: `+62` and digits.

/// Why a cell is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPhone {
    /// `8.12346E+10`: a spreadsheet took it for a number and dropped digits.
    Rounded,
    /// Anything else.
    Unfit,
}

/// `0812-3456-7890`, `62 812 3456 7890` and `+6281234567890` are one number. A number that begins with 8 lost its
/// zero in a spreadsheet. Numbers of other countries need their `+`.
pub(super) fn canonical(text: &str) -> Result<String, NoPhone> {
    if text.contains(['E', 'e']) && text.contains('+') {
        return Err(NoPhone::Rounded);
    }
    let plain: String = text
        .chars()
        .filter(|c| !" -.()\u{a0}'".contains(*c))
        .collect();
    let digits = match plain.as_bytes() {
        [b'+', ..] => plain[1..].to_owned(),
        [b'6', b'2', ..] => plain,
        [b'0', b'8', ..] => format!("62{}", &plain[1..]),
        [b'8', ..] => format!("62{plain}"),
        _ => return Err(NoPhone::Unfit),
    };
    let fits = digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
        && (8..=15).contains(&digits.len());
    if fits {
        Ok(format!("+{digits}"))
    } else {
        Err(NoPhone::Unfit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_form() {
        for text in [
            "081234567890",
            "0812-3456-7890",
            "62 812 3456 7890",
            "+62 (812) 3456.7890",
            "81234567890",
        ] {
            assert_eq!(canonical(text).as_deref(), Ok("+6281234567890"), "{text}");
        }
        assert_eq!(canonical("+61 412 345 678").as_deref(), Ok("+61412345678"));
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
