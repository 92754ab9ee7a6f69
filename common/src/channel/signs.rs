//! What a network's own words mean to us.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a status of a hand-over means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Taken.
    Sent,
    /// Refused for good; the receiver's next address is tried.
    Refused,
    /// Not taken: we are too fast. Costs no attempt.
    Slow,
    /// Not taken; may work later.
    Later,
    /// The network itself cannot be used now: receiving stops until it can. Costs no attempt.
    Away,
    /// Nobody knows.
    Unknown,
}

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// On its way.
    Pending,
    /// In the receiver's hands.
    Delivered,
    /// The receiver has read it.
    Read,
    /// It will not arrive.
    Failed,
}

impl Heard {
    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }
}

/// `[signs]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signs {
    /// Statuses of a hand-over, as the network writes them.
    pub status: BTreeMap<String, Sign>,
    /// A status that is not named; absent: `later`.
    pub other_status: Option<Sign>,
    /// States of receipts, in capital letters.
    pub receipt: BTreeMap<String, Heard>,
}

impl Signs {
    /// What a status means.
    pub fn of(&self, status: &str) -> Sign {
        let known = self.status.get(status).copied();
        known.or(self.other_status).unwrap_or(Sign::Later)
    }

    /// What an HTTP answer means, by the first of its words (the provider's own, then `http 429`)
    /// that the file names. An answer that nobody named is read as RFC 9110, section 15 means it: only
    /// what cannot have been taken counts as not taken.
    pub fn of_http(&self, http: u16, words: &[String]) -> (Sign, String) {
        let own = format!("http {http}");
        let named = words.iter().chain([&own]);
        for word in named {
            if let Some(sign) = self.status.get(word) {
                return (*sign, word.clone());
            }
        }
        let sign = match http {
            429 => Sign::Slow,
            408 | 425 | 503 => Sign::Later,
            300..=399 | 401 | 403 | 407 => Sign::Away,
            400..=499 => self.other_status.unwrap_or(Sign::Later),
            // Taken or not: 2xx with a word that nobody named, or a server that broke down over it.
            200..=299 => self.other_status.unwrap_or(Sign::Unknown),
            _ => Sign::Unknown,
        };
        (sign, words.first().cloned().unwrap_or(own))
    }

    /// What a receipt's state means; `None` for one that nobody named.
    pub fn heard(&self, state: &str) -> Option<Heard> {
        self.receipt.get(&state.to_uppercase()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_means_what_the_file_says_and_else_what_is_certain() {
        let signs = Signs {
            status: [
                ("0", Sign::Sent),
                ("9", Sign::Away),
                ("http 409", Sign::Refused),
            ]
            .map(|(word, sign)| (word.to_owned(), sign))
            .into(),
            ..Signs::default()
        };
        for (http, word, want) in [
            (200, "0", Sign::Sent),
            (200, "9", Sign::Away),
            (200, "17", Sign::Unknown),
            (200, "", Sign::Unknown),
            (409, "17", Sign::Refused),
            (429, "17", Sign::Slow),
            (503, "", Sign::Later),
            (401, "", Sign::Away),
            (302, "", Sign::Away),
            (400, "17", Sign::Later),
            (500, "", Sign::Unknown),
            (504, "", Sign::Unknown),
        ] {
            let words: Vec<String> = [word.to_owned()]
                .into_iter()
                .filter(|w| !w.is_empty())
                .collect();
            assert_eq!(signs.of_http(http, &words).0, want, "http {http} {word:?}");
        }
        assert_eq!(signs.of_http(500, &[]).1, "http 500");
    }
}
