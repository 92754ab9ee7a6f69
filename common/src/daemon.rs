//! The frame that every daemon stands in. Read [`run`] and then `Daemon::work`: settings,
//! logging, signals, database proven, schema checked, queues checked, ready, loop, orderly stop.

mod arguments;
mod attempts;
mod batch;
mod breaker;
mod leases;
mod line;
mod pulse;
mod settle;
mod together;
mod upkeep;
mod work;

pub use arguments::SETTINGS;

use crate::config::{Frame, Settings};
use crate::db;
use crate::handler::{Adopt, Deliverer, Foreign, Handler};
use crate::home::Home;
use crate::messages::Message;
use crate::shutdown::{self, Shutdown};
use crate::telemetry::{self, Levels};
use crate::{Failure, Result};
use arguments::{Arguments, complain};
use line::{Line, Taker};
use pulse::Pulse;
use sd_notify::NotifyState;
use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

/// How long a starting daemon waits for a database that is not there yet.
const START_WAIT: Duration = Duration::from_secs(60);

/// What a daemon declares and what the frame gives it for that.
pub struct Daemon {
    name: &'static str,
    settings: Settings,
    home: Home,
    takers: Vec<(String, Taker)>,
    adopt: HashMap<String, Adopt>,
    most: HashMap<String, usize>,
    reloads: Vec<Reload>,
    endings: Vec<Reload>,
}

type Reload = Box<dyn Fn() -> futures_util::future::BoxFuture<'static, Result> + Send + Sync>;

/// Runs a daemon until it is told to stop. `declare` says which handlers it has. Exit codes: 0
/// after an orderly stop, 1 after a failure at start or a second SIGTERM, 78 for settings that
/// cannot be used (systemd: do not restart).
pub fn run(name: &'static str, declare: impl AsyncFnOnce(&mut Daemon) -> Result) -> ExitCode {
    let arguments = match Arguments::read(name) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let settings = match Settings::read(&arguments.config) {
        Ok(settings) => settings,
        Err(e) => return complain(name, &e, 78),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => return complain(name, &e, 1),
    };
    let levels = match telemetry::start(&settings.log, name) {
        Ok(levels) => levels,
        Err(e) => return complain(name, &e, 78),
    };
    match runtime.block_on(lifetime(name, settings, levels, declare)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            error!(error = %e, "Cannot go on");
            let unusable = matches!(e.verdict, crate::Verdict::Quarantine);
            ExitCode::from(if unusable { 78 } else { 1 })
        }
    }
}

async fn lifetime(
    name: &'static str,
    settings: Settings,
    levels: Levels,
    declare: impl AsyncFnOnce(&mut Daemon) -> Result,
) -> Result {
    let shutdown = shutdown::listen()?;
    telemetry::serve_metrics(&settings, name)?;
    let home = Home::open(&settings, name).await?;
    if !proven(&home, name, &shutdown).await? {
        return Ok(());
    }
    db::schema_version(&home.db).await?;
    let mut daemon = Daemon {
        name,
        settings,
        home,
        takers: Vec::new(),
        adopt: HashMap::new(),
        most: HashMap::new(),
        reloads: Vec::new(),
        endings: Vec::new(),
    };
    declare(&mut daemon).await?;
    daemon.check_queues().await?;
    daemon.work(shutdown, levels).await;
    Ok(())
}

