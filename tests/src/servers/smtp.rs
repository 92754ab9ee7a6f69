//! A mail server that takes mail, keeps it, and falls silent when a test wants it to.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What it says about a mail that was handed over whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It took it.
    Takes,
    /// Nothing at all, though it has the mail.
    FallsSilent,
    /// It will never take it.
    Refuses,
    /// Not now.
    PutsOff,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    mails: Vec<String>,
}

/// A mail server on 127.0.0.1; ends with the runtime that started it, or when dropped.
#[derive(Debug)]
pub struct Smtp {
    /// Where it listens.
    pub port: u16,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Smtp {
    /// A mail server of this manner.
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr();
        let port = address.expect("a bound port has a number").port();
        let mails = Vec::new();
        let state = Arc::new(Mutex::new(State { manner, mails }));
        let accepting = tokio::spawn(accept(listener, state.clone()));
        Self {
            port,
            state,
            accepting,
        }
    }

    /// From the next mail on it is of this manner.
    pub fn turn(&self, manner: Manner) {
        lock(&self.state).manner = manner;
    }

    /// Mails that were handed over whole, whatever was said about them.
    pub fn mails(&self) -> Vec<String> {
        lock(&self.state).mails.clone()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no panic while the state is held")
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut clients = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        clients.spawn(serve(client, state.clone()));
        // Ended ones are taken out, so that the set does not grow.
        while clients.try_join_next().is_some() {}
    }
}

/// One connection, until the client ends it.
async fn serve(client: TcpStream, state: Arc<Mutex<State>>) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    client.write_all(b"220 fake ESMTP\r\n").await?;
    let mut line = String::new();
    while client.read_line(&mut line).await? > 0 {
        let command = std::mem::take(&mut line).to_ascii_uppercase();
        let says = match command.split_whitespace().next() {
            Some("EHLO") => "250-fake\r\n250 8BITMIME",
            Some("QUIT") => "221 bye",
            Some("DATA") => {
                client.write_all(b"354 go on\r\n").await?;
                let mail = whole_mail(&mut client).await?;
                match taken(&state, mail) {
                    Manner::Takes => "250 2.0.0 Ok: queued as 4F2A",
                    Manner::Refuses => "550 5.1.1 no such user here",
                    Manner::PutsOff => "451 4.3.0 try again later",
                    Manner::FallsSilent => std::future::pending().await,
                }
            }
            _ => "250 ok",
        };
        client.write_all(format!("{says}\r\n").as_bytes()).await?;
    }
    Ok(())
}

fn taken(state: &Mutex<State>, mail: String) -> Manner {
    let mut state = lock(state);
    state.mails.push(mail);
    state.manner
}

async fn whole_mail(client: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let (mut mail, mut line) = (String::new(), String::new());
    while client.read_line(&mut line).await? > 0 && line.trim_end() != "." {
        mail.push_str(&std::mem::take(&mut line));
    }
    Ok(mail)
}
