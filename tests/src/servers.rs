//! Servers that a test brings along. All listen on loopback, on a free port, and end with the test
//! process however that ends: each is a child of a small shell that waits for its standard input
//! to close, which the kernel does when we are gone.

pub mod gammu;
pub mod ministack;
pub mod postfix;
pub mod postgres;
pub mod prosody;
pub mod provider;
pub mod proxy;
pub mod smsc;
pub mod smtp;
pub mod telegram;
pub mod web;
pub mod whatsapp;

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts the command, tells its process id, waits until nobody holds us, ends it, and reaps it.
const LEASH: &str = r#"
signal="$1"; shift
"$@" </dev/null >/dev/null &
child=$!
echo "$child"
exec >/dev/null
cat >/dev/null
kill -"$signal" "$child" 2>/dev/null
wait "$child"
exit 0
"#;

/// Waits until nobody holds us, then until the server let go of its folder, and removes that.
const BROOM: &str = r#"
cat >/dev/null
i=0
while [ -e "$1/data/postmaster.pid" ] && [ $i -lt 50 ]; do i=$((i+1)); sleep 0.1; done
rm -rf "$1"
"#;

/// A server that runs for as long as this is kept, and never longer than the test process.
pub struct Leash {
    shell: Child,
    /// Closing it ends the server.
    hold: Option<ChildStdin>,
    /// The server's own process id.
    pub pid: u32,
}

impl Leash {
    /// Starts a command (program, arguments) that `signal` ends without delay. What it says on
    /// stderr goes to `log`.
    pub fn start(signal: &str, command: &[String], vars: &[(&str, String)], log: Stdio) -> Self {
        let mut shell = shell(LEASH);
        shell.arg(signal).args(command);
        Self::hold(shell.envs(vars.iter().cloned()).stderr(log))
    }

    /// The same for one that only root may run; by `sudo` where we are somebody else.
    pub fn start_as_root(signal: &str, command: &[String], log: Stdio) -> Self {
        let mut shell = as_root("sh");
        shell.args(["-c", LEASH, "leash", signal]).args(command);
        Self::hold(shell.stdin(Stdio::piped()).process_group(0).stderr(log))
    }

    fn hold(shell: &mut Command) -> Self {
        let mut shell = shell.stdout(Stdio::piped()).spawn().expect("sh starts");
        let told = shell.stdout.take().expect("stdout was asked for");
        let mut line = String::new();
        BufReader::new(told)
            .read_line(&mut line)
            .expect("sh tells the process id");
        Self {
            hold: shell.stdin.take(),
            shell,
            pid: line.trim().parse().expect("a process id"),
        }
    }

    /// Has the server not ended yet?
    pub fn is_running(&self) -> bool {
        // "<pid> (<name>) <state> ...": a dead one is a zombie until the shell reaps it.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    /// Sends the server a signal by its name (`INT`, `KILL`, `STOP`).
    pub fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{name}")).arg(self.pid.to_string());
        // It may have ended by itself.
        let _ = kill.stderr(Stdio::null()).status();
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        drop(self.hold.take());
        // The shell reaps the server, so that its process id is not taken for a living one.
        let _ = self.shell.wait();
    }
}

/// Removes a folder when the test process is gone.
fn sweep_after_us(folder: &std::path::Path) -> Child {
    shell(BROOM)
        .arg(folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("sh starts")
}

/// A shell in a process group of its own: Ctrl-C ends the test, and the shell then cleans up.
fn shell(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script, "leash"])
        .stdin(Stdio::piped())
        .process_group(0);
    shell
}

/// A command of root's, by `sudo` without a password where we are somebody else.
pub fn as_root(program: &str) -> Command {
    use std::os::unix::fs::MetadataExt;
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if root {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", program]);
    sudo
}

/// A program of the system, where packages put those for administrators too.
pub fn installed(program: &str, remedy: &str) -> String {
    let folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
    let paths = folders.map(|folder| format!("{folder}/{program}"));
    let found = paths.into_iter().find(|p| std::path::Path::new(p).exists());
    found.unwrap_or_else(|| panic!("{program} is missing: {remedy}"))
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    probe
        .local_addr()
        .expect("a bound port has a number")
        .port()
}

/// Waits for a condition; `false` when it did not come true in time.
pub fn wait_until(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + limit;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Leash {
        Leash::start("KILL", &["sleep".into(), "600".into()], &[], Stdio::null())
    }

    fn lives(pid: u32) -> bool {
        std::path::Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn a_server_ends_with_its_leash() {
        let leash = sleeper();
        let pid = leash.pid;
        assert!(leash.is_running() && lives(pid));
        drop(leash);
        assert!(!lives(pid), "ended and reaped");
    }

    #[test]
    fn a_killed_server_is_known_as_such() {
        let leash = sleeper();
        leash.signal("KILL");
        assert!(wait_until(Duration::from_secs(5), || !leash.is_running()));
    }
}
