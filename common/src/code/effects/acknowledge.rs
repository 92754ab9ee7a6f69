use crate::Result;
use crate::code::Var;
use crate::db::alerts;
use crate::engine::{Deed, Done, Effected};

/// Says that an alert was read: those about the case that is named, else all that the last text to
/// the sender told. No report: `H` after it takes back what was sent before. The same twice is
/// answered as the first.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let (tx, asked) = (deed.tx, deed.asked);
    let (person, message) = (asked.sender.id, asked.message);
    let cases = match deed.case {
        Some(case) => {
            let read = alerts::acknowledge_case(tx, person, case.id, message).await?;
            read.then(|| vec![case.id])
        }
        None => alerts::acknowledge_last(tx, person, asked.sent_at, message).await?,
    };
    let Some(cases) = cases else {
        let word = deed
            .case
            .map_or_else(|| Var::from(""), |case| case.id.into());
        return Ok(Effected::Refused(
            "nothing_to_acknowledge",
            vec![("word", word)],
        ));
    };
    let only = match cases.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let mut done = Done::without_row(only);
    let numbers: Vec<String> = cases.iter().map(i64::to_string).collect();
    done.say("cases", Var::from(numbers.join(", ")));
    Ok(Effected::Done(done))
}
