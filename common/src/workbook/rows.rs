//! Rows as messages of a code: each row becomes the text that somebody would have typed, so that
//! every rule of the code holds for it, and every fault finds its cell again.

use super::cell;
use super::form::{Column, Form};
use super::grid::{Fault, Grid, GridRow};
use super::words::say;
use crate::code::kind::Kind;
use crate::code::{Codes, Reader, Reading, Values};
use crate::language::Language;
use std::collections::HashMap;

/// One message that a row, or a row with those that go on with it, says.
#[derive(Debug)]
pub struct Message {
    /// Rows of the sheet, counted from 0.
    pub rows: Vec<u32>,
    /// What would have been typed.
    pub text: String,
    /// For each word behind the start code the cell that it came from.
    words: Vec<(u32, u16)>,
    /// Fields that were filled in, with their cells and what stands there.
    filled: Vec<(String, (u32, u16), String)>,
}

/// All messages of a grid, and every cell that cannot be right. What has a fault is no message.
pub fn messages(form: &Form, grid: &Grid<'_>, reader: &Reader<'_>) -> (Vec<Message>, Vec<Fault>) {
    let mut found = Vec::new();
    let mut faults = Vec::new();
    let mut begun: Vec<&GridRow<'_>> = Vec::new();
    let mut finish = |rows: &mut Vec<&GridRow<'_>>| {
        if !rows.is_empty() {
            match message(form, grid, rows, reader.language) {
                Ok(message) => found.push(message),
                Err(wrong) => faults.extend(wrong),
            }
            rows.clear();
        }
    };
    for row in &grid.rows {
        if !(form.continues() && !begun.is_empty() && goes_on(form, row)) {
            finish(&mut begun);
        }
        begun.push(row);
    }
    finish(&mut begun);
    let twice = twice(&found, reader.language);
    found.retain(|m| !twice.iter().any(|f| f.row == m.rows[0]));
    faults.extend(twice);
    (found, faults)
}

/// A row that fills in columns of the group and no other.
fn goes_on(form: &Form, row: &GridRow<'_>) -> bool {
    let mut cells = form.columns.iter().zip(&row.cells);
    cells.all(|(column, cell)| column.grouped || cell.is_none())
        && row.cells.iter().any(Option::is_some)
}

fn message(
    form: &Form,
    grid: &Grid<'_>,
    rows: &[&GridRow<'_>],
    language: Language,
) -> Result<Message, Vec<Fault>> {
    let code = form.code();
    let mut message = Message {
        rows: rows.iter().map(|r| r.number).collect(),
        text: code.to_owned(),
        words: Vec::new(),
        filled: Vec::new(),
    };
    let mut faults = Vec::new();
    let mut at = 0;
    while at < form.columns.len() {
        // The columns of the group stand together, and are said row by row.
        let grouped = form.columns[at].grouped;
        let next = form.columns[at..].iter().position(|c| c.grouped != grouped);
        let end = next.map_or(form.columns.len(), |n| at + n);
        let until = if grouped { rows.len() } else { 1 };
        for row in &rows[..until] {
            for column in at..end {
                add(
                    &mut message,
                    &mut faults,
                    (&form.columns[column], language),
                    (row, grid.places[column], row.cells[column]),
                );
            }
        }
        at = end;
    }
    if faults.is_empty() {
        Ok(message)
    } else {
        Err(faults)
    }
}

type Place<'a> = (&'a GridRow<'a>, Option<u16>, Option<&'a super::Value>);

fn add(
    message: &mut Message,
    faults: &mut Vec<Fault>,
    (column, language): (&Column, Language),
    (row, place, value): Place<'_>,
) {
    let Some(place) = place else { return };
    let at = (row.number, place);
    let Some(value) = value else {
        if column.mandatory {
            let label = column.label.get(language);
            let help = column.help.as_ref().map_or("", |h| h.get(language));
            let text = say(
                "missing",
                language,
                &[("column", label.into()), ("help", help.into())],
            );
            faults.push(Fault::new(at, "", text));
        }
        return;
    };
    let shown = value.shown();
    match cell::word(column, value, language) {
        Ok(word) => {
            message.words.extend(word.split_whitespace().map(|_| at));
            message.text.push(' ');
            message.text.push_str(&word);
            message.filled.push((column.name.clone(), at, shown));
        }
        Err(text) => faults.push(Fault::new(at, &shown, text)),
    }
}

