//! Files of the modem's daemon and of ours: put, taken, kept, put aside. Names of files hold
//! telephone numbers, so no log line and no fault names one.

use super::look::{Entry, files};
use super::piece_in;
use super::settings::Settings;
use common::{Failure, Result};
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// In front of what is not there yet.
const PART: &str = ".kentongan-";

/// A receipt comes within the time that a network keeps a text: days.
const REFERENCES_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// What could not be understood waits for an operator at least so long.
const BAD_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Below `done`.
const FOLDERS: [&str; 5] = ["in", "out", "bad", "ref", "journal"];

/// All folders of one channel.
pub struct Folders {
    settings: Arc<Settings>,
}

/// What lies before a new file.
#[derive(Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The piece itself, somewhere.
    Known,
    /// So many of ours that are not sent yet.
    Others(usize),
}

/// Why a file was not put.
#[derive(Debug)]
pub enum PutFault {
    /// The daemon cannot have seen it.
    NotThere(io::Error),
    /// It may have.
    Perhaps(io::Error),
}

impl Folders {
    pub fn new(settings: Arc<Settings>) -> Self {
        Self { settings }
    }

    /// All folders are there and can be written into; what a crash left half-written is removed.
    pub fn prove(&self) -> Result {
        let settings = &*self.settings;
        for name in FOLDERS {
            let folder = settings.done.join(name);
            fs::create_dir_all(&folder).map_err(|e| unusable(&folder, &e))?;
        }
        let theirs = [&settings.outgoing, &settings.incoming].into_iter();
        let heard = settings
            .sent
            .iter()
            .chain(&settings.failed)
            .chain(&settings.report);
        for folder in theirs.chain(heard).chain([&settings.done]) {
            prove_one(folder).map_err(|e| unusable(folder, &e))?;
        }
        for folder in &settings.queues {
            fs::read_dir(folder).map_err(|e| unusable(folder, &e))?;
        }
        Ok(())
    }

    /// Fails when the daemon has taken nothing of ours for too long: another channel may carry what
    /// waits.
    pub fn moving(&self) -> Result {
        let limit = Duration::from_secs(self.settings.stuck_s);
        let outgoing = &self.settings.outgoing;
        let stuck = |entry: &&Entry| entry.came.elapsed().is_ok_and(|age| age > limit);
        let ours = self.ours_waiting().map_err(|e| unusable(outgoing, &e))?;
        match ours.iter().filter(stuck).count() {
            0 => Ok(()),
            count => Err(Failure::retry(format!(
                "{count} files in {} have waited for more than {limit:?}: does the modem's daemon \
                 run, and does its modem answer?",
                outgoing.display()
            ))),
        }
    }

    /// What stands before a piece of this id.
    pub fn waiting(&self, id: &str) -> io::Result<Waiting> {
        let is_it = |entry: &Entry| piece_in(&entry.name) == Some(id);
        let ours = self.ours_waiting()?;
        let mut known = ours.iter().any(is_it);
        for folder in self.settings.sent.iter().chain(&self.settings.failed) {
            known = known || files(folder)?.iter().any(is_it);
        }
        known = known || self.out(id, "sent").exists() || self.out(id, "failed").exists();
        Ok(match known {
            true => Waiting::Known,
            false => Waiting::Others(ours.len()),
        })
    }

    /// What is ours and not sent yet.
    fn ours_waiting(&self) -> io::Result<Vec<Entry>> {
        let mut ours = files(&self.settings.outgoing)?;
        for folder in &self.settings.queues {
            ours.extend(files(folder)?);
        }
        let is_ours = |name: &str| !name.starts_with('.') && !name.ends_with(".LOCK");
        ours.retain(|entry| is_ours(&entry.name) && piece_in(&entry.name).is_some());
        Ok(ours)
    }

    /// Gives the daemon a file: all of it, or nothing.
    pub fn put(&self, name: &str, body: &[u8]) -> std::result::Result<(), PutFault> {
        let folder = &self.settings.outgoing;
        let part = folder.join(format!("{PART}{name}"));
        let place = || {
            write(&part, body)?;
            // The daemon is another user: it writes into the file what became of it.
            fs::set_permissions(&part, Permissions::from_mode(0o664))?;
            fs::rename(&part, folder.join(name))
        };
        place().map_err(|e| {
            let _ = fs::remove_file(&part);
            PutFault::NotThere(e)
        })?;
        let settled = File::open(folder).and_then(|folder| folder.sync_all());
        settled.map_err(PutFault::Perhaps)
    }

    /// The files of one text that is queued, in their order. What a crash leaves half done is ended
    /// by [`Folders::end_taking`], not taken for a shorter text.
    pub fn taken(&self, entries: &[Entry]) -> io::Result<()> {
        let [first, _, ..] = entries else {
            return entries.iter().try_for_each(|entry| self.take(entry));
        };
        let lines: String = entries.iter().map(|e| journal_line(e) + "\n").collect();
        let journal = self.settings.done.join("journal");
        let part = journal.join(format!("{PART}{}", first.name));
        write(&part, lines.as_bytes())?;
        fs::rename(&part, journal.join(&first.name))?;
        self.end_taking()
    }

