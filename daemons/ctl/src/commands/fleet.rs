//! `kentongan fleet`

use crate::context::{Context, in_tx};
use crate::exit::{Exit, Fault, Result};
use crate::out::Look;
use crate::time::{age, shown};
use clap::Args;
use common::db::operator;
use jiff::Timestamp;
use std::time::Duration;

/// A daemon that lives is heard every minute; after this long something is wrong with it.
const SILENT: Duration = Duration::from_secs(180);

/// Which daemons live, where, in which version
///
/// One that stopped in order is not listed; one that is silent crashed, hangs, or has lost the
/// database.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kentongan fleet\n  kentongan fleet --all --json")]
pub struct Fleet {
    /// Also those that were last heard more than a day ago
    #[arg(long)]
    all: bool,
}

impl Fleet {
    pub async fn run(self, context: &Context) -> Result {
        let (_, db) = context.db()?;
        let mut fleet = in_tx(&db, async |tx| Ok(operator::fleet(tx).await?)).await?;
        let (now, out) = (Timestamp::now(), context.out);
        let day = Duration::from_secs(86_400);
        fleet.retain(|h| h.daemon != "ctl" && (self.all || age(h.at, now) < day));
        if out.json {
            out.document(&fleet)?;
            return Ok(Exit::Done);
        }
        if fleet.is_empty() {
            return Err(Fault::nothing("no daemon was heard lately"));
        }
        let rows = fleet.into_iter().map(|h| {
            let silence = age(h.at, now);
            let state = match silence > SILENT {
                true => out.look(Look::Yellow, "silent"),
                false => out.look(Look::Green, "lives"),
            };
            vec![h.daemon, h.instance, h.version, shown(silence), state]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        out.table(&["daemon", "instance", "version", "heard", "state"], &rows)?;
        Ok(Exit::Done)
    }
}
