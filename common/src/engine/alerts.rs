//! Who else is told, and how: each person by the first contact that works.
//!
//! Rows in `alert` are written here, with what the message caused; the caller sends what is not
//! held. What the clock does later is in `raise` (nobody answered) and `bundle` (too many at once).

mod bundle;
mod circle;
mod raise;

pub use bundle::{Bundle, Look, NotBundled};
pub use raise::{NotRaised, Raised};

use super::{Done, Engine, Turn};
use crate::Result;
use crate::alerts::Bundling;
use crate::code::spec::Alert as Declared;
use crate::code::{Codes, Reader, Var, names};
use crate::db::alerts::{self as rows, About, Alerted};
use crate::db::people::Recipient;
use crate::db::{Tx, cases};
use crate::envelope::derived_id;
use crate::language::Language;
use crate::telemetry::count;
use circle::Where;
use std::collections::HashSet;
use tracing::{info, warn};
use uuid::Uuid;

/// What is counted of alerts.
const COUNTED: &str = "kentongan_alerts_total";

/// One message to somebody who must act.
#[derive(Debug)]
pub struct Alert {
    /// Id that its envelope must have: the rows name it.
    pub id: Uuid,
    /// Who.
    pub person: i64,
    /// `email`, or the channel of texts.
    pub channel: String,
    /// The address on it.
    pub address: String,
    /// The receiver's language.
    pub language: Language,
    /// What to say, in that language.
    pub text: String,
    /// The code that caused it.
    pub code: String,
    /// The case it is about.
    pub case_id: Option<i64>,
    circle: String,
    urgent: bool,
}

impl Alert {
    /// Something to be told to one person about a case, which nobody has to answer. The message that
    /// brought it and the case make the id, so that it goes once.
    pub fn told((message, case): (Uuid, i64), person: i64, channel: String, text: String) -> Self {
        let id = derived_id(&[
            b"told",
            message.as_bytes(),
            &case.to_be_bytes(),
            &person.to_be_bytes(),
        ]);
        Self {
            id,
            person,
            channel,
            address: String::new(),
            language: Language::default(),
            text,
            code: String::new(),
            case_id: Some(case),
            circle: String::new(),
            urgent: false,
        }
    }

    /// To this address, in its owner's language.
    #[must_use]
    pub fn at(self, address: &str, language: Language) -> Self {
        let address = address.to_owned();
        Self {
            address,
            language,
            ..self
        }
    }

    fn row(&self) -> Alerted<'_> {
        Alerted {
            id: self.id,
            person: self.person,
            channel: &self.channel,
            circle: &self.circle,
            urgent: self.urgent,
        }
    }
}

impl Turn<'_> {
    /// The alerts that this message sets off and that are not held, and how many there are in all.
    pub(super) async fn alerts(&self, done: &Done) -> Result<(Vec<Alert>, usize)> {
        let mut alerts: Vec<Alert> = Vec::new();
        if !self.tells {
            return Ok((alerts, 0));
        }
        let kind = &self.asked.sender.user_type;
        let mut watched = None;
        for (at, declared) in self.spec.alerts_for(kind, self.values) {
            for (circle, to) in self.first_reachable(declared, done).await? {
                let told = alerts.iter().any(|a| a.person == to.person.id);
                if !told && to.person.id != self.asked.sender.id {
                    let circle = (circle.as_str(), declared.urgent);
                    alerts.extend(self.alert((at, circle), &to, done));
                }
            }
            watched = watched.or(declared.urgent.then_some(at));
        }
        if let Some(at) = watched.filter(|_| !self.trains()) {
            self.watch(at, done).await?;
        }
        let about = About {
            message: self.asked.message,
            code: &self.spec.code,
            case_id: done.case_id,
            step: 0,
        };
        // What is held in training nobody would tell: the clock knows the real thing only.
        let rules = (!self.trains()).then_some(&self.codes.alerting().bundling);
        let all = alerts.len();
        Ok((tell(self.tx, &about, alerts, rules).await?, all))
    }

    fn trains(&self) -> bool {
        self.engine.trains(self.asked.sender)
    }

    /// The people of the first of an alert's circles in which anybody can be told, with its name.
    async fn first_reachable(
        &self,
        alert: &Declared,
        done: &Done,
    ) -> Result<Vec<(String, Recipient)>> {
        let place = Where {
            place: done.place.as_ref().map(|p| p.id),
            case: done.case_id,
            message: done.about,
            officer: done.officer,
            infrastructure: done.infrastructure(),
        };
        let (engine, trains) = (self.engine, self.trains());
        for circle in std::iter::once(&alert.to).chain(&alert.or_else) {
            let found = engine.circle((self.codes, circle), self.tx, &place).await?;
            // In training nobody hears of it who is not in training too.
            let hears = |to: &&Recipient| !trains || engine.trains(&to.person);
            let told = found.reachable.iter().filter(hears);
            let told: Vec<_> = told.map(|to| (circle.clone(), to.clone())).collect();
            if !trains {
                silent(circle, found.silent.len(), done.case_id);
            }
            if !told.is_empty() {
                return Ok(told);
            }
        }
        if alert.urgent && !trains {
            nobody(&alert.to, done.case_id);
        }
        Ok(Vec::new())
    }

    fn alert(
        &self,
        (at, (circle, urgent)): (usize, (&str, bool)),
        to: &Recipient,
        done: &Done,
    ) -> Option<Alert> {
        let language = Language::from_tag(&to.person.language).unwrap_or_default();
        let may = |permission: &str| to.person.may(permission);
        let reader = Reader {
            language,
            kind: &to.person.user_type,
            may: &may,
        };
        let text = self.words(at, &reader, done);
        let about = (self.asked.message, self.asked.line, 0);
        let alert = addressed(to, text, about)?;
        Some(Alert {
            code: self.spec.code.clone(),
            case_id: done.case_id,
            circle: circle.to_owned(),
            urgent,
            ..alert
        })
    }

    /// An alert as this reader reads it.
    fn words(&self, at: usize, reader: &Reader<'_>, done: &Done) -> String {
        let mut extra = done.extra(reader.language);
        if let Some(case) = done.case_id {
            let format = answer_format(self.codes, reader, case);
            extra.push((names::ANSWER, Var::from(format)));
        }
        let of = (self.spec, at);
        self.codes.alert(of, self.values, reader, &extra)
    }

    /// From now on the clock looks whether anybody answers.
    async fn watch(&self, at: usize, done: &Done) -> Result {
        let (Some(case_id), Some(place), Some(first)) =
            (done.case_id, &done.place, self.spec.escalation.first())
        else {
            return Ok(());
        };
        // Whoever is told next may send what answers a case.
        let may = |_: &str| true;
        let [id, en] = Language::ALL.map(|language| {
            let kind = "";
            let reader = Reader {
                language,
                kind,
                may: &may,
            };
            self.words(at, &reader, done)
        });
        let watch = rows::Watch {
            case_id,
            message: self.asked.message,
            trace: self.asked.trace,
            code: &self.spec.code,
            place: place.id,
            texts: [&id, &en],
            after_min: first.after_min,
        };
        rows::begin(self.tx, &watch).await
    }

    /// Who writes about a case has read what they were told of it.
    pub(super) async fn acknowledge(&self) -> Result {
        let Some(case) = self.values.case() else {
            return Ok(());
        };
        let asked = self.asked;
        rows::acknowledge_case(self.tx, asked.sender.id, case, asked.message)
            .await
            .map(drop)
    }

    /// Why a case that a message names is none: it never was, or it was taken back.
    pub(super) async fn no_case(&self, number: i64) -> Result<super::Answer> {
        let withdrawn = cases::was_withdrawn(self.tx, number).await?;
        let key = if withdrawn {
            "withdrawn_case"
        } else {
            "unknown_case"
        };
        Ok(self.refused(key, &[("word", Var::from(number))]))
    }
}

