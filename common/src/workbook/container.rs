//! The limits on what people send, and the look into a zip before anybody believes its headers.
//!
//! All of them were measured against files of a few kilobytes that unfold to gigabytes; see
//! `docs/decisions/workbooks.md`.

use serde::{Deserialize, Serialize};
use std::io::{self, Cursor, Read};
use zip::ZipArchive;

/// Largest file. Fifty thousand rows of twelve columns have four megabytes.
pub const CONTAINER: usize = 10 << 20;
/// Largest part of a container once it is inflated: a sheet of fifty thousand full rows.
pub const PART: u64 = 64 << 20;
/// Largest sum of all parts.
pub const INFLATED: u64 = 128 << 20;
/// Most parts of a container.
pub const PARTS: usize = 200;
/// Most rows of a sheet, counted from the top to the last cell that holds something.
pub const ROWS: u32 = 50_000;
/// Most columns.
pub const COLUMNS: u32 = 200;
/// Most bytes of one cell's text.
pub const CELL: usize = 4096;
/// Most cells that hold something, of all sheets: what the daemon itself must keep in memory.
pub const CELLS: usize = 500_000;

/// Why a workbook is not read. Each has its own words in `common/mails/workbook_refused/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The file has more than `CONTAINER` bytes.
    FileTooLarge,
    /// More than `PARTS` parts.
    TooManyParts,
    /// A part that unfolds to more than `PART` bytes.
    PartTooLarge,
    /// All parts together unfold to more than `INFLATED` bytes.
    UnfoldsTooLarge,
    /// Something stands below row `ROWS`.
    TooManyRows,
    /// Something stands to the right of column `COLUMNS`.
    TooManyColumns,
    /// A cell with more than `CELL` bytes.
    CellTooLong,
    /// More than `CELLS` cells.
    TooManyCells,
    /// It wants a password.
    Protected,
    /// No workbook at all, or one of a kind that we do not read.
    NotAWorkbook,
    /// It says that it is a workbook and cannot be read as one.
    Damaged,
    /// Reading it took more memory or time than it may.
    TooBigOrDamaged,
}

impl Refusal {
    /// Its name where it is stored, counted and put into words.
    pub fn key(self) -> &'static str {
        match self {
            Self::FileTooLarge => "file_too_large",
            Self::TooManyParts => "too_many_parts",
            Self::PartTooLarge => "part_too_large",
            Self::UnfoldsTooLarge => "unfolds_too_large",
            Self::TooManyRows => "too_many_rows",
            Self::TooManyColumns => "too_many_columns",
            Self::CellTooLong => "cell_too_long",
            Self::TooManyCells => "too_many_cells",
            Self::Protected => "protected",
            Self::NotAWorkbook => "not_a_workbook",
            Self::Damaged => "damaged",
            Self::TooBigOrDamaged => "too_big_or_damaged",
        }
    }

    /// The limit that was passed, as people read it; empty when there is none.
    pub fn limit(self) -> String {
        match self {
            Self::FileTooLarge => format!("{} MB", CONTAINER >> 20),
            Self::TooManyParts => PARTS.to_string(),
            Self::PartTooLarge => format!("{} MB", PART >> 20),
            Self::UnfoldsTooLarge => format!("{} MB", INFLATED >> 20),
            Self::TooManyRows => ROWS.to_string(),
            Self::TooManyColumns => COLUMNS.to_string(),
            Self::CellTooLong => CELL.to_string(),
            Self::TooManyCells => CELLS.to_string(),
            _ => String::new(),
        }
    }
}

/// Unfolds every part into a counter and keeps nothing, so that no header is believed.
pub(super) fn inspect(bytes: &[u8]) -> Result<(), Refusal> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Refusal::Damaged)?;
    if archive.len() > PARTS {
        return Err(Refusal::TooManyParts);
    }
    let mut total = 0;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|e| match e {
            zip::result::ZipError::UnsupportedArchive(_) => Refusal::Protected,
            _ => Refusal::Damaged,
        })?;
        let size = io::copy(&mut part.take(PART + 1), &mut io::sink());
        let size = size.map_err(|_| Refusal::Damaged)?;
        total += size;
        if size > PART {
            return Err(Refusal::PartTooLarge);
        }
        if total > INFLATED {
            return Err(Refusal::UnfoldsTooLarge);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbook::testing::zipped;

    #[test]
    fn parts_are_counted_as_they_unfold() {
        let zeros = vec![b' '; 1 << 20];
        let small = zipped(&[("a.xml", &zeros)]);
        assert!(small.len() < 4096 && inspect(&small).is_ok());
        let many: Vec<(String, &[u8])> = (0..201).map(|n| (format!("{n}"), &b"x"[..])).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|(n, b)| (n.as_str(), *b)).collect();
        assert_eq!(inspect(&zipped(&many)), Err(Refusal::TooManyParts));
        let large = vec![b' '; (PART + 1) as usize];
        assert_eq!(
            inspect(&zipped(&[("a", &large)])),
            Err(Refusal::PartTooLarge)
        );
        let half = &large[..(48 << 20)];
        let three = zipped(&[("a", half), ("b", half), ("c", half)]);
        assert_eq!(inspect(&three), Err(Refusal::UnfoldsTooLarge));
        assert_eq!(inspect(b"PK\x03\x04rubbish"), Err(Refusal::Damaged));
    }
}
