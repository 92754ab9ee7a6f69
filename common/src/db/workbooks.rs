//! Workbooks that came by mail: what became of them, and what their rows want to know.

use super::Tx;
use super::people::{self, Contact};
use crate::Result;
use jiff::Timestamp;
use uuid::Uuid;

/// What became of a workbook.
pub struct Outcome<'a> {
    /// Id of the mail that brought it.
    pub mail: Uuid,
    /// Whose it is.
    pub person: i64,
    /// Name of its kind; empty when nobody opened it.
    pub kind: &'a str,
    /// The code of its rows; empty where they have none.
    pub code: &'a str,
    /// SHA-256 of the file.
    pub digest: Option<&'a [u8]>,
    /// `stored`, `partly`, `faulty`, `refused`, `again`, `template` or `held`.
    pub state: &'a str,
    /// Why it was refused, as a short stable name.
    pub reason: Option<&'a str>,
    /// How many rows were stored.
    pub rows: usize,
    /// How many cells were at fault.
    pub faults: usize,
    /// When the mail was received.
    pub received_at: Timestamp,
    /// Files that go back with the answer, in the blob store.
    pub blobs: &'a [&'a str],
}

/// Writes down what becomes of a workbook. False for one that is to be stored and was stored
/// before: the unique index decides, so that of two at the same time one waits for the other.
pub async fn insert(tx: &Tx<'_>, o: &Outcome<'_>) -> Result<bool> {
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let written = tx
        .execute(
            "-- workbooks::insert
             INSERT INTO workbook (mail, person, kind, code, digest, state, reason, rows, faults, received_at, blobs)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (person, kind, code, digest) WHERE state IN ('stored', 'partly') DO NOTHING",
            &[
                /* mail */ &o.mail,
                /* person */ &o.person,
                /* kind */ &o.kind,
                /* code */ &o.code,
                /* digest */ &o.digest,
                /* state */ &o.state,
                /* reason */ &o.reason,
                /* rows */ &count(o.rows),
                /* faults */ &count(o.faults),
                /* received_at */ &o.received_at,
                /* blobs */ &o.blobs,
            ],
        )
        .await?;
    Ok(written > 0)
}

/// When this person's same file was stored before, if it was.
pub async fn stored_before(
    tx: &Tx<'_>,
    person: i64,
    (kind, code): (&str, &str),
    digest: &[u8],
) -> Result<Option<Timestamp>> {
    let row = tx
        .query_opt(
            "-- workbooks::stored_before
             SELECT received_at FROM workbook
             WHERE person = $1 AND kind = $2 AND code = $3 AND digest = $4
             AND state IN ('stored', 'partly')",
            &[
                /* person */ &person, /* kind */ &kind, /* code */ &code,
                /* digest */ &digest,
            ],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}

/// Keeps a workbook of which nobody knows yet who sent it, with what is needed to find it again.
pub async fn hold(
    tx: &Tx<'_>,
    (mail, person): (Uuid, i64),
    (recipients, sender): (&[String], Option<&str>),
    received_at: Timestamp,
) -> Result {
    tx.execute(
        "-- workbooks::hold
         INSERT INTO workbook (mail, person, state, recipients, sender, received_at)
         VALUES ($1, $2, 'held', $3, $4, $5)",
        &[
            /* mail */ &mail,
            /* person */ &person,
            /* recipients */ &recipients,
            /* sender */ &sender,
            /* received_at */ &received_at,
        ],
    )
    .await
    .map(drop)
}

/// A held workbook's mail, to be handled anew.
pub struct Held {
    /// Where the raw mail lies.
    pub blob: String,
    /// Whom it was written to.
    pub recipients: Vec<String>,
    /// Its envelope sender.
    pub sender: Option<String>,
    /// When it was received.
    pub received_at: Timestamp,
}

/// The workbook of a mail that was held, taken: a second call finds nothing.
pub async fn release(tx: &Tx<'_>, mail: Uuid) -> Result<Option<Held>> {
    let row = tx
        .query_opt(
            "-- workbooks::release
             DELETE FROM workbook w USING mail m
             WHERE w.mail = $1 AND w.state = 'held' AND m.id = w.mail
             RETURNING m.blob, w.recipients, w.sender, w.received_at",
            &[/* mail */ &mail],
        )
        .await?;
    Ok(row.map(|row| Held {
        blob: row.get(0),
        recipients: row.get(1),
        sender: row.get(2),
        received_at: row.get(3),
    }))
}

/// Whether this mail was held in the name of this person and confirmed by them.
pub async fn is_confirmed(tx: &Tx<'_>, mail: Uuid, person: i64) -> Result<bool> {
    let row = tx
        .query_one(
            "-- workbooks::is_confirmed
             SELECT EXISTS (SELECT FROM mail WHERE id = $1 AND person = $2 AND outcome = 'confirmed')",
            &[/* mail */ &mail, /* person */ &person],
        )
        .await?;
    Ok(row.get(0))
}

/// Who is told of a case's results.
pub struct Officer {
    /// The case.
    pub case_id: i64,
    /// Who.
    pub person: i64,
    /// Their language.
    pub language: String,
    /// Their addresses, the preferred one first.
    pub contacts: Vec<Contact>,
}

/// For each case whoever last sent samples of it in with LAB, else opened it, if they still take
/// part.
pub async fn officers(tx: &Tx<'_>, cases: &[i64]) -> Result<Vec<Officer>> {
    let rows = tx
        .query(
            "-- workbooks::officers
             SELECT c.id, p.id, p.language FROM disease_case c
             JOIN person p ON p.id = coalesce(
                 (SELECT r.sender FROM report r WHERE r.case_id = c.id AND r.code = 'LAB'
                  AND r.withdrawn_at IS NULL ORDER BY r.received_at DESC, r.line DESC LIMIT 1),
                 c.opened_by)
             WHERE c.id = ANY($1) AND p.state = 'active' ORDER BY c.id",
            &[/* cases */ &cases],
        )
        .await?;
    let mut officers = Vec::new();
    for row in rows {
        let person = row.get(1);
        officers.push(Officer {
            case_id: row.get(0),
            person,
            language: row.get(2),
            contacts: people::contacts(tx, person).await?,
        });
    }
    Ok(officers)
}

/// The place of this name below a place, or at the top, with its code in the first of the systems
/// that knows it; several when the name is not the only one.
pub async fn places_named(
    tx: &Tx<'_>,
    systems: &[String],
    above: Option<i64>,
    name: &str,
) -> Result<Vec<(i64, String)>> {
    let rows = tx
        .query(
            "-- workbooks::places_named
             SELECT DISTINCT ON (p.id) p.id, k.code FROM place p
             JOIN place_code k ON k.place = p.id AND k.valid_to IS NULL AND k.system = ANY($1)
             WHERE p.parent IS NOT DISTINCT FROM $2 AND p.search = search_key($3)
             AND p.retired_at IS NULL
             ORDER BY p.id, array_position($1, k.system)",
            &[
                /* systems */ &systems, /* above */ &above, /* name */ &name,
            ],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