impl Daemon {
    /// The fleet's settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A daemon's own section of the settings.
    pub fn section<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        table: &toml::Table,
    ) -> Result<T> {
        self.settings
            .section(name, table)
            .map_err(Failure::quarantine)
    }

    /// Database, queues and blobs.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Gives the messages of a queue to a handler.
    pub fn on<H: Handler>(&mut self, handler: H) -> &mut Self {
        let work = Arc::new(work::Handling(Arc::new(handler)));
        self.takers
            .push((H::Message::KIND.to_owned(), Taker::Handler(work)));
        self
    }

    /// Gives the messages of a queue to somebody who hands them to the outside world.
    pub fn deliver<D: Deliverer>(&mut self, deliverer: D) -> &mut Self {
        self.deliver_from(D::Message::KIND, deliverer)
    }

    /// The same for one of several queues whose messages are of one kind.
    pub fn deliver_from<D: Deliverer>(&mut self, queue: &str, deliverer: D) -> &mut Self {
        let work = Arc::new(work::Delivering(deliverer));
        self.takers.push((queue.to_owned(), Taker::Deliverer(work)));
        self
    }

    /// Takes no more than so many messages of this queue at once, where each may be large.
    pub fn at_most(&mut self, queue: &str, hands: usize) -> &mut Self {
        self.most.insert(queue.to_owned(), hands);
        self
    }

    /// Understands bodies on this queue that are no envelopes of ours.
    pub fn adopt(
        &mut self,
        queue: &str,
        adopt: impl Fn(&str) -> Result<Foreign> + Send + Sync + 'static,
    ) -> &mut Self {
        self.adopt.insert(queue.to_owned(), Arc::new(adopt));
        self
    }

    /// Runs this at every SIGHUP; when it fails, what was in force stays so.
    pub fn on_reload<F>(&mut self, reload: impl Fn() -> F + Send + Sync + 'static) -> &mut Self
    where
        F: Future<Output = Result> + Send + 'static,
    {
        self.reloads.push(Box::new(move || Box::pin(reload())));
        self
    }

    /// Runs this at an orderly stop, when nothing is in hand any more: connections are ended in
    /// order here.
    pub fn at_end<F>(&mut self, end: impl Fn() -> F + Send + Sync + 'static) -> &mut Self
    where
        F: Future<Output = Result> + Send + 'static,
    {
        self.endings.push(Box::new(move || Box::pin(end())));
        self
    }

    /// Every queue exists and has a dead-letter rule; without one a poison message would come back
    /// for ever (FAILURES Q8).
    async fn check_queues(&self) -> Result {
        for (queue, _) in &self.takers {
            let remedy = "make it with `kentongan queues create`";
            let facts = self.home.queue.facts(queue).await?;
            let facts = facts.ok_or_else(|| {
                Failure::retry(format!("queue `{queue}` does not exist: {remedy}"))
            })?;
            if facts.redrive.is_none() {
                return Err(Failure::retry(format!(
                    "queue `{queue}` has no redrive policy, so nothing would ever leave it: \
                     {remedy}, or give it a dead-letter queue"
                )));
            }
        }
        Ok(())
    }

    async fn work(self, shutdown: Shutdown, levels: Levels) {
        let queues = self.takers.iter().map(|(queue, _)| queue.clone());
        let most = Duration::from_secs(self.settings.frame.poll_s * 2 + 20);
        let pulse = Pulse::new(queues, most);
        let settled = CancellationToken::new();
        let (lines, pollers) = self.start_lines(&pulse, &shutdown.stop, &settled);
        let upkeep = tokio::spawn(upkeep::run(
            self.name,
            self.home.clone(),
            shutdown.stop.clone(),
        ));
        let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status("working")]);
        info!(version = env!("CARGO_PKG_VERSION"), "Ready");
        self.reload_until_stop(&shutdown, &levels).await;
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
        stop(&self.settings.frame, lines, pollers, settled).await;
        for end in &self.endings {
            if let Err(e) = end().await {
                warn!(error = %e, "Not everything ended in order");
            }
        }
        // It watches the same token and holds nothing that could be lost.
        let _ = upkeep.await;
        upkeep::take_leave(self.name, &self.home).await;
        info!("Stopped");
    }

    fn start_lines(
        &self,
        pulse: &Pulse,
        stop: &CancellationToken,
        settled: &CancellationToken,
    ) -> (Vec<Arc<Line>>, TaskTracker) {
        let pollers = TaskTracker::new();
        let mut lines = Vec::new();
        for (queue, taker) in &self.takers {
            let line = Arc::new(self.line(queue, taker.clone(), pulse));
            for poller in 0..self.settings.frame.pollers.max(1) {
                pollers.spawn(line.clone().poll(poller, stop.clone()));
            }
            tokio::spawn(line.clone().renew(settled.clone()));
            lines.push(line);
        }
        pollers.close();
        (lines, pollers)
    }

    fn line(&self, queue: &str, taker: Taker, pulse: &Pulse) -> Line {
        let frame = self.settings.frame.clone();
        let times = match &taker {
            Taker::Handler(work) if self.home.is_one_box() => work.times(),
            _ => 1,
        };
        let most = self.most.get(queue).copied().unwrap_or(usize::MAX);
        let hands = (frame.hands * times).min(most).max(1);
        Line {
            daemon: self.name,
            instance: instance(),
            queue: queue.to_owned(),
            home: self.home.clone(),
            hands: Arc::new(Semaphore::new(hands)),
            batch: (frame.batch * times).min(hands).max(1),
            crowded: std::sync::atomic::AtomicBool::new(false),
            next: tokio::sync::Mutex::new(()),
            frame,
            taker,
            adopt: self.adopt.get(queue).cloned(),
            leases: leases::Leases::default(),
            owed: attempts::Owed::default(),
            breaker: breaker::Breaker::new(queue),
            pulse: pulse.clone(),
            tasks: TaskTracker::new(),
            busy: tokio::sync::Notify::new(),
        }
    }

    async fn reload_until_stop(&self, shutdown: &Shutdown, levels: &Levels) {
        let mut reloads = shutdown.reloads.clone();
        loop {
            tokio::select! {
                () = shutdown.stop.cancelled() => return,
                changed = reloads.changed() => if changed.is_ok() {
                    self.reload(levels).await;
                },
            }
        }
    }

    /// Data files and log levels anew; everything else needs a restart.
    async fn reload(&self, levels: &Levels) {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            let _ = sd_notify::notify(&[NotifyState::Reloading, now]);
        }
        let level = Settings::read(&self.settings.file)
            .map_err(Failure::retry)
            .and_then(|settings| levels.set(&settings.log.level));
        let mut outcomes = vec![level];
        for reload in &self.reloads {
            outcomes.push(reload().await);
        }
        for e in outcomes.into_iter().filter_map(Result::err) {
            error!(error = %e, "Not reloaded; what was in force stays so");
        }
        let _ = sd_notify::notify(&[NotifyState::Ready]);
        info!("Reloaded");
    }
}

