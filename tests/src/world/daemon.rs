//! A true binary as a child process.

use super::until;
use crate::servers::ministack;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Starts the daemon, tells its process id, kills it when nobody holds us any more, and ends as it
/// ended (137 when it was killed).
const LEASH: &str = r#"
exec 3<&0
"$@" </dev/null >/dev/null 3<&- &
daemon=$!
echo "$daemon"
exec >/dev/null
{ cat <&3; kill -KILL "$daemon"; } 2>/dev/null &
guard=$!
wait "$daemon"
code=$?
kill "$guard" 2>/dev/null
exit "$code"
"#;

/// How a daemon ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended(pub i32);

/// One daemon.
pub struct Process {
    shell: Child,
    hold: Option<ChildStdin>,
    pid: u32,
    log: PathBuf,
}

impl Process {
    /// Starts the binary of this daemon with this settings file; its words go to `log`.
    pub(super) fn start(daemon: &str, settings: &Path, log: &Path) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", LEASH, "leash"])
            .arg(program(daemon))
            .arg("--config")
            .arg(settings)
            .envs(ministack::variables())
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log).expect("a log"))
            .process_group(0)
            .spawn()
            .expect("sh starts");
        let mut line = String::new();
        let told = shell.stdout.take().expect("stdout was asked for");
        let read = BufReader::new(told).read_line(&mut line);
        read.expect("sh tells the process id");
        Self {
            hold: shell.stdin.take(),
            shell,
            pid: line.trim().parse().expect("a process id"),
            log: log.to_owned(),
        }
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it says this; fails the test when it ends before or takes too long.
    pub async fn wait_for(&mut self, words: &str) {
        let mut said = false;
        until(&format!("a daemon that says {words:?}"), async || {
            // Asked before reading, so that last words are not missed.
            let runs = self.is_running();
            said = self.said().contains(words);
            said || !runs
        })
        .await;
        assert!(said, "it ended and never said {words:?}");
    }

    /// Does it still run?
    pub fn is_running(&mut self) -> bool {
        self.shell.try_wait().is_ok_and(|code| code.is_none())
    }

    /// Sends a signal by its name (`TERM`, `KILL`, `HUP`, `STOP`).
    pub fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{name}")).arg(self.pid.to_string());
        // It may have ended by itself.
        let _ = kill.stderr(Stdio::null()).status();
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub async fn kill(&mut self) -> Ended {
        self.signal("KILL");
        self.ended().await
    }

    /// Asks it to stop, and waits until it did.
    pub async fn terminate(&mut self) -> Ended {
        self.signal("TERM");
        self.ended().await
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> Ended {
        until("a daemon to end", async || !self.is_running()).await;
        let status = self.shell.wait().expect("it was started");
        Ended(status.code().unwrap_or(-1))
    }

    pub(super) fn end_for_good(&mut self) {
        drop(self.hold.take());
        let _ = self.shell.wait();
    }

    /// For a failed test.
    #[expect(clippy::print_stderr, reason = "shown with a failed test only")]
    pub(super) fn print(&self) {
        eprintln!("---- {}\n{}", self.log.display(), self.said());
    }
}

/// Beside the folder of the test programs, or in the folder that the environment names.
pub(super) fn program(daemon: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test program has a path");
    let beside = || test.parent().and_then(Path::parent).map(Path::to_owned);
    let named = std::env::var_os("KENTONGAN_BIN").map(PathBuf::from);
    let folder = named.or_else(beside).expect("a folder");
    let program = folder.join(format!("kentongan-{daemon}"));
    let remedy = "build the programs first: make test, or cargo build --workspace --bins";
    assert!(program.exists(), "{}: {remedy}", program.display());
    program
}
