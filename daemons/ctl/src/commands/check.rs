//! `kentongan check`

use crate::commands::queues;
use crate::context::Context;
use crate::exit::{Exit, Fault, Result};
use crate::out::{Look, Out};
use clap::Args;
use common::compose;
use common::config::{Engine, Settings};
use common::db::{self, Db};
use common::engine;
use common::home::Home;
use serde::Serialize;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Check settings, keys, code files and mail texts; with --online everything that they name
///
/// Every fault is told in one go. Nothing is changed. Exit code 1 when anything is wrong.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan check
  kentongan check ./my-codes              code files of a folder, together with the shipped ones
  kentongan check --online                database, schema, queues and blobs too
  kentongan check --settings deploy/config/one-box.toml")]
pub struct Check {
    /// Folder of code files to check instead of the one that the settings name
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Try the database, the queues and the blob store too
    #[arg(long)]
    online: bool,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    faults: Vec<String>,
}

impl Finding {
    fn new(what: impl Into<String>, faults: Vec<String>) -> Self {
        let what = what.into();
        Self { what, faults }
    }

    fn of<E: ToString>(what: impl Into<String>, outcome: std::result::Result<(), E>) -> Self {
        Self::new(what, outcome.err().iter().map(E::to_string).collect())
    }
}

impl Check {
    pub async fn run(self, context: &Context) -> Result {
        let mut findings = Vec::new();
        let file = context.file();
        let settings = Settings::read(&file);
        let unread = settings.as_ref().err().map(ToString::to_string);
        // A folder can be checked by whoever writes code files and has no installation.
        let alone = self.folder.is_some() && !file.exists() && !self.online;
        if !alone {
            let what = format!("settings {}", file.display());
            findings.push(Finding::new(what, unread.into_iter().collect()));
        }
        let settings = settings.ok();
        findings.extend(self.files(settings.as_ref()));
        if let Some(settings) = &settings {
            findings.push(keys(settings));
            if self.online {
                findings.extend(online(settings).await);
            }
        }
        said(context.out, &findings)
    }

    fn files(&self, settings: Option<&Settings>) -> Vec<Finding> {
        let mut engine = settings.map_or_else(Engine::default, |s| s.engine.clone());
        if self.folder.is_some() {
            engine.codes.clone_from(&self.folder);
        }
        let what = match &engine.codes {
            Some(folder) => format!("code files, shipped and of {}", folder.display()),
            None => "code files, shipped".into(),
        };
        let codes = engine::compile_offline(&engine).err().unwrap_or_default();
        let mails = match compose::mails(None) {
            Ok(mails) => mails.check().iter().map(ToString::to_string).collect(),
            Err(e) => vec![e.to_string()],
        };
        vec![Finding::new(what, codes), Finding::new("mail texts", mails)]
    }
}

/// The keys can be used and are nobody else's.
fn keys(settings: &Settings) -> Finding {
    let file = &settings.secrets.token_keys_file;
    let mut faults = Vec::new();
    if let Err(e) = common::mail::keys::signer(&settings.secrets) {
        faults.push(format!("{e}; make the file with `kentongan keys new`"));
    } else if let Ok(about) = std::fs::metadata(file) {
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o007 != 0 {
            let name = file.display();
            faults.push(format!(
                "{name} can be read by everybody ({mode:03o}); chmod 600 {name}"
            ));
        }
    }
    Finding::new(format!("keys {}", file.display()), faults)
}

async fn online(settings: &Settings) -> Vec<Finding> {
    let schema = match Db::open(&settings.database, "ctl") {
        Ok(db) => db::schema_version(&db).await,
        Err(e) => Err(e),
    };
    let reached = schema.is_ok();
    let mut findings = vec![Finding::of("database and its schema", schema)];
    let home = match Home::open(settings, "ctl").await {
        Ok(home) => home,
        Err(e) => {
            findings.push(Finding::of("queues and blobs", Err(e)));
            return findings;
        }
    };
    findings.push(Finding::of("blobs", home.blobs.probe().await));
    // Without the database each of these would say the same again.
    if reached {
        findings.push(Finding::new("queues", missing_queues(&home).await));
        let engine = engine::Engine::load(&home, settings).await;
        let what = "code files with the lists and queries of this database";
        findings.push(Finding::of(what, engine.map(drop)));
    }
    findings
}

async fn missing_queues(home: &Home) -> Vec<String> {
    let mut faults = Vec::new();
    for name in queues::needed() {
        let fault = match home.queue.facts(&name).await {
            Ok(Some(facts)) if facts.redrive.is_some() => continue,
            Ok(Some(_)) => format!("`{name}` has no dead-letter rule"),
            Ok(None) => format!("`{name}` does not exist; `kentongan queues create` makes it"),
            Err(e) => e.to_string(),
        };
        faults.push(fault);
    }
    faults
}

fn said(out: Out, findings: &[Finding]) -> Result {
    let wrong: usize = findings.iter().map(|f| f.faults.len()).sum();
    if out.json {
        out.document(&findings)?;
        return Ok(if wrong == 0 { Exit::Done } else { Exit::Failed });
    }
    for finding in findings {
        let mark = match finding.faults.is_empty() {
            true => out.look(Look::Green, "ok   "),
            false => out.look(Look::Red, "wrong"),
        };
        out.line(format!("{mark}  {}", finding.what))?;
        for fault in &finding.faults {
            out.line(format!("       {fault}"))?;
        }
    }
    match wrong {
        0 => Ok(Exit::Done),
        1 => Err(Fault::new("1 fault")),
        n => Err(Fault::new(format!("{n} faults"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(folder: Option<PathBuf>) -> Check {
        Check {
            folder,
            online: false,
        }
    }

    #[test]
    fn what_is_shipped_is_right() {
        for finding in check(None).files(None) {
            assert_eq!(finding.faults, Vec::<String>::new(), "{}", finding.what);
        }
    }

    #[test]
    fn every_fault_of_a_folder_is_told_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["one.toml", "two.toml"] {
            std::fs::write(folder.path().join(name), "code = \"ONE\"\nwrong = 1\n").unwrap();
        }
        let faults = &check(Some(folder.path().into())).files(None)[0].faults;
        for name in ["one.toml", "two.toml"] {
            assert!(faults.iter().any(|f| f.starts_with(name)), "{faults:?}");
        }
    }
}
