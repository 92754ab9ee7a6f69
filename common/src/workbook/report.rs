//! The report for a client: what a laboratory sent in, in words instead of codes, ready to print.

use super::form::Form;
use super::template::{fault, sheet_name};
use crate::Result;
use crate::code::Values;
use crate::language::Language;
use rust_xlsxwriter::{Format, FormatBorder, Workbook, XlsxError};

/// A page with these lines on top and a table of what was stored below.
pub fn report(
    form: &Form,
    lines: &[String],
    rows: &[Values],
    language: Language,
) -> Result<Vec<u8>> {
    write(form, lines, rows, language).map_err(fault)
}

fn write(
    form: &Form,
    lines: &[String],
    rows: &[Values],
    language: Language,
) -> std::result::Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let title = form.title(language);
    let sheet = book.add_worksheet().set_name(sheet_name(&title))?;
    let head = Format::new().set_bold().set_border(FormatBorder::Thin);
    let head = head.set_text_wrap();
    let cell = Format::new().set_border(FormatBorder::Thin).set_text_wrap();
    sheet.write_string_with_format(0, 0, &title, &Format::new().set_bold().set_font_size(14))?;
    let mut row = 1;
    for line in lines {
        sheet.write_string(row, 0, line)?;
        row += 1;
    }
    row += 1;
    sheet.set_repeat_rows(row, row)?;
    for (at, column) in (0_u16..).zip(&form.columns) {
        sheet.set_column_width(at, 14)?;
        sheet.write_string_with_format(row, at, column.label.get(language), &head)?;
    }
    for values in rows {
        row += 1;
        for (at, column) in (0_u16..).zip(&form.columns) {
            let shown = values.get(&column.name).map(|v| v.shown(language));
            sheet.write_string_with_format(row, at, shown.unwrap_or_default(), &cell)?;
        }
    }
    sheet
        .set_landscape()
        .set_paper_size(9)
        .set_print_fit_to_pages(1, 0);
    book.save_to_buffer()
}
