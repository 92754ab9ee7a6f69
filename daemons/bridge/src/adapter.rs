//! What an adapter gives the bridge: it speaks to one network and decides nothing.

use crate::port::Port;
use crate::webhooks::Webhook;
use async_trait::async_trait;
use common::channel::{Channel, Piece, Sign};
use common::{Failure, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One way to a network.
#[async_trait]
pub trait Adapter: Send + Sync + 'static {
    /// Keeps what it needs open until told to stop, and gives what comes in to `port`; an `Err`
    /// says why it broke off, and it is begun again after a pause. A text or receipt is
    /// acknowledged to the network only after `port` has taken it.
    async fn run(&self, port: &Port, stop: &CancellationToken) -> Result;

    /// Whether something can be handed over now. Cheap: asked before every receive.
    fn ready(&self) -> bool;

    /// Hands one piece over. What it comes to is certain or [`Handed::Unknown`]; the caller has a
    /// limit of time and may drop this.
    async fn hand_over(&self, outgoing: &Outgoing<'_>) -> Handed;

    /// Only one bridge may run it at a time.
    fn exclusive(&self) -> bool;

    /// What reads the requests that its network brings to `bridge.listen`, at `/<channel>`.
    fn webhook(&self) -> Option<Arc<dyn Webhook>> {
        None
    }

    /// Shows the channel's port once, before all else, to an adapter that asks it something when it
    /// hands over.
    fn attach(&self, _: &Arc<Port>) {}
}

/// A piece for somebody.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The text's envelope: the same in every try, so that a network that knows ids of ours sees
    /// one message.
    pub id: Uuid,
    /// Canonical address.
    pub to: &'a str,
    /// What to say.
    pub piece: &'a Piece,
}

/// What a hand-over came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// Taken, with the network's id where it gave one.
    Sent(Option<String>),
    /// Refused for good; what the network said, without addresses.
    Refused(String),
    /// Not taken: too fast. After the pause, if the network named one.
    Slow(Option<Duration>),
    /// Not taken; may work later.
    Later(String),
    /// Not taken: there is no connection, or the network is closed to us.
    Away(String),
    /// Perhaps taken.
    Unknown(String),
}

impl Handed {
    /// What a status means by the channel's file; `id` is the network's, if it was taken.
    pub fn by(sign: Sign, status: &str, id: Option<String>) -> Self {
        let said = || format!("the network said {status}");
        match sign {
            Sign::Sent => Self::Sent(id),
            Sign::Refused => Self::Refused(said()),
            Sign::Slow => Self::Slow(None),
            Sign::Later => Self::Later(said()),
            Sign::Away => Self::Away(said()),
            Sign::Unknown => Self::Unknown(said()),
        }
    }
}

/// What an adapter is made of.
pub struct Parts<'a> {
    /// Its channel.
    pub channel: &'a Arc<Channel>,
    /// Where secrets lie, by name.
    pub secrets: &'a crate::secrets::Secrets,
}

impl Parts<'_> {
    /// The adapter's own part of the channel file. A fault names the file and the key.
    pub fn settings<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        let name = &self.channel.channel;
        let read: std::result::Result<T, _> = self.channel.settings.clone().try_into();
        read.map_err(|e| {
            Failure::quarantine(format!(
                "channel file {name}.toml: [settings]: {}",
                e.to_string().trim()
            ))
        })
    }
}
