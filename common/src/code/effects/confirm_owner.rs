use super::confirm_person;
use super::register_owner::TRAINING;
use crate::code::{Value, Var};
use crate::db::herds::{self, Owner};
use crate::db::training;
use crate::engine::{Deed, Done, Effected};
use crate::people::pin::{self, Pin, Purpose, Unfit};
use crate::people::{self, By, StoredPerson};
use crate::{Failure, Result, phone};

/// The kind of address that a PIN proves.
const PHONE: &str = "phone";

/// The user type of farmers.
const FARMER: &str = "PTR";

/// Uses the PIN of an owner, sent from a telephone that nobody has: the owner is active from now on, is called
/// by that number too, and may write to us. A telephone that is somebody's proves nothing about the owner, and
/// changes nothing. Keeps no row of its own: what it did cannot be taken back by a message, since the sender
/// was nobody yet.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let Some(Value::Number(digits)) = deed.values.get("pin") else {
        return Err(Failure::retry("confirm_owner wants a number `pin`"));
    };
    let (digits, asked) = (digits.to_string(), deed.asked);
    if !asked.sender.is_stranger() {
        let twice = pin::was_used_by(deed.tx, &digits, asked.address).await?;
        let key = if twice {
            "pin_twice"
        } else {
            "pin_wrong_phone"
        };
        return Ok(refused(key, &asked.sender.name));
    }
    if people::holder_of(deed.tx, PHONE, asked.address)
        .await?
        .is_some()
    {
        return Ok(refused("pin_wrong_phone", ""));
    }
    let (from, at) = (asked.address, asked.received_at);
    let pin = match pin::redeem(deed.tx, &digits, &[Purpose::Owner], from, at).await? {
        Ok(pin) => pin,
        Err(Unfit::Unknown) => return Ok(refused("owner_pin_unknown", "")),
        Err(Unfit::Late) => return Ok(refused("owner_pin_late", "")),
        Err(why) => return Ok(refused(confirm_person::key(why), "")),
    };
    let real = pin.detail.as_deref() != Some(TRAINING);
    // The telephone is a stranger's: only the PIN knows that its owner is one of training.
    if !real {
        training::enter(deed.tx).await?;
    }
    let effected = match herds::unconfirmed(deed.tx, pin.subject).await? {
        Some(owner) => confirmed(deed, &pin, &owner).await?,
        None => refused("owner_pin_late", ""),
    };
    if !real {
        training::leave(deed.tx).await?;
    }
    Ok(effected)
}

/// The owner becomes somebody of the same name who lives where the herd is.
async fn confirmed(deed: &Deed<'_>, pin: &Pin, owner: &Owner) -> Result<Effected> {
    let (tx, asked) = (deed.tx, deed.asked);
    let dialled = phone::dialled(asked.address, &deed.settings.country_code);
    // Two owners of one number could never be told apart by it again.
    let other = herds::owner_of_id(tx, &dialled, None).await?;
    if let Some(other) = other.filter(|other| other.id != owner.id) {
        return Ok(refused("pin_wrong_phone", &other.name));
    }
    let person = StoredPerson {
        id: 0,
        name: owner.name.clone(),
        language: asked.sender.language.clone(),
        user_type: FARMER.into(),
        home_place: Some(owner.place),
        state: "active".into(),
        contacts: vec![(PHONE.into(), asked.address.into(), None)],
        areas: Vec::new(),
        permissions: Vec::new(),
        groups: Vec::new(),
        training: pin.detail.as_deref() == Some(TRAINING),
    };
    let why = format!("owner {}, registered by person {}", owner.id, pin.made_by);
    let by = By::message(0, asked.message).because(Some(&why));
    let person = people::add(tx, &by, person).await?;
    herds::confirm(tx, owner.id, person).await?;
    herds::set_key(tx, owner.id, "phone", &dialled).await?;
    let village = herds::village(tx, owner.place).await?;
    let mut done = Done::without_row(None);
    done.officer = Some(pin.made_by);
    done.say("name", Var::from(owner.name.as_str()));
    done.say("number", Var::from(owner.id));
    done.say("village", Var::from(village.unwrap_or_default()));
    Ok(Effected::Done(done))
}

fn refused(key: &'static str, name: &str) -> Effected {
    Effected::Refused(key, vec![("name", Var::from(name))])
}
