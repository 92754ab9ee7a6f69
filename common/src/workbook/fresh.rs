//! A new workbook with the cells of one that cannot be changed in its place: xls, ods and csv are
//! given back as xlsx, and so is a workbook of which only the bad rows come back.

use super::form::Mark;
use super::grid::Fault;
use super::template::{fault, put_mark, sheet_name};
use super::{Sheet, Value};
use crate::Result;
use rust_xlsxwriter::{Color, ExcelDateTime, Format, Note, Workbook, Worksheet, XlsxError};
use std::collections::{BTreeMap, BTreeSet};

/// What is given back.
pub struct Fresh<'a> {
    /// The sheet with the rows.
    pub sheet: &'a Sheet,
    /// What is wrong with it.
    pub faults: &'a [Fault],
    /// The mark of the template that it was made from.
    pub mark: Option<&'a Mark>,
    /// Only these rows, moved together; all when absent.
    pub rows: Option<&'a BTreeSet<u32>>,
    /// Whose name the comments bear.
    pub author: &'a str,
}

/// The workbook, with its bad cells coloured and commented.
pub fn fresh(of: &Fresh<'_>) -> Result<Vec<u8>> {
    write(of).map_err(fault)
}

fn write(of: &Fresh<'_>) -> std::result::Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let name = sheet_name(&of.sheet.name);
    let sheet = book.add_worksheet().set_name(&name)?;
    let kept: Option<BTreeMap<u32, u32>> =
        of.rows.map(|rows| rows.iter().copied().zip(0..).collect());
    let place = |row: u32| match &kept {
        None => Some(row),
        Some(kept) => kept.get(&row).copied(),
    };
    let mut bad: BTreeMap<(u32, u16), String> = BTreeMap::new();
    for fault in of.faults {
        let text = bad.entry((fault.row, fault.column)).or_default();
        let line = if text.is_empty() { "" } else { "\n" };
        text.push_str(line);
        text.push_str(&fault.text);
    }
    for ((row, column), value) in &of.sheet.cells {
        let look = look(bad.contains_key(&(*row, *column)), value);
        if let Some(row) = place(*row) {
            put(sheet, (row, *column), value, &look)?;
        }
    }
    for ((row, column), text) in &bad {
        let Some(at) = place(*row) else { continue };
        if !of.sheet.cells.contains_key(&(*row, *column)) {
            let look = look(true, &Value::Bool(false));
            sheet.write_blank(at, *column, &look)?;
        }
        let note = Note::new(text)
            .set_author(of.author)
            .add_author_prefix(false);
        sheet.insert_note(at, *column, &note)?;
    }
    if let Some(mark) = of.mark {
        let mark = Mark {
            sheet: name,
            ..mark.clone()
        };
        put_mark(&mut book, &mark)?;
    }
    book.save_to_buffer()
}

/// The colour of a bad cell, the same that a changed xlsx has.
fn look(bad: bool, value: &Value) -> Format {
    let format = match value {
        Value::Date(..) => Format::new().set_num_format("dd/mm/yyyy"),
        Value::Text(_) | Value::Error(_) => Format::new().set_num_format("@"),
        _ => Format::new(),
    };
    match bad {
        true => format.set_background_color(Color::RGB(0x00FF_B3A7)),
        false => format,
    }
}

fn put(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    value: &Value,
    look: &Format,
) -> std::result::Result<(), XlsxError> {
    match value {
        Value::Text(text) | Value::Error(text) => {
            sheet.write_string_with_format(row, column, text, look)?;
        }
        Value::Number(n) => {
            sheet.write_number_with_format(row, column, *n, look)?;
        }
        Value::Bool(b) => {
            sheet.write_boolean_with_format(row, column, *b, look)?;
        }
        Value::Date(year, month, day) => match ExcelDateTime::from_ymd(*year, *month, *day) {
            Ok(date) => drop(sheet.write_datetime_with_format(row, column, &date, look)?),
            // A day that Excel does not know stays readable.
            Err(_) => drop(sheet.write_string_with_format(row, column, value.shown(), look)?),
        },
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbook::testing::book;

    fn sheet() -> Sheet {
        let cells = [
            ((0, 0), Value::Text("kasus".into())),
            ((1, 0), Value::Number(7.0)),
            ((1, 1), Value::Date(2026, 11, 20)),
            ((2, 0), Value::Text("007".into())),
            ((2, 1), Value::Bool(true)),
        ];
        Sheet {
            name: "CSV".into(),
            hidden: false,
            cells: cells.into(),
        }
    }

    #[test]
    fn cells_stay_what_they_were() {
        let (sheet, faults) = (sheet(), [Fault::new((2, 3), "", "isi".into())]);
        let of = Fresh {
            sheet: &sheet,
            faults: &faults,
            mark: None,
            rows: None,
            author: "K",
        };
        let read = book(&fresh(&of).unwrap()).unwrap();
        assert_eq!(read.sheets, std::slice::from_ref(&sheet));
    }

    #[test]
    fn only_bad_rows_come_back_under_their_headings() {
        let sheet = sheet();
        let faults = [Fault::new((2, 0), "007", "salah".into())];
        let mark = Mark {
            kind: "rows".into(),
            code: Some("U".into()),
            version: "1".into(),
            sheet: "x".into(),
        };
        let rows = [0, 2].into();
        let of = Fresh {
            sheet: &sheet,
            faults: &faults,
            mark: Some(&mark),
            rows: Some(&rows),
            author: "K",
        };
        let read = book(&fresh(&of).unwrap()).unwrap();
        let cells = &read.sheets[0].cells;
        assert_eq!(
            (cells.len(), &cells[&(1, 0)]),
            (3, &Value::Text("007".into()))
        );
        assert_eq!(
            Mark::of(&read).unwrap(),
            Mark {
                sheet: "CSV".into(),
                ..mark
            }
        );
    }
}
