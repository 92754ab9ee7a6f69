//! Forgetting somebody.

use super::show::one;
use crate::context::{Context, patient};
use crate::exit::{Exit, Fault, Result};
use crate::out::{Out, note};
use crate::record::who;
use clap::Args;
use common::db::Db;
use common::people::{self, By, Erasure, Touched};
use serde_json::json;

/// Forget who somebody was: name, addresses, words, mails. What they reported stays
///
/// Cannot be undone. Free text of reports, names in other people's words, messages on queues outside of the
/// database and backups are not reached.
#[derive(Debug, Args)]
pub struct Erase {
    /// Who: an id, a number, an address, or a part of the name
    who: String,
    /// Why; goes on record with your name. Name nobody here
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Say what would be touched, and touch nothing
    #[arg(long)]
    dry_run: bool,
}

impl Erase {
    pub async fn run(self, context: &Context) -> Result {
        let (settings, home) = context.home().await?;
        // All messages are gone through.
        let db = Db::open(&patient(&settings.database), "ctl")?;
        let mut conn = db.connect().await?;
        let tx = conn.begin().await?;
        let id = one(&tx, &settings, &self.who).await?;
        let by = By::named(who()).because(Some(&self.reason));
        let touched = match people::erase(&tx, &by, id, &settings.engine.numbering()).await? {
            Erasure::Done(touched) => touched,
            Erasure::Unknown => return Err(Fault::nothing(format!("there is no person {id}"))),
            Erasure::Before => {
                return Err(Fault::nothing(format!("person {id} was erased before")));
            }
        };
        if self.dry_run {
            drop(tx);
        } else {
            tx.commit().await?;
            people::delete_blobs(&db, home.blobs.as_ref())
                .await
                .map_err(|e| {
                    Fault::from(e).remedy(
                        "the person is erased; the processor deletes the raw mails within the hour",
                    )
                })?;
        }
        self.said(context.out, id, &touched)
    }

    fn said(&self, out: Out, id: i64, touched: &Touched) -> Result {
        if out.json {
            let told = json!({ "person": id, "dry_run": self.dry_run, "touched": touched });
            out.document(&told)?;
            return Ok(Exit::Done);
        }
        out.line(format!("person {id}"))?;
        for (count, what) in [
            (touched.contacts, "addresses forgotten"),
            (touched.messages, "messages without their words"),
            (touched.mails, "mails without sender and subject"),
            (touched.blobs, "raw mails deleted"),
            (touched.deliveries, "deliveries without their address"),
            (
                touched.reports,
                "reports without the name or number in them",
            ),
            (touched.changes, "changes on record without who it was"),
            (touched.waiting, "waiting messages deleted"),
        ] {
            out.line(format!("  {count:>6} {what}"))?;
        }
        for owner in &touched.owners_left {
            note(format!(
                "Owner {owner} has a number of theirs and stays: another name, or another herd."
            ));
        }
        if self.dry_run {
            note("A dry run: nothing was touched.");
        }
        Ok(Exit::Done)
    }
}
