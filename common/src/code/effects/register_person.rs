use crate::code::{Value, Var};
use crate::engine::{Deed, Done, Effected, Lapse};
use crate::people::{self, NewPerson};
use crate::{Failure, Result};
use jiff::SignedDuration;

/// Registers somebody by their name, place and type; they become a user when they send the PIN
/// from their own telephone. Nobody registers whoever stands above them ([`people::beyond`]), or who lives
/// where they answer for nothing.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let (Some(Value::Text(name)), Some(Value::Code(user_type)), Some(place)) = (
        deed.values.get("name"),
        deed.values.get("user_type"),
        deed.place,
    ) else {
        return Err(Failure::retry(
            "register_person wants fields name, user_type (a list) and place, all mandatory",
        ));
    };
    let (asked, sender) = (deed.asked, deed.asked.sender);
    let may: Vec<&str> = sender.permissions.iter().map(String::as_str).collect();
    if !people::beyond(deed.tx, &user_type.code, &may)
        .await?
        .is_empty()
    {
        let name = user_type.name.get(deed.language()).to_owned();
        let values = vec![("type", Var::from(name))];
        return Ok(Effected::Refused("cannot_register", values));
    }
    if !people::answers_for(deed.tx, sender.id, place.id).await? {
        let place = vec![("place", Var::from(place.name()))];
        return Ok(Effected::Refused("outside_area", place));
    }
    let new = NewPerson {
        name,
        user_type: &user_type.code,
        home_place: place.id,
        made_by: sender.id,
        message: (asked.message, asked.line),
        at: asked.received_at,
        life: SignedDuration::from_hours(i64::from(deed.settings.registration_hours)),
        training: sender.training,
    };
    let pin = people::register(deed.tx, &new).await?;
    let mut done = Done::default();
    done.lapses = Some(Lapse::Pin);
    done.say("pin", Var::from(pin));
    let names = &place.names;
    done.say(
        "village",
        Var::from(names.first().cloned().unwrap_or_default()),
    );
    done.say(
        "province",
        Var::from(names.last().cloned().unwrap_or_default()),
    );
    done.say(
        "hours",
        Var::from(i64::from(deed.settings.registration_hours)),
    );
    Ok(Effected::Done(done))
}
