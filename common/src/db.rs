//! PostgreSQL: the pool that finds the writable server, transactions, and what its errors mean.
//! SQL stands only in this folder and in `.sql` files.

pub mod again;
pub mod alerts;
pub mod cases;
pub mod channels;
pub mod deliveries;
pub mod frame;
pub mod herds;
pub mod intake;
pub mod leases;
pub mod mails;
pub mod notices;
pub mod operator;
pub mod pieces;
mod pool;
pub mod queue;
pub mod quota;
pub mod reports;
pub mod retention;
mod schema;
pub mod subjects;
pub mod suppressions;
pub mod trace;
pub mod training;
pub mod views;
pub mod workbooks;
pub mod works;

pub use pool::{Conn, Db};
pub use schema::{migrate, schema_version};
pub mod lists;
pub mod people;
pub mod places;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use crate::failure::Dependency;
use crate::{Failure, Result};
use deadpool_postgres::Transaction;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Statement};

pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// One open transaction. Every statement is prepared once per connection and named by its first
/// line (`-- people::by_phone`), which is how it is found in `pg_stat_statements`.
pub struct Tx<'a> {
    inner: Transaction<'a>,
    sick: &'a AtomicBool,
}

impl Tx<'_> {
    /// All rows.
    pub async fn query(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        let statement = self.prepared(sql).await?;
        self.inner
            .query(&statement, params)
            .await
            .map_err(|e| self.failed(e))
    }

    /// The one row, if there is one.
    pub async fn query_opt(&self, sql: &str, params: Params<'_>) -> Result<Option<Row>> {
        let statement = self.prepared(sql).await?;
        self.inner
            .query_opt(&statement, params)
            .await
            .map_err(|e| self.failed(e))
    }

    /// Exactly one row.
    pub async fn query_one(&self, sql: &str, params: Params<'_>) -> Result<Row> {
        let statement = self.prepared(sql).await?;
        self.inner
            .query_one(&statement, params)
            .await
            .map_err(|e| self.failed(e))
    }

    /// How many rows it touched.
    pub async fn execute(&self, sql: &str, params: Params<'_>) -> Result<u64> {
        let statement = self.prepared(sql).await?;
        self.inner
            .execute(&statement, params)
            .await
            .map_err(|e| self.failed(e))
    }

    /// Several statements without parameters in one round trip.
    pub async fn batch(&self, sql: &str) -> Result {
        self.inner
            .batch_execute(sql)
            .await
            .map_err(|e| self.failed(e))
    }

    /// Finds out whether the server understands a statement, and the types of its parameters.
    pub async fn prepare(&self, sql: &str) -> Result<Vec<Type>> {
        self.inner
            .prepare_cached(sql)
            .await
            .map(|statement| statement.params().to_vec())
            .map_err(|e| self.failed(e))
    }

    /// Makes what was done last. A failure leaves open whether it was: the inbox tells.
    pub async fn commit(self) -> Result {
        let Self { inner, sick } = self;
        inner.commit().await.map_err(|e| noted(sick, e))
    }

    /// The statement, prepared once per connection.
    async fn prepared(&self, sql: &str) -> Result<Statement> {
        let prepared = self.inner.prepare_cached(sql).await;
        prepared.map_err(|e| self.failed(e))
    }

    fn failed(&self, error: tokio_postgres::Error) -> Failure {
        noted(self.sick, error)
    }
}

/// A connection that failed in a way that waiting mends is not used again.
fn noted(sick: &AtomicBool, error: tokio_postgres::Error) -> Failure {
    let failure = failure(error);
    if matches!(failure.verdict, crate::Verdict::Wait(_)) {
        sick.store(true, Ordering::Relaxed);
    }
    failure
}

/// What a database error asks for. A server that is away, full, broken, read-only or shutting down
/// is waited for; a lost race is tried again; a value that PostgreSQL can never take is not.
pub fn failure(error: tokio_postgres::Error) -> Failure {
    let cause = describe(&error);
    let Some(state) = error.code() else {
        return if is_lost(&error) {
            Failure::wait(Dependency::Database, cause)
        } else {
            // A value that does not fit its column, a row that is not there: this message's fault.
            Failure::retry(cause)
        };
    };
    // The class says it, but for the states of class 25 and 57 that are about one statement.
    match (&state.code()[..2], state) {
        ("25", s) if *s == SqlState::READ_ONLY_SQL_TRANSACTION => {
            Failure::wait(Dependency::Database, cause)
        }
        ("57", s) if *s != SqlState::QUERY_CANCELED => Failure::wait(Dependency::Database, cause),
        // Connection, resources, the system below it, the server's own bugs.
        ("08" | "53" | "58" | "XX", _) => Failure::wait(Dependency::Database, cause),
        // Values and sizes that no other try will make fit.
        ("22" | "54", _) => Failure::quarantine(cause),
        _ => Failure::retry(cause),
    }
}

/// How the driver's errors begin that are this program's own: a value of another type than the
/// statement's, a row more or less than it asked for. The driver tells them apart in words only.
const OWN_FAULTS: &[&str] = &[
    "error serializing parameter",
    "error deserializing column",
    "invalid column",
    "query returned an unexpected",
    "expected ",
    "error encoding message",
];

/// Whether the server or the way to it is gone, as against an error of our own making.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    let said = error.to_string();
    !OWN_FAULTS.iter().any(|fault| said.starts_with(fault))
}

/// The error without the values that it quotes: those may be somebody's words or number.
fn describe(error: &tokio_postgres::Error) -> String {
    let Some(db) = error.as_db_error() else {
        return match std::error::Error::source(error) {
            Some(source) => format!("database: {error}: {source}"),
            None => format!("database: {error}"),
        };
    };
    let place = [db.table(), db.column(), db.constraint()]
        .map(|p| p.unwrap_or("-"))
        .join("/");
    // Messages of this class quote the value that did not fit.
    let message = if db.code().code().starts_with("22") {
        ""
    } else {
        db.message()
    };
    format!("database: {} {message} at {place}", db.code().code())
}
