use super::case_outcome::case_of;
use crate::code::{Value, Var};
use crate::db::cases;
use crate::engine::{Deed, Done, Effected, in_words};
use crate::{Failure, Result};

/// Joins two cases that are one event. Each stays what it is, with its own outcome; the report of either
/// shows the other. Joining twice changes nothing.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let case = case_of(deed)?;
    let Some(Value::Case(number)) = deed.values.get("other") else {
        return Err(Failure::retry(
            "link_cases wants a field `other` of type case",
        ));
    };
    if *number == case.id {
        let values = vec![("case", Var::from(case.id))];
        return Ok(Effected::Refused("same_case", values));
    }
    let Some(other) = cases::by_number(deed.tx, *number).await? else {
        let values = vec![("word", Var::from(*number))];
        return Ok(Effected::Refused("unknown_case", values));
    };
    let report = deed.asked.report_id();
    cases::link(deed.tx, (case.id, other.id), report).await?;
    let mut done = Done::to_case(case.id);
    done.say_in("other_subject", |language| {
        in_words(&other, deed.codes, language)
    });
    let village = cases::village(deed.tx, other.place).await?;
    done.say("other_place", Var::from(village));
    Ok(Effected::Done(done))
}
