use super::{breeding, herd};
use crate::Result;
use crate::code::spec::{AnimalRules, Event};
use crate::code::{Value, Var};
use crate::db::herds::Animal;
use crate::engine::{Deed, Done, Effected};

/// Tells something about animals, within the rules of the code's `[animal]`; says what was reported before and
/// what is to be expected. Changes no row: who reports later finds the report itself.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let mut done = Done::default();
    let Some(rules) = &deed.spec.animal else {
        return Ok(Effected::Done(done));
    };
    for animal in herd::animals(deed) {
        if let Some(refused) = against(deed, rules, animal) {
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
    let month = month(deed).filter(|_| rules.event == Some(Event::Pregnancy))?;
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

/// Something that must have been reported before was not.
fn missing(deed: &Deed<'_>, rules: &AnimalRules, animal: &Animal) -> Option<Effected> {
    let after = rules.after.filter(|after| after.must)?;
    let told = herd::past(deed, animal);
    let since = breeding::days(herd::today(deed), -after.within_days);
    if breeding::latest(&told, after.event, since).is_some() {
        return None;
    }
    let tells = |spec: &str| {
        let rules = deed.codes.spec(spec).and_then(|s| s.animal.as_ref());
        rules.is_some_and(|a| a.event == Some(after.event))
    };
    let codes = deed.codes.specs().map(|s| s.code.as_str());
    let codes: Vec<&str> = codes.filter(|code| tells(code)).collect();
    let values = vec![
        ("animal", Var::from(animal.code.as_str())),
        ("code", Var::from(codes.join("/"))),
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
            let month = month(deed).filter(|month| *month > 0)?;
            Some(usual.due(&told, month, today))
        }
        _ => None,
    });
    for (name, date) in [("after", after), ("pregnant", pregnant), ("due", due)] {
        done.say(name, Var::from(date.map(herd::shown).unwrap_or_default()));
    }
}

fn month(deed: &Deed<'_>) -> Option<i64> {
    match deed.values.get("month") {
        Some(Value::Number(month)) => Some(*month),
        _ => None,
    }
}
