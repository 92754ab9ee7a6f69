//! What a command prints: lines and tables for people, JSON for programs; colours only where
//! somebody sees them.

use crate::exit::Fault;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`.
    Auto,
    /// Also into files and pipes.
    Always,
    /// Not at all.
    Never,
}

/// How one piece of text looks. The numbers are those of the terminal's own palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Headings.
    Bold,
    /// What is only by the way.
    Dim,
    /// Good.
    Green,
    /// Worth a look.
    Yellow,
    /// Wrong.
    Red,
    /// One of several sources, told apart by colour.
    Source(u8),
}

/// Where a command's results go.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    /// One JSON document (or one per line, for streams) instead of text.
    pub json: bool,
    colours: bool,
}

impl Out {
    /// Prints to the standard output.
    pub fn new(json: bool, when: When) -> Self {
        let plain = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colours = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => io::stdout().is_terminal() && !plain("NO_COLOR") && !dumb,
        };
        Self { json, colours }
    }

    /// One line of text.
    pub fn line(&self, text: impl std::fmt::Display) -> Result<(), Fault> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()?;
        Ok(())
    }

    /// A whole result as indented JSON.
    pub fn document(&self, value: &impl Serialize) -> Result<(), Fault> {
        self.line(serde_json::to_string_pretty(value).map_err(Fault::new)?)
    }

    /// One item of a stream as JSON on one line.
    pub fn item(&self, value: &impl Serialize) -> Result<(), Fault> {
        self.line(serde_json::to_string(value).map_err(Fault::new)?)
    }

    /// Text with a look, where colours are on.
    pub fn look(&self, look: Look, text: impl std::fmt::Display) -> String {
        if self.colours {
            format!("\x1b[{}m{text}\x1b[0m", look.code())
        } else {
            text.to_string()
        }
    }

    /// Columns under their headings; as wide as their widest cell.
    pub fn table(&self, headings: &[&str], rows: &[Vec<String>]) -> Result<(), Fault> {
        let widths = widths(headings, rows);
        let head: Vec<String> = headings.iter().map(|h| (*h).to_owned()).collect();
        self.line(self.look(Look::Bold, aligned(&head, &widths)))?;
        rows.iter()
            .try_for_each(|row| self.line(aligned(row, &widths)))
    }
}

impl Look {
    fn code(self) -> u8 {
        match self {
            Self::Bold => 1,
            Self::Dim => 2,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Red => 31,
            // Cyan, magenta, blue, yellow, green: red is for faults.
            Self::Source(n) => [36, 35, 34, 33, 32][usize::from(n) % 5],
        }
    }
}

/// A remark for people beside the results; programs that read the output do not see it.
pub fn note(text: impl std::fmt::Display) {
    // Nothing can be done when even the standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn widths(headings: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let length =
        |row: &Vec<String>, column: usize| row.get(column).map_or(0, |c| c.chars().count());
    (0..headings.len())
        .map(|column| {
            let widest = rows.iter().map(|row| length(row, column)).max();
            widest.unwrap_or(0).max(headings[column].chars().count())
        })
        .collect()
}

/// Numbers stand to the right, everything else and what names the row to the left.
fn aligned(cells: &[String], widths: &[usize]) -> String {
    let number = |cell: &str| !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_digit());
    let columns = cells.iter().zip(widths).enumerate();
    let columns = columns.map(|(at, (cell, &width))| {
        if at > 0 && number(cell) {
            format!("{cell:>width$}")
        } else {
            format!("{cell:<width$}")
        }
    });
    columns.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// Text that others wrote, made fit for one line of a terminal: control characters would move the
/// cursor or change its colours.
pub fn one_line(text: &str, most: usize) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(most)
        .collect();
    let cut = text.chars().count() > most;
    if cut { format!("{shown}…") } else { shown }
}

/// Text that others wrote, with its lines, made fit for a terminal.
pub fn lines(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Out {
        Out::new(false, When::Never)
    }

    #[test]
    fn colours_are_there_only_when_they_are_on() {
        assert_eq!(plain().look(Look::Red, "no"), "no");
        let always = Out::new(false, When::Always);
        assert_eq!(always.look(Look::Red, "no"), "\x1b[31mno\x1b[0m");
    }

    #[test]
    fn columns_line_up_and_numbers_stand_right() {
        let rows = vec![
            vec!["text-input".into(), "7".into(), "x".into()],
            vec!["mail".into(), "1200".into(), String::new()],
        ];
        let widths = widths(&["queue", "n", "note"], &rows);
        assert_eq!(widths, [10, 4, 4]);
        assert_eq!(aligned(&rows[0], &widths), "text-input     7  x");
        assert_eq!(aligned(&rows[1], &widths), "mail        1200");
    }

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(one_line("a\x1b[2Jb\nc", 99), "a [2Jb c");
        assert_eq!(one_line("sapi sakit", 4), "sapi…");
        assert_eq!(lines("a\x1b[2J\r\nb\u{9b}c"), "a[2J\nbc");
    }
}
