//! `[settings]` of a channel that speaks SMPP.

use common::{Failure, Result};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// As the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `smpp://host:port`, or `smpps://host:port` with TLS.
    pub endpoint: String,
    /// A file with the certificates (PEM) that the gateway's must come from; absent: the system's.
    pub ca: Option<PathBuf>,
    /// One connection for both ways, or one for each.
    #[serde(default)]
    pub bind: Bind,
    /// Who we are.
    pub system_id: String,
    /// Name of the secret; the secret has 8 characters at most (SMPP 3.4, section 4.1.1).
    pub password: String,
    /// What the provider asks for here, mostly nothing.
    #[serde(default)]
    pub system_type: String,
    /// Addresses whose texts we want, mostly nothing: all of ours.
    #[serde(default)]
    pub address_range: String,
    /// What receivers see as the sender; empty: what the provider puts in.
    #[serde(default)]
    pub source: String,
    /// The kind of the source; absent: 5 with letters in it, else 0 (SMPP 3.4, section 5.2.5).
    pub source_ton: Option<u8>,
    /// Its numbering plan (SMPP 3.4, section 5.2.6).
    #[serde(default)]
    pub source_npi: u8,
    /// The kind of the receivers' numbers: 1 is international, as we write them.
    #[serde(default = "one")]
    pub dest_ton: u8,
    /// Their numbering plan: 1 is ISDN.
    #[serde(default = "one")]
    pub dest_npi: u8,
    /// Whether the provider wants a `+` before them.
    #[serde(default)]
    pub plus: bool,
    /// What the provider asks for here, mostly nothing.
    #[serde(default)]
    pub service_type: String,
    /// What the gateway takes its default alphabet (data coding 0) for.
    #[serde(default)]
    pub alphabet: DefaultAlphabet,
    /// How parts of a long text are marked.
    #[serde(default)]
    pub join: Join,
    /// Whether receipts are asked for.
    #[serde(default = "yes")]
    pub receipts: bool,
    /// How receipts write the ids that the gateway gave.
    #[serde(default)]
    pub receipt_ids: Ids,
    /// A silent connection is tried so often. Long ones are found broken late.
    #[serde(default = "half_a_minute")]
    pub enquire_s: u64,
    /// The gateway answers within so many seconds; after that nobody knows what became of a text.
    #[serde(default = "half_a_minute")]
    pub answer_s: u64,
}

/// How we are connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bind {
    /// One connection for both ways.
    #[default]
    Transceiver,
    /// A transmitter and a receiver.
    Pair,
}

/// Data coding 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultAlphabet {
    /// GSM 7-bit, an octet for each septet.
    #[default]
    Gsm7,
    /// ISO 8859-1; what it has not goes out as UCS-2.
    Latin1,
}

/// What joins parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// A user data header with a reference of 8 bits.
    #[default]
    Udh8,
    /// The same with 16 bits.
    Udh16,
    /// The `sar_` parameters.
    Sar,
}

/// The dialect of ids in receipts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ids {
    /// As the gateway gave them.
    #[default]
    Same,
    /// It gives hexadecimal ones, and receipts have them in decimals.
    Decimal,
    /// It gives decimal ones, and receipts have them in hexadecimals.
    Hex,
}

/// A key, its value, and how long that may be.
type Field = (&'static str, fn(&Settings) -> &str, usize);

/// The longest that fits into each field, without its closing zero (SMPP 3.4, section 4.1.1; 5.2.11).
const LONGEST: [Field; 5] = [
    ("system_id", |s| &s.system_id, 15),
    ("system_type", |s| &s.system_type, 12),
    ("address_range", |s| &s.address_range, 40),
    ("source", |s| &s.source, 20),
    ("service_type", |s| &s.service_type, 5),
];

/// Longest password (SMPP 3.4, section 4.1.1).
const PASSWORD: usize = 8;

impl Settings {
    /// Refuses what cannot be written into SMPP's fields; `channel` names the file.
    pub fn check(&self, channel: &str, password: &str) -> Result {
        let fault = |key: &str, fault: String| {
            let cause = format!("channel file {channel}.toml: [settings]: `{key}`: {fault}");
            Err(Failure::quarantine(cause))
        };
        for (key, value, most) in LONGEST {
            let value = value(self);
            if value.len() > most || !value.is_ascii() {
                return fault(key, format!("at most {most} characters of ASCII"));
            }
        }
        if password.len() > PASSWORD || !password.is_ascii() {
            let what = format!("the secret has at most {PASSWORD} characters of ASCII in SMPP");
            return fault("password", what);
        }
        if self.enquire_s == 0 || self.answer_s == 0 {
            let what = "must be 1 or more, or no connection would last";
            return fault("enquire_s` and `answer_s", what.into());
        }
        Ok(())
    }

    /// The kind of our own address.
    pub fn source_ton(&self) -> u8 {
        const ALPHANUMERIC: u8 = 5;
        let letters = self.source.contains(|c: char| c.is_ascii_alphabetic());
        let by_content = if letters { ALPHANUMERIC } else { 0 };
        self.source_ton.unwrap_or(by_content)
    }

    /// How long an answer is awaited.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.answer_s)
    }
}

