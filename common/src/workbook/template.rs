//! Templates: a sheet with the columns of a form, pick lists, formats that keep zeros, and the
//! mark by which it is known when it comes back.

use super::form::{Column, Form, LISTS_SHEET, MARK_SHEET, Mark};
use super::words::say;
use crate::code::kind::Kind;
use crate::code::{Codes, Reader, Reading, Value, Values};
use crate::language::Language;
use crate::{Failure, Result};
use rust_xlsxwriter::{
    Color, DataValidation, DataValidationErrorStyle, Format, Formula, Note, Workbook, Worksheet,
    XlsxError,
};

/// Whose name the notes of a template bear: not ours, which is for faults and goes when a workbook
/// is returned again.
const AUTHOR: &str = "Templat";
/// Excel takes no longer input message, title of one, or name of a sheet.
const MESSAGE: usize = 250;
const TITLE: usize = 32;
const SHEET: usize = 31;

/// An empty workbook of this form for this reader, without the columns that they may not fill in.
pub fn template(form: &Form, codes: &Codes, reader: &Reader<'_>) -> Result<Vec<u8>> {
    write(form, codes, reader).map_err(fault)
}

/// What its file is called: `templat-u.xlsx`.
pub fn file_name(form: &Form) -> String {
    let name = match form.code() {
        "" => form.kind.kind.clone(),
        _ if form.kind.kind != "rows" => form.kind.kind.clone(),
        code => code.to_lowercase(),
    };
    format!("templat-{name}.xlsx")
}

/// What keeps a workbook of ours from being written will do so every time.
pub(super) fn fault(fault: XlsxError) -> Failure {
    Failure::quarantine(format!("a workbook cannot be written: {fault}"))
}

fn write(
    form: &Form,
    codes: &Codes,
    reader: &Reader<'_>,
) -> std::result::Result<Vec<u8>, XlsxError> {
    let language = reader.language;
    let mut book = Workbook::new();
    let name = sheet_name(&form.title(language));
    let open = |c: &&Column| c.field.as_ref().is_none_or(|f| f.open_to(reader));
    let columns: Vec<&Column> = form.columns.iter().filter(open).collect();
    let example = example(form, codes, reader);
    let sheet = book.add_worksheet().set_name(&name)?;
    let lists = head(sheet, form, &columns, language)?;
    remark(sheet, &columns, &example, language)?;
    sheet.set_freeze_panes(1, 0)?;
    put_lists(&mut book, &lists)?;
    let code = form.spec.as_ref().map(|s| s.code.clone());
    let mark = Mark {
        kind: form.kind.kind.clone(),
        code,
        version: form.version.clone(),
        sheet: name,
    };
    put_mark(&mut book, &mark)?;
    book.save_to_buffer()
}

/// Headings with their notes, formats and pick lists; the entries of these lists.
fn head(
    sheet: &mut Worksheet,
    form: &Form,
    columns: &[&Column],
    language: Language,
) -> std::result::Result<Vec<Vec<String>>, XlsxError> {
    let bold = Format::new().set_bold().set_text_wrap();
    let bold = bold.set_background_color(Color::RGB(0x00DD_EBF7));
    let mut lists = Vec::new();
    for (at, column) in (0_u16..).zip(columns) {
        let label = column.label.get(language);
        let star = if column.mandatory { " *" } else { "" };
        sheet.set_column_format(at, &format(column))?;
        sheet.set_column_width(at, 16)?;
        sheet.write_string_with_format(0, at, format!("{label}{star}"), &bold)?;
        let said = note(form, column, language);
        if !said.is_empty() {
            let note = Note::new(&said).set_author(AUTHOR).add_author_prefix(false);
            sheet.insert_note(0, at, &note)?;
        }
        let entries = entries(column, language);
        let mut rule = DataValidation::new();
        rule = match entries.is_empty() {
            true => rule.allow_any_value(),
            false => {
                let list = u16::try_from(lists.len()).unwrap_or(u16::MAX);
                let letters = super::column_name(list);
                let last = entries.len();
                lists.push(entries);
                let range = format!("={LISTS_SHEET}!${letters}$1:${letters}${last}");
                let rule = rule.allow_list_formula(Formula::new(range));
                // Several values with commas between them are in no list, and codes may be typed.
                rule.set_error_style(DataValidationErrorStyle::Information)
                    .show_error_message(false)
            }
        };
        let rule = rule.set_input_title(cut(label, TITLE))?;
        let rule = rule.set_input_message(cut(&said, MESSAGE))?;
        sheet.add_data_validation(1, at, form.kind.most_rows, at, &rule)?;
    }
    Ok(lists)
}

