//! Places that were looked up, kept until the database says that places changed. An unknown code
//! is not kept: the next loader may bring it.

use super::kept::Kept;
use crate::Result;
use crate::db::Tx;
use crate::db::places::{self, Place};

/// Most places kept; Indonesia has 91,000 and a day's reports name a few thousand. Beyond this the
/// memory begins anew, which costs one query per place.
const MOST: usize = 16_384;

pub(super) struct Places {
    by_code: Kept<String, Place>,
    by_id: Kept<i64, Place>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            by_code: Kept::new(MOST),
            by_id: Kept::new(MOST),
        }
    }
}

impl Places {
    pub async fn by_code(
        &self,
        tx: &Tx<'_>,
        systems: &[String],
        code: &str,
    ) -> Result<Option<Place>> {
        let age = match self.by_code.get(code) {
            Ok(place) => return Ok(Some(Place::clone(&place))),
            Err(age) => age,
        };
        let found = places::by_code(tx, &names(systems), code).await?;
        let keep = |place| self.by_code.keep(&age, code.to_owned(), place);
        Ok(found.map(|place| Place::clone(&keep(place))))
    }

    pub async fn by_id(&self, tx: &Tx<'_>, systems: &[String], id: i64) -> Result<Option<Place>> {
        let age = match self.by_id.get(&id) {
            Ok(place) => return Ok(Some(Place::clone(&place))),
            Err(age) => age,
        };
        let found = places::by_ids(tx, &names(systems), &[id]).await?;
        let keep = |place| self.by_id.keep(&age, id, place);
        Ok(found
            .into_iter()
            .next()
            .map(|place| Place::clone(&keep(place))))
    }

    pub fn forget(&self) {
        self.by_code.forget();
        self.by_id.forget();
    }
}

fn names(systems: &[String]) -> Vec<&str> {
    systems.iter().map(String::as_str).collect()
}
