//! Disease cases.

pub mod animals;

use super::Tx;
use crate::Result;
use jiff::Timestamp;
use uuid::Uuid;

/// A case as codes see it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its number.
    pub id: i64,
    /// `open`, `closed` or `withdrawn`.
    pub state: String,
    /// Code of its outcome, once somebody told one.
    pub outcome: Option<String>,
    /// Where it is.
    pub place: i64,
    /// Who opened it.
    pub opened_by: i64,
    /// The declared fields of the report that opened it.
    pub fields: serde_json::Value,
}

/// Opens a case; its number.
pub async fn open(
    tx: &Tx<'_>,
    code: &str,
    opened_by: i64,
    place: i64,
    opened_at: Timestamp,
) -> Result<i64> {
    let row = tx
        .query_one(
            "-- cases::open
             INSERT INTO disease_case (code, opened_by, place, opened_at)
             VALUES ($1, $2, $3, $4) RETURNING id",
            &[
                /* code */ &code, /* opened_by */ &opened_by, /* place */ &place,
                /* opened_at */ &opened_at,
            ],
        )
        .await?;
    Ok(row.get(0))
}

/// A case by its number, locked until the transaction ends; `None` for one that never was or was
/// withdrawn. Other rows may still come to refer to it meanwhile.
pub async fn by_number(tx: &Tx<'_>, id: i64) -> Result<Option<Case>> {
    let row = tx
        .query_opt(
            "-- cases::by_number
             SELECT c.id, c.state, c.place, c.opened_by,
                    coalesce((SELECT r.fields FROM report r WHERE r.case_id = c.id
                              AND r.code = c.code AND r.withdrawn_at IS NULL
                              ORDER BY r.received_at LIMIT 1), '{}'::jsonb), c.outcome
             FROM disease_case c WHERE c.id = $1 AND c.state <> 'withdrawn' FOR NO KEY UPDATE OF c",
            &[/* id */ &id],
        )
        .await?;
    Ok(row.map(|row| Case {
        id: row.get(0),
        state: row.get(1),
        place: row.get(2),
        opened_by: row.get(3),
        fields: row.get(4),
        outcome: row.get(5),
    }))
}

/// Whether there is a case of this number that was not withdrawn. Locks nothing.
pub async fn exists(tx: &Tx<'_>, id: i64) -> Result<bool> {
    let row = tx
        .query_one(
            "-- cases::exists
             SELECT EXISTS (SELECT FROM disease_case WHERE id = $1 AND state <> 'withdrawn')",
            &[/* id */ &id],
        )
        .await?;
    Ok(row.get(0))
}

/// Whether there was a case of this number that was taken back. Asked when there is none.
pub async fn was_withdrawn(tx: &Tx<'_>, id: i64) -> Result<bool> {
    let row = tx
        .query_one(
            "-- cases::was_withdrawn
             SELECT EXISTS (SELECT FROM disease_case WHERE id = $1 AND state = 'withdrawn')",
            &[/* id */ &id],
        )
        .await?;
    Ok(row.get(0))
}

/// Whether a case concerns somebody: it is in their area of responsibility, they opened it, or they
/// reported about it before.
pub async fn concerns(tx: &Tx<'_>, case: &Case, person: i64) -> Result<bool> {
    let row = tx
        .query_one(
            "-- cases::concerns
             SELECT EXISTS (SELECT FROM person_area a JOIN place w ON w.id = $2
                            WHERE a.person = $3 AND a.place = ANY(w.path))
                 OR EXISTS (SELECT FROM report r WHERE r.case_id = $1 AND r.sender = $3
                            AND r.withdrawn_at IS NULL)",
            &[
                /* id */ &case.id,
                /* place */ &case.place,
                /* person */ &person,
            ],
        )
        .await?;
    Ok(row.get(0))
}

/// Sets a case's state and outcome.
pub async fn set_state(tx: &Tx<'_>, id: i64, state: &str, outcome: Option<&str>) -> Result {
    tx.execute(
        "-- cases::set_state
         UPDATE disease_case SET state = $2, outcome = $3, changed_at = now() WHERE id = $1",
        &[
            /* id */ &id, /* state */ &state, /* outcome */ &outcome,
        ],
    )
    .await
    .map(drop)
}

/// The outcome that stands without this report: the last one before it.
pub async fn outcome_before(tx: &Tx<'_>, id: i64, report: Uuid) -> Result<Option<String>> {
    let row = tx
        .query_opt(
            "-- cases::outcome_before
             SELECT fields ->> 'outcome' FROM report
             WHERE case_id = $1 AND fields ? 'outcome' AND withdrawn_at IS NULL AND id <> $2
             ORDER BY sent_at DESC, received_at DESC, line DESC LIMIT 1",
            &[/* id */ &id, /* report */ &report],
        )
        .await?;
    Ok(row.and_then(|row| row.get(0)))
}

