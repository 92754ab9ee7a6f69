//! XFORWARD, by which Postfix tells what it knows of the machine that it had the mail from
//! (postfix.org, XFORWARD_README).

/// What is announced: the names that Postfix sends then.
pub const NAMES: &str = "NAME ADDR PORT PROTO HELO IDENT SOURCE";

/// What SPF needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub address: Option<String>,
    /// What it called itself.
    pub helo: Option<String>,
}

impl Client {
    /// Takes what stands behind XFORWARD; `false` when that is not `NAME=value ...`. A name that
    /// comes again, in a second line, replaces.
    pub fn learn(&mut self, attributes: &str) -> bool {
        let mut any = false;
        for attribute in attributes.split_ascii_whitespace() {
            let Some((name, value)) = attribute.split_once('=') else {
                return false;
            };
            any = true;
            let value = known(value);
            match name.to_ascii_uppercase().as_str() {
                "ADDR" => self.address = value.map(|v| without_family(&v)),
                "HELO" => self.helo = value,
                _ => {}
            }
        }
        any
    }
}

/// What Postfix does not know, or not now, it says in brackets.
fn known(value: &str) -> Option<String> {
    let value = decoded(value);
    let unknown = ["[UNAVAILABLE]", "[TEMPUNAVAIL]"].contains(&value.as_str());
    (!unknown && !value.is_empty()).then_some(value)
}

fn without_family(address: &str) -> String {
    match address.get(..5) {
        Some(family) if family.eq_ignore_ascii_case("IPV6:") => address[5..].to_owned(),
        _ => address.to_owned(),
    }
}

/// xtext (RFC 3461, section 4): `+2B` is a plus sign.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = (byte == b'+')
            .then(|| after.get(..2).and_then(hex))
            .flatten();
        bytes.push(hex.unwrap_or(byte));
        rest = if hex.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |b: &u8| {
        char::from(*b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    match digits {
        [high, low] => Some(digit(high)? * 16 + digit(low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(lines: &[&str]) -> Client {
        let mut client = Client::default();
        for line in lines {
            assert!(client.learn(line), "{line}");
        }
        client
    }

    #[test]
    fn address_and_name_are_taken_and_the_rest_is_passed_over() {
        let lines = [
            "NAME=mail.example.org ADDR=192.0.2.7 PORT=4711",
            "PROTO=ESMTP HELO=mail.exa+2Bmple.org SOURCE=REMOTE NEW=1",
        ];
        let client = learned(&lines);
        assert_eq!(client.address.as_deref(), Some("192.0.2.7"));
        assert_eq!(client.helo.as_deref(), Some("mail.exa+mple.org"));
        let six = learned(&["ADDR=IPv6:2001:db8::1"]);
        assert_eq!(six.address.as_deref(), Some("2001:db8::1"));
    }

    #[test]
    fn what_postfix_does_not_know_is_absent() {
        let client = learned(&["ADDR=[UNAVAILABLE] HELO=[TEMPUNAVAIL]"]);
        assert_eq!(client, Client::default());
        let again = learned(&["HELO=a", "HELO=[UNAVAILABLE]"]);
        assert_eq!(again.helo, None);
    }

    #[test]
    fn odd_lines_are_refused_and_odd_values_kept() {
        for odd in ["", "ADDR", "ADDR 192.0.2.7"] {
            assert!(!Client::default().learn(odd), "{odd:?}");
        }
        assert_eq!(learned(&["HELO=a+"]).helo.as_deref(), Some("a+"));
        assert_eq!(learned(&["HELO=a+zz"]).helo.as_deref(), Some("a+zz"));
        assert_eq!(learned(&["HELO=+C3+A9"]).helo.as_deref(), Some("é"));
    }
}
