//! What changed about people, and lists of them for operators.

use crate::Result;
use crate::db::Tx;
use crate::people::{By, Change};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

/// Makes loads of people wait, and waits for one that is under way.
pub(crate) async fn lock_table(tx: &Tx<'_>) -> Result {
    tx.batch("-- people::lock_for_one\nLOCK TABLE person IN ROW EXCLUSIVE MODE")
        .await
}

/// Locks one person against whoever else would change them.
pub(crate) async fn lock_one(tx: &Tx<'_>, id: i64) -> Result {
    lock_table(tx).await?;
    tx.query_opt(
        "-- people::lock_one\nSELECT FROM person WHERE id = $1 FOR UPDATE",
        &[/* id */ &id],
    )
    .await
    .map(drop)
}

/// Of two who want one address the second waits for the first.
pub(crate) async fn lock_address(tx: &Tx<'_>, kind: &str, address: &str) -> Result {
    lock_table(tx).await?;
    tx.query_one(
        "-- people::lock_address\nSELECT pg_advisory_xact_lock(hashtext($1 || ' ' || $2))",
        &[/* kind */ &kind, /* address */ &address],
    )
    .await
    .map(drop)
}

/// Writes down what changed.
pub(crate) async fn keep(tx: &Tx<'_>, by: &By, changes: &[Change]) -> Result {
    if changes.is_empty() {
        return Ok(());
    }
    let people: Vec<i64> = changes.iter().map(|c| c.person).collect();
    let fields: Vec<&str> = changes.iter().map(|c| c.field).collect();
    let old: Vec<Option<&Value>> = changes.iter().map(|c| c.old.as_ref()).collect();
    let new: Vec<Option<&Value>> = changes.iter().map(|c| c.new.as_ref()).collect();
    tx.execute(
        "-- people::keep_changes
         INSERT INTO person_change (who, message, reason, person, field, old, new)
         SELECT $1, $2, $3, c.* FROM unnest($4::bigint[], $5::text[], $6::jsonb[], $7::jsonb[]) AS c",
        &[
            /* who */ &by.who,
            /* message */ &by.message,
            /* reason */ &by.reason,
            /* people */ &people,
            /* fields */ &fields,
            /* old */ &old,
            /* new */ &new,
        ],
    )
    .await
    .map(drop)
}

/// One thing that changed about somebody.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Past {
    /// When.
    pub at: Timestamp,
    /// An operator, `person 7`, or a part of the program.
    pub who: String,
    /// The message that did it.
    pub message: Option<Uuid>,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// What changed: `name`, `contact`, `area`, ...; `person` is all of it at once.
    pub field: String,
    /// As it was; `None` for what is new, and for what was erased.
    pub old: Option<Value>,
    /// As it became; `None` for what went, and for what was erased.
    pub new: Option<Value>,
}

/// What changed about somebody, the latest first. Places are told by name.
pub async fn history(tx: &Tx<'_>, person: i64, most: i64) -> Result<Vec<Past>> {
    let rows = tx
        .query(
            "-- people::history
             SELECT h.at, h.who, h.message, h.reason, h.field,
                    CASE WHEN h.field IN ('area', 'home')
                         THEN coalesce((SELECT to_jsonb(p.name) FROM place p
                                         WHERE p.id = (h.old #>> '{}')::bigint), h.old)
                         ELSE h.old END AS old,
                    CASE WHEN h.field IN ('area', 'home')
                         THEN coalesce((SELECT to_jsonb(p.name) FROM place p
                                         WHERE p.id = (h.new #>> '{}')::bigint), h.new)
                         ELSE h.new END AS new
               FROM person_change h WHERE h.person = $1 ORDER BY h.id DESC LIMIT $2",
            &[/* person */ &person, /* most */ &most],
        )
        .await?;
    let read = |row: &Row| Past {
        at: row.get("at"),
        who: row.get("who"),
        message: row.get("message"),
        reason: row.get("reason"),
        field: row.get("field"),
        old: row.get("old"),
        new: row.get("new"),
    };
    Ok(rows.iter().map(read).collect())
}

/// Whether somebody was erased: nothing may be written about them any more.
pub async fn is_erased(tx: &Tx<'_>, person: i64) -> Result<bool> {
    let sql = "-- people::is_erased\nSELECT FROM person WHERE id = $1 AND erased_at IS NOT NULL";
    let row = tx.query_opt(sql, &[/* person */ &person]).await?;
    Ok(row.is_some())
}

/// Which people to list; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct ListedFilter {
    /// Code of the user type.
    pub user_type: Option<String>,
    /// A place: who answers for it, for a part of it, or for what it is a part of.
    pub area: Option<i64>,
    /// Code of a group that they are in.
    pub group: Option<String>,
    /// `active`, `suspended` or `left`.
    pub state: Option<String>,
    /// Only those whom nothing reaches.
    pub without_contact: bool,
    /// At most so many.
    pub most: i64,
}

/// One line of a list of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// What other rows refer to.
    pub id: i64,
    /// As shown to others.
    pub name: String,
    /// Code in the list `user_type`.
    pub user_type: String,
    /// `id` or `en`.
    pub language: String,
    /// `active`, `suspended` or `left`.
    pub state: String,
    /// Home, by name.
    pub home: Option<String>,
    /// Areas of responsibility, by name.
    pub areas: Vec<String>,
    /// Codes of their groups.
    pub groups: Vec<String>,
    /// The address that is tried first; `None` when nothing reaches them.
    pub contact: Option<String>,
    /// How many addresses can be used.
    pub usable: i64,
}

/// People, in order of their names.
pub async fn list(tx: &Tx<'_>, filter: &ListedFilter) -> Result<Vec<Listed>> {
    let rows = tx
        .query(
            include_str!("list.sql"),
            &[
                /* user type */ &filter.user_type,
                /* area */ &filter.area,
                /* state */ &filter.state,
                /* without contact */ &filter.without_contact,
                /* most */ &filter.most,
                /* group */ &filter.group,
            ],
        )
        .await?;
    let read = |row: &Row| Listed {
        id: row.get("id"),
        name: row.get("name"),
        user_type: row.get("user_type"),
        language: row.get("language"),
        state: row.get("state"),
        home: row.get("home"),
        areas: row.get("areas"),
        groups: row.get("groups"),
        contact: row.get("contact"),
        usable: row.get("usable"),
    };
    Ok(rows.iter().map(read).collect())
}
