//! What was looked up and is kept until the database says that it changed.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

/// Looked up values by their keys.
pub(super) struct Kept<K, V> {
    most: usize,
    state: RwLock<State<K, V>>,
}

struct State<K, V> {
    /// Grows with every change in the database.
    age: u64,
    values: HashMap<K, Arc<V>>,
}

/// When a look-up began: what is found after a change is not kept as if found before it.
pub(super) struct Age(u64);

impl<K: Hash + Eq, V> Kept<K, V> {
    /// Keeps up to `most` values; beyond, the memory begins anew, which costs a look-up each.
    pub fn new(most: usize) -> Self {
        let (age, values) = (0, HashMap::new());
        let state = RwLock::new(State { age, values });
        Self { most, state }
    }

    /// The value, or what [`Kept::keep`] wants to know once it is looked up.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Result<Arc<V>, Age>
    where
        K: Borrow<Q>,
    {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.values.get(key).cloned().ok_or(Age(state.age))
    }

    /// Keeps a value unless something changed since it was asked for.
    pub fn keep(&self, since: &Age, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.age == since.0 {
            if state.values.len() >= self.most {
                state.values.clear();
            }
            state.values.insert(key, value.clone());
        }
        value
    }

    /// Something changed.
    pub fn forget(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.age += 1;
        state.values.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_before_a_change_is_not_kept_after_it() {
        let kept: Kept<String, u8> = Kept::new(10);
        let Err(before) = kept.get("a") else {
            panic!("nothing is kept yet")
        };
        kept.forget();
        assert_eq!(*kept.keep(&before, "a".into(), 1), 1, "it is used once");
        let Err(now) = kept.get("a") else {
            panic!("it was kept")
        };
        kept.keep(&now, "a".into(), 2);
        assert_eq!(kept.get("a").ok().as_deref(), Some(&2));
        kept.forget();
        assert!(kept.get("a").is_err());
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        let kept: Kept<u32, u32> = Kept::new(3);
        for n in 0..10 {
            if let Err(age) = kept.get(&n) {
                kept.keep(&age, n, n);
            }
        }
        let held = (0..10).filter(|n| kept.get(n).is_ok()).count();
        assert!((1..=3).contains(&held), "{held}");
    }
}