impl Ids {
    /// The id of a text as it is kept, from the gateway's answer.
    pub fn given(self, id: &str) -> String {
        match self {
            Self::Same => id.to_owned(),
            Self::Decimal => number(id, 16).map_or_else(|| id.to_owned(), |n| format!("{n:x}")),
            Self::Hex => number(id, 10).map_or_else(|| id.to_owned(), |n| n.to_string()),
        }
    }

    /// The id of the text that a receipt is about, as it is kept.
    pub fn receipted(self, id: &str) -> String {
        match self {
            Self::Same => id.to_owned(),
            Self::Decimal => number(id, 10).map_or_else(|| id.to_owned(), |n| format!("{n:x}")),
            Self::Hex => number(id, 16).map_or_else(|| id.to_owned(), |n| n.to_string()),
        }
    }
}

fn number(id: &str, radix: u32) -> Option<u128> {
    let digits = id.trim_start_matches("0x").trim_start_matches("0X");
    u128::from_str_radix(digits, radix).ok()
}

fn one() -> u8 {
    1
}

fn yes() -> bool {
    true
}

fn half_a_minute() -> u64 {
    30
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Settings with more or other keys.
    pub fn settings(more: &str) -> Settings {
        let least = "endpoint = \"smpp://127.0.0.1:2775\"\nsystem_id = \"us\"\npassword = \"p\"\n";
        toml::from_str(&format!("{least}{more}")).unwrap()
    }

    #[test]
    fn the_shipped_file_has_settings_that_can_be_used() {
        let channel = common::channel::of_installation(None)
            .unwrap()
            .remove("sms");
        let settings: Settings = channel.unwrap().settings.try_into().unwrap();
        settings.check("sms", "12345678").unwrap();
        assert_eq!(settings.patience(), Duration::from_secs(30));
    }

    #[test]
    fn what_does_not_fit_is_a_fault_with_its_key() {
        let long = "x".repeat(41);
        for (more, password, key) in [
            ("source = \"ABCDEFGHIJKLMNOPQRSTU\"", "p", "`source`"),
            ("source = \"Kesehatan 🐄\"", "p", "`source`"),
            (&format!("address_range = {long:?}"), "p", "`address_range`"),
            ("service_type = \"ABCDEF\"", "p", "`service_type`"),
            ("system_type = \"ABCDEFGHIJKLM\"", "p", "`system_type`"),
            ("", "123456789", "`password`"),
            ("enquire_s = 0", "p", "`enquire_s`"),
        ] {
            let cause = settings(more).check("sms", password).unwrap_err().cause;
            assert!(cause.contains(key) && cause.contains("sms.toml"), "{cause}");
            assert!(!cause.contains("123456789"), "a secret stays one");
        }
        settings("source = \"Kentongan\"").check("sms", "").unwrap();
    }

    #[test]
    fn a_name_is_told_from_a_number() {
        assert_eq!(settings("source = \"Kentongan\"").source_ton(), 5);
        assert_eq!(settings("source = \"3949\"").source_ton(), 0);
        assert_eq!(
            settings("source = \"3949\"\nsource_ton = 6").source_ton(),
            6
        );
    }

    #[test]
    fn ids_of_answers_and_receipts_meet() {
        for (ids, given, receipted) in [
            (Ids::Same, "a1B-7", "a1B-7"),
            (Ids::Decimal, "0000A1B2", "41394"),
            (Ids::Decimal, "0xa1b2", "0041394"),
            (Ids::Hex, "0000041394", "A1B2"),
            (Ids::Hex, "41394", "0000a1b2"),
            (Ids::Decimal, "no-number", "no-number"),
            (Ids::Hex, "no-number", "no-number"),
        ] {
            assert_eq!(ids.given(given), ids.receipted(receipted), "{given}");
        }
        assert_ne!(Ids::Same.given("A1"), Ids::Same.receipted("a1"));
    }
}
