//! Places that were looked up, kept until the database says that places changed. An unknown code
//! is not kept: the next loader may bring it.

use crate::Result;
use crate::db::Tx;
use crate::db::places::{self, Place};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Most places kept; Indonesia has 91,000 and a day's reports name a few thousand. Beyond this the
/// memory begins anew, which costs one query per place.
const MOST: usize = 16_384;

#[derive(Default)]
pub(super) struct Places {
    by_code: RwLock<HashMap<String, Arc<Place>>>,
    by_id: RwLock<HashMap<i64, Arc<Place>>>,
}

impl Places {
    pub async fn by_code(
        &self,
        tx: &Tx<'_>,
        systems: &[String],
        code: &str,
    ) -> Result<Option<Place>> {
        if let Some(place) = kept(&self.by_code, code) {
            return Ok(Some(place));
        }
        let found = places::by_code(tx, &names(systems), code).await?;
        if let Some(place) = &found {
            keep(&self.by_code, code.to_owned(), place);
        }
        Ok(found)
    }

    pub async fn by_id(&self, tx: &Tx<'_>, systems: &[String], id: i64) -> Result<Option<Place>> {
        if let Some(place) = kept(&self.by_id, &id) {
            return Ok(Some(place));
        }
        let found = places::by_ids(tx, &names(systems), &[id])
            .await?
            .into_iter()
            .next();
        if let Some(place) = &found {
            keep(&self.by_id, id, place);
        }
        Ok(found)
    }

    pub fn forget(&self) {
        self.by_code
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.by_id
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

fn names(systems: &[String]) -> Vec<&str> {
    systems.iter().map(String::as_str).collect()
}

fn kept<K, Q>(memory: &RwLock<HashMap<K, Arc<Place>>>, key: &Q) -> Option<Place>
where
    K: std::borrow::Borrow<Q> + std::hash::Hash + Eq,
    Q: std::hash::Hash + Eq + ?Sized,
{
    let memory = memory.read().unwrap_or_else(PoisonError::into_inner);
    memory.get(key).map(|place| Place::clone(place))
}

fn keep<K: std::hash::Hash + Eq>(memory: &RwLock<HashMap<K, Arc<Place>>>, key: K, place: &Place) {
    let mut memory = memory.write().unwrap_or_else(PoisonError::into_inner);
    if memory.len() >= MOST {
        memory.clear();
    }
    memory.insert(key, Arc::new(place.clone()));
}
