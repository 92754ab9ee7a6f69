//! Addresses that are not written to any more. Checked before every mail: who goes on writing to
//! dead addresses or to people who complained loses the right to send.

use super::Tx;
use crate::Result;
use jiff::Timestamp;

/// One suppressed address.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Suppression {
    /// The address, in small letters.
    pub address: String,
    /// Why, as a short name: `bounce`, `complaint`, or what a person wrote.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Who or what decided it.
    pub by: String,
    /// What the receiver's mail server said.
    pub detail: Option<String>,
    /// The person whose address it is, where known.
    pub person: Option<String>,
}

/// Is this address suppressed, and why?
pub async fn reason(tx: &Tx<'_>, address: &str) -> Result<Option<String>> {
    let row = tx
        .query_opt(
            "-- suppressions::reason
             SELECT reason FROM suppression WHERE kind = 'email' AND address = lower($1)",
            &[/* address */ &address],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}

/// Stops writing to an address: the list and the contact that has it, known or not. The first
/// reason stays; doing it again changes nothing.
pub async fn add(
    tx: &Tx<'_>,
    address: &str,
    reason: &str,
    (by, detail): (&str, Option<&str>),
    since: Timestamp,
) -> Result {
    tx.execute(
        "-- suppressions::add
         INSERT INTO suppression (kind, address, reason, since, by, detail)
         VALUES ('email', lower($1), $2, $3, $4, $5) ON CONFLICT (kind, address) DO NOTHING",
        &[
            /* address */ &address, /* reason */ &reason, /* since */ &since,
            /* by */ &by, /* detail */ &detail,
        ],
    )
    .await?;
    tx.execute(
        "-- suppressions::mark_contact
         UPDATE contact SET state = 'suppressed', state_reason = $2, state_since = $3
         WHERE kind = 'email' AND address = lower($1) AND state <> 'suppressed'",
        &[
            /* address */ &address, /* reason */ &reason, /* since */ &since,
        ],
    )
    .await
    .map(drop)
}

/// Notes that a mail did not get through for now (full mailbox, greylisting that lasted).
pub async fn failing(tx: &Tx<'_>, address: &str, reason: &str, since: Timestamp) -> Result {
    tx.execute(
        "-- suppressions::failing
         UPDATE contact SET state = 'failing', state_reason = $2, state_since = $3
         WHERE kind = 'email' AND address = lower($1) AND state = 'ok'",
        &[
            /* address */ &address, /* reason */ &reason, /* since */ &since,
        ],
    )
    .await
    .map(drop)
}

/// Notes that a mail got through to an address that was failing. A suppressed one stays so: only
/// a person lifts that.
pub async fn works(tx: &Tx<'_>, address: &str) -> Result {
    tx.execute(
        "-- suppressions::works
         UPDATE contact SET state = 'ok', state_reason = NULL, state_since = NULL
         WHERE kind = 'email' AND address = lower($1) AND state = 'failing'",
        &[/* address */ &address],
    )
    .await
    .map(drop)
}

/// Writes to an address again; false when it was not suppressed.
pub async fn lift(tx: &Tx<'_>, address: &str) -> Result<bool> {
    let lifted = tx
        .execute(
            "-- suppressions::lift
             DELETE FROM suppression WHERE kind = 'email' AND address = lower($1)",
            &[/* address */ &address],
        )
        .await?;
    tx.execute(
        "-- suppressions::unmark_contact
         UPDATE contact SET state = 'ok', state_reason = NULL, state_since = NULL
         WHERE kind = 'email' AND address = lower($1) AND state <> 'ok'",
        &[/* address */ &address],
    )
    .await?;
    Ok(lifted == 1)
}

/// All of them, newest first.
pub async fn list(tx: &Tx<'_>, most: i64) -> Result<Vec<Suppression>> {
    let rows = tx
        .query(
            "-- suppressions::list
             SELECT s.address, s.reason, s.since, s.by, s.detail, p.name
             FROM suppression s
             LEFT JOIN contact c ON c.kind = s.kind AND c.address = s.address
             LEFT JOIN person p ON p.id = c.person
             ORDER BY s.since DESC, s.address LIMIT $1",
            &[/* most */ &most],
        )
        .await?;
    let suppression = |row: &tokio_postgres::Row| Suppression {
        address: row.get(0),
        reason: row.get(1),
        since: row.get(2),
        by: row.get(3),
        detail: row.get(4),
        person: row.get(5),
    };
    Ok(rows.iter().map(suppression).collect())
}
