//! What was read of a workbook, and the lines in which the reading child tells it.

use super::Refusal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one cell holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Text, blanks at its ends cut.
    #[serde(rename = "s")]
    Text(String),
    /// A number.
    #[serde(rename = "n")]
    Number(f64),
    /// A day: year, month, day. The time of day is let go.
    #[serde(rename = "d")]
    Date(u16, u8, u8),
    /// True or false.
    #[serde(rename = "b")]
    Bool(bool),
    /// A formula that came to an error, such as `#DIV/0!`.
    #[serde(rename = "e")]
    Error(String),
}

/// What a workbook is stored as, by its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Excel since 2007.
    Xlsx,
    /// Excel before 2007.
    Xls,
    /// OpenDocument.
    Ods,
    /// Text with delimiters.
    Csv,
}

/// One sheet; rows and columns count from 0, empty cells are absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// Nobody sees it without asking for it.
    pub hidden: bool,
    /// The cells by row and column.
    pub cells: BTreeMap<(u32, u16), Value>,
}

/// A workbook that was read within all limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Book {
    /// As what it came.
    pub format: Format,
    /// Its sheets in order.
    pub sheets: Vec<Sheet>,
}

/// One line between the reading child and its parent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line {
    /// The first line.
    Format(Format),
    /// A sheet begins: name, and whether it is hidden.
    Sheet(String, bool),
    /// A cell of it.
    C(u32, u16, Value),
    /// It is not read after all.
    Refused(Refusal),
    /// All was told.
    End,
}

impl Book {
    /// A book from the child's lines; `None` when they end too early or make no sense.
    pub(super) fn from_lines(
        lines: impl Iterator<Item = Line>,
    ) -> Option<std::result::Result<Self, Refusal>> {
        let mut book: Option<Self> = None;
        for line in lines {
            match (line, &mut book) {
                (Line::Format(format), None) => {
                    let sheets = Vec::new();
                    book = Some(Self { format, sheets });
                }
                (Line::Refused(refusal), _) => return Some(Err(refusal)),
                (Line::End, Some(_)) => return book.map(Ok),
                (Line::Sheet(name, hidden), Some(book)) => book.sheets.push(Sheet {
                    name,
                    hidden,
                    cells: BTreeMap::new(),
                }),
                (Line::C(row, column, value), Some(book)) => {
                    let sheet = book.sheets.last_mut()?;
                    sheet.cells.insert((row, column), value);
                }
                _ => return None,
            }
        }
        None
    }
}

impl Value {
    /// As people read it in a sheet: whole numbers without a point, days as `dd/mm/yyyy`.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Error(text) => text.clone(),
            Self::Number(n) if n.fract() == 0.0 && n.abs() < 1e15 => format!("{n:.0}"),
            Self::Number(n) => n.to_string(),
            Self::Date(year, month, day) => format!("{day:02}/{month:02}/{year:04}"),
            Self::Bool(true) => "TRUE".into(),
            Self::Bool(false) => "FALSE".into(),
        }
    }
}

/// The name that people give a cell, counted from 0: `C7`.
pub fn cell_name(row: u32, column: u16) -> String {
    format!("{}{}", column_name(column), row + 1)
}

/// The letters of a column: `A`, `Z`, `AA`.
pub fn column_name(column: u16) -> String {
    let mut letters = Vec::new();
    let mut rest = u32::from(column) + 1;
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_named_as_people_name_them() {
        for (row, column, name) in [
            (0, 0, "A1"),
            (6, 25, "Z7"),
            (9, 26, "AA10"),
            (0, 701, "ZZ1"),
        ] {
            assert_eq!(cell_name(row, column), name);
        }
    }

    #[test]
    fn values_are_shown_as_a_sheet_shows_them() {
        assert_eq!(Value::Number(72_060_202.0).shown(), "72060202");
        assert_eq!(Value::Number(3.5).shown(), "3.5");
        assert_eq!(Value::Date(2026, 11, 2).shown(), "02/11/2026");
    }

    #[test]
    fn lines_that_end_early_are_no_book() {
        let lines = [
            Line::Format(Format::Csv),
            Line::Sheet("CSV".into(), false),
            Line::C(0, 0, Value::Text("a".into())),
        ];
        assert!(Book::from_lines(lines.clone().into_iter()).is_none());
        let whole = Book::from_lines(lines.into_iter().chain([Line::End]));
        assert_eq!(whole.unwrap().unwrap().sheets[0].cells.len(), 1);
    }
}
