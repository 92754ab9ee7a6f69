//! `kentongan keys`

use crate::context::Context;
use crate::exit::{Exit, Fault, Result};
use clap::{Args, Subcommand};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Make the keys that sign what comes back to us
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan keys new                        the file that the settings name
  kentongan keys new ./token-keys
  kentongan keys new --rotate               a new key in front; the old ones still verify")]
pub struct Keys {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a keys file that only its owner can read
    New {
        /// The file [default: `secrets.token_keys_file` of the settings]
        file: Option<PathBuf>,
        /// Put a new first key into a file that exists; restart the daemons afterwards
        #[arg(long)]
        rotate: bool,
    },
}

impl Keys {
    pub fn run(self, context: &Context) -> Result {
        let What::New { file, rotate } = self.what;
        let file = match file {
            Some(file) => file,
            None => context.settings()?.secrets.token_keys_file,
        };
        if rotate { put_in_front(&file)? } else { new(&file)? }
        context.out.line(format!("wrote {}", file.display()))?;
        Ok(Exit::Done)
    }
}

/// Writes a file with one new key; one that exists is left alone.
pub fn new(file: &Path) -> Result<()> {
    write(file, &format!("{}\n", key()?)).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => Fault::new(format!("{} exists already", file.display()))
            .remedy("--rotate puts a new key in front of those that are there"),
        _ => Fault::new(format!("cannot write {}: {e}", file.display())),
    })
}

/// Replaces the file by one with a new first key. Whole or not at all.
fn put_in_front(file: &Path) -> Result<()> {
    let unwritable = |e| Fault::new(format!("cannot rewrite {}: {e}", file.display()));
    let old = fs::read_to_string(file).map_err(unwritable)?;
    let beside = file.with_extension("new");
    let done = write(&beside, &format!("{}\n{old}", key()?))
        .and_then(|()| {
            // Written by root, read by the daemons' user: the file stays whose it was.
            let was = fs::metadata(file)?;
            std::os::unix::fs::chown(&beside, Some(was.uid()), Some(was.gid()))?;
            fs::rename(&beside, file)
        });
    done.map_err(|e| {
        let _ = fs::remove_file(&beside);
        unwritable(e)
    })
}

/// Only the owner may read it, from the first moment on.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let mut made = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    made.write_all(text.as_bytes())?;
    made.sync_all()
}

/// 256 bits from the kernel's generator, as 64 letters.
fn key() -> Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_file_holds_one_long_key_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys");
        new(&file).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.trim_end().len(), 64);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let again = new(&file).unwrap_err();
        assert!(again.remedy.unwrap().contains("--rotate"));
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }

    #[test]
    fn rotating_signs_with_the_new_and_keeps_the_old() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys");
        new(&file).unwrap();
        let old = fs::read_to_string(&file).unwrap();
        put_in_front(&file).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.ends_with(&old) && text.lines().count() == 2, "{text}");
        assert_ne!(text.lines().next(), old.lines().next());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
