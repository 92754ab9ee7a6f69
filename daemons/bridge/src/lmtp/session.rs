//! One connection from its greeting to its end.

use super::Desk;
use super::command::{self, Command};
use super::forward::{self, Client};
use super::keeping::{Envelope, count, too_large};
use super::wire::{Heard, Wire};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// RFC 5321, 4.5.3.2.7: how long a server waits for the next command.
const IDLE: Duration = Duration::from_secs(300);

/// RFC 5321, 4.5.3.1.8: at least so many receivers must be taken.
const RECEIVERS: usize = 100;

/// So many lines that cannot be understood, and the client is no mail server.
const ODD: u32 = 20;

const LONG_LINE: &str = "500 5.5.2 the line is too long";

/// A connection and what was agreed on it.
pub struct Session<'a, S> {
    wire: Wire<S>,
    desk: &'a Desk,
    stop: &'a CancellationToken,
    greeted: bool,
    odd: u32,
    client: Client,
    mail: Option<Envelope>,
}

/// What comes after an answer.
#[derive(PartialEq, Eq)]
enum Next {
    Command,
    End,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    pub fn new(wire: Wire<S>, desk: &'a Desk, stop: &'a CancellationToken) -> Self {
        Self {
            wire,
            desk,
            stop,
            greeted: false,
            odd: 0,
            client: Client::default(),
            mail: None,
        }
    }

    /// Until the client leaves, is silent for too long, or we stop. What has begun to come in is
    /// taken to its end.
    pub async fn run(mut self) -> io::Result<()> {
        self.wire.say("220 kentongan LMTP").await?;
        loop {
            let heard = tokio::select! {
                heard = timeout(IDLE, self.wire.line()) => heard,
                () = self.stop.cancelled() => {
                    return self.wire.say("421 4.3.2 is being stopped: try again later").await;
                }
            };
            let next = match heard {
                Err(_) => return self.wire.say("421 4.4.2 waited for too long").await,
                Ok(heard) => match heard? {
                    Heard::Line(line) => self.answer(&line).await?,
                    Heard::TooLong => self.refuse(LONG_LINE).await?,
                    Heard::BareLf => {
                        let why = "500 5.5.2 lines end with CR LF";
                        return self.wire.say(why).await;
                    }
                    Heard::Gone => Next::End,
                },
            };
            if next == Next::End {
                return Ok(());
            }
        }
    }

    async fn answer(&mut self, line: &[u8]) -> io::Result<Next> {
        let command = match command::read(line) {
            Ok(command) => command,
            Err(answer) => return self.refuse(answer).await,
        };
        let answer = match command {
            Command::Quit => {
                self.wire.say("221 2.0.0 bye").await?;
                return Ok(Next::End);
            }
            Command::Data => return self.data().await,
            Command::Lhlo => self.hello(),
            Command::Noop => "250 2.0.0 ok".into(),
            Command::Vrfy => "252 2.1.5 try it".into(),
            Command::Rset => {
                self.forget();
                "250 2.0.0 ok".into()
            }
            Command::Forward(attributes) => self.forward(&attributes).into(),
            Command::Mail { from, size } => self.mail(from, size),
            Command::Rcpt(to) => self.receiver(to).into(),
        };
        self.wire.say(&answer).await?;
        Ok(Next::Command)
    }

    /// What was not understood; who says nothing else is left alone.
    async fn refuse(&mut self, answer: &str) -> io::Result<Next> {
        self.odd += 1;
        if self.odd > ODD {
            self.wire
                .say("421 4.7.0 too much was not understood")
                .await?;
            return Ok(Next::End);
        }
        self.wire.say(answer).await?;
        Ok(Next::Command)
    }

    fn forget(&mut self) {
        self.mail = None;
        self.client = Client::default();
    }

    fn hello(&mut self) -> String {
        self.forget();
        self.greeted = true;
        let (size, names) = (self.desk.most, forward::NAMES);
        format!(
            "250-kentongan\r\n250-PIPELINING\r\n250-SIZE {size}\r\n250-8BITMIME\r\n\
             250-ENHANCEDSTATUSCODES\r\n250-XFORWARD {names}\r\n250 SMTPUTF8"
        )
    }

    fn forward(&mut self, attributes: &str) -> &'static str {
        if self.mail.is_some() {
            return "503 5.5.1 a mail has begun";
        }
        match self.client.learn(attributes) {
            true => "250 2.0.0 ok",
            false => "501 5.5.4 not understood",
        }
    }

    fn mail(&mut self, from: String, size: u64) -> String {
        if !self.greeted {
            return "503 5.5.1 say LHLO first".into();
        }
        if self.mail.is_some() {
            return "503 5.5.1 a mail has begun".into();
        }
        if size > self.desk.most {
            count("too_large", 1);
            return too_large(self.desk.most);
        }
        let to = Vec::new();
        self.mail = Some(Envelope { from, to });
        "250 2.1.0 ok".into()
    }

    fn receiver(&mut self, to: String) -> &'static str {
        match &mut self.mail {
            None => "503 5.5.1 say MAIL first",
            Some(mail) if mail.to.len() >= RECEIVERS => "452 4.5.3 too many receivers at once",
            Some(mail) => {
                mail.to.push(to);
                "250 2.1.5 ok"
            }
        }
    }

    /// The mail itself, and one answer for each receiver in one go (RFC 2033, section 4.2).
    async fn data(&mut self) -> io::Result<Next> {
        if self.mail.as_ref().is_none_or(|mail| mail.to.is_empty()) {
            self.wire.say("503 5.5.1 say MAIL and RCPT first").await?;
            return Ok(Next::Command);
        }
        self.wire.say("354 end with a lone dot").await?;
        let received = self.wire.mail(self.desk.most, &self.desk.room).await?;
        let client = std::mem::take(&mut self.client);
        if let Some(mail) = self.mail.take() {
            let answers = self.desk.answers(received, &mail, &client).await;
            self.wire.say(&answers.join("\r\n")).await?;
        }
        Ok(Next::Command)
    }
}
