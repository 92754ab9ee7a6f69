use crate::code::{Value, Var};
use crate::db::herds::{self, Owner};
use crate::db::subjects::Sort;
use crate::engine::{Deed, Done, Effected};
use crate::{Failure, Result, phone};
use jiff::SignedDuration;

/// Ids of so many digits are given to one person in the country: telephone numbers, driving licences,
/// identity cards. Shorter ones are a village's own, or dates of birth.
const UNIQUE: usize = 10;

/// Two owners of one name in one village are one owner when nothing else tells them apart and they are
/// registered within this time: two officers at the same meeting.
const SAME: SignedDuration = SignedDuration::from_hours(24);

/// Registers an owner; at once with an identification, else when they confirm it from their own telephone.
/// Who is there already is named, and not registered again, also when two officers do so at once: they wait
/// for each other. Wants the fields `name`, `place` and perhaps `identification`.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let (Some(Value::Text(name)), Some(place)) = (deed.values.get("name"), deed.place) else {
        return Err(Failure::retry(
            "register_owner wants the fields name and place",
        ));
    };
    let identification = identification(deed);
    let there = match &identification {
        Some((_, digits)) => of_id(deed, digits, place.id).await?,
        None => of_name(deed, name, place.id).await?,
    };
    if let Some(owner) = there {
        return refused(deed, &owner, identification.as_ref()).await;
    }
    let state = if identification.is_some() {
        "active"
    } else {
        "waiting"
    };
    let (by, at) = (deed.asked.sender.id, deed.asked.sent_at);
    let number = herds::add_owner(deed.tx, (name, place.id), state, (by, at)).await?;
    if let Some((kind, digits)) = &identification {
        herds::set_key(deed.tx, number, kind, digits).await?;
    }
    let mut done = Done::default();
    done.made(Sort::Owner, number);
    done.say("number", Var::from(number));
    done.say("pin", Var::from(""));
    done.say("minutes", Var::from(0));
    Ok(Effected::Done(done))
}

/// What was typed, as [`herds::set_key`] keeps it: a mobile number is dialled, everything else is digits.
fn identification(deed: &Deed<'_>) -> Option<(&'static str, String)> {
    let Some(Value::Owner(typed)) = deed.values.get("identification") else {
        return None;
    };
    let dialled = phone::dialled(typed, deed.country);
    let mobile = dialled.starts_with("08") && (10..=13).contains(&dialled.len());
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

async fn of_name(deed: &Deed<'_>, name: &str, place: i64) -> Result<Option<Owner>> {
    let word = format!("owner {place} {}", name.to_lowercase());
    herds::lock_registration(deed.tx, &word).await?;
    let since = deed.asked.sent_at - SAME;
    let found = herds::owner_of_name(deed.tx, name, place, since).await?;
    Ok(found.map(|(owner, ..)| owner))
}

/// Says who is registered already.
async fn refused(
    deed: &Deed<'_>,
    owner: &Owner,
    typed: Option<&(&'static str, String)>,
) -> Result<Effected> {
    let id = typed.map_or_else(|| owner.id.to_string(), |(_, digits)| digits.clone());
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
