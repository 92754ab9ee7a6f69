//! A world for one test: a database of its own with lists, places and people, a folder, queues, and
//! the true binaries as child processes. It ends with the test, and the test's process ends it if
//! that is killed. When the test fails, what the daemons said is printed.

mod bridge;
mod daemon;
mod harm;
mod made;
mod mail;
mod settings;
pub mod stage_cases;
mod stock;
mod talk;

pub use daemon::{Ended, Process};
pub use harm::Standstill;
pub use made::Build;
pub use mail::{Fate, Mail, OURS, Told, checked, in_sns, receipt};
pub use stock::{PEOPLE, Stock, people};
pub use talk::{Letter, STRANGER, Sms, sms, without_trace};

use crate::servers::ministack::Ministack;
use crate::servers::postgres::Postgres;
use crate::servers::proxy::Proxy;
use common::blob::Blobs;
use common::config::Settings;
use common::db::Db;
use common::queue::Queue;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

/// Where the installation under test lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// PostgreSQL holds the queues, a folder the blobs.
    OneBox,
    /// SQS and S3 by the stand-in; the daemons reach them through a proxy that makes faults.
    Aws,
}

/// Long enough for a busy machine, short enough for a test that fails.
pub const SOON: Duration = Duration::from_secs(60);

/// The queues of an installation whose texts go by one channel.
pub const QUEUES: [&str; 5] = [
    "text-input",
    "email-input",
    "email-output",
    "mail-events",
    "text-output-console",
];

/// One installation and the daemons that run in it.
pub struct World {
    /// Which home.
    pub place: Place,
    /// The test's own look into the database.
    pub db: Db,
    /// The test's own way to the queues, not through the proxy.
    pub queue: Arc<dyn Queue>,
    /// The test's own way to the blobs, not through the proxy.
    pub blobs: Arc<dyn Blobs>,
    /// What the daemons read.
    pub settings: Settings,
    /// Before the stand-in for AWS, on that home.
    pub proxy: Option<Proxy>,
    /// Daemons that were started, the ended ones included, in order.
    pub processes: Vec<Process>,
    folder: TempDir,
    cluster: Cluster,
    standby: Option<Box<Postgres>>,
    heard: Vec<Sms>,
}

/// The database server.
enum Cluster {
    Shared(&'static Postgres),
    Own(Box<Postgres>),
}

impl World {
    /// What daemons of this world read: `kentongan.toml`.
    pub fn settings_file(&self) -> PathBuf {
        self.folder.path().join("kentongan.toml")
    }

    /// Where mails lie that went out.
    pub fn maildir(&self) -> PathBuf {
        self.folder.path().join("mails")
    }

    /// The database server, for tests that asked for one of their own.
    pub fn postgres(&mut self) -> &mut Postgres {
        match &mut self.cluster {
            Cluster::Own(own) => own,
            Cluster::Shared(_) => panic!("a test that stops the database builds its own"),
        }
    }

    /// The proxy before the stand-in for AWS.
    pub fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("the AWS home has a proxy")
    }

    /// Changes the settings and writes them anew, for daemons that start after this.
    pub fn change_settings(&mut self, key: &str, value: impl Into<toml::Value>) {
        self.settings = settings::change(&self.settings_file(), key, value.into());
    }

    /// Starts a daemon (`processor`, `mailer`) and waits until it is ready.
    pub async fn start(&mut self, daemon: &str) -> usize {
        let at = self.launch(daemon);
        self.processes[at].wait_for("Ready").await;
        at
    }

    /// Starts a daemon and does not wait.
    pub fn launch(&mut self, daemon: &str) -> usize {
        let at = self.processes.len();
        let log = self.folder.path().join(format!("{daemon}-{at}.log"));
        let file = self.settings_file();
        self.processes.push(Process::start(daemon, &file, &log));
        at
    }

    /// The one number that a query gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "{sql}");
        rows[0].get(0)
    }

    /// The texts of the first column; null is empty.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.rows(sql).await;
        let text = |row: &tokio_postgres::Row| row.get::<_, Option<String>>(0).unwrap_or_default();
        rows.iter().map(text).collect()
    }

    /// All rows that a query gives.
    pub async fn rows(&self, sql: &str) -> Vec<tokio_postgres::Row> {
        let mut conn = self.db.connect().await.expect("the database answers");
        conn.client().query(sql, &[]).await.expect(sql)
    }

    /// Runs statements.
    pub async fn run(&self, sql: &str) {
        let mut conn = self.db.connect().await.expect("the database answers");
        conn.client().batch_execute(sql).await.expect(sql);
    }

    /// Waits until a query that gives one boolean gives true.
    pub async fn until_true(&self, sql: &str) {
        until(sql, async || self.rows(sql).await[0].get(0)).await;
    }
}

impl Drop for World {
    #[expect(clippy::print_stderr, reason = "shown with a failed test only")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            for sms in self.heard() {
                eprintln!("---- a text went out: {}", sms.message.text);
            }
            for mail in self.mails() {
                eprintln!("---- a mail went out\n{}", mail.raw);
            }
        }
        for process in &mut self.processes {
            process.end_for_good();
            if std::thread::panicking() {
                process.print();
            }
        }
    }
}

/// Plays each of these functions in both homes: tests `one_box::<name>` and `aws::<name>`.
#[macro_export]
macro_rules! both_homes {
    ($($name:ident),* $(,)?) => {
        mod one_box { $(
            #[tokio::test]
            async fn $name() { Box::pin(super::$name($crate::world::Place::OneBox)).await; }
        )* }
        mod aws { $(
            #[tokio::test]
            async fn $name() { Box::pin(super::$name($crate::world::Place::Aws)).await; }
        )* }
    };
}

/// Waits for a condition, looking often; fails the test, naming it, when it does not come true.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let limit = Instant::now() + SOON;
    while !is_so().await {
        assert!(Instant::now() < limit, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Keeps heavy tests of one test process apart: two cores are few. Hold it to the end.
pub async fn alone() -> MutexGuard<'static, ()> {
    static HEAVY: Mutex<()> = Mutex::const_new(());
    HEAVY.lock().await
}

/// The stand-in for AWS that all tests of this process share.
fn ministack() -> &'static Ministack {
    Ministack::shared()
}
