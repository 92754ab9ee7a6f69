//! The cells of a sheet in the colour of bad cells; those that lost it since the last return.

use super::styles::Look;
use super::xml::{self, Edits, Sort, Tag};
use crate::workbook::book::cell_name;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

type Cells = BTreeMap<(u32, u16), String>;

/// The sheet with its bad cells coloured; cells and rows that were not there are added.
pub fn coloured(text: &str, cells: &Cells, look: &mut Look) -> Option<String> {
    let tags = xml::tags(text)?;
    let mut walk = Walk {
        cells,
        look,
        edits: Edits::default(),
        done: (0, 0),
        row: 0,
        column: 0,
    };
    let data = tags.iter().position(|t| t.name == "sheetData")?;
    if tags[data].sort == Sort::Empty {
        let tag = &tags[data];
        let rows = walk.missing_rows(u32::MAX, tag.prefix)?;
        let close = format!("</{}sheetData>", tag.prefix);
        let text = format!("{}{rows}{close}", tag.opened());
        walk.edits.replace(tag.span.clone(), text);
    } else {
        for tag in &tags[data + 1..] {
            if tag.name == "sheetData" {
                let rows = walk.missing_rows(u32::MAX, tag.prefix)?;
                walk.edits.insert(tag.span.start, rows);
                break;
            }
            walk.tag(tag)?;
        }
    }
    walk.edits.apply(text)
}

struct Walk<'a> {
    cells: &'a Cells,
    look: &'a mut Look,
    edits: Edits,
    /// All bad cells before this one are done.
    done: (u32, u32),
    row: u32,
    column: u32,
}

impl Walk<'_> {
    fn tag(&mut self, tag: &Tag<'_>) -> Option<()> {
        match (tag.name, tag.sort) {
            ("row", Sort::Start | Sort::Empty) => self.begin_row(tag),
            ("row", Sort::End) => {
                let cells = self.missing(self.row, u32::MAX, tag.prefix)?;
                self.edits.insert(tag.span.start, cells);
                self.row += 1;
                Some(())
            }
            ("c", Sort::Start | Sort::Empty) => self.cell(tag),
            _ => Some(()),
        }
    }

    fn begin_row(&mut self, tag: &Tag<'_>) -> Option<()> {
        if let Some(number) = tag.get("r") {
            self.row = number.parse::<u32>().ok()?.checked_sub(1)?;
        }
        self.column = 0;
        let before = self.missing_rows(self.row, tag.prefix)?;
        self.edits.insert(tag.span.start, before);
        if tag.sort == Sort::Empty {
            let cells = self.missing(self.row, u32::MAX, tag.prefix)?;
            if !cells.is_empty() {
                let close = format!("</{}row>", tag.prefix);
                let text = format!("{}{cells}{close}", tag.opened());
                self.edits.replace(tag.span.clone(), text);
            }
            self.row += 1;
        }
        Some(())
    }

    fn cell(&mut self, tag: &Tag<'_>) -> Option<()> {
        if let Some(name) = tag.get("r") {
            self.column = column_of(name)?;
        }
        let before = self.missing(self.row, self.column, tag.prefix)?;
        self.edits.insert(tag.span.start, before);
        let style = tag.get("s").map_or(Some(0), |s| s.parse().ok())?;
        let at = u16::try_from(self.column)
            .ok()
            .map(|column| (self.row, column));
        let bad = at.is_some_and(|at| self.cells.contains_key(&at));
        if bad != self.look.is_ours(style) {
            let new = self.look.like(style, bad)?.to_string();
            self.edits.replace(tag.span.clone(), tag.with("s", &new));
        }
        self.column += 1;
        self.done = (self.row, self.column);
        Some(())
    }

    /// Bad cells of this row up to this column that the sheet does not have.
    fn missing(&mut self, row: u32, until: u32, prefix: &str) -> Option<String> {
        let from = if self.done.0 == row { self.done.1 } else { 0 };
        let mut text = String::new();
        for (_, column) in self.bad((row, 0)..=(row, u16::MAX)) {
            if (from..until).contains(&u32::from(column)) {
                let style = self.look.like(0, true)?;
                let name = cell_name(row, column);
                text.push_str(&format!("<{prefix}c r=\"{name}\" s=\"{style}\"/>"));
            }
        }
        self.done = (row, until);
        Some(text)
    }

    /// Rows with bad cells before this one that the sheet does not have.
    fn missing_rows(&mut self, until: u32, prefix: &str) -> Option<String> {
        let first = if self.done.1 == u32::MAX {
            self.done.0.saturating_add(1)
        } else {
            self.done.0
        };
        let mut rows: Vec<u32> = Vec::new();
        if first < until {
            rows = self
                .bad((first, 0)..=(until - 1, u16::MAX))
                .into_iter()
                .map(|c| c.0)
                .collect();
        }
        rows.dedup();
        let mut text = String::new();
        for row in rows {
            let cells = self.missing(row, u32::MAX, prefix)?;
            text.push_str(&format!(
                "<{prefix}row r=\"{}\">{cells}</{prefix}row>",
                row + 1
            ));
        }
        Some(text)
    }

    fn bad(&self, range: RangeInclusive<(u32, u16)>) -> Vec<(u32, u16)> {
        self.cells.range(range).map(|(at, _)| *at).collect()
    }
}

/// The column of a cell's name, counted from 0.
fn column_of(name: &str) -> Option<u32> {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic);
    let add = |sum: u32, b: u8| {
        let letter = u32::from(b.to_ascii_uppercase() - b'A') + 1;
        sum.checked_mul(26)?.checked_add(letter)
    };
    letters
        .map(Some)
        .try_fold(0, |sum, b| add(sum, b?))?
        .checked_sub(1)
}
