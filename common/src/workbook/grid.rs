//! A sheet's cells under the columns of a form.

use super::form::{Column, Form};
use super::words::say;
use super::{Sheet, Value, cell_name};
use crate::language::Language;
use std::collections::BTreeMap;

/// Something wrong in a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its row, counted from 0.
    pub row: u32,
    /// Its column, counted from 0.
    pub column: u16,
    /// What stands there, shortened; empty when something is missing.
    pub value: String,
    /// What is wrong and what to do, in the sender's language.
    pub text: String,
}

impl Fault {
    /// Makes one.
    pub fn new((row, column): (u32, u16), value: &str, text: String) -> Self {
        Self {
            row,
            column,
            value: value.chars().take(60).collect(),
            text,
        }
    }

    /// The cell as people name it.
    pub fn cell(&self) -> String {
        cell_name(self.row, self.column)
    }
}

/// The rows of a sheet, sorted into the columns of a form.
pub struct Grid<'a> {
    /// Where the headings stand.
    pub head: u32,
    /// For each column of the form its place in the sheet.
    pub places: Vec<Option<u16>>,
    /// Rows with something in them, in order; none when a column that must be there is missing.
    pub rows: Vec<GridRow<'a>>,
    /// What is wrong with the headings.
    pub faults: Vec<Fault>,
}

/// One row.
pub struct GridRow<'a> {
    /// Its number, counted from 0.
    pub number: u32,
    /// For each column of the form its cell.
    pub cells: Vec<Option<&'a Value>>,
    /// The first cell that holds something.
    pub first: u16,
}

/// Rows above the headings that may hold a title.
const TITLE_ROWS: u32 = 10;

/// Sorts a sheet; `None` when none of its first rows reads like the headings of this form.
pub fn grid<'a>(form: &Form, sheet: &'a Sheet, language: Language) -> Option<Grid<'a>> {
    let mut rows: BTreeMap<u32, Vec<(u16, &Value)>> = BTreeMap::new();
    for ((row, column), value) in &sheet.cells {
        rows.entry(*row).or_default().push((*column, value));
    }
    let fits = |cells: &[(u16, &Value)]| {
        cells
            .iter()
            .filter(|(_, v)| column_of(form, v).is_some())
            .count()
    };
    let first = *rows.keys().next()?;
    let titles = rows.range(..first.saturating_add(TITLE_ROWS));
    // Of rows that fit as well the upper one: an example may repeat a heading.
    let (head, cells) = titles.rev().max_by_key(|(_, cells)| fits(cells))?;
    let (head, cells) = (*head, cells.clone());
    if fits(&cells) == 0 {
        return None;
    }
    let (places, faults) = headings(form, head, &cells, language);
    let below = rows
        .range(head + 1..)
        .filter(|(_, cells)| !is_remark(cells));
    let whole = |(column, place): (&Column, &Option<u16>)| !column.mandatory || place.is_some();
    let rows = match form.columns.iter().zip(&places).all(whole) {
        true => below
            .map(|(number, cells)| row(*number, cells, &places))
            .collect(),
        // Every row would have the fault that the headings have.
        false => Vec::new(),
    };
    Some(Grid {
        head,
        places,
        rows,
        faults,
    })
}

fn row<'a>(number: u32, cells: &[(u16, &'a Value)], places: &[Option<u16>]) -> GridRow<'a> {
    let cell = |place: &Option<u16>| {
        let mut found = cells.iter().filter(|(column, _)| Some(*column) == *place);
        found.next().map(|(_, value)| *value)
    };
    GridRow {
        number,
        cells: places.iter().map(cell).collect(),
        first: cells.first().map_or(0, |c| c.0),
    }
}

/// A row that begins with `#` is a remark: the template's example, or somebody's note.
fn is_remark(cells: &[(u16, &Value)]) -> bool {
    matches!(cells.first(), Some((_, Value::Text(text))) if text.starts_with('#'))
}

fn headings(
    form: &Form,
    head: u32,
    cells: &[(u16, &Value)],
    language: Language,
) -> (Vec<Option<u16>>, Vec<Fault>) {
    let mut places = vec![None; form.columns.len()];
    let mut faults = Vec::new();
    for (column, value) in cells {
        let shown = value.shown();
        let mut fault = |key, values: &[(&str, crate::code::Var)]| {
            faults.push(Fault::new(
                (head, *column),
                &shown,
                say(key, language, values),
            ));
        };
        match column_of(form, value) {
            Some(at) if places[at].is_none() => places[at] = Some(*column),
            Some(_) => fault("column_twice", &[("value", shown.as_str().into())]),
            None => {
                let near = nearest(form, &shown, language);
                let values = [("value", shown.as_str().into()), ("near", near.into())];
                fault("unknown_column", &values);
            }
        }
    }
    let behind = cells.last().map_or(0, |c| c.0 + 1);
    for (at, column) in form.columns.iter().enumerate() {
        if column.mandatory && places[at].is_none() {
            let label = column.label.get(language);
            let text = say("column_missing", language, &[("column", label.into())]);
            faults.push(Fault::new((head, behind), "", text));
        }
    }
    (places, faults)
}

/// Which column a heading means: its label in either language or its name, with or without the
/// star of what must be filled in.
fn column_of(form: &Form, heading: &Value) -> Option<usize> {
    let Value::Text(text) = heading else {
        return None;
    };
    let word = plain(text);
    let is = |c: &Column| {
        [&c.label.id, &c.label.en, &c.name]
            .iter()
            .any(|n| plain(n) == word)
    };
    form.columns.iter().position(is)
}

fn plain(text: &str) -> String {
    let text = text.trim().trim_end_matches('*').to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn nearest(form: &Form, heading: &str, language: Language) -> String {
    let word = plain(heading);
    let labels = form.columns.iter().map(|c| c.label.get(language));
    let scored = labels.map(|label| (strsim::jaro_winkler(&word, &plain(label)), label));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    // Below this, what comes out has little to do with what was typed.
    best.filter(|b| b.0 >= 0.8)
        .map_or_else(String::new, |b| b.1.to_owned())
}
