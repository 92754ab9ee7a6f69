//! SMTP: a mail server carries our mail, one on this machine or one that we log in to.
//!
//! The dialogue is spoken command by command, because only that tells how far it came: until the
//! mail itself is handed over nothing was sent, after it everything but an answer means *unknown*
//! (FAILURES Q30). lettre's own transport hides the stage and, in its asynchronous form, waits for
//! answers without an end.

mod answer;
mod pool;

use super::{Finished, Outcome, Quota, Time, Transport, Turn};
use crate::config::SmtpTls;
use crate::failure::Dependency;
use crate::{Failure, Result};
use answer::{Stage, failure, provider_id};
use async_trait::async_trait;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use pool::Pool;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{timeout, timeout_at};

/// Where the mail server is and how to speak to it; `[transport]` of kind `smtp`.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name; its certificate must bear it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is kept private.
    pub tls: SmtpTls,
    /// User and the file that holds the password.
    pub login: Option<(String, PathBuf)>,
    /// Connections at once.
    pub connections: u32,
    /// Longest wait for one answer.
    pub timeout: Duration,
}

/// A mail server that takes our mail.
pub struct Smtp {
    server: Server,
    credentials: Option<Credentials>,
    hello: ClientId,
    /// The address that all our mail comes from.
    from: Address,
    pool: Pool,
}

impl Smtp {
    /// Prepares the way; connects to nothing yet. `domain` is what we call ourselves, `from` the
    /// address that our mail comes from.
    pub fn open(server: Server, domain: &str, from: &str) -> Result<Self> {
        let from = from
            .parse()
            .map_err(|e| Failure::quarantine(format!("settings: mail.from: {e}")))?;
        let credentials = server.login.as_ref().map(credentials).transpose()?;
        if credentials.is_some() && server.tls == SmtpTls::None && !is_here(&server.host) {
            let remedy = "set `tls` to \"starttls\" or \"tls\"";
            let cause = "transport: a password would go to another machine in the clear";
            return Err(Failure::quarantine(format!("{cause}: {remedy}")));
        }
        Ok(Self {
            pool: Pool::new(server.connections),
            hello: ClientId::Domain(domain.to_owned()),
            credentials,
            from,
            server,
        })
    }

    /// A connection that greeted us, is as private as it must be, and knows who we are.
    async fn connect(&self) -> std::result::Result<AsyncSmtpConnection, Failure> {
        // Greeting, EHLO, STARTTLS, EHLO, login: each may take an answer's time, all together too.
        timeout(self.server.timeout, self.dial())
            .await
            .map_err(|_| late("connecting"))?
            .map_err(|e| failure(Stage::Connect, &e))
    }

