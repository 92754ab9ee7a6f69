use super::{breeding, herd, weights};
use crate::Result;
use crate::code::spec::{AnimalRules, Event};
use crate::code::{Value, Var};
use crate::db::herds::Animal;
use crate::engine::{Deed, Done, Effected};
use jiff::civil::Date;

/// The field by which a sender says that what contradicts our records is so all the same.
const SURE: &str = "sure";

/// Tells something about animals, within the rules of the code's `[animal]`; says what was reported before and
/// what is to be expected. Changes no row: who reports later finds the report itself.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let mut done = Done::default();
    let Some(rules) = &deed.spec.animal else {
        return Ok(Effected::Done(done));
    };
    for animal in herd::animals(deed) {
        let today = herd::latest_day(deed);
        let weighed = (
            animal.code.as_str(),
            animal.species.as_str(),
            animal.born_on,
        );
        let refused = against(deed, rules, animal)
            .or_else(|| contradicted(deed, rules, animal))
            .or_else(|| weighs(deed, rules, weighed, today));
        if let Some(refused) = refused {
            return Ok(refused);
        }
        tell(deed, rules, animal, &mut done);
    }
    Ok(Effected::Done(done))
}

/// Why the rules forbid it.
pub(super) fn against(deed: &Deed<'_>, rules: &AnimalRules, animal: &Animal) -> Option<Effected> {
    let code = ("animal", Var::from(animal.code.as_str()));
    let name = |list, code: &str| herd::name(deed, list, code, herd::language(deed));
    if let Some(wanted) = rules.sex.as_ref().filter(|sex| **sex != animal.sex) {
        let values = vec![
            code,
            ("sex", name("sex", &animal.sex).into()),
            ("wanted", name("sex", wanted).into()),
            ("code", Var::from(deed.spec.code.as_str())),
        ];
        return Some(Effected::Refused("wrong_sex", values));
    }
    let usual = breeding::of(&animal.species);
    if let (true, Some(usual), Some(born)) = (rules.mature, usual, animal.born_on) {
        let since = breeding::days(born, usual.mature);
        if herd::latest_day(deed) < since {
            let (born, since) = (herd::shown(born).into(), herd::shown(since).into());
            let values = vec![code, ("born", born), ("since", since)];
            return Some(Effected::Refused("too_young", values));
        }
    }
    too_long(deed, rules, animal).or_else(|| missing(deed, rules, animal))
}

/// More months of pregnancy than the species has.
fn too_long(deed: &Deed<'_>, rules: &AnimalRules, animal: &Animal) -> Option<Effected> {
    let month = number(deed, "month").filter(|_| rules.event == Some(Event::Pregnancy))?;
    let most = breeding::of(&animal.species)?.most_months();
    let species = herd::name(deed, "species", &animal.species, herd::language(deed));
    let values = || {
        vec![
            ("animal", Var::from(animal.code.as_str())),
            ("species", species.into()),
            ("month", Var::from(month)),
            ("most", Var::from(most)),
        ]
    };
    (month > most).then(|| Effected::Refused("too_many_months", values()))
}

/// What was reported of her before stands against it, and the sender did not say that it is so all the same.
fn contradicted(deed: &Deed<'_>, rules: &AnimalRules, animal: &Animal) -> Option<Effected> {
    if deed.values.get(SURE).is_some() {
        return None;
    }
    let (usual, told) = (breeding::of(&animal.species)?, herd::past(deed, animal));
    let (today, month) = (herd::today(deed), number(deed, "month"));
    let trimester = number(deed, "trimester");
    let other = match rules.event? {
        Event::Pregnancy => usual.against_pregnancy(&told, month?, today)?,
        Event::Loss => usual.against_loss(&told, trimester?, today)?,
        _ => return None,
    };
    let values = vec![
        ("animal", Var::from(animal.code.as_str())),
        ("event", Var::from(herd::event(other.event))),
        ("on", herd::shown(other.on).into()),
        ("month", Var::from(month)),
        ("trimester", Var::from(trimester)),
    ];
    Some(Effected::Refused("not_since", values))
}

/// An animal of this code and species, born then, does not weigh on that day what the message says.
pub(super) fn weighs(
    deed: &Deed<'_>,
    rules: &AnimalRules,
    (code, species, born): (&str, &str, Option<Date>),
    on: Date,
) -> Option<Effected> {
    let Some(Value::Decimal(weight)) = deed.values.get(rules.weight.as_deref()?) else {
        return None;
    };
    let age = born.and_then(|born| Some(on.since(born).ok()?.get_days()));
    let usual = weights::of(species, age)?;
    if deed.values.get(SURE).is_some() || (usual.lightest..=usual.heaviest).contains(weight) {
        return None;
    }
    let language = herd::language(deed);
    let kg = |weight: f64| Var::from(Value::Decimal(weight).shown(language));
    let values = vec![
        ("animal", Var::from(code)),
        (
            "species",
            herd::name(deed, "species", species, language).into(),
        ),
        ("born", born.map(herd::shown).unwrap_or_default().into()),
        ("weight", kg(*weight)),
        ("min", kg(usual.lightest)),
        ("max", kg(usual.heaviest)),
        ("sure", Var::from(deed.spec.field(SURE).is_some())),
    ];
    Some(Effected::Refused("weighs_otherwise", values))
}

/// Something that must have been reported before was not.
fn missing(deed: &Deed<'_>, rules: &AnimalRules, animal: &Animal) -> Option<Effected> {
    let after = rules.after.filter(|after| after.must)?;
    let told = herd::past(deed, animal);
    let since = breeding::days(herd::today(deed), -after.within_days);
    if breeding::latest(&told, after.event, since).is_some() {
        return None;
    }
    let values = vec![
        ("animal", Var::from(animal.code.as_str())),
        ("code", Var::from(herd::codes(deed, after.event))),
        ("days", Var::from(after.within_days)),
    ];
    Some(Effected::Refused("must_follow", values))
}

/// What the answer may say besides the fields.
fn tell(deed: &Deed<'_>, rules: &AnimalRules, animal: &Animal, done: &mut Done) {
    let today = herd::today(deed);
    let told = herd::past(deed, animal);
    let usual = breeding::of(&animal.species);
    let after = rules.after.and_then(|after| {
        let since = breeding::days(today, -after.within_days);
        breeding::latest(&told, after.event, since)
    });
    let pregnant = usual.and_then(|usual| usual.pregnant(&told, today));
    let due = usual.and_then(|usual| match rules.event {
        Some(Event::Insemination) => Some(breeding::days(today, usual.gestation)),
        Some(Event::Pregnancy) => {
            let month = number(deed, "month").filter(|month| *month > 0)?;
            Some(usual.due(&told, month, today))
        }
        _ => None,
    });
    for (name, date) in [("after", after), ("pregnant", pregnant), ("due", due)] {
        done.say(name, Var::from(date.map(herd::shown).unwrap_or_default()));
    }
}

fn number(deed: &Deed<'_>, field: &str) -> Option<i64> {
    match deed.values.get(field) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    }
}
