//! The schema and its version. `kentongan migrate` changes it; a daemon only looks.

use super::{Db, failure};
use crate::{Failure, Result};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Brings the schema to this program's version; names what was applied. May run any number of
/// times, and at the same time from several places: an advisory lock lets one go first.
pub async fn migrate(db: &Db) -> Result<Vec<String>> {
    let mut conn = db.connect().await?;
    let client = conn.client();
    // Any fixed number does; it must only be the same everywhere.
    client
        .batch_execute("SELECT pg_advisory_lock(4655)")
        .await
        .map_err(failure)?;
    let report = embedded::migrations::runner().run_async(client).await;
    client
        .batch_execute("SELECT pg_advisory_unlock(4655)")
        .await
        .map_err(failure)?;
    let report = report.map_err(|e| Failure::quarantine(told(&e)))?;
    Ok(report
        .applied_migrations()
        .iter()
        .map(ToString::to_string)
        .collect())
}

/// What is wrong, and what mends it where it is not this program's own fault.
fn told(error: &refinery::Error) -> String {
    use refinery::error::Kind;
    match error.kind() {
        Kind::DivergentVersion(..) | Kind::MissingVersion(_) => format!(
            "migration: {error}: this database was made by another build; use the program that made \
             it, or another database (before the first release migrations still change)"
        ),
        _ => format!("migration: {error}"),
    }
}

/// Makes sure that the schema is the one this program knows.
pub async fn schema_version(db: &Db) -> Result {
    let mut conn = db.connect().await?;
    let found = conn
        .client()
        .query_one(
            "SELECT coalesce(max(version), 0) FROM refinery_schema_history",
            &[],
        )
        .await
        .map(|row| row.get::<_, i32>(0));
    let found = match found {
        Ok(version) => version,
        Err(e) if e.code() == Some(&tokio_postgres::error::SqlState::UNDEFINED_TABLE) => 0,
        Err(e) => return Err(failure(e)),
    };
    let ours = newest();
    if found >= ours {
        return Ok(());
    }
    Err(Failure::quarantine(format!(
        "the database's schema is at version {found}, this program needs {ours}: \
         run `kentongan migrate`"
    )))
}

fn newest() -> i32 {
    let runner = embedded::migrations::runner();
    runner
        .get_migrations()
        .iter()
        .map(refinery::Migration::version)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::TestDb;

    #[tokio::test]
    async fn a_database_of_another_build_is_named_as_such_and_left_alone() {
        let db = TestDb::new().await;
        assert_eq!(migrate(&db.db).await, Ok(Vec::new()), "twice is once");
        db.run("UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2")
            .await;
        let failure = migrate(&db.db).await.expect_err("it differs");
        assert!(failure.cause.contains("made by another build"), "{failure}");
        assert!(failure.cause.contains("V2__"), "{failure}");
    }
}
