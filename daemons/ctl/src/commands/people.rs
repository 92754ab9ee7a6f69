//! `kentongan people`

mod change;
mod erase;
mod groups;
mod list;
mod show;
mod suppressions;

use crate::commands::load::Load;
use crate::context::{Context, in_tx};
use crate::exit::Result;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Look up, register, change and erase people; addresses that are not written to any more
#[derive(Debug, Args)]
#[command(after_help = "\
WHO is an id, a number, an address, or a part of the name that only one person has.

Examples:
  kentongan people list --type PLS --area 7204
  kentongan people list --without-contact
  kentongan people groups
  kentongan people show 081234567890
  kentongan people add --name \"Siti Fatimah\" --type PLS --home 72060202 --contact 081234567899
  kentongan people change 081234567899 --grant can_send_pk --add-area 7204 --reason \"trusted\"
  kentongan people change 17 --add-group RPH --reason \"sent to the abattoir\"
  kentongan people change 17 --number 081234567800 --reason \"lost her phone\"
  kentongan people import people.csv --dry-run
  kentongan people suspend 17 --reason \"false reports\"
  kentongan people history 17
  kentongan people erase 17 --reason \"asked for it\" --dry-run
  kentongan people suppressions --lift vet@example.org --reason \"mailbox is repaired\"")]
pub struct People {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(list::List),
    /// Everything that is stored about somebody
    Show {
        /// An id, a number or address as people write it, or a part of the name
        who: String,
    },
    Add(change::Add),
    Change(change::Change),
    /// Load people from a CSV file: as `kentongan load people`
    Import {
        /// The CSV file, plain or gzipped; - reads the standard input
        file: PathBuf,
        /// Check and say what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Shut somebody out for a time; what they send is answered with that
    Suspend(change::Fate),
    /// Let somebody in again who was suspended or had left
    Resume(change::Fate),
    /// Note that somebody is no longer with us; their reports stay
    Leave(change::Fate),
    History(list::History),
    /// All groups, and what their people may do beyond the user type
    Groups,
    Erase(erase::Erase),
    /// Addresses that bounced or complained, latest first
    Suppressions {
        /// Write to this address again
        #[arg(long, value_name = "ADDRESS", requires = "reason")]
        lift: Option<String>,
        /// Why; goes on record with your name
        #[arg(long, value_name = "TEXT", requires = "lift")]
        reason: Option<String>,
        /// At most so many
        #[arg(long, short = 'n', default_value_t = 100)]
        most: i64,
    },
}

impl People {
    pub async fn run(self, context: &Context) -> Result {
        use common::people::PersonState::{Active, Left, Suspended};
        match self.what {
            What::List(it) => it.run(context).await,
            What::Show { who } => {
                let (settings, db) = context.db()?;
                let found = show::look(&db, &settings, &who).await?;
                show::shown(context.out, &who, &found)
            }
            What::Add(it) => it.run(context).await,
            What::Change(it) => it.run(context).await,
            What::Import { file, dry_run } => Load::people(file, dry_run).run(context).await,
            What::Suspend(it) => it.run(context, Suspended).await,
            What::Resume(it) => it.run(context, Active).await,
            What::Leave(it) => it.run(context, Left).await,
            What::History(it) => it.run(context).await,
            What::Groups => groups::run(context).await,
            What::Erase(it) => it.run(context).await,
            What::Suppressions { lift, reason, most } => {
                let (_, db) = context.db()?;
                if let (Some(address), Some(reason)) = (lift, reason) {
                    return suppressions::lift(context.out, &db, &address, &reason).await;
                }
                let list = async |tx: &common::db::Tx<'_>| {
                    Ok(common::db::suppressions::list(tx, most).await?)
                };
                suppressions::suppressed(context.out, &in_tx(&db, list).await?)
            }
        }
    }
}
