use super::alerts;
use super::sound;
use common::config::Settings;
use common::db::Tx;
use common::db::intake::{self, Taken};
use common::db::people::Person;
use common::engine::Wording;
use common::engine::{Asked, Engine, short_trace};
use common::handler::{Handler, Incoming, Lane};
use common::mail::charset;
use common::messages::TextInput;
use common::outbox::Outbox;
use common::people::pin;
use common::{Failure, Reason, Result, phone};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use uuid::Uuid;

/// Longest that a text may have been under way; an SMS centre keeps one for a few days.
const LONGEST_WAY: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Answers one text that somebody sent us, whatever channel brought it.
///
/// May run twice for one text: the inbox row, written in the same transaction, stops the second
/// run.
pub struct TextInputHandler {
    engine: Arc<Engine>,
    country: String,
    wording: Wording,
    /// Channels met so far, and whether they serve telephones. That is never changed.
    channels: RwLock<HashMap<String, bool>>,
}

impl TextInputHandler {
    /// With the engine that decides and the settings that all texts share.
    pub fn new(engine: Arc<Engine>, settings: &Settings) -> Self {
        let country = settings.engine.country_code.clone();
        Self {
            engine,
            country,
            wording: Wording::of(&settings.engine),
            channels: RwLock::default(),
        }
    }

    /// Remembers what kind of addresses this channel serves.
    async fn meet(&self, channel: &str) -> Result {
        let known = |all: &HashMap<String, bool>| all.contains_key(channel);
        if known(&self.channels.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        if let Some(phones) = self.engine.serves_phones(channel).await? {
            let mut channels = self
                .channels
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            channels.insert(channel.to_owned(), phones);
        }
        Ok(())
    }
}

impl Handler for TextInputHandler {
    type Message = TextInput;
    type Prepared = Arc<Person>;
    /// A commit costs as much as a hundred texts do.
    const TIMES: usize = 4;

    /// Who sent it. A stranger is rejected here, before there is anything to roll back, unless the
    /// text is one that strangers may send.
    async fn prepare(&self, msg: &Incoming<TextInput>) -> Result<Arc<Person>> {
        self.meet(&clean(&msg.channel)).await?;
        let (channel, address) = self.origin(msg);
        let sender = self.engine.sender(&channel, &address).await?;
        // What proves a telephone must come from one.
        let phone = address.starts_with('+');
        let stranger = || self.engine.stranger(&msg.text).filter(|_| phone);
        let sender = sender.or_else(stranger);
        sender.ok_or_else(|| Failure::reject(Reason("unknown_sender"), "unknown sender"))
    }

    fn lane(&self, msg: &Incoming<TextInput>, sender: &Arc<Person>) -> Lane {
        self.engine.lane(sender, &msg.text)
    }

