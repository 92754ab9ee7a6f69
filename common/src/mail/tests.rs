//! The corpus of `testdata/mail`: what each mail has to give stands in `expected.toml`.

use super::*;
use jiff::Timestamp;
use serde::Deserialize;
use std::path::{Path, PathBuf};

mod hostile;

#[derive(Deserialize)]
struct Corpus {
    mail: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    file: String,
    #[expect(dead_code, reason = "for whoever reads the corpus")]
    about: String,
    subject: Option<String>,
    from_: Option<Vec<String>>,
    message_id: Option<String>,
    in_reply_to: Option<Vec<String>>,
    references: Option<Vec<String>>,
    date: Option<String>,
    text: Option<String>,
    own: Option<String>,
    commands: Option<Vec<String>>,
    command_count: Option<usize>,
    more: Option<bool>,
    not_understood: Option<String>,
    files: Option<Vec<String>>,
    attached: Option<Vec<String>>,
    notes: Option<Vec<String>>,
    robot: Option<String>,
    failed: Option<Vec<String>>,
    original: Option<Vec<String>>,
    refusal: Option<String>,
}

const CODES: [&str; 16] = [
    "U", "P", "PNEG", "R", "PK", "H", "KODE", "CKL", "DKL", "CKT", "LAPK", "LAPD", "LAB", "OB",
    "POP", "Q",
];

fn is_code(word: &str) -> bool {
    CODES.iter().any(|code| code.eq_ignore_ascii_case(word))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/mail")
}

fn robot_of(heading: &Heading) -> String {
    let signer = Signer::new(&[[1; 32]]).expect("a key");
    let addresses = ["lapor@kentongan.example".to_owned()];
    let ours = Ours {
        addresses: &addresses,
        signer: &signer,
        now: Timestamp::UNIX_EPOCH,
    };
    robot(heading, None, &ours)
        .map(|r| r.name().to_owned())
        .unwrap_or_default()
}

/// Compares only what the row speaks of, and goes on after a fault.
struct Check<'r> {
    row: &'r Row,
    faults: Vec<String>,
}

impl Check<'_> {
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, wanted: &Option<T>, seen: T, what: &str) {
        if wanted.as_ref().is_some_and(|w| *w != seen) {
            let file = &self.row.file;
            self.faults
                .push(format!("{file}: {what} is {seen:?}, not {wanted:?}"));
        }
    }

    fn heading(&mut self, heading: &Heading) {
        let row = self.row;
        let from = heading.from.iter().map(|m| m.address.clone()).collect();
        self.same(&row.subject, heading.subject.clone(), "subject");
        self.same(&row.from_, from, "from");
        self.same(
            &row.message_id,
            heading.message_id.clone().unwrap_or_default(),
            "message_id",
        );
        self.same(&row.in_reply_to, heading.in_reply_to.clone(), "in_reply_to");
        self.same(&row.references, heading.references.clone(), "references");
        self.same(
            &row.date,
            heading.date.map(|d| d.to_string()).unwrap_or_default(),
            "date",
        );
        self.same(&row.robot, robot_of(heading), "robot");
    }

    fn commands(&mut self, letter: &Letter) {
        let row = self.row;
        let found = commands(letter, &is_code, 20);
        let shown = |line: &Line| match line.source {
            Source::Subject => format!("S {}", line.text),
            Source::Body => format!("B {}", line.text),
        };
        self.same(&row.command_count, found.lines.len(), "command_count");
        self.same(
            &row.commands,
            found.lines.iter().map(shown).collect(),
            "commands",
        );
        self.same(&row.more, found.more, "more");
        self.same(&row.not_understood, found.not_understood, "not_understood");
    }

    fn letter(&mut self, letter: &Letter) {
        let row = self.row;
        let has_text = row
            .text
            .as_ref()
            .is_none_or(|t| letter.text.contains(t.as_str()));
        self.same(&row.text.as_ref().map(|_| true), has_text, "text");
        self.same(&row.own, letter.own_words().trim().to_owned(), "own");
        let shown = |f: &File| {
            format!(
                "{} {:?}{}",
                f.name,
                f.kind,
                if f.forwarded { " forwarded" } else { "" }
            )
        };
        self.same(
            &row.files,
            letter.files.iter().map(shown).collect(),
            "files",
        );
        let attached = letter
            .attached
            .iter()
            .filter_map(|h| h.message_id.clone())
            .collect();
        self.same(&row.attached, attached, "attached");
        let notes = letter.notes.iter().map(|n| format!("{n:?}")).collect();
        self.same(&row.notes, notes, "notes");
        let failed = report::read(letter).into_iter().map(|f| {
            let status = f.status.clone().unwrap_or_default();
            format!("{} {:?} {status} {}", f.address, f.action, f.is_permanent())
        });
        self.same(&row.failed, failed.collect(), "failed");
        self.same(&row.original, report::original_ids(letter), "original");
    }
}

#[test]
fn every_mail_of_the_corpus_gives_what_stands_beside_it() {
    let text = std::fs::read_to_string(folder().join("expected.toml")).expect("expected.toml");
    let corpus: Corpus = toml::from_str(&text).expect("rows");
    let mut faults = Vec::new();
    for row in &corpus.mail {
        let raw = std::fs::read(folder().join(format!("{}.eml", row.file))).expect("the mail");
        let mut check = Check {
            row,
            faults: Vec::new(),
        };
        match read(&raw, &Limits::default()) {
            Ok(letter) => {
                check.same(&row.refusal, String::new(), "refusal");
                check.heading(&letter.heading);
                check.letter(&letter);
                check.commands(&letter);
            }
            Err(refused) => {
                let key = refused.refusal.key().to_owned();
                check.same(
                    &Some(row.refusal.clone().unwrap_or_default()),
                    key,
                    "refusal",
                );
                check.heading(&refused.heading);
            }
        }
        faults.extend(check.faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let mails = std::fs::read_dir(folder()).expect("folder").flatten();
    let mails = mails
        .filter(|e| e.path().extension().is_some_and(|x| x == "eml"))
        .count();
    assert_eq!(
        mails,
        corpus.mail.len(),
        "a mail without a row, or a row without a mail"
    );
    assert!(mails >= 30);
}
