//! Who is alerted and how alerts are passed on, as the data files say it: `circles.toml` and
//! `alerts.toml` beside the code files. Read and checked with them; pure.

mod circles;
mod rules;

pub use circles::{Circles, Whom};
pub use rules::Bundling;

use crate::code::{CodeFault, CodeSource};
use crate::language::Both;

/// Everything that the two files say.
#[derive(Debug, Clone)]
pub(crate) struct Alerting {
    /// Circles of receivers.
    pub circles: Circles,
    /// When alerts are held and told together.
    pub bundling: Bundling,
}

/// A text of `alerts.toml`: its name for [`crate::code::Codes::say`], what it may name, its words.
pub(crate) type Text = (&'static str, &'static [&'static str], Both);

/// Whether a file is one of the two rather than a code.
pub(crate) fn is_ours(file: &str) -> bool {
    matches!(file, circles::FILE | rules::FILE)
}

/// Reads both files, the shipped ones where none is given; every fault of either is told.
pub(crate) fn read(files: &[CodeSource]) -> Result<(Alerting, Vec<Text>), Vec<CodeFault>> {
    let given = |name: &str, shipped: &'static str| {
        let mut ours = files.iter().filter(|f| f.name == name);
        ours.next_back()
            .map_or(shipped, |f| f.toml.as_str())
            .to_owned()
    };
    let circles = circles::read(&given(circles::FILE, circles::SHIPPED));
    let rules = rules::read(&given(rules::FILE, rules::SHIPPED));
    match (circles, rules) {
        (Ok(circles), Ok((bundling, texts))) => Ok((Alerting { circles, bundling }, texts)),
        (circles, rules) => {
            let mut faults = circles.err().unwrap_or_default();
            faults.extend(rules.err().unwrap_or_default());
            Err(faults)
        }
    }
}

fn fault(file: &str, line: Option<usize>, what: String, remedy: &str) -> CodeFault {
    let (file, remedy) = (file.to_owned(), remedy.to_owned());
    CodeFault {
        file,
        line,
        what,
        remedy,
    }
}
