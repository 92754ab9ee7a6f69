//! What is wrong with a message, in terms that its sender can act on.

use super::lexicon::Entry;
use crate::language::Both;
use std::sync::Arc;

/// What is wrong with a message that began with a known code.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What sort of fault.
    pub kind: FaultKind,
    /// The word at fault as typed; empty when one is missing.
    pub word: String,
    /// Which word it is, the start code being the first.
    pub number: usize,
    /// Labels of the fields that would have been right there.
    pub expected: Vec<Both>,
    /// The units that would have been right.
    pub units: Vec<Arc<Entry>>,
    /// Codes that may have been meant, the likeliest first.
    pub near: Vec<Arc<Entry>>,
    /// The word is a code, but of another list: that list's name and the entry.
    pub elsewhere: Option<(Both, Arc<Entry>)>,
    /// The word belongs to the comma list before it: that field's label, and both as they should be
    /// written.
    pub unjoined: Option<(Both, String)>,
    /// The whole message with one word in another place, where only that can be read.
    pub order: Option<String>,
}

/// The sorts of faults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FaultKind {
    /// The message ends where something must follow.
    Missing,
    /// A word that nothing expected there can be.
    Word,
    /// A word after the end of the format.
    LeftOver,
    /// A number outside its limits.
    Range {
        /// The smallest allowed, if there is one.
        min: Option<f64>,
        /// The largest allowed, if there is one.
        max: Option<f64>,
    },
    /// A number in a unit that its field is not counted in.
    Unit,
    /// A date that does not exist.
    Date,
    /// A text with too few characters.
    Short {
        /// The fewest allowed.
        min: usize,
    },
    /// A text with too many characters, a list with too many values, or too long a message.
    Long {
        /// The most allowed.
        max: usize,
    },
    /// A field that senders of this kind may not give.
    NotAllowed,
}

impl FaultKind {
    /// Its name in `[[example]]` rows and counters; `fault_<name>` is its text's key.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Word => "word",
            Self::LeftOver => "left_over",
            Self::Range { .. } => "range",
            Self::Unit => "unit",
            Self::Date => "date",
            Self::Short { .. } => "short",
            Self::Long { .. } => "long",
            Self::NotAllowed => "not_allowed",
        }
    }
}

impl Fault {
    /// Boxed, as it travels in the unlikely arm of results.
    pub(crate) fn new(kind: FaultKind, number: usize) -> Box<Self> {
        let (word, expected, near) = (String::new(), Vec::new(), Vec::new());
        Box::new(Self {
            kind,
            word,
            number,
            expected,
            units: Vec::new(),
            near,
            elsewhere: None,
            unjoined: None,
            order: None,
        })
    }
}
