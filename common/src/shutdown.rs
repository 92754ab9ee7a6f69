//! Signals: SIGTERM and SIGINT stop in order, a second one stops now, SIGHUP reloads.

use crate::{Failure, Result};
use futures_util::StreamExt;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_tokio::Signals;
use std::process;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// What the outside asked of this process.
#[derive(Clone)]
pub struct Shutdown {
    /// Cancelled at the first SIGTERM or SIGINT: receive no more.
    pub stop: CancellationToken,
    /// Counts SIGHUPs.
    pub reloads: watch::Receiver<u64>,
}

/// Begins to listen for signals. Exit code of a stop that was demanded twice: 1.
pub fn listen() -> Result<Shutdown> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(Failure::retry)?;
    let stop = CancellationToken::new();
    let (reload, reloads) = watch::channel(0);
    let cancel = stop.clone();
    tokio::spawn(async move {
        while let Some(signal) = signals.next().await {
            match signal {
                SIGHUP => reload.send_modify(|n| *n += 1),
                _ if cancel.is_cancelled() => {
                    warn!("Told to stop a second time; leaving what is in hand to its lease");
                    process::exit(1);
                }
                _ => {
                    info!("Told to stop; finishing what is in hand");
                    cancel.cancel();
                }
            }
        }
    });
    Ok(Shutdown { stop, reloads })
}
