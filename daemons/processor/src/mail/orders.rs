//! The orders of a mail: carried out, held until they are confirmed, or confirmed.

use crate::mail::carry_out::{self, Order};
use crate::mail::judge::{Case, why};
use crate::mail::opened::Read;
use crate::mail::outgoing;
use common::Result;
use common::db::mails::{self, Decided, Held, Release};
use common::db::people::Person;
use common::mail::{Heading, Letter, Proof, Purpose};
use common::outbox::Outbox;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

/// Most characters of an unproven mail's subject that are shown to the person whose name it bears:
/// enough to know it by, too few for a letter of somebody else's.
const SUBJECT_SHOWN: usize = 60;

/// What a mail asks for in its sender's own words.
pub(super) struct Orders {
    /// Its commands, in order.
    pub lines: Vec<String>,
    /// Lines with text that are no commands.
    pub ignored: usize,
    /// How many commands one mail may hold, when this one has more; else 0.
    pub limit: usize,
    /// It would confirm a mail that waited too long.
    pub lapsed: bool,
}

impl Case<'_> {
    /// The sender is proven: everything is carried out and answered in one mail.
    pub(super) async fn carry_out(
        &self,
        (person, heading): (&Person, &Heading),
        orders: &Orders,
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let answers = self.done(&self.order(person), &orders.lines, out).await?;
        let values = json!({
            "lines": answers,
            "ignored": orders.ignored,
            "limit": orders.limit,
            "lapsed": orders.lapsed,
        });
        let answer_id = self.answer((person, heading), values, out).await?;
        let outcome = if answer_id.is_some() {
            "answered"
        } else {
            "answer_withheld"
        };
        Ok(Decided {
            outcome,
            person: Some(person.id),
            answer_id,
            proven: true,
            ..Decided::default()
        })
    }

    /// Carries commands out.
    async fn done(
        &self,
        order: &Order<'_>,
        lines: &[String],
        out: &mut Outbox,
    ) -> Result<Vec<Value>> {
        let engine = (&*self.judge.engine, &self.judge.wording);
        carry_out::all(order, lines, engine, (self.tx, out)).await
    }

    /// Answers what was carried out, in the thread of the mail that asked for it.
    async fn answer(
        &self,
        (person, heading): (&Person, &Heading),
        values: Value,
        out: &mut Outbox,
    ) -> Result<Option<Uuid>> {
        let (language, heading) = (&person.language, Some(heading));
        let mail = outgoing::answer("answer", self.address(), language, heading, values);
        self.send(&mail, true, out).await
    }

    /// Nobody vouches for the sender: the commands wait, and the registered person is asked.
    pub(super) async fn hold(
        &self,
        person: &Person,
        heading: &Heading,
        (lines, proof): (&[String], &Proof),
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let judge = self.judge;
        let hours = i64::from(judge.settings.confirm_hours);
        let until = out.now().checked_add(SignedDuration::from_hours(hours));
        let until = until.unwrap_or(Timestamp::MAX);
        carry_out::hold(&self.order(person), lines, self.tx).await?;
        let id = self.mail.msg.envelope.id;
        let token = judge.signer.sign(Purpose::Confirm, id.as_bytes(), until);
        let about = json!({
            "received": outgoing::time(self.mail.received_at, &judge.zone),
            "subject": heading.subject.chars().take(SUBJECT_SHOWN).collect::<String>(),
            "count": lines.len(),
            "lapses": outgoing::time(until, &judge.zone),
        });
        let mail = outgoing::confirm(person, self.address(), &about, token);
        let answer_id = self.send(&mail, false, out).await?;
        let (person, held_until) = (Some(person.id), Some(until));
        Ok(Decided {
            outcome: "held",
            reason: Some(why(proof)),
            person,
            answer_id,
            held_until,
            ..Decided::default()
        })
    }

    /// An answer that brings the token of a held mail back carries that mail out. `None` when it
    /// does not, or when it says something of its own about a mail that is held no more.
    pub(super) async fn confirmed(
        &self,
        person: &Person,
        read: &Read,
        orders: &mut Orders,
        out: &mut Outbox,
    ) -> Result<Option<Decided<'static>>> {
        let now = out.now();
        let Some((id, good)) = self.token(&read.letter, now) else {
            return Ok(None);
        };
        let found = mails::release(self.tx, id, person.id, good).await?;
        orders.lapsed = matches!(found, Release::Lapsed(_));
        let decided = match found {
            Release::Held(held) => self.release((person, read), held, orders, out).await?,
            Release::Unknown => return Ok(None),
            _ if !orders.lines.is_empty() => return Ok(None),
            Release::Lapsed(at) => {
                let outcome = "confirmation_late";
                let decided = self.no_more((person, read), ("lapsed", at), out).await?;
                Decided { outcome, ..decided }
            }
            Release::Confirmed(at) => {
                let outcome = "confirmation_again";
                let decided = self.no_more((person, read), ("confirmed", at), out).await?;
                Decided { outcome, ..decided }
            }
        };
        Ok(Some(decided))
    }

    /// The held mail that a letter confirms, and whether it still may.
    fn token(&self, letter: &Letter, now: Timestamp) -> Option<(Uuid, bool)> {
        let heading = &letter.heading;
        let ids = heading.references.iter().chain(&heading.in_reply_to);
        let places: Vec<&str> = ids
            .map(String::as_str)
            .chain([letter.text.as_str()])
            .collect();
        let signer = &self.judge.signer;
        let at = |now| {
            let mut found = places.iter();
            let payload = found.find_map(|text| signer.find(Purpose::Confirm, text, now))?;
            Uuid::from_slice(&payload).ok()
        };
        // Before its end every token of ours is good.
        let ever = Timestamp::UNIX_EPOCH;
        at(now)
            .map(|id| (id, true))
            .or_else(|| at(ever).map(|id| (id, false)))
    }

    /// Carries a held mail out. Commands of the confirmation's own are another mail's: the token
    /// does not vouch for them, since a mail that is passed on brings it along.
    async fn release(
        &self,
        (person, read): (&Person, &Read),
        held: Held,
        own: &Orders,
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let order = Order {
            id: held.id,
            trace: held.trace,
            received_at: held.received_at,
            ..self.order(person)
        };
        let workbook = self.release_workbook(held.id, out).await?;
        let mut lines = self.done(&order, &held.lines, out).await?;
        let proven = read.proof.address().is_some();
        if proven {
            lines.extend(self.done(&self.order(person), &own.lines, out).await?);
        }
        let unproven = if proven { 0 } else { own.lines.len() };
        let heading = &read.letter.heading;
        if workbook && lines.is_empty() && unproven == 0 {
            // The answer comes when the workbook was looked at.
            return Ok(Decided {
                outcome: "confirmation",
                person: Some(person.id),
                proven,
                ..Decided::default()
            });
        }
        let values = json!({ "lines": lines, "unproven": unproven, "limit": own.limit });
        Ok(Decided {
            outcome: "confirmation",
            person: Some(person.id),
            answer_id: self.answer((person, heading), values, out).await?,
            proven: true,
            ..Decided::default()
        })
    }

    /// A confirmation that confirms nothing any more is told so, lest anybody wait for an answer.
    async fn no_more(
        &self,
        (person, read): (&Person, &Read),
        (template, received_at): (&'static str, Timestamp),
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let proven = read.proof.address().is_some();
        let thread = Some(&read.letter.heading).filter(|_| proven);
        let values = json!({ "received": outgoing::time(received_at, &self.judge.zone) });
        let mail = outgoing::answer(template, self.address(), &person.language, thread, values);
        Ok(Decided {
            person: Some(person.id),
            answer_id: self.send(&mail, proven, out).await?,
            proven,
            ..Decided::default()
        })
    }
}
