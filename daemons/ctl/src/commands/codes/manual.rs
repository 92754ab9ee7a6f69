//! `kentongan codes manual`

use crate::context::{Context, in_tx};
use crate::exit::{Exit, Fault, Result};
use crate::out::Out;
use clap::Args;
use common::code::Codes;
use common::language::Language;
use common::manual::{self, Roles};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// The manual of the codes, or the cards that people carry
#[derive(Debug, Args)]
pub struct Manual {
    /// Write a card for each user type and language into this folder, as PDF for printing
    #[arg(long, value_name = "DIR")]
    cards: Option<PathBuf>,
    /// Only the cards of this user type
    #[arg(long = "as", value_name = "TYPE", requires = "cards")]
    kind: Option<String>,
    /// Who may send what as this installation has it, not as shipped; asks its database
    #[arg(long)]
    installed: bool,
}

impl Manual {
    pub async fn run(self, context: &Context, codes: &Codes) -> Result {
        let roles = match self.installed {
            true => installed(context).await?,
            false => Roles::shipped()?,
        };
        match &self.cards {
            None => print(context.out, codes, &roles),
            Some(folder) => self.write(context.out, codes, &roles, folder),
        }
    }

    fn write(&self, out: Out, codes: &Codes, roles: &Roles, folder: &Path) -> Result {
        let wanted = |kind: &&str| {
            let named = self.kind.as_deref();
            named.is_none_or(|named| named.eq_ignore_ascii_case(kind))
        };
        let kinds: Vec<&str> = roles.types().filter(wanted).collect();
        if kinds.is_empty() {
            let known: Vec<&str> = roles.types().collect();
            return Err(Fault::nothing("there is no such user type")
                .remedy(format!("take one of {}", known.join(", "))));
        }
        fs::create_dir_all(folder)?;
        let mut written = Vec::new();
        for (kind, language) in kinds.iter().flat_map(|k| Language::ALL.map(|l| (k, l))) {
            let path = folder.join(manual::card_name(kind, language));
            fs::write(&path, manual::card(codes, roles, kind, language)?)?;
            written.push(path.display().to_string());
        }
        if out.json {
            out.document(&written)?;
        } else {
            for path in &written {
                out.line(path)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn print(out: Out, codes: &Codes, roles: &Roles) -> Result {
    let page = manual::markdown(codes, roles);
    if out.json {
        out.document(&json!({ "markdown": page }))?;
    } else {
        out.line(page.trim_end())?;
    }
    Ok(Exit::Done)
}

async fn installed(context: &Context) -> Result<Roles> {
    let (_, db) = context.db()?;
    in_tx(&db, async |tx| Ok(Roles::installed(tx).await?)).await
}
