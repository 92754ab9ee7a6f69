use crate::code::{Value, Var};
use crate::db::herds::{self, Owner, Table, UNIQUE};
use crate::db::subjects::Sort;
use crate::engine::{Deed, Done, Effected, Lapse};
use crate::people::pin::{self, Purpose, Wanted};
use crate::{Failure, Result, people, phone};
use jiff::SignedDuration;

/// Two owners of one name in one village are one owner when nothing else tells them apart and they are
/// registered within this time: two officers at the same meeting.
const SAME: SignedDuration = SignedDuration::from_hours(24);

/// Marks PINs that were given in training.
pub(super) const TRAINING: &str = "training";

/// Registers an owner; at once with an identification, else when they confirm it from their own telephone
/// with a PIN. Who is there already is named, and not registered again, also when two officers do so at once:
/// they wait for each other. Who has not confirmed anything gets another PIN, or their first one: from the
/// officer who registered them or, when the time of that one's PIN is over, from any. With an identification
/// their name and village must be as they are registered: a slip in a digit must not make somebody else a
/// user. An owner who is known by a telephone confirms from that one only, and nobody asks for another officer's
/// owner where they do not answer for the village. Wants the fields `name`, `place` and perhaps `identification`.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let (Some(Value::Text(name)), Some(place)) = (deed.values.get("name"), deed.place) else {
        return Err(Failure::retry(
            "register_owner wants the fields name and place",
        ));
    };
    let (by, at) = (deed.asked.sender.id, deed.asked.sent_at);
    let (there, id) = match identification(deed) {
        Some((kind, digits)) => match of_id(deed, &digits, place.id).await? {
            Some(owner) => (owner, digits),
            None => {
                let number =
                    herds::add_owner(deed.tx, (name, place.id), "active", (by, at)).await?;
                herds::set_key(deed.tx, number, kind, &digits).await?;
                let mut done = Done::default();
                done.made(Sort::Owner, number);
                say(&mut done, number, String::new());
                return Ok(Effected::Done(done));
            }
        },
        None => match of_name(deed, name, place.id).await? {
            Some(owner) => {
                let id = owner.id.to_string();
                (owner, id)
            }
            None => {
                let number =
                    herds::add_owner(deed.tx, (name, place.id), "waiting", (by, at)).await?;
                let mut done = Done::default();
                done.made(Sort::Owner, number);
                return confirmable(deed, done, number).await;
            }
        },
    };
    if !(may_have_pin(deed, &there) && there.place == place.id && same_name(&there.name, name)) {
        return refused(deed, &there, id).await;
    }
    let own = there.registered_by == Some(by);
    if !own && !people::answers_for(deed.tx, by, place.id).await? {
        let place = vec![("place", Var::from(place.name()))];
        return Ok(Effected::Refused("outside_area", place));
    }
    let mut done = Done::default();
    let active = there.state == "active";
    if !active {
        // Whoever registered the owner can no longer take them back. One who is active is changed by `KDP` only.
        let before = herds::as_is(deed.tx, Table::Owner, there.id).await?;
        done.changed(Sort::Owner, there.id, before);
    }
    done.say("known", Var::from(active));
    confirmable(deed, done, there.id).await
}

/// Whether somebody may ask for another PIN now; nobody who writes to us already needs one.
fn may_have_pin(deed: &Deed<'_>, owner: &Owner) -> bool {
    let since = deed.asked.sent_at.duration_since(owner.registered_at);
    let own = owner.registered_by == Some(deed.asked.sender.id);
    owner.person.is_none() && (own || since > pin::OWNER_LIFE)
}

/// Names as people write them: capitals and blanks make no other person.
fn same_name(one: &str, other: &str) -> bool {
    let words = |name: &str| name.to_lowercase();
    let (one, other) = (words(one), words(other));
    one.split_whitespace().eq(other.split_whitespace())
}

/// The answer with the PIN that the owner must send.
async fn confirmable(deed: &Deed<'_>, mut done: Done, number: i64) -> Result<Effected> {
    let pin = give_pin(deed, number).await?;
    say(&mut done, number, pin);
    done.lapses = Some(Lapse::Pin);
    Ok(Effected::Done(done))
}

fn say(done: &mut Done, number: i64, pin: String) {
    done.say("number", Var::from(number));
    done.say("pin", Var::from(pin));
    done.say("minutes", Var::from(pin::OWNER_LIFE.as_mins()));
}

/// A PIN that makes the owner active when it is sent from their telephone.
async fn give_pin(deed: &Deed<'_>, owner: i64) -> Result<String> {
    let asked = deed.asked;
    let telephone = telephone(deed, owner).await?;
    let training = deed.settings.training || asked.sender.training;
    let wanted = Wanted {
        purpose: Purpose::Owner,
        subject: owner,
        address: telephone.as_deref(),
        // Owners of training are counted by themselves: such a PIN must confirm none of the real ones.
        detail: training.then_some(TRAINING),
        made_by: asked.sender.id,
        message: (asked.message, asked.line),
        at: asked.received_at,
        life: pin::OWNER_LIFE,
    };
    pin::make(deed.tx, &wanted).await
}

/// The telephone that is an id of the owner, as it writes to us: no other proves anything about them.
async fn telephone(deed: &Deed<'_>, owner: i64) -> Result<Option<String>> {
    let dialled = herds::key_of(deed.tx, owner, "phone").await?;
    let country = &deed.settings.country_code;
    // One of another country is kept by its digits alone.
    let full = |digits: String| phone::canonical(&digits, country).unwrap_or(format!("+{digits}"));
    Ok(dialled.map(full))
}

/// What was typed, as [`herds::set_key`] keeps it: a mobile number is dialled, everything else is digits.
fn identification(deed: &Deed<'_>) -> Option<(&'static str, String)> {
    let Some(Value::Owner(typed)) = deed.values.get("identification") else {
        return None;
    };
    let dialled = phone::dialled(typed, &deed.settings.country_code);
    let mobile = deed.settings.numbering().is_mobile(&dialled);
    Some(match mobile {
        true => ("phone", dialled),
        false => ("identification", typed.trim_start_matches('+').to_owned()),
    })
}

async fn of_id(deed: &Deed<'_>, digits: &str, place: i64) -> Result<Option<Owner>> {
    let place = (digits.len() < UNIQUE).then_some(place);
    let word = format!("owner {digits}");
    herds::lock_registration(deed.tx, &word).await?;
    herds::owner_of_id(deed.tx, digits, place).await
}

/// The owner of this name who was registered here of late.
async fn of_name(deed: &Deed<'_>, name: &str, place: i64) -> Result<Option<Owner>> {
    let word = format!("owner {place} {}", name.to_lowercase());
    herds::lock_registration(deed.tx, &word).await?;
    let since = deed.asked.sent_at - SAME;
    herds::owner_of_name(deed.tx, name, place, since).await
}

/// Says who is registered already, by the id that was typed or our number.
async fn refused(deed: &Deed<'_>, owner: &Owner, id: String) -> Result<Effected> {
    let place = deed.place.filter(|place| place.id == owner.place);
    let place = match place {
        Some(place) => place.names.first().cloned(),
        None => herds::village(deed.tx, owner.place).await?,
    };
    let values = vec![
        ("name", Var::from(owner.name.as_str())),
        ("number", Var::from(owner.id.to_string())),
        ("id", Var::from(id)),
        ("place", Var::from(place.unwrap_or_default())),
        ("waiting", Var::from(owner.state == "waiting")),
    ];
    Ok(Effected::Refused("owner_exists", values))
}
