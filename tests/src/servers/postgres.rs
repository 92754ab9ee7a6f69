//! A private PostgreSQL in a temporary folder. Its data folder is a copy of one that `initdb` made
//! once, and a test's database a copy of one that was migrated once.

use super::{Leash, free_port, sweep_after_us, wait_until};
use common::config;
use common::db::Db;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, OnceCell};

/// Name of the superuser, of the migrated database, and of who owns what tests make.
const OWNER: &str = "kentongan";
const MIGRATED: &str = "migrated";

/// Whether commits reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// PostgreSQL's defaults, as in production. For benchmarks and tests of loss.
    Default,
    /// `fsync=off`: faster, and safe as long as the machine stays up. A killed server loses nothing.
    Relaxed,
}

/// A running cluster.
pub struct Postgres {
    server: Option<Leash>,
    broom: Child,
    folder: PathBuf,
    bin: PathBuf,
    migrated: OnceCell<()>,
    templates: Mutex<Vec<String>>,
    made: AtomicU32,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

impl Postgres {
    /// The one that all tests of this process share; relaxed.
    pub fn shared() -> &'static Self {
        static SHARED: std::sync::OnceLock<Postgres> = std::sync::OnceLock::new();
        SHARED.get_or_init(|| Self::start(Durability::Relaxed))
    }

    /// One of its own, for tests that stop or kill it.
    pub fn start(durability: Durability) -> Self {
        let mut cluster = Self::without_data();
        copy_template(&cluster.bin, &cluster.folder);
        cluster.configure(durability);
        cluster.start_again();
        cluster
    }

    /// A hot standby of this one, with all that it holds; [`Postgres::promote`] makes it a primary.
    pub fn standby(&self) -> Self {
        let mut standby = Self::without_data();
        give_to_server(&standby.folder);
        let program = self.bin.join("pg_basebackup").display().to_string();
        let (port, data) = (self.port.to_string(), standby.data().display().to_string());
        let from = ["-h", "127.0.0.1", "-p", &port, "-U", OWNER];
        let how = ["-D", &data, "-R", "-X", "stream", "-c", "fast", "--no-sync"];
        let command = as_server([&[program.as_str()], &from[..], &how[..]].concat());
        run(Command::new(&command[0]).args(&command[1..]));
        let file = standby.data().join("postgresql.auto.conf");
        let copied = fs::read_to_string(&file).expect("the settings came along");
        // Of a setting that stands twice the last one counts.
        fs::write(&file, copied + &standby.place()).expect("PostgreSQL's settings");
        standby.start_again();
        standby
    }

    /// Takes no writes any more, also from who is connected already.
    pub async fn refuse_writes(&self) {
        let connected = self.client().await;
        self.run("ALTER SYSTEM SET default_transaction_read_only = on")
            .await;
        self.run("SELECT pg_reload_conf()").await;
        let sql = "SHOW transaction_read_only";
        while connected
            .query_one(sql, &[])
            .await
            .expect(sql)
            .get::<_, &str>(0)
            != "on"
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Makes a standby a primary, with everything that the old one had committed.
    pub async fn promote(&self, old: &Self) {
        let last = old.text("SELECT pg_current_wal_lsn()::text").await;
        let caught_up = format!("SELECT (pg_last_wal_replay_lsn() >= '{last}')::text");
        for _ in 0..600 {
            if self.text(&caught_up).await == "true" {
                self.run("SELECT pg_promote()").await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the standby never caught up");
    }

    /// A folder that goes with us, and a port; no data yet.
    fn without_data() -> Self {
        let folder = fs::canonicalize(std::env::temp_dir()).expect("a temporary folder");
        let folder = folder.join(format!("kentongan-pg-{}", uuid::Uuid::now_v7().simple()));
        fs::create_dir(&folder).expect("a folder for PostgreSQL");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("its permissions");
        Self {
            server: None,
            broom: sweep_after_us(&folder),
            folder,
            bin: binaries(),
            migrated: OnceCell::new(),
            templates: Mutex::default(),
            made: AtomicU32::new(0),
            port: free_port(),
        }
    }

    /// Starts it after `stop` or `kill`, on the same port, with the same data.
    pub fn start_again(&mut self) {
        let program = self.bin.join("postgres").display().to_string();
        let data = self.data().display().to_string();
        let command = as_server([&program, "-D", &data]);
        let log = self.folder.join("log");
        // After a kill the old workers need a moment to see that their parent is gone; and a port
        // that was free may be taken in between.
        for _ in 0..50 {
            let file = fs::File::create(&log).expect("PostgreSQL's log");
            self.server = Some(Leash::start("QUIT", &command, &[], file.into()));
            let decided = || self.is_ready() || !self.is_running();
            if wait_until(Duration::from_secs(60), decided) && self.is_ready() {
                return;
            }
            self.server = None;
            std::thread::sleep(Duration::from_millis(100));
        }
        let said = fs::read_to_string(&log).unwrap_or_default();
        panic!("PostgreSQL did not start:\n{said}");
    }

    /// Stops it in order: running transactions are rolled back, clients told (57P01).
    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.signal("INT");
            let gone = || !self.data().join("postmaster.pid").exists();
            wait_until(Duration::from_secs(10), gone);
        }
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.signal("KILL");
        }
    }

