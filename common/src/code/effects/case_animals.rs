use super::case_outcome::case_of;
use crate::Result;
use crate::code::{Value, Var};
use crate::db::cases::animals::{self, CaseAnimal};
use crate::engine::{Deed, Done, Effected};

/// Most numbers of a case that are told when one is not among them.
const TOLD: usize = 12;

/// Gives registered animals numbers within a case, going on from those that it has. An animal that has one
/// keeps it: whoever sends the same animal twice is told its number again.
pub(super) async fn add(deed: &Deed<'_>) -> Result<Effected> {
    let case = case_of(deed)?;
    let mut rows: Vec<i64> = Vec::new();
    for animal in deed.found.herded() {
        if !rows.contains(&animal.id) {
            rows.push(animal.id);
        }
    }
    let all = animals::add(deed.tx, case.id, &rows, deed.asked.report_id()).await?;
    let mut done = Done::to_case(case.id);
    done.say("numbered", Var::from(numbered(&all)));
    Ok(Effected::Done(done))
}

/// A treatment of single animals, by their numbers within the case.
pub(super) async fn treat(deed: &Deed<'_>) -> Result<Effected> {
    let case = case_of(deed)?;
    let all = animals::of(deed.tx, case.id).await?;
    let mut treated = Vec::new();
    for value in deed.values.words("animal_no") {
        let Value::Number(number) = *value else {
            continue;
        };
        match all.iter().find(|a| i64::from(a.number) == number) {
            Some(animal) => treated.push(animal.clone()),
            None => {
                let values = vec![
                    ("case", Var::from(case.id)),
                    ("word", Var::from(number)),
                    ("near", Var::from(shortened(&all))),
                ];
                return Ok(Effected::Refused("unknown_case_animal", values));
            }
        }
    }
    let mut done = Done::to_case(case.id);
    done.say("numbered", Var::from(numbered(&treated)));
    Ok(Effected::Done(done))
}

/// Animals with their numbers in a case: `1=A17, 2=A18`.
pub(super) fn numbered(animals: &[CaseAnimal]) -> String {
    let one = |a: &CaseAnimal| format!("{}={}", a.number, a.code);
    animals.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn shortened(animals: &[CaseAnimal]) -> String {
    let told = numbered(&animals[..animals.len().min(TOLD)]);
    if animals.len() > TOLD {
        format!("{told}, ...")
    } else {
        told
    }
}
