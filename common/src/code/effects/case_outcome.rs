use super::herd;
use crate::code::{Value, Var};
use crate::db::cases::{self, Case};
use crate::engine::{Deed, Done, Effected};
use crate::{Failure, Result};

/// Outcomes that leave a case open; all others close it (the original's MS, still sick).
const STILL_OPEN: &[&str] = &["MS"];

/// Sets a case's outcome. A closed case may get another one: who erred corrects it with the same
/// code, and `MS` opens it again; but not somebody whom it does not concern, who more likely
/// mistyped its number. An outcome that arrives after a newer one is stored and changes
/// nothing.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let case = case_of(deed)?;
    let Some(Value::Code(outcome)) = deed.values.get("outcome") else {
        return Err(Failure::retry(
            "case_outcome wants a field `outcome` of a list",
        ));
    };
    let asked = deed.asked;
    if case.state == "closed" && !cases::concerns(deed.tx, case, asked.sender.id).await? {
        let about = vec![("case", Var::from(case.id))];
        return Ok(Effected::Refused("closed_case_elsewhere", about));
    }
    let (sent_at, received_at) = (asked.sent_at, asked.received_at);
    let late = cases::has_newer_outcome(deed.tx, case.id, sent_at, received_at).await?;
    let state = state_after(Some(&outcome.code));
    if !late {
        cases::set_state(deed.tx, case.id, state, Some(&outcome.code)).await?;
    }
    let mut done = Done::to_case(case.id);
    done.say("closed", Var::from(!late && state == "closed"));
    let before = case.outcome.as_deref();
    let before = before.filter(|before| !late && case.state == "closed" && *before != outcome.code);
    done.say_in("before", |language| {
        before.map_or_else(String::new, |code| {
            herd::name(deed, "outcome", code, language)
        })
    });
    Ok(Effected::Done(done))
}

/// The state that follows from an outcome; used again when a later one is withdrawn.
pub(super) fn state_after(outcome: Option<&str>) -> &'static str {
    match outcome {
        Some(code) if !STILL_OPEN.contains(&code) => "closed",
        _ => "open",
    }
}

/// The case that the message names; the engine looked it up before the effect.
pub(super) fn case_of<'a>(deed: &Deed<'a>) -> Result<&'a Case> {
    deed.case
        .ok_or_else(|| Failure::retry("this effect wants a mandatory field of type case"))
}
