//! From text to settings, and what is said to somebody whose text cannot be used: which key, what
//! is wrong with it, what to write instead.

use super::{ConfigError, Settings, check};
use serde::de::DeserializeOwned;
use serde_path_to_error::Path as KeyPath;
use std::path::Path;
use toml::{Table, Value};

type Fault = String;

impl Settings {
    /// Reads a settings file; `KENTONGAN_<SECTION>__<KEY>` variables replace single keys.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|e| ConfigError::new(file, e))?;
        let mut settings =
            Self::parse(&text, std::env::vars()).map_err(|fault| ConfigError::new(file, fault))?;
        settings.file = file.to_owned();
        Ok(settings)
    }

    /// Reads settings from text, with overriding variables. The fault names the key and the remedy.
    pub fn parse(
        text: &str,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Fault> {
        let mut table: Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
        let mut replaced = Vec::new();
        for (name, value) in variables {
            if let Some((section, key)) = overridden(&name) {
                replace(&mut table, &section, &key, &value)
                    .ok_or_else(|| format!("{name}: `{section}` is a key and no section"))?;
                replaced.push((format!("{section}.{key}"), name));
            }
        }
        let settings: Self = read_table(table, "").map_err(|fault| blame(fault, &replaced))?;
        check::values(&settings).map_err(|fault| blame(fault, &replaced))?;
        Ok(settings)
    }

    /// A daemon's own section.
    pub fn section<T: DeserializeOwned>(
        &self,
        name: &str,
        table: &Table,
    ) -> Result<T, ConfigError> {
        read_table(table.clone(), name).map_err(|fault| ConfigError::new(&self.file, fault))
    }
}

/// `KENTONGAN_DATABASE__URL` names `database.url`.
fn overridden(variable: &str) -> Option<(String, String)> {
    let (section, key) = variable.strip_prefix("KENTONGAN_")?.split_once("__")?;
    Some((section.to_lowercase(), key.to_lowercase()))
}

/// Puts a variable's value in place of a key; `None` when the section's name is that of a key.
fn replace(table: &mut Table, section: &str, key: &str, value: &str) -> Option<()> {
    let section = table
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()))
        .as_table_mut()?;
    section.insert(key.to_owned(), typed(value));
    Some(())
}

/// A variable's text as the TOML value it spells, else as a string.
fn typed(text: &str) -> Value {
    format!("v = {text}")
        .parse::<Table>()
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Says which variable a faulty key came from: the file would be searched in vain.
fn blame(fault: Fault, replaced: &[(String, String)]) -> Fault {
    let about = |key: &str| fault.contains(&format!("`{key}`"));
    if let Some((_, variable)) = replaced.iter().find(|(key, _)| about(key)) {
        return format!(
            "{fault} (it comes from the variable {variable}; a text that looks like a number wants \
             quotes of its own: '\"62\"')"
        );
    }
    let section = |key: &str| key.split('.').next().is_some_and(about);
    match replaced.iter().find(|(key, _)| section(key)) {
        Some((_, variable)) => format!("{fault} (look also at the variable {variable})"),
        None => fault,
    }
}

fn read_table<T: DeserializeOwned>(table: Table, section: &str) -> Result<T, Fault> {
    serde_path_to_error::deserialize(table)
        .map_err(|e| explained(section, e.path(), e.inner().message()))
}

/// A fault in words of the settings instead of words of the program.
fn explained(section: &str, path: &KeyPath, message: &str) -> Fault {
    let path = path.to_string();
    let at: Vec<&str> = [section, path.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let at = at.join(".");
    if let Some(name) = quoted_after(message, "missing field ") {
        return format!(
            "key `{}` is missing and has no default; deploy/config/ has samples that explain it",
            inside(&at, name)
        );
    }
    if let Some(name) = quoted_after(message, "unknown field ") {
        return unknown(&inside(&at, name), name, message);
    }
    if let Some(name) = quoted_after(message, "unknown variant ") {
        let choices = choices(message).join("`, `");
        return format!("key `{at}`: `{name}` is none of `{choices}`");
    }
    format!("key `{at}`: {}", plain(message))
}

fn unknown(key: &str, name: &str, message: &str) -> Fault {
    let known = choices(message);
    let near = known
        .iter()
        .map(|other| (strsim::damerau_levenshtein(name, other), other))
        .filter(|(distance, other)| *distance <= other.len().div_ceil(3))
        .min();
    match near {
        Some((_, near)) => format!("key `{key}` is unknown; did you mean `{near}`?"),
        None if known.is_empty() => format!("key `{key}` is unknown; nothing may stand here"),
        None => format!("key `{key}` is unknown; known here: {}", known.join(", ")),
    }
}

/// The key's full name. Serde names the section for a missing key and the key itself for an unknown
/// one, and inside a section with a `kind` always the section.
fn inside(at: &str, name: &str) -> String {
    if at.is_empty() || at == name {
        name.to_owned()
    } else if at.ends_with(&format!(".{name}")) {
        at.to_owned()
    } else {
        format!("{at}.{name}")
    }
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.split('`').nth(1)
}

/// Every name in backquotes after the first.
fn choices(message: &str) -> Vec<&str> {
    message.split('`').skip(3).step_by(2).collect()
}

/// Serde's words for Rust's types, in words for people.
fn plain(message: &str) -> String {
    let people = [
        ("invalid type: string ", "this is the text "),
        ("invalid type: integer ", "this is the number "),
        ("invalid type: ", "this is "),
        ("invalid value: integer ", "this is the number "),
        ("invalid value: ", "this is "),
        ("a sequence", "a list in brackets"),
        ("a map", "a section"),
        ("a boolean", "true or false"),
        ("path string", "a path in quotes"),
    ];
    let message = people
        .iter()
        .fold(message.to_owned(), |text, (theirs, ours)| {
            text.replace(theirs, ours)
        });
    let Some((found, wanted)) = message.rsplit_once(", expected ") else {
        return message;
    };
    let wanted = match wanted {
        "usize" | "u64" | "u32" | "u16" => "a whole number, 0 or more, without quotes",
        "f64" => "a number without quotes",
        "a string" => "a text in quotes",
        other => other,
    };
    format!("{found}; it wants {wanted}")
}