/// Codes and numbers with leading zeros stay what was typed; days are days.
fn format(column: &Column) -> Format {
    match column.kind {
        Kind::Number | Kind::Decimal => Format::new(),
        Kind::Date => Format::new().set_num_format("dd/mm/yyyy"),
        _ => Format::new().set_num_format("@"),
    }
}

fn note(form: &Form, column: &Column, language: Language) -> String {
    let mut said: Vec<String> = Vec::new();
    said.extend(column.help.as_ref().map(|h| h.get(language).to_owned()));
    let list = column.kind.lists().first();
    said.extend(list.map(|l| l.name.get(language).to_owned()));
    if column.many {
        said.push("A,B,C".into());
    }
    if matches!(column.kind, Kind::Date) {
        said.push("20/11/2026".into());
    }
    if column.grouped && form.continues() {
        said.push(say("continues", language, &[]));
    }
    if said.is_empty() {
        said.push(about(form, language));
    }
    said.join("\n")
}

fn about(form: &Form, language: Language) -> String {
    let name = form.spec.as_ref().map_or("", |s| s.name.get(language));
    let about = form.kind.about.get(language);
    about.replace("{code}", form.code()).replace("{name}", name)
}

/// The pick list of a column: `SP (sapi)`.
fn entries(column: &Column, language: Language) -> Vec<String> {
    if !column.choices.is_empty() {
        return column.choices.clone();
    }
    let all = column.kind.lists().iter().flat_map(|l| l.entries());
    all.map(|e| format!("{} ({})", e.code, e.name.get(language)))
        .collect()
}

/// A row that shows how it is meant; it begins with `#` and is not read.
fn remark(
    sheet: &mut Worksheet,
    columns: &[&Column],
    example: &[(String, String)],
    language: Language,
) -> std::result::Result<(), XlsxError> {
    let grey = Format::new()
        .set_italic()
        .set_font_color(Color::RGB(0x0080_8080));
    for (at, column) in (0_u16..).zip(columns) {
        let own = Some(column.example.clone()).filter(|e| !e.is_empty());
        let of_code = || {
            example
                .iter()
                .find(|e| e.0 == column.name)
                .map(|e| e.1.clone())
        };
        let value = own.or_else(of_code).unwrap_or_default();
        let value = column
            .kind
            .lists()
            .iter()
            .find_map(|l| l.find(&value))
            .map_or(value, |e| format!("{} ({})", e.code, e.name.get(language)));
        let hash = if at == 0 { "# " } else { "" };
        let text = format!("{hash}{value}");
        if !text.is_empty() {
            sheet.write_string_with_format(1, at, text, &grey)?;
        }
    }
    Ok(())
}

/// The fields of the first example of the code file that is understood.
fn example(form: &Form, codes: &Codes, reader: &Reader<'_>) -> Vec<(String, String)> {
    let Some(spec) = &form.spec else {
        return Vec::new();
    };
    let good = spec.examples.iter().filter(|e| e.error.is_none());
    let mut read = good.filter_map(|e| match codes.read(&e.text, reader) {
        Reading::Parsed(_, values) => Some(said(&values)),
        _ => None,
    });
    read.next().unwrap_or_default()
}

fn said(values: &Values) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, value) in values.iter() {
        match value {
            Value::Group(turns) => all.extend(turns.first().map(said).unwrap_or_default()),
            value => all.push((name.to_owned(), word(value))),
        }
    }
    all
}

fn word(value: &Value) -> String {
    match value {
        Value::Code(entry) => entry.code.clone(),
        Value::Many(values) => values.iter().map(word).collect::<Vec<_>>().join(","),
        other => other.shown(Language::Id),
    }
}

