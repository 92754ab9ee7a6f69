//! What becomes of a mail: who may be told what, and whether its orders are carried out.

use crate::config::Config;
use crate::mail::carry_out::Order;
use crate::mail::opened::{self, Opened, Read, Unusable};
use crate::mail::orders::Orders;
use crate::mail::workbook::Work;
use crate::mail::{bounce, outgoing};
use common::db::mails::{self, Decided};
use common::db::people::{self, Person};
use common::db::{Tx, intake};
use common::engine::Engine;
use common::engine::Wording;
use common::handler::Incoming;
use common::mail::{self, Heading, Letter, Ours, Proof, Robot, Signer, proof};
use common::messages::{EmailInput, EmailOutput};
use common::outbox::Outbox;
use common::{Failure, Result, config};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use std::sync::Arc;

/// What judging wants to know besides the mail.
pub struct Judge {
    pub(super) engine: Arc<Engine>,
    pub(super) signer: Signer,
    pub(super) settings: config::Mail,
    pub(super) own_addresses: Vec<String>,
    pub(super) wording: Wording,
    pub(super) zone: TimeZone,
    pub(super) systems: Vec<String>,
}

/// A mail that was not here before.
pub struct Fresh<'a> {
    /// As it was handed in.
    pub msg: &'a Incoming<EmailInput>,
    /// The author's address; nothing is proven by it, and it may be empty.
    pub address: String,
    /// When it was received, as far as that can be believed.
    pub received_at: Timestamp,
}

/// One mail being judged.
pub(super) struct Case<'a> {
    pub judge: &'a Judge,
    pub mail: Fresh<'a>,
    pub tx: &'a Tx<'a>,
}

/// Answers in an hour to mails that nobody vouches for: enough for somebody whose mail server is
/// set up badly, too few to be a nuisance in a mailbox whose owner wrote nothing. Apart from
/// `answers_per_hour`, so that neither uses up the other.
const UNPROVEN_PER_HOUR: i64 = 3;

impl Judge {
    /// With the engine that decides; reads the signing keys.
    pub fn new(engine: Arc<Engine>, settings: &config::Settings, own: &Config) -> Result<Self> {
        let zone = TimeZone::get(&own.time_zone)
            .map_err(|e| Failure::quarantine(format!("settings key `processor.time_zone`: {e}")))?;
        let mail = settings.mail.clone();
        let ours = std::iter::once(&mail.from).chain(&mail.own_addresses);
        Ok(Self {
            engine,
            signer: mail::keys::signer(&settings.secrets)?,
            own_addresses: ours.map(|a| a.to_lowercase()).collect(),
            settings: mail,
            systems: settings.engine.place_systems.clone(),
            wording: Wording::of(&settings.engine),
            zone,
        })
    }

    /// Decides a mail that was not here before.
    pub async fn decide(
        &self,
        mail: Fresh<'_>,
        (opened, work): (&Opened, &Work),
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let case = Case {
            judge: self,
            mail,
            tx,
        };
        if let Some(harm) = case.harm() {
            let (outcome, reason) = ("not_answered", Some(harm));
            return Ok(Decided {
                outcome,
                reason,
                ..Decided::default()
            });
        }
        match opened {
            Opened::Refused(unusable) => case.refused(unusable, out).await,
            Opened::Letter(read) => case.read(read, work, out).await,
        }
    }
}

