//! The folder that holds a one-box home: settings, keys, blobs, mails, database.

use crate::commands::keys;
use crate::exit::{Fault, Result};
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A one-box home's folder. Only one `kentongan up` at a time may hold it.
pub struct Folder {
    /// Absolute.
    pub path: PathBuf,
    _lock: File,
}

/// The settings that we write into it.
const SETTINGS: &str = "kentongan.toml";

impl Folder {
    /// Is this the file that we wrote for an earlier run here?
    pub fn wrote(&self, settings: &Path) -> bool {
        fs::canonicalize(settings).is_ok_and(|file| file == self.path.join(SETTINGS))
    }

    /// Makes the folder where it is missing, and takes hold of it.
    pub fn open(path: &Path) -> Result<Self> {
        let unusable = |e: std::io::Error| {
            Fault::new(format!("the folder {} cannot be used: {e}", path.display()))
                .remedy("name another one with --folder")
        };
        fs::create_dir_all(path).map_err(unusable)?;
        let path = fs::canonicalize(path).map_err(unusable)?;
        if path
            .to_string_lossy()
            .contains(['\'', '"', '\\', ',', '\n'])
        {
            return Err(
                Fault::usage("a folder with quotes, commas or backslashes in its name")
                    .remedy("name another one with --folder"),
            );
        }
        let lock = lock(&path.join("up.lock"))?;
        for part in ["blobs", "mails", "channels", "secrets", "spool"] {
            fs::create_dir_all(path.join(part)).map_err(unusable)?;
        }
        let ours = fs::Permissions::from_mode(0o700);
        fs::set_permissions(path.join("secrets"), ours).map_err(unusable)?;
        Ok(Self { path, _lock: lock })
    }

    /// The settings file, made with its keys where there is none. One that is there is not changed,
    /// but must mean the private database.
    pub fn settings(&self, database: &str) -> Result<PathBuf> {
        let file = self.path.join(SETTINGS);
        let keys = self.path.join("token-keys");
        if !keys.exists() {
            keys::new(&keys)?;
        }
        if !file.exists() {
            fs::write(&file, sample(&self.path, database))?;
            return Ok(file);
        }
        let settings = common::config::Settings::read(&file)?;
        if settings.database.url == database {
            return Ok(file);
        }
        let file = file.display();
        Err(Fault::new(format!(
            "{file} names another database than the private one in its folder"
        ))
        .remedy(format!(
            "with `--config {file}` that one is used; after the folder was moved, write \
             url = \"{database}\""
        )))
    }
}

/// Whoever holds the lock is alive: the kernel lets go of it with the process.
fn lock(file: &Path) -> Result<File> {
    let mut lock = File::options()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(file)?;
    match lock.try_lock() {
        Ok(()) => {
            lock.set_len(0)?;
            writeln!(lock, "{}", std::process::id())?;
            Ok(lock)
        }
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            // Only to name it; without the number the message still holds.
            let _ = lock.read_to_string(&mut process);
            Err(Fault::new(format!(
                "`kentongan up` runs in this folder already (process {})",
                process.trim()
            ))
            .remedy("stop it with Ctrl-C there, or name another --folder"))
        }
        Err(TryLockError::Error(e)) => Err(e.into()),
    }
}

fn sample(folder: &Path, database: &str) -> String {
    include_str!("kentongan.toml")
        .replace("@DATABASE@", database)
        .replace("@FOLDER@", &folder.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::config::Settings;

    #[test]
    fn the_settings_are_ones_that_daemons_take() {
        let text = sample(Path::new("/srv/k"), "host='/srv/k/socket' user=k dbname=k");
        let settings = Settings::parse(&text, std::iter::empty()).unwrap();
        assert_eq!(
            settings.database.url,
            "host='/srv/k/socket' user=k dbname=k"
        );
        assert!(!text.contains('@') || !text.contains("@FOLDER@"));
    }

    #[test]
    fn a_second_up_in_the_same_folder_is_refused_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let first = Folder::open(dir.path()).unwrap();
        let Err(fault) = Folder::open(dir.path()) else {
            panic!("two at once");
        };
        assert!(
            fault.what.contains(&std::process::id().to_string()),
            "{fault}"
        );
        drop(first);
        assert!(Folder::open(dir.path()).is_ok());
    }

    #[test]
    fn settings_that_are_there_stay_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let file = folder.settings("host='/a' user=k dbname=k").unwrap();
        let mine = fs::read_to_string(&file).unwrap() + "\n# mine\n";
        fs::write(&file, &mine).unwrap();
        folder.settings("host='/a' user=k dbname=k").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), mine);
        let moved = folder.settings("host='/b' user=k dbname=k").unwrap_err();
        assert!(moved.remedy.unwrap().contains("host='/b'"));
    }
}
