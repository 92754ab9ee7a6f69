//! `[bridge]`

use crate::lmtp;
use crate::secrets::Secrets;
use common::channel::{self, Channel};
use common::config::Settings;
use common::{Failure, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// What is the bridge's own.
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
    pub lmtp: Option<lmtp::Place>,
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
        }
    }
}

impl Bridge {
    /// Reads the section, and refuses what cannot work.
    pub fn read(settings: &Settings) -> Result<Self> {
        let bridge: Self = settings
            .section("bridge", &settings.bridge)
            .map_err(Failure::quarantine)?;
        let fault = |key: &str, fault: &str| {
            let file = settings.file.display();
            Err(Failure::quarantine(format!(
                "settings {file}: key `bridge.{key}`: {fault}"
            )))
        };
        if bridge.run.is_empty() && bridge.lmtp.is_none() {
            return fault("run", "names no channel, so the bridge has nothing to do");
        }
        if bridge.spool_most == 0 {
            return fault("spool_most", "must be 1 or more, or an outage loses texts");
        }
        Ok(bridge)
    }

    /// The channels that it runs.
    pub fn channels(&self) -> Result<BTreeMap<String, Arc<Channel>>> {
        let mut all = channel::of_installation(self.channels.as_deref())?;
        let names: Vec<String> = all.keys().cloned().collect();
        let mut run = BTreeMap::new();
        for name in &self.run {
            let channel = all.remove(name).ok_or_else(|| {
                let there = names.join(", ");
                Failure::quarantine(format!(
                    "settings: key `bridge.run`: there is no channel {name:?} (there are {there}), \
                     or it stands there twice"
                ))
            })?;
            run.insert(name.clone(), Arc::new(channel));
        }
        Ok(run)
    }

    /// Where secrets are.
    pub fn secrets(&self) -> Secrets {
        Secrets(self.secrets.clone())
    }
}
