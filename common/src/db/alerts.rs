//! Who is alerted, what became of it, and what the clock does about alerts that nobody answers.

mod held;
mod receivers;
mod watch;

pub use held::{Held, bundled, held, only_one, put_off, receiver, with_held};
pub use receivers::{Found, Source, found};
pub use watch::{Due, Watch, begin, due, end, next_due, stepped};

use super::Tx;
use crate::Result;
use crate::alerts::Bundling;
use jiff::Timestamp;
use std::collections::HashSet;
use uuid::Uuid;

/// One text or mail to somebody who must act.
#[derive(Debug, Clone)]
pub struct Alerted<'a> {
    /// Id of the envelope that will carry it; that of nothing when it is held.
    pub id: Uuid,
    /// To whom.
    pub person: i64,
    /// `email`, or the channel of texts.
    pub channel: &'a str,
    /// The circle that the receiver was found in.
    pub circle: &'a str,
    /// Held past the second rate only.
    pub urgent: bool,
}

/// What the alerts of one message have in common.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The message that set them off.
    pub message: Uuid,
    /// Its code.
    pub code: &'a str,
    /// Its case. Without one nothing is held: a bundle could not say what it was about.
    pub case_id: Option<i64>,
    /// The step of the escalation; 0: at once.
    pub step: i16,
}

/// Keeps who is told because of a message, and decides whose receivers had so many texts lately
/// that theirs is held; the ids of those. Without rules nobody's is. One statement, whatever their number. Texts that other
/// transactions send at the same moment are not counted: a receiver may get a few more than the
/// rate.
pub async fn tell(
    tx: &Tx<'_>,
    about: &About<'_>,
    told: &[Alerted<'_>],
    rules: Option<&Bundling>,
) -> Result<HashSet<Uuid>> {
    let (above, urgent_above) = rules.map_or((i64::MAX, i64::MAX), |rules| {
        (rules.above.into(), rules.urgent_above.into())
    });
    let (within, urgent_within) =
        rules.map_or((1, 1), |rules| (rules.within_min, rules.urgent_within_min));
    let ids: Vec<Uuid> = told.iter().map(|t| t.id).collect();
    let people: Vec<i64> = told.iter().map(|t| t.person).collect();
    let channels: Vec<&str> = told.iter().map(|t| t.channel).collect();
    let circles: Vec<&str> = told.iter().map(|t| t.circle).collect();
    let urgent: Vec<bool> = told.iter().map(|t| t.urgent).collect();
    let rows = tx
        .query(
            include_str!("alerts/tell.sql"),
            &[
                /* message */ &about.message,
                /* case_id */ &about.case_id,
                /* code */ &about.code,
                /* step */ &about.step,
                /* ids */ &ids,
                /* people */ &people,
                /* channels */ &channels,
                /* circles */ &circles,
                /* urgent */ &urgent,
                /* above */ &above,
                /* urgent above */ &urgent_above,
                /* within_min */ &within,
                /* urgent_within_min */ &urgent_within,
            ],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Somebody wrote about a case: the alerts that they got about it are read. `message` is what they
/// wrote. The same again changes nothing.
pub async fn acknowledge_case(
    tx: &Tx<'_>,
    person: i64,
    case_id: i64,
    message: Uuid,
) -> Result<bool> {
    let read = tx
        .execute(
            "-- alerts::acknowledge_case
             UPDATE alert SET acknowledged_at = coalesce(acknowledged_at, now()),
                              acknowledged_by = coalesce(acknowledged_by, $3)
             WHERE case_id = $2 AND person = $1",
            &[
                /* person */ &person, /* case_id */ &case_id, /* message */ &message,
            ],
        )
        .await?;
    Ok(read > 0)
}

/// The last text that somebody got before they wrote `message` is read, and all that it told; the
/// cases that it was about. `None` when there is none of the last day. Networks' clocks are wrong by
/// a minute or two: a text of that time after `sent_at` still counts as before, and when all are
/// later, the last one is meant.
pub async fn acknowledge_last(
    tx: &Tx<'_>,
    person: i64,
    sent_at: Timestamp,
    message: Uuid,
) -> Result<Option<Vec<i64>>> {
    let rows = tx
        .query(
            "-- alerts::acknowledge_last
             WITH last AS (
                 SELECT coalesce(bundle, id) AS text FROM alert
                 WHERE person = $1 AND sent_at > now() - interval '1 day'
                 ORDER BY sent_at <= $2::timestamptz + interval '2 minutes' DESC, sent_at DESC, at DESC LIMIT 1)
             UPDATE alert a SET acknowledged_at = coalesce(acknowledged_at, now()),
                                acknowledged_by = coalesce(acknowledged_by, $3)
             FROM last
             WHERE a.person = $1 AND a.sent_at > now() - interval '1 day'
               AND coalesce(a.bundle, a.id) = last.text
             RETURNING a.case_id",
            &[
                /* person */ &person, /* sent_at */ &sent_at, /* message */ &message,
            ],
        )
        .await?;
    let mut cases: Vec<i64> = rows.iter().filter_map(|row| row.get(0)).collect();
    cases.sort_unstable();
    cases.dedup();
    Ok((!rows.is_empty()).then_some(cases))
}

/// Who was told because of a message.
pub async fn told(tx: &Tx<'_>, message: Uuid, case_id: i64) -> Result<HashSet<i64>> {
    let rows = tx
        .query(
            "-- alerts::told
             SELECT person FROM alert WHERE case_id = $2 AND message = $1",
            &[/* message */ &message, /* case_id */ &case_id],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
