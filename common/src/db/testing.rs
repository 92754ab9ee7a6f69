//! A database of its own for a test: on the server that `KENTONGAN_TEST_DB` names, or on a private one
//! that ends with the test process, whichever way that ends. A wrong variable fails the test.

use super::Tx;
use deadpool_postgres::{Manager, Object, Pool};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_postgres::{Config, NoTls};

const MIGRATION: &str = include_str!("../../migrations/V0002__people_places_lists.sql");

/// Stands until its standard input closes, which happens when the test process ends.
const SERVER: &str = r#"
set -e
PATH="$(ls -d /usr/lib/postgresql/*/bin | tail -1):$PATH"
dir=$(mktemp -d /tmp/kentongan-test-XXXXXX)
trap 'kill -INT $pid 2>/dev/null || true; wait $pid || true; rm -rf "$dir"' EXIT
initdb -D "$dir/data" -U kentongan -A trust --no-sync -E UTF8 --locale=C.UTF-8 >"$dir/initdb.log"
postgres -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off >"$dir/log" 2>&1 &
pid=$!
until pg_isready -q -h "$dir"; do kill -0 $pid; sleep 0.05; done
echo "host=$dir user=kentongan dbname=postgres"
cat >/dev/null
"#;

/// A fresh, migrated database.
pub(crate) struct TestDb {
    pool: Pool,
}

impl TestDb {
    /// Creates it; panics with the reason when there is no server.
    pub(crate) async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kentongan_test_{}_{count}", std::process::id());
        let mut config = server().clone();
        let admin = pool(config.clone());
        let admin = admin
            .get()
            .await
            .expect("KENTONGAN_TEST_DB names a server that answers");
        admin
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .expect("may create databases");
        config.dbname(&name);
        let db = Self { pool: pool(config) };
        db.client()
            .await
            .batch_execute(MIGRATION)
            .await
            .expect("the migration runs");
        db
    }

    /// A connection; `Tx(client.transaction().await?)` is what the functions take.
    pub(crate) async fn client(&self) -> Object {
        self.pool.get().await.expect("the server answers")
    }
}

/// Begins a transaction, which is undone when it is dropped.
pub(crate) async fn begin(client: &mut Object) -> Tx<'_> {
    Tx(client.transaction().await.expect("the server answers"))
}

fn pool(config: Config) -> Pool {
    Pool::builder(Manager::new(config, NoTls))
        .max_size(4)
        .build()
        .expect("no timeouts are set")
}

fn server() -> &'static Config {
    static SERVER_OF_THIS_PROCESS: OnceLock<(Option<Child>, Config)> = OnceLock::new();
    let start = || match std::env::var("KENTONGAN_TEST_DB") {
        Ok(named) => (
            None,
            named
                .parse()
                .expect("KENTONGAN_TEST_DB is a connection string"),
        ),
        Err(_) => private(),
    };
    &SERVER_OF_THIS_PROCESS.get_or_init(start).1
}

fn private() -> (Option<Child>, Config) {
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
    (
        Some(child),
        line.trim()
            .parse()
            .expect("the script prints a connection string"),
    )
}
