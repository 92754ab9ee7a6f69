//! One cell as a word that somebody would have typed into a message: what a spreadsheet did to it
//! is undone, and what cannot be right is said here, cell by cell, so that all faults of a row are
//! told at once.

use super::Value;
use super::form::Column;
use super::words::say;
use crate::code::kind::{Breach, Kind};
use crate::code::{Var, nearest_entries};
use crate::language::Language;

/// Spreadsheets keep 15 digits of a number: of an identity card, which has 16, the last one becomes 0.
const ROUNDED: f64 = 1e15;

/// The cell's word, or what is wrong with it in words.
pub fn word(column: &Column, value: &Value, language: Language) -> Result<String, String> {
    let shown = value.shown();
    let told = |key: &str, more: &[(&str, Var)]| {
        let label = column.label.get(language);
        let base = [("value", shown.as_str().into()), ("column", label.into())];
        say(key, language, &[&base[..], more].concat())
    };
    if matches!(value, Value::Error(_)) {
        return Err(told("formula", &[]));
    }
    if matches!(value, Value::Number(n) if n.abs() >= ROUNDED) {
        return Err(told("rounded", &[]));
    }
    let word = typed(column, value, &shown);
    let unfit = || told("unfit", &hints(column, &word, language));
    if !column.choices.is_empty() {
        let choice = column
            .choices
            .iter()
            .find(|c| c.eq_ignore_ascii_case(&word));
        return choice.cloned().ok_or_else(unfit);
    }
    let items: Vec<&str> = match column.many {
        true => word.split(',').filter(|i| !i.is_empty()).collect(),
        false => vec![word.as_str()],
    };
    if column.many
        && column
            .rules
            .max_length
            .is_some_and(|most| items.len() > most)
    {
        return Err(told("long", &limits(column)));
    }
    for item in &items {
        let upper = item.to_ascii_uppercase();
        if !column.kind.takes(&upper) || (!many_words(&column.kind) && item.contains(' ')) {
            let rounded = matches!(column.kind, Kind::Phone(_)) && upper.contains("E+");
            let key = match column.kind {
                Kind::Date => "date",
                _ if rounded => "rounded",
                _ => "unfit",
            };
            return Err(told(key, &hints(column, item, language)));
        }
        let read = column.kind.read(item, &upper).unwrap_or(Err(Breach::Date));
        let mut rules = column.rules.clone();
        if column.many {
            (rules.min_length, rules.max_length) = (None, None);
        }
        let checked = read.and_then(|value| rules.check(&value));
        checked.map_err(|breach| told(name(breach), &limits(column)))?;
    }
    Ok(word)
}

fn many_words(kind: &Kind) -> bool {
    matches!(kind, Kind::Name | Kind::Text)
}

fn name(breach: Breach) -> &'static str {
    match breach {
        Breach::Range => "range",
        Breach::Date => "date",
        Breach::Short => "short",
        Breach::Long => "long",
    }
}

fn limits(column: &Column) -> [(&'static str, Var); 2] {
    let rules = &column.rules;
    let number = |n: Option<f64>| n.map_or_else(String::new, |n| n.to_string());
    let length = |n: Option<usize>| n.map_or_else(String::new, |n| n.to_string());
    let min = [number(rules.min), length(rules.min_length)].concat();
    let max = [number(rules.max), length(rules.max_length)].concat();
    [("min", min.into()), ("max", max.into())]
}

fn hints(column: &Column, word: &str, language: Language) -> Vec<(&'static str, Var)> {
    let lists = column.kind.lists();
    let near = nearest_entries(word, lists.iter().map(AsRef::as_ref));
    let near = near
        .iter()
        .map(|e| format!("{} ({})", e.code, e.name.get(language)));
    let near = match column.choices.is_empty() {
        true => near.collect::<Vec<_>>().join(", "),
        false => column.choices.join(", "),
    };
    let list = lists.first().map_or("", |l| l.name.get(language));
    let help = column.help.as_ref().map_or("", |h| h.get(language));
    vec![
        ("near", near.into()),
        ("list", list.into()),
        ("help", help.into()),
    ]
}

/// What would have been typed.
fn typed(column: &Column, value: &Value, shown: &str) -> String {
    let shown = shown.trim().trim_start_matches('\'');
    let joined = || shown.split_whitespace().collect::<String>();
    match &column.kind {
        Kind::List(_) if column.many => {
            let items = shown
                .split([',', ';', '\n'])
                .map(str::trim)
                .filter(|i| !i.is_empty());
            items
                .map(|item| entry(column, item))
                .collect::<Vec<_>>()
                .join(",")
        }
        Kind::List(_) => entry(column, shown),
        Kind::Phone(_) => phone(column, value, &joined()),
        Kind::NewOwner if is_mobile(column, &joined()) => phone(column, value, &joined()),
        Kind::Date => date(shown),
        Kind::Place | Kind::Case | Kind::Number | Kind::Owner => joined(),
        Kind::Decimal if matches!(value, Value::Number(_)) => shown.to_owned(),
        _ => shown.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// The code that a cell means: the code itself, a name, or `SP (sapi)` as the pick list writes it.
fn entry(column: &Column, text: &str) -> String {
    let first = text.split([' ', '(', '-']).next().unwrap_or_default();
    let lists = column.kind.lists();
    let whole = lists.iter().find_map(|l| l.meant(text));
    let entry = whole.or_else(|| lists.iter().find_map(|l| l.find(first)));
    // What means nothing is told as it stands.
    entry.map_or_else(|| text.to_owned(), |e| e.code.clone())
}

/// Digits of an Indonesian driving licence, which may begin as a mobile number does.
const LICENCE: usize = 12;

/// Whether an identification is a mobile number that lost its zero.
fn is_mobile(column: &Column, digits: &str) -> bool {
    digits.len() != LICENCE && column.numbering.is_mobile(&format!("0{digits}"))
}

/// A number in a cell lost its zero; one in text keeps what it has.
fn phone(column: &Column, value: &Value, digits: &str) -> String {
    let mobile = &column.numbering.mobile;
    match value {
        Value::Number(_) if !mobile.is_empty() && digits.starts_with(mobile) => {
            format!("0{digits}")
        }
        _ => digits.to_owned(),
    }
}

/// `2026-11-20` is what other programs write; day first is the rule for all else.
fn date(text: &str) -> String {
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    match day.parse::<jiff::civil::Date>() {
        Ok(d) if day.len() == 10 => format!("{:02}/{:02}/{:04}", d.day(), d.month(), d.year()),
        _ => text.to_owned(),
    }
}
