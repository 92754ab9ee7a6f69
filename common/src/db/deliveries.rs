//! What went out and what was heard of it: one row per message handed to the outside.

use super::Tx;
use crate::messages::Purpose;
use crate::transport::Outcome;
use crate::{Failure, Result};
use jiff::Timestamp;
use std::time::Duration;
use tokio_postgres::Row;
use uuid::Uuid;

/// A message that is to go out, as its row names it.
#[derive(Debug, Clone, Copy)]
pub struct Parcel<'a> {
    /// The envelope's id.
    pub id: Uuid,
    /// `mail` or `text`.
    pub kind: &'a str,
    /// The channel that carries it.
    pub channel: &'a str,
    /// The receiver.
    pub address: &'a str,
    /// Answer or alert.
    pub purpose: Purpose,
    /// Our own Message-ID, where it has one.
    pub message_id: Option<&'a str>,
    /// The envelope's trace.
    pub trace: Uuid,
    /// The envelope's cause.
    pub cause: Option<Uuid>,
}

/// How far a delivery came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Somebody is at it, or died at it.
    Claimed,
    /// Certainly not sent; will be tried again.
    Waiting,
    /// Taken by the outside.
    Sent,
    /// Refused for good.
    Refused,
    /// Perhaps sent.
    Unknown,
    /// Not sent: the receiver is not written to any more.
    Suppressed,
    /// Not sent: too late to be of use.
    Expired,
    /// Not sent here: another channel took it.
    Moved,
}

/// What is known of a delivery before it is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// How far it came.
    pub state: State,
    /// How many times it was or may have been handed over; a claim that ended with "certainly not
    /// sent" does not count.
    pub attempts: i32,
    /// How long ago it was claimed, by the database's clock.
    pub age: Duration,
}

/// A delivery as operators see it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Seen {
    /// The envelope's id.
    pub id: Uuid,
    /// `mail` or `text`.
    pub kind: String,
    /// The channel.
    pub channel: String,
    /// The receiver.
    pub address: String,
    /// How far it came.
    pub state: String,
    /// Why, where there is something to say.
    pub reason: Option<String>,
    /// How many times it was or may have been handed over.
    pub attempts: i32,
    /// When it was claimed last.
    pub claimed_at: Timestamp,
    /// When it was over.
    pub done_at: Option<Timestamp>,
    /// What was heard of it afterwards, such as `delivery` or `bounce`.
    pub event: Option<String>,
    /// When that happened.
    pub heard_at: Option<Timestamp>,
}

impl State {
    /// As it stands in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Suppressed => "suppressed",
            Self::Expired => "expired",
            Self::Moved => "moved",
        }
    }

    /// What a hand-over leads to, with the provider's id and what there is to say about it.
    pub fn after(outcome: &Outcome) -> (Self, Option<&str>, Option<&str>) {
        match outcome {
            Outcome::Sent { provider_id } => (Self::Sent, provider_id.as_deref(), None),
            Outcome::Refused { reason } => (Self::Refused, None, Some(reason)),
            Outcome::NotSent(failure) => (Self::Waiting, None, Some(&failure.cause)),
            Outcome::Unknown { reason } => (Self::Unknown, None, Some(reason)),
        }
    }

    fn of(name: &str) -> Result<Self> {
        use State::{Claimed, Expired, Moved, Refused, Sent, Suppressed, Unknown, Waiting};
        [
            Claimed, Waiting, Sent, Refused, Unknown, Suppressed, Expired, Moved,
        ]
        .into_iter()
        .find(|s| s.name() == name)
        .ok_or_else(|| Failure::retry(format!("delivery state `{name}` is not known here")))
    }
}

/// What is known of a delivery; `None` when nobody claimed it yet. Holds the row until the
/// transaction ends, so that what was found still holds when the claim is written.
pub async fn find(tx: &Tx<'_>, id: Uuid) -> Result<Option<Found>> {
    let row = tx
        .query_opt(
            "-- deliveries::find
             SELECT state, attempts,
                    greatest(0, extract(epoch FROM clock_timestamp() - claimed_at))::float8
             FROM delivery WHERE id = $1 FOR UPDATE",
            &[/* id */ &id],
        )
        .await?;
    row.map(|row| {
        Ok(Found {
            state: State::of(row.get(0))?,
            attempts: row.get(1),
            age: Duration::from_secs_f64(row.get(2)),
        })
    })
    .transpose()
}

