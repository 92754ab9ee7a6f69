//! Proof that a format can be read in one way only, whatever its senders type.
//!
//! Two readings of one message are two different ways through the automaton of the format with a
//! word at each step that both fields take. So the automaton is paired with itself, each pair of
//! fields is asked once for a word that both take, and the shortest way to two different ends is
//! looked for. None: the format is proved. One: it is refused, with the message and its readings.
//!
//! A field takes or refuses a word by the word alone, hence a pair of fields shares a word or does
//! not wherever they stand. For lists the answer is exact (every word is tried); for the other
//! types it rests on [`TYPICAL`], which holds a word of every shape that two types could share.

use super::kind::Kind;
use super::machine::{Machine, Position, bits};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::LazyLock;

/// A message with two readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The words after the start code.
    pub words: Vec<String>,
    /// For each word the field that takes it, in the one reading and in the other.
    pub readings: [Vec<String>; 2],
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reading = |fields: &[String]| {
            let pairs = self
                .words
                .iter()
                .zip(fields)
                .map(|(w, field)| format!("{field}={w}"));
            pairs.collect::<Vec<_>>().join(" ")
        };
        let [one, other] = &self.readings;
        write!(
            f,
            "{:?} can be read as {} or as {}",
            self.words.join(" "),
            reading(one),
            reading(other)
        )
    }
}

/// A word of every shape that the types other than lists take: digits of all lengths as
/// numbers, places, cases, owners and telephones begin, fractions, levels with dots, dates, words
/// of letters, of letters and digits, and with signs in them.
static TYPICAL: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut words = Vec::new();
    for length in 1..=18 {
        for start in ["3", "0", "0812", "6281", "006281"] {
            words.push(format!("{start:3<length$}")[..length.max(1)].to_owned());
        }
        words.push(format!("+{:3<length$}", "6281"));
    }
    for other in [
        "3.5",
        "3,5",
        "-3",
        "-3.5",
        "-3,5",
        "33.33",
        "33.3333",
        "33.33.33",
        "33.33.33.3333",
        "333333.33",
        "0812.3456.7890",
        "10/10/2014",
        "10/2014",
        "01/15",
        "10/10/14",
        "10-10-2014",
        "10-2014",
        "0812-3456-7890",
        "0812/3456/7890",
        "X",
        "XYZZY",
        "X3",
        "3X",
        "X-3",
        "X-Y",
        "X.Y",
        "?",
    ] {
        words.push(other.to_owned());
    }
    words
});

/// Looks for the shortest message with two readings; `None` proves that there is none.
pub(crate) fn clash(machine: &Machine) -> Option<Clash> {
    Search {
        machine,
        shared: HashMap::new(),
        from: HashMap::new(),
        queue: VecDeque::new(),
    }
    .run()
}

/// Both readings after the same words, and whether they have parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pair {
    one: usize,
    other: usize,
    parted: bool,
}

struct Search<'a> {
    machine: &'a Machine,
    /// A word that both positions take, per pair of positions.
    shared: HashMap<(usize, usize), Option<String>>,
    /// Where each pair was reached from first, hence by the shortest way.
    from: HashMap<Pair, Option<Pair>>,
    queue: VecDeque<Pair>,
}

impl Search<'_> {
    fn run(mut self) -> Option<Clash> {
        self.step(None, self.machine.first, self.machine.first);
        while let Some(pair) = self.queue.pop_front() {
            let both_end = [pair.one, pair.other]
                .iter()
                .all(|at| self.machine.last & (1 << at) != 0);
            if pair.parted && both_end {
                return Some(self.tell(pair));
            }
            self.step(
                Some(pair),
                self.machine.follow[pair.one],
                self.machine.follow[pair.other],
            );
        }
        None
    }

    fn step(&mut self, from: Option<Pair>, ones: u32, others: u32) {
        for one in bits(ones) {
            for other in bits(others) {
                let parted = from.is_some_and(|p| p.parted) || one != other;
                let pair = Pair { one, other, parted };
                if !self.from.contains_key(&pair) && self.word(one, other).is_some() {
                    self.from.insert(pair, from);
                    self.queue.push_back(pair);
                }
            }
        }
    }

    fn word(&mut self, one: usize, other: usize) -> Option<String> {
        let key = (one.min(other), one.max(other));
        let positions = &self.machine.positions;
        let find = || shared(&positions[key.0], &positions[key.1]);
        self.shared.entry(key).or_insert_with(find).clone()
    }

    fn tell(&mut self, end: Pair) -> Clash {
        let mut way = vec![end];
        while let Some(Some(before)) = way.last().and_then(|pair| self.from.get(pair)) {
            way.push(*before);
        }
        way.reverse();
        let name = |at: usize| self.machine.positions[at].field.name.to_string();
        let readings = [
            way.iter().map(|p| name(p.one)).collect(),
            way.iter().map(|p| name(p.other)).collect(),
        ];
        let words = way
            .iter()
            .filter_map(|p| self.word(p.one, p.other))
            .collect();
        Clash { words, readings }
    }
}

