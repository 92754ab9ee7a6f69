//! What the engine itself says: errors, lists of codes, refusals. The words stand in
//! `common/replies/engine.toml`, in both languages; here stands which texts there must be and what
//! each may name, so that a missing or misspelt one is found when it is loaded.

use super::CodeFault;
use super::reply::{Replies, Trial};
use crate::language::Both;

/// The file's name in messages and in a settings folder.
pub const FILE: &str = "engine.toml";

/// Every text of the engine and the names that it may use.
pub const KEYS: &[(&str, &[&str])] = &[
    // Between the last two of several things that are expected.
    ("or", &[]),
    // Whole answers to what could not be read.
    ("nothing", &["codes"]),
    ("help", &["codes"]),
    // The codes of one chapter, for those who may send many.
    ("chapter", &["chapter", "codes"]),
    ("unknown_code", &["word", "near", "codes"]),
    ("bare", &["format", "name", "code"]),
    ("replaced", &["old", "code", "format"]),
    ("no_permission", &["code", "name"]),
    // `fault` is one of the texts below.
    ("format_error", &["fault", "format"]),
    ("fault_missing", &["expected", "order"]),
    (
        "fault_word",
        &[
            "word", "expected", "near", "list", "meaning", "listed", "joined", "order",
        ],
    ),
    ("fault_left_over", &["word", "order"]),
    ("fault_range", &["word", "expected", "min", "max"]),
    ("fault_unit", &["word", "unit"]),
    ("fault_date", &["word", "expected"]),
    ("fault_short", &["word", "expected", "min"]),
    ("fault_long", &["word", "expected", "max"]),
    ("fault_not_allowed", &["word", "expected"]),
    // What only the database knows.
    ("unknown_place", &["word", "near"]),
    ("no_place", &["format"]),
    ("unknown_case", &["word"]),
    ("withdrawn_case", &["word"]),
    ("closed_case", &["case"]),
    ("same_case", &["case"]),
    ("unknown_case_animal", &["case", "word", "near"]),
    // Animals of one sort with their number.
    ("animals_of", &["number", "name"]),
    ("outside_area", &["place"]),
    ("unknown_owner", &["word"]),
    ("many_owners", &["word", "owners"]),
    ("waiting_owner", &["word", "name"]),
    ("no_herd", &["format"]),
    ("unknown_animal", &["word", "owner", "near", "all"]),
    ("unknown_program", &["word"]),
    ("unknown_permit", &["word"]),
    ("unknown_infrastructure", &["word"]),
    (
        "owner_exists",
        &["name", "number", "id", "place", "waiting"],
    ),
    ("owner_pin_unknown", &["name"]),
    ("owner_pin_late", &["name"]),
    ("same_owner", &["owner"]),
    ("animal_twice", &["animal"]),
    ("animal_exists", &["animal", "owner", "id"]),
    ("wrong_sex", &["animal", "sex", "wanted", "code"]),
    ("too_young", &["animal", "born", "since"]),
    ("must_follow", &["animal", "code", "days"]),
    ("too_many_months", &["animal", "species", "month", "most"]),
    (
        "not_since",
        &["animal", "event", "on", "month", "trimester"],
    ),
    (
        "weighs_otherwise",
        &["animal", "species", "born", "weight", "min", "max", "sure"],
    ),
    ("born_tomorrow", &["date"]),
    ("gone_before", &["animal", "date", "on"]),
    ("future_date", &["date", "format"]),
    (
        "born_too_soon",
        &["animal", "date", "event", "on", "from", "id"],
    ),
    ("other_program", &["word", "program", "code", "kind"]),
    (
        "program_over",
        &["word", "program", "code", "from", "until"],
    ),
    ("withdrawn_permit", &["word"]),
    ("same_place", &["place"]),
    ("other_infrastructure", &["word", "name", "kind", "wanted"]),
    ("closed_case_elsewhere", &["case"]),
    ("nothing_to_acknowledge", &["word"]),
    ("nothing_to_withdraw", &[]),
    ("cannot_withdraw", &["code", "sent"]),
    ("too_old_to_withdraw", &["code", "sent"]),
    ("pin_unknown", &["name"]),
    ("pin_late", &["name"]),
    ("pin_used", &["name"]),
    ("pin_twice", &["name"]),
    ("pin_wrong_phone", &["name"]),
    ("pin_blocked", &["name"]),
    ("cannot_register", &["type"]),
    ("number_same", &["word"]),
    ("number_taken", &["word"]),
    ("unreachable", &["names", "count", "more"]),
    ("unknown_sender", &[]),
    ("suspended", &[]),
    ("left", &[]),
    ("try_later", &["trace"]),
    ("repeated", &["reply"]),
    ("training", &["reply"]),
    ("held_mail", &[]),
    ("too_many", &["limit"]),
    ("received", &["trace"]),
];

/// Adds the texts of `alerts.toml`; what is wrong with them.
pub(crate) fn add_alerts(texts: &[crate::alerts::Text], replies: &mut Replies) -> Vec<CodeFault> {
    let wrong = texts
        .iter()
        .flat_map(|(name, names, text)| replies.add(name, text, &Trial::of(names)));
    let fault = |what| CodeFault {
        file: "alerts.toml".to_owned(),
        line: None,
        what,
        remedy: "correct the text".to_owned(),
    };
    wrong.map(fault).collect()
}

/// Reads the file and adds its texts to the replies, every fault told.
pub(crate) fn add(file: &str, replies: &mut Replies) -> Vec<CodeFault> {
    let fault = |line, what: String, remedy: &str| CodeFault {
        file: FILE.to_owned(),
        line,
        what,
        remedy: remedy.to_owned(),
    };
    let table: toml::Table = match file.parse() {
        Ok(table) => table,
        Err(error) => return vec![super::load::syntax_fault(FILE, file, &error)],
    };
    let mut faults = Vec::new();
    for (key, names) in KEYS {
        let Some(value) = table.get(*key) else {
            faults.push(fault(
                None,
                format!("the text {key:?} is missing"),
                "add it in both languages",
            ));
            continue;
        };
        let line = super::load::line_of(file, key);
        match value.clone().try_into::<Both>() {
            Ok(text) => {
                let wrong = replies.add(key, &text, &Trial::of(names));
                faults.extend(
                    wrong
                        .into_iter()
                        .map(|what| fault(line, what, "correct the text")),
                );
            }
            Err(error) => faults.push(fault(
                line,
                format!("{key}: {}", error.message()),
                "give the text as id and en",
            )),
        }
    }
    let strange = table
        .keys()
        .filter(|key| !KEYS.iter().any(|(known, _)| known == key));
    faults.extend(strange.map(|key| {
        fault(
            super::load::line_of(file, key),
            format!("the engine says nothing named {key:?}"),
            "remove it",
        )
    }));
    faults
}
