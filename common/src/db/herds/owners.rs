//! Owners as they are registered and confirmed.

use super::{OWNER, Owner, owner};
use crate::Result;
use crate::db::Tx;
use jiff::Timestamp;
use uuid::Uuid;

/// Registers an owner; their number, which becomes one of their ids.
pub async fn add_owner(
    tx: &Tx<'_>,
    (name, place): (&str, i64),
    state: &str,
    (by, at): (i64, Timestamp),
) -> Result<i64> {
    let row = tx
        .query_one(
            "-- herds::add_owner
             WITH new AS (INSERT INTO owner (name, place, state, registered_by, registered_at)
                          VALUES ($1, $2, $3, $4, $5) RETURNING id)
             INSERT INTO owner_key (owner, kind, digits) SELECT id, 'number', id::text FROM new RETURNING owner",
            &[
                /* name */ &name, /* place */ &place, /* state */ &state, /* by */ &by,
                /* at */ &at,
            ],
        )
        .await?;
    Ok(row.get(0))
}

/// Gives an owner an id of this kind, `phone` or `identification`, in place of the one before.
pub async fn set_key(tx: &Tx<'_>, owner: i64, kind: &str, digits: &str) -> Result {
    tx.execute(
        "-- herds::set_key
         INSERT INTO owner_key (owner, kind, digits) VALUES ($1, $2, $3)
         ON CONFLICT (owner, kind) DO UPDATE SET digits = excluded.digits",
        &[
            /* owner */ &owner, /* kind */ &kind, /* digits */ &digits,
        ],
    )
    .await
    .map(drop)
}

/// The id of this kind that an owner has, as [`set_key`] keeps it.
pub async fn key_of(tx: &Tx<'_>, owner: i64, kind: &str) -> Result<Option<String>> {
    let sql = "-- herds::key_of\nSELECT digits FROM owner_key WHERE owner = $1 AND kind = $2";
    let row = tx
        .query_opt(sql, &[/* owner */ &owner, /* kind */ &kind])
        .await?;
    Ok(row.map(|row| row.get(0)))
}

/// Whether a report registered an owner who writes to us now; whoever confirms them at this moment is waited for.
pub async fn registered_who_writes(tx: &Tx<'_>, report: Uuid) -> Result<bool> {
    let rows = tx
        .query(
            "-- herds::registered_who_writes
             SELECT o.person IS NOT NULL FROM report_subject s JOIN owner o ON o.id = s.subject
              WHERE s.report = $1 AND s.kind = 'owner' AND s.made FOR NO KEY UPDATE OF o",
            &[/* report */ &report],
        )
        .await?;
    Ok(rows.iter().any(|row| row.get(0)))
}

/// Lets one transaction at a time register whoever this word stands for, until it ends: what is looked for
/// next was not registered by another a moment ago.
pub async fn lock_registration(tx: &Tx<'_>, word: &str) -> Result {
    tx.execute(
        "-- herds::lock_registration\nSELECT pg_advisory_xact_lock(hashtextextended($1, 46553))",
        &[/* word */ &word],
    )
    .await
    .map(drop)
}

/// An owner who has these digits for an id: anywhere, or in one place.
pub async fn owner_of_id(tx: &Tx<'_>, digits: &str, place: Option<i64>) -> Result<Option<Owner>> {
    let sql = format!(
        "-- herds::owner_of_id
         SELECT {OWNER} FROM owner_key k JOIN owner o ON o.id = k.owner
          WHERE k.back = reverse($1) AND o.state <> 'withdrawn' AND ($2::bigint IS NULL OR o.place = $2)
          ORDER BY o.state, o.id LIMIT 1"
    );
    let row = tx
        .query_opt(&sql, &[/* digits */ &digits, /* place */ &place])
        .await?;
    Ok(row.as_ref().map(owner))
}

/// An owner of this name who was registered in a place since.
pub async fn owner_of_name(
    tx: &Tx<'_>,
    name: &str,
    place: i64,
    since: Timestamp,
) -> Result<Option<Owner>> {
    let sql = format!(
        "-- herds::owner_of_name
         SELECT {OWNER} FROM owner o
          WHERE o.place = $1 AND search_key(o.name) = search_key($2) AND o.state <> 'withdrawn'
            AND o.registered_at > $3
          ORDER BY o.id DESC LIMIT 1"
    );
    let row = tx
        .query_opt(
            &sql,
            &[
                /* place */ &place, /* name */ &name, /* since */ &since,
            ],
        )
        .await?;
    Ok(row.as_ref().map(owner))
}

/// An owner who is nobody yet among those who write to us, locked.
pub async fn unconfirmed(tx: &Tx<'_>, id: i64) -> Result<Option<Owner>> {
    let sql = format!(
        "-- herds::unconfirmed
         SELECT {OWNER} FROM owner o
          WHERE o.id = $1 AND o.person IS NULL AND o.state <> 'withdrawn' FOR NO KEY UPDATE OF o"
    );
    let row = tx.query_opt(&sql, &[/* owner */ &id]).await?;
    Ok(row.as_ref().map(owner))
}

/// Makes an owner active, and somebody who writes to us.
pub async fn confirm(tx: &Tx<'_>, owner: i64, person: i64) -> Result {
    tx.execute(
        "-- herds::confirm
         UPDATE owner SET state = 'active', person = $2 WHERE id = $1 AND person IS NULL AND state <> 'withdrawn'",
        &[/* owner */ &owner, /* person */ &person],
    )
    .await
    .map(drop)
}

/// The name of a place, as a village is called by those who live there.
pub async fn village(tx: &Tx<'_>, place: i64) -> Result<Option<String>> {
    let sql = "-- herds::village\nSELECT name FROM place WHERE id = $1";
    let row = tx.query_opt(sql, &[/* place */ &place]).await?;
    Ok(row.map(|row| row.get(0)))
}
