//! Addresses that are not written to any more.

use crate::context::in_tx;
use crate::exit::{Exit, Fault, Result};
use crate::out::Out;
use crate::record::Record;
use crate::time::clock;
use common::db::{Db, suppressions};
use serde_json::json;

/// Writes to an address again, on record.
pub async fn lift(out: Out, db: &Db, address: &str, reason: &str) -> Result {
    let asked = json!({ "address": address });
    let target = ("lift", "suppression");
    let lifted = in_tx(db, async |tx| {
        let lifted = suppressions::lift(tx, address).await?;
        if lifted {
            Record::in_one(tx, target, reason, &asked).await?;
        }
        Ok(lifted)
    });
    if !lifted.await? {
        return Err(Fault::nothing(format!("{address} is not suppressed")));
    }
    out.line(format!("{address} is written to again"))?;
    Ok(Exit::Done)
}

/// The list of them.
pub fn suppressed(out: Out, all: &[suppressions::Suppression]) -> Result {
    if out.json {
        out.document(&all)?;
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        return Err(Fault::nothing("no address is suppressed"));
    }
    let row = |s: &suppressions::Suppression| {
        let person = s.person.clone().unwrap_or("-".into());
        let detail = s
            .detail
            .as_deref()
            .map_or("-".into(), |d| crate::out::one_line(d, 80));
        vec![
            s.address.clone(),
            s.reason.clone(),
            clock(s.since),
            s.by.clone(),
            person,
            detail,
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    out.table(
        &["address", "reason", "since", "by", "person", "detail"],
        &rows,
    )?;
    Ok(Exit::Done)
}