    async fn dial(&self) -> std::result::Result<AsyncSmtpConnection, Error> {
        let Server {
            host, port, tls, ..
        } = &self.server;
        let parameters = || TlsParameters::new(host.clone());
        let wrapper = (*tls == SmtpTls::Tls).then(parameters).transpose()?;
        let to = (host.as_str(), *port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(to, None, &self.hello, wrapper, None).await?;
        if *tls == SmtpTls::Starttls {
            // Fails when the server does not offer it: nothing goes on in the clear.
            connection.starttls(parameters()?, &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            let known = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&known, credentials).await?;
        }
        Ok(connection)
    }

    /// An idle connection that still answers, else a new one.
    async fn connection(&self) -> std::result::Result<AsyncSmtpConnection, Failure> {
        while let Some(mut idle) = self.pool.take() {
            let alive = timeout(self.server.timeout, idle.test_connected()).await;
            if alive.unwrap_or(false) {
                return Ok(idle);
            }
        }
        self.connect().await
    }

    /// Everything up to the server's `354`: nothing is sent yet.
    async fn announce(
        &self,
        from: Address,
        to: Address,
    ) -> std::result::Result<AsyncSmtpConnection, Outcome> {
        let mut connection = self.connection().await.map_err(Outcome::NotSent)?;
        let mail = connection.command(Mail::new(Some(from), vec![]));
        self.step(Stage::Mail, mail).await?;
        let rcpt = connection.command(Rcpt::new(to, vec![]));
        self.step(Stage::Recipient, rcpt).await?;
        self.step(Stage::Data, connection.command(Data)).await?;
        Ok(connection)
    }

    /// Would a mail of ours be taken? Begins one and takes it back.
    async fn try_us(&self, connection: &mut AsyncSmtpConnection) -> Result {
        let both = async {
            let mail = Mail::new(Some(self.from.clone()), vec![]);
            self.step(Stage::Mail, connection.command(mail)).await?;
            self.step(Stage::Mail, connection.command(Rset)).await
        };
        both.await.map_err(|outcome| match outcome {
            Outcome::NotSent(failure) => failure,
            other => Failure::wait(Dependency::Mail, format!("mail server: {other:?}")),
        })
    }

    /// One command before the mail itself.
    async fn step<T>(
        &self,
        stage: Stage,
        command: impl Future<Output = std::result::Result<T, Error>>,
    ) -> std::result::Result<(), Outcome> {
        match timeout(self.server.timeout, command).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(answer::outcome(stage, &e)),
            Err(_) => Err(Outcome::NotSent(late(stage.name()))),
        }
    }

    /// The mail itself. From its first byte on only an answer tells what became of it.
    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        raw: &[u8],
        limit: Duration,
    ) -> Outcome {
        // A slow line gets time for the bytes on top of that for the answer: 16 kB/s, a 2G link.
        let patience = self.server.timeout + Duration::from_secs(raw.len() as u64 / (16 * 1024));
        let patience = patience.min(limit);
        match timeout(patience, connection.message(raw)).await {
            Ok(Ok(response)) => Outcome::Sent {
                provider_id: provider_id(&response),
            },
            Ok(Err(e)) => answer::outcome(Stage::Message, &e),
            Err(_) => Outcome::Unknown {
                reason: format!("no answer to the mail within {patience:?}"),
            },
        }
    }
}

#[async_trait]
impl Transport for Smtp {
    async fn turn(&self) -> Turn {
        self.pool.turn().await.map(Turn::from).unwrap_or_default()
    }

    async fn deliver(&self, mail: &Finished, time: Time) -> Outcome {
        let (Ok(from), Ok(to)) = (mail.from.parse(), mail.to.parse()) else {
            let reason = "the address cannot be written in SMTP".into();
            return Outcome::Refused { reason };
        };
        let announced = timeout_at(time.begin_by, self.announce(from, to)).await;
        let mut connection = match announced {
            Ok(Ok(connection)) => connection,
            Ok(Err(outcome)) => return outcome,
            Err(_) => return Outcome::NotSent(late("before the mail itself")),
        };
        let handing_over = self.hand_over(&mut connection, &mail.raw, time.limit);
        let outcome = handing_over.await;
        if matches!(outcome, Outcome::Sent { .. }) {
            self.pool.put(connection);
        }
        outcome
    }

    async fn probe(&self) -> Result {
        let mut connection = self.connect().await?;
        self.try_us(&mut connection).await?;
        self.pool.put(connection);
        Ok(())
    }

    async fn quota(&self) -> Result<Option<Quota>> {
        Ok(None)
    }
}

fn credentials((user, file): &(String, PathBuf)) -> Result<Credentials> {
    let password = std::fs::read_to_string(file).map_err(|e| {
        let file = file.display();
        Failure::quarantine(format!("transport.password_file {file}: {e}"))
    })?;
    Ok(Credentials::new(
        user.clone(),
        password.trim_end().to_owned(),
    ))
}

fn is_here(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

fn late(doing: &str) -> Failure {
    Failure::wait(
        Dependency::Mail,
        format!("mail server: no answer in time ({doing})"),
    )
}

#[cfg(test)]
mod tests;