impl Case<'_> {
    /// Spam or a virus: stored, counted, never answered.
    fn harm(&self) -> Option<&'static str> {
        let verdicts = opened::verdicts(self.mail.msg.verdicts.as_ref()?);
        Some(match proof::harm(&verdicts)? {
            proof::Harm::Virus => "virus",
            proof::Harm::Spam => "spam",
        })
    }

    /// A mail that cannot be read: a registered sender is told why and what to do. Nothing that an
    /// unproven mail brought goes into the answer, not even its subject.
    async fn refused(&self, unusable: &Unusable, out: &mut Outbox) -> Result<Decided<'static>> {
        let (refusal, proven) = (&unusable.refusal, unusable.proven);
        let heading = unusable.heading.as_deref();
        let decided = Decided {
            outcome: "refused",
            reason: Some(refusal.key()),
            ..Decided::default()
        };
        let robot = heading.is_some_and(|h| self.robot(h, out.now()).is_some());
        let Some(person) = self.person().await? else {
            return Ok(decided);
        };
        let decided = Decided {
            person: Some(person.id),
            ..decided
        };
        // Without a heading only the envelope's sender is known; a null one is a machine's.
        let sender = self.mail.msg.sender.as_deref();
        let nobody = heading.is_none() && sender.is_none_or(str::is_empty);
        if robot || nobody || !refusal.answered() {
            return Ok(decided);
        }
        let (thread, values) = (heading.filter(|_| proven), outgoing::refusal(refusal));
        let mail = outgoing::answer("refused", self.address(), &person.language, thread, values);
        Ok(Decided {
            answer_id: self.send(&mail, proven, out).await?,
            proven,
            ..decided
        })
    }

    async fn read(&self, read: &Read, work: &Work, out: &mut Outbox) -> Result<Decided<'static>> {
        let letter = &read.letter;
        if let Some(robot) = self.robot(&letter.heading, out.now()) {
            let at = (self.tx, out.now());
            if robot.is_report()
                && let Some(event) = bounce::event(letter, &self.judge.signer, at).await?
            {
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
        let mut orders = self.orders(letter);
        if let Some(decided) = self.confirmed(&person, read, &mut orders, out).await? {
            return Ok(decided);
        }
        let from = (&person, read);
        if let Some(decided) = self.workbook(from, work, out).await? {
            return Ok(decided);
        }
        match (&read.proof, orders.lines.is_empty()) {
            (Proof::Proven { .. }, true) => self.nothing(&person, &letter.heading, out).await,
            (Proof::Proven { .. }, false) => {
                self.carry_out((&person, &letter.heading), &orders, out)
                    .await
            }
            // Whoever really wrote it is not known, and the person whose name it bears has nothing
            // to decide: a mail about it would only be somebody else's noise.
            (unproven, true) => Ok(Decided {
                outcome: "nothing",
                reason: Some(why(unproven)),
                person: Some(person.id),
                ..Decided::default()
            }),
            (unproven, false) => {
                let orders = (&orders.lines[..], unproven);
                self.hold(&person, &letter.heading, orders, out).await
            }
        }
    }

    /// What a mail asks for in the sender's own words.
    fn orders(&self, letter: &Letter) -> Orders {
        let codes = self.judge.engine.codes();
        let most = self.judge.settings.max_commands;
        let found = mail::commands(letter, &|word: &str| codes.knows(word), most);
        Orders {
            ignored: found.passed_over,
            limit: if found.more { most } else { 0 },
            lines: found.lines.into_iter().map(|l| l.text).collect(),
            lapsed: false,
        }
    }

    /// A proven sender's mail without a command: how to write one.
    async fn nothing(
        &self,
        person: &Person,
        heading: &Heading,
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let (heading, language) = (Some(heading), &person.language);
        let mail = outgoing::answer("nothing", self.address(), language, heading, json!({}));
        Ok(Decided {
            outcome: "nothing",
            person: Some(person.id),
            answer_id: self.send(&mail, true, out).await?,
            proven: true,
            ..Decided::default()
        })
    }

    /// Nobody we know. Told once a day, if the address is proven: an answer to a forged one would
    /// reach somebody who wrote nothing.
    async fn stranger(&self, read: &Read, out: &mut Outbox) -> Result<Decided<'static>> {
        let mut decided = Decided {
            outcome: "unknown_sender",
            proven: read.proof.address().is_some(),
            ..Decided::default()
        };
        let Some(address) = read.proof.address().filter(|_| !self.address().is_empty()) else {
            return Ok(decided);
        };
        if intake::answer_stranger(self.tx, "email", address).await? {
            let language = self.judge.engine.language().tag();
            let heading = Some(&read.letter.heading);
            let mail = outgoing::answer("unknown", address, language, heading, json!({}));
            decided.answer_id = self.send(&mail, true, out).await?;
        }
        Ok(decided)
    }

    /// Sends, unless this address had its answers of this hour: two robots that write to each
    /// other must not go on all night, and nobody may fill another's mailbox in the other's name.
    pub(super) async fn send(
        &self,
        mail: &EmailOutput,
        proven: bool,
        out: &mut Outbox,
    ) -> Result<Option<uuid::Uuid>> {
        let most = match proven {
            true => i64::from(self.judge.settings.answers_per_hour),
            false => UNPROVEN_PER_HOUR,
        };
        let sent = mails::answered_this_hour(self.tx, self.address(), proven).await?;
        Ok((sent < most).then(|| out.send(mail)))
    }

    /// The author's address, which may be empty.
    pub(super) fn address(&self) -> &str {
        &self.mail.address
    }

    async fn person(&self) -> Result<Option<Person>> {
        if self.address().is_empty() {
            return Ok(None);
        }
        people::by_contact(self.tx, "email", self.address()).await
    }

    fn robot(&self, heading: &Heading, now: Timestamp) -> Option<Robot> {
        let judge = self.judge;
        let ours = Ours {
            addresses: &judge.own_addresses,
            signer: &judge.signer,
            now,
        };
        mail::robot(heading, self.mail.msg.sender.as_deref(), &ours)
    }

    pub(super) fn order<'b>(&'b self, person: &'b Person) -> Order<'b> {
        Order {
            person,
            address: self.address(),
            id: self.mail.msg.envelope.id,
            trace: self.mail.msg.envelope.trace,
            received_at: self.mail.received_at,
        }
    }
}

/// Why nobody vouches for a mail, as it is stored and counted.
pub(super) fn why(proof: &Proof) -> &'static str {
    match proof {
        Proof::Unproven(why) => why.name(),
        _ => "not_found_out",
    }
}
