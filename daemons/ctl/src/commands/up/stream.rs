//! The lines of all processes in one stream, each marked with who said it.

use crate::out::{Look, Out};

/// Who says a line.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    name: &'static str,
    look: Look,
}

impl Source {
    /// A child; the colour tells it from its siblings.
    pub fn child(name: &'static str, colour: u8) -> Self {
        Self {
            name,
            look: Look::Source(colour),
        }
    }
}

/// Where the lines go. Clones share it.
#[derive(Debug, Clone)]
pub struct Stream {
    out: Out,
}

impl Stream {
    /// Into the command's output.
    pub fn new(out: Out) -> Self {
        Self { out }
    }

    /// One line of somebody. A reader that went away stops nobody: the processes go on.
    pub fn print(&self, source: Source, line: &str) {
        let mark = self.out.look(source.look, format!("{:<9} |", source.name));
        let _ = self.out.line(format!("{mark} {}", line.trim_end()));
    }

    /// One line of our own.
    pub fn say(&self, line: impl std::fmt::Display) {
        let source = Source {
            name: "up",
            look: Look::Bold,
        };
        self.print(source, &line.to_string());
    }
}