/// Writes the claim over what [`find`] found. Fails with "try again" when somebody else was
/// quicker, so that of two only one calls the outside.
pub async fn claim(tx: &Tx<'_>, parcel: &Parcel<'_>, found: Option<Found>) -> Result {
    put(tx, parcel, found, State::Claimed, None).await
}

/// Closes a delivery without calling the outside, over what [`find`] found.
pub async fn close(
    tx: &Tx<'_>,
    parcel: &Parcel<'_>,
    found: Option<Found>,
    state: State,
    reason: &str,
) -> Result {
    put(tx, parcel, found, state, Some(reason)).await
}

async fn put(
    tx: &Tx<'_>,
    parcel: &Parcel<'_>,
    found: Option<Found>,
    state: State,
    reason: Option<&str>,
) -> Result {
    let seen = found.map_or("", |f| f.state.name());
    let attempts = found.map_or(0, |f| f.attempts);
    let next = attempts + i32::from(state == State::Claimed);
    let purpose = match parcel.purpose {
        Purpose::Answer => "answer",
        Purpose::Alert => "alert",
    };
    let written = tx
        .execute(
            "-- deliveries::put
             INSERT INTO delivery AS d (id, kind, channel, address, purpose, message_id, trace,
                                        cause, state, attempts, reason, claimed_at, done_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, clock_timestamp(),
                     CASE WHEN $9 <> 'claimed' THEN clock_timestamp() END)
             ON CONFLICT (id) DO UPDATE
             SET state = excluded.state, attempts = excluded.attempts, reason = excluded.reason,
                 claimed_at = excluded.claimed_at, done_at = excluded.done_at
             WHERE d.state = $12 AND d.attempts = $13",
            &[
                /* id */ &parcel.id,
                /* kind */ &parcel.kind,
                /* channel */ &parcel.channel,
                /* address */ &parcel.address,
                /* purpose */ &purpose,
                /* message_id */ &parcel.message_id,
                /* trace */ &parcel.trace,
                /* cause */ &parcel.cause,
                /* state */ &state.name(),
                /* attempts */ &next,
                /* reason */ &reason,
                /* seen state */ &seen,
                /* seen attempts */ &attempts,
            ],
        )
        .await?;
    if written == 1 {
        return Ok(());
    }
    Err(Failure::retry("somebody else claimed this delivery first"))
}

/// Records what came of a claimed delivery; false when it was closed meanwhile. What is known
/// replaces what was not: a late `sent` overwrites `unknown`. [`State::Waiting`] takes the claim's
/// attempt back: nothing was handed over.
pub async fn record(
    tx: &Tx<'_>,
    id: Uuid,
    state: State,
    provider_id: Option<&str>,
    reason: Option<&str>,
) -> Result<bool> {
    let written = tx
        .execute(
            "-- deliveries::record
             UPDATE delivery
             SET state = $2, provider_id = coalesce($3, provider_id), reason = $4,
                 done_at = CASE WHEN $2 <> 'waiting' THEN clock_timestamp() END,
                 attempts = greatest(0, attempts - CASE WHEN $2 = 'waiting' THEN 1 ELSE 0 END)
             WHERE id = $1 AND state IN ('claimed', 'unknown')",
            &[
                /* id */ &id,
                /* state */ &state.name(),
                /* provider_id */ &provider_id,
                /* reason */ &reason,
            ],
        )
        .await?;
    Ok(written == 1)
}

