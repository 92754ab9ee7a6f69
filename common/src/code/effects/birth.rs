use super::breeding::{self, LITTER, Origin, TooSoon};
use super::{herd, herd_event};
use crate::code::spec::Event;
use crate::code::values::PartDate;
use crate::code::{Value, Var};
use crate::db::herds::{self, Animal, NewAnimal, Owner};
use crate::db::subjects::Sort;
use crate::engine::{Deed, Done, Effected};
use crate::{Failure, Result};
use jiff::civil::Date;

/// Makes the calf of a dam: of her kind, in her herd. A birth that is not possible by what was reported of her
/// is refused with the dates; one of which nothing was reported is believed. Wants the fields `sex`, `calf`
/// and `date`, and one of type `animal`, the dam.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let fields = (
        deed.values.get("sex"),
        deed.values.get("calf"),
        deed.values.get("date"),
    );
    let (Some(Value::Code(sex)), Some(Value::Animal(calf)), Some(Value::Date(date))) = fields
    else {
        return Err(Failure::retry("birth wants the fields sex, calf and date"));
    };
    let (owner, [dam]) = (herd::owner(deed)?, herd::animals(deed)) else {
        return Err(Failure::retry("birth wants one dam"));
    };
    let rules = deed.spec.animal.as_ref();
    if let Some(refused) = rules.and_then(|rules| herd_event::against(deed, rules, dam)) {
        return Ok(refused);
    }
    let (born, _) = bounds(*date, herd::latest_day(deed));
    let calf_of = (calf.as_str(), dam.species.as_str(), Some(born));
    if let Some(refused) = rules.and_then(|rules| herd_event::weighs(deed, rules, calf_of, born)) {
        return Ok(refused);
    }
    let origin = match origin(deed, dam, *date) {
        Ok(origin) => origin,
        Err(refused) => return Ok(*refused),
    };
    if let Some(refused) = herd::taken(deed, owner, &[calf]).await? {
        return Ok(refused);
    }
    let id = match add(deed, (owner, dam), (calf, &sex.code), *date).await? {
        Ok(id) => id,
        Err(soon) => return Ok(too_soon(deed, dam, *date, &soon)),
    };
    let mut done = Done::default();
    done.made(Sort::Animal, id);
    let insemination = origin.insemination.map(herd::shown).unwrap_or_default();
    done.say("insemination", insemination.into());
    done.say("unknown", Var::from(origin.unknown));
    let unfit = origin.unfit.iter();
    let unfit =
        unfit.map(|one| format!("{} {}", herd::codes(deed, one.event), herd::shown(one.on)));
    done.say("unfit", Var::from(unfit.collect::<Vec<_>>().join(", ")));
    done.say_in("breed", |language| herd::kind(deed, dam, language));
    Ok(Effected::Done(done))
}

/// Where the birth comes from; the `Err` says why it cannot be.
fn origin(
    deed: &Deed<'_>,
    dam: &Animal,
    date: PartDate,
) -> std::result::Result<Origin, Box<Effected>> {
    let today = herd::latest_day(deed);
    let (first, last) = bounds(date, today);
    if first > today {
        let date = ("date", Var::from(date.to_string()));
        return Err(Box::new(Effected::Refused("born_tomorrow", vec![date])));
    }
    if let Some(gone) = dam.gone_on.filter(|gone| first > *gone) {
        let values = vec![
            ("animal", Var::from(dam.code.as_str())),
            ("date", Var::from(date.to_string())),
            ("on", herd::shown(gone).into()),
        ];
        return Err(Box::new(Effected::Refused("gone_before", values)));
    }
    let unknown = Origin {
        insemination: None,
        unknown: true,
        unfit: Vec::new(),
    };
    let Some(usual) = breeding::of(&dam.species) else {
        return Ok(unknown);
    };
    let told = herd::past(deed, dam);
    // Of a month any day may be meant: the last one has the most behind it, the first one the most before it.
    let whole = usual
        .birth(dam, &told, last)
        .or_else(|_| usual.birth(dam, &told, first));
    whole.map_err(|soon| Box::new(too_soon(deed, dam, date, &soon)))
}

fn too_soon(deed: &Deed<'_>, dam: &Animal, date: PartDate, soon: &TooSoon) -> Effected {
    let event = soon.event.map(herd::event).unwrap_or_default();
    let id = deed.found.herd().map(|owner| owner.id);
    let values = vec![
        ("animal", Var::from(dam.code.as_str())),
        ("date", Var::from(date.to_string())),
        ("event", Var::from(event)),
        ("on", herd::shown(soon.on).into()),
        ("from", herd::shown(soon.from).into()),
        ("id", Var::from(id)),
    ];
    Effected::Refused("born_too_soon", values)
}

/// Keeps the calf; the `Err` is another birth of its dam that somebody reported a moment ago, or so long ago
/// that it was not looked at.
async fn add(
    deed: &Deed<'_>,
    (owner, dam): (&Owner, &Animal),
    (calf, sex): (&str, &str),
    date: PartDate,
) -> Result<std::result::Result<i64, TooSoon>> {
    let (born, _) = bounds(date, herd::latest_day(deed));
    let new = NewAnimal {
        owner: owner.id,
        code: calf,
        kind: &dam.kind,
        species: &dam.species,
        sex,
        born_on: Some(born),
        dam: Some(dam.id),
        by: deed.asked.sender.id,
        at: deed.asked.sent_at,
    };
    // A month has no day, and says nothing about how far apart two births were.
    let apart = breeding::of(&dam.species).filter(|_| date.day.is_some());
    let apart = apart.map_or(0, breeding::Species::shortest);
    let added = herds::add_calf(deed.tx, &new, (LITTER, apart)).await?;
    Ok(added.map_err(|on| TooSoon {
        event: Some(Event::Birth),
        on,
        from: breeding::days(on, apart),
    }))
}

/// The first and the last day that a date may mean, the last one not after today.
fn bounds(date: PartDate, today: Date) -> (Date, Date) {
    let day = date.day.unwrap_or(1);
    // The parser takes only dates that exist.
    let first = Date::new(date.year, date.month, day).unwrap_or(today);
    let last = match date.day {
        Some(_) => first,
        None => first.last_of_month(),
    };
    (first, last.min(today).max(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_date_without_a_day_may_mean_any() {
        let part = |day| PartDate {
            year: 2026,
            month: 2,
            day,
        };
        let today = date(2026, 2, 20);
        assert_eq!(
            bounds(part(Some(3)), today),
            (date(2026, 2, 3), date(2026, 2, 3))
        );
        assert_eq!(bounds(part(None), today), (date(2026, 2, 1), today));
        let later = date(2026, 6, 1);
        assert_eq!(
            bounds(part(None), later),
            (date(2026, 2, 1), date(2026, 2, 28))
        );
    }
}
