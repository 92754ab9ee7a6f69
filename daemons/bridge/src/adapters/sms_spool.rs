//! The spool folders of a modem's daemon on this machine: SMS Server Tools 3 or gammu-smsd.
//!
//! A file that goes out is written under a hidden name beside its place and renamed: neither daemon
//! looks at names that begin with a dot. A file that comes in is taken when it has not changed
//! between two looks, and put away only when what it says is queued: after a crash it is there
//! still and gives the same id again.

mod alphabet;
mod detail;
mod folders;
mod gammu;
mod intake;
mod look;
mod settings;
mod smstools;

use crate::adapter::{Adapter, Handed, Outgoing, Parts};
use crate::port::Port;
use async_trait::async_trait;
use common::channel::Split;
use common::{Failure, Result};
use folders::Folders;
use intake::Intake;
use settings::{Dialect, Settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The folders are looked at so often.
const EVERY: Duration = Duration::from_secs(1);

/// A full spool is tried again after this.
const FULL: Duration = Duration::from_secs(2);

/// One modem's daemon.
pub struct SmsSpool {
    settings: Arc<Settings>,
    folders: Arc<Folders>,
    split: Split,
    open: AtomicBool,
}

impl SmsSpool {
    /// Of a channel's settings. Nothing is looked at yet.
    pub fn new(parts: &Parts<'_>) -> Result<Self> {
        let settings: Settings = parts.settings()?;
        settings.check().map_err(|fault| {
            let name = &parts.channel.channel;
            Failure::quarantine(format!("channel file {name}.toml: [settings]: {fault}"))
        })?;
        let settings = Arc::new(settings);
        Ok(Self {
            folders: Arc::new(Folders::new(settings.clone())),
            settings,
            split: parts.channel.length.split,
            open: AtomicBool::new(false),
        })
    }

    async fn watch(&self, port: &Port, stop: &CancellationToken) -> Result {
        let mut intake = Intake::new(self.settings.clone(), self.folders.clone());
        while !stop.is_cancelled() {
            self.judge();
            intake.look(port).await?;
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    /// A daemon that takes nothing may still bring something: only what goes out is kept from it.
    fn judge(&self) {
        let moving = self.folders.moving();
        let was = self.open.swap(moving.is_ok(), Ordering::Relaxed);
        match moving {
            Ok(()) if !was => {
                info!(dialect = ?self.settings.dialect, "The modem's daemon takes what goes out");
            }
            Err(e) if was => warn!(error = %e, "The modem's daemon takes nothing"),
            _ => {}
        }
    }

    fn put(&self, outgoing: &Outgoing<'_>) -> Handed {
        let Some(number) = digits(outgoing.to) else {
            return Handed::Refused("the address is no telephone number".into());
        };
        let id = piece_id(outgoing);
        match self.folders.waiting(&id) {
            Err(e) => return Handed::Away(e.to_string()),
            // An earlier try came so far, whatever became of it since.
            Ok(folders::Waiting::Known) => return Handed::Sent(Some(id)),
            Ok(folders::Waiting::Others(n)) if n >= self.settings.waiting_at_most => {
                return Handed::Slow(Some(FULL));
            }
            Ok(folders::Waiting::Others(_)) => {}
        }
        let reports = self.settings.reports;
        let (name, body) = match self.settings.dialect {
            Dialect::Smstools => smstools::outgoing(outgoing, number, (&id, reports, self.split)),
            Dialect::Gammu => gammu::outgoing(outgoing, number, (&id, reports)),
        };
        match self.folders.put(&name, &body) {
            Ok(()) => Handed::Sent(Some(id)),
            Err(folders::PutFault::NotThere(e)) => Handed::Away(e.to_string()),
            Err(folders::PutFault::Perhaps(e)) => Handed::Unknown(e.to_string()),
        }
    }
}

#[async_trait]
impl Adapter for SmsSpool {
    async fn run(&self, port: &Port, stop: &CancellationToken) -> Result {
        self.folders.prove()?;
        let ended = self.watch(port, stop).await;
        self.open.store(false, Ordering::Relaxed);
        ended
    }

    fn ready(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    async fn hand_over(&self, outgoing: &Outgoing<'_>) -> Handed {
        if !self.ready() {
            return Handed::Away("the folders cannot be used".into());
        }
        self.put(outgoing)
    }

    fn exclusive(&self) -> bool {
        true
    }
}

/// What a piece is called in names of files, in receipts and in our tables: the same in every try.
fn piece_id(outgoing: &Outgoing<'_>) -> String {
    format!("{}-{:03}", outgoing.id.simple(), outgoing.piece.number)
}

/// The piece whose id stands somewhere in this name: daemons add to the names of files.
fn piece_in(name: &str) -> Option<&str> {
    let bytes = name.as_bytes();
    let is_id = |at: usize| {
        bytes.get(at..at + 36).is_some_and(|id| {
            let (uuid, number) = id.split_at(32);
            uuid.iter().all(u8::is_ascii_hexdigit)
                && number[0] == b'-'
                && number[1..].iter().all(u8::is_ascii_digit)
        })
    };
    let at = (0..bytes.len()).find(|at| is_id(*at))?;
    name.get(at..at + 36)
}

/// The digits of an address that is a number and nothing else: it stands in headers and names of
/// files.
fn digits(to: &str) -> Option<&str> {
    let digits = to.strip_prefix('+').unwrap_or(to);
    let sound = (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    sound.then_some(digits)
}

/// The header that joins a piece with the others of its text (3GPP TS 23.040, 9.2.3.24.1); none for
/// a text of one piece.
fn join_header(outgoing: &Outgoing<'_>, number: u8, of: u8) -> Option<[u8; 6]> {
    // The receiver's phone tells texts apart by it; the same in every try.
    let reference = outgoing.id.as_bytes()[15];
    (of > 1).then_some([5, 0, 3, reference, of, number])
}

#[cfg(test)]
mod tests;
