//! Which addresses we write to: plain ASCII ones of the kind that people have. What is refused
//! here could be read as two addresses, as a header or as a command of SMTP.

/// Why an address cannot be written to. Names the fault and never the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// There is no `@`, or more than one.
    #[error("it needs exactly one @")]
    At,
    /// RFC 5321, section 4.5.3.1: 64 in front of the `@`, 254 in all.
    #[error("it is too long")]
    Long,
    /// Left of the `@`.
    #[error("what stands in front of the @ has letters that mail does not carry")]
    Local,
    /// Right of the `@`.
    #[error("what stands behind the @ is not the name of a mail domain")]
    Domain,
}

/// The address itself when it can be written to.
pub fn checked(address: &str) -> Result<&str, BadAddress> {
    let (local, domain) = address.split_once('@').ok_or(BadAddress::At)?;
    if domain.contains('@') {
        return Err(BadAddress::At);
    }
    if local.len() > 64 || address.len() > 254 {
        return Err(BadAddress::Long);
    }
    if !local.split('.').all(is_atom) {
        return Err(BadAddress::Local);
    }
    if !domain.split('.').all(is_label) {
        return Err(BadAddress::Domain);
    }
    Ok(address)
}

/// RFC 5322, section 3.2.3. Quoted local parts are legal and nobody has one.
fn is_atom(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
}

/// RFC 1123, section 2.1, with the underscore that some hosts have.
fn is_label(part: &str) -> bool {
    (1..=63).contains(&part.len())
        && !part.starts_with('-')
        && !part.ends_with('-')
        && part
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_have_pass() {
        for address in [
            "wayan@dinas.example",
            "siti.nur+lapangan@example.co.id",
            "x@localhost",
            "o'brien@sub-domain.example",
        ] {
            assert_eq!(checked(address), Ok(address));
        }
    }

    #[test]
    fn what_could_be_read_otherwise_is_refused() {
        let long = format!("{}@example.org", "x".repeat(65));
        for (address, fault) in [
            ("", BadAddress::At),
            ("wayan", BadAddress::At),
            ("a@b@example.org", BadAddress::At),
            (long.as_str(), BadAddress::Long),
            ("a b@example.org", BadAddress::Local),
            ("a\r\nBcc: x@example.org", BadAddress::Local),
            ("a@example.org\r\nBcc: x", BadAddress::Domain),
            ("<a@example.org>", BadAddress::Local),
            ("a,b@example.org", BadAddress::Local),
            (".a@example.org", BadAddress::Local),
            ("a@", BadAddress::Domain),
            ("a@-x.example", BadAddress::Domain),
            ("a@example..org", BadAddress::Domain),
            ("petani@désa.example", BadAddress::Domain),
        ] {
            assert_eq!(checked(address), Err(fault), "{address:?}");
        }
    }
}
