//! `kentongan people`

use crate::context::{Context, in_tx};
use crate::exit::{Exit, Fault, Result};
use crate::out::{Look, Out};
use crate::record::Record;
use crate::time::clock;
use clap::{Args, Subcommand};
use common::config::Settings;
use common::db::people::{self, ContactState, Details};
use common::db::{Db, suppressions};
use serde_json::json;

/// Look up people, and addresses that are not written to any more
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan people show 081234567890
  kentongan people show vet@example.org
  kentongan people show \"Siti\"                       whoever has it in the name
  kentongan people suppressions
  kentongan people suppressions --lift vet@example.org --reason \"mailbox is repaired\"")]
pub struct People {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Everything that is stored about somebody
    Show {
        /// A number or address as people write it, or a part of the name
        who: String,
    },
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
        let (settings, db) = context.db()?;
        match self.what {
            What::Show { who } => {
                let found = look(&db, &settings, &who).await?;
                shown(context.out, &who, &found)
            }
            What::Suppressions {
                lift: Some(address),
                reason: Some(reason),
                ..
            } => lift(context.out, &db, &address, &reason).await,
            What::Suppressions { most, .. } => {
                let all = in_tx(&db, async |tx| Ok(suppressions::list(tx, most).await?)).await?;
                suppressed(context.out, &all)
            }
        }
    }
}

/// A number is looked up in its canonical form; what is no number is an address or a name.
async fn look(db: &Db, settings: &Settings, who: &str) -> Result<Vec<Details>> {
    let number = common::phone::canonical(who, &settings.engine.country_code).ok();
    let wanted = number.unwrap_or_else(|| match who.contains('@') {
        true => who.to_lowercase(),
        false => who.to_owned(),
    });
    in_tx(db, async |tx| Ok(people::show(tx, &wanted).await?)).await
}

fn shown(out: Out, who: &str, found: &[Details]) -> Result {
    if out.json {
        out.document(&found)?;
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        return Err(Fault::nothing(format!("nobody is known by `{who}`")));
    }
    for person in found {
        out.line(out.look(
            Look::Bold,
            format!("{} (person {})", person.name, person.id),
        ))?;
        let state = person.state.as_str();
        out.line(format!(
            "  {}, {state}, language {}",
            person.user_type, person.language
        ))?;
        out.line(format!(
            "  home   {}",
            person.home.as_deref().unwrap_or("-")
        ))?;
        for area in &person.areas {
            out.line(format!("  area   {area}"))?;
        }
        if !person.permissions.is_empty() {
            out.line(format!(
                "  beyond the user type: {}",
                person.permissions.join(" ")
            ))?;
        }
        for contact in &person.contacts {
            let state = match &contact.state {
                ContactState::Ok => String::new(),
                ContactState::Failing { reason } => {
                    out.look(Look::Yellow, format!(" failing: {reason}"))
                }
                ContactState::Suppressed { reason } => {
                    out.look(Look::Red, format!(" suppressed: {reason}"))
                }
            };
            let channel = contact.channel.as_deref().unwrap_or("no channel");
            out.line(format!(
                "  {:<6} {} by {channel}{state}",
                contact.kind, contact.address
            ))?;
        }
    }
    Ok(Exit::Done)
}

async fn lift(out: Out, db: &Db, address: &str, reason: &str) -> Result {
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

fn suppressed(out: Out, all: &[suppressions::Suppression]) -> Result {
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
