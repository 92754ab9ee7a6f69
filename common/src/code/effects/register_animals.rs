use crate::Result;
use crate::code::values::Values;
use crate::code::{Value, Var};
use crate::db::herds::{self, NewAnimal, Owner};
use crate::db::subjects::Sort;
use crate::engine::{Deed, Done, Effected};
use crate::{Failure, code::effects::herd};
use jiff::civil::Date;

/// Registers the animals of the message's group: all of them or, when one cannot be, none. Wants the fields
/// `animal`, `breed`, `sex` and `age` (years) in a group, and an owner before it.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let owner = herd::owner(deed)?;
    let turns = deed
        .values
        .turns(deed.spec.group.as_deref().unwrap_or_default());
    let new = turns.iter().map(|turn| animal(deed, owner, turn));
    let new = new.collect::<Option<Vec<_>>>();
    let new = new.ok_or_else(|| Failure::retry("register_animals wants its group of fields"))?;
    let codes: Vec<&str> = new.iter().map(|a| a.code).collect();
    if let Some(refused) = herd::twice(&codes) {
        return Ok(refused);
    }
    if let Some(refused) = herd::taken(deed, owner, &codes).await? {
        return Ok(refused);
    }
    let mut done = Done::default();
    for id in herds::add_animals(deed.tx, &new).await? {
        done.made(Sort::Animal, id);
    }
    done.say("animal_list", Var::from(codes.join(", ")));
    Ok(Effected::Done(done))
}

fn animal<'a>(deed: &Deed<'_>, owner: &Owner, turn: &'a Values) -> Option<NewAnimal<'a>> {
    let code = match turn.get("animal")? {
        Value::Animal(code) => code,
        _ => return None,
    };
    let (Value::Code(kind), Value::Code(sex)) = (turn.get("breed")?, turn.get("sex")?) else {
        return None;
    };
    let years = match turn.get("age")? {
        Value::Decimal(years) => *years,
        _ => return None,
    };
    Some(NewAnimal {
        owner: owner.id,
        code,
        kind: &kind.code,
        species: kind.parent.as_ref().unwrap_or(&kind.code),
        sex: &sex.code,
        born_on: Some(born(herd::today(deed), years)),
        dam: None,
        by: deed.asked.sender.id,
        at: deed.asked.sent_at,
    })
}

/// The day of birth that an age in years stands for.
fn born(today: Date, years: f64) -> Date {
    // 365.25 days a year; a rule of the field keeps ages below what an i32 of days holds.
    let days = (years.clamp(0.0, 1000.0) * 365.25) as i32;
    super::breeding::days(today, -days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn an_age_is_a_day_of_birth() {
        let today = date(2026, 6, 1);
        assert_eq!(born(today, 0.0), today);
        assert_eq!(born(today, 2.0), date(2024, 6, 1));
        assert_eq!(born(today, 3.5), date(2022, 12, 1));
    }
}
