//! Reads a workbook of any of the four kinds, cell by cell. Runs in the child only: see
//! [`super::child`].

use super::book::{Format, Line, Value};
use super::container::{self, CELL, CELLS, COLUMNS, CONTAINER, ROWS, Refusal};
use super::csv;
use crate::mail::{FileKind, kind_of};
use calamine::{
    Data, DataRef, ExcelDateTime, Ods, Reader, SheetType, SheetVisible, Xls, Xlsx, XlsxError,
};
use std::io::Cursor;

/// Where the lines go, with the count of what went.
pub(super) struct Emit<'a> {
    to: &'a mut dyn FnMut(Line),
    cells: usize,
}

impl Emit<'_> {
    pub fn line(&mut self, line: Line) -> Result<(), Refusal> {
        (self.to)(line);
        Ok(())
    }

    /// A cell that holds something; empty text is nothing.
    pub fn cell(&mut self, row: u32, column: u32, value: Value) -> Result<(), Refusal> {
        let value = match value {
            Value::Text(text) if text.len() > CELL => return Err(Refusal::CellTooLong),
            Value::Text(text) => Value::Text(text.trim().to_owned()),
            other => other,
        };
        if matches!(&value, Value::Text(text) if text.is_empty()) {
            return Ok(());
        }
        if row >= ROWS {
            return Err(Refusal::TooManyRows);
        }
        let column = u16::try_from(column)
            .ok()
            .filter(|c| u32::from(*c) < COLUMNS);
        let column = column.ok_or(Refusal::TooManyColumns)?;
        self.cells += 1;
        if self.cells > CELLS {
            return Err(Refusal::TooManyCells);
        }
        self.line(Line::C(row, column, value))
    }
}

/// Tells a workbook line by line; what it is, is found by its bytes. Bounded for xlsx and csv by
/// its own limits; for xls and ods, whose reader keeps whole sheets, by the limits of the process.
pub(super) fn lines(bytes: &[u8], to: &mut dyn FnMut(Line)) -> Result<(), Refusal> {
    if bytes.len() > CONTAINER {
        return Err(Refusal::FileTooLarge);
    }
    let mut emit = Emit { to, cells: 0 };
    let emit = &mut emit;
    match kind_of(bytes) {
        FileKind::Xlsx => {
            container::inspect(bytes)?;
            emit.line(Line::Format(Format::Xlsx))?;
            xlsx(bytes, emit)?;
        }
        FileKind::Ods => {
            container::inspect(bytes)?;
            emit.line(Line::Format(Format::Ods))?;
            let book = Ods::new(Cursor::new(bytes)).map_err(|_| Refusal::Damaged)?;
            ranges(book, emit)?;
        }
        FileKind::OldOffice if wants_password(bytes) => return Err(Refusal::Protected),
        FileKind::OldOffice => {
            emit.line(Line::Format(Format::Xls))?;
            ranges(xls(bytes)?, emit)?;
        }
        FileKind::Text => {
            emit.line(Line::Format(Format::Csv))?;
            csv::read(bytes, emit)?;
        }
        _ => return Err(Refusal::NotAWorkbook),
    }
    emit.line(Line::End)
}

/// A workbook read in this very process: for files of our own and for tests. What strangers sent
/// is read by [`super::child::read`].
pub fn read(bytes: &[u8]) -> Result<super::Book, Refusal> {
    let mut told = Vec::new();
    lines(bytes, &mut |line| told.push(line))?;
    super::Book::from_lines(told.into_iter()).unwrap_or(Err(Refusal::Damaged))
}

fn xls(bytes: &[u8]) -> Result<Xls<Cursor<&[u8]>>, Refusal> {
    Xls::new(Cursor::new(bytes)).map_err(|e| match e {
        calamine::XlsError::Password => Refusal::Protected,
        // Word and PowerPoint have the same container.
        calamine::XlsError::Cfb(_) => Refusal::NotAWorkbook,
        _ => Refusal::Damaged,
    })
}

