//! Every hop of one message, put together from the tables that know of it.

use super::Tx;
use crate::Result;
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

/// Something that happened to a message, or to what it caused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// When.
    pub at: Timestamp,
    /// What, in one word: `received`, `decided`, `stored`, `sent`, `waits`, ...
    pub step: String,
    /// The message, row or delivery it happened to.
    pub id: Uuid,
    /// More about it, without anybody's words.
    pub what: String,
    /// From or to whom, where the hop has somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What people and we wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// All hops of a trace, oldest first. What lies on a queue of another service than this database is
/// not seen.
pub async fn hops(tx: &Tx<'_>, trace: Uuid) -> Result<Vec<Hop>> {
    let rows = tx
        .query(include_str!("trace/hops.sql"), &[/* trace */ &trace])
        .await?;
    let hop = |row: &Row| Hop {
        at: row.get("at"),
        step: row.get("step"),
        id: row.get("id"),
        what: row.get("what"),
        address: row.get("address"),
        text: row.get("text"),
    };
    Ok(rows.iter().map(hop).collect())
}

/// The traces that a name may mean: a whole id of any message in them, or the beginning or end of
/// one as answers print it (hexadecimal, hyphens or not). A short name looks through everything, so
/// give it time. At most twenty.
pub async fn find(tx: &Tx<'_>, name: &str) -> Result<Vec<Uuid>> {
    let whole: Option<Uuid> = name.parse().ok();
    let part = name.replace('-', "").to_lowercase();
    let rows = tx
        .query(
            include_str!("trace/find.sql"),
            &[/* whole */ &whole, /* part */ &part],
        )
        .await?;
    Ok(rows.iter().filter_map(|row| row.get(0)).collect())
}
