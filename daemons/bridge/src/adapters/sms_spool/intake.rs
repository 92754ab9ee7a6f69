//! What the modem's daemon brings: texts, receipts, and files that it has sent or could not send.

use super::folders::Folders;
use super::look::{Entry, Look};
use super::settings::{Dialect, Settings};
use super::smstools::{self, Parsed};
use super::{gammu, piece_in};
use crate::port::{Arrived, Part, Port, Receipt};
use common::{Failure, Result, Verdict};
use jiff::Timestamp;
use jiff::civil::DateTime;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// An SMS of 255 parts stays below this; what is larger is none.
const LARGEST: u64 = 256 * 1024;

/// A receipt may come before the file that it is about is seen.
const RECEIPT_WAITS: Duration = Duration::from_secs(60);

/// What was taken is looked through so often for what is too old.
const PRUNE: Duration = Duration::from_secs(3600);

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Somebody wrote.
    Text(Incoming),
    /// The network says what became of a text.
    Report(Report),
    /// Nothing that we could use; it is as good as taken.
    Nothing(&'static str),
    /// It cannot be understood, for this reason.
    Rubbish(&'static str),
}

/// A text, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    pub from: String,
    pub text: String,
    pub part: Option<Part>,
    /// When the network had it, in its own words: with sender and text this is what tells it from
    /// others, since modems pass on no id.
    pub stamp: Option<String>,
    /// The same as a time of an unknown zone.
    pub sent: Option<DateTime>,
}

/// A receipt of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The receiver of the text.
    pub from: String,
    /// The number that the network gave the text.
    pub message_id: String,
    pub state: String,
    pub reason: String,
    pub at: Option<DateTime>,
}

/// Looks at the folders again and again.
pub struct Intake {
    settings: Arc<Settings>,
    folders: Arc<Folders>,
    sent: Look,
    failed: Look,
    report: Look,
    incoming: Look,
    pruned: Option<Instant>,
}

impl Intake {
    pub fn new(settings: Arc<Settings>, folders: Arc<Folders>) -> Self {
        Self {
            settings,
            folders,
            sent: Look::default(),
            failed: Look::default(),
            report: Look::default(),
            incoming: Look::default(),
            pruned: None,
        }
    }

    /// Takes all that has come to rest. Fails when a folder cannot be used, or when nothing can be
    /// queued or spooled: what is there stays.
    pub async fn look(&mut self, port: &Port) -> Result {
        self.prune()?;
        let settings = self.settings.clone();
        if let Some(folder) = &settings.sent {
            let ended = rested(&mut self.sent, folder)?;
            self.ended(&ended, "sent", port).await?;
        }
        if let Some(folder) = &settings.failed {
            let ended = rested(&mut self.failed, folder)?;
            self.ended(&ended, "failed", port).await?;
        }
        if let Some(folder) = &settings.report {
            for entry in rested(&mut self.report, folder)? {
                self.smstools(&entry, true, port).await?;
            }
        }
        self.folders.end_taking().map_err(fault)?;
        let entries = rested(&mut self.incoming, &settings.incoming)?;
        match settings.dialect {
            Dialect::Smstools => {
                for entry in &entries {
                    self.smstools(entry, false, port).await?;
                }
                Ok(())
            }
            Dialect::Gammu => self.gammu(&entries, port).await,
        }
    }

    fn prune(&mut self) -> Result {
        if self.pruned.is_none_or(|at| at.elapsed() > PRUNE) {
            self.folders.prune().map_err(fault)?;
            self.pruned = Some(Instant::now());
        }
        Ok(())
    }

    /// Files of ours that the daemon has done with. Others' are left to them.
    async fn ended(&self, entries: &[Entry], end: &str, port: &Port) -> Result {
        for entry in entries {
            let Some(id) = piece_in(&entry.name) else {
                continue;
            };
            let body = match self.settings.dialect {
                Dialect::Smstools => read(entry).unwrap_or_default(),
                Dialect::Gammu => Vec::new(),
            };
            let head = Parsed::of(&body);
            let get = |name: &str| head.as_ref().and_then(|head| head.get(name));
            if let (Some(to), Some(message)) = (get("To"), get("Message_id")) {
                self.folders.refer(to, message, id).map_err(fault)?;
            }
            let receipt = Receipt {
                provider_id: id.to_owned(),
                state: end.to_uppercase(),
                reason: get("Fail_reason").map(str::to_owned),
                at: came(entry),
            };
            port.receipt(receipt).await?;
            self.folders.ended(entry, id, end).map_err(fault)?;
        }
        Ok(())
    }

    async fn smstools(&self, entry: &Entry, reports: bool, port: &Port) -> Result {
        let Some(body) = self.body(entry)? else {
            return Ok(());
        };
        let found = smstools::incoming(&body, reports);
        self.found(std::slice::from_ref(entry), found, port).await
    }

