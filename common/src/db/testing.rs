//! A database of its own for a test: on the server that `KENTONGAN_TEST_DB` names, or on a private one
//! that ends with the test process, whichever way that ends. A wrong variable fails the test.

use super::{Conn, Db, Tx};
use crate::config::{Database, Settings};
use crate::home::Home;
use crate::load::{self, LoadOptions};
use futures_util::StreamExt;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::mpsc;
use tokio_postgres::AsyncMessage;

/// Stands until its standard input closes, which happens when the test process ends.
const SERVER: &str = r#"
set -e
PATH="$(ls -d /usr/lib/postgresql/*/bin | tail -1):$PATH"
dir=$(mktemp -d -p /tmp --suffix=-kentongan-test)
trap 'kill -INT $pid 2>/dev/null || true; wait $pid || true; rm -rf "$dir"' EXIT
initdb -D "$dir/data" -U kentongan -A trust --no-sync -E UTF8 --locale=C.UTF-8 >"$dir/initdb.log"
postgres -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off >"$dir/log" 2>&1 &
pid=$!
until pg_isready -q -h "$dir"; do kill -0 $pid; sleep 0.05; done
echo "host=$dir user=kentongan dbname=postgres"
cat >/dev/null
"#;

/// A fresh, migrated database.
pub struct TestDb {
    /// As the daemons use it.
    pub db: Db,
    url: String,
}

/// An installation in a database of its own: lists, a few places, the demo's people.
pub struct TestHome {
    /// Its database.
    pub db: TestDb,
    /// Its seams.
    pub home: Home,
    /// What a daemon of it reads.
    pub settings: Settings,
    _folder: tempfile::TempDir,
}

impl TestHome {
    /// Makes and fills it.
    pub async fn new() -> Self {
        let db = TestDb::new().await;
        stock(&db).await;
        let folder = tempfile::tempdir().expect("a folder");
        let keys = folder.path().join("token-keys");
        std::fs::write(&keys, "a key that only tests have, and long enough\n").expect("the keys");
        let blobs = folder.path().display().to_string();
        let own = [
            ("DATABASE__URL", db.url.as_str()),
            ("BLOB__FOLDER", &blobs),
            ("SECRETS__TOKEN_KEYS_FILE", &keys.display().to_string()),
            ("MAIL__DOMAIN", "kentongan.example"),
            ("MAIL__FROM", "lapor@kentongan.example"),
            ("MAIL__TRUSTED_SERVERS", "[\"mail.kentongan.example\"]"),
            ("ENGINE__PLACE_SYSTEMS", "[\"kemendagri\", \"isikhnas\"]"),
        ]
        .map(|(key, value)| (format!("KENTONGAN_{key}"), value.to_owned()));
        let sample = include_str!("../../../deploy/config/one-box.toml");
        let settings = Settings::parse(sample, own.into_iter()).expect("the sample is sound");
        let home = Home::open(&settings, "test").await.expect("a home");
        Self {
            db,
            home,
            settings,
            _folder: folder,
        }
    }
}

async fn stock(db: &TestDb) {
    let mut conn = db.client().await;
    let tx = begin(&mut conn).await;
    load::shipped_lists(&tx).await.expect("the lists");
    let few = include_bytes!("../../places/few.csv");
    load::places(&tx, &few[..], &LoadOptions::default())
        .await
        .expect("the few places");
    load::demo_people(&tx).await.expect("the demo's people");
    tx.commit().await.expect("the stock is kept");
}

impl TestDb {
    /// Creates it; panics with the reason when there is no server.
    pub async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kentongan_test_{}_{count}", std::process::id());
        let mut admin = open(server().to_owned())
            .connect()
            .await
            .expect("KENTONGAN_TEST_DB names a server that answers");
        admin
            .client()
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .expect("may create databases");
        let url = named(server(), &name);
        let db = open(url.clone());
        super::migrate(&db).await.expect("the migrations run");
        Self { db, url }
    }

    /// The first column of the first row that a query gives.
    pub async fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(&self, sql: &str) -> T {
        let mut conn = self.client().await;
        conn.client().query_one(sql, &[]).await.expect(sql).get(0)
    }

    /// Runs statements.
    pub async fn run(&self, sql: &str) {
        let mut conn = self.client().await;
        conn.client().batch_execute(sql).await.expect(sql);
    }

    /// A connection, for [`begin`].
    pub async fn client(&self) -> Conn {
        self.db.connect().await.expect("the server answers")
    }
}

impl TestDb {
    /// What is notified on a channel of PostgreSQL, from now on.
    pub async fn listen(&self, channel: &str) -> mpsc::UnboundedReceiver<String> {
        let (client, mut messages) = super::pool::connect_alone(&self.db)
            .await
            .expect("the server answers");
        let (told, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                if let Ok(AsyncMessage::Notification(n)) = message {
                    told.send(n.payload().to_owned()).ok();
                }
            }
        });
        client
            .batch_execute(&format!("LISTEN {channel}"))
            .await
            .expect("it can listen");
        // The connection ends with its client, which therefore stays to the end of the test.
        tokio::spawn(async move {
            std::future::pending::<()>().await;
            drop(client);
        });
        heard
    }
}

/// Begins a transaction, which is undone when it is dropped.
pub async fn begin(conn: &mut Conn) -> Tx<'_> {
    conn.begin().await.expect("the server answers")
}

fn open(url: String) -> Db {
    let settings = Database {
        url,
        password_file: None,
        pool_size: 8,
        statement_timeout_s: 30,
        connect_timeout_s: 5,
    };
    Db::open(&settings, "test").expect("KENTONGAN_TEST_DB is a connection string")
}

/// The same server, another database: of `key=value` words the last one counts.
fn named(server: &str, database: &str) -> String {
    if !server.contains("://") {
        return format!("{server} dbname={database}");
    }
    let (base, options) = server.split_once('?').unwrap_or((server, ""));
    let host = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    format!("{host}/{database}?{options}")
}

fn server() -> &'static str {
    static SERVER_OF_THIS_PROCESS: OnceLock<(Option<Child>, String)> = OnceLock::new();
    let start = || match std::env::var("KENTONGAN_TEST_DB") {
        Ok(named) => (None, named),
        Err(_) => private(),
    };
    &SERVER_OF_THIS_PROCESS.get_or_init(start).1
}

fn private() -> (Option<Child>, String) {
    // PostgreSQL refuses to run as root.
    let mut command =
        match std::fs::metadata("/proc/self").map(|m| std::os::unix::fs::MetadataExt::uid(&m)) {
            Ok(0) => {
                let mut setpriv = Command::new("setpriv");
                setpriv.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "sh"]);
                setpriv
            }
            _ => Command::new("sh"),
        };
    let command = command.args(["-c", SERVER]).current_dir("/");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh runs");
    let mut line = String::new();
    let out = child.stdout.as_mut().expect("it was piped");
    BufReader::new(out)
        .read_line(&mut line)
        .expect("the server's script speaks");
    assert!(
        !line.is_empty(),
        "no PostgreSQL could be started; see the lines above"
    );
    (Some(child), line.trim().to_owned())
}
