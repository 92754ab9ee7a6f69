//! Lists for the loader: all that is known, and what changed of it.

use crate::Result;
use crate::db::Tx;

/// An entry with its place in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    pub entry: super::Entry,
    pub position: i32,
}

/// A list with its place in the order of the file.
pub(crate) type PlacedList = (super::List, i32);

/// All lists with their positions.
pub(crate) async fn lists(tx: &Tx<'_>) -> Result<Vec<PlacedList>> {
    let rows = tx
        .query(
            "-- lists::known_lists
             SELECT key, short, name_id, name_en, parent, position FROM list ORDER BY position, key",
            &[],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| (super::list(row), row.get("position")))
        .collect())
}

/// All entries of all lists with their positions.
pub(crate) async fn entries(tx: &Tx<'_>) -> Result<Vec<Placed>> {
    let rows = tx
        .query(
            "-- lists::known_entries
             SELECT *, retired_at IS NOT NULL AS retired FROM list_entry ORDER BY list, position, code",
            &[],
        )
        .await?;
    let placed = rows.iter().map(|r| Placed {
        entry: super::entry(r),
        position: r.get("position"),
    });
    Ok(placed.collect())
}

/// Adds a list or gives it its new words.
pub(crate) async fn put_list(tx: &Tx<'_>, (list, position): &PlacedList) -> Result {
    tx.execute(
        "-- lists::put_list
         INSERT INTO list (key, short, name_id, name_en, parent, position) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (key) DO UPDATE SET short = $2, name_id = $3, name_en = $4, parent = $5, position = $6",
        &[&list.key, &list.short, &list.name_id, &list.name_en, &list.parent, position],
    )
    .await?;
    Ok(())
}

/// Adds an entry or gives it its new words; an entry that was retired is back.
pub(crate) async fn put_entry(tx: &Tx<'_>, placed: &Placed) -> Result {
    let e = &placed.entry;
    tx.execute(
        "-- lists::put_entry
         INSERT INTO list_entry (list, code, name_id, name_en, synonyms, parent, source, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (list, code) DO UPDATE SET name_id = $3, name_en = $4, synonyms = $5, parent = $6,
                source = $7, position = $8, retired_at = NULL",
        &[
            &e.list, &e.code, &e.name_id, &e.name_en, &e.synonyms, &e.parent, &e.source, &placed.position,
        ],
    )
    .await?;
    Ok(())
}

/// Retires an entry: old reports keep it.
pub(crate) async fn retire_entry(tx: &Tx<'_>, list: &str, code: &str) -> Result<u64> {
    tx.execute(
        "-- lists::retire_entry
         UPDATE list_entry SET retired_at = now() WHERE list = $1 AND code = $2 AND retired_at IS NULL",
        &[/* list */ &list, /* code */ &code],
    )
    .await
}

/// Remembers that a shipped file is loaded in this form; false when it was already. Rolled back with the load.
pub(crate) async fn put_shipped(tx: &Tx<'_>, file: &str, digest: &str) -> Result<bool> {
    let touched = tx
        .execute(
            "-- lists::put_shipped
             INSERT INTO shipped AS s (file, digest) VALUES ($1, $2)
             ON CONFLICT (file) DO UPDATE SET digest = $2, loaded_at = now() WHERE s.digest <> $2",
            &[/* file */ &file, /* digest */ &digest],
        )
        .await?;
    Ok(touched > 0)
}
