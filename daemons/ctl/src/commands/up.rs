//! `kentongan up`: the one-box home in one terminal.

mod folder;
mod prepare;
mod process;
mod stream;

use crate::cluster::Cluster;
use crate::context::Context;
use crate::exit::{Exit, Fault, Result};
use crate::tied::tied;
use clap::Args;
use common::config::Settings;
use folder::Folder;
use process::{Process, Role};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::Duration;
use stream::Stream;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, interval, sleep};

/// The daemons of every one-box home, in the order in which they start.
const DAEMONS: [&str; 2] = ["processor", "mailer"];

/// The one that starts where networks or a mail server bring something (`[bridge]`).
const BRIDGE: &str = "bridge";

/// A database that has not answered by then does not start at all; recovery after a crash takes
/// seconds.
const DATABASE_WAIT: Duration = Duration::from_secs(60);

/// Daemons wait up to a minute for the database themselves.
const DAEMON_WAIT: Duration = Duration::from_secs(90);

/// Run the whole of Kentongan in this terminal
///
/// Makes what is missing: a private PostgreSQL in a folder (or uses the database that --config
/// names), the schema, the queues, the shipped lists and places. Then starts the daemons and shows
/// their lines in one stream. Ctrl-C stops all in order. Run it again and everything is still there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan up --load demo                         with invented people, to try it out
  kentongan up --folder /srv/kentongan
  kentongan up --config /etc/kentongan/kentongan.toml
  kentongan up --ready-file /tmp/ready &           for scripts: the file appears when all answers")]
pub struct Up {
    /// Where everything lies [default: ./kentongan-home]
    #[arg(
        long,
        value_name = "DIR",
        default_value = "kentongan-home",
        hide_default_value = true
    )]
    folder: PathBuf,
    /// Use a database of our own, although settings are named by --config or KENTONGAN_CONFIG
    #[arg(long)]
    private_database: bool,
    /// What to load besides the shipped lists and places
    #[arg(long, value_name = "WHAT", default_value = "shipped")]
    load: Load,
    /// Write this file when everything answers; it holds the settings file's path
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Start no daemons: for those who run theirs elsewhere
    #[arg(long)]
    no_daemons: bool,
}

/// What to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Load {
    /// Lists, user types, permissions.
    Lists,
    /// These and the places of Indonesia.
    Shipped,
    /// Invented people too; never where real people send messages.
    Demo,
    /// Nothing.
    Nothing,
}

/// What runs at the moment.
#[derive(Default)]
struct Running {
    database: Option<Process>,
    daemons: Vec<Process>,
}

impl Up {
    pub async fn run(self, context: &Context) -> Result {
        let stream = Stream::new(context.out);
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let mut running = Running::default();
        let ended = tokio::select! {
            ended = self.live(context, &stream, &mut running) => ended,
            _ = interrupted.recv() => Ok(Exit::Done),
            _ = terminated.recv() => Ok(Exit::Done),
        };
        if running.is_nothing() {
            return ended;
        }
        self.not_ready();
        if let Err(fault) = &ended {
            stream.say(&fault.what);
        }
        stream.say("stopping; once more Ctrl-C stops at once");
        tokio::select! {
            () = running.stop() => stream.say("everything is stopped"),
            _ = interrupted.recv() => running.kill(&stream).await,
            _ = terminated.recv() => running.kill(&stream).await,
        }
        ended
    }

    /// Everything from nothing to running, and then for as long as nothing breaks.
    async fn live(&self, context: &Context, stream: &Stream, running: &mut Running) -> Result {
        let folder = Folder::open(&self.folder)?;
        self.not_ready();
        // Who did as the welcome says names our own settings; their database is not there yet.
        let named = context.global.config.clone();
        let named = named.filter(|file| !self.private_database && !folder.wrote(file));
        let file = match named {
            Some(file) => file,
            None => private_database(&folder, stream, running).await?,
        };
        let settings = Settings::read(&file)?;
        prepare::all(&settings, self.load, stream).await?;
        if !self.no_daemons {
            start_daemons(&folder, (&file, &settings), stream, running).await?;
        }
        if let Some(ready) = &self.ready_file {
            prepare::write_whole(ready, &format!("{}\n", file.display()))?;
        }
        for line in welcome(&file, &settings, self.load).lines() {
            context.out.line(line)?;
        }
        supervise(running).await
    }

