//! The pool: finds the writable server among several hosts, proves it, and drops connections that
//! turned read-only or were shut down, so that a failover needs no restart.

use super::{Tx, failure};
use crate::config::Database;
use crate::failure::Dependency;
use crate::{Failure, Result};
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts,
};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection older than this is replaced, so that a moved server is found in the end even when
/// nothing fails (FAILURES Q29).
const MOST_AGE: Duration = Duration::from_secs(30 * 60);

type Arrived = std::result::Result<AsyncMessage, tokio_postgres::Error>;

/// The database, as everybody uses it. Clones share the pool.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    config: Config,
}

/// A connection on loan. One that proved unfit is thrown away, with all its idle siblings.
pub struct Conn {
    object: Option<Object>,
    pool: Pool,
    sick: AtomicBool,
}

impl Db {
    /// Prepares a pool; connects to nothing yet.
    pub fn open(settings: &Database, daemon: &str) -> Result<Self> {
        let config = config(settings, daemon)?;
        let manager_config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = if stays_here(&config) {
            Manager::from_config(config.clone(), NoTls, manager_config)
        } else {
            Manager::from_config(config.clone(), tls()?, manager_config)
        };
        let wait = Some(Duration::from_secs(settings.connect_timeout_s));
        let pool = Pool::builder(manager)
            .max_size(settings.pool_size)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait,
                create: wait,
                recycle: wait,
            })
            .pre_recycle(Hook::sync_fn(|_, metrics| {
                if metrics.age() > MOST_AGE {
                    return Err(HookError::message("old"));
                }
                Ok(())
            }))
            .build()
            .map_err(Failure::retry)?;
        Ok(Self { pool, config })
    }

    /// A connection to a server that accepts writes.
    pub async fn connect(&self) -> Result<Conn> {
        let object = self.pool.get().await.map_err(pool_failure)?;
        Ok(Conn {
            object: Some(object),
            pool: self.pool.clone(),
            sick: AtomicBool::new(false),
        })
    }

    /// Proves that the database can be written to: the breaker's probe.
    pub async fn probe(&self, daemon: &str, instance: &str) -> Result {
        let mut conn = self.connect().await?;
        let tx = conn.begin().await?;
        super::frame::heartbeat(&tx, daemon, instance).await?;
        tx.commit().await
    }
}

impl Conn {
    /// Opens a transaction; dropped without `commit` it is rolled back.
    pub async fn begin(&mut self) -> Result<Tx<'_>> {
        let Self { object, sick, .. } = self;
        // Only `drop` takes the object out.
        let object = object
            .as_mut()
            .expect("a connection on loan is there until it is dropped");
        match object.transaction().await {
            Ok(inner) => Ok(Tx { inner, sick }),
            Err(error) => {
                sick.store(true, Ordering::Relaxed);
                Err(failure(error))
            }
        }
    }

    /// The client itself, for what needs no transaction (one statement) or its own (migrations).
    pub fn client(&mut self) -> &mut tokio_postgres::Client {
        // Only `drop` takes the object out.
        self.object
            .as_mut()
            .expect("a connection on loan is there until it is dropped")
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        if self.sick.load(Ordering::Relaxed) {
            drop(self.object.take().map(Object::take));
            self.pool.retain(|_, _| false);
        }
    }
}

/// A connection outside the pool and the messages that arrive on it.
pub(super) async fn connect_alone(
    db: &Db,
) -> std::result::Result<(Client, BoxStream<'static, Arrived>), tokio_postgres::Error> {
    if stays_here(&db.config) {
        let (client, mut connection) = db.config.connect(NoTls).await?;
        return Ok((
            client,
            stream::poll_fn(move |cx| connection.poll_message(cx)).boxed(),
        ));
    }
    let (client, mut connection) = match tls() {
        Ok(tls) => db.config.connect(tls).await?,
        // The pool was opened with the same certificates and says what is wrong with them.
        Err(_) => return Ok((db.config.connect(NoTls).await?.0, stream::empty().boxed())),
    };
    Ok((
        client,
        stream::poll_fn(move |cx| connection.poll_message(cx)).boxed(),
    ))
}

fn config(settings: &Database, daemon: &str) -> Result<Config> {
    let mut config: Config = settings
        .url
        .parse()
        .map_err(|e| Failure::quarantine(format!("settings key `database.url`: {e}")))?;
    if let Some(file) = &settings.password_file {
        let password = std::fs::read_to_string(file).map_err(|e| {
            let file = file.display();
            Failure::quarantine(format!(
                "settings key `database.password_file` ({file}): {e}"
            ))
        })?;
        config.password(password.trim_end());
    }
    config
        .application_name(format!("kentongan-{daemon}"))
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .connect_timeout(Duration::from_secs(settings.connect_timeout_s))
        .tcp_user_timeout(Duration::from_secs(settings.statement_timeout_s + 5))
        .keepalives_idle(Duration::from_secs(15))
        // Our statements are short: compiling one costs more than it could ever save (a load of the
        // lists took 36 s instead of 1.2 s). They have their indexes, too: a plan made while a
        // table was empty must not read all of it once it is full.
        .options(format!(
            "-c statement_timeout={}s -c jit=off -c enable_seqscan=off",
            settings.statement_timeout_s
        ));
    Ok(config)
}

/// A socket file or loopback needs no TLS; neither does who forbids it.
fn stays_here(config: &Config) -> bool {
    let here = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.starts_with("127.") || name == "::1",
        Host::Unix(_) => true,
    };
    config.get_ssl_mode() == SslMode::Disable || config.get_hosts().iter().all(here)
}

fn tls() -> Result<MakeRustlsConnect> {
    MakeRustlsConnect::with_native_certs()
        // Certificates that cannot be read are passed over: the others may do.
        .map(|(connector, _unreadable)| connector)
        .map_err(|e| Failure::quarantine(format!("no usable system certificates for TLS: {e:?}")))
}

/// What it means that the pool gave no connection: the database is away, or all are in use.
fn pool_failure(error: deadpool_postgres::PoolError) -> Failure {
    use deadpool_postgres::PoolError;
    match error {
        PoolError::Backend(e) => {
            let f = failure(e);
            Failure::wait(Dependency::Database, f.cause)
        }
        PoolError::Timeout(kind) => Failure::wait(
            Dependency::Database,
            format!("no connection in time ({kind:?}); raise `database.pool_size` if this stays"),
        ),
        other => Failure::wait(Dependency::Database, other),
    }
}
