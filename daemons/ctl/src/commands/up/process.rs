//! One child process: started, heard, known to be ready, restarted, stopped.

use super::stream::{Source, Stream};
use crate::exit::{Fault, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// So many deaths within [`WINDOW`] and the whole is given up: it would go on for ever.
const MOST_DEATHS: usize = 5;

/// See [`MOST_DEATHS`].
const WINDOW: Duration = Duration::from_secs(60);

/// What a process is, apart from whether it runs.
pub struct Role {
    /// As its lines are marked.
    pub name: &'static str,
    /// What to start.
    pub make: Box<dyn Fn() -> Command>,
    /// What stops it in order.
    pub stop: Signal,
    /// How long that may take before it is killed.
    pub grace: Duration,
    /// Where it says that it is ready, if it does (systemd's protocol).
    pub notify: Option<PathBuf>,
}

/// A running child.
pub struct Process {
    role: Role,
    child: Child,
    ready: watch::Receiver<bool>,
    deaths: VecDeque<Instant>,
    stream: Stream,
    colour: u8,
}

impl Process {
    /// Starts it. Its lines go into the stream from now on.
    pub fn start(role: Role, stream: Stream, colour: u8) -> Result<Self> {
        let (child, ready) = spawn(&role, &stream, colour)?;
        Ok(Self {
            role,
            child,
            ready,
            deaths: VecDeque::new(),
            stream,
            colour,
        })
    }

    /// Its process number while it runs.
    #[cfg(test)]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it says that it is ready; fails when it ends or takes too long.
    pub async fn ready(&mut self, limit: Duration) -> Result<()> {
        let name = self.role.name;
        let mut ready = self.ready.clone();
        let outcome = timeout(limit, async {
            tokio::select! {
                Ok(_) = ready.wait_for(|ready| *ready) => None,
                ended = self.child.wait() => Some(ended),
            }
        });
        match outcome.await {
            Ok(None) => Ok(()),
            Ok(Some(ended)) => Err(Fault::new(format!(
                "{name} ended at its start ({})",
                how(&ended?)
            ))
            .remedy("its last lines above say why")),
            Err(_) => Err(Fault::new(format!(
                "{name} was not ready within {} s",
                limit.as_secs()
            ))),
        }
    }

    /// Starts it anew after it died; refuses when it dies too often or says that its settings are
    /// wrong (78), which no restart mends.
    pub fn restart(&mut self, ended: ExitStatus) -> Result<()> {
        let (name, now) = (self.role.name, Instant::now());
        if ended.code() == Some(78) {
            return Err(Fault::new(format!("{name} cannot use its settings"))
                .remedy("its last lines above say why"));
        }
        self.deaths.push_back(now);
        self.deaths
            .retain(|death| now.duration_since(*death) < WINDOW);
        if self.deaths.len() >= MOST_DEATHS {
            let seconds = WINDOW.as_secs();
            let what = format!("{name} died {MOST_DEATHS} times within {seconds} s");
            return Err(Fault::new(what).remedy("its last lines above say why"));
        }
        self.stream
            .say(format!("{name} died ({}); starting it again", how(&ended)));
        (self.child, self.ready) = spawn(&self.role, &self.stream, self.colour)?;
        Ok(())
    }

    /// Passes a signal on to it.
    pub fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            // It may have ended a moment ago.
            let _ = kill_process(pid, signal);
        }
    }

    /// Stops it in order, by force after its grace.
    pub async fn stop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        self.signal(self.role.stop);
        if timeout(self.role.grace, self.child.wait()).await.is_ok() {
            return;
        }
        let (name, grace) = (self.role.name, self.role.grace.as_secs());
        self.stream
            .say(format!("{name} did not stop within {grace} s; killing it"));
        // It may have ended a moment ago.
        let _ = self.child.kill().await;
    }
}

