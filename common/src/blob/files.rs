//! The blob store of the one-box home: a folder. A blob is written to a temporary name, forced to
//! the disk and renamed, so that a key shows a whole blob or none, also after a power cut.

use super::{Blobs, Found, key};
use crate::failure::Dependency;
use crate::{Failure, Result};
use async_trait::async_trait;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// Where unfinished blobs lie, in the same file system. No key can name it: `~` is not allowed.
const UNFINISHED: &str = "~";

/// An unfinished blob older than this belongs to a process that died; no write takes a day.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// A folder of this machine. Many processes may use it at once.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens an existing folder and clears away what a crash left unfinished long ago. A folder
    /// that is missing is not made: it may be a disk that is not mounted.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let folder = Self { root: root.into() };
        folder
            .sweep()
            .map_err(|e| failure("opening the blob folder", &e))?;
        Ok(folder)
    }

    fn sweep(&self) -> io::Result<()> {
        let old = SystemTime::now() - ABANDONED;
        for entry in fs::read_dir(self.unfinished()?)? {
            let entry = entry?;
            // Another daemon that starts at the same time may have been faster.
            if entry
                .metadata()
                .and_then(|m| m.modified())
                .is_ok_and(|at| at < old)
            {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// The folder of unfinished blobs, made where it is missing.
    fn unfinished(&self) -> io::Result<PathBuf> {
        let folder = self.root.join(UNFINISHED);
        make_folder(&folder, &self.root)?;
        Ok(folder)
    }

    /// Does blocking work on a thread that may block.
    async fn work<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> io::Result<T> + Send + 'static,
    {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&this)).await;
        done.map_err(|e| Failure::retry(format!("{doing}: {e}")))?
            .map_err(|e| failure(doing, &e))
    }

    /// Lets `fill` write an unfinished blob, then gives it its name.
    fn place(&self, key: &str, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let unfinished = self.unfinished()?.join(Uuid::now_v7().to_string());
        let done = self.write(&unfinished, key, fill);
        if done.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        done
    }

    fn write(
        &self,
        unfinished: &Path,
        key: &str,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut file = File::create_new(unfinished)?;
        fill(&mut file)?;
        file.sync_all()?;
        let target = self.root.join(key);
        // A checked key has a part of its own, so the target has a parent: the root at least.
        let parent = target.parent().unwrap_or(&self.root);
        make_folder(parent, &self.root)?;
        fs::rename(unfinished, &target)?;
        sync_folder(parent)
    }

    fn read(&self, key: &str, most: u64) -> io::Result<Found> {
        let file = match File::open(self.root.join(key)) {
            Ok(file) => file,
            Err(e) if is_absent(&e) && self.root.is_dir() => return Ok(Found::Absent),
            Err(e) => return Err(e),
        };
        let about = file.metadata()?;
        if about.is_dir() {
            return Ok(Found::Absent);
        }
        let size = about.len();
        if size > most {
            return Ok(Found::TooLarge { size });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        // Blobs are replaced by renaming, so an open file does not grow; the limit holds anyway.
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Found::Bytes(bytes))
    }
}

#[async_trait]
impl Blobs for Folder {
    async fn put(&self, key: &str, bytes: &[u8]) -> Result {
        key::check(key)?;
        let (key, bytes) = (key.to_owned(), bytes.to_vec());
        self.work("storing a blob", move |this| {
            this.place(&key, |f| f.write_all(&bytes))
        })
        .await
    }

    async fn put_file(&self, key: &str, file: &Path) -> Result {
        key::check(key)?;
        let (key, file) = (key.to_owned(), file.to_owned());
        self.work("storing a file as a blob", move |this| {
            let mut source = File::open(&file).map_err(source_failure)?;
            this.place(&key, |f| io::copy(&mut source, f).map(drop))
        })
        .await
    }

    async fn get(&self, key: &str, most: u64) -> Result<Found> {
        key::check(key)?;
        let key = key.to_owned();
        self.work("fetching a blob", move |this| this.read(&key, most))
            .await
    }

    async fn delete(&self, key: &str) -> Result {
        key::check(key)?;
        let key = key.to_owned();
        self.work("removing a blob", move |this| {
            match fs::remove_file(this.root.join(key)) {
                Err(e) if is_absent(&e) && this.root.is_dir() => Ok(()),
                done => done,
            }
        })
        .await
    }

    async fn probe(&self) -> Result {
        self.work("probing the blob folder", |this| {
            let probe = this.unfinished()?.join(format!("probe-{}", Uuid::now_v7()));
            let written = File::create_new(&probe).and_then(|mut file| {
                file.write_all(b"probe")?;
                file.sync_all()
            });
            written.and(fs::remove_file(&probe))
        })
        .await
    }
}

