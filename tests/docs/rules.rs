//! Invariants of `docs/ARCHITECTURE.md` that hold for all of the program's text and all that it says.

use crate::page::root;
use kentongan_tests::both_homes;
use kentongan_tests::world::{Build, Place, STRANGER, people};
use std::fs;
use std::path::{Path, PathBuf};

/// Program text that is no test, with its path from the project's folder.
pub fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let named = found.into_iter().map(|path| {
        let name = path.strip_prefix(root()).expect("below the project");
        let text = fs::read_to_string(&path).expect("a source");
        (name.display().to_string(), without_tests(&text))
    });
    let tests = |name: &str| name.ends_with("tests.rs") || name.contains("/tests/");
    named.filter(|(name, _)| !tests(name)).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder)
        .expect("a folder")
        .map(|e| e.expect("an entry").path())
    {
        match path.extension() {
            _ if path.is_dir() => walk(&path, found),
            Some(kind) if kind == "rs" => found.push(path),
            _ => {}
        }
    }
}

/// Up to the tests beside the code, and without remarks.
fn without_tests(text: &str) -> String {
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Names of files, below these folders, whose text holds any of the words; some may.
fn holders(wanted: &[&str], may: &[&str]) -> Vec<String> {
    let all = ["common/src", "daemons"].map(sources).into_iter().flatten();
    let holds = |text: &str| wanted.iter().any(|w| text.contains(w));
    let held = all.filter(|(name, text)| holds(text) && !may.iter().any(|m| name.starts_with(m)));
    held.map(|(name, _)| name).collect()
}

#[test]
fn only_the_database_folder_has_sql() {
    let sql = [
        "SELECT ",
        "INSERT INTO ",
        " SET ",
        "DELETE FROM ",
        "CREATE TABLE ",
        "LISTEN ",
    ];
    assert_eq!(holders(&sql, &["common/src/db"]), Vec::<String>::new());
    assert!(
        holders(&sql, &[]).len() > 10,
        "the search finds what is there"
    );
}

#[test]
fn only_the_seams_know_a_vendor() {
    let vendors = ["aws_sdk_", "aws_config", "lettre::", "tokio_postgres::"];
    let seams = [
        "common/src/aws",
        "common/src/queue/",
        "common/src/blob/",
        "common/src/transport/",
        "common/src/db",
        // Binds the values of a `.sql` file.
        "common/src/engine/ask.rs",
    ];
    assert_eq!(holders(&vendors, &seams), Vec::<String>::new());
    assert!(
        holders(&vendors, &[]).len() > 5,
        "the search finds what is there"
    );
}

#[test]
fn no_daemon_knows_another() {
    for daemon in ["processor", "mailer", "bridge", "ctl"] {
        let manifest = fs::read_to_string(root().join(format!("daemons/{daemon}/Cargo.toml")));
        let manifest = manifest.expect("a manifest");
        let named = format!("name = \"kentongan-{daemon}\"");
        assert!(manifest.contains(&named), "{manifest}");
        let others = ["processor", "mailer", "bridge", "ctl"]
            .into_iter()
            .filter(|d| *d != daemon);
        for other in others {
            let other = format!("kentongan-{other}");
            assert!(!manifest.contains(&other), "{daemon} knows {other}");
        }
    }
}

both_homes! {
    log_lines_carry_no_words_numbers_or_addresses,
}

/// Everything on: what is said of each message, and what libraries say at that level.
async fn log_lines_carry_no_words_numbers_or_addresses(place: Place) {
    let world = Build::new(place).with("log.level", "debug");
    let mut world = Box::pin(world.with_daemons()).await;
    world.text(people::PELSA, "U MC,DM SP 4").await;
    world.text(people::PELSA, "Kambingku sakit parah").await;
    world.text(STRANGER, "Halo bukan siapa-siapa").await;
    let mail = fs::read(root().join("tests/mails/1-two-commands.eml")).expect("a mail");
    world.mail(&mail).await;
    world.mail_to("pelsa@example.org", "KBG").await;
    world
        .put_raw("text-input", "{\"secret\": \"kelapa 081298989898\"")
        .await;
    world.until_dead("text-input", 1).await;
    let never = [
        "1234567890",
        "1299999999",
        "1298989898",
        "Kambingku",
        "siapa-siapa",
        "kelapa",
        "MC,DM",
        "mencret",
        "pelsa@example.org",
        "Laporan pagi",
        "kembung",
        "Pelsa Demo",
        "a key that only tests have",
    ];
    for process in &world.processes {
        let said = process.said();
        assert!(said.contains("DEBUG"), "it says everything:\n{said}");
        for word in never {
            let line = said.lines().find(|l| l.contains(word));
            assert_eq!(line, None, "a log line holds {word:?}");
        }
    }
}
