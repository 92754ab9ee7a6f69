//! Somebody with an account, at a program of theirs.

use super::{OURS, PASSWORD, Prosody};
use futures_util::StreamExt;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_xmpp::connect::DnsConfig;
use tokio_xmpp::jid::{BareJid, Jid};
use tokio_xmpp::minidom::Element;
use tokio_xmpp::parsers::iq::Iq;
use tokio_xmpp::parsers::message::{Id, Lang, Message};
use tokio_xmpp::parsers::presence::{Presence, Type};
use tokio_xmpp::parsers::receipts::{Received, Request};
use tokio_xmpp::parsers::roster::Roster;
use tokio_xmpp::xmlstream::Timeouts;
use tokio_xmpp::{Client, Event, Stanza};

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The bare address.
    pub from: String,
    /// The message's id.
    pub id: String,
    /// What it says.
    pub text: String,
}

/// What came so far.
#[derive(Debug, Default)]
struct Heard {
    notes: Vec<Note>,
    receipts: Vec<String>,
    presences: Vec<Type>,
}

/// Somebody online; answers requests for receipts.
pub struct Person {
    heard: Arc<Mutex<Heard>>,
    orders: mpsc::Sender<(Stanza, oneshot::Sender<()>)>,
    task: JoinHandle<()>,
}

impl Person {
    /// Logs somebody in, and waits until they are online.
    pub async fn online(prosody: &Prosody, name: &str) -> Self {
        let jid = BareJid::new(&format!("{name}@localhost")).expect("an address");
        let at = DnsConfig::addr(&format!("127.0.0.1:{}", prosody.port));
        let client = Client::new_plaintext(jid, PASSWORD, at, Timeouts::tight());
        let (orders, inbox) = mpsc::channel(64);
        let (online, is_online) = oneshot::channel();
        let heard: Arc<Mutex<Heard>> = Arc::default();
        let task = tokio::spawn(live(client, inbox, heard.clone(), online));
        is_online.await.expect("the server lets them in");
        Self {
            heard,
            orders,
            task,
        }
    }

    /// Writes to the installation, asking for a receipt; returns once it is on its way.
    pub async fn say(&self, text: &str, id: &str) {
        let to = Jid::new(OURS).expect("an address");
        let mut message = Message::chat(to)
            .with_body(Lang::new(), text.to_owned())
            .with_payload(Request);
        message.id = Some(Id(id.to_owned()));
        self.send(Stanza::Message(message)).await;
    }

    /// Asks to see when the installation is there.
    pub async fn subscribe(&self) {
        let to = Jid::new(OURS).expect("an address");
        self.send(Stanza::Presence(Presence::subscribe().with_to(to)))
            .await;
    }

    /// Sends a stanza; returns once it is on its way.
    pub async fn send(&self, stanza: Stanza) {
        let (done, is_done) = oneshot::channel();
        self.orders.send((stanza, done)).await.expect("online");
        is_done.await.expect("online");
    }

    /// Messages with a text so far, as a program shows them: one that came twice is there twice.
    pub fn notes(&self) -> Vec<Note> {
        self.heard
            .lock()
            .expect("no panic while held")
            .notes
            .clone()
    }

    /// Ids of messages that somebody said they have.
    pub fn receipts(&self) -> Vec<String> {
        self.heard
            .lock()
            .expect("no panic while held")
            .receipts
            .clone()
    }

    /// Kinds of presences that came.
    pub fn presences(&self) -> Vec<Type> {
        self.heard
            .lock()
            .expect("no panic while held")
            .presences
            .clone()
    }

    /// All texts so far.
    pub fn said(&self) -> String {
        self.notes()
            .iter()
            .map(|n| format!("{}\n", n.text))
            .collect()
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn live(
    mut client: Client,
    mut orders: mpsc::Receiver<(Stanza, oneshot::Sender<()>)>,
    heard: Arc<Mutex<Heard>>,
    online: oneshot::Sender<()>,
) {
    let mut online = Some(online);
    loop {
        tokio::select! {
            event = client.next() => match event {
                Some(Event::Online { resumed, .. }) => {
                    if !resumed {
                        // Whoever wants to hear of subscriptions asks for the list (RFC 6121, 2.2).
                        let _ = client.send_stanza(Iq::from_get("r", roster()).into()).await;
                        let _ = client.send_stanza(Presence::available().into()).await;
                    }
                    if let Some(online) = online.take() {
                        let _ = online.send(());
                    }
                }
                Some(Event::Stanza(stanza)) => {
                    if let Some(answer) = hear(stanza, &heard) {
                        let _ = client.send_stanza(answer).await;
                    }
                }
                Some(Event::Disconnected(_)) => {}
                None => return,
            },
            Some((stanza, done)) = orders.recv() => {
                let _ = client.send_stanza(stanza).await;
                let _ = done.send(());
            }
        }
    }
}

fn roster() -> Roster {
    Roster {
        ver: None,
        items: Vec::new(),
    }
}

/// Writes down what came; the receipt that it asks for.
fn hear(stanza: Stanza, heard: &Mutex<Heard>) -> Option<Stanza> {
    let mut heard = heard.lock().expect("no panic while held");
    let message = match stanza {
        Stanza::Message(message) => message,
        Stanza::Presence(presence) => {
            heard.presences.push(presence.type_);
            return None;
        }
        Stanza::Iq(_) => return None,
    };
    let child = |name: &str| -> Option<&Element> {
        let of = |e: &&Element| e.is(name, "urn:xmpp:receipts");
        message.payloads.iter().find(of)
    };
    if let Some(id) = child("received").and_then(|r| r.attr("id")) {
        heard.receipts.push(id.to_owned());
    }
    let (from, id) = (message.from.clone()?, message.id.clone()?.0);
    let text = message.get_best_body(vec![])?.1.clone();
    let asked = child("request").is_some();
    heard.notes.push(Note {
        from: from.to_bare().to_string(),
        id: id.clone(),
        text,
    });
    asked.then(|| Message::chat(from).with_payload(Received { id }).into())
}
