//! The code engine: what a typed message means, and what is said about it.
//!
//! [`Codes`] is an immutable snapshot of all code files, the engine's own texts and the code
//! lists, shared by `Arc`. It is pure: it knows no database and no clock. [`Codes::read`] turns a
//! text into a [`Reading`]; what the database must add (places, cases, effects, rows) is the work
//! of its callers, who then ask for the words: [`Codes::reply`], [`Codes::alert`],
//! [`Codes::rows`], [`Codes::say`].
//!
//! Anything that a person types, reads or configures stands in data files: `common/codes/*.toml`
//! (with a `.sql` file beside those that ask), `common/replies/engine.toml`, the lists' rows.

mod answer;
mod attached;
pub(crate) mod effects;
mod fault;
pub mod format;
mod join;
pub mod kind;
pub mod lexicon;
mod load;
mod machine;
pub mod names;
mod nearest;
mod parse;
mod prove;
mod reply;
mod second_look;
pub mod shipped;
pub mod sms;
pub mod spec;
pub mod sql;
pub mod texts;
pub mod values;
mod words;

pub use fault::{Fault, FaultKind};
pub use lexicon::Lexicon;
pub(crate) use nearest::entries as nearest_entries;
pub use reply::Var;
pub(crate) use reply::{Replies, Trial, context};
pub use spec::Spec;
pub use values::{Value, Values};
pub use words::{MAX_TEXT, MAX_WORDS};

use crate::alerts::{self, Alerting, Whom};
use crate::language::Language;
use crate::phone::Numbering;
use load::Loader;
pub(crate) use load::{line_of, syntax_fault};
use parse::Parser;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use words::Words;

/// One code file and the query beside it, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeSource {
    /// File name, for faults: `u.toml`.
    pub name: String,
    /// Its text.
    pub toml: String,
    /// The text of the `.sql` file of the same name, if there is one.
    pub sql: Option<String>,
}

/// Something wrong with a file, said so that its author can mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeFault {
    /// File name.
    pub file: String,
    /// Line, where one can be named.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for CodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map_or(String::new(), |line| format!(":{line}"));
        write!(f, "{}{line}: {}; {}", self.file, self.what, self.remedy)
    }
}

/// Who reads the answer, as far as the engine must know.
pub struct Reader<'a> {
    /// Their language.
    pub language: Language,
    /// Code of their user type (`PLS`, `VET`, ...), in any letter case.
    pub kind: &'a str,
    /// Whether they hold a permission such as `can_send_u`.
    pub may: &'a (dyn Fn(&str) -> bool + Sync),
}

/// What a text means.
#[derive(Debug, Clone)]
pub enum Reading {
    /// Nothing but blanks.
    Nothing,
    /// `?`: which codes are there?
    Help,
    /// No known start code.
    UnknownCode {
        /// What stood in its place.
        word: String,
        /// Codes of the sender that are spelt alike.
        near: Vec<String>,
    },
    /// A start code alone where more must follow, or `U ?`: what is its format?
    Bare(Arc<Spec>),
    /// A code that another one has replaced.
    Replaced {
        /// The old code.
        old: String,
        /// The code that took its place.
        by: Arc<Spec>,
    },
    /// A code that this sender may not use.
    Forbidden(Arc<Spec>),
    /// A known code with something wrong behind it.
    Faulty(Arc<Spec>, Box<Fault>),
    /// Understood.
    Parsed(Arc<Spec>, Values),
}

impl Reading {
    /// A short stable name for counters and for `error` in `[[example]]` rows; `ok` when it was
    /// understood.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Help => "help",
            Self::UnknownCode { .. } => "unknown_code",
            Self::Bare(_) => "bare",
            Self::Replaced { .. } => "replaced",
            Self::Forbidden(_) => "no_permission",
            Self::Faulty(_, fault) => fault.kind.name(),
            Self::Parsed(..) => "ok",
        }
    }
}

