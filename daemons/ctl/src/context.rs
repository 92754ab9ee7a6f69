//! What every command is given: the settings, the installation, the output.

use crate::cli::Global;
use crate::exit::{Fault, Result};
use crate::out::Out;
use common::config::{Database, Settings};
use common::daemon::SETTINGS;
use common::db::{Db, Tx};
use common::home::Home;
use std::path::{Path, PathBuf};

/// One run of the program.
pub struct Context {
    /// What stands in front of every command.
    pub global: Global,
    /// Where results go.
    pub out: Out,
}

impl Context {
    /// The settings file: `--config`, else KENTONGAN_CONFIG, else the system's.
    pub fn file(&self) -> PathBuf {
        let named = self.global.config.as_deref();
        named.unwrap_or(Path::new(SETTINGS)).to_owned()
    }

    /// The settings, or why they cannot be used.
    pub fn settings(&self) -> Result<Settings> {
        let file = self.file();
        Settings::read(&file).map_err(|e| {
            let fault = Fault::from(e);
            if file.exists() {
                return fault;
            }
            fault.remedy(
                "name the file with --config FILE or KENTONGAN_CONFIG; to try things out, \
                 `kentongan up` makes one",
            )
        })
    }

    /// The installation that the settings name. Connects when it is first used.
    pub async fn home(&self) -> Result<(Settings, Home)> {
        let settings = self.settings()?;
        let home = Home::open(&settings, "ctl").await?;
        Ok((settings, home))
    }

    /// The database alone, for what needs neither queues nor blobs. Connects when first used.
    pub fn db(&self) -> Result<(Settings, Db)> {
        let settings = self.settings()?;
        let db = Db::open(&settings.database, "ctl")?;
        Ok((settings, db))
    }
}

/// The database with time for statements that write whole countries at once.
pub fn patient(database: &Database) -> Database {
    Database {
        statement_timeout_s: database.statement_timeout_s.max(900),
        ..database.clone()
    }
}

/// Does something in one transaction and commits it.
pub async fn in_tx<T>(db: &Db, work: impl AsyncFnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
    let mut conn = db.connect().await?;
    let tx = conn.begin().await?;
    let done = work(&tx).await?;
    tx.commit().await?;
    Ok(done)
}