fn put_lists(book: &mut Workbook, lists: &[Vec<String>]) -> std::result::Result<(), XlsxError> {
    if lists.is_empty() {
        return Ok(());
    }
    let sheet = book.add_worksheet().set_name(LISTS_SHEET)?;
    for (column, entries) in (0_u16..).zip(lists) {
        for (row, entry) in (0_u32..).zip(entries) {
            sheet.write_string(row, column, entry)?;
        }
    }
    sheet.set_hidden(true);
    Ok(())
}

/// The sheet that nobody sees.
pub(super) fn put_mark(book: &mut Workbook, mark: &Mark) -> std::result::Result<(), XlsxError> {
    let sheet = book.add_worksheet().set_name(MARK_SHEET)?;
    let code = mark.code.as_deref().unwrap_or_default();
    let lines = [
        ("kind", mark.kind.as_str()),
        ("code", code),
        ("version", &mark.version),
        ("sheet", &mark.sheet),
    ];
    for (row, (name, value)) in (0_u32..).zip(lines) {
        sheet.write_string(row, 0, name)?;
        sheet.write_string(row, 1, value)?;
    }
    sheet.set_very_hidden(true);
    Ok(())
}

/// A name that Excel takes for a sheet.
pub(super) fn sheet_name(name: &str) -> String {
    let fits = |c: &char| !"[]:*?/\\'".contains(*c);
    let name: String = name.chars().filter(fits).take(SHEET).collect();
    let name = name.trim();
    if name.is_empty() {
        "Data".into()
    } else {
        name.to_owned()
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::lexicon::sample;
    use crate::code::shipped;
    use crate::workbook::form::has_rows;
    use crate::workbook::grid::grid;
    use crate::workbook::kind;
    use crate::workbook::rows::messages;
    use crate::workbook::testing::book;

    fn codes() -> Codes {
        let files = shipped::files();
        Codes::load(&files.codes, &files.texts, sample::lexicon()).expect("the shipped codes")
    }

    fn reader(language: Language) -> Reader<'static> {
        let may = &|_: &str| true;
        Reader {
            language,
            kind: "VET",
            may,
        }
    }

    /// Every code with rows has a template that is known again, in both languages, and whose example
    /// is not taken for data.
    #[test]
    fn every_template_is_known_again_and_reads_as_an_empty_one() {
        let codes = codes();
        let rows = kind::named("rows").unwrap();
        for language in Language::ALL {
            let reader = reader(language);
            for spec in codes
                .specs()
                .filter(|s| has_rows(s) && !s.fields.is_empty())
            {
                let form = Form::new(rows, Some(&spec.code), &codes, &reader)
                    .ok()
                    .unwrap();
                let bytes = template(&form, &codes, &reader).unwrap();
                let book = book(&bytes).unwrap();
                let mark = Mark::of(&book).unwrap();
                assert_eq!(mark.code.as_deref(), Some(spec.code.as_str()));
                assert_eq!(mark.version, form.version);
                let sheet = Mark::data(Some(&mark), &book).unwrap();
                let grid = grid(&form, sheet, language).unwrap();
                assert_eq!(
                    (grid.rows.len(), &grid.faults[..]),
                    (0, &[][..]),
                    "{}",
                    spec.code
                );
                assert_eq!(messages(&form, &grid, &reader).0.len(), 0);
            }
        }
    }

    #[test]
    fn long_lists_stand_on_a_hidden_sheet() {
        let (codes, reader) = (codes(), reader(Language::Id));
        let form = Form::new(kind::named("rows").unwrap(), Some("u"), &codes, &reader);
        let book = book(&template(&form.ok().unwrap(), &codes, &reader).unwrap()).unwrap();
        let lists = book.sheets.iter().find(|s| s.name == LISTS_SHEET).unwrap();
        assert!(lists.hidden && lists.cells.len() > 10);
        assert!(book.sheets[0].cells[&(0, 0)].shown().ends_with(" *"));
        assert!(book.sheets[0].cells[&(1, 0)].shown().starts_with("# "));
    }
}