/// All codes at one moment. Never changes: when files or lists change, another one is loaded.
pub struct Codes {
    specs: BTreeMap<String, Arc<Spec>>,
    /// Codes and aliases.
    by_word: HashMap<String, Arc<Spec>>,
    replaced: HashMap<String, Arc<Spec>>,
    /// By the prefix that digits follow without a blank.
    attached: HashMap<String, Arc<Spec>>,
    lexicon: Arc<Lexicon>,
    replies: Replies,
    alerting: Alerting,
    numbering: Numbering,
    /// What stands in front of every text, for answers that must fit.
    signature: String,
}

impl Codes {
    /// Loads code files and the engine's texts, or says everything that is wrong with any of them.
    /// Telephone numbers without a country code are of the country that is the default setting.
    pub fn load(
        files: &[CodeSource],
        texts: &str,
        lexicon: Arc<Lexicon>,
    ) -> Result<Self, Vec<CodeFault>> {
        Self::load_for(&Numbering::default(), files, texts, lexicon)
    }

    /// [`Codes::load`] where telephone numbers are written in another way.
    pub fn load_for(
        numbering: &Numbering,
        files: &[CodeSource],
        texts: &str,
        lexicon: Arc<Lexicon>,
    ) -> Result<Self, Vec<CodeFault>> {
        let mut replies = Replies::new();
        let mut faults = texts::add(texts, &mut replies);
        let (alerting, said) = alerts::read(files).map_err(|wrong| {
            faults.extend(wrong);
            std::mem::take(&mut faults)
        })?;
        faults.extend(texts::add_alerts(&said, &mut replies));
        let mut loaded = Vec::new();
        let mut loader = Loader {
            lexicon: &lexicon,
            country: &numbering.country,
            replies: &mut replies,
            circles: &alerting.circles,
        };
        for file in files.iter().filter(|f| !alerts::is_ours(&f.name)) {
            match loader.load(file) {
                Ok(one) => loaded.push((file.name.as_str(), one)),
                Err(wrong) => faults.extend(wrong),
            }
        }
        let (specs, by_word, replaced) = (BTreeMap::new(), HashMap::new(), HashMap::new());
        let mut codes = Self {
            specs,
            by_word,
            replaced,
            attached: HashMap::new(),
            lexicon,
            replies,
            alerting,
            numbering: numbering.clone(),
            signature: String::new(),
        };
        codes.join(loaded, &mut faults);
        if faults.is_empty() {
            Ok(codes)
        } else {
            Err(faults)
        }
    }

    /// The same, for texts that go out with this in front of them.
    pub fn signed(mut self, signature: &str) -> Self {
        signature.clone_into(&mut self.signature);
        self
    }

    /// How telephone numbers are written here.
    pub fn numbering(&self) -> &Numbering {
        &self.numbering
    }

    /// What a text means to its sender. Never fails, bounded on any input; a few microseconds.
    pub fn read(&self, text: &str, reader: &Reader<'_>) -> Reading {
        let words = Words::of(text);
        let Some(code) = words.code() else {
            return if words.is_blank() {
                Reading::Nothing
            } else {
                Reading::Help
            };
        };
        if let Some((spec, words)) = self.attached(&words, reader) {
            return self.read_code(spec, &words, reader);
        }
        if let Some(spec) = self.by_word.get(code) {
            return self.read_code(spec, &words, reader);
        }
        if let Some(by) = self.replaced.get(code) {
            return Reading::Replaced {
                old: code.to_owned(),
                by: Arc::clone(by),
            };
        }
        let permitted = self.allowed(reader).map(|spec| spec.code.as_str());
        let near = nearest::codes(code, permitted)
            .into_iter()
            .map(str::to_owned)
            .collect();
        Reading::UnknownCode {
            word: code.chars().take(20).collect(),
            near,
        }
    }

