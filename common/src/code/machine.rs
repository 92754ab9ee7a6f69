//! A format as a small automaton whose positions are its fields: which field may come first,
//! which may follow which, where a message may end. The proof and the parser walk the same one,
//! so that what was proved is what is run.

use super::format::{Format, Part, Slot};
use super::spec::Field;
use std::sync::Arc;

/// Most fields in one format: their sets are kept in a `u32`.
pub const MAX_FIELDS: usize = 32;

/// One field of a format where it stands.
#[derive(Debug)]
pub(crate) struct Position {
    pub field: Arc<Field>,
    /// Several values separated by commas.
    pub list: bool,
    /// Part of the repeatable group.
    pub grouped: bool,
    pub mandatory: bool,
}

/// The automaton. Sets of positions are bits.
#[derive(Debug)]
pub(crate) struct Machine {
    pub positions: Vec<Position>,
    /// Where a message may begin.
    pub first: u32,
    /// Where it may go on after each position.
    pub follow: Vec<u32>,
    /// Where it may end.
    pub last: u32,
    /// Whether the start code alone is a message.
    pub empty: bool,
}

impl Machine {
    /// Builds the automaton of a format; `fields` are its fields in the order of its slots, of
    /// which there are at most [`MAX_FIELDS`].
    pub(crate) fn of(format: &Format, fields: &[Arc<Field>]) -> Self {
        let mut builder = Builder {
            follow: vec![0; fields.len()],
            at: 0,
            ends: 0,
            first: 0,
            empty: true,
        };
        for part in &format.parts {
            match part {
                Part::Slot(slot) => builder.slot(slot),
                Part::Group(slots) => builder.group(slots),
            }
        }
        let Builder {
            mut follow,
            ends,
            first,
            empty,
            ..
        } = builder;
        let positions = positions(format, fields);
        for (at, position) in positions.iter().enumerate() {
            if position.field.kind.many_words() {
                follow[at] |= 1 << at;
            }
        }
        Self {
            positions,
            first,
            follow,
            last: ends,
            empty,
        }
    }

    /// The positions that may take the next word after these; at the start `None`.
    pub(crate) fn next(&self, after: Option<u32>) -> u32 {
        let Some(states) = after else {
            return self.first;
        };
        bits(states).fold(0, |next, at| next | self.follow[at])
    }

    /// Whether a message may end in one of these states; at the start `None`.
    pub(crate) fn ends(&self, after: Option<u32>) -> bool {
        after.map_or(self.empty, |states| states & self.last != 0)
    }

    /// Whether going from one position to the next begins a new turn of the group. A turn begins
    /// wherever the order of the fields is broken: a group has a mandatory field, so two fields in
    /// order are always of the same turn.
    pub(crate) fn new_turn(&self, from: Option<usize>, to: usize) -> bool {
        let grouped = |at: usize| self.positions[at].grouped;
        grouped(to) && from.is_none_or(|from| !grouped(from) || to <= from)
    }
}

/// The positions in a set, in order.
pub(crate) fn bits(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(lowest)
    })
}

fn positions(format: &Format, fields: &[Arc<Field>]) -> Vec<Position> {
    let grouped = format.parts.iter().flat_map(|part| match part {
        Part::Slot(_) => vec![false],
        Part::Group(slots) => vec![true; slots.len()],
    });
    let slots = format.slots().zip(grouped).zip(fields);
    slots
        .map(|((slot, grouped), field)| Position {
            field: Arc::clone(field),
            list: slot.list,
            grouped,
            mandatory: slot.mandatory,
        })
        .collect()
}

/// Glushkov's construction for a sequence of parts.
struct Builder {
    follow: Vec<u32>,
    /// Next position.
    at: usize,
    /// Where what was read so far may end.
    ends: u32,
    first: u32,
    /// Whether what was read so far may be empty.
    empty: bool,
}

impl Builder {
    fn slot(&mut self, slot: &Slot) {
        let here = 1 << self.at;
        self.enter(here);
        self.leave(here, !slot.mandatory);
        self.at += 1;
    }

    /// A group repeats as a whole and cannot be empty.
    fn group(&mut self, slots: &[Slot]) {
        let (mut first, mut ends, mut empty) = (0, 0, true);
        for slot in slots {
            let here = 1 << self.at;
            for before in bits(ends) {
                self.follow[before] |= here;
            }
            first |= if empty { here } else { 0 };
            ends = if slot.mandatory { here } else { ends | here };
            empty &= !slot.mandatory;
            self.at += 1;
        }
        for last in bits(ends) {
            self.follow[last] |= first;
        }
        self.enter(first);
        self.leave(ends, empty);
    }

    fn enter(&mut self, first: u32) {
        for before in bits(self.ends) {
            self.follow[before] |= first;
        }
        if self.empty {
            self.first |= first;
        }
    }

    fn leave(&mut self, ends: u32, may_be_left_out: bool) {
        self.ends = if may_be_left_out {
            self.ends | ends
        } else {
            ends
        };
        self.empty &= may_be_left_out;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::kind::{Kind, Rules};
    use super::super::lexicon::{Lexicon, sample};
    use super::*;
    use crate::language::Both;

    /// A machine for tests: the type of each field in the order of the format.
    pub(crate) fn machine_with(format: &str, kinds: &[&str], lexicon: &Arc<Lexicon>) -> Machine {
        let format = Format::parse(format).unwrap();
        assert_eq!(format.slots().count(), kinds.len());
        let field = |(slot, kind): (&Slot, &&str)| {
            Arc::new(Field {
                name: slot.field.as_str().into(),
                kind: Kind::named(kind, lexicon, "62").unwrap(),
                type_name: (*kind).to_owned(),
                label: Both::same(&slot.field),
                rules: Rules::default(),
                only: Vec::new(),
                units: Vec::new(),
            })
        };
        let fields: Vec<_> = format.slots().zip(kinds).map(field).collect();
        Machine::of(&format, &fields)
    }

    pub(crate) fn machine(format: &str, kinds: &[&str]) -> Machine {
        machine_with(format, kinds, &sample::lexicon())
    }

    #[test]
    fn optional_fields_may_be_stepped_over_and_groups_repeat() {
        let m = machine("X {a} [b] ([c] {d}...) {e}", &["number"; 5]);
        assert_eq!(m.first, 0b00011);
        assert_eq!(m.follow, [0b00010, 0b00100, 0b11100, 0b10100, 0]);
        assert_eq!(m.last, 0b11100);
        assert!(!m.empty && machine("X {a}", &["number"]).empty);
    }

    #[test]
    fn free_text_goes_on() {
        let m = machine("X [a] {b}", &["text", "number"]);
        assert_eq!(m.follow, [0b11, 0]);
    }

    #[test]
    fn a_turn_begins_where_the_order_is_broken() {
        let m = machine("X [z] ({a} [b] {c}...)", &["number"; 4]);
        for (from, to, new) in [
            (None, 1, true),
            (Some(0), 2, true),
            (Some(1), 2, false),
            (Some(2), 3, false),
            (Some(3), 1, true),
            (Some(2), 2, true),
            (None, 0, false),
        ] {
            assert_eq!(m.new_turn(from, to), new, "{from:?} -> {to}");
        }
    }
}
