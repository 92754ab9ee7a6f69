//! gammu-smsd with its dummy phone: what is put into the phone's folder has come in, what is sent
//! goes nowhere and is told in the log.

use super::{Leash, wait_until};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;

/// A modem's daemon with folders of its own.
pub struct Gammu {
    folder: TempDir,
    leash: Option<Leash>,
    texts: u32,
}

/// A part of a text that comes in.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// What it says.
    pub text: &'a str,
    /// What joins it with others, in hexadecimal; empty: nothing.
    pub header: &'a str,
}

impl Gammu {
    /// Makes the folders and starts the daemon.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the modem's daemon");
        for name in ["phone/sms/1", "inbox", "outbox", "sent", "error"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder");
        }
        let root = folder.path().display();
        let settings = format!(
            "[gammu]\ndevice = {root}/phone\nconnection = none\nmodel = dummy\n\
             [smsd]\nservice = files\ninboxpath = {root}/inbox/\noutboxpath = {root}/outbox/\n\
             sentsmspath = {root}/sent/\nerrorsmspath = {root}/error/\ninboxformat = unicode\n\
             deliveryreport = no\nloopsleep = 1\ncommtimeout = 1\nreceivefrequency = 1\n\
             debuglevel = 255\nlogfile = {root}/log\n"
        );
        fs::write(folder.path().join("rc"), settings).expect("its settings");
        let mut gammu = Self {
            folder,
            leash: None,
            texts: 0,
        };
        gammu.start_again();
        gammu
    }

    /// Starts the daemon on the same folders.
    pub fn start_again(&mut self) {
        let program = super::installed("gammu-smsd", "deploy/setup/need.sh gammu");
        let settings = self.path("rc").display().to_string();
        let command = [program, "-c".to_owned(), settings];
        let log = File::create(self.path("stderr")).expect("a log");
        self.leash = Some(Leash::start("TERM", &command, &[], Stdio::from(log)));
        let runs = || self.path("phone/operations.log").exists();
        assert!(wait_until(Duration::from_secs(30), runs), "{}", self.said());
    }

    /// Ends it; what is in its folders stays.
    pub fn stop(&mut self) {
        drop(self.leash.take());
        let _ = fs::remove_file(self.path("phone/operations.log"));
    }

    /// Something below its folder: `inbox`, `outbox`, `sent`, `error`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names in one of its folders.
    pub fn names(&self, folder: &str) -> Vec<String> {
        names(&self.path(folder))
    }

    /// What it has said.
    pub fn said(&self) -> String {
        // It writes in pieces of text of several alphabets.
        let log = fs::read(self.path("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// A text comes in from this number at this time of the network (`20261121T041005`).
    pub fn text(&mut self, from: &str, at: &str, text: &str) {
        let whole = Part { text, header: "" };
        self.parts(from, at, &[whole]);
    }

    /// The parts of a text come in.
    pub fn parts(&mut self, from: &str, at: &str, parts: &[Part<'_>]) {
        for part in parts {
            self.texts += 1;
            let file = self.path(&format!("part-{}", self.texts));
            fs::write(&file, backup(from, at, part)).expect("a file of the phone");
            let to = self.path("phone/sms/1").join(self.texts.to_string());
            fs::rename(file, to).expect("the phone has it");
        }
    }
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// A message as gammu keeps one.
fn backup(from: &str, at: &str, part: &Part<'_>) -> String {
    let hex: String = part
        .text
        .encode_utf16()
        .map(|u| format!("{u:04X}"))
        .collect();
    let lines = hex.as_bytes().chunks(200).enumerate();
    let text: String = lines
        .map(|(n, line)| format!("Text{n:02} = {}\n", String::from_utf8_lossy(line)))
        .collect();
    let coding = match part.text.is_ascii() {
        true => "Default_No_Compression",
        false => "Unicode_No_Compression",
    };
    let header = match part.header {
        "" => String::new(),
        header => format!("UDH = {header}\n"),
    };
    let length = hex.len() / 4;
    format!(
        "[SMSBackup000]\nPDU = Deliver\nSMSC = \"+62811000000\"\nDateTime = {at}Z\nState = UnRead\n\
         Number = \"{from}\"\n{header}{text}Coding = {coding}\nFolder = 1\nLength = {length}\n\
         Class = -1\nReplySMSC = False\n\n"
    )
}
