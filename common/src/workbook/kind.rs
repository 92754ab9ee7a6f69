//! Kinds of workbooks, each a file of `daemons/processor/kinds/`: how it is chosen, which columns
//! it has, what becomes of its rows. `docs/adding-a-workbook.md` explains every key.

use crate::language::Both;
use serde::Deserialize;
use std::sync::OnceLock;

/// The files as they ship, written by the build script.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/kinds.rs"));

/// One kind of workbook.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its name in rows, marks and on the command line.
    pub kind: String,
    /// What people call it; also the name of the template's sheet.
    pub name: Both,
    /// What a row is, for the template. May name `{code}` and `{name}` of the code.
    pub about: Both,
    /// Local parts of our addresses, and first words of a subject, that mean it.
    pub words: Vec<String>,
    /// What becomes of its rows.
    pub store: Store,
    /// Who may send it; absent: whoever may send the code.
    #[serde(default)]
    pub permission: Option<String>,
    /// Good rows are stored and only the bad ones come back.
    #[serde(default)]
    pub partly: bool,
    /// Most rows of one workbook: they share a transaction.
    pub most_rows: u32,
    /// The answer brings a report for the client.
    #[serde(default)]
    pub client_report: bool,
    /// Text for whoever sent a case's samples in, else opened the case: `{case}`, `{sender}`,
    /// `{results}`.
    #[serde(default)]
    pub tell: Option<Both>,
    /// Columns, where they are not a code's.
    #[serde(default, rename = "column")]
    pub columns: Vec<KindColumn>,
}

/// What becomes of rows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Store {
    /// Each is a message of this code.
    Code(String),
    /// Each is a message of the code that the sender names.
    AnyCode,
    /// Each is a person to register.
    People,
}

impl From<String> for Store {
    fn from(text: String) -> Self {
        match text.as_str() {
            "any_code" => Self::AnyCode,
            "people" => Self::People,
            _ => Self::Code(text),
        }
    }
}

/// A column that a kind declares itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindColumn {
    /// Its name.
    pub name: String,
    /// What stands above it.
    pub label: Both,
    /// A type of code files, as `list:species`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Must be filled in.
    #[serde(default)]
    pub required: bool,
    /// A sentence for whoever fills it in.
    #[serde(default)]
    pub help: Option<Both>,
    /// The only values, where they are no list.
    #[serde(default)]
    pub choices: Vec<String>,
    /// A value, for the template's example.
    #[serde(default)]
    pub example: String,
}

/// All kinds, in the order of their files' names.
pub fn all() -> &'static [Kind] {
    static ALL: OnceLock<Vec<Kind>> = OnceLock::new();
    ALL.get_or_init(|| {
        let read =
            |file: &(&'static str, &str)| toml::from_str::<Kind>(file.1).map_err(|e| (file.0, e));
        let all: Result<Vec<Kind>, _> = FILES.iter().map(read).collect();
        // A test reads each.
        all.expect("the shipped kinds are sound")
    })
}

/// The kind of this name.
pub fn named(name: &str) -> Option<&'static Kind> {
    all().iter().find(|k| k.kind.eq_ignore_ascii_case(name))
}

/// The kind that a word means, with the code behind it: `lab`, `data-u`, `data+u`.
pub fn meant(word: &str) -> Option<(&'static Kind, Option<String>)> {
    let (first, code) = match word.split_once(['-', '+']) {
        Some((first, code)) => (first, Some(code.to_uppercase())),
        None => (word, None),
    };
    let is = |k: &&Kind| k.words.iter().any(|w| w.eq_ignore_ascii_case(first));
    let kind = all().iter().find(is)?;
    // A tag behind an address is anybody's business, where the kind has no use for a code.
    let code = code.filter(|_| kind.store == Store::AnyCode);
    Some((kind, code))
}

impl Kind {
    /// The code of its rows: its own, else the one that was named.
    pub fn code(&self, named: Option<&str>) -> Option<String> {
        match &self.store {
            Store::Code(code) => Some(code.clone()),
            Store::AnyCode => named.map(str::to_uppercase),
            Store::People => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_kind_is_chosen_by_words_of_its_own() {
        let mut words = HashSet::new();
        for kind in all() {
            assert!(kind.most_rows <= 32_000, "a line of a message has 15 bits");
            assert!(kind.words.iter().all(|w| words.insert(w.to_lowercase())));
            assert_eq!(named(&kind.kind), Some(kind));
            assert_eq!(kind.store == Store::People, !kind.columns.is_empty());
        }
        assert!(words.len() > 5);
    }

    /// What `docs/adding-a-workbook.md` shows is a kind.
    #[test]
    fn the_kind_of_the_page_is_one() {
        let page = include_str!("../../../docs/adding-a-workbook.md");
        let (_, rest) = page.split_once("```toml\n").unwrap();
        let kind: Kind = toml::from_str(rest.split("```").next().unwrap()).unwrap();
        assert_eq!((kind.words.len(), kind.store), (2, Store::Code("U".into())));
    }

    #[test]
    fn a_word_means_a_kind_and_perhaps_a_code() {
        let meant = |word| meant(word).map(|(kind, code)| (kind.kind.as_str(), code));
        assert_eq!(meant("LAB"), Some(("lab", None)));
        assert_eq!(meant("lab-u"), Some(("lab", None)));
        assert_eq!(meant("data-u"), Some(("rows", Some("U".into()))));
        assert_eq!(meant("data+pneg"), Some(("rows", Some("PNEG".into()))));
        assert_eq!(meant("lapor"), None);
    }
}
