//! What came in while its queue was away: files of one folder, in order, bounded.
//!
//! A file is written under another name, synced and renamed, so that none is ever half there. It is
//! removed once it was taken; a crash in between gives it twice, and its id makes that one message.

use common::{Failure, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracing::warn;

/// The items of one channel.
pub struct Spool {
    folder: PathBuf,
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Their files' numbers, oldest first.
    waiting: VecDeque<u64>,
}

impl Spool {
    /// Opens the folder, made when missing, with what an earlier run left.
    pub fn open(folder: &Path, most: usize) -> Result<Self> {
        let fault = |e: io::Error| {
            Failure::quarantine(format!(
                "spool {}: {e}; `bridge.spool` names a folder that may be written",
                folder.display()
            ))
        };
        fs::create_dir_all(folder).map_err(fault)?;
        let mut numbers = Vec::new();
        for entry in fs::read_dir(folder).map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            match path.extension().and_then(|e| e.to_str()) {
                Some("json") => numbers.extend(number(&path)),
                // Never renamed, so never acknowledged: whoever sent it sends it again.
                Some("part") => drop(fs::remove_file(&path)),
                _ => {}
            }
        }
        numbers.sort_unstable();
        let state = State {
            next: numbers.last().map_or(1, |n| n + 1),
            waiting: numbers.into(),
        };
        Ok(Self {
            folder: folder.to_owned(),
            most,
            state: Mutex::new(state),
        })
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.state().waiting.len()
    }

    /// Keeps an item behind the others. Full: nothing was kept, and the network must keep it.
    pub fn keep(&self, item: &impl Serialize) -> Result {
        let body = serde_json::to_vec(item).map_err(Failure::retry)?;
        let mut state = self.state();
        if state.waiting.len() >= self.most {
            return Err(Failure::retry(format!(
                "the spool is full ({} items): the queue has been away for too long",
                self.most
            )));
        }
        let number = state.next;
        self.write(number, &body)
            .map_err(|e| Failure::retry(format!("spool {}: {e}", self.folder.display())))?;
        state.next += 1;
        state.waiting.push_back(number);
        Ok(())
    }

    /// The oldest item, if any. One that cannot be read is put aside, where an operator finds it.
    pub fn first<T: DeserializeOwned>(&self) -> Option<(u64, T)> {
        loop {
            let number = *self.state().waiting.front()?;
            let path = self.path(number, "json");
            let read = fs::read(&path)
                .map_err(|e| e.to_string())
                .and_then(|body| serde_json::from_slice(&body).map_err(|e| e.to_string()));
            match read {
                Ok(item) => return Some((number, item)),
                Err(error) => {
                    warn!(file = %path.display(), error, "Put aside what cannot be read");
                    let _ = fs::rename(&path, self.path(number, "bad"));
                    self.forget(number);
                }
            }
        }
    }

    /// Forgets an item that was taken.
    pub fn done(&self, number: u64) {
        let _ = fs::remove_file(self.path(number, "json"));
        self.forget(number);
    }

    /// Puts an item aside that nobody can take.
    pub fn set_aside(&self, number: u64) {
        let _ = fs::rename(self.path(number, "json"), self.path(number, "bad"));
        self.forget(number);
    }

    fn forget(&self, number: u64) {
        self.state().waiting.retain(|n| *n != number);
    }

    fn write(&self, number: u64, body: &[u8]) -> io::Result<()> {
        let part = self.path(number, "part");
        let mut file = File::create(&part)?;
        file.write_all(body)?;
        file.sync_all()?;
        fs::rename(&part, self.path(number, "json"))?;
        File::open(&self.folder)?.sync_all()
    }

    fn path(&self, number: u64, extension: &str) -> PathBuf {
        self.folder.join(format!("{number:020}.{extension}"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(spool: &Spool) -> Vec<String> {
        let mut all = Vec::new();
        while let Some((number, item)) = spool.first::<String>() {
            all.push(item);
            spool.done(number);
        }
        all
    }

    #[test]
    fn what_is_kept_comes_back_in_order_after_a_crash_too() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), 10).unwrap();
        for item in ["a", "b", "c"] {
            spool.keep(&item).unwrap();
        }
        let (first, item) = spool.first::<String>().unwrap();
        assert_eq!(item, "a");
        spool.done(first);
        fs::write(folder.path().join("00000000000000000009.part"), "half").unwrap();
        drop(spool);
        let spool = Spool::open(folder.path(), 10).unwrap();
        spool.keep(&"d").unwrap();
        assert_eq!(all(&spool), ["b", "c", "d"]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_full_spool_takes_nothing_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), 1).unwrap();
        spool.keep(&"a").unwrap();
        let cause = spool.keep(&"b").unwrap_err().cause;
        assert!(cause.contains("full"), "{cause}");
        assert_eq!(all(&spool), ["a"]);
        spool.keep(&"b").unwrap();
        assert_eq!(spool.len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_put_aside_and_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("00000000000000000001.json"), "{half").unwrap();
        let spool = Spool::open(folder.path(), 10).unwrap();
        spool.keep(&"a").unwrap();
        assert_eq!(all(&spool), ["a"]);
        assert!(folder.path().join("00000000000000000001.bad").exists());
    }
}