/// An encrypted xlsx lies in an old container, under this name in UTF-16.
fn wants_password(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    bytes.windows(name.len()).any(|w| w == name)
}

fn xlsx(bytes: &[u8], emit: &mut Emit<'_>) -> Result<(), Refusal> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(xlsx_fault)?;
    let sheets = book.sheets_metadata().to_vec();
    for sheet in sheets.iter().filter(|s| s.typ == SheetType::WorkSheet) {
        let hidden = sheet.visible != SheetVisible::Visible;
        emit.line(Line::Sheet(sheet.name.clone(), hidden))?;
        let mut cells = book
            .worksheet_cells_reader(&sheet.name)
            .map_err(xlsx_fault)?;
        while let Some(cell) = cells.next_cell().map_err(xlsx_fault)? {
            let (row, column) = cell.get_position();
            if let Some(value) = value_ref(cell.get_value()) {
                emit.cell(row, column, value)?;
            }
        }
    }
    Ok(())
}

fn xlsx_fault(fault: XlsxError) -> Refusal {
    match fault {
        XlsxError::Password => Refusal::Protected,
        _ => Refusal::Damaged,
    }
}

fn ranges<'a>(mut book: impl Reader<Cursor<&'a [u8]>>, emit: &mut Emit<'_>) -> Result<(), Refusal> {
    let sheets = book.sheets_metadata().to_vec();
    for sheet in sheets.iter().filter(|s| s.typ == SheetType::WorkSheet) {
        let hidden = sheet.visible != SheetVisible::Visible;
        emit.line(Line::Sheet(sheet.name.clone(), hidden))?;
        let range = book
            .worksheet_range(&sheet.name)
            .map_err(|_| Refusal::Damaged)?;
        let (top, left) = range.start().unwrap_or_default();
        for (row, column, data) in range.used_cells() {
            let at =
                |from: u32, n: usize| from.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
            if let Some(value) = value(data) {
                emit.cell(at(top, row), at(left, column), value)?;
            }
        }
    }
    Ok(())
}

fn value(data: &Data) -> Option<Value> {
    Some(match data {
        Data::Empty => return None,
        Data::Int(n) => Value::Number(*n as f64),
        Data::Float(n) => number(*n),
        Data::String(text) => Value::Text(text.clone()),
        Data::Bool(b) => Value::Bool(*b),
        Data::DateTime(at) => instant(at),
        Data::DateTimeIso(text) => iso(text),
        Data::DurationIso(text) => Value::Text(text.clone()),
        Data::Error(e) => Value::Error(e.to_string()),
    })
}

fn value_ref(data: &DataRef<'_>) -> Option<Value> {
    match data {
        DataRef::SharedString(text) if text.len() > CELL => Some(Value::Text("x".repeat(CELL + 1))),
        DataRef::SharedString(text) => Some(Value::Text((*text).to_owned())),
        other => value(&Data::from(other.clone())),
    }
}

fn number(n: f64) -> Value {
    match n.is_finite() {
        true => Value::Number(n),
        false => Value::Error("#NUM!".into()),
    }
}

/// Only what is formatted as a day is one: the number 12 is not 1900-01-12.
fn instant(at: &ExcelDateTime) -> Value {
    let (year, month, day, hour, minute, _, _) = at.to_ymd_hms_milli();
    if at.is_datetime() && at.as_f64() >= 1.0 {
        Value::Date(year, month, day)
    } else {
        Value::Text(format!("{hour:02}:{minute:02}"))
    }
}

/// `2026-11-20T08:15:00` as OpenDocument writes it.
fn iso(text: &str) -> Value {
    let day = text.split('T').next().unwrap_or_default();
    match day.parse::<jiff::civil::Date>() {
        Ok(date) if date.year() > 0 => Value::Date(
            date.year().unsigned_abs(),
            date.month().unsigned_abs(),
            date.day().unsigned_abs(),
        ),
        _ => Value::Text(text.to_owned()),
    }
}
