use crate::adapter::{Adapter, Handed, Outgoing};
use crate::pace::Pace;
use crate::ways::{Way, Ways};
use common::channel::{Channel, Piece};
use common::config;
use common::db::deliveries::{self, Found, Parcel, State};
use common::db::pieces;
use common::db::{Tx, channels};
use common::delivery::{Decision, Facts, Rules, decide};
use common::failure::Dependency;
use common::handler::{Claim, Deliverer, Incoming};
use common::home::Home;
use common::messages::TextOutput;
use common::outbox::Outbox;
use common::people::{self, Message, Undelivered};
use common::transport::Outcome;
use common::{Failure, Result};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

/// Counts what became of texts, by channel and the state of their delivery.
const TEXTS: &str = "kentongan_texts_out_total";

/// Nothing can be handed over now: looked at again after this.
const LOOK: Duration = Duration::from_millis(250);

/// Sends the texts of one channel.
///
/// May run again for one text at any point: its row tells how far it came, its pieces which were
/// taken, and [`decide`] what follows.
pub struct TextOutputDeliverer {
    /// What carries them.
    pub channel: Arc<Channel>,
    /// What speaks to the network.
    pub adapter: Arc<dyn Adapter>,
    /// Other channels.
    pub ways: Arc<Ways>,
    /// How fast.
    pub pace: Pace,
    /// Database and queues.
    pub home: Home,
    /// How a text for another address is made.
    pub engine: config::Engine,
}

/// What is left to hand over.
pub struct Job {
    pieces: Vec<Piece>,
}

impl TextOutputDeliverer {
    fn rules(&self) -> Rules {
        Rules {
            limit: Duration::from_secs(self.channel.worth.limit_s),
            unknown: self.channel.worth.unknown,
            sends_at_most: self.channel.worth.sends_at_most,
        }
    }

    async fn facts(&self, text: &Incoming<TextOutput>, tx: &Tx<'_>) -> Result<Facts> {
        Ok(Facts {
            found: deliveries::find(tx, text.envelope.id).await?,
            suppressed: self.stopped(text, tx).await?,
            expired: self.expired(text),
            purpose: text.purpose,
        })
    }

    /// Why nothing goes to this receiver, or not this again.
    async fn stopped(&self, text: &Incoming<TextOutput>, tx: &Tx<'_>) -> Result<Option<String>> {
        let guard = &self.channel.guard;
        if guard.denies(&text.to, self.channel.phones()) {
            return Ok(Some("denied".into()));
        }
        let said = (text.envelope.id, text.to.as_str(), digest(&text.text));
        let (same, answers) = pieces::said(tx, said, guard.within_s).await?;
        Ok(guard.stops(same, answers).map(|s| s.name().to_owned()))
    }

    /// The message says until when it is of use, and the channel for how long at most.
    fn expired(&self, text: &Incoming<TextOutput>) -> Option<String> {
        let now = Timestamp::now();
        let age = now.duration_since(text.envelope.sent_at);
        let age = Duration::try_from(age).unwrap_or_default();
        let late = now > text.expires_at || age > self.channel.worth.lasts(text.purpose);
        late.then(|| "it was of no use any more".to_owned())
    }

