//! A second look at a message that cannot be read as it stands: without the units that people write behind
//! numbers (`10 ekor`, `5ml`), and with one word elsewhere (`U SP MC 4`).
//!
//! Only what no format reads comes here, so that it makes no message ambiguous. A unit is left out where a
//! number is read whose field is counted in it: there it says nothing new. An id keeps it (`12L` is an ear
//! tag), and another unit is a fault (`6 bulan` are not 6 years). Another order is asked about, never taken.

use super::fault::{Fault, FaultKind};
use super::kind::Kind;
use super::lexicon::{Entry, Lexicon, List};
use super::parse::{Parser, shortened};
use super::spec::{Field, Spec};
use super::values::Values;
use super::words::Words;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The list of units.
const UNITS: &str = "unit";

/// Most words of a message in which another order is looked for; the work grows with their cube.
const MOST_WORDS: usize = 12;

/// Longest message that is told in another order: the answer needs room for its format.
const LONGEST: usize = 80;

/// A word of the message, with what was left out of it.
#[derive(Clone)]
struct Part {
    text: String,
    lost: Option<Lost>,
}

/// A unit that stood behind a number.
#[derive(Clone)]
struct Lost {
    unit: Arc<Entry>,
    /// Number and unit as they were typed: one word or two.
    typed: String,
}

/// The units in which a number may be told; none while the list of units is not there.
pub(super) fn units(
    lexicon: &Lexicon,
    kind: &Kind,
    codes: &[String],
) -> Result<Vec<Arc<Entry>>, String> {
    if !codes.is_empty() && !matches!(kind, Kind::Number | Kind::Decimal) {
        return Err("units is for fields of type number or decimal".into());
    }
    let Some(list) = lexicon.list(UNITS) else {
        return Ok(Vec::new());
    };
    let known = || {
        let codes = list.entries().iter().map(|e| e.code.as_str());
        codes.collect::<Vec<_>>().join(", ")
    };
    let unit = |code: &String| {
        let unit = list.find(code).cloned();
        unit.ok_or_else(|| format!("there is no unit {code:?}; there are {}", known()))
    };
    codes.iter().map(unit).collect()
}

/// Reads a message once more that has this fault as it stands; what is wrong with it now.
pub(super) fn read(
    parser: &Parser<'_>,
    words: &Words,
    spec: &Spec,
    mut fault: Box<Fault>,
) -> Result<Values, Box<Fault>> {
    let whole = || typed(words).map(Part::whole).collect();
    let parts = parser
        .lexicon
        .list(UNITS)
        .and_then(|units| without_units(words, spec, units));
    if let Some(parts) = &parts {
        match counted(parser, parts, spec) {
            Some(Ok(values)) => return Ok(values),
            Some(Err(told)) => return Err(told),
            None => fault = later(parser, parts, spec, fault),
        }
    }
    fault.order = in_order(parser, &parts.unwrap_or_else(whole), &spec.code);
    Err(fault)
}

/// The message without its units, where it is of the format then: those behind what is no counted number are put
/// back before. `None` when it still is not.
fn counted(parser: &Parser<'_>, parts: &[Part], spec: &Spec) -> Option<Result<Values, Box<Fault>>> {
    let words = joined(parts, &spec.code)?;
    let takers = parser.takers(&words)?;
    let plain =
        |(part, field): (&Part, &&Arc<Field>)| part.lost.is_none() || !field.units.is_empty();
    if parts.iter().zip(&takers).all(plain) {
        let wrong = parts.iter().zip(&takers).position(|(p, f)| !p.fits(f));
        return Some(match wrong {
            Some(at) => Err(unfit(&parts[at], takers[at], at)),
            None => parser.parse(&words),
        });
    }
    let restored = |both: (&Part, &&Arc<Field>)| match plain(both) {
        true => both.0.clone(),
        false => both.0.restored(),
    };
    // A shorter way each time, since a part without a unit stays so.
    let parts: Vec<Part> = parts.iter().zip(&takers).map(restored).collect();
    counted(parser, &parts, spec)
}

/// The fault of the message without its units, if it is about something else than them.
fn later(parser: &Parser<'_>, parts: &[Part], spec: &Spec, fault: Box<Fault>) -> Box<Fault> {
    let words = joined(parts, &spec.code);
    let Some(Err(next)) = words.map(|words| parser.parse(&words)) else {
        return fault;
    };
    // The start code is word 1.
    let at = next.number.checked_sub(2).and_then(|at| parts.get(at));
    match at.is_some_and(|part| part.lost.is_some()) {
        true => fault,
        false => next,
    }
}

