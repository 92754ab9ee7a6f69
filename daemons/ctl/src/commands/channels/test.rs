//! `kentongan channels test`

use crate::context::{Context, in_tx};
use crate::exit::{Exit, Fault, Result};
use crate::out::Out;
use crate::time::span;
use clap::Args;
use common::db::Db;
use common::db::deliveries::{self, Seen};
use common::envelope::Envelope;
use common::messages::{Message, Purpose, TextOutput};
use common::queue::{Entry, all_done};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How often the delivery is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// Send one text by a channel and say what becomes of it
///
/// Exit code 3 when nothing is known in time; `kentongan trace` tells more later.
#[derive(Debug, Args)]
pub struct Test {
    /// The channel
    name: String,
    /// To whom: a number, or what the channel uses
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// How long to wait for the network: 30, 5s, 2m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = span)]
    wait: Duration,
    /// What is said
    #[arg(default_value = "Kentongan")]
    text: String,
}

impl Test {
    pub async fn run(self, context: &Context) -> Result {
        let (settings, home) = context.home().await?;
        let running = settings.bridge.running()?;
        let channel = running.get(&self.name).ok_or_else(|| {
            Fault::usage(format!("channel `{}` does not run here", self.name))
                .remedy("`bridge.run` in the settings names those that run")
        })?;
        let to = match channel.phones() {
            true => common::phone::canonical(&self.to, &settings.engine.country_code)
                .map_err(|e| Fault::usage(format!("--to {}: {e}", self.to)))?,
            false => self.to.clone(),
        };
        let now = Timestamp::now();
        let wait = SignedDuration::try_from(self.wait).unwrap_or(SignedDuration::MAX);
        let text = TextOutput {
            channel: self.name.clone(),
            to,
            parts: u32::try_from(channel.length.pieces(&self.text).len()).unwrap_or(1),
            text: self.text.clone(),
            purpose: Purpose::Alert,
            in_reply_to: None,
            expires_at: now.checked_add(wait).unwrap_or(Timestamp::MAX),
            tried: Vec::new(),
        };
        let envelope = Envelope::first(Uuid::now_v7(), &text, now);
        let entry = Entry {
            id: envelope.id,
            body: envelope.to_json(),
            delay: Duration::ZERO,
        };
        all_done(home.queue.send(&text.queue(), &[entry]).await?)?;
        let seen = followed(&home.db, envelope.trace, Instant::now() + self.wait).await?;
        told(context.out, envelope.trace, seen)
    }
}

/// What is known of it when it is over, or when the time is up.
async fn followed(db: &Db, trace: Uuid, until: Instant) -> Result<Vec<Seen>> {
    loop {
        let seen = in_tx(db, async |tx| Ok(deliveries::of_trace(tx, trace).await?)).await?;
        let over = |s: &Seen| !matches!(s.state.as_str(), "claimed" | "waiting" | "moved");
        if seen.iter().any(over) || Instant::now() >= until {
            return Ok(seen);
        }
        sleep(LOOK).await;
    }
}

fn told(out: Out, trace: Uuid, seen: Vec<Seen>) -> Result {
    if out.json {
        out.document(&seen)?;
    } else {
        for s in &seen {
            let reason = s
                .reason
                .as_deref()
                .map(|r| format!(": {r}"))
                .unwrap_or_default();
            out.line(format!("{}: {}{reason}", s.channel, s.state))?;
        }
        out.line(format!(
            "kentongan trace {trace}    tells what is heard of it later"
        ))?;
    }
    match seen.iter().any(|s| s.state == "sent") {
        true => Ok(Exit::Done),
        false => Err(Fault::nothing("the network has not taken it")),
    }
}
