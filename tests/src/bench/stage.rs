//! An installation to measure: a PostgreSQL with its default durability, lists, places, officers.

use super::process::{Daemon, cpu_of_server};
use crate::servers::ministack::{Ministack, endpoint, sdk_config};
use crate::servers::postgres::{self, Durability, Postgres};
use crate::servers::proxy::Proxy;
use common::config::Settings;
use common::db::{self, Db, notices, queue::Batch};
use common::envelope::Envelope;
use common::messages::{Message, TextInput};
use common::queue::postgres::PgQueue;
use common::queue::{Queue, Rules, SqsQueue};
use jiff::Timestamp;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// First part of the queues' names.
const PREFIX: &str = "bench";

/// The queues that a processor and a mailer want.
const QUEUES: [&str; 5] = [
    "text-input",
    "email-input",
    "email-output",
    "mail-events",
    "text-output-console",
];

/// One installation on one box.
pub struct Stage {
    /// The bench's own connections.
    pub db: Db,
    /// The bench's own way to the queues; on SQS past the proxy.
    pub queue: Arc<dyn Queue>,
    postgres: Postgres,
    folder: TempDir,
    url: String,
    pool: usize,
}

impl Stage {
    /// Everything but officers; made once for a run.
    pub async fn build() -> Self {
        let postgres = Postgres::start(Durability::Default);
        let url = postgres.database().await;
        let db = Db::open(&postgres::settings(&url), "bench").expect("a pool");
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("blobs")).expect("a folder for blobs");
        let keys = "a key that only the bench has, and long enough\n";
        fs::write(folder.path().join("token-keys"), keys).expect("the keys");
        let queue = PgQueue::new(db.clone(), PREFIX, 20, notices::listen(&db));
        for name in QUEUES {
            queue.create(name).await.expect("the queue is made");
        }
        let mut conn = db.connect().await.expect("a connection");
        let tx = conn.begin().await.expect("a transaction");
        common::load::shipped(&tx).await.expect("lists and places");
        common::load::demo_people(&tx)
            .await
            .expect("the demo's people");
        tx.commit().await.expect("they are kept");
        let pool = std::env::var("BENCH_POOL")
            .ok()
            .and_then(|n| n.parse().ok())
            .unwrap_or(8);
        Self {
            db,
            queue: Arc::new(queue),
            postgres,
            folder,
            url,
            pool,
        }
    }

    /// Starts a daemon of the one-box home.
    pub fn start(&self, daemon: &str) -> Daemon {
        let blobs = self.folder.path().join("blobs");
        let home = format!(
            "[queue]\nkind = \"postgres\"\n[blob]\nkind = \"folder\"\nfolder = \"{}\"\n",
            blobs.display()
        );
        let settings = self.settings("one-box", PREFIX, &home);
        Daemon::start(daemon, self.folder.path(), &settings)
    }

    /// Starts a daemon whose queues are SQS's, behind the proxy; and the bench's own way there.
    pub async fn start_on_sqs(&self, server: &Ministack, proxy: &Proxy) -> (SqsQueue, Daemon) {
        let prefix = "sqs";
        let rules = Rules {
            max_receives: 20,
            lease: Duration::from_secs(60),
        };
        let queue = SqsQueue::new(&sdk_config(server.port).await, prefix, rules);
        for name in QUEUES {
            queue.create(name).await.expect("the queue is made");
        }
        let home = format!(
            "[queue]\nkind = \"sqs\"\nendpoint = \"{}\"\nregion = \"us-east-1\"\n\
             [blob]\nkind = \"folder\"\nfolder = \"{}\"\n",
            endpoint(proxy.port),
            self.folder.path().join("blobs").display()
        );
        let settings = self.settings("sqs", prefix, &home);
        (
            queue,
            Daemon::start("processor", self.folder.path(), &settings),
        )
    }

    fn settings(&self, name: &str, prefix: &str, home: &str) -> PathBuf {
        let folder = self.folder.path().display();
        let frame = std::env::var("BENCH_FRAME").unwrap_or_default();
        let text = format!(
            "prefix = \"{prefix}\"\n[database]\nurl = \"{url}\"\npool_size = {pool}\n{home}\
             [mail]\ndomain = \"kentongan.example\"\nfrom = \"lapor@kentongan.example\"\n\
             own_addresses = [\"postmaster@kentongan.example\"]\n\
             trusted_servers = [\"mail.kentongan.example\"]\nanswers_per_hour = 1000000\n\
             [transport]\nkind = \"maildir\"\nfolder = \"{folder}/mails\"\n\
             [log]\nto = \"stderr\"\nlevel = \"warn\"\n[frame]\n{frame}\n\
             [secrets]\ntoken_keys_file = \"{folder}/token-keys\"\n",
            url = self.url,
            pool = self.pool,
        );
        let file = self.folder.path().join(format!("{name}.toml"));
        fs::write(&file, text).expect("the settings");
        Settings::read(&file).unwrap_or_else(|e| panic!("the settings can be used: {e}"));
        file
    }

    /// Where blobs lie.
    pub fn blobs(&self) -> PathBuf {
        self.folder.path().join("blobs")
    }

    /// Puts texts on the queue of the one-box home, as cheaply as it goes.
    pub async fn send(&self, texts: &[TextInput]) {
        let now = Timestamp::now();
        let envelopes: Vec<_> = texts
            .iter()
            .map(|t| Envelope::first(t.id(), t, now))
            .collect();
        self.put(TextInput::KIND, &envelopes).await;
    }

    /// Puts envelopes on a queue of the one-box home in one statement.
    pub async fn put(&self, queue: &str, envelopes: &[Envelope]) {
        let mut batch = Batch::default();
        for envelope in envelopes {
            batch.names.push(format!("{PREFIX}-{queue}"));
            batch.ids.push(envelope.id);
            batch.bodies.push(envelope.to_json());
            batch.delays.push(0.0);
        }
        let mut conn = self.db.connect().await.expect("a connection");
        let tx = conn.begin().await.expect("a transaction");
        db::queue::send(&tx, &batch).await.expect("it is sent");
        tx.commit().await.expect("it is kept");
    }

    /// Messages on a queue of the one-box home, the leased ones included.
    pub async fn on_queue(&self, queue: &str) -> usize {
        let sql = format!("SELECT count(*) FROM queue WHERE name = '{PREFIX}-{queue}'");
        usize::try_from(self.number(&sql).await).unwrap_or(0)
    }

    /// Texts of a run so far that were decided.
    pub async fn decided(&self) -> usize {
        usize::try_from(self.number("SELECT count(*) FROM message").await).unwrap_or(0)
    }

    /// Empties what earlier runs left, so that every run begins alike.
    pub async fn sweep(&self) {
        self.run(
            "TRUNCATE queue, attempt, inbox, message, report, repetition, alert, mail; VACUUM ANALYZE",
        )
        .await;
    }

    /// Lets the server note what its statements cost; it is stopped and started for that.
    pub async fn note_statements(&mut self) {
        self.run("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
            .await;
        self.postgres.stop();
        self.postgres.start_again();
        // Connections of the pool are from before.
        self.db = Db::open(&postgres::settings(&self.url), "bench").expect("a pool");
        self.run("CREATE EXTENSION pg_stat_statements").await;
    }

    /// The dearest statements so far: share, calls, microseconds for each, first words.
    pub async fn statements(&self) -> Vec<String> {
        self.texts(
            "SELECT format('%5s %% %9s calls %9s us  %s', round(100 * total_exec_time / sum(total_exec_time) OVER ()),
                    calls, round(1000 * mean_exec_time), left(regexp_replace(query, '[[:space:]]+', ' ', 'g'), 60))
             FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 24",
        )
        .await
    }

    /// Processor time of the database server so far, in seconds.
    pub fn database_cpu(&self) -> f64 {
        cpu_of_server(self.postgres.pid().unwrap_or(0))
    }

    /// The one number that a query gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let mut conn = self.db.connect().await.expect("a connection");
        conn.client().query_one(sql, &[]).await.expect(sql).get(0)
    }

    /// The texts of the first column.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let mut conn = self.db.connect().await.expect("a connection");
        let rows = conn.client().query(sql, &[]).await.expect(sql);
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Runs statements, each in a transaction of its own.
    pub async fn run(&self, sql: &str) {
        let mut conn = self.db.connect().await.expect("a connection");
        for one in sql.split(';') {
            conn.client().batch_execute(one).await.expect(one);
        }
    }
}
