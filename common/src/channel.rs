//! Channels: networks that carry texts. Each is a file, `daemons/bridge/channels/<name>.toml`: its
//! adapter, its limits, what the network's words mean, with the cases that prove it.
//! `docs/adding-a-channel.md` explains every key.

mod came;
mod cases;
mod file;
mod guard;
pub mod http;
mod pieces;
mod signs;
pub mod telegram;
pub mod whatsapp;

pub use came::{Answered, Came, CameReceipt, CameText};
pub use cases::Case;
pub use file::{ChannelFault, of_installation, read, shipped};
pub use guard::{Guard, Stopped};
pub use pieces::{Length, Piece, Split};
pub use signs::{Heard, Sign, Signs};

use crate::delivery::Unknown;
use crate::messages::Purpose;
use serde::Deserialize;
use std::time::Duration;

/// One channel as its file describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Its name; its queue is `text-output-<name>`.
    pub channel: String,
    /// One line for operators.
    pub about: String,
    /// Which program part speaks to the network.
    pub adapter: AdapterKind,
    /// The kind of address that it serves: `phone`, `xmpp`, `telegram`.
    pub address: String,
    /// It takes what goes to such an address when nothing else was chosen.
    #[serde(default)]
    pub default: bool,
    /// How long one message may be, and what becomes of longer texts.
    pub length: Length,
    /// How fast it may be used.
    #[serde(default)]
    pub pace: Pace,
    /// How long a text is worth sending, and what to do when nobody knows.
    #[serde(default)]
    pub worth: Worth,
    /// When it counts as slow, so that another takes its texts.
    #[serde(default)]
    pub speed: Speed,
    /// What is not taken and not sent.
    #[serde(default)]
    pub guard: Guard,
    /// What the network's statuses mean, and its receipts.
    #[serde(default)]
    pub signs: Signs,
    /// What the adapter alone understands: endpoints, names of secrets.
    #[serde(default)]
    pub settings: toml::Table,
    /// What proves the file.
    #[serde(default, rename = "case")]
    pub cases: Vec<Case>,
}

/// Adapters that the bridge has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdapterKind {
    /// SMPP 3.4.
    Smpp,
    /// A client account of an XMPP server.
    Xmpp,
    /// Folders of SMS Server Tools or gammu-smsd.
    SmsSpool,
    /// The Telegram Bot API.
    Telegram,
    /// The WhatsApp Cloud API.
    Whatsapp,
    /// Any provider with an HTTP interface, by description.
    Http,
}

/// `[pace]`
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// Messages in a second from one bridge; 0 is without limit. Above what the provider allows it throttles.
    pub per_s: f64,
    /// Messages handed over and not answered yet.
    pub in_flight: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            per_s: 0.0,
            in_flight: 10,
        }
    }
}

/// `[worth]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worth {
    /// An answer that is older than this many seconds is dropped, whatever its message says.
    pub answer_s: u64,
    /// The same for alerts.
    pub alert_s: u64,
    /// Longest hand-over of one text, all pieces included; then its outcome is unknown.
    pub limit_s: u64,
    /// What to do with a text of which nobody knows whether it went out.
    pub unknown: Unknown,
    /// So many times at the most is such a text sent, the first time included.
    pub sends_at_most: u32,
}

impl Default for Worth {
    fn default() -> Self {
        Self {
            answer_s: 6 * 3600,
            alert_s: 24 * 3600,
            limit_s: 60,
            unknown: Unknown::default(),
            sends_at_most: 2,
        }
    }
}

impl Worth {
    /// How long a text of this purpose is worth sending.
    pub fn lasts(&self, purpose: Purpose) -> Duration {
        Duration::from_secs(match purpose {
            Purpose::Answer => self.answer_s,
            Purpose::Alert => self.alert_s,
        })
    }
}

/// `[speed]`: the share of texts that must arrive in time.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Speed {
    /// In time is what arrives within so many seconds of being queued.
    pub within_s: u32,
    /// Smaller a share (0 to 1) in time, and the channel is slow; 0: never.
    pub share: f64,
    /// The share is taken over so many seconds.
    pub over_s: u32,
    /// Fewer texts than this in that time tell nothing.
    pub least: u32,
    /// A slow channel is tried with one text in so many seconds.
    pub probe_s: u32,
    /// Arrived is what the network's receipt says; else what it took.
    pub receipts: bool,
}

impl Default for Speed {
    fn default() -> Self {
        Self {
            within_s: 60,
            share: 0.5,
            over_s: 600,
            least: 20,
            probe_s: 30,
            receipts: false,
        }
    }
}

impl Channel {
    /// Its queue, without the installation's prefix.
    pub fn queue(&self) -> String {
        format!("text-output-{}", self.channel)
    }
}

#[cfg(test)]
mod tests;
