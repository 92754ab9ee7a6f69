use super::case_outcome::state_after;
use crate::Result;
use crate::code::Var;
use crate::db::reports::Last;
use crate::db::{cases, reports};
use crate::engine::{Deed, Done, Effected};
use jiff::SignedDuration;

/// People take back what they sent just now. When the last message that we know was sent longer
/// ago than this before the `H`, the one that is meant has probably not arrived yet (an SMS may
/// take days), and taking back another would destroy a good report.
const LATEST: SignedDuration = SignedDuration::from_hours(24);

/// Takes the sender's last stored message back. Nothing is deleted: the row is marked. Only the
/// very last message can be meant, so that a second `H`, sent because no answer came, does not
/// take another one with it.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let tx = deed.tx;
    let last = reports::last_of(tx, deed.asked.sender.id, deed.asked.sent_at).await?;
    let Some(last) = last.filter(|l| !l.withdrawn) else {
        return Ok(Effected::Refused("nothing_to_withdraw", Vec::new()));
    };
    let about = |last: Last| vec![("code", Var::from(last.code)), ("sent", last.text.into())];
    if deed.asked.sent_at.duration_since(last.sent_at) > LATEST {
        return Ok(Effected::Refused("too_old_to_withdraw", about(last)));
    }
    if !undo(deed, &last).await? {
        return Ok(Effected::Refused("cannot_withdraw", about(last)));
    }
    reports::withdraw(tx, &last).await?;
    let mut done = Done::without_row(last.case_id);
    done.say("withdrawn", Var::from(last.code));
    done.say("sent", Var::from(last.text));
    Ok(Effected::Done(done))
}

/// Undoes what the message did to a case; false when something was built on it since.
async fn undo(deed: &Deed<'_>, last: &Last) -> Result<bool> {
    // A PIN that was used has made somebody a user; one that was not dies with the report.
    if crate::people::pin::built_on(deed.tx, last.message_id, last.line).await? {
        return Ok(false);
    }
    let Some(number) = last.case_id else {
        return Ok(true);
    };
    let tx = deed.tx;
    // Locks the case against a response that is coming in just now.
    let Some(case) = cases::by_number(tx, number).await? else {
        return Ok(true);
    };
    if cases::opened_with(tx, number, &last.code).await? {
        if reports::others_of_case(tx, number, last.id).await? > 0 {
            return Ok(false);
        }
        cases::set_state(tx, number, "withdrawn", None).await?;
        return Ok(true);
    }
    if deed
        .codes
        .spec(&last.code)
        .is_some_and(|s| s.effect.as_deref() == Some("case_outcome"))
    {
        let before = cases::outcome_before(tx, case.id, last.id).await?;
        cases::set_state(
            tx,
            case.id,
            state_after(before.as_deref()),
            before.as_deref(),
        )
        .await?;
    }
    Ok(true)
}