/// Writes the rows; what is left is to be sent. Without rules nothing is held.
async fn tell(
    tx: &Tx<'_>,
    about: &About<'_>,
    mut alerts: Vec<Alert>,
    rules: Option<&Bundling>,
) -> Result<Vec<Alert>> {
    if alerts.is_empty() {
        return Ok(alerts);
    }
    let told: Vec<Alerted<'_>> = alerts.iter().map(Alert::row).collect();
    let held: HashSet<Uuid> = rows::tell(tx, about, &told, rules).await?;
    alerts.retain(|alert| {
        let wait = held.contains(&alert.id);
        count(COUNTED, if wait { "held" } else { "sent" });
        !wait
    });
    Ok(alerts)
}

/// An alert to the first contact of somebody that a channel serves. `about` is the message that
/// sets it off, its line, and the step of the escalation: together with the person they make the
/// id, which is the same when the message is decided again.
fn addressed(to: &Recipient, text: String, about: (Uuid, i16, i16)) -> Option<Alert> {
    let mut usable = to.contacts.iter();
    let (contact, channel) = usable.find_map(|c| Some((c, c.channel.clone()?)))?;
    let (message, line, step) = about;
    let id = derived_id(&[
        b"alert",
        message.as_bytes(),
        &line.to_be_bytes(),
        &step.to_be_bytes(),
        &to.person.id.to_be_bytes(),
    ]);
    Some(Alert {
        id,
        person: to.person.id,
        channel,
        address: contact.address.clone(),
        language: Language::from_tag(&to.person.language).unwrap_or_default(),
        text,
        code: String::new(),
        case_id: None,
        circle: String::new(),
        urgent: false,
    })
}

/// The format of what answers a case, with its number in it: that of the code which responds, or
/// of the one that only says "read", for those who may send no other.
fn answer_format(codes: &Codes, reader: &Reader<'_>, case: i64) -> String {
    let with = |effect: &'static str| {
        let does = move |spec: &&std::sync::Arc<crate::code::Spec>| {
            spec.effect.as_deref() == Some(effect) && (reader.may)(&spec.permission)
        };
        codes.specs().find(does)
    };
    let number = case.to_string();
    if let Some(spec) = with("respond") {
        return spec.format_with(reader, "case", &number);
    }
    let read = with("acknowledge").map(|spec| format!("{} {number}", spec.code));
    read.unwrap_or(number)
}

/// People of a circle who have no address that works: somebody must see to that.
fn silent(circle: &str, people: usize, case: Option<i64>) {
    for _ in 0..people {
        count(COUNTED, "without_contact");
    }
    if people > 0 {
        info!(
            circle,
            case, people, "Some of a circle have no contact and were not told"
        );
    }
}

/// Nobody at all could be told of something urgent.
fn nobody(circle: &str, case: Option<i64>) {
    count(COUNTED, "nobody");
    warn!(
        circle,
        case, "Nobody can be told of an urgent case: no areas, or no contacts"
    );
}
