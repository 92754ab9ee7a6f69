//! Urgent cases that nobody answers: the same people are told again, then the next level.

use super::circle::Where;
use super::{Alert, COUNTED, Engine, addressed, nobody, silent, tell};
use crate::code::spec::Escalation;
use crate::code::{Codes, Spec};
use crate::db::Tx;
use crate::db::alerts::{self as rows, About, Due, Found};
use crate::envelope::derived_id;
use crate::telemetry::count;
use crate::{Failure, Result};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// What is said because the clock went on, about one message of long ago.
#[derive(Debug)]
pub struct Raised {
    /// The case.
    pub case: i64,
    /// The message.
    pub message: Uuid,
    /// Its trace.
    pub trace: Uuid,
    /// Who is told, and what.
    pub alerts: Vec<Alert>,
}

/// A case whose step could not be taken.
#[derive(Debug)]
pub struct NotRaised {
    /// Which.
    pub case: i64,
    /// Why.
    pub why: Failure,
}

impl Engine {
    /// Takes the step of the case that has been due the longest, for the caller to send; `None` when none
    /// is due. Cases in `left` are left alone. Several processors may do this at once: each case is taken
    /// by one of them. Times in the texts are of this zone. When it fails, the case is told, so that the
    /// next one need not wait for it; the caller's transaction is not to be kept then.
    pub async fn raise_due(
        &self,
        tx: &Tx<'_>,
        zone: &TimeZone,
        left: &[i64],
    ) -> Result<Option<std::result::Result<Raised, NotRaised>>> {
        let codes = self.codes();
        let responds = |spec: &&Arc<Spec>| spec.effect.as_deref() == Some("respond");
        let answers: Vec<&str> = codes.specs().filter(responds).map(|s| &*s.code).collect();
        let Some(case) = rows::next_due(tx, left).await? else {
            return Ok(None);
        };
        let raised = async {
            let due = rows::due(tx, case, &answers).await?;
            let alerts = self.raise((tx, &codes), &due, zone).await?;
            Ok(Raised {
                case,
                message: due.message,
                trace: due.trace,
                alerts,
            })
        };
        let raised = raised.await;
        Ok(Some(raised.map_err(|why| NotRaised { case, why })))
    }

    /// One case: its next step at which anybody can be told.
    async fn raise(
        &self,
        (tx, codes): (&Tx<'_>, &Codes),
        due: &Due,
        zone: &TimeZone,
    ) -> Result<Vec<Alert>> {
        if let Some(why) = &due.over {
            rows::end(tx, due.case_id, due.step, why).await?;
            return Ok(Vec::new());
        }
        let steps = codes.spec(&due.code).map_or(&[][..], |s| &s.escalation);
        let done = usize::try_from(due.step).unwrap_or_default();
        let place = Where {
            place: Some(due.place),
            case: Some(due.case_id),
            ..Where::default()
        };
        for (at, step) in steps.iter().enumerate().skip(done) {
            let found = self.circle((codes, &step.to), tx, &place).await?;
            silent(&step.to, found.silent.len(), Some(due.case_id));
            if found.reachable.is_empty() {
                continue;
            }
            let alerts = self.step((tx, codes), due, (at, &step.to, &found), zone);
            let alerts = alerts.await?;
            next(tx, due, (steps, at)).await?;
            return Ok(alerts);
        }
        if let Some(last) = steps.get(done..).and_then(<[_]>::last) {
            nobody(&last.to, Some(due.case_id));
        }
        rows::end(tx, due.case_id, due.step, "last").await?;
        Ok(Vec::new())
    }

    /// Tells the people of one step.
    async fn step(
        &self,
        (tx, codes): (&Tx<'_>, &Codes),
        due: &Due,
        (at, circle, found): (usize, &str, &Found),
        zone: &TimeZone,
    ) -> Result<Vec<Alert>> {
        let told: HashSet<i64> = rows::told(tx, due.message, due.case_id).await?;
        let step = number(at);
        // One mail may open many cases.
        let case = due.case_id.to_be_bytes();
        let about = derived_id(&[b"raise", due.message.as_bytes(), &case]);
        let mut alerts = Vec::new();
        for to in &found.reachable {
            let Some(alert) = addressed(to, String::new(), (about, 0, step)) else {
                continue;
            };
            let again = told.contains(&to.person.id);
            count(COUNTED, if again { "repeated" } else { "raised" });
            let key = if again {
                "alerts/repeat"
            } else {
                "alerts/raised"
            };
            let [id, en] = &due.texts;
            let text = match alert.language {
                crate::language::Language::Id => id,
                crate::language::Language::En => en,
            };
            let values = [
                ("since", clock(due.begun_at, zone).into()),
                ("text", text.as_str().into()),
                ("case", due.case_id.into()),
            ];
            alerts.push(Alert {
                text: codes.say(key, alert.language, &values),
                code: due.code.clone(),
                case_id: Some(due.case_id),
                circle: circle.to_owned(),
                urgent: true,
                ..alert
            });
        }
        let about = About {
            message: due.message,
            code: &due.code,
            case_id: Some(due.case_id),
            step,
        };
        tell(tx, &about, alerts, Some(&codes.alerting().bundling)).await
    }
}

/// Sets the clock to the step after this one.
async fn next(tx: &Tx<'_>, due: &Due, (steps, at): (&[Escalation], usize)) -> Result {
    match steps.get(at + 1) {
        Some(after) => {
            let pause = after.after_min - steps[at].after_min;
            rows::stepped(tx, due.case_id, number(at), pause).await
        }
        None => rows::end(tx, due.case_id, number(at), "last").await,
    }
}

/// The number of a step, from 1.
fn number(at: usize) -> i16 {
    i16::try_from(at + 1).unwrap_or(i16::MAX)
}

/// A time of today as people here write it; with its date when it is of another day.
pub(super) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (
        at.to_zoned(zone.clone()),
        Timestamp::now().to_zoned(zone.clone()),
    );
    let format = if at.date() == now.date() {
        "%H.%M"
    } else {
        "%d/%m %H.%M"
    };
    at.strftime(format).to_string()
}