fn spawn(role: &Role, stream: &Stream, colour: u8) -> Result<(Child, watch::Receiver<bool>)> {
    let (told, ready) = watch::channel(false);
    let mut command = (role.make)();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .env_remove("JOURNAL_STREAM")
        // Ctrl-C reaches every process of the terminal's group; the order of stopping is ours.
        .process_group(0)
        .kill_on_drop(true);
    if let Some(path) = &role.notify {
        let heard = listen(path)?;
        command.env("NOTIFY_SOCKET", path);
        tokio::spawn(hear(heard, told));
    }
    let program = command.as_std().get_program().to_owned();
    let mut child = command
        .spawn()
        .map_err(|e| Fault::new(format!("cannot start {}: {e}", program.display())))?;
    let source = Source::child(role.name, colour);
    if let Some(out) = child.stdout.take() {
        tokio::spawn(pump(out, source, stream.clone()));
    }
    if let Some(err) = child.stderr.take() {
        tokio::spawn(pump(err, source, stream.clone()));
    }
    Ok((child, ready))
}

fn listen(path: &Path) -> Result<UnixDatagram> {
    // Left over from the life before; there may be none.
    let _ = std::fs::remove_file(path);
    Ok(UnixDatagram::bind(path)?)
}

/// Reads for as long as the child lives: a full socket would make it stand still.
async fn hear(socket: UnixDatagram, told: watch::Sender<bool>) {
    let mut buffer = [0; 4096];
    while let Ok(length) = socket.recv(&mut buffer).await {
        let said = String::from_utf8_lossy(&buffer[..length]);
        if said.lines().any(|line| line == "READY=1") {
            told.send_replace(true);
        }
        if told.is_closed() {
            return;
        }
    }
}

async fn pump(from: impl AsyncRead + Unpin, source: Source, stream: Stream) {
    let mut lines = BufReader::new(from).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        stream.print(source, &String::from_utf8_lossy(&line));
    }
}

/// How a process ended, in a few words.
fn how(status: &ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (_, Some(signal)) => format!("signal {signal}"),
        _ => "unknown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::out::{Out, When};

    fn shell(script: &'static str) -> Role {
        Role {
            name: "child",
            make: Box::new(move || {
                let mut command = Command::new("/bin/sh");
                command.args(["-c", script]);
                command
            }),
            stop: Signal::TERM,
            grace: Duration::from_secs(20),
            notify: None,
        }
    }

    fn stream() -> Stream {
        Stream::new(Out::new(false, When::Never))
    }

    #[tokio::test]
    async fn a_child_that_ends_at_its_start_is_no_ready_one() {
        let mut child = Process::start(shell("exit 3"), stream(), 0).unwrap();
        let fault = child.ready(Duration::from_secs(20)).await.unwrap_err();
        assert!(fault.what.contains("exit code 3"), "{fault}");
    }

    #[tokio::test]
    async fn a_child_that_dies_again_and_again_is_given_up() {
        let mut child = Process::start(shell("exit 1"), stream(), 0).unwrap();
        for _ in 1..MOST_DEATHS {
            let ended = child.child.wait().await.unwrap();
            child.restart(ended).unwrap();
        }
        let ended = child.child.wait().await.unwrap();
        assert!(child.restart(ended).is_err());
    }

    #[tokio::test]
    async fn wrong_settings_are_not_tried_again() {
        let mut child = Process::start(shell("exit 78"), stream(), 0).unwrap();
        let ended = child.child.wait().await.unwrap();
        assert!(child.restart(ended).unwrap_err().what.contains("settings"));
    }

    #[tokio::test]
    async fn a_child_is_stopped_and_gone() {
        let mut child = Process::start(shell("exec sleep 600"), stream(), 0).unwrap();
        let id = child.id().unwrap();
        child.stop().await;
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }

    #[tokio::test]
    async fn a_child_that_will_not_stop_is_killed() {
        let mut role = shell("trap '' TERM; while :; do sleep 0.1; done");
        role.grace = Duration::from_millis(300);
        let mut child = Process::start(role, stream(), 0).unwrap();
        let id = child.id().unwrap();
        child.stop().await;
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }
}
