//! Everything that the pages name exists: commands and their flags, settings, metrics, variables,
//! make targets, files, functions and tests.

use crate::page::{read, root};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The pages that people read, from the project's folder.
fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".into(), "CHANGELOG.md".into()];
    for folder in [
        "docs",
        "systemd",
        "deploy",
        "tests",
        "fuzz",
        "common/places",
    ] {
        let mut found = Vec::new();
        files(&root().join(folder), &["md"], &mut found);
        let name = |p: PathBuf| p.strip_prefix(root()).expect("below").display().to_string();
        pages.extend(found.into_iter().map(name));
    }
    assert!(pages.len() > 20, "the pages were found: {pages:?}");
    pages
}

fn files(folder: &Path, kinds: &[&str], found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|e| e.path()) {
        let kind = path.extension().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !path.ends_with("target") {
            files(&path, kinds, found);
        } else if kinds.contains(&&*kind) {
            found.push(path);
        }
    }
}

/// All program text: Rust, SQL and shell.
pub fn program() -> String {
    let mut found = Vec::new();
    for folder in ["common", "daemons", "tests", "deploy", "fuzz"] {
        files(&root().join(folder), &["rs", "sql", "sh"], &mut found);
    }
    let this = Path::new(file!()).file_name().expect("a name");
    found.retain(|p| p.file_name() != Some(this));
    let texts = found
        .iter()
        .map(|p| fs::read_to_string(p).unwrap_or_default());
    texts.collect()
}

/// What stands between backquotes on one line.
fn spans(page: &str) -> impl Iterator<Item = &str> {
    let prose = page.lines().filter(|l| !l.starts_with("```"));
    prose.flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// What is to be typed: spans, and lines of blocks.
fn typed(page: &str) -> Vec<&str> {
    let mut inside = false;
    let mut all: Vec<&str> = spans(page).collect();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside || line.starts_with("    ") {
            all.push(line);
        }
    }
    all
}

/// Fails with all that is missing on any page.
pub fn all_pages(mut missing: impl FnMut(&str) -> Vec<String>) {
    let mut faults = Vec::new();
    for name in pages() {
        let page = read(&name);
        faults.extend(missing(&page).iter().map(|what| format!("{name}: {what}")));
    }
    assert!(faults.is_empty(), "not there:\n{}", faults.join("\n"));
}

fn word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

pub fn identifier(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(letter)
}

/// The true program's words about its commands.
#[derive(Default)]
struct Manual(HashMap<String, Option<String>>);

impl Manual {
    fn help(&mut self, path: &str) -> Option<String> {
        let known = self.0.entry(path.to_owned());
        known.or_insert_with(|| help(path)).clone()
    }

    /// What is wrong with a command line that begins with `kentongan`.
    fn fault(&mut self, words: &[&str]) -> Option<String> {
        let mut path = String::new();
        for word in words.iter().take_while(|w| self::word(w)) {
            let above = self.help(&path).unwrap_or_default();
            if !above.contains("\nCommands:\n") {
                break;
            }
            path = format!("{path} {word}");
            if self.help(&path).is_none() {
                return Some(format!("there is no `kentongan{path}`"));
            }
        }
        let help = self.help(&path)?;
        let flags = words.iter().filter(|w| w.starts_with("--"));
        let known = |flag: &str| flag == "--settings" || help.contains(flag);
        let mut unknown = flags.filter(|f| !known(f));
        if let Some(flag) = unknown.next() {
            return Some(format!("`kentongan{path}` has no {flag}"));
        }
        let rest = words.iter().any(|w| !self::word(w) && !w.starts_with('-'));
        let bare = !help.contains("\nArguments:\n");
        (rest && bare && !taken(words)).then(|| format!("`kentongan{path}` takes no {words:?}"))
    }
}

/// Does every word that is no command stand behind a flag, whose value it may be?
fn taken(words: &[&str]) -> bool {
    let mut value = false;
    words.iter().skip_while(|w| word(w)).all(|w| {
        let fine = w.starts_with('-') || value;
        value = w.starts_with('-') || (value && !w.ends_with('"'));
        fine
    })
}

fn help(path: &str) -> Option<String> {
    let program = crate::reader::programs().join("kentongan");
    let words = path.split_whitespace().chain(["--help"]);
    let said = Command::new(&program).args(words).output();
    let said = said.unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    said.status
        .success()
        .then(|| String::from_utf8_lossy(&said.stdout).into_owned())
}

/// The command lines of our program in a text, each as words up to where the shell takes over.
fn command_lines(text: &str) -> Vec<Vec<&str>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let begins = |at: &usize| {
        let name = words[*at].rsplit(['/', '"']).next();
        let next = words.get(at + 1).copied().unwrap_or_default();
        let user = *at > 0 && matches!(words[at - 1], "-u" | "createuser" | "custom" | "user");
        name == Some("kentongan") && word(next.trim_end_matches([',', ';'])) && !user
    };
    let ends = |w: &&&str| !w.starts_with(['<', '>', '|', ';', '&', '#']) && **w != "kentongan";
    let line = |at| {
        let rest: &[&str] = &words[at + 1..];
        let line = rest.iter().take_while(ends);
        line.map(|w| w.trim_matches(['"', '[', ']', ',', ';', ')', '.']))
            .collect()
    };
    (0..words.len()).filter(begins).map(line).collect()
}