    /// Process id of the server while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(|server| server.pid)
    }

    /// A new, migrated database of the caller's own; its URL.
    pub async fn database(&self) -> String {
        self.migrated.get_or_init(|| self.migrate()).await;
        let name = format!("test_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE DATABASE {name} TEMPLATE {MIGRATED}"))
            .await;
        self.url(&name)
    }

    /// A new database, a copy of one that `fill` makes once per server under this name; its URL.
    pub async fn copy_of(&self, template: &str, fill: impl AsyncFnOnce(&str)) -> String {
        let mut templates = self.templates.lock().await;
        if !templates.iter().any(|made| made == template) {
            self.run(&format!("CREATE DATABASE {template}")).await;
            fill(&self.url(template)).await;
            templates.push(template.to_owned());
        }
        let name = format!("copy_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await;
        self.url(&name)
    }

    /// A new database without any schema; its URL.
    pub async fn empty_database(&self) -> String {
        let name = format!("empty_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    /// Where a database of this cluster is.
    pub fn url(&self, database: &str) -> String {
        format!(
            "host=127.0.0.1 port={} user={OWNER} dbname={database}",
            self.port
        )
    }

    async fn migrate(&self) {
        self.run(&format!("CREATE DATABASE {MIGRATED}")).await;
        let db = Db::open(&settings(&self.url(MIGRATED)), "tests").expect("a pool");
        common::db::migrate(&db).await.expect("the schema");
    }

    /// Runs a statement outside any test's database.
    pub async fn run(&self, sql: &str) {
        let client = self.client().await;
        client.batch_execute(sql).await.expect(sql);
    }

    async fn text(&self, sql: &str) -> String {
        let client = self.client().await;
        client.query_one(sql, &[]).await.expect(sql).get(0)
    }

    async fn client(&self) -> tokio_postgres::Client {
        let url = self.url("postgres");
        let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
        let (client, connection) = connected.expect("a connection");
        // It ends with its client.
        tokio::spawn(connection);
        client
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn is_ready(&self) -> bool {
        let told = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let pid = self.server.as_ref().map(|s| s.pid.to_string());
        let state = told.lines().nth(7).map(str::trim);
        told.lines().next() == pid.as_deref() && matches!(state, Some("ready" | "standby"))
    }

    fn is_running(&self) -> bool {
        self.server.as_ref().is_some_and(Leash::is_running)
    }

    fn configure(&self, durability: Durability) {
        let fsync = if durability == Durability::Default {
            "on"
        } else {
            "off"
        };
        let lines = [
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!("fsync = {fsync}"),
            "max_connections = 200".to_owned(),
            "timezone = 'UTC'".to_owned(),
        ];
        let file = self.data().join("postgresql.auto.conf");
        fs::write(file, lines.join("\n") + &self.place()).expect("PostgreSQL's settings");
    }

    /// The lines of the settings that say where it listens.
    fn place(&self) -> String {
        let (port, folder) = (self.port, self.folder.display());
        format!("\nport = {port}\nunix_socket_directories = '{folder}'\n")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.server.take());
        drop(self.broom.stdin.take());
        let _ = self.broom.wait();
    }
}

/// Database settings for a URL, as a settings file would give them.
pub fn settings(url: &str) -> config::Database {
    let table = toml::toml! { url = "" };
    let mut settings: config::Database = table.try_into().expect("database settings");
    settings.url = url.to_owned();
    settings
}

/// The newest PostgreSQL of this machine.
fn binaries() -> PathBuf {
    let version = |path: &Path| {
        let number = path.file_name()?.to_str()?.parse::<u32>().ok()?;
        path.join("bin/postgres").exists().then_some(number)
    };
    let packaged = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = packaged
        .filter_map(|e| Some((version(&e.path())?, e.path().join("bin"))))
        .max();
    let in_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("initdb").exists())
    };
    newest
        .map(|(_, bin)| bin)
        .or_else(in_path)
        .expect("PostgreSQL is missing: apt install postgresql postgresql-postgis")
}