/// Receiving ended with the token; handling goes on for its budget, then the rest is handed back.
async fn stop(
    frame: &Frame,
    lines: Vec<Arc<Line>>,
    pollers: TaskTracker,
    settled: CancellationToken,
) {
    let budget = Duration::from_secs(frame.stop_budget_s);
    let extend = u32::try_from(frame.stop_budget_s + 10).unwrap_or(60) * 1_000_000;
    let _ = sd_notify::notify(&[NotifyState::ExtendTimeoutUsec(extend)]);
    let finish = async {
        pollers.wait().await;
        for line in &lines {
            line.tasks.close();
            line.tasks.wait().await;
        }
    };
    let finished = tokio::time::timeout(budget, finish).await.is_ok();
    settled.cancel();
    if !finished {
        warn!(
            ?budget,
            "Not everything was finished within the stop's budget"
        );
        for line in &lines {
            line.hand_back().await;
        }
    }
}

/// Waits for a database that accepts writes; false when told to stop meanwhile.
async fn proven(home: &Home, name: &str, shutdown: &Shutdown) -> Result<bool> {
    let since = std::time::Instant::now();
    loop {
        let failure = match reachable(home, name).await {
            Ok(()) => return Ok(true),
            Err(failure) => failure,
        };
        let hopeless = !matches!(failure.verdict, crate::Verdict::Wait(_));
        if hopeless || since.elapsed() > START_WAIT {
            return Err(failure);
        }
        warn!(error = %failure, "Waiting for the database");
        let _ = sd_notify::notify(&[NotifyState::ExtendTimeoutUsec(5_000_000)]);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = shutdown.stop.cancelled() => return Ok(false),
        }
    }
}

async fn reachable(home: &Home, name: &str) -> Result {
    db::schema_version(&home.db).await?;
    home.db.probe(name, &instance()).await
}

/// Names this process among its siblings.
pub fn instance() -> String {
    // A hardened unit cannot see the host's name in /proc and is given it by systemd.
    let host = std::env::var("HOSTNAME")
        .or_else(|_| std::fs::read_to_string("/proc/sys/kernel/hostname"))
        .unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}
