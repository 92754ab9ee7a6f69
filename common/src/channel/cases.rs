//! `[[case]]`: rows that prove a channel file.

use super::came::{Answered, Came, missing};
use super::http::Http;
use super::telegram::{self, Telegram};
use super::whatsapp::{self, Whatsapp};
use super::{AdapterKind, Channel, Heard, Sign};
use serde::Deserialize;
use serde::de::DeserializeOwned;

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
    /// What does this request or answer of the provider say?
    Exchange {
        /// Its body, as the provider sends it.
        body: String,
        /// Its HTTP status, where it is an answer.
        #[serde(default)]
        http: Option<u16>,
        /// What must be read in it: of an answer `means`, `status`, `id`, `pause`; of a request
        /// `texts` (`from`, `text`, `id`, `at`, `part`), `receipts` (`id`, `state`, `reason`, `at`)
        /// and `others`. What is not named may be anything.
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

    /// What is wrong with each case that does not hold, and with `[settings]` where the file alone
    /// tells.
    pub fn disproved(&self) -> Vec<String> {
        let faults = self.settings_faults();
        if !faults.is_empty() {
            return faults;
        }
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
            Case::Exchange { body, http, reads } => {
                let read = self.exchange(body.as_bytes(), *http);
                return read
                    .and_then(|got| {
                        missing(&reads.clone().into(), &got, "body").map_or(Ok(()), Err)
                    })
                    .err();
            }
        };
        (got != want).then(|| format!("{asked} is {got}, and its case says {want}"))
    }

    fn settings_faults(&self) -> Vec<String> {
        let faults = match self.adapter {
            AdapterKind::Http => self.own().map(|own: Http| own.faults()),
            AdapterKind::Telegram => self.own().map(|own: Telegram| own.faults()),
            AdapterKind::Whatsapp => self.own().map(|own: Whatsapp| own.faults()),
            AdapterKind::Smpp | AdapterKind::Xmpp | AdapterKind::SmsSpool => Ok(Vec::new()),
        };
        faults.unwrap_or_else(|fault| vec![fault])
    }

    /// `[settings]` as this adapter's.
    fn own<T: DeserializeOwned>(&self) -> Result<T, String> {
        let read: Result<T, _> = self.settings.clone().try_into();
        read.map_err(|e| format!("[settings]: {}", e.to_string().trim()))
    }

    /// What a body says, as a table.
    fn exchange(&self, body: &[u8], http: Option<u16>) -> Result<toml::Value, String> {
        match (self.adapter, http) {
            (AdapterKind::Http, None) => {
                let hook = self.own::<Http>()?.webhook;
                let hook = hook
                    .ok_or("a case has a body that comes in, and `settings.webhook` is missing")?;
                came(&hook.read_body(body)?)
            }
            (AdapterKind::Http, Some(http)) => {
                let answer = self.own::<Http>()?.answer;
                answered(&answer.read(&self.signs, (http, None), body))
            }
            (AdapterKind::Telegram, None) => came(&telegram::read(body)?),
            (AdapterKind::Telegram, Some(http)) => {
                answered(&telegram::answer(&self.signs, http, body))
            }
            (AdapterKind::Whatsapp, None) => came(&self.own::<Whatsapp>()?.read(body)?),
            (AdapterKind::Whatsapp, Some(http)) => {
                answered(&whatsapp::answer(&self.signs, (http, None), body))
            }
            _ => Err("a case has a `body`, and this adapter reads none".to_owned()),
        }
    }
}

fn came(came: &Came) -> Result<toml::Value, String> {
    toml::Value::try_from(came).map_err(|e| e.to_string())
}

fn answered(answered: &Answered) -> Result<toml::Value, String> {
    toml::Value::try_from(answered).map_err(|e| e.to_string())
}
