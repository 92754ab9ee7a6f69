//! What lies in a folder and has come to rest.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A file without a byte may be one that is just being made.
const EMPTY_FOR: Duration = Duration::from_secs(60);

/// A file that did not change between two looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// When it was written.
    pub came: SystemTime,
    /// In bytes.
    pub size: u64,
}

/// The files of one folder as they were at the last look. Both daemons write a file at its place,
/// without a lock and at one go; what is the same a look later is whole.
#[derive(Default)]
pub struct Look {
    seen: HashMap<String, (u64, SystemTime)>,
}

impl Look {
    /// Everything at rest, the oldest first; what is not, is left for the next look.
    pub fn settled(
        &mut self,
        folder: &Path,
        is_foreign: fn(&str) -> bool,
    ) -> io::Result<Vec<Entry>> {
        let all = files(folder)?;
        let locked = |name: &str| {
            let lock = format!("{name}.LOCK");
            all.iter().any(|other| other.name == lock)
        };
        let mut settled = Vec::new();
        let mut seen = HashMap::new();
        for entry in &all {
            if is_foreign(&entry.name) || locked(&entry.name) {
                continue;
            }
            let state = (entry.size, entry.came);
            let young = entry.came.elapsed().is_ok_and(|age| age < EMPTY_FOR);
            if self.seen.get(&entry.name) == Some(&state) && (entry.size > 0 || !young) {
                settled.push(entry.clone());
            }
            seen.insert(entry.name.clone(), state);
        }
        self.seen = seen;
        settled.sort_by(|a, b| (a.came, &a.name).cmp(&(b.came, &b.name)));
        Ok(settled)
    }

    /// Whether this look saw files that are still being written, by a part of their name.
    pub fn is_restless(&self, settled: &[Entry], part: &str) -> bool {
        let rests = |name: &String| settled.iter().any(|entry| entry.name == *name);
        let mut seen = self.seen.keys();
        seen.any(|name| name.starts_with(part) && !rests(name))
    }
}

/// The regular files of a folder.
pub fn files(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // It may be gone again; a name that is no UTF-8 is nobody's.
        let (Ok(meta), Ok(name)) = (entry.metadata(), entry.file_name().into_string()) else {
            continue;
        };
        if meta.is_file() {
            all.push(Entry {
                name,
                path: entry.path(),
                came: meta.modified()?,
                size: meta.len(),
            });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::smstools::is_foreign;
    use super::*;
    use std::fs::{self, File};

    fn names(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|e| e.name.as_str()).collect()
    }

    fn age(path: &Path, seconds: u64) {
        let file = File::options().write(true).open(path).unwrap();
        let then = SystemTime::now() - Duration::from_secs(seconds);
        file.set_modified(then).unwrap();
    }

    #[test]
    fn a_file_is_taken_when_it_is_the_same_a_look_later() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("modem1.AbCdEf");
        let mut look = Look::default();
        let mut settled = || look.settled(folder.path(), is_foreign).unwrap();
        fs::write(&file, "From: 628").unwrap();
        assert!(settled().is_empty(), "seen once");
        fs::write(&file, "From: 62812").unwrap();
        assert!(settled().is_empty(), "still growing");
        assert_eq!(names(&settled()), ["modem1.AbCdEf"]);
        fs::write(folder.path().join("modem1.AbCdEf.LOCK"), "1").unwrap();
        assert!(settled().is_empty(), "locked");
    }

    #[test]
    fn an_empty_file_is_taken_when_it_stays_so_and_foreign_ones_never() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["empty", ".hidden", "LOCKED1", "modem1-concatenated", "old"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        age(&folder.path().join("old"), 70);
        fs::create_dir(folder.path().join("folder")).unwrap();
        let mut look = Look::default();
        look.settled(folder.path(), is_foreign).unwrap();
        let settled = look.settled(folder.path(), is_foreign).unwrap();
        assert_eq!(names(&settled), ["old"]);
        assert!(look.is_restless(&settled, "emp"));
        assert!(!look.is_restless(&settled, "old"));
    }

    #[test]
    fn the_oldest_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for (name, seconds) in [("a", 5), ("b", 50), ("c", 500)] {
            let path = folder.path().join(name);
            fs::write(&path, "x").unwrap();
            age(&path, seconds);
        }
        let mut look = Look::default();
        look.settled(folder.path(), is_foreign).unwrap();
        let settled = look.settled(folder.path(), is_foreign).unwrap();
        assert_eq!(names(&settled), ["c", "b", "a"]);
    }
}