#[test]
fn every_command_and_flag() {
    let (mut manual, mut seen) = (Manual::default(), 0);
    all_pages(|page| {
        let lines = typed(page).into_iter().flat_map(command_lines);
        lines
            .filter_map(|line| {
                seen += 1;
                manual.fault(&line)
            })
            .collect()
    });
    assert!(seen > 50, "only {seen} commands were found");
}

/// The keys of each section, those behind `#` included, from the samples that explain them all,
/// and from the types of what is a daemon's own.
fn settings_keys() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for sample in ["deploy/config/one-box.toml", "deploy/config/aws.toml"] {
        let mut section = String::new();
        for line in read(sample).lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
                keys.insert(section.clone());
            }
            let words = line.trim_start_matches('#').trim_start();
            for part in words.split("Example: ") {
                if let Some((key, _)) = part.split_once(" = ").filter(|(k, _)| identifier(k)) {
                    keys.insert(format!("{section}.{key}"));
                }
            }
        }
    }
    for (section, file) in [
        ("processor", "daemons/processor/src/config.rs"),
        ("mailer", "daemons/mailer/src/config.rs"),
        ("bridge", "common/src/config/bridge.rs"),
    ] {
        let types = read(file);
        let fields = types.lines().filter_map(|l| l.trim().strip_prefix("pub "));
        let names = fields
            .filter_map(|f| f.split_once(':'))
            .map(|(name, _)| name);
        keys.extend(names.map(|name| format!("{section}.{name}")));
    }
    keys
}

#[test]
fn every_settings_key() {
    let keys = settings_keys();
    let mut seen = 0;
    all_pages(|page| {
        let named = spans(page).filter(|s| {
            let (section, key) = s.split_once('.').unwrap_or_default();
            keys.contains(section) && identifier(key) && !matches!(key, "rs" | "toml" | "sql")
        });
        named
            .filter(|name| {
                seen += 1;
                !keys.contains(*name)
            })
            .map(str::to_owned)
            .collect()
    });
    assert!(seen > 15, "only {seen} keys were found");
}

/// The targets of `make` where it is the command of a line, not a word of what a line prints.
fn commands<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let begins = |at: usize| at == 0 || matches!(words[at - 1], "&&" | "sudo" | "$");
    let makes = (0..words.len()).filter(|&at| words[at] == "make" && begins(at));
    let targets = makes.filter_map(|at| words.get(at + 1).copied());
    targets.filter(|target| word(target)).collect()
}

#[test]
fn every_variable_and_make_target() {
    let program = program() + &read("Makefile") + &read("common/src/code/spec.rs");
    let makefile = read("Makefile");
    all_pages(|page| {
        let words = page.split(|c: char| !c.is_ascii_uppercase() && c != '_');
        let variables = words.filter(|w| w.starts_with("KENTONGAN_") && !w.contains("__"));
        let mut missing: Vec<String> = variables
            .map(|v| v.trim_end_matches('_'))
            .filter(|v| !program.contains(v))
            .map(str::to_owned)
            .collect();
        for line in typed(page) {
            let words: Vec<&str> = line.split_whitespace().collect();
            for pair in commands(&words) {
                let known = makefile.contains(&format!("\n{pair}: "));
                if !known {
                    missing.push(format!("make {pair}"));
                }
            }
        }
        missing
    });
}

#[test]
fn every_file_and_link() {
    let tops = [
        "common", "daemons", "docs", "deploy", "systemd", "tests", "fuzz", ".ci",
    ];
    for name in pages() {
        let page = read(&name);
        let named = spans(&page).filter(|s| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
            s.contains('/')
                && s.chars().all(plain)
                && tops.contains(&s.split('/').next().unwrap_or(""))
        });
        for path in named {
            assert!(root().join(path).exists(), "{name} names {path}");
        }
        let folder = root().join(Path::new(&name).parent().expect("a folder"));
        let links = page.split("](").skip(1).filter_map(|l| l.split(')').next());
        for link in links.filter(|l| !l.contains(':') && !l.starts_with('#')) {
            let path = link.split('#').next().unwrap_or(link);
            assert!(folder.join(path).exists(), "{name} links to {link}");
        }
    }
}

#[test]
fn every_decision_is_in_the_index() {
    let mut pages = Vec::new();
    files(&root().join("docs/decisions"), &["md"], &mut pages);
    let index = read("docs/decisions/README.md");
    for page in pages {
        let name = page.file_name().expect("a name").to_string_lossy();
        assert!(
            name == "README.md" || index.contains(&format!("({name})")),
            "{name}"
        );
    }
}

#[test]
fn every_function_and_test() {
    let program = program();
    let words: BTreeSet<&str> = program
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .collect();
    let mut seen = 0;
    all_pages(|page| {
        let code = spans(page).filter(|s| {
            let path = s.trim_end_matches("()");
            let many = identifier(path) && path.matches('_').count() >= 3;
            let call = path.len() < s.len()
                && path
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_:".contains(c));
            let inside = path.contains("::")
                && path
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_:".contains(c));
            many || call || inside
        });
        let code: Vec<&str> = code.map(|s| s.trim_end_matches("()")).collect();
        seen += code.len();
        let unknown = |s: &&str| {
            s.split("::")
                .any(|part| !part.is_empty() && !words.contains(part))
        };
        code.into_iter()
            .filter(unknown)
            .map(str::to_owned)
            .collect()
    });
    assert!(seen > 40, "only {seen} names were found");
}
