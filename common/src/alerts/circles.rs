//! `circles.toml`: names that code files use, and how the people of each are found.

use super::fault;
use crate::code::lexicon::List;
use crate::code::{CodeFault, line_of, syntax_fault};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The file's name in messages and in a settings folder.
pub(super) const FILE: &str = "circles.toml";
pub(super) const SHIPPED: &str = include_str!("../../replies/circles.toml");

/// How the people of a circle are found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(tag = "whom", rename_all = "snake_case", deny_unknown_fields)]
pub enum Whom {
    /// User types and groups whose area of responsibility covers the place.
    Covering {
        /// Codes of the list `user_type`.
        types: Vec<String>,
        /// Codes of groups: people of any type that receives.
        #[serde(default)]
        groups: Vec<String>,
    },
    /// User types and groups whose area covers a place near this one.
    Near {
        /// Codes of the list `user_type`.
        types: Vec<String>,
        /// Codes of groups, as above.
        #[serde(default)]
        groups: Vec<String>,
        /// Near is what lies below the place so many levels up.
        up: u8,
        /// Near is also what lies within so many kilometres, where places have points.
        #[serde(default)]
        km: u16,
    },
    /// Staff of the infrastructure that the message names.
    Staff,
    /// Who opened the case.
    Reporter,
    /// Who sent a code about the case.
    Sender {
        /// The code, in capitals.
        code: String,
    },
    /// Everybody who was alerted about the case, or because of the message that was taken back.
    Told,
    /// The officer who registered whom the message confirms.
    Officer,
}

impl Whom {
    /// User types and groups, where people are found by these.
    pub fn kinds(&self) -> Option<(&[String], &[String])> {
        match self {
            Self::Covering { types, groups } | Self::Near { types, groups, .. } => {
                Some((types, groups))
            }
            _ => None,
        }
    }
}

/// All circles by their names.
#[derive(Debug, Clone, Default)]
pub struct Circles(BTreeMap<String, Whom>);

impl Circles {
    /// How the people of a circle are found; `None` for a name that is no circle.
    pub fn get(&self, name: &str) -> Option<&Whom> {
        self.0.get(name)
    }

    /// The names, for the remedy of a wrong one.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.join(", ")
    }

    /// What is wrong with the user types and groups, once it is known which there are: one that does
    /// not exist would alert nobody, silently.
    pub fn check(&self, types: &List, groups: &[String]) -> Vec<String> {
        let of = |(name, whom): (&String, &Whom)| {
            let Some((named, members)) = whom.kinds() else {
                return Vec::new();
            };
            let none = |kind, code| format!("{FILE}: circle `{name}`: there is no {kind} {code}");
            let no_type = named.iter().filter(|code| types.find(code).is_none());
            let no_group = members.iter().filter(|code| !groups.contains(code));
            let faults = no_type.map(|code| none("user type", code));
            faults
                .chain(no_group.map(|code| none("group", code)))
                .collect()
        };
        self.0.iter().flat_map(of).collect()
    }
}

/// Reads the file; each circle by itself, so that one fault hides no other.
pub(super) fn read(text: &str) -> Result<Circles, Vec<CodeFault>> {
    let mut table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return Err(vec![syntax_fault(FILE, text, &error)]),
    };
    let circles = table.remove("circle").and_then(|all| match all {
        toml::Value::Table(all) => Some(all),
        _ => None,
    });
    let mut faults: Vec<CodeFault> = table
        .keys()
        .map(|key| {
            fault(
                FILE,
                line_of(text, key),
                format!("there is no {key:?} here"),
                "remove it",
            )
        })
        .collect();
    let mut read = BTreeMap::new();
    for (name, value) in circles.unwrap_or_default() {
        match value.try_into() {
            Ok(whom) => _ = read.insert(name, whom),
            Err(error) => {
                let at = format!("[circle.{name}]");
                let what = format!("{at}: {}", error.message());
                faults.push(fault(
                    FILE,
                    line_of(text, &at),
                    what,
                    "see the head of the file",
                ));
            }
        }
    }
    if faults.is_empty() {
        Ok(Circles(read))
    } else {
        Err(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_circles_are_sound() {
        let circles = read(SHIPPED).expect("sound");
        let types = vec!["VET".to_owned(), "PMD".to_owned()];
        let groups = Vec::new();
        assert_eq!(
            circles.get("responders"),
            Some(&Whom::Covering { types, groups })
        );
        assert!(matches!(
            circles.get("neighbours"),
            Some(Whom::Near { up: 1, .. })
        ));
        assert_eq!(circles.get("nobody"), None);
    }

    #[test]
    fn each_wrong_circle_is_told_with_its_line() {
        let text = "[circle.a]\nwhom = \"covering\"\n\n[circle.b]\nwhom = \"all\"\n\n[other]\n";
        let faults = read(text).expect_err("two circles and a section are wrong");
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(told[0].starts_with("circles.toml:7: "), "{told:?}");
        assert!(
            told[1].starts_with("circles.toml:1: ") && told[1].contains("types"),
            "{told:?}"
        );
        assert!(
            told[2].starts_with("circles.toml:4: ") && told[2].contains("all"),
            "{told:?}"
        );
    }
}