/// A word that both positions take. A comma list takes every word that its items take, so single
/// items decide; a decimal with a comma inside is a decimal without one as well.
fn shared(one: &Position, other: &Position) -> Option<String> {
    let (a, b) = (&one.field.kind, &other.field.kind);
    let both = |word: &str| a.takes(word) && b.takes(word);
    let listed = words(a)
        .chain(words(b))
        .find(|word| both(word))
        .map(str::to_owned);
    listed.or_else(|| TYPICAL.iter().find(|word| both(word)).cloned())
}

/// The words of a type that has a finite number of them.
fn words(kind: &Kind) -> impl Iterator<Item = &str> {
    let codes = kind
        .lists()
        .iter()
        .flat_map(|l| l.entries())
        .map(|e| e.code.as_str());
    let names = match kind {
        Kind::ListName(lexicon) => lexicon.lists(),
        _ => &[],
    };
    codes.chain(names.iter().filter_map(|l| l.short.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::super::lexicon::{Lexicon, sample};
    use super::super::machine::tests::{machine, machine_with};
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    #[test]
    fn the_shipped_shapes_are_proved() {
        for (format, kinds) in [
            (
                "U [s,s...] ([sp] [n]...) {place} {d,d...}",
                &[
                    "list:sign",
                    "list:species",
                    "number",
                    "place",
                    "list:diagnosis",
                ][..],
            ),
            ("DP [name] [place] {id}", &["name", "place", "owner"]),
            (
                "R [case] [mode] [d,d...]",
                &["case", "list:response_mode", "list:diagnosis"],
            ),
            ("Q [text]", &["text"]),
            ("H", &[]),
        ] {
            assert_eq!(clash(&machine(format, kinds)), None, "{format}");
        }
    }

    #[test]
    fn the_shortest_message_with_two_readings_is_told() {
        for (format, kinds, words, one, other) in [
            ("X {a} {b}", &["number", "place"][..], "33", "a=33", "b=33"),
            (
                "X [t] {n}",
                &["text", "number"],
                "3 3",
                "t=3 t=3",
                "t=3 n=3",
            ),
            (
                "X ([a] {n}...) {c}",
                &["list:sign", "number", "case"],
                "MC 3",
                "a=MC n=3",
                "a=MC c=3",
            ),
            (
                "X ([n]...) {p}",
                &["number", "place"],
                "3 33",
                "n=3 n=33",
                "n=3 p=33",
            ),
        ] {
            let clash = clash(&machine(format, kinds)).expect(format);
            assert_eq!(clash.words.join(" "), words, "{format}");
            let told = clash.to_string();
            assert!(
                told.contains(one) && told.contains(other),
                "{format}: {told}"
            );
        }
    }

    /// A word in two lists clashes only where the positions allow it.
    #[test]
    fn a_shared_code_clashes_only_where_both_lists_may_stand() {
        let rows = [
            ("species", "SP"),
            ("diagnosis", "SP"),
            ("diagnosis", "COC"),
            ("sign", "MC"),
        ];
        let rows = rows.map(|(list, code)| sample::entry(list, code, ["x", "x"], ""));
        let lexicon = Arc::new(Lexicon::from_rows([], rows));
        let fits = |format: &str, kinds: &[&str]| clash(&machine_with(format, kinds, &lexicon));
        let (species, diagnosis) = ("list:species", "list:diagnosis");
        // After the number an SP is either the next animal (a number follows) or the diagnosis.
        assert_eq!(
            fits("U ([s] [n]...) {d,d...}", &[species, "number", diagnosis]),
            None
        );
        // Here nothing follows, so nobody can tell.
        let found = fits("U ([s] {n}...) {d,d...}", &[species, "number", diagnosis]);
        assert_eq!(found.unwrap().words, ["SP", "SP"]);
        assert_eq!(
            fits("U {s} {d}", &[species, diagnosis]).unwrap().words,
            ["SP"]
        );
        assert_eq!(fits("U [s] {d}", &[species, diagnosis]), None);
    }

    const SIMPLE: [&str; 19] = [
        "list_name",
        "place",
        "case",
        "number",
        "decimal",
        "date",
        "phone",
        "owner",
        "animal",
        "new_animal",
        "program",
        "permit",
        "infrastructure",
        "identity",
        "coordinate",
        "seal",
        "word",
        "name",
        "text",
    ];

    proptest! {
        /// The typical words miss no shape: whatever word two types share, the proof finds one.
        #[test]
        fn no_shared_word_is_missed(
            word in "[+]?[0-9]{1,19}|[0-9]{1,6}[./,-][0-9]{1,6}|([0-9]{2,4}[./-]){1,3}[0-9]{2,4}\
                     |[A-Z]{1,4}[0-9]{0,3}|[0-9A-Z.+/-]{1,8}",
            one in 0..SIMPLE.len(),
            other in 0..SIMPLE.len(),
        ) {
            let m = machine("X [a] [b]", &[SIMPLE[one], SIMPLE[other]]);
            let (a, b) = (&m.positions[0], &m.positions[1]);
            if a.field.kind.takes(&word) && b.field.kind.takes(&word) {
                let names = [SIMPLE[one], SIMPLE[other]];
                prop_assert!(shared(a, b).is_some(), "{names:?}: {word}");
            }
        }
    }
}