/// Rows that say the same as one above them: most likely copied by mistake, and the second would
/// be answered as a repetition and not be stored.
fn twice(messages: &[Message], language: Language) -> Vec<Fault> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut faults = Vec::new();
    for message in messages {
        let row = message.rows[0];
        if let Some(first) = seen.get(&message.text.to_uppercase()) {
            let text = say("same_row", language, &[("row", (first + 1).into())]);
            faults.push(message.fault(text));
        } else {
            seen.insert(message.text.to_uppercase(), row);
        }
    }
    faults
}

impl Message {
    /// A fault of the whole message, at its first cell.
    pub fn fault(&self, text: String) -> Fault {
        let first = self.filled.first();
        let at = first.map_or((self.rows[0], 0), |f| f.1);
        Fault::new(at, first.map_or("", |f| f.2.as_str()), text)
    }

    /// What the message says, or the cell that keeps it from being understood.
    pub fn understood(
        &self,
        form: &Form,
        codes: &Codes,
        reader: &Reader<'_>,
    ) -> Result<Values, Fault> {
        let language = reader.language;
        match codes.read(&self.text, reader) {
            Reading::Parsed(_, values) => match self.misread(&values) {
                None => Ok(values),
                Some((field, at, shown)) => {
                    let column = form.columns.iter().find(|c| c.name == *field);
                    let label = column.map_or("", |c| c.label.get(language));
                    let values = [("value", shown.as_str().into()), ("column", label.into())];
                    Err(Fault::new(*at, shown, say("misread", language, &values)))
                }
            },
            Reading::Faulty(_, fault) => {
                let cell = fault.number.checked_sub(2).and_then(|n| self.words.get(n));
                let text = codes.fault(&fault, reader);
                Err(match cell {
                    Some(at) => Fault::new(*at, &fault.word, text),
                    None => self.fault(text),
                })
            }
            other => {
                let answer = codes.answer(&other, reader).unwrap_or_default();
                Err(self.fault(answer))
            }
        }
    }

    /// A cell whose words were taken for another field: optional fields that were left out make
    /// that possible, and nobody would notice.
    fn misread(&self, values: &Values) -> Option<&(String, (u32, u16), String)> {
        let mut read: Vec<&str> = Vec::new();
        for (name, value) in values.iter() {
            match value {
                crate::code::Value::Group(turns) => {
                    read.extend(turns.iter().flat_map(|t| t.iter().map(|(name, _)| name)));
                }
                _ => read.push(name),
            }
        }
        let count = |name: &str| {
            let filled = self.filled.iter().filter(|f| f.0 == name).count();
            (filled, read.iter().filter(|n| **n == name).count())
        };
        self.filled.iter().find(|f| {
            let (filled, read) = count(&f.0);
            filled != read
        })
    }

    /// What the engine refused, at the cell that its reason is about.
    pub fn refused(&self, form: &Form, outcome: &str, answer: &str) -> Fault {
        let about = |kind: &Kind| match outcome {
            "unknown_place" => matches!(kind, Kind::Place),
            "unknown_case" | "closed_case" => matches!(kind, Kind::Case),
            other if other.contains("owner") => matches!(kind, Kind::Owner),
            other if other.contains("animal") => matches!(kind, Kind::Animal),
            _ => false,
        };
        let columns = form.columns.iter().filter(|c| about(&c.kind));
        let cell = columns
            .filter_map(|c| self.filled.iter().find(|f| f.0 == c.name))
            .next();
        match cell {
            Some((_, at, shown)) => Fault::new(*at, shown, answer.to_owned()),
            None => self.fault(answer.to_owned()),
        }
    }
}
