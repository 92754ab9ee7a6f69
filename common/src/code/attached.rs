//! Codes that are typed without a blank: `D959595` is `PIN 959595`, because the code file of `PIN`
//! says `attached = "D"`.

use super::words::Words;
use super::{CodeFault, Codes, Reader, Spec};
use std::sync::Arc;

impl Codes {
    /// The code that a text means whose first word is an attached prefix with digits behind it, and
    /// the text as its format wants it. A blank between prefix and digits is forgiven where the
    /// prefix is no code that this sender may use.
    pub(super) fn attached(
        &self,
        words: &Words,
        reader: &Reader<'_>,
    ) -> Option<(&Arc<Spec>, Words)> {
        let code = words.code()?;
        let (prefix, digits) = split(code)?;
        let spec = self.attached.get(prefix)?;
        if !digits.is_empty() {
            return Some((
                spec,
                Words::of(&format!("{} {digits}{}", spec.code, words.rest())),
            ));
        }
        let own = self.by_word.get(code);
        let permitted = own.is_some_and(|spec| (reader.may)(&spec.permission));
        let number = words.len() == 1 && words.upper(0).bytes().all(|b| b.is_ascii_digit());
        let blank = number && !permitted;
        blank.then(|| {
            (
                spec,
                Words::of(&format!("{} {}", spec.code, words.upper(0))),
            )
        })
    }

    /// Every attached prefix belongs to one code, and no other start code reads like one with
    /// digits behind it.
    pub(super) fn attach(&mut self, file: &str, spec: &Arc<Spec>, faults: &mut Vec<CodeFault>) {
        let Some(prefix) = &spec.attached else { return };
        if let Some(other) = self.attached.insert(prefix.clone(), Arc::clone(spec)) {
            let what = format!("attached {prefix:?} is that of {} too", other.code);
            faults.push(fault(file, what, "choose another prefix for one of them"));
        }
    }

    /// What [`Codes::attach`] cannot see before all files are read.
    pub(super) fn clashes(&self, files: &[(String, String)], faults: &mut Vec<CodeFault>) {
        for (file, word) in files {
            let Some((prefix, digits)) = split(word) else {
                continue;
            };
            let clash = self.attached.get(prefix).filter(|_| !digits.is_empty());
            if let Some(spec) = clash {
                let what = format!(
                    "{word} reads as {} {digits}, whose prefix is {prefix:?}",
                    spec.code
                );
                faults.push(fault(file, what, "choose another word, or another prefix"));
            }
        }
    }

    /// Whether somebody whom nobody knows may send this text.
    pub fn open_to_strangers(&self, text: &str) -> bool {
        let words = Words::of(text);
        let nobody = Reader {
            language: crate::language::Language::default(),
            kind: "",
            may: &|_: &str| false,
        };
        let spec = match self.attached(&words, &nobody) {
            Some((spec, _)) => Some(spec),
            None => words.code().and_then(|code| self.by_word.get(code)),
        };
        spec.is_some_and(|spec| spec.strangers)
    }

    /// What somebody whom nobody knows may do: send the codes that are open to them.
    pub fn strangers_may(&self, permission: &str) -> bool {
        let mut open = self.specs.values().filter(|spec| spec.strangers);
        open.any(|spec| spec.permission == permission)
    }
}

/// `D959595` as `D` and `959595`; the digits may be none, the letters not.
fn split(word: &str) -> Option<(&str, &str)> {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    (!letters.is_empty()).then(|| (letters, &word[letters.len()..]))
}

fn fault(file: &str, what: String, remedy: &str) -> CodeFault {
    let (file, remedy) = (file.to_owned(), remedy.to_owned());
    CodeFault {
        file,
        line: None,
        what,
        remedy,
    }
}
