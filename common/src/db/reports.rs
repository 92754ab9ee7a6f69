//! Reports: one row per message that stores something.

use super::Tx;
use crate::Result;
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::types::{Json, ToSql, Type};
use uuid::Uuid;

/// What a stored message leaves behind.
pub struct Report<'a> {
    /// Follows from the message, so that the same line has the same id.
    pub id: Uuid,
    /// The code.
    pub code: &'a str,
    /// Who sent it.
    pub sender: i64,
    /// Where it happened.
    pub place: Option<i64>,
    /// The case it belongs to.
    pub case_id: Option<i64>,
    /// When the sender sent it.
    pub sent_at: Timestamp,
    /// When we received it; decides the partition.
    pub received_at: Timestamp,
    /// The message that brought it.
    pub message_id: Uuid,
    /// Which command of that message; 0 for a text.
    pub line: i16,
    /// The declared fields.
    pub fields: Value,
}

/// Stores a report.
pub async fn insert(tx: &Tx<'_>, r: &Report<'_>) -> Result {
    tx.execute(
        "-- reports::insert
         INSERT INTO report (id, code, sender, place, case_id, sent_at, received_at, message_id,
                             line, fields)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            /* id */ &r.id,
            /* code */ &r.code,
            /* sender */ &r.sender,
            /* place */ &r.place,
            /* case_id */ &r.case_id,
            /* sent_at */ &r.sent_at,
            /* received_at */ &r.received_at,
            /* message_id */ &r.message_id,
            /* line */ &r.line,
            /* fields */ &Json(&r.fields),
        ],
    )
    .await
    .map(drop)
}

/// A report that `H` is about.
pub struct Last {
    /// The report.
    pub id: Uuid,
    /// Its partition key.
    pub received_at: Timestamp,
    /// When the sender sent it.
    pub sent_at: Timestamp,
    /// Its code.
    pub code: String,
    /// Its case.
    pub case_id: Option<i64>,
    /// The message that brought it.
    pub message_id: Uuid,
    /// Which command of that message.
    pub line: i16,
    /// Withdrawn already.
    pub withdrawn: bool,
    /// What the sender wrote.
    pub text: String,
}

/// The last report that this person sent before `sent_at`, locked. By the time of sending, since
/// texts may overtake each other on their way; the commands of one mail have one time and their
/// lines tell.
pub async fn last_of(tx: &Tx<'_>, sender: i64, sent_at: Timestamp) -> Result<Option<Last>> {
    let row = tx
        .query_opt(
            "-- reports::last_of
             SELECT r.id, r.received_at, r.code, r.case_id, r.message_id, r.line,
                    r.withdrawn_at IS NOT NULL,
                    coalesce((SELECT m.text FROM message m
                              WHERE m.id = r.message_id AND m.line = r.line), r.code),
                    r.sent_at
             FROM report r WHERE r.sender = $1 AND r.sent_at <= $2
             ORDER BY r.sent_at DESC, r.received_at DESC, r.line DESC LIMIT 1
             FOR UPDATE OF r",
            &[/* sender */ &sender, /* sent_at */ &sent_at],
        )
        .await?;
    Ok(row.map(|row| Last {
        id: row.get(0),
        received_at: row.get(1),
        code: row.get(2),
        case_id: row.get(3),
        message_id: row.get(4),
        line: row.get(5),
        withdrawn: row.get(6),
        text: row.get(7),
        sent_at: row.get(8),
    }))
}

/// Marks a report as withdrawn; the row stays. The same message may then be sent anew.
pub async fn withdraw(tx: &Tx<'_>, last: &Last) -> Result {
    tx.execute(
        "-- reports::withdraw
         UPDATE report SET withdrawn_at = now() WHERE received_at = $1 AND id = $2",
        &[
            /* received_at */ &last.received_at,
            /* id */ &last.id,
        ],
    )
    .await?;
    tx.execute(
        "-- reports::allow_again
         DELETE FROM repetition WHERE message = $1 AND line = $2",
        &[
            /* message */ &last.message_id,
            /* line */ &last.line,
        ],
    )
    .await
    .map(drop)
}

/// How many standing reports of a case there are beside this one.
pub async fn others_of_case(tx: &Tx<'_>, case_id: i64, id: Uuid) -> Result<i64> {
    let row = tx
        .query_one(
            "-- reports::others_of_case
             SELECT count(*) FROM report
             WHERE case_id = $1 AND id <> $2 AND withdrawn_at IS NULL",
            &[/* case_id */ &case_id, /* id */ &id],
        )
        .await?;
    Ok(row.get(0))
}

/// Makes the partitions of the coming months. One that cannot be made now is left to the next call.
pub async fn partitions(tx: &Tx<'_>) -> Result {
    tx.query_one("-- reports::partitions\nSELECT report_partitions()", &[])
        .await
        .map(drop)
}

/// Runs the query of a code file; each row as JSON, in the query's order. `sql` is a shipped or
/// installed data file with `$n` parameters, never a user's words.
pub async fn ask(tx: &Tx<'_>, sql: &str, params: super::Params<'_>) -> Result<Vec<Value>> {
    let rows = tx.query(&as_json(sql), params).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Finds out whether the database understands a query, without running it, and takes what will be
/// bound to its parameters, whose names and types are given in order; what is wrong, in words.
pub async fn check(tx: &Tx<'_>, sql: &str, bound: &[(&str, Type)]) -> Result<Vec<String>> {
    let wanted = tx.prepare(&as_json(sql)).await?;
    let unfit = |((name, given), wanted): (&(&str, Type), &Type)| {
        let takes = match *given {
            Type::INT8 => <i64 as ToSql>::accepts(wanted),
            Type::TEXT_ARRAY => <Vec<String> as ToSql>::accepts(wanted),
            _ => <String as ToSql>::accepts(wanted),
        };
        let (given, wanted) = (words(given), words(wanted));
        (!takes).then(|| {
            format!(
                ":{name} is {given}, and the query uses it as {wanted}; write \
                 :{name}::{given}::{wanted}"
            )
        })
    };
    Ok(bound.iter().zip(&wanted).filter_map(unfit).collect())
}

/// A type as people write it in a query.
fn words(of: &Type) -> &str {
    match *of {
        Type::INT8 => "bigint",
        Type::INT4 => "integer",
        Type::INT2 => "smallint",
        Type::TEXT_ARRAY => "text[]",
        _ => of.name(),
    }
}

fn as_json(sql: &str) -> String {
    format!("-- reports::ask\nSELECT to_jsonb(q) FROM (\n{sql}\n) AS q")
}

#[cfg(test)]
mod tests;
