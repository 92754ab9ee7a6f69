//! The words of `common/documents/manual.toml`.

use crate::code::spec::Chapter;
use crate::language::Both;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    chapters: Chapters,
    pub card: Card,
    #[serde(rename = "hint")]
    pub hints: Vec<Hint>,
    types: BTreeMap<String, String>,
    pub page: Page,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chapters {
    cases: Both,
    movement: Both,
    programmes: Both,
    herds: Both,
    queries: Both,
    administration: Both,
    other: Both,
}

/// `[card]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Card {
    pub title: Both,
    pub number: Both,
    pub contact: Both,
    pub example: Both,
    pub fold: Both,
    pub hints: Both,
}

/// `[[hint]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hint {
    /// A code, or `type:` and a field's type; without it the hint is for everybody.
    #[serde(default)]
    pub needs: Option<String>,
    pub text: Both,
}

/// `[page]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    pub head: String,
    pub types: String,
    pub groups: String,
    pub replaced: String,
    pub everybody: String,
    pub nobody: String,
    pub chapters: String,
    pub fields: String,
    pub examples: String,
    pub old: String,
    pub holders: String,
    pub members: String,
    pub in_group: String,
    pub format: String,
    pub sent_by: String,
    pub aliases: String,
    pub replaces: String,
    pub tells: String,
    pub when: String,
    pub code_of: String,
    pub or: String,
    pub many: String,
    pub between: String,
    pub at_least: String,
    pub at_most: String,
    pub values: String,
    pub letters: String,
    pub only: String,
    pub then: String,
    pub from: String,
    pub refused: String,
}

impl Words {
    pub fn shipped() -> &'static Self {
        static FILE: LazyLock<Words> = LazyLock::new(|| {
            // Part of the program, and tests read it.
            toml::from_str(include_str!("../../documents/manual.toml")).expect("manual.toml")
        });
        &FILE
    }

    pub fn chapter(&self, chapter: Option<Chapter>) -> &Both {
        let all = &self.chapters;
        match chapter {
            Some(Chapter::Cases) => &all.cases,
            Some(Chapter::Movement) => &all.movement,
            Some(Chapter::Programmes) => &all.programmes,
            Some(Chapter::Herds) => &all.herds,
            Some(Chapter::Queries) => &all.queries,
            Some(Chapter::Administration) => &all.administration,
            None => &all.other,
        }
    }

    /// What a field's type is called, or its name in the code file.
    pub fn kind<'a>(&'a self, name: &'a str) -> &'a str {
        self.types.get(name).map_or(name, String::as_str)
    }
}
