//! A daemon under measurement, and what the kernel knows of processes.

use crate::servers::{Leash, ministack};
use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Clock ticks in a second, in which the kernel counts processor time; 100 on every Linux.
const TICKS: f64 = 100.0;

/// How long a daemon may take to get ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running daemon.
pub struct Daemon {
    leash: Leash,
    /// From its start to the word that systemd waits for.
    pub ready: Duration,
}

impl Daemon {
    /// Starts `kentongan-<name>`, which lies beside this program or in the folder `KENTONGAN_BIN`,
    /// and waits until it is ready.
    pub fn start(name: &str, folder: &Path, settings: &Path) -> Self {
        let own = std::env::current_exe().expect("this program has a path");
        let named = std::env::var_os("KENTONGAN_BIN").map(PathBuf::from);
        let beside = own.parent().map(Path::to_owned);
        let folder_of_programs = named.or(beside).expect("a folder");
        let program = folder_of_programs.join(format!("kentongan-{name}"));
        let remedy = "build the programs first: cargo build --release --workspace --bins";
        assert!(program.exists(), "{}: {remedy}", program.display());
        let socket = folder.join(format!("notify-{name}"));
        // Left by an earlier daemon of this name.
        let _ = fs::remove_file(&socket);
        let heard = UnixDatagram::bind(&socket).expect("a socket for its words");
        heard
            .set_read_timeout(Some(PATIENCE))
            .expect("a time limit");
        let log = File::create(folder.join(format!("{name}.log"))).expect("a log");
        let words = [program.display(), settings.display()].map(|p| p.to_string());
        let [program, settings] = words;
        let mut vars = vec![("NOTIFY_SOCKET", socket.display().to_string())];
        vars.extend(ministack::variables().map(|(name, value)| (name, value.to_owned())));
        let since = Instant::now();
        let command = [program, "--config".into(), settings];
        let leash = Leash::start("TERM", &command, &vars, log.into());
        let ready = until_ready(&heard, since, folder, name);
        Self { leash, ready }
    }

    /// Processor time that it has used so far, in seconds.
    pub fn cpu(&self) -> f64 {
        cpu(self.leash.pid).0
    }

    /// Resident memory in MB, now and at most.
    pub fn memory(&self) -> (f64, f64) {
        (self.megabytes("VmRSS:"), self.megabytes("VmHWM:"))
    }

    /// How much of the resident memory is its own, in MB; the rest are pages of the program's file,
    /// which the system drops when it needs them.
    pub fn private(&self) -> f64 {
        self.megabytes("RssAnon:")
    }

    fn megabytes(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.leash.pid));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|l| l.starts_with(name));
        let kb = line.and_then(|l| l.split_whitespace().nth(1));
        kb.and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
    }
}

fn until_ready(heard: &UnixDatagram, since: Instant, folder: &Path, name: &str) -> Duration {
    let mut words = [0; 4096];
    while since.elapsed() < PATIENCE {
        let Ok(length) = heard.recv(&mut words) else {
            break;
        };
        if String::from_utf8_lossy(&words[..length]).contains("READY=1") {
            return since.elapsed();
        }
    }
    let log = fs::read_to_string(folder.join(format!("{name}.log"))).unwrap_or_default();
    panic!("kentongan-{name} did not get ready:\n{log}");
}

/// Processor time of a server and of all its children, the ended ones included, in seconds.
pub fn cpu_of_server(pid: u32) -> f64 {
    let children = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = children.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    let (own, ended) = cpu(pid);
    let living: f64 = children
        .filter(|c| parent(*c) == Some(pid))
        .map(|c| cpu(c).0)
        .sum();
    own + ended + living
}

/// Of the process itself and of its ended children.
fn cpu(pid: u32) -> (f64, f64) {
    let stat = stat(pid);
    let ticks = |at: usize| {
        stat.get(at)
            .and_then(|t| t.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (
        (ticks(11) + ticks(12)) / TICKS,
        (ticks(13) + ticks(14)) / TICKS,
    )
}

fn parent(pid: u32) -> Option<u32> {
    stat(pid).get(1)?.parse().ok()
}

/// Fields of `/proc/<pid>/stat` from the state on: the name before it may hold blanks.
fn stat(pid: u32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(") ").map(|(_, rest)| rest.to_owned());
    let rest = rest.unwrap_or_default();
    rest.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_of_this_process_grows() {
        let before = cpu(std::process::id()).0;
        let until = Instant::now() + Duration::from_secs(20);
        while cpu(std::process::id()).0 < before + 0.05 {
            assert!(Instant::now() < until, "it did not grow");
        }
    }

    #[test]
    fn a_process_has_its_parent() {
        let own = std::process::id();
        assert!(parent(own).is_some_and(|p| p != own));
    }
}
