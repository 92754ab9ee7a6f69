//! What becomes of a mail: who may be told what, and whether its orders are carried out.

use crate::config::Config;
use crate::handlers::alerts::Wording;
use crate::mail::carry_out::Order;
use crate::mail::opened::{self, Opened, Read};
use crate::mail::{bounce, outgoing};
use common::db::mails::{self, Decided};
use common::db::people::{self, Person};
use common::db::{Tx, intake};
use common::engine::Engine;
use common::handler::Incoming;
use common::mail::{self, Heading, Ours, Proof, Refusal, Robot, Signer, proof};
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
}

/// One mail being judged.
pub(super) struct Case<'a> {
    pub judge: &'a Judge,
    pub msg: &'a Incoming<EmailInput>,
    /// The author's address; nothing is proven by it.
    pub address: String,
    pub tx: &'a Tx<'a>,
}

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
            wording: Wording::of(&settings.engine),
            zone,
        })
    }

    /// Decides a mail that was not here before, from this address.
    pub async fn decide(
        &self,
        (msg, address): (&Incoming<EmailInput>, String),
        opened: &Opened,
        tx: &Tx<'_>,
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let case = Case {
            judge: self,
            msg,
            address,
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
            Opened::Refused(heading, refusal) => {
                case.refused(heading.as_deref(), refusal, out).await
            }
            Opened::Letter(read) => case.read(read, out).await,
        }
    }
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
        if let Some(decided) = self.confirmed(&person, read, out).await? {
            return Ok(decided);
        }
        let codes = self.judge.engine.codes();
        let is_code = |word: &str| codes.knows(word);
        let found = mail::commands(letter, &is_code, self.judge.settings.max_commands);
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
                    self.judge.settings.max_commands
                } else {
                    0
                };
                let ignored = found.passed_over;
                self.carry_out((&person, &letter.heading), &lines, (ignored, limit), out)
                    .await
            }
            unproven => {
                self.hold(&person, &letter.heading, (&lines, unproven), out)
                    .await
            }
        }
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
            let language = self.judge.engine.language().tag();
            let heading = Some(&read.letter.heading);
            let mail = outgoing::answer("unknown", address, language, heading, json!({}));
            decided.answer_id = self.send(&mail, out).await?;
        }
        Ok(decided)
    }

    /// Sends, unless this address had its answers of this hour: two robots that write to each
    /// other must not go on all night.
    pub(super) async fn send(
        &self,
        mail: &EmailOutput,
        out: &mut Outbox,
    ) -> Result<Option<uuid::Uuid>> {
        let sent = mails::answered_this_hour(self.tx, &self.address).await?;
        if sent >= i64::from(self.judge.settings.answers_per_hour) {
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

    fn robot(&self, heading: &Heading, now: Timestamp) -> Option<Robot> {
        let judge = self.judge;
        let ours = Ours {
            addresses: &judge.own_addresses,
            signer: &judge.signer,
            now,
        };
        mail::robot(heading, self.msg.sender.as_deref(), &ours)
    }

    pub(super) fn order<'b>(&'b self, person: &'b Person) -> Order<'b> {
        Order {
            person,
            address: &self.address,
            id: self.msg.envelope.id,
            trace: self.msg.envelope.trace,
            received_at: self.msg.received_at,
        }
    }
}
