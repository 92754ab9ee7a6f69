//! A second look at a message that cannot be read as it stands: without the units that people write behind
//! numbers (`10 ekor`, `5ml`), and with one word elsewhere (`U SP MC 4`).
//!
//! Only what no format reads comes here, so that it makes no message ambiguous: units are left out because they say
//! nothing that the field does not know; another order is asked about, never taken.

use super::lexicon::{Lexicon, List};
use super::parse::Parser;
use super::spec::Spec;
use super::words::Words;
use std::collections::BTreeSet;

/// The list of units.
const UNITS: &str = "unit";

/// Most words of a message in which another order is looked for; the work grows with their cube.
const MOST_WORDS: usize = 12;

/// Longest message that is told in another order: the answer needs room for its format.
const LONGEST: usize = 80;

/// The message without words for units behind numbers; `None` when it has none.
pub(super) fn without_units(words: &Words, spec: &Spec, lexicon: &Lexicon) -> Option<Words> {
    let units = lexicon.list(UNITS)?;
    let mut kept: Vec<&str> = Vec::new();
    let mut left_out = false;
    for word in typed(words) {
        let number = number_of(word);
        let (head, unit) = word.split_at(number);
        let behind = kept
            .last()
            .is_some_and(|last| number_of(last) == last.len());
        if unit.is_empty() || !is_unit(units, spec, unit) || (head.is_empty() && !behind) {
            kept.push(word);
            continue;
        }
        left_out = true;
        if !head.is_empty() {
            kept.push(head);
        }
    }
    left_out.then(|| Words::of(&format!("{} {}", spec.code, kept.join(" "))))
}

/// The message with one word in another place, when that is the only way to read it by moving one.
pub(super) fn in_order(parser: &Parser<'_>, words: &Words, code: &str) -> Option<String> {
    let typed: Vec<&str> = typed(words).collect();
    if !(2..=MOST_WORDS).contains(&typed.len()) {
        return None;
    }
    let mut good = BTreeSet::new();
    for from in 0..typed.len() {
        for to in (0..typed.len()).filter(|to| *to != from) {
            let mut moved = typed.clone();
            let word = moved.remove(from);
            moved.insert(to, word);
            let moved = format!("{code} {}", moved.join(" "));
            if !good.contains(&moved) && parser.parse(&Words::of(&moved)).is_ok() {
                good.insert(moved);
            }
        }
    }
    let only = good.pop_first().filter(|_| good.is_empty());
    only.filter(|text| text.len() <= LONGEST)
}

fn typed(words: &Words) -> impl Iterator<Item = &str> {
    (0..words.len()).map(|word| words.typed(words.whole(word, word)))
}

/// A unit, and no code that the message may name.
fn is_unit(units: &List, spec: &Spec, word: &str) -> bool {
    let upper = word.to_ascii_uppercase();
    let lists = spec.fields.iter().flat_map(|field| field.kind.lists());
    units.meant(word).is_some() && !lists.into_iter().any(|l| l.find_upper(&upper).is_some())
}

/// How many bytes of a word are a number: `4`, `2,5`.
fn number_of(word: &str) -> usize {
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let end = word.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')));
    end.unwrap_or(word.len())
}
