//! bridge: carries texts between networks and queues, and takes mails in from the mail server.
//!
//! In:       `text-output-<channel>` (a text for somebody), and what networks and the mail server bring
//! Out:      `text-input` (a text somebody sent), `email-input` (a mail that arrived); what a network
//!           refuses goes to the receiver's next address, what it cannot carry to another channel
//! Touches:  networks; deliveries, pieces, receipts, leases, the state of channels; blobs (mails).
//! Fails:    what cannot be queued is spooled to disk, and refused to the network when that is full;
//!           what a network throttles waits; of what nobody knows, the channel's file says.
//! Weakness: a text sent again after a crash may arrive twice.

mod adapter;
mod adapters;
mod bridge;
mod connection;
mod handlers;
mod lmtp;
mod pace;
mod port;
mod secrets;
mod spool;
#[cfg(test)]
mod testing;
mod ways;
mod web;
mod webhooks;

use std::process::ExitCode;

fn main() -> ExitCode {
    common::daemon::run("bridge", async |d| bridge::start(d).await)
}
