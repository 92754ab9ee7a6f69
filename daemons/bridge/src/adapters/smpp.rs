//! SMPP 3.4: the protocol of SMS gateways. Whatever a gateway sends is read without trust
//! ([`deliver`], [`sieve`]); window, answers, `enquire_link` and time limits are the client library's.

mod connect;
mod deliver;
mod join;
mod receipt;
mod session;
mod settings;
mod sieve;
mod submit;
mod text;

use crate::adapter::{Adapter, Handed, Outgoing, Parts};
use crate::port::Port;
use async_trait::async_trait;
use common::channel::{Channel, Split};
use common::{Failure, Result};
use connect::{Direction, Endpoint, Link};
use futures_util::future::join_all;
use rusmpp::{CommandId, CommandStatus};
use rusmppc::Client;
use rusmppc::error::Error;
use session::Session;
use settings::{Bind, Settings};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use submit::Wide;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

/// Texts that were handed over and not answered have so long at a stop.
const HANDED: Duration = Duration::from_secs(1);

/// One gateway.
pub struct Smpp {
    channel: Arc<Channel>,
    settings: Settings,
    password: String,
    endpoint: Endpoint,
    /// What texts go out by; none while not bound.
    client: RwLock<Option<Client>>,
    handing: TaskTracker,
    wide: Wide,
}

impl Smpp {
    /// By its channel file.
    pub fn new(parts: &Parts<'_>) -> Result<Self> {
        let settings: Settings = parts.settings()?;
        let password = parts.secrets.read(&settings.password)?;
        let name = &parts.channel.channel;
        settings.check(name, &password)?;
        let endpoint = Endpoint::read(&settings).map_err(|fault| {
            Failure::quarantine(format!("channel file {name}.toml: [settings]: {fault}"))
        })?;
        Ok(Self {
            channel: parts.channel.clone(),
            settings,
            password,
            endpoint,
            client: RwLock::new(None),
            handing: TaskTracker::new(),
            wide: Wide::default(),
        })
    }

    /// Connections as the settings want them; the first carries texts out.
    async fn links(&self) -> Result<Vec<Link>> {
        let directions: &[Direction] = match self.settings.bind {
            Bind::Transceiver => &[Direction::Both],
            Bind::Pair => &[Direction::Out, Direction::In],
        };
        let mut links = Vec::new();
        for direction in directions {
            let link = self
                .endpoint
                .link(&self.settings, &self.password, *direction);
            links.push(link.await?);
        }
        Ok(links)
    }

    /// Until told to stop, or until one of the connections ends; then all end.
    async fn keep(&self, links: Vec<Link>, port: &Port, stop: &CancellationToken) -> Result {
        let session = Session {
            channel: &self.channel.channel,
            settings: &self.settings,
            port,
        };
        let over = CancellationToken::new();
        let kept = links.into_iter().map(async |link| {
            let kept = session.keep(link, &over).await;
            over.cancel();
            kept
        });
        let stopping = async {
            tokio::select! {
                () = stop.cancelled() => self.farewell().await,
                () = over.cancelled() => self.put(None),
            }
            over.cancel();
        };
        let (kept, ()) = tokio::join!(join_all(kept), stopping);
        kept.into_iter().collect()
    }

    /// Nothing more goes out, and what did is answered.
    async fn farewell(&self) {
        self.put(None);
        self.handing.close();
        let _ = tokio::time::timeout(HANDED, self.handing.wait()).await;
        self.handing.reopen();
    }

    fn put(&self, client: Option<Client>) {
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
    }

    fn client(&self) -> Option<Client> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        client.as_ref().filter(|c| c.is_active()).cloned()
    }

    /// What an answer other than yes, or none, means.
    fn failed(&self, error: &Error) -> Handed {
        let Error::UnexpectedResponse { response } = error else {
            return Handed::Unknown(connect::said(error));
        };
        match (response.status(), response.id()) {
            // An answer that could not be read but for its header: taken, by an unknown id.
            (CommandStatus::EsmeRok, CommandId::SubmitSmResp) => Handed::Sent(None),
            (CommandStatus::EsmeRok, _) => Handed::Unknown(connect::said(error)),
            (status, _) => {
                let status = connect::written(status);
                Handed::by(self.channel.signs.of(&status), &status, None)
            }
        }
    }
}

#[async_trait]
impl Adapter for Smpp {
    async fn run(&self, port: &Port, stop: &CancellationToken) -> Result {
        let links = tokio::select! {
            links = self.links() => links?,
            () = stop.cancelled() => return Ok(()),
        };
        let bind = self.settings.bind;
        info!(
            channel = self.channel.channel,
            ?bind,
            "Bound to the gateway"
        );
        self.put(links.first().map(|link| link.client.clone()));
        let _gone = Gone(self);
        self.keep(links, port, stop).await
    }

    fn ready(&self) -> bool {
        self.client().is_some()
    }

    async fn hand_over(&self, outgoing: &Outgoing<'_>) -> Handed {
        let Some(client) = self.client() else {
            return Handed::Away("there is no connection to the gateway".into());
        };
        let joins = self.channel.length.split == Split::Joined;
        let way = self.wide.way(outgoing, joins);
        let message = match submit::message(outgoing, &self.settings, way) {
            Ok(message) => message,
            Err(why) => return Handed::Refused(why.into()),
        };
        let _handing = self.handing.token();
        match client.submit_sm(message).await {
            Ok(answer) => {
                let id = answer.message_id().as_str();
                Handed::Sent((!id.is_empty()).then(|| self.settings.receipt_ids.given(id)))
            }
            Err(e) => {
                let handed = self.failed(&e);
                if let Handed::Away(_) = handed {
                    // Bound by what we know and not by what the gateway knows: begun anew.
                    let _ = client.close().await;
                }
                handed
            }
        }
    }

    fn exclusive(&self) -> bool {
        true
    }
}

/// Nothing is handed over any more, however a run ends.
struct Gone<'a>(&'a Smpp);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.put(None);
    }
}

#[cfg(test)]
mod tests;
