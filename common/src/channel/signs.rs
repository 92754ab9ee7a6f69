//! What a network's own words mean to us.

use serde::Deserialize;
use std::collections::BTreeMap;

/// What a status of a hand-over means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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

    /// What a receipt's state means; `None` for one that nobody named.
    pub fn heard(&self, state: &str) -> Option<Heard> {
        self.receipt.get(&state.to_uppercase()).copied()
    }
}
