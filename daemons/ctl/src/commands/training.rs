//! `kentongan training`: what was only practised.

use crate::context::{Context, in_tx};
use crate::exit::{Exit, Result};
use crate::out::note;
use crate::record::Record;
use clap::{Args, Subcommand};
use common::db::training;
use serde_json::json;

/// What people in training have sent: kept apart, and forgotten when a course is over
///
/// `kentongan people change WHO --training true` puts somebody into training.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan people change 081234567890 --training true --reason \"course in Palu\"
  kentongan training clear --reason \"the course is over\"
  kentongan people change 081234567890 --training false --reason \"the course is over\"")]
pub struct Training {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Forget all reports, cases, owners, animals and permits of training; people stay
    Clear {
        /// Why; goes on record with your name
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

impl Training {
    pub async fn run(self, context: &Context) -> Result {
        let What::Clear { reason } = self.what;
        let (_, db) = context.db()?;
        let reports = in_tx(&db, async |tx| {
            let what = ("clear", "training");
            Record::in_one(tx, what, &reason, &json!({})).await?;
            Ok(training::clear(tx).await?)
        });
        note(format!("{} reports of training forgotten", reports.await?));
        Ok(Exit::Done)
    }
}
