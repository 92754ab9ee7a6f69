//! `[[case]]`: rows that prove a channel file.

use super::{Channel, Heard, Sign};
use serde::Deserialize;

/// One row. It asks one thing and says what must come out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Case {
    /// Is this address denied?
    From {
        /// As the network writes it.
        from: String,
        /// Expected.
        denied: bool,
    },
    /// What does this status mean?
    Status {
        /// As the network writes it.
        status: String,
        /// Expected.
        means: Sign,
    },
    /// What does this receipt mean?
    Receipt {
        /// As the network writes it.
        receipt: String,
        /// Expected.
        means: Heard,
    },
    /// In how many pieces does this text travel?
    Text {
        /// What goes out.
        text: String,
        /// Repeated so many times.
        #[serde(default = "once")]
        times: usize,
        /// Expected.
        pieces: usize,
    },
    /// What does this request or answer of the provider say? Proven by the adapter.
    Exchange {
        /// Its body, as the provider sends it.
        body: String,
        /// Its HTTP status, where it is an answer.
        #[serde(default)]
        http: Option<u16>,
        /// What must be read in it, by the adapter's own keys.
        reads: toml::Table,
    },
}

fn once() -> usize {
    1
}

impl Channel {
    /// Whether the network's addresses are telephone numbers.
    pub fn phones(&self) -> bool {
        self.address == "phone"
    }

    /// What is wrong with each case that does not hold. [`Case::Exchange`] is the adapter's.
    pub fn disproved(&self) -> Vec<String> {
        self.cases
            .iter()
            .filter_map(|case| self.disproves(case))
            .collect()
    }

    fn disproves(&self, case: &Case) -> Option<String> {
        let (asked, got, want) = match case {
            Case::From { from, denied } => {
                let got = self.guard.denies(from, self.phones());
                (
                    format!("from {from:?}: denied"),
                    got.to_string(),
                    denied.to_string(),
                )
            }
            Case::Status { status, means } => {
                let got = self.signs.of(status);
                (
                    format!("status {status:?}"),
                    format!("{got:?}"),
                    format!("{means:?}"),
                )
            }
            Case::Receipt { receipt, means } => {
                let got = self.signs.heard(receipt);
                (
                    format!("receipt {receipt:?}"),
                    format!("{got:?}"),
                    format!("{:?}", Some(means)),
                )
            }
            Case::Text {
                text,
                times,
                pieces,
            } => {
                let got = self.length.pieces(&text.repeat(*times)).len();
                (
                    format!("text {text:?}: pieces"),
                    got.to_string(),
                    pieces.to_string(),
                )
            }
            Case::Exchange { .. } => return None,
        };
        (got != want).then(|| format!("{asked} is {got}, and its case says {want}"))
    }
}
