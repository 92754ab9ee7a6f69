use super::case_outcome::case_of;
use crate::Result;
use crate::code::Var;
use crate::db::cases;
use crate::engine::{Deed, Done, Effected};

/// Adds a response to a case that is open; the one who reported it is named in the answer, so that
/// an officer knows whom to ring.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let case = case_of(deed)?;
    if case.state == "closed" {
        return Ok(Effected::Refused(
            "closed_case",
            vec![("case", Var::from(case.id))],
        ));
    }
    let (name, phone) = cases::reporter(deed.tx, case.id).await?;
    let mut done = Done::to_case(case.id);
    done.say("reporter", Var::from(name));
    done.say("reporter_phone", Var::from(phone));
    Ok(Effected::Done(done))
}
