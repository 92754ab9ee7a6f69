//! `alerts.toml`: when alerts are held, and what is said in repetitions and bundles.

use super::{Text, fault};
use crate::code::{CodeFault, line_of, syntax_fault};
use crate::language::Both;
use serde::Deserialize;

/// The file's name in messages and in a settings folder.
pub(super) const FILE: &str = "alerts.toml";
pub(super) const SHIPPED: &str = include_str!("../../replies/alerts.toml");

/// The texts: key in the file, name for [`crate::code::Codes::say`], what each may name.
const TEXTS: &[(&str, &str, &[&str])] = &[
    ("repeat", "alerts/repeat", &["since", "text", "case"]),
    ("raised", "alerts/raised", &["since", "text", "case"]),
    (
        "held",
        "alerts/held",
        &[
            "count",
            "since",
            "codes",
            "groups",
            "more",
            "area",
            "withdrawn",
        ],
    ),
    ("group", "alerts/group", &["what", "district", "cases"]),
];

/// When alerts for one receiver are held and told in one text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundling {
    /// Texts to one receiver within the time that are sent one by one.
    pub above: i32,
    /// That time in minutes, and how long what is held waits at most.
    pub within_min: i32,
    /// Texts past which urgent alerts are held as well.
    pub urgent_above: i32,
    /// How long an urgent alert waits at most, in minutes.
    pub urgent_within_min: i32,
    /// Most parts of an SMS that the one text may take.
    pub parts: usize,
    /// Fields that say, with the district, which reports are of one outbreak; the first that a
    /// report has counts.
    pub outbreak: Vec<String>,
}

/// Reads the file, every fault told. The texts are compiled by whoever holds the others.
pub(super) fn read(text: &str) -> Result<(Bundling, Vec<Text>), Vec<CodeFault>> {
    let mut table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return Err(vec![syntax_fault(FILE, text, &error)]),
    };
    let mut faults = Vec::new();
    let bundling = bundling(text, &mut table, &mut faults);
    let mut texts = Vec::new();
    for (key, name, names) in TEXTS {
        let value = table.remove(*key);
        match value.map(toml::Value::try_into::<Both>) {
            Some(Ok(text)) => texts.push((*name, *names, text)),
            Some(Err(error)) => {
                let what = format!("{key}: {}", error.message());
                faults.push(fault(
                    FILE,
                    line_of(text, key),
                    what,
                    "give it as id and en",
                ));
            }
            None => {
                let what = format!("the text {key:?} is missing");
                faults.push(fault(FILE, None, what, "add it in both languages"));
            }
        }
    }
    for key in table.keys() {
        let what = format!("there is no {key:?} here");
        faults.push(fault(FILE, line_of(text, key), what, "remove it"));
    }
    match bundling {
        Some(bundling) if faults.is_empty() => Ok((bundling, texts)),
        _ => Err(faults),
    }
}

fn bundling(text: &str, table: &mut toml::Table, faults: &mut Vec<CodeFault>) -> Option<Bundling> {
    let line = line_of(text, "bundle");
    let mut wrong = |what: String| faults.push(fault(FILE, line, what, "see the shipped file"));
    let Some(value) = table.remove("bundle") else {
        wrong("[bundle] is missing".into());
        return None;
    };
    let read = value.try_into::<Bundling>();
    let bundling = read
        .map_err(|error| wrong(format!("[bundle]: {}", error.message())))
        .ok()?;
    let Bundling {
        above,
        within_min,
        urgent_above,
        urgent_within_min,
        parts,
        ..
    } = &bundling;
    if *above < 1 || *within_min < 1 || *urgent_within_min < 1 || *parts < 1 {
        wrong("[bundle]: rates, times and parts are at least 1".into());
    }
    if urgent_above < above {
        wrong("[bundle]: urgent_above is below above, so urgent alerts would wait first".into());
    }
    Some(bundling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_rules_are_sound_and_say_everything() {
        let (bundling, texts) = read(SHIPPED).expect("sound");
        assert!(bundling.urgent_above > bundling.above);
        assert_eq!(texts.len(), TEXTS.len());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (from, to, told) in [
            ("[repeat]", "[again]", "the text \"repeat\" is missing"),
            ("[repeat]", "[again]", "there is no \"again\" here"),
            (
                "urgent_above     = 20",
                "urgent_above = 1",
                "alerts.toml:5: [bundle]: urgent_above",
            ),
            ("parts            = 2", "parts = 0", "at least 1"),
            ("above            = 5", "", "missing field"),
        ] {
            let text = SHIPPED.replacen(from, to, 1);
            assert_ne!(text, SHIPPED, "{from}");
            let faults = read(&text).expect_err("it is wrong");
            let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert!(all.iter().any(|f| f.contains(told)), "{told}: {all:?}");
        }
    }
}
