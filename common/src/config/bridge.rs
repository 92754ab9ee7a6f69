//! What carries texts.

use super::Place;
use crate::channel::{self, Channel};
use crate::{Failure, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// `[bridge]`: read by the bridge, by whoever makes queues, and by the operator's commands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bridge {
    /// Names of the channels that this installation uses.
    pub run: Vec<String>,
    /// Folder whose channel files add to the shipped ones or replace them.
    pub channels: Option<PathBuf>,
    /// Folder of the secrets that channel files name.
    pub secrets: PathBuf,
    /// Folder for what comes in while its queue is away.
    pub spool: PathBuf,
    /// Most texts and receipts of one channel that are spooled; then the networks must keep them.
    pub spool_most: usize,
    /// Where providers' requests are answered; absent: nowhere.
    pub listen: Option<SocketAddr>,
    /// Where the mail server brings mails by LMTP, an address or a socket's path; absent: nowhere.
    pub lmtp: Option<Place>,
    /// Pieces of texts and what networks said of them are forgotten after so many days.
    pub keep_days: u32,
}

impl Default for Bridge {
    fn default() -> Self {
        Self {
            run: Vec::new(),
            channels: None,
            secrets: "/etc/kentongan/secrets".into(),
            spool: "/var/lib/kentongan/spool".into(),
            spool_most: 100_000,
            listen: None,
            lmtp: None,
            keep_days: 400,
        }
    }
}

impl Bridge {
    /// Refuses what cannot work.
    pub fn checked(&self) -> Result<&Self> {
        let fault = |key: &str, fault: &str| {
            Err(Failure::quarantine(format!("key `bridge.{key}`: {fault}")))
        };
        if self.run.is_empty() && self.lmtp.is_none() {
            return fault("run", "names no channel, so the bridge has nothing to do");
        }
        if self.spool_most == 0 {
            return fault("spool_most", "must be 1 or more, or an outage loses texts");
        }
        if self.keep_days < 30 {
            return fault(
                "keep_days",
                "must be 30 or more, or a text that comes back late would go out again",
            );
        }
        Ok(self)
    }

    /// The channels that run.
    pub fn running(&self) -> Result<BTreeMap<String, Arc<Channel>>> {
        let mut all = channel::of_installation(self.channels.as_deref())?;
        let names: Vec<String> = all.keys().cloned().collect();
        let mut run = BTreeMap::new();
        for name in &self.run {
            let channel = all.remove(name).ok_or_else(|| {
                let there = names.join(", ");
                Failure::quarantine(format!(
                    "key `bridge.run`: there is no channel {name:?} (there are {there}), or it \
                     stands there twice"
                ))
            })?;
            run.insert(name.clone(), Arc::new(channel));
        }
        Ok(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_names_its_key() {
        let runs = |names: &[&str]| Bridge {
            run: names.iter().map(|n| (*n).to_owned()).collect(),
            ..Bridge::default()
        };
        let cause = runs(&[]).checked().unwrap_err().cause;
        assert!(cause.contains("bridge.run"), "{cause}");
        let none = Bridge {
            spool_most: 0,
            ..runs(&["sms"])
        };
        assert!(none.checked().unwrap_err().cause.contains("spool_most"));
        assert_eq!(runs(&["sms"]).running().unwrap()["sms"].channel, "sms");
        for names in [["smss", "sms"], ["sms", "sms"]] {
            let cause = runs(&names).running().unwrap_err().cause;
            assert!(cause.contains("bridge.run"), "{cause}");
        }
    }
}
