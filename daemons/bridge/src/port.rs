//! Where an adapter gives what comes in: once it is taken here, it may be acknowledged.

use crate::spool::Spool;
use common::channel::Channel;
use common::db::pieces::{self, Fragment, Joined};
use common::envelope::Envelope;
use common::home::Home;
use common::messages::{Message, TextInput};
use common::queue::Entry;
use common::{Failure, Result, Verdict, phone};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Counts what came in, by channel and outcome: `queued`, `spooled`, `denied`, `part`.
const ARRIVED: &str = "kentongan_texts_in_total";

/// What is spooled is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// Longest time until a text is queued; then it is spooled.
const PATIENCE: Duration = Duration::from_secs(10);

/// A text without an id of the network that comes again within so many seconds is the same text.
const BUCKET_S: i64 = 600;

/// What came in on one channel.
pub struct Port {
    channel: Arc<Channel>,
    home: Home,
    spool: Spool,
    country: String,
}

/// A text, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// The sender's address as the network writes it.
    pub from: String,
    /// What was written.
    pub text: String,
    /// The network's id of it, where it has one.
    pub id: Option<String>,
    /// When it was sent, as far as the network knows; else now.
    pub sent_at: Timestamp,
    /// What joins it with other parts.
    pub part: Option<Part>,
}

/// A part's place (3GPP TS 23.040, 9.2.3.24.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The same in all parts of a text.
    pub reference: u16,
    /// From 1.
    pub number: u8,
    /// Of how many.
    pub of: u8,
}

impl Part {
    /// A place that makes sense; phones have been seen to send others.
    pub fn new(reference: u16, number: u8, of: u8) -> Option<Self> {
        let sound = number >= 1 && number <= of && of > 1;
        sound.then_some(Self {
            reference,
            number,
            of,
        })
    }
}

/// What a network says of a text that it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The network's id of the piece.
    pub provider_id: String,
    /// The network's own word for its state.
    pub state: String,
    /// Why, where it says so.
    pub reason: Option<String>,
    /// When it happened.
    pub at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
enum Item {
    Text(Arrived),
    Receipt(Receipt),
}

impl Port {
    /// The port of one channel.
    pub fn new(channel: Arc<Channel>, home: Home, spool: Spool, country: &str) -> Self {
        Self {
            channel,
            home,
            spool,
            country: country.to_owned(),
        }
    }

    /// The channel's name.
    pub fn name(&self) -> &str {
        &self.channel.channel
    }

    /// Takes a text: queued, spooled, or of no interest. An `Err`: nothing has it, and the network
    /// must keep it. The same text twice is one message.
    pub async fn text(&self, arrived: Arrived) -> Result {
        let arrived = arrived.clean();
        if self
            .channel
            .guard
            .denies(&arrived.from, self.channel.phones())
        {
            self.count("denied");
            return Ok(());
        }
        self.take(Item::Text(arrived)).await
    }

    /// Takes a receipt, in the same way. May come before its text is recorded as sent.
    pub async fn receipt(&self, receipt: Receipt) -> Result {
        self.take(Item::Receipt(receipt.clean())).await
    }

    /// When somebody wrote last on this channel, as far as the last two days tell.
    pub async fn last_from(&self, address: &str) -> Result<Option<Timestamp>> {
        let mut conn = self.home.db.connect().await?;
        let tx = conn.begin().await?;
        let last = pieces::last_from(&tx, &self.channel.channel, address).await?;
        tx.commit().await?;
        Ok(last)
    }

