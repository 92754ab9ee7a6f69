//! Loading places, lists and people from CSV files: `kentongan load places|lists|people FILE`.
//!
//! A file is checked whole and refused with every fault it has; what is right goes in all or nothing,
//! in the transaction of the caller. The same file a second time changes nothing. What is no longer in
//! a file is reported, and retired only when asked for: old reports keep pointing to it.

mod fault;
mod phone;
mod places;
mod table;
#[cfg(test)]
mod tests;

pub use fault::{LoadFault, Problem};

use crate::Failure;
use crate::db::{self, Tx};
use serde::Serialize;
use std::io::Read;

/// How to load.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Retire what the file no longer names. Never on its own: half a file would retire the other half.
    pub retire_vanished: bool,
    /// Systems of place codes in which the places of people are looked up, the preferred one first.
    pub systems: Vec<String>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            retire_vanished: false,
            systems: vec!["isikhnas".into(), "kemendagri".into()],
        }
    }
}

/// What a load did, counted in rows of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// New rows.
    pub added: u64,
    /// Rows that say something else than before.
    pub changed: u64,
    /// Rows that were so already.
    pub unchanged: u64,
    /// Codes that are known but not in the file.
    pub vanished: Vec<String>,
    /// How many of them were retired, because the options asked for it.
    pub retired: u64,
}

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is wrong: every fault, in order of lines.
    #[error("{} faults in the file", .0.len())]
    Faults(Vec<LoadFault>),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Failure),
}

/// Loads places and their codes. See [`places`] for the columns. Takes a lock that makes a second load
/// of places wait; readers are not disturbed.
pub async fn places(
    tx: &Tx<'_>,
    source: impl Read,
    options: &LoadOptions,
) -> Result<LoadReport, LoadError> {
    use db::places::bulk;
    let (rows, mut faults) = places::read(source);
    bulk::lock(tx).await?;
    let known = bulk::known(tx, &places::systems(&rows)).await?;
    let new_ids = bulk::new_ids(tx, places::new_places(&rows, &known)).await?;
    let (mut plan, unfit) = places::plan(&rows, &known, &new_ids, options);
    faults.extend(unfit);
    refuse(faults)?;
    bulk::insert(tx, &plan.insert).await?;
    bulk::update(tx, &plan.update).await?;
    let codes: Vec<_> = plan
        .codes
        .iter()
        .map(|c| (c.0.as_str(), c.1.as_str(), c.2))
        .collect();
    bulk::put_codes(tx, &codes).await?;
    let retire: Vec<_> = plan
        .retire
        .iter()
        .map(|k| (k.0.as_str(), k.1.as_str()))
        .collect();
    plan.report.retired = bulk::retire_codes(tx, &retire).await?;
    if plan.moved {
        bulk::repair_paths(tx).await?;
    }
    if plan.insert.len() > 1_000 {
        bulk::analyze(tx).await?;
    }
    Ok(plan.report)
}

fn refuse(mut faults: Vec<LoadFault>) -> Result<(), LoadError> {
    faults.sort_by_key(|f| f.line);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(LoadError::Faults(faults))
    }
}