/// Whether an outcome of this case was sent after this time, or at this time and received later:
/// texts overtake each other, and what was sent last stands.
pub async fn has_newer_outcome(
    tx: &Tx<'_>,
    id: i64,
    sent_at: Timestamp,
    received_at: Timestamp,
) -> Result<bool> {
    let row = tx
        .query_one(
            "-- cases::has_newer_outcome
             SELECT EXISTS (SELECT FROM report
                            WHERE case_id = $1 AND fields ? 'outcome' AND withdrawn_at IS NULL
                            AND (sent_at, received_at) > ($2, $3))",
            &[
                /* id */ &id,
                /* sent_at */ &sent_at,
                /* received_at */ &received_at,
            ],
        )
        .await?;
    Ok(row.get(0))
}

/// Is this the code that opened the case?
pub async fn opened_with(tx: &Tx<'_>, id: i64, code: &str) -> Result<bool> {
    let row = tx
        .query_one(
            "-- cases::opened_with
             SELECT EXISTS (SELECT FROM disease_case WHERE id = $1 AND code = $2)",
            &[/* id */ &id, /* code */ &code],
        )
        .await?;
    Ok(row.get(0))
}

/// Who reported a case, and the telephone number to ring; empty when none is known.
pub async fn reporter(tx: &Tx<'_>, id: i64) -> Result<(String, String)> {
    let row = tx
        .query_one(
            "-- cases::reporter
             SELECT p.name, coalesce((SELECT address FROM contact k
                    WHERE k.person = p.id AND k.kind = 'phone' ORDER BY k.preference LIMIT 1), '')
             FROM disease_case c JOIN person p ON p.id = c.opened_by WHERE c.id = $1",
            &[/* id */ &id],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}

/// What a report that opens a case says, to look for others of the same event.
pub struct Event<'a> {
    /// Where it was seen.
    pub place: i64,
    /// Who reports it.
    pub sender: i64,
    /// When it was sent.
    pub at: Timestamp,
    /// The declared fields: `animals` with their species, `sign` or `syndrome`.
    pub fields: &'a serde_json::Value,
}

/// Newest cases of a place that [`alike`] looks at: what costs a moment however old an installation is.
const LOOKED_AT: i64 = 50;

/// The newest case of somebody else in the same place, reported within so many days of this one, with a species and a
/// sign in common, or the syndrome; its number and who reported it. One walk along an index.
pub async fn alike(tx: &Tx<'_>, event: &Event<'_>, days: u32) -> Result<Option<(i64, String)>> {
    let row = tx
        .query_opt(
            "-- cases::alike
             SELECT c.id, p.name
               FROM (SELECT * FROM disease_case WHERE place = $1 AND state <> 'withdrawn'
                      ORDER BY id DESC LIMIT $6) c
               JOIN report r ON r.case_id = c.id AND r.code = c.code AND r.sender = c.opened_by AND r.withdrawn_at IS NULL
               JOIN person p ON p.id = c.opened_by
              WHERE c.opened_by <> $2
                AND c.opened_at BETWEEN $3::timestamptz - make_interval(days => $5) AND $3::timestamptz + make_interval(days => $5)
                AND (r.fields ->> 'syndrome' = $4::jsonb ->> 'syndrome'
                     OR jsonb_path_query_array(r.fields, '$.sign[*]') ?| ARRAY(SELECT jsonb_path_query($4, '$.sign[*]') #>> '{}'))
                AND jsonb_path_query_array(r.fields, '$.animals[*].species')
                    ?| ARRAY(SELECT jsonb_path_query($4, '$.animals[*].species') #>> '{}')
              ORDER BY c.id DESC LIMIT 1",
            &[
                /* place */ &event.place,
                /* sender */ &event.sender,
                /* at */ &event.at,
                /* fields */ &event.fields,
                /* days */ &i32::try_from(days).unwrap_or(i32::MAX),
                /* looked at */ &LOOKED_AT,
            ],
        )
        .await?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

/// Joins two cases; they stay joined while anybody's report says so.
pub async fn link(tx: &Tx<'_>, (one, other): (i64, i64), report: Uuid) -> Result {
    tx.execute(
        "-- cases::link
         INSERT INTO case_link (case_id, other, report) VALUES (least($1::bigint, $2::bigint), greatest($1::bigint, $2::bigint), $3)
         ON CONFLICT DO NOTHING",
        &[
            /* one */ &one, /* other */ &other, /* report */ &report,
        ],
    )
    .await
    .map(drop)
}

/// What the place of a case is called: the village alone.
pub async fn village(tx: &Tx<'_>, place: i64) -> Result<String> {
    let row = tx
        .query_one(
            "-- cases::village\nSELECT name FROM place WHERE id = $1",
            &[/* place */ &place],
        )
        .await?;
    Ok(row.get(0))
}
