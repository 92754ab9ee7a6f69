use super::alerts::{self, Wording};
use common::config::Settings;
use common::db::intake::{self, Taken};
use common::db::{Tx, people};
use common::engine::{Asked, Engine, short_trace};
use common::handler::{Handler, Incoming};
use common::messages::{Purpose, TextInput};
use common::outbox::Outbox;
use common::{Failure, Reason, Result, phone};
use std::sync::Arc;
use uuid::Uuid;

/// Answers one text that somebody sent us, whatever channel brought it.
///
/// May run twice for one text: the inbox row, written in the same transaction, stops the second
/// run.
pub struct TextInputHandler {
    engine: Arc<Engine>,
    country: String,
    wording: Wording,
}

impl TextInputHandler {
    /// With the engine that decides and the settings that all texts share.
    pub fn new(engine: Arc<Engine>, settings: &Settings) -> Self {
        let country = settings.engine.country_code.clone();
        Self {
            engine,
            country,
            wording: Wording::of(&settings.engine),
        }
    }
}

impl Handler for TextInputHandler {
    type Message = TextInput;
    /// The sender's canonical address.
    type Prepared = String;

    /// Nothing slow to do: the text travels in the message.
    async fn prepare(&self, msg: &Incoming<TextInput>) -> Result<String> {
        Ok(self.canonical(&msg.from))
    }

    async fn apply(
        &self,
        msg: &Incoming<TextInput>,
        address: String,
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> Result {
        let sender = people::by_contact(tx, &msg.channel, &address).await?;
        let sender =
            sender.ok_or_else(|| Failure::reject(Reason("unknown_sender"), "unknown sender"))?;
        let asked = Asked {
            sender: &sender,
            address: &address,
            text: &msg.text,
            message: msg.envelope.id,
            line: 0,
            trace: msg.envelope.trace,
            sent_at: msg.sent_at,
            received_at: msg.envelope.sent_at,
        };
        let answer = self.engine.answer(tx, &asked).await?;
        let answer_id = self.reply(msg, &address, &answer.text, out);
        alerts::send(answer.alerts, msg.envelope.id, &self.wording, (tx, out)).await?;
        let taken = Taken {
            person: Some(sender.id),
            code: answer.code.as_deref(),
            answer: Some(&answer.text),
            answer_id: Some(answer_id),
            ..taken(msg, &address, answer.outcome)
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
        let address = self.canonical(&msg.from);
        let mut answer_id = None;
        if intake::answer_stranger(tx, &msg.channel, &address).await? {
            let codes = self.engine.codes();
            let text = codes.say(reason.0, self.engine.language(), &[]);
            answer_id = Some(self.reply(msg, &address, &text, out));
        }
        intake::insert(
            tx,
            &Taken {
                answer_id,
                ..taken(msg, &address, reason.0)
            },
        )
        .await
    }
}

impl TextInputHandler {
    /// A number in canonical form; what is no number is an address of another kind of channel.
    fn canonical(&self, from: &str) -> String {
        phone::canonical(from, &self.country).unwrap_or_else(|_| from.trim().to_lowercase())
    }

    fn reply(&self, msg: &Incoming<TextInput>, to: &str, text: &str, out: &mut Outbox) -> Uuid {
        let mut text = self.wording.text(&msg.channel, to, text, out.now());
        if text.text.trim() == self.wording.signature.trim() {
            // Nobody is left without an answer, should a template ever come to nothing.
            let trace = short_trace(msg.envelope.trace).into();
            let said =
                self.engine
                    .codes()
                    .say("received", self.engine.language(), &[("trace", trace)]);
            text.text.push_str(&said);
        }
        text.purpose = Purpose::Answer;
        text.in_reply_to = Some(msg.envelope.id);
        out.send(&text)
    }
}

/// The row of a text that nothing is known about yet.
fn taken<'a>(msg: &'a Incoming<TextInput>, address: &'a str, outcome: &'a str) -> Taken<'a> {
    Taken {
        id: msg.envelope.id,
        line: 0,
        trace: msg.envelope.trace,
        channel: &msg.channel,
        address,
        person: None,
        text: &msg.text,
        channel_id: msg.channel_id.as_deref(),
        sent_at: msg.sent_at,
        received_at: msg.envelope.sent_at,
        outcome,
        code: None,
        answer: None,
        answer_id: None,
    }
}
