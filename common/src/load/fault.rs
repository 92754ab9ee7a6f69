//! What is wrong with a file that was to be loaded: where, what, and how to put it right.

use serde::Serialize;

/// One thing wrong in one cell. A file is refused with all of them, never only with the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("line {line}, {column}: {problem}")]
pub struct LoadFault {
    /// Line of the file, counted from 1 as an editor does.
    pub line: u64,
    /// Name of the column, or "file" and "row" where no column is at fault.
    pub column: String,
    /// What stands there, shortened.
    pub value: String,
    /// What is wrong with it, and the remedy.
    #[serde(serialize_with = "as_text")]
    pub problem: Problem,
}

/// What can be wrong. Each text says what was found and then, after the semicolon, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the message of each variant is its documentation"
)]
pub enum Problem {
    #[error("the file is empty; its first line must name the columns: {0}")]
    Empty(String),
    #[error("the file cannot be read ({0}); check that it is a whole CSV file, plain or gzipped")]
    Unreadable(String),
    #[error("the file is larger than {0} MB; split it")]
    TooLarge(u64),
    #[error("the file is UTF-16 or a workbook; save it as \"CSV UTF-8\"")]
    NotCsv,
    #[error("bytes that are not UTF-8; save the file as \"CSV UTF-8\"")]
    NotUtf8,
    #[error("a NUL character; remove it, or save the file again as \"CSV UTF-8\"")]
    Nul,
    #[error("a line break inside a cell; a quotation mark is probably not closed on this line")]
    LineBreak,
    #[error("{found} cells where the header has {expected}; quote a cell that holds the delimiter")]
    Cells { found: usize, expected: usize },
    #[error("unknown column \"{name}\"{hint}; the columns are {known}")]
    UnknownColumn {
        name: String,
        hint: String,
        known: String,
    },
    #[error("this column stands there twice; remove one of them")]
    ColumnTwice,
    #[error(
        "this column is missing; add it to the first line, even if some of its cells are empty"
    )]
    ColumnMissing,
    #[error("the cell is empty; fill it in")]
    Missing,
    #[error("\"{value}\" is not {wanted}{hint}")]
    Unfit {
        value: String,
        wanted: &'static str,
        hint: String,
    },
    #[error(
        "\"{value}\" is not {wanted} that this installation knows{hint}; load it first or correct it"
    )]
    Unknown {
        value: String,
        wanted: &'static str,
        hint: String,
    },
    #[error("\"{value}\" stands already in line {line}; keep one of the two")]
    Twice { value: String, line: u64 },
    #[error("the parent \"{value}\" is not above it; its level must be a smaller number")]
    ParentBelow { value: String },
    #[error("level {0} needs a parent; only level 1 has none")]
    ParentMissing(i16),
    #[error("lat without lon, or lon without lat; give both or neither")]
    HalfPoint,
    #[error("\"{value}\" is itself the same as another place; name that one")]
    SameAsSame { value: String },
    #[error(
        "\"{value}\" is a number that a spreadsheet rounded; format the column as text and type it again"
    )]
    Rounded { value: String },
    #[error("this person has no address; give a phone, an e-mail or another contact")]
    NoContact,
    #[error(
        "\"{value}\" belongs to another person than the other addresses of this row; correct one of them"
    )]
    TwoPeople { value: String },
}

impl LoadFault {
    /// A fault in one cell; the value is cut so that one broken cell cannot fill a screen.
    pub(crate) fn new(line: u64, column: &str, value: &str, problem: Problem) -> Self {
        let value = value.chars().take(60).collect();
        Self {
            line,
            column: column.into(),
            value,
            problem,
        }
    }
}

/// ` (did you mean "x"?)` when something known is near, else nothing.
pub(crate) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = known
        .into_iter()
        .map(|k| (strsim::jaro_winkler(word, k), k));
    let best = near.max_by(|a, b| a.0.total_cmp(&b.0));
    // Below this, what comes out has little to do with what was typed (names of columns, codes).
    best.filter(|b| b.0 >= 0.8)
        .map_or(String::new(), |b| format!(" (did you mean \"{}\"?)", b.1))
}

/// `there are A, B, C`: what there is, for a word that is none of it.
pub(crate) fn there_are(known: &[String]) -> String {
    match known {
        [] => "there are none yet".into(),
        known => format!("there are {}", known.join(", ")),
    }
}

fn as_text<S: serde::Serializer>(problem: &Problem, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(problem)
}
