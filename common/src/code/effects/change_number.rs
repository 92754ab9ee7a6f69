use crate::code::{Value, Var};
use crate::engine::{Deed, Done, Effected, Lapse};
use crate::people::{self, NewNumber, NumberFault};
use crate::{Failure, Result};
use jiff::SignedDuration;

/// Prepares a change of number: the PIN in the answer must be sent from the new one, because a
/// slip in a digit would give the sender's place to a stranger.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let Some(Value::Phone(number)) = deed.values.get("number") else {
        return Err(Failure::retry("change_number wants a field `number`"));
    };
    let asked = deed.asked;
    let hours = deed.settings.registration_hours;
    let new = NewNumber {
        person: asked.sender.id,
        from: asked.address,
        to: number,
        message: (asked.message, asked.line),
        at: asked.received_at,
        life: SignedDuration::from_hours(i64::from(hours)),
    };
    let pin = match people::move_number(deed.tx, &new).await? {
        Ok(pin) => pin,
        Err(fault) => {
            let key = match fault {
                NumberFault::Same => "number_same",
                NumberFault::Taken => "number_taken",
            };
            return Ok(Effected::Refused(
                key,
                vec![("word", Var::from(number.as_str()))],
            ));
        }
    };
    let mut done = Done::default();
    done.lapses = Some(Lapse::Pin);
    done.say("pin", Var::from(pin));
    done.say("hours", Var::from(i64::from(hours)));
    Ok(Effected::Done(done))
}
