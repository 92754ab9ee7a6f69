//! `kentongan migrate`

use crate::context::Context;
use crate::exit::{Exit, Result};
use clap::Args;

/// Bring the database's schema to this program's version
///
/// May run any number of times, also from several places at once. The daemons refuse to start on an
/// older schema than they know.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kentongan migrate --config /etc/kentongan/kentongan.toml")]
pub struct Migrate {}

impl Migrate {
    pub async fn run(self, context: &Context) -> Result {
        let (_, db) = context.db()?;
        let applied = common::db::migrate(&db).await?;
        if context.out.json {
            context
                .out
                .document(&serde_json::json!({ "applied": applied }))?;
            return Ok(Exit::Done);
        }
        for name in &applied {
            context.out.line(format!("applied {name}"))?;
        }
        if applied.is_empty() {
            context.out.line("nothing to do: the schema is up to date")?;
        }
        Ok(Exit::Done)
    }
}