    async fn close(
        &self,
        (text, tx): (&Incoming<TextOutput>, &Tx<'_>),
        found: Option<Found>,
        (state, reason): (State, &str),
    ) -> Result<Claim<Job>> {
        let parcel = self.parcel(text);
        deliveries::close(tx, &parcel, found, state, reason).await?;
        self.count(state);
        info!(delivery = %parcel.id, state = state.name(), reason, "A text was not sent here");
        Ok(Claim::Done)
    }

    /// Says something that a claim brings about, which has no outbox of its own. Where queues are
    /// elsewhere the sweeper sends it, seconds later.
    async fn push(&self, tx: &Tx<'_>, out: Outbox) -> Result {
        self.home.push(tx, out.into_pushed()).await.map(drop)
    }

    /// Another channel takes it, as a message of its own.
    async fn moved(
        &self,
        (text, tx): (&Incoming<TextOutput>, &Tx<'_>),
        found: Option<Found>,
        to: String,
    ) -> Result<Claim<Job>> {
        let mut out = Outbox::new(text.envelope.clone(), Timestamp::now());
        let mut tried = text.tried.clone();
        tried.push(self.channel.channel.clone());
        let reason = format!("moved to {to}");
        out.send(&TextOutput {
            channel: to,
            tried,
            ..text.message.clone()
        });
        self.push(tx, out).await?;
        self.close((text, tx), found, (State::Moved, &reason)).await
    }

    /// What this address does not take goes to the receiver's next.
    async fn onward(&self, text: &Incoming<TextOutput>, tx: &Tx<'_>, out: &mut Outbox) -> Result {
        let undelivered = Undelivered {
            delivery: text.envelope.id,
            message: Message::Text(text),
        };
        people::fall_over((tx, out), &undelivered, &self.engine)
            .await
            .map(drop)
    }

    /// Claims it for this channel, with what is left of it.
    async fn own(
        &self,
        (text, tx): (&Incoming<TextOutput>, &Tx<'_>),
        found: Option<Found>,
    ) -> Result<Claim<Job>> {
        if !self.adapter.ready() {
            return Ok(Claim::Later(LOOK));
        }
        let id = text.envelope.id;
        deliveries::claim(tx, &self.parcel(text), found).await?;
        pieces::remember(tx, id, digest(&text.text)).await?;
        let handed = match found {
            Some(_) => pieces::handed(tx, id).await?,
            None => 0,
        };
        let pieces = self.channel.length.pieces(&text.text);
        let left = pieces.into_iter().filter(|p| p.number > handed);
        Ok(Claim::Go(Job {
            pieces: left.collect(),
        }))
    }

    /// One piece, again while the network says that we are too fast.
    async fn hand_over(&self, outgoing: &Outgoing<'_>, until: Instant) -> Handed {
        loop {
            let Ok(_turn) = timeout_at(until, self.pace.turn()).await else {
                return Handed::Slow(None);
            };
            let handed = timeout_at(until, self.adapter.hand_over(outgoing)).await;
            match handed {
                Ok(Handed::Slow(pause)) => self.pace.slow(pause),
                Ok(handed) => {
                    self.pace.taken();
                    return handed;
                }
                Err(_) => return Handed::Unknown("no answer in time".into()),
            }
        }
    }

    /// A piece that others follow is written down by itself; the last with the delivery.
    async fn keep(&self, text: &Incoming<TextOutput>, piece: &Piece, id: Option<&str>) -> Result {
        let mut conn = self.home.db.connect().await?;
        let tx = conn.begin().await?;
        self.put(&tx, text, (piece.number, piece.of), id).await?;
        tx.commit().await
    }

    async fn put(
        &self,
        tx: &Tx<'_>,
        text: &Incoming<TextOutput>,
        (number, of): (u8, u8),
        provider_id: Option<&str>,
    ) -> Result {
        let handed = pieces::Handed {
            delivery: text.envelope.id,
            number,
            of,
            channel: &self.channel.channel,
            provider_id,
            sent_at: text.envelope.sent_at,
        };
        pieces::put(tx, &handed).await
    }

    fn parcel<'a>(&'a self, text: &'a Incoming<TextOutput>) -> Parcel<'a> {
        Parcel {
            id: text.envelope.id,
            kind: "text",
            channel: &self.channel.channel,
            address: &text.to,
            purpose: text.purpose,
            message_id: None,
            trace: text.envelope.trace,
            cause: text.envelope.cause,
        }
    }

    fn count(&self, state: State) {
        let channel = self.channel.channel.clone();
        metrics::counter!(TEXTS, "channel" => channel, "state" => state.name()).increment(1);
    }
}

impl Deliverer for TextOutputDeliverer {
    type Message = TextOutput;
    type Job = Job;

    async fn claim(&self, text: &Incoming<TextOutput>, tx: &Tx<'_>) -> Result<Claim<Job>> {
        let facts = self.facts(text, tx).await?;
        let found = facts.found;
        let given = (text, tx);
        match decide(&facts, &self.rules()) {
            Decision::Done => Ok(Claim::Done),
            Decision::LookAgain(pause) => {
                let cause = "another bridge has claimed this text and may still be at it";
                Err(Failure::retry_after(pause, cause))
            }
            Decision::Close(state, reason) => self.close(given, found, (state, &reason)).await,
            Decision::Send if self.probes(tx).await? => self.own(given, found).await,
            // What was begun here is ended here: the receiver would get its beginning twice.
            Decision::Send if found.is_some_and(|f| f.attempts > 0) => self.own(given, found).await,
            Decision::Send => match self.ways.of(&self.channel, &text.tried) {
                Way::Own => self.own(given, found).await,
                Way::Other(to) => self.moved(given, found, to).await,
                Way::None => Ok(Claim::Later(LOOK)),
            },
        }
    }

    async fn deliver(&self, text: &Incoming<TextOutput>, job: &Job) -> Outcome {
        let until = Instant::now() + Duration::from_secs(self.channel.worth.limit_s);
        let mut provider_id = None;
        for piece in &job.pieces {
            let outgoing = Outgoing {
                id: text.envelope.id,
                to: &text.to,
                piece,
            };
            match self.hand_over(&outgoing, until).await {
                Handed::Sent(id) => provider_id = id,
                handed => return outcome(handed),
            }
            if piece.number < piece.of
                && let Err(e) = self.keep(text, piece, provider_id.as_deref()).await
            {
                // Taken, and nobody would know: the next try must not begin with it again.
                return Outcome::Unknown { reason: e.cause };
            }
        }
        Outcome::Sent { provider_id }
    }

    async fn record(
        &self,
        text: &Incoming<TextOutput>,
        outcome: &Outcome,
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> Result {
        let id = text.envelope.id;
        let (state, provider_id, reason) = State::after(outcome);
        let first = deliveries::record(tx, id, state, provider_id, reason).await?;
        if state == State::Sent {
            let of = self.channel.length.pieces(&text.text).len();
            let of = u8::try_from(of).unwrap_or(u8::MAX);
            self.put(tx, text, (of, of), provider_id).await?;
        }
        if !first {
            warn!(delivery = %id, "A text was closed before its outcome came");
            return Ok(());
        }
        self.count(state);
        let (trace, channel) = (text.envelope.trace, &self.channel.channel);
        match reason {
            None => info!(delivery = %id, %trace, channel, "Sent a text"),
            Some(reason) => {
                warn!(delivery = %id, %trace, channel, state = state.name(), reason, "A text did not go");
            }
        }
        match state {
            State::Refused => self.onward(text, tx, out).await,
            _ => Ok(()),
        }
    }

    async fn ready(&self) -> Result<Option<Duration>> {
        // A bridge that is not connected leaves the texts to the one that is, unless none is and
        // there is another way.
        let go = match self.ways.of(&self.channel, &[]) {
            Way::Own => self.adapter.ready(),
            Way::Other(_) => true,
            Way::None => false,
        };
        Ok((!go).then_some(LOOK))
    }

    async fn probe(&self) -> Result {
        match self.ready().await? {
            None => Ok(()),
            Some(_) => Err(Failure::wait(
                Dependency::Gateway,
                format!("channel {} has no connection", self.channel.channel),
            )),
        }
    }
}

impl TextOutputDeliverer {
    /// Whether this text is the one that shows whether a slow channel has become fast again.
    async fn probes(&self, tx: &Tx<'_>) -> Result<bool> {
        if !self.ways.is_slow(&self.channel) || !self.adapter.ready() {
            return Ok(false);
        }
        let every = Duration::from_secs(u64::from(self.channel.speed.probe_s));
        channels::probe(tx, &self.channel.channel, every).await
    }
}

fn outcome(handed: Handed) -> Outcome {
    match handed {
        Handed::Sent(provider_id) => Outcome::Sent { provider_id },
        Handed::Refused(reason) => Outcome::Refused { reason },
        Handed::Unknown(reason) => Outcome::Unknown { reason },
        Handed::Later(cause) => Outcome::NotSent(Failure::retry(cause)),
        Handed::Away(cause) => Outcome::NotSent(Failure::wait(Dependency::Gateway, cause)),
        Handed::Slow(_) => {
            let cause = "the network throttles";
            Outcome::NotSent(Failure::wait(Dependency::Gateway, cause))
        }
    }
}

/// What a text says, as a number to compare by.
fn digest(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first)
}

#[cfg(test)]
mod tests;
