//! The same xlsx again with bad cells coloured and commented, everything else byte for byte as it
//! was: parts that need no change are copied as they lie in the container, the others are changed
//! in their text at the places that must change. Runs in the child: see [`super::child`].

mod comments;
mod package;
mod sheet;
mod styles;
mod xml;

use package::Package;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is to be marked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Name of the sheet.
    pub sheet: String,
    /// Whose name the comments bear; those of this name that stand there already are taken away.
    pub author: String,
    /// Row and column, counted from 0, and what to say there.
    pub cells: Vec<(u32, u16, String)>,
}

impl Marks {
    /// One text for each cell.
    pub(super) fn by_cell(&self) -> BTreeMap<(u32, u16), String> {
        let mut cells: BTreeMap<(u32, u16), String> = BTreeMap::new();
        for (row, column, text) in &self.cells {
            let said = cells.entry((*row, *column)).or_default();
            if !said.is_empty() {
                said.push('\n');
            }
            said.push_str(text);
        }
        cells
    }
}

/// The colour of a bad cell, as Excel writes it; also how a mark of an earlier return is known.
pub(super) const COLOUR: &str = "FFFFB3A7";

/// The marked workbook; `None` when it is put together in a way that cannot be changed safely.
pub(super) fn marked(bytes: &[u8], marks: &Marks) -> Option<Vec<u8>> {
    super::container::inspect(bytes).ok()?;
    let mut package = Package::open(bytes)?;
    let cells = marks.by_cell();
    let book = package.workbook()?;
    let part = package.sheet(&book, &marks.sheet)?;
    let styles = package.related(&book, "/styles")?;
    let mut look = styles::Look::read(package.text(&styles)?)?;
    let edited = sheet::coloured(package.text(&part)?, &cells, &mut look)?;
    package.set(&styles, look.finish()?);
    package.set(&part, edited);
    comments::put(&mut package, &part, &marks.author, &cells)?;
    package.finish()
}

#[cfg(test)]
mod tests;
