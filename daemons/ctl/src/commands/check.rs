//! `kentongan check`

use crate::commands::queues;
use crate::context::Context;
use crate::exit::{Exit, Fault, Result};
use crate::out::{Look, Out};
use clap::Args;
use common::compose;
use common::config::{Engine, Secrets, Settings};
use common::db::{self, Db};
use common::engine;
use common::home::Home;
use serde::Serialize;
use std::fs::File;
use std::io;
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
    /// What could not be looked at, and by whom it can; nothing is wrong.
    notes: Vec<String>,
}

impl Finding {
    fn new(what: impl Into<String>, faults: Vec<String>) -> Self {
        Self {
            what: what.into(),
            faults,
            notes: Vec::new(),
        }
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
            let secrets = &settings.secrets;
            findings.push(keys(secrets, File::open(&secrets.token_keys_file)));
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

/// The keys can be used and are nobody else's. `opened` is what came of opening their file: the
/// daemons are given it by systemd and the file itself is root's, so that somebody else's check
/// cannot say anything about it, good or bad.
fn keys(secrets: &Secrets, opened: io::Result<File>) -> Finding {
    let file = &secrets.token_keys_file;
    let mut finding = Finding::new(format!("keys {}", file.display()), Vec::new());
    match opened {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => finding
            .notes
            .push("cannot be read by this user; run as root to check it".into()),
        _ => finding.faults.extend(keys_fault(secrets)),
    }
    finding
}

fn keys_fault(secrets: &Secrets) -> Option<String> {
    let file = &secrets.token_keys_file;
    if let Err(e) = common::mail::keys::signer(secrets) {
        return Some(format!("{e}; make the file with `kentongan keys new`"));
    }
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    let name = file.display();
    (mode & 0o007 != 0)
        .then(|| format!("{name} can be read by everybody ({mode:03o}); chmod 600 {name}"))
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
        findings.push(Finding::new(
            "queues",
            missing_queues(&home, &settings.bridge.run).await,
        ));
        let engine = engine::Engine::load(&home, settings).await;
        let what = "code files with the lists and queries of this database";
        findings.push(Finding::of(what, engine.map(drop)));
    }
    findings
}

async fn missing_queues(home: &Home, run: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    for name in queues::needed(run) {
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
        let mark = match (finding.faults.is_empty(), finding.notes.is_empty()) {
            (false, _) => out.look(Look::Red, "wrong"),
            (true, false) => out.look(Look::Yellow, "note "),
            (true, true) => out.look(Look::Green, "ok   "),
        };
        out.line(format!("{mark}  {}", finding.what))?;
        for line in finding.faults.iter().chain(&finding.notes) {
            out.line(format!("       {line}"))?;
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
    use std::fs::Permissions;
    use std::path::Path;

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

    fn said_of_keys(file: &Path, opened: io::Result<File>) -> Finding {
        let token_keys_file = file.into();
        keys(&Secrets { token_keys_file }, opened)
    }

    #[test]
    fn keys_that_only_root_may_read_are_a_note_and_no_fault() {
        let denied = Err(io::ErrorKind::PermissionDenied.into());
        let finding = said_of_keys(Path::new("/root-only/keys"), denied);
        assert_eq!(finding.faults, Vec::<String>::new());
        assert!(finding.notes[0].contains("as root"), "{finding:?}");
        let out = Out::new(false, crate::out::When::Never);
        assert_eq!(said(out, &[finding]), Ok(Exit::Done));
    }

    #[test]
    fn keys_that_are_absent_bad_or_open_to_everybody_stay_faults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let fault = |mode: u32, text: Option<&str>| {
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
                std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            }
            let finding = said_of_keys(&file, File::open(&file));
            assert_eq!(finding.notes, Vec::<String>::new());
            finding.faults
        };
        assert!(fault(0, None)[0].contains("No such file"));
        assert!(fault(0o600, Some("short"))[0].contains("keys new"));
        let good = "k".repeat(32);
        assert!(fault(0o644, Some(&good))[0].contains("chmod 600"));
        assert_eq!(fault(0o640, Some(&good)), Vec::<String>::new());
    }
}
