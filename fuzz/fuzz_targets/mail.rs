//! Any bytes as a mail: everything that is done with one before anybody looks at it.

#![no_main]

use common::mail::{self, Keys, Limits, Ours, Signer, proof, report};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::new(&[[1; 32]]).expect("a good key"));

fuzz_target!(|raw: &[u8]| {
    let tight = Limits { parts: 20, depth: 5, header_bytes: 2_000, ..Limits::default() };
    let _ = mail::read(raw, &tight);
    let Ok(letter) = mail::read(raw, &Limits::default()) else { return };
    assert!(!letter.text.contains('\0') && !letter.heading.subject.contains('\0'));
    assert!(letter.text.get(letter.own.clone()).is_some());
    assert!(letter.files.iter().all(|file| !file.name.contains(['/', '\\'])));
    let codes = |word: &str| matches!(word, "U" | "u" | "PK" | "H");
    assert!(mail::commands(&letter, &codes, 3).lines.len() <= 3);
    let ours = Ours { addresses: &[], signer: &SIGNER, now: Timestamp::UNIX_EPOCH };
    let _ = mail::robot(&letter.heading, None, &ours);
    let _ = report::read(&letter);
    let _ = Keys::of(&letter);
    let _ = proof::by_results(&letter.heading, &["mx.example".to_owned()]);
});
