//! What is said about cells. The words stand in `common/replies/workbook.toml`; here stands which
//! texts there must be and what each may name, so that a wrong one is found by the tests.

use super::kind;
use crate::code::{Replies, Trial, Values, Var, context};
use crate::language::{Both, Language};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Every text and the names that it may use.
const KEYS: &[(&str, &[&str])] = &[
    ("missing", &["column", "help"]),
    ("unfit", &["value", "column", "near", "help", "list"]),
    ("range", &["value", "column", "min", "max"]),
    ("date", &["value"]),
    ("short", &["value", "column", "min"]),
    ("long", &["value", "column", "max"]),
    ("formula", &["value"]),
    ("rounded", &["value"]),
    ("unknown_column", &["value", "near"]),
    ("column_missing", &["column"]),
    ("column_twice", &["value"]),
    ("same_row", &["row"]),
    ("gives_pin", &[]),
    ("misread", &["value", "column"]),
    ("engine", &["answer"]),
    ("unknown_place", &["value"]),
    ("no_such_place", &["value", "column", "above"]),
    ("no_place", &[]),
    ("no_contact", &[]),
    ("known_person", &["value"]),
    ("cannot_register", &["value"]),
    ("outside_area", &["value"]),
    ("unknown_group", &["value", "groups"]),
    ("cannot_group", &["value"]),
    ("address_twice", &["value", "row"]),
    ("continues", &[]),
];

/// What the text to whoever sent samples in may name.
const TOLD: &[&str] = &["case", "sender", "results"];

/// A text in words.
pub fn say(key: &str, language: Language, values: &[(&str, Var)]) -> String {
    replies().render(key, language, context(&Values::default(), language, values))
}

/// The text of a kind for whoever sent samples in.
pub fn tell(kind: &str, language: Language, values: &[(&str, Var)]) -> String {
    say(&format!("tell/{kind}"), language, values)
}

fn replies() -> &'static Replies {
    static ALL: OnceLock<Replies> = OnceLock::new();
    ALL.get_or_init(|| {
        let (replies, faults) = load();
        // Shipped files; a test reads them.
        assert!(faults.is_empty(), "the shipped texts are sound: {faults:?}");
        replies
    })
}

fn load() -> (Replies, Vec<String>) {
    let mut replies = Replies::new();
    let read = toml::from_str(include_str!("../../replies/workbook.toml"));
    let mut texts: BTreeMap<String, Both> = match read {
        Ok(texts) => texts,
        Err(e) => return (replies, vec![e.to_string()]),
    };
    let mut faults = Vec::new();
    for (key, names) in KEYS {
        match texts.remove(*key) {
            Some(text) => faults.extend(replies.add(key, &text, &Trial::of(names))),
            None => faults.push(format!("the text {key} is missing")),
        }
    }
    faults.extend(texts.keys().map(|key| format!("nobody says {key}")));
    for kind in kind::all() {
        if let Some(text) = &kind.tell {
            let key = format!("tell/{}", kind.kind);
            faults.extend(replies.add(&key, text, &Trial::of(TOLD)));
        }
    }
    (replies, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_and_names_what_it_may() {
        assert_eq!(load().1, Vec::<String>::new());
        let said = say("same_row", Language::En, &[("row", 7.into())]);
        assert_eq!(said, "This row says the same as row 7. Delete one of them.");
    }
}
