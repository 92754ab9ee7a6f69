use crate::code::{Lexicon, Var};
use crate::engine::{Deed, Done, Effected, day};
use crate::language::Language;
use crate::{Failure, Result};
use jiff::tz::TimeZone;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Compares what arrived with what a permit allows. The permit itself stays as it is: that it was
/// confirmed is this message's report, which is why `H` can take it back and why the permit itself can
/// then not be withdrawn any more.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let permit = deed.found.permit("permit");
    let permit = permit.ok_or_else(|| Failure::retry("this effect wants a field `permit`"))?;
    let arrived = deed.values.to_json();
    // Day and night begin where the ministry is, as in the database's days.
    let zone = TimeZone::get("Asia/Jakarta").unwrap_or(TimeZone::UTC);
    let today = deed.asked.sent_at.to_zoned(zone).date();
    let mut done = Done::default();
    done.say("until", Var::from(day(permit.valid_until)));
    done.say("expired", Var::from(today > permit.valid_until));
    done.say(
        "differs",
        Var::from(counted(&arrived) != counted(&permit.fields)),
    );
    let lexicon = deed.codes.lexicon();
    done.say_in("permitted", |language| {
        in_words(&permit.fields, lexicon, language)
    });
    Ok(Effected::Done(done))
}

/// Heads of each species or breed.
fn counted(fields: &Json) -> BTreeMap<&str, i64> {
    let mut all = BTreeMap::new();
    for (kind, number) in animals(fields) {
        *all.entry(kind).or_default() += number;
    }
    all
}

fn in_words(fields: &Json, lexicon: &Lexicon, language: Language) -> String {
    let name = |code: &str| {
        let lists = ["breed", "species"].iter().filter_map(|l| lexicon.list(l));
        let entry = lists.filter_map(|list| list.find(code)).next();
        entry.map_or_else(|| code.to_owned(), |e| e.name.get(language).to_owned())
    };
    let words = animals(fields).map(|(kind, number)| format!("{number} {}", name(kind)));
    words.collect::<Vec<_>>().join(", ")
}

fn animals(fields: &Json) -> impl Iterator<Item = (&str, i64)> {
    let all = fields.get("animals").and_then(Json::as_array);
    all.into_iter().flatten().filter_map(|one| {
        let number = one.get("number")?.as_i64()?;
        Some((one.get("species")?.as_str()?, number))
    })
}
