//! The mail transport seam: a maildir for trying out, SMTP on one box, SES on AWS.

pub mod maildir;
pub mod ses;
pub mod smtp;
#[cfg(test)]
mod suite;
mod wary;

use crate::aws::Sdk;
use crate::config::{self, Aws, TransportSettings};
use crate::{Failure, Result};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

/// Opens the transport that the settings name; `us` is who we are in mail. Makes a maildir's
/// folders, connects to nothing else.
pub async fn open(
    settings: &TransportSettings,
    us: &config::Mail,
    sdk: &Sdk,
) -> Result<Arc<dyn Transport>> {
    let inner: Arc<dyn Transport> = match settings.clone() {
        TransportSettings::Maildir { folder } => Arc::new(maildir::Maildir::open(&folder)?),
        TransportSettings::Smtp {
            host,
            port,
            tls,
            user,
            password_file,
            connections,
            timeout_s,
        } => {
            let login = login(user, password_file)?;
            let timeout = Duration::from_secs(timeout_s.max(1));
            let server = smtp::Server {
                host,
                port,
                tls,
                login,
                connections,
                timeout,
            };
            Arc::new(smtp::Smtp::open(server, &us.domain, &us.from)?)
        }
        TransportSettings::Ses {
            configuration_set,
            endpoint,
            region,
        } => {
            let place = Aws { endpoint, region };
            Arc::new(ses::Ses::open(sdk, &place, configuration_set).await)
        }
    };
    Ok(Arc::new(wary::Wary::new(inner)))
}

type Login = (String, std::path::PathBuf);

/// User and password come together or not at all.
fn login(user: Option<String>, file: Option<std::path::PathBuf>) -> Result<Option<Login>> {
    match (user, file) {
        (Some(user), Some(file)) => Ok(Some((user, file))),
        (None, None) => Ok(None),
        _ => {
            let cause = "transport: `user` and `password_file` belong together: name both or none";
            Err(Failure::quarantine(cause))
        }
    }
}

/// Carries one finished mail away.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Waits, for as long as it takes, until one more mail may be handed over beside the others.
    async fn turn(&self) -> Turn {
        Turn::default()
    }

    /// Hands one mail over; hold a turn meanwhile. May be called again for a mail whose outcome was
    /// not known.
    async fn deliver(&self, mail: &Finished, time: Time) -> Outcome;

    /// Finds out whether the transport can be reached and takes our mail, without sending.
    async fn probe(&self) -> Result;

    /// How much may be sent: asked from the provider where it tells, else `None`.
    async fn quota(&self) -> Result<Option<Quota>>;
}

/// The right to hand one mail over; ends when it is dropped.
#[derive(Debug, Default)]
pub struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl From<OwnedSemaphorePermit> for Turn {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        let _permit = Some(permit);
        Self { _permit }
    }
}

/// How long a hand-over may take.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    /// A mail of which no byte was handed over by then was not sent.
    pub begin_by: Instant,
    /// The end of a mail is awaited for so long from its first byte on; then it is *unknown*.
    pub limit: Duration,
}

/// What a hand-over that is under way came to.
async fn within(limit: Duration, handing_over: impl Future<Output = Outcome>) -> Outcome {
    let handed_over = timeout(limit, handing_over).await;
    handed_over.unwrap_or_else(|_| Outcome::Unknown {
        reason: format!("no end within {limit:?}"),
    })
}

/// A composed mail.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Envelope sender (return path).
    pub from: String,
    /// The one envelope recipient.
    pub to: String,
    /// Our own Message-ID, without angle brackets.
    pub message_id: String,
    /// The date that it carries: when it was put on the queue, the same in every try.
    pub at: jiff::Timestamp,
    /// RFC 5322 bytes.
    pub raw: Vec<u8>,
}

/// What became of a hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Taken; the provider's id of it, where it gave one.
    Sent {
        /// The provider's id.
        provider_id: Option<String>,
    },
    /// Refused for good.
    Refused {
        /// What the other side said, without addresses.
        reason: String,
    },
    /// Certainly not sent; the failure says when to try again.
    NotSent(Failure),
    /// Perhaps sent: the connection broke or the time was up after the mail was handed over.
    Unknown {
        /// What was seen.
        reason: String,
    },
}

/// What a provider allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// Mails per second.
    pub per_second: f64,
    /// Mails in 24 hours.
    pub per_day: f64,
    /// Already sent in the last 24 hours.
    pub sent_today: f64,
}
