//! Any provider with an HTTP interface, by description: how a text is handed over, how its answer is
//! read, and how what people send and what became of texts comes in. All of it is pure: the bridge
//! does the talking. `docs/adding-a-channel.md` explains every key.

mod answer;
mod document;
mod hook;
mod proof;
mod request;
mod template;

pub use answer::Answer;
pub use document::Format;
pub(super) use hook::with_plus;
pub use hook::{Hook, Thanks};
pub use proof::{Asked, Check, Coding, Digest, Mac, Proven, constant_eq};
pub use request::{Authorization, Request, Written};
pub use template::{Fill, Template};

use serde::Deserialize;
use std::collections::BTreeMap;

/// `[settings]` of a channel whose adapter is `http`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// How a text is handed over.
    pub request: Request,
    /// How the provider's answer is read.
    #[serde(default)]
    pub answer: Answer,
    /// How texts and receipts come in, at `/<channel>` of `bridge.listen`; absent: they do not.
    pub webhook: Option<Hook>,
    /// Longest wait for an answer; then nobody knows whether the text was taken. Less than
    /// `worth.limit_s`, which ends the wait too.
    #[serde(default = "half_a_minute")]
    pub timeout_s: u64,
}

/// Secrets by the names that the channel file uses.
pub type Secrets = BTreeMap<String, String>;

fn half_a_minute() -> u64 {
    30
}

impl Http {
    /// The names of all secrets that the description uses.
    pub fn secrets(&self) -> Vec<String> {
        let mut names = self.request.secrets();
        names.extend(self.webhook.iter().flat_map(Hook::secrets));
        names
    }

    /// What cannot work, with its key.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.request.faults();
        faults.extend(self.answer.faults());
        faults.extend(self.webhook.iter().flat_map(Hook::faults));
        if self.timeout_s == 0 {
            faults.push("`settings.timeout_s`: must be 1 or more".to_owned());
        }
        faults
    }
}

#[cfg(test)]
mod tests;
