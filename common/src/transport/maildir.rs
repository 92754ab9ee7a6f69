//! Mails become files: for trying out, for the demo, for a site that has no mail server yet.
//!
//! The folder is a maildir (`tmp`, `new`, `cur`), so mail programs read it; names end in `.eml`, so
//! people can open a file. A name follows from the mail's date and Message-ID: a mail that is
//! delivered again is the same file.

use super::{Finished, Outcome, Quota, Time, Transport, within};
use crate::failure::Dependency;
use crate::{Failure, Result};
use async_trait::async_trait;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A folder that takes mails.
pub struct Maildir {
    folder: PathBuf,
}

impl Maildir {
    /// Opens the folder and makes what is missing of it.
    pub fn open(folder: &Path) -> Result<Self> {
        make(folder).map_err(|e| failure(&e))?;
        let folder = folder.to_owned();
        Ok(Self { folder })
    }
}

#[async_trait]
impl Transport for Maildir {
    async fn deliver(&self, mail: &Finished, time: Time) -> Outcome {
        let (folder, name, raw) = (self.folder.clone(), file_name(mail), mail.raw.clone());
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &raw));
        within(time.limit, async {
            match written.await {
                Ok(Ok(name)) => Outcome::Sent {
                    provider_id: Some(name),
                },
                // The file has its name only when it is whole: after an error it is not there.
                Ok(Err(e)) => Outcome::NotSent(failure(&e)),
                Err(e) => Outcome::Unknown {
                    reason: format!("writing the file was cut off: {e}"),
                },
            }
        })
        .await
    }

    async fn probe(&self) -> Result {
        make(&self.folder).map_err(|e| failure(&e))?;
        tempfile_in(&self.folder.join("tmp")).map_err(|e| failure(&e))
    }

    async fn quota(&self) -> Result<Option<Quota>> {
        Ok(None)
    }
}

/// Writes under `tmp`, makes it durable, and renames into `new`; a mail that is already there, read
/// or not, is left alone.
fn write(folder: &Path, name: &str, raw: &[u8]) -> io::Result<String> {
    if is_there(folder, name)? {
        return Ok(name.to_owned());
    }
    let unfinished = folder.join("tmp").join(name);
    let mut file = std::fs::File::create(&unfinished)?;
    file.write_all(raw)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, folder.join("new").join(name))?;
    std::fs::File::open(folder.join("new"))?.sync_all()?;
    Ok(name.to_owned())
}

/// Mail programs move a mail to `cur` and add flags (`:2,S`) to its name.
fn is_there(folder: &Path, name: &str) -> io::Result<bool> {
    if folder.join("new").join(name).exists() {
        return Ok(true);
    }
    for entry in std::fs::read_dir(folder.join("cur"))? {
        if entry?.file_name().to_string_lossy().starts_with(name) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `20261120T093000-3f2a….eml`: sorted by time, the same for the same mail, no address in it.
fn file_name(mail: &Finished) -> String {
    let time = mail.at.strftime("%Y%m%dT%H%M%S");
    let id = crate::envelope::derived_id(&[mail.message_id.as_bytes()]).simple();
    format!("{time}-{id}.eml")
}

fn make(folder: &Path) -> io::Result<()> {
    for part in ["tmp", "new", "cur"] {
        std::fs::create_dir_all(folder.join(part))?;
    }
    Ok(())
}

fn tempfile_in(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!("probe-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

/// A folder that cannot be written is an outage: someone must mend it, and nothing is lost by
/// waiting.
fn failure(error: &io::Error) -> Failure {
    Failure::wait(Dependency::Mail, format!("maildir: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::suite;

    fn mail(id: &str) -> Finished {
        let message_id = id.into();
        Finished {
            message_id,
            ..suite::mail(0)
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[tokio::test]
    async fn passes_the_suite_of_all_transports() {
        let home = tempfile::tempdir().unwrap();
        let up = Maildir::open(&home.path().join("up")).unwrap();
        let away = Maildir::open(&home.path().join("away")).unwrap();
        std::fs::remove_dir_all(home.path().join("away")).unwrap();
        std::fs::write(home.path().join("away"), "no folder").unwrap();
        let arrived = || {
            let new = home.path().join("up/new");
            let read = |name| std::fs::read(new.join(name)).unwrap();
            names(&new).into_iter().map(read).collect()
        };
        suite::passes(&up, arrived, &away).await;
    }

    #[tokio::test]
    async fn a_mail_is_a_file_that_people_can_open() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("made/when/missing");
        let maildir = Maildir::open(&folder).unwrap();
        let Outcome::Sent { provider_id } = maildir.deliver(&mail("1@x"), suite::time()).await
        else {
            panic!("not sent");
        };
        let found = names(&folder.join("new"));
        assert_eq!(found, [provider_id.unwrap()]);
        assert!(found[0].starts_with("20261120T093000-") && found[0].ends_with(".eml"));
        assert!(!found[0].contains("siti"));
        let bytes = std::fs::read(folder.join("new").join(&found[0])).unwrap();
        assert_eq!(bytes, mail("1@x").raw);
        assert!(names(&folder.join("tmp")).is_empty());
    }

    #[tokio::test]
    async fn q30_a_mail_that_is_delivered_again_is_one_file_even_after_it_was_read() {
        let home = tempfile::tempdir().unwrap();
        let maildir = Maildir::open(home.path()).unwrap();
        maildir.deliver(&mail("1@x"), suite::time()).await;
        maildir.deliver(&mail("1@x"), suite::time()).await;
        maildir.deliver(&mail("2@x"), suite::time()).await;
        let found = names(&home.path().join("new"));
        assert_eq!(found.len(), 2);
        let read = home.path().join("cur").join(format!("{}:2,S", found[0]));
        std::fs::rename(home.path().join("new").join(&found[0]), read).unwrap();
        for id in ["1@x", "2@x"] {
            maildir.deliver(&mail(id), suite::time()).await;
        }
        assert_eq!(names(&home.path().join("new")), [found[1].clone()]);
    }

    #[tokio::test]
    async fn a_folder_that_went_away_is_an_outage_and_mends() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("mails");
        let maildir = Maildir::open(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let Outcome::NotSent(failure) = maildir.deliver(&mail("1@x"), suite::time()).await else {
            panic!("sent to nowhere");
        };
        let wait = crate::Verdict::Wait(Dependency::Mail);
        assert_eq!(failure.verdict, wait);
        maildir.probe().await.unwrap();
        assert!(matches!(
            maildir.deliver(&mail("1@x"), suite::time()).await,
            Outcome::Sent { .. }
        ));
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(&folder, "a file").unwrap();
        assert_eq!(maildir.probe().await.unwrap_err().verdict, wait);
    }
}
