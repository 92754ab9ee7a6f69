//! Code lists: species, signs, diagnoses and the like, which messages are made of.

pub(crate) mod bulk;

use super::Tx;
use crate::Result;
use tokio_postgres::Row;

/// A list of codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// What code files call it: `species`.
    pub key: String,
    /// What people type after `KODE`; `None` for a list that is not shown.
    pub short: Option<String>,
    /// Its name in Indonesian.
    pub name_id: String,
    /// Its name in English.
    pub name_en: String,
    /// The list in which the parents of its entries are (breeds: `species`).
    pub parent: Option<String>,
}

/// One code of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key of its list.
    pub list: String,
    /// What people type, in capitals.
    pub code: String,
    /// In Indonesian.
    pub name_id: String,
    /// In English.
    pub name_en: String,
    /// Other words by which it is searched, in any language.
    pub synonyms: Vec<String>,
    /// A code of the list's parent list.
    pub parent: Option<String>,
    /// `isikhnas` (taken over), `kentongan` (ours) or the installation's own word.
    pub source: String,
    /// Old reports still show it; a new message may not use it.
    pub retired: bool,
}

/// Everything, to be kept in memory and read again when `kentongan_changed` says `lists`. Lists in
/// the order in which `KODE` shows them, entries by list and then in the order of the file.
pub async fn all(tx: &Tx<'_>) -> Result<(Vec<List>, Vec<Entry>)> {
    let lists = tx
        .query(
            "-- lists::lists
             SELECT key, short, name_id, name_en, parent FROM list ORDER BY position, key",
            &[],
        )
        .await?;
    let entries = tx
        .query(
            "-- lists::entries
             SELECT e.list, e.code, e.name_id, e.name_en, e.synonyms, e.parent, e.source,
                    e.retired_at IS NOT NULL AS retired
               FROM list_entry e JOIN list l ON l.key = e.list ORDER BY l.position, l.key, e.position, e.code",
            &[],
        )
        .await?;
    Ok((
        lists.iter().map(list).collect(),
        entries.iter().map(entry).collect(),
    ))
}

/// Entries of one list that are like the text (`CKT kembung`), in either language or a synonym: the
/// very word first, then names that hold it, then near ones. The order never varies. A list has some hundred
/// entries at most, so no index is needed.
pub async fn search(tx: &Tx<'_>, list: &str, text: &str, limit: i64) -> Result<Vec<Entry>> {
    let params: super::Params<'_> = &[
        /* list */ &list, /* text */ &text, /* limit */ &limit,
    ];
    let rows = tx.query(include_str!("lists/search.sql"), params).await?;
    Ok(rows.iter().map(entry).collect())
}

fn list(row: &Row) -> List {
    List {
        key: row.get("key"),
        short: row.get("short"),
        name_id: row.get("name_id"),
        name_en: row.get("name_en"),
        parent: row.get("parent"),
    }
}

fn entry(row: &Row) -> Entry {
    Entry {
        list: row.get("list"),
        code: row.get("code"),
        name_id: row.get("name_id"),
        name_en: row.get("name_en"),
        synonyms: row.get("synonyms"),
        parent: row.get("parent"),
        source: row.get("source"),
        retired: row.get("retired"),
    }
}
