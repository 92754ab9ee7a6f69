//! Somebody is forgotten: who they were goes, what they reported stays.

use super::audit::Change;
use super::{By, take};
use crate::Result;
use crate::blob::Blobs;
use crate::db::people::{changes, erase as rows};
use crate::db::{Db, Tx};
use crate::phone::{Numbering, dialled};
use serde_json::json;

/// What came of erasing somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasure {
    /// Nobody has this id.
    Unknown,
    /// They were erased before.
    Before,
    /// They are erased, once the transaction commits. Then [`delete_blobs`] does the rest.
    Done(rows::Touched),
}

/// Takes somebody's name, addresses and words out of all rows. Their reports stay, with the person
/// `(erased)` as sender. Drop the transaction to learn what it would touch. Scans all messages:
/// give it time. An owner of animals without an account is theirs when number and name are; `numbering` says how the
/// number is dialled.
///
/// Not reached: free text of reports, names in other people's words, messages that wait on queues outside of
/// the database, owners of animals whom no number with the same name leads to, backups.
pub async fn erase(tx: &Tx<'_>, by: &By, person: i64, numbering: &Numbering) -> Result<Erasure> {
    if take(tx, person).await?.is_none() {
        return Ok(Erasure::Unknown);
    }
    if changes::is_erased(tx, person).await? {
        return Ok(Erasure::Before);
    }
    let addresses = rows::addresses(tx, person).await?;
    let numbers = addresses.iter().filter(|a| a.starts_with('+'));
    let numbers: Vec<String> = numbers.map(|a| dialled(a, &numbering.country)).collect();
    let owners_left = rows::their_herd(tx, person, &numbers).await?;
    let touched = rows::Touched {
        owners_left,
        ..rows::everywhere(tx, person, &addresses).await?
    };
    let erased = Change {
        person,
        field: "erased",
        old: None,
        new: Some(json!(true)),
    };
    changes::keep(tx, by, &[erased]).await?;
    Ok(Erasure::Done(touched))
}

/// Deletes blobs that nothing refers to any more; how many. What cannot be deleted now is tried
/// again by the next call.
pub async fn delete_blobs(db: &Db, blobs: &dyn Blobs) -> Result<usize> {
    let mut deleted = 0;
    loop {
        let mut conn = db.connect().await?;
        let tx = conn.begin().await?;
        let keys = rows::blobs_to_delete(&tx).await?;
        tx.commit().await?;
        if keys.is_empty() {
            return Ok(deleted);
        }
        // Twice the same is no harm, and no transaction is open while the store is called.
        for key in &keys {
            blobs.delete(key).await?;
        }
        let tx = conn.begin().await?;
        rows::blobs_deleted(&tx, &keys).await?;
        tx.commit().await?;
        deleted += keys.len();
    }
}
