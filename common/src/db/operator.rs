//! What operators see of the fleet, and the record of what they did to messages.

use super::Tx;
use crate::Result;
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

/// A daemon's last sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// Which daemon.
    pub daemon: String,
    /// Host and process.
    pub instance: String,
    /// The version it runs.
    pub version: String,
    /// When it was last heard; a daemon that lives says so every minute.
    pub at: Timestamp,
}

/// All daemons heard of lately, by name.
pub async fn fleet(tx: &Tx<'_>) -> Result<Vec<Heartbeat>> {
    let rows = tx
        .query(
            "-- operator::fleet
             SELECT daemon, instance, version, at FROM heartbeat ORDER BY daemon, instance",
            &[],
        )
        .await?;
    let heartbeat = |row: &Row| Heartbeat {
        daemon: row.get(0),
        instance: row.get(1),
        version: row.get(2),
        at: row.get(3),
    };
    Ok(rows.iter().map(heartbeat).collect())
}

/// Something that an operator is about to do.
#[derive(Debug, Clone)]
pub struct Action<'a> {
    /// Names it.
    pub id: Uuid,
    /// Who does it.
    pub who: &'a str,
    /// `redrive`, `discard`, `lift`.
    pub action: &'a str,
    /// To what: a queue, or `suppression`.
    pub target: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The filter and whatever else was asked for.
    pub asked: &'a serde_json::Value,
}

/// Writes down that it begins. Commit before the first message is touched, so that what is broken
/// off is on record too.
pub async fn begin(tx: &Tx<'_>, action: &Action<'_>) -> Result {
    tx.execute(
        "-- operator::begin
         INSERT INTO operator_action (id, who, action, target, reason, asked)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            /* id */ &action.id,
            /* who */ &action.who,
            /* action */ &action.action,
            /* target */ &action.target,
            /* reason */ &action.reason,
            /* asked */ action.asked,
        ],
    )
    .await
    .map(drop)
}

/// Counts messages it was done to; those with an envelope are named, so that a trace shows it.
pub async fn touched(tx: &Tx<'_>, id: Uuid, count: i64, named: &[(Uuid, Uuid)]) -> Result {
    let (messages, traces): (Vec<Uuid>, Vec<Uuid>) = named.iter().copied().unzip();
    tx.execute(
        "-- operator::touched_messages
         INSERT INTO operator_action_message (action, message, trace)
         SELECT $1, * FROM unnest($2::uuid[], $3::uuid[]) ON CONFLICT DO NOTHING",
        &[
            /* id */ &id, /* messages */ &messages, /* traces */ &traces,
        ],
    )
    .await?;
    tx.execute(
        "-- operator::touched
         UPDATE operator_action SET done = done + $2 WHERE id = $1",
        &[/* id */ &id, /* count */ &count],
    )
    .await
    .map(drop)
}

/// Writes down that it came to its end.
pub async fn end(tx: &Tx<'_>, id: Uuid) -> Result {
    tx.execute(
        "-- operator::end
         UPDATE operator_action SET ended_at = now() WHERE id = $1",
        &[/* id */ &id],
    )
    .await
    .map(drop)
}

/// An action on record.
#[derive(Debug, Clone, Serialize)]
pub struct Done {
    /// When it began.
    pub at: Timestamp,
    /// Who did it.
    pub who: String,
    /// What.
    pub action: String,
    /// To what.
    pub target: String,
    /// Why.
    pub reason: String,
    /// To how many.
    pub done: i64,
    /// It was broken off by force, or is still going on.
    pub unfinished: bool,
}

/// What was done to messages of one trace, oldest first.
pub async fn of_trace(tx: &Tx<'_>, trace: Uuid) -> Result<Vec<Done>> {
    let rows = tx
        .query(
            "-- operator::of_trace
             SELECT m.at, a.who, a.action, a.target, a.reason, a.done, a.ended_at IS NULL
             FROM operator_action_message m JOIN operator_action a ON a.id = m.action
             WHERE m.trace = $1 ORDER BY m.at",
            &[/* trace */ &trace],
        )
        .await?;
    Ok(rows.iter().map(done).collect())
}

/// The latest actions.
pub async fn latest(tx: &Tx<'_>, most: i64) -> Result<Vec<Done>> {
    let rows = tx
        .query(
            "-- operator::latest
             SELECT at, who, action, target, reason, done, ended_at IS NULL
             FROM operator_action ORDER BY at DESC LIMIT $1",
            &[/* most */ &most],
        )
        .await?;
    Ok(rows.iter().map(done).collect())
}

fn done(row: &Row) -> Done {
    Done {
        at: row.get(0),
        who: row.get(1),
        action: row.get(2),
        target: row.get(3),
        reason: row.get(4),
        done: row.get(5),
        unfinished: row.get(6),
    }
}
