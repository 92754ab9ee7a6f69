//! An SMS gateway: node-smpp's server with `tests/smsc/smsc.js`, which does as a test says and
//! tells what it has seen.

use super::{Leash, free_port, wait_until};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, TcpStream as Probe};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A gateway on 127.0.0.1. It takes `kentongan` with the password `hush`, until told otherwise.
pub struct Smsc {
    /// Where it speaks SMPP.
    pub port: u16,
    control: u16,
    tls: Vec<String>,
    leash: Option<Leash>,
}

/// What a gateway has seen since it started.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Seen {
    /// Kinds of binds, in order: `bind_transceiver`.
    pub binds: Vec<String>,
    /// Binds that it refused.
    pub refused: usize,
    /// What it was given to send, in order.
    pub submitted: Vec<Submitted>,
    /// How often somebody took leave.
    pub unbound: usize,
    /// How often it was asked whether it is there.
    pub enquired: usize,
    /// How often it was told that a command is not known.
    pub nacks: usize,
}

/// A message that was to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Submitted {
    /// The receiver.
    pub to: String,
    /// The sender.
    pub from: String,
    /// The kind of the receiver's number.
    pub ton: u8,
    /// What it was answered with: a status, `silent` or `cut`.
    pub status: Value,
    /// As it was decoded by what it says of itself.
    pub text: String,
    /// Elements of its header, in hexadecimals.
    pub udh: Vec<String>,
    /// Reference, number of parts, part.
    pub sar: Vec<u16>,
    /// Its alphabet.
    pub data_coding: u8,
    /// Its class.
    pub esm_class: u8,
    /// Whether a receipt is wanted.
    pub registered: u8,
}

/// Where `npm` put the server's library.
fn modules() -> PathBuf {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.node/node_modules");
    let remedy = "run deploy/setup/need.sh smsc first; make test does";
    assert!(
        modules.join("smpp").exists(),
        "{}: {remedy}",
        modules.display()
    );
    modules
}

impl Smsc {
    /// Starts one and waits until it listens.
    pub fn start() -> Self {
        Self::open(vec![])
    }

    /// One that speaks TLS with this key and certificate (PEM).
    pub fn with_tls(key: &Path, certificate: &Path) -> Self {
        let path = |path: &Path| path.display().to_string();
        Self::open(vec![path(key), path(certificate)])
    }

    fn open(tls: Vec<String>) -> Self {
        let mut smsc = Self {
            port: free_port(),
            control: free_port(),
            tls,
            leash: None,
        };
        smsc.start_again();
        smsc
    }

    /// Starts it on the same port; it has forgotten everything.
    pub fn start_again(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("smsc/smsc.js");
        let mut command = vec!["node".to_owned(), script.display().to_string()];
        command.extend([self.port, self.control].map(|port| port.to_string()));
        command.extend(self.tls.iter().cloned());
        let vars = [("NODE_PATH", modules().display().to_string())];
        self.leash = Some(Leash::start("KILL", &command, &vars, Stdio::inherit()));
        let listens = || Probe::connect((Ipv4Addr::LOCALHOST, self.control)).is_ok();
        assert!(
            wait_until(Duration::from_secs(30), listens),
            "the gateway listens"
        );
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        drop(self.leash.take());
    }

    /// Sends it a signal by its name: after `STOP` it takes connections and never answers.
    pub fn signal(&self, name: &str) {
        self.leash.as_ref().expect("it runs").signal(name);
    }

    /// What it has seen.
    pub async fn seen(&self) -> Seen {
        let seen = self.order(json!({ "do": "look" })).await;
        serde_json::from_value(seen).expect("what it tells")
    }

    /// Changes what it does: `password`, `statuses` of the next messages, `receipts`.
    pub async fn plan(&self, plan: Value) {
        self.order(json!({ "do": "plan", "as": plan })).await;
    }

    /// Gives a text in, and what it was answered with; `None` when the connection ended first.
    pub async fn text(&self, from: &str, text: &str) -> Option<String> {
        self.text_with(json!({ "from": from, "text": text })).await
    }

    /// The same with other fields: `ton`, `data_coding`, `hex`, `udh`, `payload`, `parameters`.
    pub async fn text_with(&self, mut order: Value) -> Option<String> {
        order["do"] = "text".into();
        status(&self.order(order).await)
    }

    /// Gives octets in as they are, in hexadecimals.
    pub async fn raw(&self, hex: &str) -> Option<String> {
        status(&self.order(json!({ "do": "raw", "hex": hex })).await)
    }

    /// Cuts all connections.
    pub async fn cut(&self) {
        self.order(json!({ "do": "cut" })).await;
    }

    /// Takes leave of everybody, and waits for the answer.
    pub async fn unbind(&self) {
        self.order(json!({ "do": "unbind" })).await;
    }

    async fn order(&self, order: Value) -> Value {
        let body = order.to_string();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.control))
            .await
            .expect("the gateway listens");
        let head = "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        stream
            .write_all(request.as_bytes())
            .await
            .expect("an order");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let (_, json) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {answer}"))
    }
}

fn status(answer: &Value) -> Option<String> {
    answer["status"].as_str().map(str::to_owned)
}
