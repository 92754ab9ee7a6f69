//! What a report is about, and taking back what it did to that.

use super::Tx;
use crate::Result;
use jiff::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

/// The sorts of things that a report can be about; also their tables' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// An owner of animals.
    Owner,
    /// An animal.
    Animal,
    /// A programme.
    Program,
    /// A movement permit.
    Permit,
    /// An office, a laboratory, an abattoir.
    Infrastructure,
}

/// One thing that a report is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Which sort.
    pub sort: Sort,
    /// Its row.
    pub id: i64,
    /// The report brought it into being.
    pub made: bool,
    /// Its row before the report changed it.
    pub before: Option<Json>,
}

impl Sort {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Animal => "animal",
            Self::Program => "program",
            Self::Permit => "permit",
            Self::Infrastructure => "infrastructure",
        }
    }
}

impl Subject {
    /// The report speaks of it.
    pub fn about(sort: Sort, id: i64) -> Self {
        let (made, before) = (false, None);
        Self {
            sort,
            id,
            made,
            before,
        }
    }
}

/// Keeps what a report is about.
pub async fn insert(
    tx: &Tx<'_>,
    report: Uuid,
    received_at: Timestamp,
    subjects: &[Subject],
) -> Result {
    if subjects.is_empty() {
        return Ok(());
    }
    let sorts: Vec<&str> = subjects.iter().map(|s| s.sort.as_str()).collect();
    let ids: Vec<i64> = subjects.iter().map(|s| s.id).collect();
    let made: Vec<bool> = subjects.iter().map(|s| s.made).collect();
    let before: Vec<Option<&Json>> = subjects.iter().map(|s| s.before.as_ref()).collect();
    tx.execute(
        "-- subjects::insert
         INSERT INTO report_subject (report, received_at, kind, subject, made, before)
         SELECT $1, $2, s.* FROM unnest($3::text[], $4::bigint[], $5::bool[], $6::jsonb[]) AS s",
        &[
            /* report */ &report,
            /* received_at */ &received_at,
            /* kinds */ &sorts,
            /* subjects */ &ids,
            /* made */ &made,
            /* before */ &before,
        ],
    )
    .await
    .map(drop)
}

/// Takes back what a report did to what it is about; false when something was built on it since, and
/// nothing was changed.
pub async fn undo(tx: &Tx<'_>, report: Uuid) -> Result<bool> {
    let row = tx
        .query_one(
            "-- subjects::undo\nSELECT undo_report($1)",
            &[/* report */ &report],
        )
        .await?;
    Ok(row.get(0))
}
