//! People who write, and who is told about a place, kept until the database says that people
//! changed. A stranger is not kept: the next loader may know them. A code that changes people must
//! not ask [`People::around`] afterwards in its own transaction: what is rolled back would stay.

use super::kept::Kept;
use crate::Result;
use crate::alerts::Whom;
use crate::db::alerts::{self, Found, Source};
use crate::db::people::{self, Kinds, Person};
use crate::db::{Db, Tx};
use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Most senders kept. The original had 20,000 people; beyond this the memory begins anew, which
/// costs a query for each. Some hundred bytes each and the names of their permissions.
const SENDERS: usize = 32_768;

/// Most answers kept to who is told about a place; a day's reports name a few thousand places.
const PLACES: usize = 8_192;

pub(super) struct People {
    by_contact: Kept<(String, String), Person>,
    around: Kept<(i64, Whom), Found>,
    /// Thousands of people share a dozen sets of permissions.
    permissions: Mutex<HashSet<Arc<BTreeSet<String>>>>,
}

impl Default for People {
    fn default() -> Self {
        Self {
            by_contact: Kept::new(SENDERS),
            around: Kept::new(PLACES),
            permissions: Mutex::default(),
        }
    }
}

impl People {
    pub async fn by_contact(
        &self,
        db: &Db,
        channel: &str,
        address: &str,
    ) -> Result<Option<Arc<Person>>> {
        let key = (channel.to_owned(), address.to_owned());
        let age = match self.by_contact.get(&key) {
            Ok(person) => return Ok(Some(person)),
            Err(age) => age,
        };
        let mut conn = db.connect().await?;
        let tx = conn.begin().await?;
        let found = people::by_contact(&tx, channel, address).await?;
        tx.commit().await?;
        Ok(found.map(|mut person| {
            self.share(&mut person);
            self.by_contact.keep(&age, key, person)
        }))
    }

    /// The people of a circle that follows from the place; nobody for one that does not.
    pub async fn around(&self, tx: &Tx<'_>, place: i64, whom: &Whom) -> Result<Arc<Found>> {
        let source = match whom {
            Whom::Covering { types, groups } => Source::Covering(place, Kinds { types, groups }),
            Whom::Near {
                types,
                groups,
                up,
                km,
            } => Source::Near(place, Kinds { types, groups }, (*up, *km)),
            Whom::Staff | Whom::Reporter | Whom::Sender { .. } | Whom::Told | Whom::Officer => {
                return Ok(Arc::default());
            }
        };
        let key = (place, whom.clone());
        let age = match self.around.get(&key) {
            Ok(found) => return Ok(found),
            Err(age) => age,
        };
        let mut found = alerts::found(tx, source).await?;
        for recipient in &mut found.reachable {
            self.share(&mut recipient.person);
        }
        Ok(self.around.keep(&age, key, found))
    }

    fn share(&self, person: &mut Person) {
        let mut sets = self
            .permissions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match sets.get(&person.permissions) {
            Some(set) => person.permissions = set.clone(),
            None => _ = sets.insert(person.permissions.clone()),
        }
    }

    pub fn forget(&self) {
        let mut sets = self
            .permissions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        sets.clear();
        drop(sets);
        self.by_contact.forget();
        self.around.forget();
    }
}
