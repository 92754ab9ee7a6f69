//! A page of `docs/` cut into what a reader does with it: files to write, commands to type.

use std::fs;
use std::path::{Path, PathBuf};

/// One step that a page asks of its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A file: a line that is its name in backquotes and a colon, then a block of code.
    File {
        /// Where, from the reader's folder.
        name: String,
        /// What stands in it.
        text: String,
    },
    /// A line of a console block after `$`, and what it prints.
    Command {
        /// As it is typed.
        line: String,
        /// What is printed; `...` stands for anything.
        printed: String,
    },
}

/// The project's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the project.
pub fn read(name: &str) -> String {
    let path = root().join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The steps of a page, in order.
pub fn steps(page: &str) -> Vec<Step> {
    let (mut steps, mut name) = (Vec::new(), None);
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            if !line.is_empty() {
                name = file_name(line);
            }
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
        match (kind, name.take()) {
            ("console", _) => commands(&block, &mut steps),
            (_, Some(name)) => steps.push(Step::File {
                name,
                text: block.join("\n") + "\n",
            }),
            _ => {}
        }
    }
    steps
}

/// The first block of this kind.
pub fn block<'a>(page: &'a str, kind: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("```{kind}\n"))?;
    Some(rest.split("```").next().unwrap_or_default())
}

fn file_name(line: &str) -> Option<String> {
    let name = line.strip_prefix('`')?.strip_suffix("`:")?;
    (!name.contains('`')).then(|| name.to_owned())
}

fn commands(block: &[&str], steps: &mut Vec<Step>) {
    for line in block {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(line), _) => steps.push(Step::Command {
                line: line.to_owned(),
                printed: String::new(),
            }),
            (None, Some(Step::Command { printed, .. })) => {
                printed.push_str(line);
                printed.push('\n');
            }
            (None, _) => panic!("a console block begins with $: {line}"),
        }
    }
}

#[test]
fn a_page_is_cut_into_files_and_commands() {
    let page = "Words.\n\n`a/b.toml`:\n\n```toml\nx = 1\n\ny = 2\n```\n\n```toml\nno = 1\n```\n\
                ```console\n$ kentongan x\none\n\ntwo\n$ kentongan y\n```\n";
    let file = Step::File {
        name: "a/b.toml".into(),
        text: "x = 1\n\ny = 2\n".into(),
    };
    let command = |line: &str, printed: &str| Step::Command {
        line: line.into(),
        printed: printed.into(),
    };
    let first = command("kentongan x", "one\n\ntwo\n");
    assert_eq!(steps(page), [file, first, command("kentongan y", "")]);
}