    /// Ends what was begun. The daemon may have used a name again since, so only what is the same
    /// file still is moved; the first of a text last, since its name keeps the others' from being
    /// used.
    pub fn end_taking(&self) -> io::Result<()> {
        for journal in files(&self.settings.done.join("journal"))? {
            if !journal.name.starts_with('.') {
                let lines = fs::read_to_string(&journal.path)?;
                let mut entries = files(&self.settings.incoming)?;
                entries.retain(|entry| lines.lines().any(|line| line == journal_line(entry)));
                entries.sort_by(|a, b| b.name.cmp(&a.name));
                entries.iter().try_for_each(|entry| self.take(entry))?;
            }
            fs::remove_file(&journal.path)?;
        }
        Ok(())
    }

    fn take(&self, entry: &Entry) -> io::Result<()> {
        let to = self.settings.done.join("in").join(&entry.name);
        self.away(entry, to)
    }

    /// A file of ours of which the end is known: `sent` or `failed`.
    pub fn ended(&self, entry: &Entry, id: &str, end: &str) -> io::Result<()> {
        self.away(entry, self.out(id, end))
    }

    /// What nobody can understand.
    pub fn set_aside(&self, entry: &Entry) -> io::Result<()> {
        let to = self.settings.done.join("bad").join(&entry.name);
        carry(&entry.path, &free(to))
    }

    fn out(&self, id: &str, end: &str) -> PathBuf {
        self.settings.done.join("out").join(format!("{id}.{end}"))
    }

    fn away(&self, entry: &Entry, to: PathBuf) -> io::Result<()> {
        match self.settings.keep_days {
            0 => fs::remove_file(&entry.path),
            _ => carry(&entry.path, &free(to)),
        }
    }

    /// Remembers by which number of the network a piece went to somebody. Numbers of the network
    /// are small and come again; the last one counts.
    pub fn refer(&self, number: &str, message_id: &str, id: &str) -> io::Result<()> {
        let Some(path) = self.reference(number, message_id) else {
            return Ok(());
        };
        let part = path.with_extension("part");
        write(&part, id.as_bytes())?;
        fs::rename(&part, path)
    }

    /// Which piece a receipt is about.
    pub fn referred(&self, number: &str, message_id: &str) -> Option<String> {
        let path = self.reference(number, message_id)?;
        fs::read_to_string(path).ok()
    }

    /// Networks write one number in different ways, and its last digits alike.
    fn reference(&self, number: &str, message_id: &str) -> Option<PathBuf> {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let last = digits.get(digits.len().saturating_sub(9)..)?;
        // The last of those that a text of several parts was given.
        let message: u32 = message_id.split_whitespace().last()?.parse().ok()?;
        let name = format!("{last}-{message}");
        Some(self.settings.done.join("ref").join(name))
    }

    /// Forgets what is older than it is kept.
    pub fn prune(&self) -> io::Result<()> {
        let kept = Duration::from_secs(u64::from(self.settings.keep_days) * 86_400);
        let done = &self.settings.done;
        prune(&done.join("in"), kept)?;
        prune(&done.join("out"), kept)?;
        prune(&done.join("ref"), REFERENCES_KEPT)?;
        prune(&done.join("bad"), kept.max(BAD_KEPT))
    }
}

fn unusable(folder: &Path, e: &io::Error) -> Failure {
    Failure::retry(format!(
        "folder {}: {e}; it must be there, and the bridge must be able to write in it",
        folder.display()
    ))
}

/// Both daemons pass hidden names over.
fn prove_one(folder: &Path) -> io::Result<()> {
    File::create(folder.join(format!("{PART}probe")))?;
    for entry in files(folder)? {
        if entry.name.starts_with(PART) {
            fs::remove_file(entry.path)?;
        }
    }
    Ok(())
}

fn write(path: &Path, body: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(body)?;
    file.sync_all()
}

fn journal_line(entry: &Entry) -> String {
    let came = entry.came.duration_since(SystemTime::UNIX_EPOCH);
    let nanos = came.unwrap_or_default().as_nanos();
    format!("{} {} {nanos}", entry.name, entry.size)
}

/// This name, or another when it is taken.
fn free(path: PathBuf) -> PathBuf {
    if !path.exists() {
        return path;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut others = (1..10_000).map(|n| path.with_file_name(format!("{name}~{n}")));
    let other = others.find(|other| !other.exists());
    other.unwrap_or_else(|| path.clone())
}

/// Moves a file, also onto another file system: there it is in both places for a moment.
fn carry(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
            write(to, &fs::read(from)?)?;
            fs::remove_file(from)
        }
        moved => moved,
    }
}

fn prune(folder: &Path, kept: Duration) -> io::Result<()> {
    for entry in files(folder)? {
        if entry.came.elapsed().is_ok_and(|age| age > kept) {
            fs::remove_file(entry.path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
