//! What effects about herds share.

use crate::code::spec::Event;
use crate::code::{Spec, Var};
use crate::db::herds::{self, Animal, Hold, Owner};
use crate::engine::{Deed, EAST, Effected};
use crate::language::Language;
use crate::{Failure, Result};
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use std::sync::Arc;

use super::breeding::Told;

/// The clock of most of the country, by which days are told: UTC+7.
const WEST: i8 = 7;

/// The herd that the message speaks of.
pub(super) fn owner<'a>(deed: &'a Deed<'_>) -> Result<&'a Owner> {
    let owner = deed.found.herd();
    owner.ok_or_else(|| Failure::retry("this effect wants a field of type owner"))
}

/// The animals that the message names in its first field of that type.
pub(super) fn animals<'a>(deed: &'a Deed<'_>) -> &'a [Animal] {
    let fields = deed.spec.fields.iter();
    let found = fields.map(|field| deed.found.animals(&field.name));
    found.into_iter().find(|all| !all.is_empty()).unwrap_or(&[])
}

/// The day on which the message was sent.
pub(super) fn today(deed: &Deed<'_>) -> Date {
    day(deed, WEST)
}

/// The latest day that it is anywhere in the country.
pub(super) fn latest_day(deed: &Deed<'_>) -> Date {
    day(deed, EAST)
}

fn day(deed: &Deed<'_>, hours: i8) -> Date {
    let zone = TimeZone::fixed(Offset::constant(hours));
    deed.asked.sent_at.to_zoned(zone).date()
}

/// A refusal when one of these ids stands twice in the message.
pub(super) fn twice(codes: &[&str]) -> Option<Effected> {
    let again = codes.iter().enumerate();
    let again = again.filter(|(at, code)| codes[..*at].contains(code));
    let again: Vec<&str> = again.map(|(_, code)| *code).collect();
    let animal = ("animal", Var::from(again.join(", ")));
    (!again.is_empty()).then(|| Effected::Refused("animal_twice", vec![animal]))
}

/// A refusal when a living animal of a herd goes by one of these ids.
pub(super) async fn taken(
    deed: &Deed<'_>,
    owner: &Owner,
    codes: &[&str],
) -> Result<Option<Effected>> {
    let there = herds::animals(deed.tx, owner.id, codes, &[], Hold::Read).await?;
    let there: Vec<&str> = there.iter().map(|a| a.code.as_str()).collect();
    let values = vec![
        ("animal", Var::from(there.join(", "))),
        ("owner", Var::from(owner.name.as_str())),
        ("id", Var::from(owner.id)),
    ];
    Ok((!there.is_empty()).then(|| Effected::Refused("animal_exists", values)))
}

/// What was reported of an animal, by what its codes tell.
pub(super) fn past(deed: &Deed<'_>, animal: &Animal) -> Vec<Told> {
    let told = animal.past.iter().filter_map(|past| {
        let rules = deed.codes.spec(&past.code)?.animal.as_ref()?;
        let event = rules.event?;
        let on = match event {
            Event::Birth => past.date.as_deref().and_then(first_day).unwrap_or(past.on),
            _ => past.on,
        };
        let month = past.month.unwrap_or_default();
        Some(Told { event, on, month })
    });
    told.collect()
}

/// An event as texts choose by it.
pub(super) fn event(event: Event) -> &'static str {
    match event {
        Event::Heat => "heat",
        Event::Insemination => "insemination",
        Event::Pregnancy => "pregnancy",
        Event::Loss => "loss",
        Event::Birth => "birth",
    }
}

/// The codes that tell of an event.
pub(super) fn codes(deed: &Deed<'_>, event: Event) -> String {
    let tells = |spec: &&Arc<Spec>| {
        let rules = spec.animal.as_ref();
        rules.is_some_and(|rules| rules.event == Some(event))
    };
    let codes = deed.codes.specs().filter(tells);
    let codes: Vec<&str> = codes.map(|spec| spec.code.as_str()).collect();
    codes.join("/")
}

/// The first day of a date that may leave the day open.
fn first_day(iso: &str) -> Option<Date> {
    let whole = if iso.len() == 7 {
        format!("{iso}-01")
    } else {
        iso.to_owned()
    };
    whole.parse().ok()
}

/// A day as answers print it in both languages.
pub(super) fn shown(date: Date) -> String {
    date.strftime("%d/%m/%Y").to_string()
}

/// The language in which the sender is answered.
pub(super) fn language(deed: &Deed<'_>) -> Language {
    Language::from_tag(&deed.asked.sender.language).unwrap_or_default()
}

/// A code of a list in words; the code itself where the list has it no more.
pub(super) fn name(deed: &Deed<'_>, list: &str, code: &str, language: Language) -> String {
    let list = deed.codes.lexicon().list(list);
    let entry = list.and_then(|list| list.find(code));
    entry.map_or_else(|| code.to_owned(), |e| e.name.get(language).to_owned())
}

/// An animal's breed, or its species where the breed is not known, in words.
pub(super) fn kind(deed: &Deed<'_>, animal: &Animal, language: Language) -> String {
    let list = if animal.kind == animal.species {
        "species"
    } else {
        "breed"
    };
    name(deed, list, &animal.kind, language)
}
