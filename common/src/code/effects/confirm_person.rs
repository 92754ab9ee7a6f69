use crate::code::{Value, Var};
use crate::engine::{Deed, Done, Effected};
use crate::people::{
    self, Confirmed, Sent,
    pin::{self, Unfit},
};
use crate::{Failure, Result};

/// Uses a PIN that came from a telephone that nobody has: it becomes that of a new user, or the new
/// number of one. Whoever is known already is told what to do with the PIN instead.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let Some(Value::Number(digits)) = deed.values.get("pin") else {
        return Err(Failure::retry("confirm_person wants a number `pin`"));
    };
    let (digits, asked) = (digits.to_string(), deed.asked);
    if !asked.sender.is_stranger() {
        let name = vec![("name", Var::from(asked.sender.name.as_str()))];
        let twice = pin::was_used_by(deed.tx, &digits, asked.address).await?;
        let key = if twice {
            "pin_twice"
        } else {
            "pin_wrong_phone"
        };
        return Ok(Effected::Refused(key, name));
    }
    let sent = Sent {
        digits: &digits,
        from: asked.address,
        language: &asked.sender.language,
        message: asked.message,
        at: asked.received_at,
    };
    let confirmed = match people::confirm(deed.tx, &sent).await? {
        Ok(confirmed) => confirmed,
        Err(why) => return Ok(Effected::Refused(key(why), vec![("name", Var::from(""))])),
    };
    let mut done = Done::without_row(None);
    let (name, moved) = match confirmed {
        Confirmed::Person(name) => (name, false),
        Confirmed::Number(name) => (name, true),
    };
    done.say("name", Var::from(name));
    done.say("moved", Var::from(moved));
    Ok(Effected::Done(done))
}

pub(super) fn key(why: Unfit) -> &'static str {
    match why {
        Unfit::Unknown => "pin_unknown",
        Unfit::Late => "pin_late",
        Unfit::Used => "pin_used",
        Unfit::Twice => "pin_twice",
        Unfit::WrongPhone => "pin_wrong_phone",
        Unfit::Blocked => "pin_blocked",
    }
}
