use super::case_outcome::state_after;
use crate::Result;
use crate::code::Var;
use crate::db::reports::Last;
use crate::db::{cases, herds, reports, subjects};
use crate::engine::{Deed, Done, Effected};
use crate::people::pin;
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
    let case = case_of(deed, &last).await?;
    let built_on = match &case {
        Some(case) if case.opened => reports::others_of_case(tx, case.id, last.id).await? > 0,
        Some(_) => cases::animals::named_since(tx, last.id).await?,
        None => false,
    };
    // A PIN that was used has made somebody a user; one that was not dies with the report.
    let built_on = built_on
        || pin::built_on(tx, last.message_id, last.line).await?
        || herds::registered_who_writes(tx, last.id).await?;
    if built_on || !subjects::undo(tx, last.id).await? {
        return Ok(Effected::Refused("cannot_withdraw", about(last)));
    }
    let gone = case.as_ref().is_some_and(|case| case.opened);
    if let Some(case) = case {
        undo(deed, &last, &case).await?;
    }
    reports::withdraw(tx, &last).await?;
    pin::withdraw(tx, last.message_id, last.line).await?;
    let mut done = Done::without_row(last.case_id);
    done.about = Some(last.message_id);
    done.say("gone", Var::from(gone));
    done.say("withdrawn", Var::from(last.code));
    done.say("sent", Var::from(last.text));
    Ok(Effected::Done(done))
}

/// The case of the message that is taken back.
struct Touched {
    id: i64,
    /// Whether that message opened it.
    opened: bool,
}

/// Locks the case against a response that is coming in just now.
async fn case_of(deed: &Deed<'_>, last: &Last) -> Result<Option<Touched>> {
    let Some(number) = last.case_id else {
        return Ok(None);
    };
    let Some(case) = cases::by_number(deed.tx, number).await? else {
        return Ok(None);
    };
    let opened = cases::opened_with(deed.tx, number, &last.code).await?;
    Ok(Some(Touched {
        id: case.id,
        opened,
    }))
}

/// Undoes what the message did to its case.
async fn undo(deed: &Deed<'_>, last: &Last, case: &Touched) -> Result {
    if case.opened {
        return cases::set_state(deed.tx, case.id, "withdrawn", None).await;
    }
    let spec = deed.codes.spec(&last.code);
    if spec.is_some_and(|s| s.effect.as_deref() == Some("case_outcome")) {
        let before = cases::outcome_before(deed.tx, case.id, last.id).await?;
        let (state, outcome) = (state_after(before.as_deref()), before.as_deref());
        cases::set_state(deed.tx, case.id, state, outcome).await?;
    }
    Ok(())
}
