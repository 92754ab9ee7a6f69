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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::out::When;
    use common::config;

    fn cards(kind: Option<&str>, folder: &Path) -> Result {
        let codes = common::engine::compile_offline(&config::Engine::default());
        let manual = Manual {
            cards: Some(folder.to_owned()),
            kind: kind.map(str::to_owned),
            installed: false,
        };
        let (codes, roles) = (codes.expect("they ship"), Roles::shipped()?);
        manual.write(Out::new(true, When::Never), &codes, &roles, folder)
    }

    #[test]
    fn one_types_cards_are_written_in_both_languages() {
        let folder = tempfile::tempdir().expect("a folder");
        let below = folder.path().join("new");
        assert!(matches!(cards(Some("vet"), &below), Ok(Exit::Done)));
        let mut names: Vec<_> = fs::read_dir(&below)
            .expect("it was made")
            .map(|f| f.expect("a file").file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["vet-en.pdf", "vet-id.pdf"]);
        let card = fs::read(below.join("vet-id.pdf")).expect("a card");
        assert!(card.starts_with(b"%PDF-"));
    }

    #[test]
    fn a_type_that_does_not_exist_is_told_with_those_that_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let fault = cards(Some("nobody"), folder.path()).expect_err("no such type");
        assert_eq!(fault.exit, Exit::Nothing);
        assert!(fault.to_string().contains("PLS, "), "{fault}");
    }
}
