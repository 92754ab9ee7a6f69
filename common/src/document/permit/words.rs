//! The words of `common/documents/permit.toml`, large in one language and small in the other.

use crate::language::{Both, Language};
use jiff::civil::Date;
use serde::Deserialize;
use std::sync::LazyLock;

/// The file, key by key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub file: Both,
    pub title: Both,
    pub number: Both,
    pub issued: Both,
    pub statement: Both,
    pub owner: Both,
    pub owner_name: Both,
    pub owner_id: Both,
    pub owner_phone: Both,
    pub origin: Both,
    pub destination: Both,
    pub code: Both,
    pub animals: Both,
    pub count: Both,
    pub kind: Both,
    pub total: Both,
    pub by_hand: Both,
    pub vehicle: Both,
    pub departure: Both,
    pub remarks: Both,
    pub officer: Both,
    pub head: Both,
    pub stamp: Both,
    pub check: Both,
    pub valid: Both,
    pub page: Both,
    pub training: Both,
    pub levels: Pair,
    pub months: Pair,
}

/// A row of words in both languages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pair {
    id: Vec<String>,
    en: Vec<String>,
}

impl Pair {
    fn get(&self, language: Language) -> &[String] {
        match language {
            Language::Id => &self.id,
            Language::En => &self.en,
        }
    }
}

/// The words as one reader wants them.
pub(super) struct Words {
    file: &'static File,
    language: Language,
}

impl Words {
    pub fn shipped(language: Language) -> Self {
        static FILE: LazyLock<File> = LazyLock::new(|| {
            // Part of the program, and tests read it.
            toml::from_str(include_str!("../../../documents/permit.toml")).expect("permit.toml")
        });
        Self {
            file: &FILE,
            language,
        }
    }

    /// The large word.
    pub fn main(&self, of: impl Fn(&'static File) -> &'static Both) -> &'static str {
        of(self.file).get(self.language)
    }

    /// The small word beside it.
    pub fn small(&self, of: impl Fn(&'static File) -> &'static Both) -> &'static str {
        of(self.file).get(self.other())
    }

    /// Names in the large and the small language.
    pub fn pair<'a>(&self, names: &'a Both) -> (&'a str, &'a str) {
        (names.get(self.language), names.get(self.other()))
    }

    /// What the levels of places are called, large and small.
    pub fn levels(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let (large, small) = (&self.file.levels, &self.file.levels);
        let large = large.get(self.language).iter().map(String::as_str);
        large.zip(small.get(self.other()).iter().map(String::as_str))
    }

    fn other(&self) -> Language {
        match self.language {
            Language::Id => Language::En,
            Language::En => Language::Id,
        }
    }
}

/// A day with its month in words, so that nobody asks which of two numbers is the month.
pub(super) fn day(date: Date, words: &Words) -> String {
    let months = words.file.months.get(words.language);
    let at = usize::from(date.month().unsigned_abs()).saturating_sub(1);
    let month = months.get(at).map_or("", String::as_str);
    format!("{} {month} {}", date.day(), date.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_month_in_words() {
        let date = jiff::civil::date(2026, 5, 3);
        assert_eq!(day(date, &Words::shipped(Language::Id)), "3 Mei 2026");
        assert_eq!(day(date, &Words::shipped(Language::En)), "3 May 2026");
    }

    #[test]
    fn one_language_is_large_and_the_other_small() {
        let words = Words::shipped(Language::Id);
        assert_eq!(words.main(|w| &w.owner), "Pemilik");
        assert_eq!(words.small(|w| &w.owner), "Owner");
        let levels: Vec<_> = words.levels().collect();
        assert_eq!(levels[0], ("Provinsi", "Province"));
        assert_eq!(levels.len(), 4);
        for language in Language::ALL {
            let file = Words::shipped(language).file;
            assert_eq!(file.months.get(language).len(), 12);
        }
    }
}
