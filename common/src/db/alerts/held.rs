//! Alerts that are held for a receiver who had many, until one text tells them all.

use super::{Found, receivers};
use crate::Result;
use crate::db::Tx;
use serde_json::Value;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// One alert that waits.
#[derive(Debug, Clone)]
pub struct Held {
    /// The alert.
    pub id: Uuid,
    /// Code of the message that set it off.
    pub code: String,
    /// The case it is about.
    pub case_id: i64,
    /// When it was set off.
    pub at: jiff::Timestamp,
    /// The case was taken back meanwhile.
    pub withdrawn: bool,
    /// The code that opened the case, and what it said.
    pub opened: (String, Value),
    /// The district of the case, in words; empty when there is none.
    pub district: String,
    /// Its code, for questions about it.
    pub area: String,
}

/// What locks out another processor that does this at the same time.
const LOCK: i64 = 46_554;

/// Lets one processor at a time tell what is held; false when another one does. Until the
/// transaction ends.
pub async fn only_one(tx: &Tx<'_>) -> Result<bool> {
    let row = tx
        .query_one(
            "-- alerts::only_one\nSELECT pg_try_advisory_xact_lock($1)",
            &[/* key */ &LOCK],
        )
        .await?;
    Ok(row.get(0))
}

/// Somebody for whom something waits that is due; not one of `left`.
pub async fn with_held(tx: &Tx<'_>, left: &[i64]) -> Result<Option<i64>> {
    let row = tx
        .query_opt(
            "-- alerts::with_held
             SELECT person FROM alert WHERE sent_at IS NULL AND held_until <= now()
                AND person <> ALL ($1)
             ORDER BY held_until LIMIT 1",
            &[/* left */ &left],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}

/// Whether they can be told.
pub async fn receiver(tx: &Tx<'_>, person: i64) -> Result<Found> {
    receivers::person(tx, person).await
}

/// Everything that waits for somebody, oldest first, due or not; locked. What somebody writes
/// about just now is left for the next time.
pub async fn held(tx: &Tx<'_>, person: i64, systems: &[String]) -> Result<Vec<Held>> {
    let rows = tx
        .query(
            include_str!("held.sql"),
            &[/* person */ &person, /* systems */ &systems],
        )
        .await?;
    let held = |row: &tokio_postgres::Row| Held {
        id: row.get("id"),
        code: row.get("code"),
        case_id: row.get("case_id"),
        at: row.get("at"),
        withdrawn: row.get("withdrawn"),
        opened: (row.get("opened"), row.get::<_, Json<Value>>("fields").0),
        district: row.get("district"),
        area: row.get("area"),
    };
    Ok(rows.iter().map(held).collect())
}

/// These were told by one text; `None`: there is nobody any more who could be told.
pub async fn bundled(tx: &Tx<'_>, ids: &[Uuid], bundle: Option<Uuid>) -> Result {
    tx.execute(
        "-- alerts::bundled
         UPDATE alert SET sent_at = now(), bundle = $2 WHERE id = ANY($1) AND sent_at IS NULL",
        &[/* ids */ &ids, /* bundle */ &bundle],
    )
    .await
    .map(drop)
}

/// Somebody cannot be told now: what waits for them is looked at again after so many minutes.
pub async fn put_off(tx: &Tx<'_>, person: i64, minutes: i32) -> Result {
    tx.execute(
        "-- alerts::put_off
         UPDATE alert SET held_until = now() + make_interval(mins => $2)
         WHERE person = $1 AND sent_at IS NULL",
        &[/* person */ &person, /* minutes */ &minutes],
    )
    .await
    .map(drop)
}