    async fn apply(
        &self,
        msg: &Incoming<TextInput>,
        sender: Arc<Person>,
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> Result {
        let came = self.came(msg, out.now());
        let asked = Asked {
            sender: &sender,
            address: &came.address,
            text: &came.text,
            message: came.id,
            line: 0,
            trace: came.trace,
            sent_at: came.sent_at,
            received_at: came.received_at,
        };
        let answer = self.engine.answer(tx, &asked).await?;
        let heard = !sender.is_stranger() || hears_stranger(&came, answer.outcome, tx).await?;
        let answer_id = heard.then(|| self.reply(&came, &answer.text, out));
        alerts::mail_all(&answer.mails, out);
        alerts::send(&answer.alerts, &self.wording, out);
        let taken = Taken {
            person: Some(sender.id).filter(|_| !sender.is_stranger()),
            code: answer.code.as_deref(),
            answer: Some(&answer.text),
            answer_id,
            training: answer.training,
            ..came.taken(answer.outcome)
        };
        intake::insert(tx, &taken).await
    }

    /// A stranger is told so, once a day.
    async fn rejected(
        &self,
        msg: &Incoming<TextInput>,
        failure: &Failure,
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> Result {
        let common::Verdict::Reject(reason) = &failure.verdict else {
            return Err(failure.clone());
        };
        let came = self.came(msg, out.now());
        let mut answer_id = None;
        let reachable = !came.address.is_empty();
        if reachable && intake::answer_stranger(tx, &came.channel, &came.address).await? {
            let text = self
                .engine
                .codes()
                .say(reason.0, self.engine.language(), &[]);
            answer_id = Some(self.reply(&came, &text, out));
        }
        intake::insert(
            tx,
            &Taken {
                answer_id,
                ..came.taken(reason.0)
            },
        )
        .await
    }
}

/// Whether a stranger is answered: as long as PINs are theirs to try, then once a day.
async fn hears_stranger(came: &Came, outcome: &str, tx: &Tx<'_>) -> Result<bool> {
    // A PIN that was wrong has been counted already; one that was right comes once.
    let counted = [
        "stored",
        "pin_unknown",
        "pin_late",
        "pin_used",
        "pin_wrong_phone",
        "owner_pin_unknown",
        "owner_pin_late",
    ];
    if counted.contains(&outcome) || pin::has_patience(tx, &came.address).await? {
        return Ok(true);
    }
    intake::answer_stranger(tx, &came.channel, &came.address).await
}

/// PostgreSQL keeps no NUL.
fn clean(text: &str) -> String {
    charset::without_nul(text).into_owned()
}

/// A text as the database can take it.
struct Came {
    id: Uuid,
    trace: Uuid,
    channel: String,
    address: String,
    text: String,
    channel_id: Option<String>,
    sent_at: Timestamp,
    received_at: Timestamp,
}

impl TextInputHandler {
    /// A clock that is wrong must not decide what came last: a time of sending after the receipt,
    /// or long before it, is not believed (FAILURES M14, M15).
    fn came(&self, msg: &Incoming<TextInput>, now: Timestamp) -> Came {
        let (channel, address) = self.origin(msg);
        let received_at = sound::received(msg.envelope.sent_at, now);
        let oldest = received_at
            .checked_sub(LONGEST_WAY)
            .unwrap_or(Timestamp::MIN);
        let believed = (oldest..=received_at).contains(&msg.sent_at);
        Came {
            id: msg.envelope.id,
            trace: msg.envelope.trace,
            channel,
            address,
            text: clean(&msg.text),
            channel_id: msg.channel_id.as_deref().map(clean).and_then(sound::id),
            sent_at: if believed { msg.sent_at } else { received_at },
            received_at,
        }
    }

    /// The channel, and the sender's canonical address on it.
    fn origin(&self, msg: &TextInput) -> (String, String) {
        let channel = clean(&msg.channel);
        let from = self.canonical(&channel, &clean(&msg.from));
        (channel, sound::address(from))
    }

    /// A number in canonical form. Other addresses may look like numbers: a chat of Telegram does.
    fn canonical(&self, channel: &str, from: &str) -> String {
        let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner);
        if channels.get(channel) == Some(&false) {
            return from.trim().to_lowercase();
        }
        phone::canonical(from, &self.country).unwrap_or_else(|_| from.trim().to_lowercase())
    }

    fn reply(&self, came: &Came, text: &str, out: &mut Outbox) -> Uuid {
        let mut said = text.to_owned();
        if said.trim().is_empty() {
            // Nobody is left without an answer, should a template ever come to nothing.
            let trace = [("trace", short_trace(came.trace).into())];
            said = self
                .engine
                .codes()
                .say("received", self.engine.language(), &trace);
        }
        let to = (came.channel.as_str(), came.address.as_str());
        let mut text = self.wording.answer(to, (&said, came.trace), out.now());
        text.in_reply_to = Some(came.id);
        out.send(&text)
    }
}

impl Came {
    /// Its row, with nothing decided yet.
    fn taken<'a>(&'a self, outcome: &'a str) -> Taken<'a> {
        Taken {
            id: self.id,
            line: 0,
            trace: self.trace,
            channel: &self.channel,
            address: &self.address,
            person: None,
            text: &self.text,
            channel_id: self.channel_id.as_deref(),
            sent_at: self.sent_at,
            received_at: self.received_at,
            outcome,
            code: None,
            answer: None,
            answer_id: None,
            training: false,
        }
    }
}

#[cfg(test)]
mod tests;