    /// Puts on their queue what was spooled, until told to stop.
    pub async fn drain(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            if self.spool.len() > 0 {
                self.drain_once().await;
            }
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// As far as it goes.
    async fn drain_once(&self) {
        let mut taken = 0;
        while let Some((number, item)) = self.spool.first::<Item>() {
            match self.store(&item).await {
                Ok(()) => self.spool.done(number),
                Err(e) if e.verdict == Verdict::Quarantine => {
                    warn!(error = %e, number, "Put aside what nothing can take");
                    self.spool.set_aside(number);
                }
                Err(_) => break,
            }
            taken += 1;
        }
        if taken > 0 {
            let (channel, left) = (&self.channel.channel, self.spool.len());
            info!(channel, taken, left, "Queued what waited in the spool");
        }
    }

    /// What waits keeps its order: nothing overtakes it.
    async fn take(&self, item: Item) -> Result {
        if self.spool.len() == 0 {
            match self.store(&item).await {
                Ok(()) => return Ok(()),
                Err(e) if e.verdict == Verdict::Quarantine => return Err(e),
                Err(e) => {
                    let channel = &self.channel.channel;
                    warn!(channel, error = %e, "Spools what comes in until it can be queued");
                }
            }
        }
        self.spool.keep(&item)?;
        self.count("spooled");
        Ok(())
    }

    async fn store(&self, item: &Item) -> Result {
        let storing = async {
            match item {
                Item::Text(arrived) => self.store_text(arrived).await,
                Item::Receipt(receipt) => self.store_receipt(receipt).await,
            }
        };
        let stored = tokio::time::timeout(PATIENCE, storing).await;
        stored.unwrap_or_else(|_| Err(Failure::retry(format!("not queued within {PATIENCE:?}"))))
    }

    async fn store_text(&self, arrived: &Arrived) -> Result {
        let from = self.canonical(&arrived.from);
        let (text, id, sent_at) = match arrived.part {
            None => (arrived.text.clone(), arrived.id.clone(), arrived.sent_at),
            Some(part) => match self.joined(arrived, &from, part).await? {
                Some(whole) => (whole.text, whole.channel_id, whole.sent_at),
                None => {
                    self.count("part");
                    return Ok(());
                }
            },
        };
        let id = id.unwrap_or_else(|| digest(&text, sent_at));
        let input = TextInput {
            channel: self.channel.channel.clone(),
            from,
            text,
            channel_id: Some(id),
            sent_at,
        };
        self.queue(&input).await?;
        self.count("queued");
        Ok(())
    }

    async fn joined(&self, arrived: &Arrived, from: &str, part: Part) -> Result<Option<Joined>> {
        let fragment = Fragment {
            channel: &self.channel.channel,
            address: from,
            reference: part.reference,
            number: part.number,
            of: part.of,
            text: &arrived.text,
            channel_id: arrived.id.as_deref(),
            sent_at: arrived.sent_at,
        };
        let mut conn = self.home.db.connect().await?;
        let tx = conn.begin().await?;
        let joined = pieces::keep(&tx, &fragment).await?;
        tx.commit().await?;
        Ok(joined)
    }

    async fn store_receipt(&self, receipt: &Receipt) -> Result {
        let channel = &self.channel.channel;
        let Some(heard) = self.channel.signs.heard(&receipt.state) else {
            let state = &receipt.state;
            warn!(
                channel,
                state, "A receipt says what the channel file does not name"
            );
            return Ok(());
        };
        let (id, reason) = (receipt.provider_id.as_str(), receipt.reason.as_deref());
        let mut conn = self.home.db.connect().await?;
        let tx = conn.begin().await?;
        pieces::hear(&tx, (channel, id), (heard, reason), receipt.at).await?;
        tx.commit().await?;
        metrics::counter!("kentongan_receipts_total", "channel" => channel.clone(), "state" => heard.name())
            .increment(1);
        Ok(())
    }

    async fn queue(&self, input: &TextInput) -> Result {
        let envelope = Envelope::first(input.id(), input, Timestamp::now());
        let entry = Entry {
            id: envelope.id,
            body: envelope.to_json(),
            delay: Duration::ZERO,
        };
        let outcomes = self.home.queue.send(&input.queue(), &[entry]).await?;
        outcomes.into_iter().collect()
    }

    fn canonical(&self, from: &str) -> String {
        match self.channel.phones() {
            true => phone::canonical(from, &self.country).unwrap_or_else(|_| from.to_owned()),
            false => from.to_owned(),
        }
    }

    fn count(&self, outcome: &'static str) {
        metrics::counter!(ARRIVED, "channel" => self.channel.channel.clone(), "outcome" => outcome)
            .increment(1);
    }
}

/// Longest id, word or reason that is kept whole, in bytes: an index holds some of them together
/// (2,704 bytes at most), and none that a network means is nearly as long.
const LONGEST: usize = 600;

impl Arrived {
    /// Without what the database takes from nobody (FAILURES M14): it would be refused for ever.
    fn clean(self) -> Self {
        Self {
            from: self.from.replace('\0', ""),
            text: self.text.replace('\0', ""),
            id: self.id.as_deref().map(clean),
            ..self
        }
    }
}

impl Receipt {
    fn clean(self) -> Self {
        Self {
            provider_id: clean(&self.provider_id),
            state: clean(&self.state),
            reason: self.reason.as_deref().map(clean),
            ..self
        }
    }
}

fn clean(word: &str) -> String {
    let mut word = word.replace('\0', "");
    word.truncate(word.floor_char_boundary(LONGEST));
    word
}

/// The id of a text whose network gives none.
fn digest(text: &str, sent_at: Timestamp) -> String {
    let bucket = sent_at.as_second().div_euclid(BUCKET_S);
    let digest = Sha256::new()
        .chain_update(bucket.to_be_bytes())
        .chain_update(text.as_bytes())
        .finalize();
    let hex: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("digest:{hex}")
}

#[cfg(test)]
mod tests;
