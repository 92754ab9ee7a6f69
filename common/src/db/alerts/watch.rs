//! The clocks of urgent cases: who is told again, and who next, while nobody answers.

use crate::Result;
use crate::db::Tx;
use uuid::Uuid;

/// A case whose clock begins.
#[derive(Debug)]
pub struct Watch<'a> {
    /// The case.
    pub case_id: i64,
    /// The message that opened it.
    pub message: Uuid,
    /// Its trace.
    pub trace: Uuid,
    /// Its code.
    pub code: &'a str,
    /// Where it is.
    pub place: i64,
    /// The first alert in Indonesian and in English.
    pub texts: [&'a str; 2],
    /// Minutes to the first step.
    pub after_min: u32,
}

/// A case whose next step is due.
#[derive(Debug)]
pub struct Due {
    /// The case.
    pub case_id: i64,
    /// The message that opened it.
    pub message: Uuid,
    /// Its trace.
    pub trace: Uuid,
    /// Its code.
    pub code: String,
    /// Where it is.
    pub place: i64,
    /// Steps that were taken.
    pub step: i16,
    /// The first alert in Indonesian and in English.
    pub texts: [String; 2],
    /// When the first were told.
    pub begun_at: jiff::Timestamp,
    /// Why nobody is told any more, when that is so.
    pub over: Option<String>,
}

/// Begins to watch a case; one that is watched already stays as it is.
pub async fn begin(tx: &Tx<'_>, watch: &Watch<'_>) -> Result {
    tx.execute(
        "-- alerts::begin
         INSERT INTO alert_watch (case_id, message, trace, code, place, text_id, text_en, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(mins => $8))
         ON CONFLICT (case_id) DO NOTHING",
        &[
            /* case_id */ &watch.case_id,
            /* message */ &watch.message,
            /* trace */ &watch.trace,
            /* code */ &watch.code,
            /* place */ &watch.place,
            /* text_id */ &watch.texts[0],
            /* text_en */ &watch.texts[1],
            /* minutes */ &minutes(watch.after_min),
        ],
    )
    .await
    .map(drop)
}

/// The case whose step has been due the longest, locked: no other processor takes it. Not one of `left`.
pub async fn next_due(tx: &Tx<'_>, left: &[i64]) -> Result<Option<i64>> {
    let row = tx
        .query_opt(
            "-- alerts::next_due
             SELECT case_id FROM alert_watch WHERE due_at <= now() AND case_id <> ALL ($1)
              ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED",
            &[/* left */ &left],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}

/// What its step needs to know of a case that [`next_due`] found. `answers` are the codes that
/// answer a case whoever sends them; others do so when somebody else than the reporter sends them.
/// An alert for information (not urgent) that was read answers nothing.
pub async fn due(tx: &Tx<'_>, case_id: i64, answers: &[&str]) -> Result<Due> {
    let row = tx
        .query_one(
            "-- alerts::due
             SELECT w.case_id, w.message, w.trace, w.code, w.place, w.step,
                    coalesce(w.text_id, ''), coalesce(w.text_en, ''), w.begun_at,
                    CASE WHEN c.state IS DISTINCT FROM 'open' THEN coalesce(c.state, 'withdrawn')
                         WHEN EXISTS (SELECT FROM alert a WHERE a.case_id = w.case_id AND a.urgent
                                      AND a.acknowledged_at IS NOT NULL) THEN 'acknowledged'
                         WHEN EXISTS (SELECT FROM report r WHERE r.case_id = w.case_id
                                      AND r.withdrawn_at IS NULL
                                      AND (r.code = ANY($1) OR r.sender <> c.opened_by))
                         THEN 'answered' END
             FROM alert_watch w LEFT JOIN disease_case c ON c.id = w.case_id
             WHERE w.case_id = $2",
            &[/* answers */ &answers, /* case_id */ &case_id],
        )
        .await?;
    Ok(Due {
        case_id: row.get(0),
        message: row.get(1),
        trace: row.get(2),
        code: row.get(3),
        place: row.get(4),
        step: row.get(5),
        texts: [row.get(6), row.get(7)],
        begun_at: row.get(8),
        over: row.get(9),
    })
}

/// So many steps were taken, and the next is due after so many minutes from now: who is told late,
/// because nobody could be told in time, has the same time to answer.
pub async fn stepped(tx: &Tx<'_>, case_id: i64, step: i16, after_min: u32) -> Result {
    tx.execute(
        "-- alerts::stepped
         UPDATE alert_watch SET step = $2, due_at = now() + make_interval(mins => $3)
         WHERE case_id = $1",
        &[
            /* case_id */ &case_id,
            /* step */ &step,
            /* minutes */ &minutes(after_min),
        ],
    )
    .await
    .map(drop)
}

/// The watch is over; what was said about the case is not kept here any longer.
pub async fn end(tx: &Tx<'_>, case_id: i64, step: i16, why: &str) -> Result {
    tx.execute(
        "-- alerts::end
         UPDATE alert_watch SET step = $2, due_at = NULL, ended = $3, text_id = NULL, text_en = NULL
         WHERE case_id = $1",
        &[
            /* case_id */ &case_id, /* step */ &step, /* why */ &why,
        ],
    )
    .await
    .map(drop)
}

fn minutes(minutes: u32) -> i32 {
    i32::try_from(minutes).unwrap_or(i32::MAX)
}
