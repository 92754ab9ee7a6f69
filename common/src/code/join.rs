//! Code files are put together: what is right by itself may still clash with another file.

use super::load::Loaded;
use super::{CodeFault, Codes};
use std::sync::Arc;

impl Codes {
    /// Files that are right by themselves may still not fit together.
    pub(super) fn join(&mut self, loaded: Vec<(&str, Loaded)>, faults: &mut Vec<CodeFault>) {
        let words = self.attach_all(&loaded, faults);
        self.clashes(&words, faults);
        self.join_words(loaded, faults);
    }

    /// Prefixes that digits follow; every word that starts a message, with its file.
    fn attach_all(
        &mut self,
        loaded: &[(&str, Loaded)],
        faults: &mut Vec<CodeFault>,
    ) -> Vec<(String, String)> {
        let mut words = Vec::new();
        for (file, one) in loaded {
            match one {
                Loaded::Replaced { old, .. } => words.push(((*file).to_owned(), old.clone())),
                Loaded::Code(spec) => {
                    self.attach(file, spec, faults);
                    let all = std::iter::once(&spec.code).chain(&spec.aliases);
                    words.extend(all.map(|word| ((*file).to_owned(), word.clone())));
                }
            }
        }
        words
    }

    /// Words that start a message belong to one file each.
    fn join_words(&mut self, loaded: Vec<(&str, Loaded)>, faults: &mut Vec<CodeFault>) {
        let mut fault = |file: &str, what: String, remedy: &str| {
            let (file, remedy) = (file.to_owned(), remedy.to_owned());
            faults.push(CodeFault {
                file,
                line: None,
                what,
                remedy,
            });
        };
        let mut old = Vec::new();
        for (file, one) in loaded {
            match one {
                Loaded::Replaced { old: word, by } => old.push((file, word, by)),
                Loaded::Code(spec) => {
                    for word in std::iter::once(&spec.code).chain(&spec.aliases) {
                        if self
                            .by_word
                            .insert(word.clone(), Arc::clone(&spec))
                            .is_some()
                        {
                            fault(
                                file,
                                format!("{word} is a code or alias of another file too"),
                                "keep one of them",
                            );
                        }
                    }
                    self.specs.insert(spec.code.clone(), spec);
                }
            }
        }
        for (file, word, by) in old {
            match self.by_word.get(&by) {
                Some(_) if self.by_word.contains_key(&word) => {
                    fault(
                        file,
                        format!("{word} is a code of another file too"),
                        "keep one of them",
                    );
                }
                Some(spec) => _ = self.replaced.insert(word, Arc::clone(spec)),
                None => fault(
                    file,
                    format!("{word} is replaced by {by}, which does not exist"),
                    "correct replaced_by",
                ),
            }
        }
    }
}
