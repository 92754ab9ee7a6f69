use crate::config::Config;
use crate::handlers::alerts::Wording;
use crate::mail::carry_out::{self, Order};
use crate::mail::opened::{self, Opened, Opener, Read};
use crate::mail::{bounce, outgoing};
use common::daemon::Daemon;
use common::db::mails::{self, Arrived, Decided};
use common::db::people::{self, Person};
use common::db::{Tx, intake};
use common::engine::Engine;
use common::handler::{Handler, Incoming};
use common::mail::proof::{self, Dns};
use common::mail::{self, Heading, Ours, Proof, Purpose, Refusal, Signer};
use common::messages::{EmailInput, EmailOutput};
use common::outbox::Outbox;
use common::{Failure, Result, config};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// Decides one mail that arrived: whether it is answered at all, whose it is, what it orders.
///
/// May run twice for one mail: the inbox row stops the second run, and the mail's digest stops the
/// same mail that came by another way.
pub struct EmailInputHandler {
    engine: Arc<Engine>,
    opener: Opener,
    signer: Signer,
    settings: config::Mail,
    own_addresses: Vec<String>,
    wording: Wording,
    zone: TimeZone,
}

impl EmailInputHandler {
    /// With the engine that decides; reads the signing keys and the name servers' configuration.
    pub fn new(engine: Arc<Engine>, d: &Daemon) -> Result<Self> {
        let settings = d.settings().mail.clone();
        let config: Config = d.section("processor", &d.settings().processor)?;
        let zone = TimeZone::get(&config.time_zone)
            .map_err(|e| Failure::quarantine(format!("settings key `processor.time_zone`: {e}")))?;
        let dns = Dns::system().map_err(|e| {
            Failure::quarantine(format!(
                "the name servers of this machine cannot be used: {e}"
            ))
        })?;
        let own_addresses = std::iter::once(&settings.from)
            .chain(&settings.own_addresses)
            .map(|a| a.to_lowercase())
            .collect();
        Ok(Self {
            engine,
            opener: Opener {
                blobs: d.home().blobs.clone(),
                dns,
                settings: settings.clone(),
                config,
            },
            signer: common::mail::keys::signer(&d.settings().secrets)?,
            settings,
            own_addresses,
            wording: Wording::of(&d.settings().engine),
            zone,
        })
    }
}

impl Handler for EmailInputHandler {
    type Message = EmailInput;
    type Prepared = Opened;

    /// Fetches the raw mail, reads it and finds out who sent it.
    async fn prepare(&self, msg: &Incoming<EmailInput>) -> Result<Opened> {
        self.opener.open(msg).await
    }

    async fn apply(
        &self,
        msg: &Incoming<EmailInput>,
        opened: Opened,
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> Result {
        let (heading, keys) = match &opened {
            Opened::Refused(heading, _) => (heading.as_deref(), None),
            Opened::Letter(read) => (Some(&read.letter.heading), Some(&read.keys)),
        };
        let address = author(heading, msg);
        let arrived = Arrived {
            id: msg.envelope.id,
            trace: msg.envelope.trace,
            blob: &msg.blob,
            digest: keys.map(|k| k.effect.as_str()),
            message_id: heading.and_then(|h| h.message_id.as_deref()),
            address: &address,
            subject: heading.map_or("", |h| h.subject.as_str()),
            received_at: msg.received_at,
        };
        if !mails::insert(tx, &arrived).await? {
            let again = Arrived {
                digest: None,
                ..arrived
            };
            mails::insert(tx, &again).await?;
            let decided = Decided {
                outcome: "duplicate",
                ..Decided::default()
            };
            return mails::decide(tx, msg.envelope.id, &decided).await;
        }
        let case = Case {
            handler: self,
            msg,
            address,
            tx,
        };
        let decided = match &opened {
            _ if case.harm().is_some() => Decided {
                outcome: "not_answered",
                reason: case.harm(),
                ..Decided::default()
            },
            Opened::Refused(heading, refusal) => {
                case.refused(heading.as_deref(), refusal, out).await?
            }
            Opened::Letter(read) => case.read(read, out).await?,
        };
        metrics_of(decided.outcome);
        mails::decide(tx, msg.envelope.id, &decided).await
    }
}

/// One mail being decided.
struct Case<'a> {
    handler: &'a EmailInputHandler,
    msg: &'a Incoming<EmailInput>,
    /// The author's address; nothing is proven by it.
    address: String,
    tx: &'a Tx<'a>,
}

