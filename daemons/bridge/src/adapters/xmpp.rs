//! A client account of an XMPP server (RFC 6120, RFC 6121).
//!
//! In:    one-to-one messages, their receipts (XEP-0184) and errors. A stanza counts as handled
//!        (XEP-0198) only after the port has taken it, so that what a crash or an outage leaves lies
//!        with the server and comes again.
//! Out:   a message is sent once the server has acknowledged it. A broken connection is resumed, and
//!        the server then says how far it came.
//! Fails: without stream management nobody knows what a server took; such servers are refused.

mod books;
mod dial;
mod element;
mod foreign;
mod read;
mod session;
mod settings;
mod tls;
mod write;

use crate::adapter::{Adapter, Handed, Outgoing, Parts};
use crate::port::Port;
use async_trait::async_trait;
use books::Books;
use common::Result;
use common::channel::Channel;
use settings::Account;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_xmpp::Stanza;

/// Messages that wait for the connection's turn; more than `pace.in_flight` never come.
const QUEUE: usize = 64;

/// One account.
pub struct Xmpp {
    account: Account,
    channel: Arc<Channel>,
    ready: AtomicBool,
    jobs: mpsc::Sender<Job>,
    /// Whoever runs holds it; it outlives a broken connection.
    state: Mutex<State>,
}

/// A message on its way to the connection.
struct Job {
    stanza: Stanza,
    /// The id that receipts and errors will name.
    id: String,
    outcome: oneshot::Sender<Handed>,
}

struct State {
    inbox: mpsc::Receiver<Job>,
    books: Books,
}

impl Xmpp {
    /// The adapter of a channel.
    pub fn new(parts: &Parts<'_>) -> Result<Self> {
        let (jobs, inbox) = mpsc::channel(QUEUE);
        Ok(Self {
            account: Account::of(parts)?,
            channel: parts.channel.clone(),
            ready: AtomicBool::new(false),
            jobs,
            state: Mutex::new(State {
                inbox,
                books: Books::default(),
            }),
        })
    }
}

#[async_trait]
impl Adapter for Xmpp {
    async fn run(&self, port: &Port, stop: &CancellationToken) -> Result {
        let mut state = self.state.lock().await;
        let State { inbox, books } = &mut *state;
        let opened = tokio::select! {
            opened = dial::open(&self.account, books) => opened?,
            () = stop.cancelled() => return Ok(()),
        };
        self.ready.store(true, Ordering::Relaxed);
        let rules = read::Rules {
            account: &self.account.jid,
            subscriptions: &self.account.subscriptions,
            guard: &self.channel.guard,
        };
        let ended = session::live(opened, (inbox, books), (port, &rules), stop).await;
        self.ready.store(false, Ordering::Relaxed);
        // Never written: somebody else, or we later, may take them.
        while let Ok(job) = inbox.try_recv() {
            let _ = job.outcome.send(away());
        }
        ended
    }

    fn ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    async fn hand_over(&self, outgoing: &Outgoing<'_>) -> Handed {
        if !self.ready() {
            return away();
        }
        let (outcome, told) = oneshot::channel();
        let id = write::id(outgoing);
        let Some(message) = write::message(outgoing, &id) else {
            return Handed::Refused("the address is none of XMPP".into());
        };
        let stanza = Stanza::Message(message);
        let job = Job {
            stanza,
            id,
            outcome,
        };
        if self.jobs.send(job).await.is_err() {
            return away();
        }
        let lost =
            |_| Handed::Unknown("the connection ended before the server said it has it".into());
        told.await.unwrap_or_else(lost)
    }

    fn exclusive(&self) -> bool {
        true
    }
}

fn away() -> Handed {
    Handed::Away("there is no connection to the XMPP server".into())
}