    /// The parts of a text are files that differ in the last number of their name.
    async fn gammu(&self, entries: &[Entry], port: &Port) -> Result {
        let mut texts: Vec<(&str, BTreeMap<u8, &Entry>)> = Vec::new();
        for entry in entries {
            let Some(name) = gammu::name(&entry.name) else {
                self.rubbish(entry, "its name is not that of a message")?;
                continue;
            };
            match texts.iter_mut().find(|(text, _)| *text == name.text) {
                Some((_, parts)) => drop(parts.insert(name.sequence, entry)),
                None => texts.push((name.text, BTreeMap::from([(name.sequence, entry)]))),
            }
        }
        for (text, parts) in texts {
            // Others of its parts may be on their way; they are written one after the other.
            if !self.incoming.is_restless(entries, text) {
                self.gammu_text(parts.into_values(), port).await?;
            }
        }
        Ok(())
    }

    async fn gammu_text(&self, parts: impl Iterator<Item = &Entry>, port: &Port) -> Result {
        let entries: Vec<Entry> = parts.cloned().collect();
        let mut files = Vec::new();
        for entry in &entries {
            match (gammu::name(&entry.name), self.body(entry)?) {
                (Some(name), Some(body)) => files.push((name, body)),
                // The next look sees what is left.
                _ => return Ok(()),
            }
        }
        let found = gammu::incoming(&files);
        self.found(&entries, found, port).await
    }

    async fn found(&self, entries: &[Entry], found: Found, port: &Port) -> Result {
        let Some(first) = entries.first() else {
            return Ok(());
        };
        let taken = match found {
            Found::Text(incoming) => port.text(self.arrived(first, incoming)).await,
            Found::Report(report) => match self.receipt(first, &report) {
                Some(receipt) => port.receipt(receipt).await,
                None if young(first) => return Ok(()),
                None => {
                    info!("A receipt is about nothing that we sent lately");
                    Ok(())
                }
            },
            Found::Nothing(what) => {
                info!(what, "Passed over what came in");
                Ok(())
            }
            Found::Rubbish(why) => return entries.iter().try_for_each(|e| self.rubbish(e, why)),
        };
        match taken {
            Ok(()) => self.folders.taken(entries).map_err(fault),
            Err(e) if e.verdict == Verdict::Quarantine => {
                warn!(error = %e, "Nothing can take what came in");
                let why = "nothing can take it";
                entries.iter().try_for_each(|e| self.rubbish(e, why))
            }
            Err(e) => Err(e),
        }
    }

    fn arrived(&self, entry: &Entry, incoming: Incoming) -> Arrived {
        Arrived {
            id: Some(identity(&incoming, &entry.name)),
            sent_at: self.settings.sent_at(incoming.sent, came(entry)),
            from: incoming.from,
            text: incoming.text,
            part: incoming.part,
        }
    }

    fn receipt(&self, entry: &Entry, report: &Report) -> Option<Receipt> {
        Some(Receipt {
            provider_id: self.folders.referred(&report.from, &report.message_id)?,
            state: report.state.clone(),
            reason: (!report.reason.is_empty()).then(|| report.reason.clone()),
            at: self.settings.sent_at(report.at, came(entry)),
        })
    }

    /// What is in a file; `None` when it was put aside or is gone.
    fn body(&self, entry: &Entry) -> Result<Option<Vec<u8>>> {
        let why = match read(entry) {
            Ok(body) => return Ok(Some(body)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) if e.kind() == io::ErrorKind::FileTooLarge => "it is too large",
            Err(_) => "it cannot be read",
        };
        self.rubbish(entry, why).map(|()| None)
    }

    fn rubbish(&self, entry: &Entry, why: &str) -> Result {
        let folder = self.settings.done.join("bad");
        warn!(folder = %folder.display(), why, "Put a file aside");
        metrics::counter!("kentongan_spool_files_aside_total").increment(1);
        self.folders.set_aside(entry).map_err(fault)
    }
}

fn rested(look: &mut Look, folder: &Path) -> Result<Vec<Entry>> {
    let settled = look.settled(folder, smstools::is_foreign);
    settled.map_err(|e| Failure::retry(format!("folder {}: {e}", folder.display())))
}

fn read(entry: &Entry) -> io::Result<Vec<u8>> {
    if entry.size > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    std::fs::read(&entry.path)
}

fn fault(e: io::Error) -> Failure {
    Failure::retry(format!("the folders of the modem's daemon: {e}"))
}

fn came(entry: &Entry) -> Timestamp {
    Timestamp::try_from(entry.came).unwrap_or_else(|_| Timestamp::now())
}

fn young(entry: &Entry) -> bool {
    entry.came.elapsed().is_ok_and(|age| age < RECEIPT_WAITS)
}

/// The same whenever the same text is read, and another for each text: people who get no answer
/// send the same words again, and the network's time tells these apart.
fn identity(incoming: &Incoming, file: &str) -> String {
    let mut hash = Sha256::new();
    if let Some(Part { number, of, .. }) = incoming.part {
        hash.update([number, of]);
    }
    hash.update(&incoming.text);
    let digest = hash.finalize();
    let hex: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
    let stamp = incoming.stamp.as_deref().unwrap_or(file);
    format!("{stamp}:{hex}")
}