/// Puts a fresh data folder below `folder`: copied from the template, which is made when missing.
fn copy_template(bin: &Path, folder: &Path) {
    let version = bin.parent().and_then(Path::file_name).unwrap_or_default();
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/servers");
    let template = store.join(format!("pg-{}", version.to_string_lossy()));
    let data = folder.join("data");
    if !template.exists() {
        init(bin, folder, &data);
        fs::create_dir_all(&store).expect("a folder for the template");
        let fresh = store.join(uuid::Uuid::now_v7().to_string());
        copy(&data, &fresh);
        // Another test process may have been faster; its template is as good.
        if fs::rename(&fresh, &template).is_err() {
            let _ = fs::remove_dir_all(&fresh);
        }
    } else {
        copy(&template, &data);
    }
    give_to_server(folder);
}

fn init(bin: &Path, folder: &Path, data: &Path) {
    give_to_server(folder);
    let program = bin.join("initdb").display().to_string();
    let data = data.display().to_string();
    let rest = [
        "-U",
        OWNER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ];
    let command = as_server([&[program.as_str(), "-D", &data], &rest[..]].concat());
    run(Command::new(&command[0]).args(&command[1..]));
}

fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-a").arg(from).arg(to));
}

/// PostgreSQL refuses to run as root; then it runs as this user, who exists on every Debian.
const SERVER_USER: &str = "nobody";

pub(super) fn give_to_server(folder: &Path) {
    if is_root() {
        run(Command::new("chown").arg("-R").arg(SERVER_USER).arg(folder));
    }
}

/// A command as the user that the server runs as.
pub(super) fn as_server<'a>(command: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let setpriv = [
        "setpriv",
        "--reuid",
        SERVER_USER,
        "--regid",
        "nogroup",
        "--clear-groups",
        "--",
    ];
    let prefix = if is_root() { &setpriv[..] } else { &[] };
    prefix
        .iter()
        .copied()
        .chain(command)
        .map(str::to_owned)
        .collect()
}

pub(super) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn run(command: &mut Command) {
    let done = command
        .current_dir("/")
        .output()
        .expect("the command starts");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {said}");
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn value(url: &str, sql: &str) -> String {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
            .await
            .expect("a connection");
        tokio::spawn(connection);
        client.query_one(sql, &[]).await.expect(sql).get(0)
    }

    #[tokio::test]
    async fn what_was_committed_survives_kill_and_stop() {
        let mut cluster = Postgres::start(Durability::Default);
        let url = cluster.database().await;
        let fsync = value(&url, "SELECT current_setting('fsync')").await;
        assert_eq!(fsync, "on");
        let insert = "INSERT INTO queue_name (name) VALUES ('kept') RETURNING name";
        value(&url, insert).await;
        for end in [Postgres::kill, Postgres::stop] {
            end(&mut cluster);
            let away = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
            assert!(away.is_err(), "it is away");
            cluster.start_again();
            assert_eq!(value(&url, "SELECT name FROM queue_name").await, "kept");
        }
        let folder = cluster.folder.clone();
        drop(cluster);
        assert!(!folder.exists(), "nothing is left");
    }

    #[tokio::test]
    async fn databases_of_tests_are_migrated_and_apart() {
        let cluster = Postgres::shared();
        let (one, other) = (cluster.database().await, cluster.database().await);
        value(
            &one,
            "INSERT INTO queue_name (name) VALUES ('one') RETURNING name",
        )
        .await;
        let count = value(&other, "SELECT count(*)::text FROM queue_name").await;
        assert_eq!(count, "0");
    }
}
