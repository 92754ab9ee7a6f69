//! Did you mean: the entries of a list that are nearest to a word nobody can read.
//!
//! Looks at codes by edit distance and at names and synonyms in both languages, so that `SPI`
//! and `sapi` both find `SP`. Runs only when a message is at fault.

use super::lexicon::{Entry, List};
use std::sync::Arc;

/// Most suggestions in one answer: an SMS is short.
pub(crate) const MOST: usize = 3;

/// Longest word that is compared; codes and names are shorter, and the work grows with it.
const LONGEST: usize = 32;

/// The nearest entries of these lists, the likeliest first, at most three.
pub(crate) fn entries<'a>(word: &str, lists: impl Iterator<Item = &'a List>) -> Vec<Arc<Entry>> {
    among(word, lists.flat_map(List::entries).cloned().collect())
}

/// The nearest of these entries.
pub(crate) fn among(word: &str, all: Vec<Arc<Entry>>) -> Vec<Arc<Entry>> {
    let word = word.to_lowercase();
    if word.chars().count() > LONGEST {
        return Vec::new();
    }
    let mut found: Vec<(usize, &Arc<Entry>)> = all
        .iter()
        .filter_map(|e| Some((entry_distance(&word, e)?, e)))
        .collect();
    best(&mut found, |e| e.code.as_str());
    found.into_iter().map(|(_, e)| Arc::clone(e)).collect()
}

/// The nearest of some codes, the likeliest first, at most three.
pub(crate) fn codes<'a>(word: &str, codes: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    if word.chars().count() > LONGEST {
        return Vec::new();
    }
    let near = |code: &'a str| Some((code_distance(&word, &code.to_lowercase())?, code));
    let mut found: Vec<(usize, &str)> = codes.filter_map(near).collect();
    best(&mut found, |code| code);
    found.into_iter().map(|(_, code)| code).collect()
}

/// Keeps the nearest; those that are clearly farther than the best would only confuse.
fn best<T: Copy>(found: &mut Vec<(usize, T)>, key: impl Fn(&T) -> &str) {
    found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| key(&a.1).cmp(key(&b.1))));
    found.dedup_by(|a, b| key(&a.1) == key(&b.1));
    let limit = found
        .first()
        .map_or(0, |(best, _)| if *best == 0 { 0 } else { best + 6 });
    found.retain(|(distance, _)| *distance <= limit);
    found.truncate(MOST);
}

/// Tenths of an edit, so that equal distances can be told apart; `None` when too far to be meant.
fn entry_distance(word: &str, entry: &Entry) -> Option<usize> {
    let names = [&entry.name.id, &entry.name.en]
        .into_iter()
        .chain(&entry.synonyms);
    let by_name = names
        .filter_map(|name| name_distance(word, &name.to_lowercase()))
        .min();
    let by_code = code_distance(word, &entry.code.to_lowercase());
    [by_name, by_code].into_iter().flatten().min()
}

/// Short codes may differ by one letter, longer ones by two. Of equal distances the one with the
/// same beginning is likelier: thumbs slip at the end of a word.
fn code_distance(word: &str, code: &str) -> Option<usize> {
    let edits = strsim::osa_distance(word, code);
    let longest = word.chars().count().max(code.chars().count());
    let most = if longest <= 4 { 1 } else { 2 };
    // A code of one letter is one edit from every other.
    if edits > most || edits >= longest.min(code.chars().count() + 1) || code.chars().count() < 2 {
        return (word == code).then_some(0);
    }
    let same_start = word.starts_with(code) || code.starts_with(word);
    let same_first = word.chars().next() == code.chars().next();
    let bonus = match () {
        () if same_start => 4,
        () if same_first => 2,
        () => 0,
    };
    // No edits at all happens: some letters (the Kelvin sign) are small letters of plain ones.
    Some((edits * 10).saturating_sub(bonus))
}

/// A whole name, one word of it, its beginning, or a misspelling of it.
fn name_distance(word: &str, name: &str) -> Option<usize> {
    let length = word.chars().count();
    if word == name {
        return Some(0);
    }
    if length >= 3 && name.split_whitespace().any(|part| part == word) {
        return Some(3);
    }
    if length >= 3 && name.starts_with(word) {
        return Some(5);
    }
    let edits = strsim::osa_distance(word, name);
    (length >= 4 && edits <= 1 + length / 6).then_some(edits * 10 - 3)
}

#[cfg(test)]
mod tests {
    use super::super::lexicon::sample;
    use super::*;
    use proptest::prelude::*;

    fn near(word: &str, list: &str) -> Vec<String> {
        let lexicon = sample::lexicon();
        let found = entries(word, std::iter::once(lexicon.list(list).unwrap().as_ref()));
        found.iter().map(|e| e.code.clone()).collect()
    }

    #[test]
    fn slips_names_and_synonyms_find_the_code() {
        for (word, list, first) in [
            ("SPI", "species", "SP"),
            ("sapi", "species", "SP"),
            ("cattle", "species", "SP"),
            ("LEMBU", "species", "SP"),
            ("kambng", "species", "KB"),
            ("mencert", "sign", "MC"),
            ("mencret", "sign", "MC"),
            ("diare", "sign", "MC"),
            ("mendadak", "sign", "MTM"),
            ("kem", "sign", "KBG"),
            ("COCC", "diagnosis", "COC"),
            ("OCC", "diagnosis", "COC"),
            ("salmonelosis", "diagnosis", "SAL"),
            ("PS", "species", "SP"),
        ] {
            assert_eq!(
                near(word, list).first().map(String::as_str),
                Some(first),
                "{word}"
            );
        }
    }

    #[test]
    fn what_is_far_is_not_suggested() {
        for word in ["", "XYZ", "QQ", "12345", "rumah"] {
            assert!(
                near(word, "diagnosis").is_empty(),
                "{word}: {:?}",
                near(word, "diagnosis")
            );
        }
        assert!(near(&"sapi".repeat(50), "species").is_empty());
        assert!(near("X", "fate").is_empty());
    }

    #[test]
    fn start_codes_are_found_too() {
        let known = ["U", "P", "PK", "PNEG", "CKL", "CKT", "LAPK"];
        assert_eq!(codes("CKLL", known.into_iter()), ["CKL"]);
        assert_eq!(codes("PNGE", known.into_iter()), ["PNEG"]);
        assert_eq!(codes("LAPOK", known.into_iter()), ["LAPK"]);
        assert!(codes("HALO", known.into_iter()).is_empty());
        assert_eq!(codes("P\u{212a}", known.into_iter()).first(), Some(&"PK"));
    }

    proptest! {
        #[test]
        fn never_more_than_three_and_never_a_panic(word in "\\PC{0,40}") {
            prop_assert!(near(&word, "species").len() <= MOST);
        }
    }
}
