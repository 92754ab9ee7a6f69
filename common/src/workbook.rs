//! Workbooks that people mail: read without trusting them, checked cell by cell, given back with
//! their faults marked, and the templates that make all of that seldom necessary.
//!
//! ```text
//! child      a process of its own with limits: opens what strangers sent     (read, mark)
//! kind       daemons/processor/kinds/*.toml: what a workbook is for
//! form       the columns that a kind (and code) wants, with their version
//! grid       a sheet's cells under these columns
//! rows       each row as the text of a code
//! mark       the same workbook again, bad cells coloured and commented
//! template   an empty one, with pick lists
//! ```
//!
//! The limits and why each is there: `docs/decisions/workbooks.md`.

mod book;
pub mod cell;
pub mod child;
mod container;
mod csv;
pub mod form;
pub mod fresh;
pub mod grid;
pub mod kind;
mod mark;
mod read;
pub mod report;
pub mod rows;
pub mod template;
#[cfg(test)]
mod testing;
pub mod words;

pub use book::{Book, Format, Sheet, Value, cell_name, column_name};
pub use container::Refusal;
pub use mark::Marks;
pub use read::read;

#[cfg(test)]
mod tests;