impl Case<'_> {
    /// Spam or a virus: stored, counted, never answered.
    fn harm(&self) -> Option<&'static str> {
        let verdicts = opened::verdicts(self.msg.verdicts.as_ref()?);
        Some(match proof::harm(&verdicts)? {
            proof::Harm::Virus => "virus",
            proof::Harm::Spam => "spam",
        })
    }

    /// A mail that cannot be read: a registered sender is told why and what to do.
    async fn refused(
        &self,
        heading: Option<&Heading>,
        refusal: &Refusal,
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let decided = Decided {
            outcome: "refused",
            reason: Some(refusal.key()),
            ..Decided::default()
        };
        let robot = heading.is_none_or(|h| self.robot(h, out.now()).is_some());
        let Some(person) = self.person().await? else {
            return Ok(decided);
        };
        // Without a heading only the envelope's sender is known; a null one is a machine's.
        let nobody = heading.is_none() && self.msg.sender.as_deref().is_none_or(str::is_empty);
        if (robot && heading.is_some()) || nobody || !refusal.answered() {
            return Ok(Decided {
                person: Some(person.id),
                ..decided
            });
        }
        let values = outgoing::refusal(refusal);
        let mail = outgoing::answer("refused", &self.address, &person.language, heading, values);
        let answer_id = self.send(&mail, out).await?;
        Ok(Decided {
            person: Some(person.id),
            answer_id,
            ..decided
        })
    }

    async fn read(&self, read: &Read, out: &mut Outbox) -> Result<Decided<'static>> {
        let letter = &read.letter;
        if let Some(robot) = self.robot(&letter.heading, out.now()) {
            if let Some(event) = bounce::event(letter, &self.handler.signer, out.now()) {
                out.send(&event);
            }
            let reason = Some(robot.name());
            return Ok(Decided {
                outcome: "not_answered",
                reason,
                ..Decided::default()
            });
        }
        let Some(person) = self.person().await? else {
            return self.stranger(read, out).await;
        };
        if let Some(decided) = self.confirmed(&person, read, out).await? {
            return Ok(decided);
        }
        let codes = self.handler.engine.codes();
        let is_code = |word: &str| codes.knows(word);
        let found = mail::commands(letter, &is_code, self.handler.settings.max_commands);
        let lines: Vec<String> = found.lines.into_iter().map(|l| l.text).collect();
        if lines.is_empty() {
            let values = json!({});
            let heading = Some(&letter.heading);
            let mail =
                outgoing::answer("nothing", &self.address, &person.language, heading, values);
            let answer_id = self.send(&mail, out).await?;
            let person = Some(person.id);
            return Ok(Decided {
                outcome: "nothing",
                person,
                answer_id,
                ..Decided::default()
            });
        }
        match &read.proof {
            Proof::Proven { .. } => {
                let limit = if found.more {
                    self.handler.settings.max_commands
                } else {
                    0
                };
                let ignored = found
                    .not_understood
                    .lines()
                    .filter(|l| !l.trim().is_empty())
                    .count();
                self.carry_out(&person, &letter.heading, &lines, (ignored, limit), out)
                    .await
            }
            unproven => {
                self.hold(&person, &letter.heading, (&lines, unproven), out)
                    .await
            }
        }
    }

    /// The sender is proven: everything is carried out and answered in one mail.
    async fn carry_out(
        &self,
        person: &Person,
        heading: &Heading,
        lines: &[String],
        (ignored, limit): (usize, usize),
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let handler = self.handler;
        let order = self.order(person);
        let engine = (&*handler.engine, &handler.wording);
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
    async fn hold(
        &self,
        person: &Person,
        heading: &Heading,
        (lines, proof): (&[String], &Proof),
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let handler = self.handler;
        let hours = i64::from(handler.settings.confirm_hours);
        let until = out.now().checked_add(SignedDuration::from_hours(hours));
        let until = until.unwrap_or(Timestamp::MAX);
        carry_out::hold(&self.order(person), lines, self.tx).await?;
        let id = self.msg.envelope.id;
        let token = handler.signer.sign(Purpose::Confirm, id.as_bytes(), until);
        let about = json!({
            "received": outgoing::time(self.msg.received_at, &handler.zone),
            "subject": heading.subject,
            "count": lines.len(),
            "lapses": outgoing::time(until, &handler.zone),
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
    async fn confirmed(
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
        let signer = &self.handler.signer;
        let token = places.find_map(|t| signer.find(Purpose::Confirm, t, out.now()));
        let Some(id) = token.and_then(|payload| uuid::Uuid::from_slice(&payload).ok()) else {
            return Ok(None);
        };
        let Some(held) = mails::release(self.tx, id, person.id).await? else {
            // Confirmed before, or too late: what stands in the mail itself is looked at.
            return Ok(None);
        };
        let handler = self.handler;
        let order = Order {
            id: held.id,
            trace: held.trace,
            received_at: held.received_at,
            ..self.order(person)
        };
        let engine = (&*handler.engine, &handler.wording);
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

    /// Nobody we know. Told once a day, if the address is proven: an answer to a forged one would
    /// reach somebody who wrote nothing.
    async fn stranger(&self, read: &Read, out: &mut Outbox) -> Result<Decided<'static>> {
        let mut decided = Decided {
            outcome: "unknown_sender",
            ..Decided::default()
        };
        let Some(address) = read.proof.address() else {
            return Ok(decided);
        };
        if intake::answer_stranger(self.tx, "email", address).await? {
            let language = self.handler.engine.language().tag();
            let heading = Some(&read.letter.heading);
            let mail = outgoing::answer("unknown", address, language, heading, json!({}));
            decided.answer_id = self.send(&mail, out).await?;
        }
        Ok(decided)
    }

    /// Sends, unless this address had its answers of this hour: two robots that write to each
    /// other must not go on all night.
    async fn send(&self, mail: &EmailOutput, out: &mut Outbox) -> Result<Option<uuid::Uuid>> {
        let sent = mails::answered_this_hour(self.tx, &self.address).await?;
        if sent >= i64::from(self.handler.settings.answers_per_hour) {
            return Ok(None);
        }
        Ok(Some(out.send(mail)))
    }

    async fn person(&self) -> Result<Option<Person>> {
        if self.address.is_empty() {
            return Ok(None);
        }
        people::by_contact(self.tx, "email", &self.address).await
    }

    fn robot(&self, heading: &Heading, now: Timestamp) -> Option<mail::Robot> {
        let handler = self.handler;
        let ours = Ours {
            addresses: &handler.own_addresses,
            signer: &handler.signer,
            now,
        };
        mail::robot(heading, self.msg.sender.as_deref(), &ours)
    }

    fn order<'b>(&'b self, person: &'b Person) -> Order<'b> {
        Order {
            person,
            address: &self.address,
            id: self.msg.envelope.id,
            trace: self.msg.envelope.trace,
            received_at: self.msg.received_at,
        }
    }
}

/// The author's address in lower case, else the envelope's sender's; empty when there is none.
fn author(heading: Option<&Heading>, msg: &EmailInput) -> String {
    let author = heading
        .and_then(|h| h.from.first())
        .map(|m| m.address.clone());
    author
        .or_else(|| msg.sender.clone())
        .unwrap_or_default()
        .to_lowercase()
}

fn metrics_of(outcome: &'static str) {
    common::telemetry::count("kentongan_mails_total", outcome);
}