    /// Takes the ready file away, if one was asked for and is there.
    fn not_ready(&self) {
        if let Some(file) = &self.ready_file {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Starts our own PostgreSQL and waits until it answers; the settings file that names it.
async fn private_database(
    folder: &Folder,
    stream: &Stream,
    running: &mut Running,
) -> Result<PathBuf> {
    let cluster = Cluster::prepare(&folder.path)?;
    if let Some(process) = cluster.stop_leftover().await? {
        stream.say(format!(
            "stopped PostgreSQL of an earlier run (process {process})"
        ));
    }
    cluster.init().await?;
    let server = cluster.clone();
    let role = Role {
        name: "database",
        make: Box::new(move || server.server()),
        stop: Signal::INT,
        grace: Duration::from_secs(30),
        notify: None,
    };
    let database = running
        .database
        .insert(Process::start(role, stream.clone(), 0)?);
    let until = Instant::now() + DATABASE_WAIT;
    while !cluster.answers() {
        if database.ended().is_some() || Instant::now() > until {
            return Err(Fault::new("the private PostgreSQL does not start")
                .remedy("its last lines above say why"));
        }
        sleep(Duration::from_millis(30)).await;
    }
    cluster.create_database().await?;
    folder.settings(&cluster.url())
}

/// Those that have something to do.
fn daemons(settings: &Settings) -> Vec<&'static str> {
    let bridge = &settings.bridge;
    let bridged = !bridge.run.is_empty() || bridge.lmtp.is_some();
    DAEMONS
        .into_iter()
        .chain(bridged.then_some(BRIDGE))
        .collect()
}

async fn start_daemons(
    folder: &Folder,
    (file, settings): (&Path, &Settings),
    stream: &Stream,
    running: &mut Running,
) -> Result<()> {
    let beside = std::env::current_exe()?;
    let sockets = sockets(&folder.path)?;
    for (at, name) in (1u8..).zip(daemons(settings)) {
        let program = beside.with_file_name(format!("kentongan-{name}"));
        if !program.exists() {
            return Err(
                Fault::new(format!("{} is missing", program.display())).remedy(
                    "the daemons lie beside this program: `cargo build --workspace --bins`, or \
                 install the whole package",
                ),
            );
        }
        let file = file.to_owned();
        let role = Role {
            name,
            make: Box::new(move || daemon(&program, &file)),
            stop: Signal::TERM,
            // Longer than a daemon's own budget (`frame.stop_budget_s`).
            grace: Duration::from_secs(40),
            notify: Some(sockets.join(name)),
        };
        running
            .daemons
            .push(Process::start(role, stream.clone(), at)?);
    }
    for daemon in &mut running.daemons {
        daemon.ready(DAEMON_WAIT).await?;
    }
    Ok(())
}

fn daemon(program: &Path, file: &Path) -> Command {
    let mut command = tied(program, "TERM");
    command.arg("--config").arg(file);
    command.env("KENTONGAN_LOG__TO", "stderr");
    command
}

/// Where daemons say that they are ready; a socket's path must be short.
fn sockets(folder: &Path) -> Result<PathBuf> {
    let inside = folder.join("run");
    let sockets = if inside.as_os_str().len() <= 90 {
        inside
    } else {
        let name = common::envelope::derived_id(&[folder.as_os_str().as_encoded_bytes()]);
        std::env::temp_dir().join(format!("kentongan-run-{}", name.simple()))
    };
    std::fs::create_dir_all(&sockets)?;
    Ok(sockets)
}

/// Starts again what dies; returns only when something dies too often. SIGHUP is passed on.
async fn supervise(running: &mut Running) -> Result {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut look = interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            _ = look.tick() => running.mend()?,
            _ = hangup.recv() => running.daemons.iter().for_each(|d| d.signal(Signal::HUP)),
        }
    }
}

impl Running {
    fn is_nothing(&self) -> bool {
        self.database.is_none() && self.daemons.is_empty()
    }

    fn mend(&mut self) -> Result<()> {
        for process in self.daemons.iter_mut().chain(&mut self.database) {
            if let Some(ended) = process.ended() {
                process.restart(ended)?;
            }
        }
        Ok(())
    }

    /// Daemons first and all at once, then the database that they finish their work with.
    async fn stop(&mut self) {
        for daemon in &self.daemons {
            daemon.signal(Signal::TERM);
        }
        for daemon in &mut self.daemons {
            daemon.stop().await;
        }
        if let Some(database) = &mut self.database {
            database.stop().await;
        }
    }

    /// At once: the daemons' messages come again, and PostgreSQL recovers at its next start.
    async fn kill(&mut self, stream: &Stream) {
        stream.say("stopping at once");
        for daemon in &self.daemons {
            daemon.signal(Signal::KILL);
        }
        if let Some(database) = &mut self.database {
            // Immediate shutdown: its own children go with it.
            database.signal(Signal::QUIT);
            database.stop().await;
        }
    }
}

fn welcome(file: &Path, settings: &Settings, load: Load) -> String {
    // As it was called here: it need not be in the path of that terminal.
    let kentongan = std::env::args().next();
    let kentongan = kentongan.unwrap_or_else(|| "kentongan".into());
    let people = match load {
        Load::Demo => "people show Demo          # invented people: reporters, vets and others",
        _ => "load people FILE          # who may report; `up --load demo` brings invented people",
    };
    let (file, database) = (file.display(), &settings.database.url);
    let mails = match &settings.transport {
        common::config::TransportSettings::Maildir { folder } => {
            format!(
                "\nMails that go out are files in {}/new\n",
                folder.display()
            )
        }
        _ => String::new(),
    };
    format!(
        "
Kentongan is up. In another terminal:

  export KENTONGAN_CONFIG={file}
  {kentongan} {people}
  {kentongan} send text --from 081234567890 \"U MC,DM SP 5\"
  {kentongan} submit mail --to {to} < FILE
  {kentongan} queues list
  psql \"{database}\"
{mails}
Ctrl-C stops everything.
",
        to = settings.mail.from,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bridge_starts_where_it_has_something_to_do() {
        let all = ["processor", "mailer", "bridge"];
        for (variable, count) in [
            (None, 2),
            (Some(("KENTONGAN_BRIDGE__RUN", "[\"sms\"]")), 3),
            (Some(("KENTONGAN_BRIDGE__LMTP", "127.0.0.1:8424")), 3),
        ] {
            let variable = variable.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let settings = Settings::parse(include_str!("up/kentongan.toml"), variable.into_iter());
            assert_eq!(daemons(&settings.unwrap()), all[..count]);
        }
    }
}
