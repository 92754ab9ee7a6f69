//! A case in words, so that whoever slipped in its number sees it in the answer.

use super::Done;
use crate::code::{Codes, Lexicon, Var};
use crate::db::cases::Case;
use crate::language::Language;
use serde_json::Value as Json;

/// Lets the texts of a message that names a case say which animals it is about (`subject`: `5 sapi, 3
/// kambing`; `case_species` without the numbers), what was seen (`case_signs`) and whether it was closed
/// before this message (`case_closed`).
pub(super) fn say(done: &mut Done, case: &Case, codes: &Codes) {
    let fields = &case.fields;
    done.say_in("subject", |language| subject(fields, codes, language));
    done.say_in("case_species", |language| {
        let names = animals(fields, codes.lexicon(), language);
        joined(names.map(|(name, _)| name.to_owned()))
    });
    done.say_in("case_signs", |language| {
        signs(fields, codes.lexicon(), language)
    });
    done.say("case_closed", Var::from(case.state == "closed"));
}

/// The animals of a case with their numbers: `5 sapi, 3 kambing`.
pub fn in_words(case: &Case, codes: &Codes, language: Language) -> String {
    subject(&case.fields, codes, language)
}

fn subject(fields: &Json, codes: &Codes, language: Language) -> String {
    let counted = |(name, number): (&str, i64)| {
        let values = [("number", Var::from(number)), ("name", Var::from(name))];
        codes.say("animals_of", language, &values)
    };
    joined(animals(fields, codes.lexicon(), language).map(counted))
}

fn animals<'a>(
    fields: &'a Json,
    lexicon: &'a Lexicon,
    language: Language,
) -> impl Iterator<Item = (&'a str, i64)> {
    let animals = fields.get("animals").and_then(Json::as_array);
    animals.into_iter().flatten().filter_map(move |animal| {
        let species = animal.get("species")?.as_str()?;
        let entry = lexicon.list("species")?.find(species)?;
        Some((entry.name.get(language), animal.get("number")?.as_i64()?))
    })
}

/// The syndrome of a case, or its signs.
fn signs(fields: &Json, lexicon: &Lexicon, language: Language) -> String {
    let word = |list: &str, code: &Json| {
        let entry = lexicon.list(list)?.find(code.as_str()?)?;
        Some(entry.name.get(language).to_owned())
    };
    let syndrome = fields
        .get("syndrome")
        .and_then(|code| word("syndrome", code));
    let signs = fields.get("sign").and_then(Json::as_array);
    let signs = signs
        .into_iter()
        .flatten()
        .filter_map(|code| word("sign", code));
    joined(syndrome.into_iter().chain(signs))
}

fn joined(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
