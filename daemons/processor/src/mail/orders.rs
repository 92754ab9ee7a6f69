//! The orders of a mail: carried out, held until they are confirmed, or confirmed.

use crate::mail::carry_out::{self, Order};
use crate::mail::judge::Case;
use crate::mail::opened::Read;
use crate::mail::outgoing;
use common::Result;
use common::db::mails::{self, Decided};
use common::db::people::Person;
use common::mail::{Heading, Proof, Purpose};
use common::outbox::Outbox;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

impl Case<'_> {
    /// The sender is proven: everything is carried out and answered in one mail.
    pub(super) async fn carry_out(
        &self,
        (person, heading): (&Person, &Heading),
        lines: &[String],
        (ignored, limit): (usize, usize),
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let judge = self.judge;
        let order = self.order(person);
        let engine = (&*judge.engine, &judge.wording);
        let answers = carry_out::all(&order, lines, engine, (self.tx, &mut *out)).await?;
        let values = json!({ "lines": answers, "ignored": ignored, "limit": limit });
        let mail = outgoing::answer(
            "answer",
            &self.address,
            &person.language,
            Some(heading),
            values,
        );
        let answer_id = self.send(&mail, out).await?;
        let outcome = if answer_id.is_some() {
            "answered"
        } else {
            "answer_withheld"
        };
        Ok(Decided {
            outcome,
            person: Some(person.id),
            answer_id,
            ..Decided::default()
        })
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
        let id = self.msg.envelope.id;
        let token = judge.signer.sign(Purpose::Confirm, id.as_bytes(), until);
        let about = json!({
            "received": outgoing::time(self.msg.received_at, &judge.zone),
            "subject": heading.subject,
            "count": lines.len(),
            "lapses": outgoing::time(until, &judge.zone),
        });
        let mail = outgoing::confirm(person, &self.address, &about, token);
        let answer_id = self.send(&mail, out).await?;
        let reason = match proof {
            Proof::Unproven(why) => Some(why.name()),
            _ => Some("not_found_out"),
        };
        let (person, held_until) = (Some(person.id), Some(until));
        Ok(Decided {
            outcome: "held",
            reason,
            person,
            answer_id,
            held_until,
        })
    }

    /// An answer that brings the token of a held mail back carries that mail out.
    pub(super) async fn confirmed(
        &self,
        person: &Person,
        read: &Read,
        out: &mut Outbox,
    ) -> Result<Option<Decided<'static>>> {
        let letter = &read.letter;
        let heading = &letter.heading;
        let ids = heading
            .references
            .iter()
            .chain(&heading.in_reply_to)
            .map(String::as_str);
        let mut places = ids.chain([letter.text.as_str()]);
        let signer = &self.judge.signer;
        let token = places.find_map(|t| signer.find(Purpose::Confirm, t, out.now()));
        let Some(id) = token.and_then(|payload| Uuid::from_slice(&payload).ok()) else {
            return Ok(None);
        };
        let Some(held) = mails::release(self.tx, id, person.id).await? else {
            // Confirmed before, or too late: what stands in the mail itself is looked at.
            return Ok(None);
        };
        let judge = self.judge;
        let order = Order {
            id: held.id,
            trace: held.trace,
            received_at: held.received_at,
            ..self.order(person)
        };
        let engine = (&*judge.engine, &judge.wording);
        let answers = carry_out::all(&order, &held.lines, engine, (self.tx, &mut *out)).await?;
        let values = json!({ "lines": answers });
        let mail = outgoing::answer(
            "answer",
            &self.address,
            &person.language,
            Some(heading),
            values,
        );
        let answer_id = self.send(&mail, out).await?;
        let person = Some(person.id);
        Ok(Some(Decided {
            outcome: "confirmation",
            person,
            answer_id,
            ..Decided::default()
        }))
    }
}