    fn read_code(&self, spec: &Arc<Spec>, words: &Words, reader: &Reader<'_>) -> Reading {
        if !(reader.may)(&spec.permission) {
            return Reading::Forbidden(Arc::clone(spec));
        }
        let alone = words.len() == 0 && !words.too_long;
        if words.only_asks() || (alone && (spec.bare || !spec.machine.empty)) {
            return Reading::Bare(Arc::clone(spec));
        }
        let group = spec.group.as_ref();
        let parser = Parser {
            machine: &spec.machine,
            lexicon: &self.lexicon,
            group,
            sender: reader,
        };
        let read = parser.parse(words);
        let read = read.or_else(|fault| second_look::read(&parser, words, spec, fault));
        match read {
            Ok(values) => Reading::Parsed(Arc::clone(spec), values),
            Err(mut fault) => {
                self.hint_list(spec, &mut fault);
                Reading::Faulty(Arc::clone(spec), fault)
            }
        }
    }

    /// Where the short name of a list is wanted, somebody may have typed a code that takes words of one.
    fn hint_list(&self, spec: &Spec, fault: &mut Fault) {
        let wants = |field: &Arc<spec::Field>| matches!(field.kind, kind::Kind::ListName(_));
        if fault.kind != FaultKind::Word || !spec.fields.iter().any(wants) {
            return;
        }
        let code = self.by_word.get(&fault.word.to_ascii_uppercase());
        let fields = code.iter().flat_map(|spec| &spec.fields);
        let lists = fields.flat_map(|field| field.kind.lists());
        let near = lists.filter_map(|list| list.as_entry());
        fault.near = near.map(Arc::new).collect();
        if fault.near.is_empty() {
            let all: Vec<_> = self
                .lexicon
                .lists()
                .iter()
                .filter_map(|l| l.as_entry())
                .collect();
            fault.near = nearest::among(&fault.word, all.into_iter().map(Arc::new).collect());
        }
        fault.near.truncate(nearest::MOST);
    }

    /// The codes that a reader may send, in alphabetical order; those that are typed attached to
    /// a number are told with the number.
    pub fn permitted(&self, may: &dyn Fn(&str) -> bool) -> Vec<&str> {
        self.specs
            .values()
            .filter(|s| may(&s.permission) && s.attached.is_none())
            .map(|s| s.code.as_str())
            .collect()
    }

    fn allowed<'a>(&'a self, reader: &'a Reader<'_>) -> impl Iterator<Item = &'a Arc<Spec>> {
        self.specs.values().filter(|s| (reader.may)(&s.permission))
    }

    /// Whether a word starts a message: a code, an alias, a code that another one replaced, or a
    /// prefix with its number, in any letter case.
    pub fn knows(&self, word: &str) -> bool {
        let word = word.to_uppercase();
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        self.by_word.contains_key(&word)
            || self.replaced.contains_key(&word)
            || (letters.len() < word.len() && self.attached.contains_key(letters))
    }

    /// All codes in alphabetical order.
    pub fn specs(&self) -> impl Iterator<Item = &Arc<Spec>> {
        self.specs.values()
    }

    /// A code by its name or an alias, in any letter case.
    pub fn spec(&self, code: &str) -> Option<&Arc<Spec>> {
        self.by_word.get(&code.to_ascii_uppercase())
    }

    /// Old codes, each with the code that took its place, in alphabetical order.
    pub fn replaced(&self) -> Vec<(&str, &Arc<Spec>)> {
        let pairs = self.replaced.iter().map(|(old, by)| (old.as_str(), by));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable_by_key(|(old, _)| *old);
        pairs
    }

    /// How the people of a circle of receivers are found.
    pub fn circle(&self, name: &str) -> Option<&Whom> {
        self.alerting.circles.get(name)
    }

    /// Who is alerted and how alerts are passed on.
    pub(crate) fn alerting(&self) -> &Alerting {
        &self.alerting
    }

    /// The lists that it was loaded with.
    pub fn lexicon(&self) -> &Arc<Lexicon> {
        &self.lexicon
    }
}

#[cfg(test)]
mod tests;
