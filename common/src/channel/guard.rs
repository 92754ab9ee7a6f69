//! What a channel neither takes nor sends: short codes, operators, loops.

use serde::Deserialize;

/// `[guard]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// Addresses with fewer digits are operators' short codes; 0: none are.
    pub shortest: usize,
    /// Addresses with letters are advertisers.
    pub letters: bool,
    /// Addresses that begin like this, as the network writes them.
    pub deny: Vec<String>,
    /// The same text goes to one receiver at most so many times within `within_s`; 0: always.
    pub repeats: u32,
    /// So many answers at most go to one receiver within `within_s`; 0: all. Two robots stop here.
    pub answers: u32,
    /// In seconds.
    pub within_s: u32,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            shortest: 0,
            letters: true,
            deny: Vec::new(),
            repeats: 5,
            answers: 200,
            within_s: 3600,
        }
    }
}

/// Why something was stopped; a short stable name for counters and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The address is on the deny list.
    Denied,
    /// The same text went there too often.
    Repeated,
    /// Too many answers went there.
    Loop,
}

impl Stopped {
    /// As counted and stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Repeated => "repeated",
            Self::Loop => "loop",
        }
    }
}

impl Guard {
    /// Whether nothing is taken from this address and nothing sent there. `phones`: only then
    /// digits and letters say anything.
    pub fn denies(&self, address: &str, phones: bool) -> bool {
        let digits = address.chars().filter(char::is_ascii_digit).count();
        let letters = address.chars().any(char::is_alphabetic);
        let odd = phones && ((self.letters && letters) || digits < self.shortest);
        odd || self
            .deny
            .iter()
            .any(|start| address.starts_with(start.as_str()))
    }

    /// Whether this many earlier ones are enough: `same` of the same text, `answers` in all.
    pub fn stops(&self, same: i64, answers: i64) -> Option<Stopped> {
        let reached = |most: u32, seen: i64| most > 0 && seen >= i64::from(most);
        if reached(self.repeats, same) {
            return Some(Stopped::Repeated);
        }
        reached(self.answers, answers).then_some(Stopped::Loop)
    }
}