/// Makes a folder below `root` that survives a power cut; the root itself must be there.
fn make_folder(folder: &Path, root: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if !root.is_dir() {
        return Err(io::Error::new(ErrorKind::NotFound, "the folder is missing"));
    }
    fs::create_dir_all(folder)?;
    for above in folder.ancestors().skip(1) {
        sync_folder(above)?;
        if above == root {
            break;
        }
    }
    Ok(())
}

/// A new name is on the disk only when its folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// There is no such file: nothing, a folder, or a file where its folder would be.
fn is_absent(error: &io::Error) -> bool {
    use ErrorKind::{IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory)
}

/// The file to be stored is the caller's, not the store's: its absence says nothing of the disk.
fn source_failure(error: io::Error) -> io::Error {
    io::Error::other(format!("the file to store: {error}"))
}

/// A file system's error as a verdict. A disk that is full, gone, or not ours is a matter of the
/// installation: no message is to blame.
fn failure(doing: &str, error: &io::Error) -> Failure {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on the disk",
        ErrorKind::PermissionDenied => "the folder must be writable for the daemons' user",
        ErrorKind::ReadOnlyFilesystem => "the file system is mounted read-only",
        ErrorKind::NotFound => "the folder named in [blob] must exist; is its disk mounted?",
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => {
            return Failure::quarantine(format!("{doing}: a key and a part of a key clash"));
        }
        _ => return Failure::retry(format!("{doing}: {error}")),
    };
    Failure::wait(Dependency::Blobs, format!("{doing}: {error}; {remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        (dir, folder)
    }

    fn unfinished(dir: &tempfile::TempDir) -> usize {
        fs::read_dir(dir.path().join(UNFINISHED)).unwrap().count()
    }

    #[tokio::test]
    async fn a_write_that_fails_leaves_neither_blob_nor_rest() {
        let (dir, folder) = folder();
        let broken = folder.place("mail/a", |file| {
            file.write_all(b"half")?;
            Err(io::Error::from_raw_os_error(28))
        });
        assert_eq!(broken.unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(folder.get("mail/a", 99).await, Ok(Found::Absent));
        assert_eq!(unfinished(&dir), 0);
    }

    #[tokio::test]
    async fn a_failed_replacement_keeps_the_old_blob() {
        let (_dir, folder) = folder();
        folder.put("a", b"old").await.unwrap();
        let _ = folder.place("a", |_| Err(io::Error::other("power")));
        assert_eq!(folder.get("a", 99).await, Ok(Found::Bytes(b"old".to_vec())));
    }

    #[tokio::test]
    async fn what_a_crash_left_goes_when_it_is_a_day_old() {
        let (dir, _) = folder();
        let rest = dir.path().join(UNFINISHED).join("rest");
        fs::write(&rest, b"half").unwrap();
        fs::write(dir.path().join(UNFINISHED).join("young"), b"half").unwrap();
        let old = SystemTime::now() - ABANDONED * 2;
        File::options()
            .write(true)
            .open(&rest)
            .unwrap()
            .set_modified(old)
            .unwrap();
        Folder::open(dir.path()).unwrap();
        assert!(!rest.exists());
        assert_eq!(unfinished(&dir), 1);
    }

    #[tokio::test]
    async fn a_lost_disk_waits_and_says_so() {
        let (dir, folder) = folder();
        folder.put("a", b"x").await.unwrap();
        dir.close().unwrap();
        let waits = Verdict::Wait(Dependency::Blobs);
        assert_eq!(folder.get("a", 9).await.unwrap_err().verdict, waits);
        assert_eq!(folder.put("a", b"x").await.unwrap_err().verdict, waits);
        assert_eq!(folder.delete("a").await.unwrap_err().verdict, waits);
        let failure = folder.probe().await.unwrap_err();
        assert_eq!(failure.verdict, waits);
        assert!(failure.cause.contains("mounted"), "{failure}");
        assert_eq!(
            Folder::open("/nonexistent/kentongan").unwrap_err().verdict,
            waits
        );
    }

    #[tokio::test]
    async fn a_source_file_that_is_missing_is_not_the_folders_fault() {
        let (_dir, folder) = folder();
        let missing = folder.put_file("a", Path::new("/nonexistent/file")).await;
        assert_eq!(missing.unwrap_err().verdict, Verdict::Retry { after: None });
    }

    #[test]
    fn a_full_disk_waits() {
        for number in [28, 30, 122, 13] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(
                failure("x", &error).verdict,
                Verdict::Wait(Dependency::Blobs)
            );
        }
    }
}
