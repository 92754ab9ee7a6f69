//! Reads the words of a message by the automaton of its format.
//!
//! All ways that the words allow are followed at once, word by word, so the work is at most words
//! times fields. The format was proved unambiguous, hence every state has one way that leads to it
//! and at most one way leads to the end. The first word at which no way goes on is the word at
//! fault, and it is the furthest one that any reading reaches.

use super::Reader;
use super::fault::{Fault, FaultKind};
use super::kind::{Breach, Kind};
use super::lexicon::{Entry, Lexicon, List};
use super::machine::{Machine, Position, bits};
use super::nearest;
use super::spec::Field;
use super::values::{Value, Values};
use super::words::{MAX_TEXT, Span, Words};
use std::sync::Arc;

/// What the parser needs besides the words.
pub(crate) struct Parser<'a> {
    pub machine: &'a Machine,
    pub lexicon: &'a Lexicon,
    /// Name of the repeatable group.
    pub group: Option<&'a Arc<str>>,
    /// For fields that only some may give.
    pub sender: &'a Reader<'a>,
}

/// No way leads to this position with this word.
const NO_WAY: u8 = u8::MAX;

impl Parser<'_> {
    /// Reads a message.
    pub(crate) fn parse(&self, words: &Words) -> Result<Values, Box<Fault>> {
        if words.too_long {
            return Err(Fault::new(FaultKind::Long { max: MAX_TEXT }, 1));
        }
        let way = self.way(words)?;
        self.values(words, &way)
    }

    /// The field that takes each word; `None` when the message is not of this format.
    pub(crate) fn takers(&self, words: &Words) -> Option<Vec<&Arc<Field>>> {
        let way = self.way(words).ok().filter(|_| !words.too_long)?;
        let field = |at: u8| &self.machine.positions[usize::from(at)].field;
        Some(way.into_iter().map(field).collect())
    }

    /// The position that takes each word.
    fn way(&self, words: &Words) -> Result<Vec<u8>, Box<Fault>> {
        let fields = self.machine.positions.len();
        let mut back = vec![NO_WAY; words.len() * fields];
        let mut states = None;
        for word in 0..words.len() {
            let next = self.step(words, word, states, &mut back[word * fields..][..fields]);
            if next == 0 {
                return Err(self.at_fault(words, word, states));
            }
            states = Some(next);
        }
        if !self.machine.ends(states) {
            return Err(self.missing(words, states));
        }
        Ok(self.trace(&back, states.unwrap_or_default() & self.machine.last))
    }

    fn step(&self, words: &Words, word: usize, states: Option<u32>, back: &mut [u8]) -> u32 {
        let mut reached = 0;
        for at in bits(self.machine.next(states)) {
            if takes(&self.machine.positions[at], words, word) {
                let before = bits(states.unwrap_or_default())
                    .find(|before| self.machine.follow[*before] & (1 << at) != 0);
                // A format has at most 32 fields, so a position always fits.
                back[at] = before.map_or(0, |before| before as u8);
                reached |= 1 << at;
            }
        }
        reached
    }

    /// Goes the one way back from its end.
    fn trace(&self, back: &[u8], ends: u32) -> Vec<u8> {
        let fields = self.machine.positions.len();
        let mut way = vec![0; back.len().checked_div(fields).unwrap_or_default()];
        let mut at = bits(ends).next().unwrap_or_default();
        for word in (0..way.len()).rev() {
            way[word] = at as u8;
            at = usize::from(back[word * fields + at]);
        }
        way
    }

    fn values(&self, words: &Words, way: &[u8]) -> Result<Values, Box<Fault>> {
        let mut values = Values::default();
        let mut from = None;
        let mut word = 0;
        while word < way.len() {
            let at = usize::from(way[word]);
            let position = &self.machine.positions[at];
            let same = |next: &&u8| position.field.kind.many_words() && usize::from(**next) == at;
            let last = word + way[word + 1..].iter().take_while(same).count();
            let value = self.value(position, words, (word, last))?;
            match self.group.filter(|_| position.grouped) {
                Some(name) => {
                    let turns = values.group(name);
                    if self.machine.new_turn(from, at) {
                        turns.push(Values::default());
                    }
                    if let Some(turn) = turns.last_mut() {
                        turn.push(&position.field.name, value);
                    }
                }
                None => values.push(&position.field.name, value),
            }
            from = Some(at);
            word = last + 1;
        }
        Ok(values)
    }

    /// What one field says, with its rules checked.
    fn value(
        &self,
        position: &Position,
        words: &Words,
        (word, last): (usize, usize),
    ) -> Result<Value, Box<Fault>> {
        let field = &position.field;
        let whole = words.whole(word, last);
        let fault = |breach| self.breach(position, breach, words.typed(whole), word);
        if !field.open_to(self.sender) {
            let mut fault = Fault::new(FaultKind::NotAllowed, word + 2);
            fault.word = shortened(words.typed(whole));
            fault.expected = vec![field.label.clone()];
            return Err(fault);
        }
        let read = |span: Span| {
            let read = field.kind.read(words.typed(span), words.typed_upper(span));
            // The automaton came here because the type takes the word.
            read.unwrap_or(Err(Breach::Date)).map_err(fault)
        };
        let value = if position.list {
            // Said twice is said once.
            let mut many = Vec::new();
            for span in words.spans(word) {
                let one = read(*span)?;
                if !many.contains(&one) {
                    many.push(one);
                }
            }
            Value::Many(many)
        } else {
            let ends = last + 1 == words.len() && matches!(field.kind, Kind::Text);
            read(if ends { words.to_the_end(whole) } else { whole })?
        };
        field.rules.check(&value).map_err(fault)?;
        Ok(value)
    }

    fn breach(&self, position: &Position, breach: Breach, typed: &str, word: usize) -> Box<Fault> {
        let rules = &position.field.rules;
        let kind = match breach {
            Breach::Range => FaultKind::Range {
                min: rules.min,
                max: rules.max,
            },
            Breach::Date => FaultKind::Date,
            Breach::Short => FaultKind::Short {
                min: rules.min_length.unwrap_or_default(),
            },
            Breach::Long => FaultKind::Long {
                max: rules.max_length.unwrap_or_default(),
            },
        };
        let mut fault = Fault::new(kind, word + 2);
        fault.word = shortened(typed);
        fault.expected = vec![position.field.label.clone()];
        fault
    }

    /// The message ends too early: what must follow, or else what may.
    fn missing(&self, words: &Words, states: Option<u32>) -> Box<Fault> {
        let mut fault = Fault::new(FaultKind::Missing, words.len() + 2);
        let next = || bits(self.machine.next(states)).map(|at| &self.machine.positions[at]);
        let label = |p: &Position| p.field.label.clone();
        fault.expected = next().filter(|p| p.mandatory).map(label).collect();
        fault
    }

    /// The word that nothing can take.
    fn at_fault(&self, words: &Words, word: usize, states: Option<u32>) -> Box<Fault> {
        let next: Vec<&Position> = bits(self.machine.next(states))
            .map(|at| &self.machine.positions[at])
            .filter(|p| p.field.open_to(self.sender))
            .collect();
        let kind = if next.is_empty() {
            FaultKind::LeftOver
        } else {
            FaultKind::Word
        };
        let mut fault = Fault::new(kind, word + 2);
        let item = bad_item(&next, words, word);
        fault.word = shortened(words.typed(item));
        let typed = words.typed_upper(item);
        fault.expected = next.iter().map(|p| p.field.label.clone()).collect();
        if kind == FaultKind::Word {
            let lists = next
                .iter()
                .flat_map(|p| p.field.kind.lists())
                .map(Arc::as_ref);
            fault.near = parts_of(typed, lists.clone());
            if fault.near.is_empty() {
                fault.near = nearest::entries(typed, lists);
            }
            fault.elsewhere = self.elsewhere(typed, &next);
            fault.unjoined = self.unjoined(words, word, states);
        }
        fault
    }

    /// The commonest slip there is: a blank where a comma should be (`U MC DM SP 4`).
    fn unjoined(
        &self,
        words: &Words,
        word: usize,
        states: Option<u32>,
    ) -> Option<(crate::language::Both, String)> {
        let before = word.checked_sub(1)?;
        let mut lists = bits(states?).map(|at| &self.machine.positions[at]);
        let list = lists.find(|p| p.list && takes(p, words, word))?;
        let typed = |at| shortened(words.typed(words.whole(at, at)));
        let joined = format!("{},{}", typed(before), typed(word));
        Some((list.field.label.clone(), joined))
    }

    /// The list that does hold the word: one that no field expected there reads. Lists that people are never shown say
    /// them nothing; their words may even be numbers.
    fn elsewhere(
        &self,
        typed: &str,
        next: &[&Position],
    ) -> Option<(crate::language::Both, Arc<Entry>)> {
        let expected = |key: &str| {
            next.iter()
                .any(|p| p.field.kind.lists().iter().any(|l| l.key == key))
        };
        let shown = |l: &&Arc<List>| l.short.is_some() && !expected(&l.key);
        let lists = self.lexicon.lists().iter().filter(shown);
        lists
            .filter_map(|l| Some((l.name.clone(), Arc::clone(l.find_upper(typed)?))))
            .next()
    }
}

