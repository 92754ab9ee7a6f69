//! The one place that changes people: whoever asks for it, a command line, a file or a message,
//! says who they are, and what changed is written down with the change.
//!
//! ```text
//! take     somebody as they are, locked                        (take, by_contact)
//! change   the copy in memory, checked                         (edit)
//! save     what is different now, and one row for each of it   (save, add, write)
//! ```
//!
//! Daemons keep copies of people. What changed is seen in them after the commit: a message that
//! changes people must not ask the engine's copies afterwards in its own transaction.

mod audit;
mod edit;
mod erase;
mod fall_over;
pub mod pin;
mod reach;
mod register;

pub use crate::db::people::changes::{Listed, ListedFilter, Past, history, is_erased, list};
pub use crate::db::people::erase::Touched;
pub use crate::db::people::groups::{Group, groups};
pub use crate::db::people::{PersonState, StoredPerson};
pub(crate) use audit::Change;
pub use edit::{Edit, EditFault, Rules, apply, place};
pub use erase::{Erasure, delete_blobs, erase};
pub use fall_over::{FellOver, Message, Undelivered, fall_over};
pub use reach::{Unreached, newly_unreachable};
pub use register::{
    Confirmed, NewNumber, NewPerson, NumberFault, Sent, beyond, confirm, groups_within,
    move_number, register,
};

use crate::Result;
use crate::db::Tx;
use crate::db::people::{bulk, changes};
use uuid::Uuid;

/// Who changes somebody, and because of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// An operator (`siti@server`), `person 7`, or a part of the program.
    pub who: String,
    /// The message that did it.
    pub message: Option<Uuid>,
    /// Why, where somebody said so.
    pub reason: Option<String>,
}

impl By {
    /// An operator or a part of the program.
    pub fn named(who: impl Into<String>) -> Self {
        let who = who.into();
        Self {
            who,
            message: None,
            reason: None,
        }
    }

    /// A registered person's message; 0 is somebody who was not registered yet.
    pub fn message(person: i64, message: Uuid) -> Self {
        let who = match person {
            0 => "a new telephone".to_owned(),
            person => format!("person {person}"),
        };
        Self {
            message: Some(message),
            ..Self::named(who)
        }
    }

    /// The same with a reason.
    #[must_use]
    pub fn because(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.map(str::to_owned);
        self
    }
}

/// Somebody as they are, locked until the transaction ends; `None` for an id that nobody has.
/// A load of people waits, or is waited for.
pub async fn take(tx: &Tx<'_>, id: i64) -> Result<Option<StoredPerson>> {
    changes::lock_one(tx, id).await?;
    Ok(bulk::stored(tx, &[id]).await?.remove(&id))
}

/// Writes somebody as they are now and what is different from `old`, which [`take`] gave in this
/// transaction. Says how many things changed; nothing changed writes nothing. Every address must
/// be free or theirs: see [`holder_of`].
pub async fn save(tx: &Tx<'_>, by: &By, old: &StoredPerson, new: &StoredPerson) -> Result<usize> {
    write(tx, by, &mut [], &[(old.clone(), new.clone())]).await
}

/// How many things [`save`] would change.
pub fn differences(old: &StoredPerson, new: &StoredPerson) -> usize {
    audit::changes(old, new).len()
}

/// Adds somebody; their id. Every address must be free: see [`holder_of`].
pub async fn add(tx: &Tx<'_>, by: &By, new: StoredPerson) -> Result<i64> {
    changes::lock_table(tx).await?;
    let mut new = [new];
    write(tx, by, &mut new, &[]).await?;
    Ok(new[0].id)
}

/// Whether somebody answers for a place: it lies in one of their areas of responsibility, or they have
/// none, as national staff.
pub async fn answers_for(tx: &Tx<'_>, person: i64, place: i64) -> Result<bool> {
    crate::db::people::answers_for(tx, person, place).await
}

/// Who has this address; `None` when it may be given to somebody. Until the transaction ends nobody
/// else is told that it is free.
pub async fn holder_of(tx: &Tx<'_>, kind: &str, address: &str) -> Result<Option<i64>> {
    changes::lock_address(tx, kind, address).await?;
    let holders = bulk::holders(tx, &[(kind, address)]).await?;
    Ok(holders.first().map(|holder| holder.person))
}

/// Writes many at once: new people, who get their ids, and known ones as they were and as they are.
/// How many things changed.
pub(crate) async fn write(
    tx: &Tx<'_>,
    by: &By,
    insert: &mut [StoredPerson],
    update: &[(StoredPerson, StoredPerson)],
) -> Result<usize> {
    let changed: Vec<&(StoredPerson, StoredPerson)> =
        update.iter().filter(|(old, new)| old != new).collect();
    let new: Vec<StoredPerson> = changed.iter().map(|(_, new)| new.clone()).collect();
    // Addresses that change hands are let go before they are taken.
    bulk::update(tx, &new).await?;
    if !insert.is_empty() {
        bulk::insert(tx, insert).await?;
    }
    let added = insert.iter().map(audit::added);
    let changes = changed
        .iter()
        .flat_map(|(old, new)| audit::changes(old, new));
    let rows: Vec<_> = added.chain(changes).collect();
    changes::keep(tx, by, &rows).await?;
    Ok(rows.len())
}

#[cfg(test)]
mod tests;