/// The receiver of the mail that the provider, or our Message-ID, names.
pub async fn receiver(tx: &Tx<'_>, name: &str) -> Result<Option<String>> {
    let row = tx
        .query_opt(
            "-- deliveries::receiver
             SELECT address FROM delivery
             WHERE kind = 'mail' AND (provider_id = $1 OR message_id = $1) LIMIT 1",
            &[/* name */ &name],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}

/// Deliveries of one trace, oldest first, with what was heard of each.
pub async fn of_trace(tx: &Tx<'_>, trace: Uuid) -> Result<Vec<Seen>> {
    let rows = tx
        .query(
            "-- deliveries::of_trace
             SELECT id, kind, channel, address, state, reason, attempts, claimed_at, done_at,
                    event, heard_at
             FROM delivery_heard WHERE trace = $1 ORDER BY claimed_at, heard_at",
            &[/* trace */ &trace],
        )
        .await?;
    Ok(rows.iter().map(seen).collect())
}

/// Deliveries of which nobody knows whether they went out, newest first.
pub async fn unknown(tx: &Tx<'_>, most: i64) -> Result<Vec<Seen>> {
    let rows = tx
        .query(
            "-- deliveries::unknown
             SELECT id, kind, channel, address, state, reason, attempts, claimed_at, done_at,
                    event, heard_at
             FROM delivery_heard WHERE state = 'unknown' ORDER BY claimed_at DESC LIMIT $1",
            &[/* most */ &most],
        )
        .await?;
    Ok(rows.iter().map(seen).collect())
}

/// An event of a mail, to be kept.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// The id of the envelope that brought it.
    pub id: Uuid,
    /// To whom it happened, as it was written.
    pub address: &'a str,
    /// What happened, such as `bounce`.
    pub event: &'a str,
    /// The provider's id of the mail, or our Message-ID.
    pub provider_id: Option<&'a str>,
    /// What the receiver's mail server said.
    pub diagnostic: Option<&'a str>,
    /// When it happened.
    pub at: Timestamp,
}

/// Keeps an event; one that was kept already is left alone.
pub async fn hear(tx: &Tx<'_>, heard: &Heard<'_>) -> Result {
    tx.execute(
        "-- deliveries::hear
         INSERT INTO mail_event (id, address, event, provider_id, diagnostic, at)
         VALUES ($1, lower($2), $3, $4, $5, $6) ON CONFLICT (id, address) DO NOTHING",
        &[
            /* id */ &heard.id,
            /* address */ &heard.address,
            /* event */ &heard.event,
            /* provider_id */ &heard.provider_id,
            /* diagnostic */ &heard.diagnostic,
            /* at */ &heard.at,
        ],
    )
    .await
    .map(drop)
}

/// Most rows of a table that one [`prune`] forgets: a transaction of well under a second.
pub const PRUNED_AT_ONCE: u64 = 5000;

/// Forgets deliveries and events older than so many days, up to [`PRUNED_AT_ONCE`] of each, and
/// says how many of the table that lost more; as many as that, and there are more. Of several at once one does it, the others
/// forget nothing. Who is suppressed stays suppressed.
///
/// A message that is received again after its row was forgotten goes out again: keep rows longer
/// than any queue keeps messages.
pub async fn prune(tx: &Tx<'_>, days: u32) -> Result<u64> {
    let alone = tx
        .query_one(
            "-- deliveries::prune_alone
             SELECT pg_try_advisory_xact_lock(hashtext('deliveries::prune'))",
            &[],
        )
        .await?;
    if !alone.get::<_, bool>(0) {
        return Ok(0);
    }
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let most = PRUNED_AT_ONCE as i64;
    let deliveries = tx
        .execute(
            "-- deliveries::prune
             DELETE FROM delivery WHERE id IN
             (SELECT id FROM delivery WHERE claimed_at < now() - make_interval(days => $1) LIMIT $2)",
            &[/* days */ &days, /* most */ &most],
        )
        .await?;
    let events = tx
        .execute(
            "-- deliveries::prune_events
             DELETE FROM mail_event WHERE (id, address) IN
             (SELECT id, address FROM mail_event
              WHERE noted_at < now() - make_interval(days => $1) LIMIT $2)",
            &[/* days */ &days, /* most */ &most],
        )
        .await?;
    Ok(deliveries.max(events))
}

fn seen(row: &Row) -> Seen {
    Seen {
        id: row.get(0),
        kind: row.get(1),
        channel: row.get(2),
        address: row.get(3),
        state: row.get(4),
        reason: row.get(5),
        attempts: row.get(6),
        claimed_at: row.get(7),
        done_at: row.get(8),
        event: row.get(9),
        heard_at: row.get(10),
    }
}

#[cfg(test)]
mod tests;