/// Somebody typed what is divided further: `SP` where a list has kinds of cattle.
fn parts_of<'a>(typed: &str, lists: impl Iterator<Item = &'a List>) -> Vec<Arc<Entry>> {
    let entries = lists.flat_map(List::entries);
    let parts = entries.filter(|entry| entry.parent.as_deref() == Some(typed));
    parts.take(nearest::MOST).cloned().collect()
}

/// Whether a field can take this word; a comma list takes a word whose every item it takes.
fn takes(position: &Position, words: &Words, word: usize) -> bool {
    let kind = &position.field.kind;
    match position.list || kind.many_words() {
        true => words.items(word).all(|item| kind.takes(item)),
        false => kind.takes(words.upper(word)),
    }
}

/// The first item of a comma list that is wrong, for the field that takes the most items before
/// it; the whole word where no comma list may stand.
fn bad_item(next: &[&Position], words: &Words, word: usize) -> Span {
    let good = |p: &&&Position| {
        words
            .items(word)
            .take_while(|item| p.field.kind.takes(item))
            .count()
    };
    let most = next.iter().filter(|p| p.list).map(|p| good(&p)).max();
    let item = most.and_then(|good| words.spans(word).get(good));
    item.copied().unwrap_or_else(|| words.whole(word, word))
}

/// A word as it is told back: what somebody typed must not fill the answer.
pub(super) fn shortened(word: &str) -> String {
    const LONGEST: usize = 24;
    match word.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}...", &word[..cut]),
        None => word.to_owned(),
    }
}