/// A number in a unit that its field is not counted in.
fn unfit(part: &Part, field: &Field, at: usize) -> Box<Fault> {
    let mut fault = Fault::new(FaultKind::Unit, at + 2);
    let typed = part.lost.as_ref().map_or(&part.text, |lost| &lost.typed);
    fault.word = shortened(typed);
    fault.expected = vec![field.label.clone()];
    fault.units.clone_from(&field.units);
    fault
}

/// The words with their units left out; `None` when there are none.
fn without_units(words: &Words, spec: &Spec, units: &List) -> Option<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    for word in typed(words) {
        let (head, unit) = word.split_at(number_of(word));
        let unit = Some(unit).filter(|unit| !unit.is_empty() && !is_named(spec, unit));
        let Some(unit) = unit.and_then(|unit| units.meant(unit)) else {
            parts.push(Part::whole(word));
            continue;
        };
        let lost = |typed: String| {
            let unit = Arc::clone(unit);
            Some(Lost { unit, typed })
        };
        if !head.is_empty() {
            let text = head.trim_end_matches(['.', ',']).to_owned();
            let lost = lost(word.to_owned());
            parts.push(Part { text, lost });
            continue;
        }
        match parts.last_mut().filter(|last| last.is_number()) {
            Some(last) => last.lost = lost(format!("{} {word}", last.text)),
            None => parts.push(Part::whole(word)),
        }
    }
    parts
        .iter()
        .any(|part| part.lost.is_some())
        .then_some(parts)
}

/// The message with one word in another place, when that is the only way to read it by moving one.
fn in_order(parser: &Parser<'_>, parts: &[Part], code: &str) -> Option<String> {
    if !(2..=MOST_WORDS).contains(&parts.len()) {
        return None;
    }
    let mut good = BTreeSet::new();
    for from in 0..parts.len() {
        for to in (0..parts.len()).filter(|to| *to != from) {
            let mut moved = parts.to_vec();
            let part = moved.remove(from);
            moved.insert(to, part);
            let text = text(&moved, code);
            if !good.contains(&text) && is_good(parser, &moved, code) {
                good.insert(text);
            }
        }
    }
    let only = good.pop_first().filter(|_| good.is_empty());
    only.filter(|text| text.len() <= LONGEST)
}

/// Whether it can be read, and every unit was that of its field.
fn is_good(parser: &Parser<'_>, parts: &[Part], code: &str) -> bool {
    joined(parts, code).is_some_and(|words| {
        let takers = parser.takers(&words).unwrap_or_default();
        takers.len() == parts.len()
            && parts
                .iter()
                .zip(takers)
                .all(|(part, field)| part.fits(field))
            && parser.parse(&words).is_ok()
    })
}

impl Part {
    fn whole(word: &str) -> Self {
        let text = word.to_owned();
        Self { text, lost: None }
    }

    /// Whether it is a number without a unit: it has one at most.
    fn is_number(&self) -> bool {
        self.lost.is_none() && number_of(&self.text) == self.text.len()
    }

    /// As it was typed.
    fn restored(&self) -> Self {
        Self::whole(self.lost.as_ref().map_or(&self.text, |lost| &lost.typed))
    }

    /// Whether its unit, if it had one, is one of the field's.
    fn fits(&self, field: &Field) -> bool {
        let is = |lost: &Lost| field.units.iter().any(|unit| unit.code == lost.unit.code);
        self.lost.as_ref().is_none_or(is)
    }
}

fn text(parts: &[Part], code: &str) -> String {
    let words: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
    format!("{code} {}", words.join(" "))
}

/// The message of these parts, if each is a word of it.
fn joined(parts: &[Part], code: &str) -> Option<Words> {
    let words = Words::of(&text(parts, code));
    (words.len() == parts.len()).then_some(words)
}

fn typed(words: &Words) -> impl Iterator<Item = &str> {
    (0..words.len()).map(|word| words.typed(words.whole(word, word)))
}

/// Whether it is a code that the message may name.
fn is_named(spec: &Spec, word: &str) -> bool {
    let upper = word.to_ascii_uppercase();
    let mut lists = spec.fields.iter().flat_map(|field| field.kind.lists());
    lists.any(|list| list.find_upper(&upper).is_some())
}

/// How many bytes of a word are a number: `4`, `2,5`.
fn number_of(word: &str) -> usize {
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let end = word.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')));
    end.unwrap_or(word.len())
}
