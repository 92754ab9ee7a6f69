use super::case_animals::numbered;
use crate::code::Var;
use crate::db::cases::{self, Event};
use crate::db::herds::Animal;
use crate::engine::{Asked, Deed, Done, Effected};
use crate::{Failure, Result};
use serde_json::{Value as Json, json};

/// Opens a case. Its number is what people type from then on. When somebody else reported what looks like
/// the same event, both stand: two reports are two facts, and the answer says how to join them.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    // A code that opens cases has a place field or names an owner, and the engine refuses a message without a place.
    let place = deed
        .place
        .ok_or_else(|| Failure::retry("a case without a place"))?;
    let Asked {
        sender, sent_at, ..
    } = *deed.asked;
    let animals: Vec<&Animal> = deed.found.herded().collect();
    let mut fields = deed.values.to_json();
    if !animals.is_empty() {
        fields["animals"] = by_species(&animals);
    }
    let event = Event {
        place: place.id,
        sender: sender.id,
        at: sent_at,
        fields: &fields,
    };
    let alike = match deed.settings.alike_days {
        0 => None,
        days => cases::alike(deed.tx, &event, days).await?,
    };
    let code = &deed.spec.code;
    let case = cases::open(deed.tx, code, sender.id, place.id, sent_at).await?;
    let mut done = Done::to_case(case);
    if !animals.is_empty() {
        let rows: Vec<i64> = animals.iter().map(|a| a.id).collect();
        let report = deed.asked.report_id();
        let all = cases::animals::add(deed.tx, case, &rows, report).await?;
        done.say("numbered", Var::from(numbered(&all)));
        done.keep("animals", fields["animals"].take());
    }
    if let Some((number, reporter)) = alike {
        done.say("alike", Var::from(number));
        done.say("alike_by", Var::from(reporter));
        done.say("may_link", Var::from(sender.may("can_send_link")));
    }
    Ok(Effected::Done(done))
}

/// Registered animals as the codes count them that name a species and a number.
fn by_species(animals: &[&Animal]) -> Json {
    let mut counts: Vec<(&str, i64)> = Vec::new();
    for animal in animals {
        match counts.iter_mut().find(|(s, _)| *s == animal.species) {
            Some((_, number)) => *number += 1,
            None => counts.push((&animal.species, 1)),
        }
    }
    let turn = |(species, number): &(&str, i64)| json!({ "species": species, "number": number });
    counts.iter().map(turn).collect()
}
