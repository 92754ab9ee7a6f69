//! New people and new numbers, proven by a PIN that comes from the telephone itself.

use super::pin::{self, Pin, Purpose, Unfit, Wanted};
use super::{By, StoredPerson, add, holder_of, save, take};
use crate::db::Tx;
use crate::db::people::pins::{self, Registration};
use crate::{Failure, Result};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// The kind of address that a PIN proves.
const PHONE: &str = "phone";

/// Somebody whom an officer registers by a message.
#[derive(Debug, Clone, Copy)]
pub struct NewPerson<'a> {
    /// As shown to others.
    pub name: &'a str,
    /// Code of their user type.
    pub user_type: &'a str,
    /// Where they live, and their first area of responsibility.
    pub home_place: i64,
    /// Who registers them.
    pub made_by: i64,
    /// The message that does, with its line.
    pub message: (Uuid, i16),
    /// When it was received.
    pub at: Timestamp,
    /// For how long the PIN is good.
    pub life: SignedDuration,
    /// Whoever is registered in training is in training.
    pub training: bool,
}

/// Marks PINs that were given in training.
const TRAINING: &str = "training";

/// Writes somebody down until they prove their telephone; the PIN that they must send from it.
pub async fn register(tx: &Tx<'_>, new: &NewPerson<'_>) -> Result<String> {
    let registration = Registration {
        name: new.name.to_owned(),
        user_type: new.user_type.to_owned(),
        home_place: new.home_place,
    };
    let subject = pins::register(tx, &registration, new.made_by).await?;
    let wanted = Wanted {
        purpose: Purpose::Person,
        subject,
        address: None,
        detail: new.training.then_some(TRAINING),
        made_by: new.made_by,
        message: new.message,
        at: new.at,
        life: new.life,
    };
    pin::make(tx, &wanted).await
}

/// What somebody with these permissions lacks to register a person of a user type. Nobody registers
/// whoever stands above them: a lost telephone would be worth a coordinator's. Who holds permissions such as
/// `can_register_lba` registers the types that these name, also laboratory staff, who send what they do not; who
/// holds none registers types that may do no more than they.
pub async fn beyond(tx: &Tx<'_>, user_type: &str, may: &[&str]) -> Result<Vec<String>> {
    pins::beyond(tx, user_type, may).await
}

/// Codes of the groups into which somebody with these permissions may put people: those that may do no more than
/// they, or no more than one of the user types that they register.
pub async fn groups_within(tx: &Tx<'_>, may: &[&str]) -> Result<Vec<String>> {
    pins::groups_within(tx, may).await
}

/// Why a number cannot become somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFault {
    /// It is theirs already.
    Same,
    /// It is somebody else's.
    Taken,
}

/// A person who wants another number.
#[derive(Debug, Clone, Copy)]
pub struct NewNumber<'a> {
    /// Who.
    pub person: i64,
    /// The address that they write from: if it is a number, the new one takes its place, else that
    /// of their first number.
    pub from: &'a str,
    /// The new number, canonical.
    pub to: &'a str,
    /// The message that asks for it, with its line.
    pub message: (Uuid, i16),
    /// When it was received.
    pub at: Timestamp,
    /// For how long the PIN is good.
    pub life: SignedDuration,
}

/// Prepares a change of number; the PIN that must be sent from the new one.
pub async fn move_number(
    tx: &Tx<'_>,
    new: &NewNumber<'_>,
) -> Result<std::result::Result<String, NumberFault>> {
    match holder_of(tx, PHONE, new.to).await? {
        Some(holder) if holder == new.person => return Ok(Err(NumberFault::Same)),
        Some(_) => return Ok(Err(NumberFault::Taken)),
        None => {}
    }
    let wanted = Wanted {
        purpose: Purpose::Number,
        subject: new.person,
        address: Some(new.to),
        detail: Some(new.from),
        made_by: new.person,
        message: new.message,
        at: new.at,
        life: new.life,
    };
    pin::make(tx, &wanted).await.map(Ok)
}

/// What a PIN did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// Somebody is registered now, with this name.
    Person(String),
    /// Somebody of this name has a new number.
    Number(String),
}

/// A PIN that came from a telephone that nobody has.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// Its digits.
    pub digits: &'a str,
    /// The telephone, canonical.
    pub from: &'a str,
    /// The language that somebody new is answered in.
    pub language: &'a str,
    /// The message that brought it.
    pub message: Uuid,
    /// When it was received.
    pub at: Timestamp,
}

/// Uses a PIN: registers somebody new, active, with their home as their area, or moves a number.
/// Commit it whatever came of it.
pub async fn confirm(
    tx: &Tx<'_>,
    sent: &Sent<'_>,
) -> Result<std::result::Result<Confirmed, Unfit>> {
    if holder_of(tx, PHONE, sent.from).await?.is_some() {
        return Ok(Err(Unfit::WrongPhone));
    }
    let purposes = [Purpose::Person, Purpose::Number];
    let pin = match pin::redeem(tx, sent.digits, &purposes, sent.from, sent.at).await? {
        Ok(pin) => pin,
        Err(why) => return Ok(Err(why)),
    };
    match pin.purpose {
        Purpose::Person => registered(tx, &pin, sent).await,
        Purpose::Number => moved(tx, &pin, sent).await,
        Purpose::Owner => Err(Failure::retry("a PIN of an owner was not asked for")),
    }
}

type Outcome = Result<std::result::Result<Confirmed, Unfit>>;

async fn registered(tx: &Tx<'_>, pin: &Pin, sent: &Sent<'_>) -> Outcome {
    let Some(new) = pins::registration(tx, pin.subject).await? else {
        return Ok(Err(Unfit::Late));
    };
    let name = new.name.clone();
    // Whoever was registered in training trains.
    let by = take(tx, pin.made_by).await?;
    let person = StoredPerson {
        id: 0,
        name: new.name,
        language: sent.language.to_owned(),
        user_type: new.user_type,
        home_place: Some(new.home_place),
        state: "active".into(),
        contacts: vec![(PHONE.into(), sent.from.into(), None)],
        areas: vec![new.home_place],
        permissions: Vec::new(),
        groups: Vec::new(),
        training: by.is_some_and(|by| by.training),
    };
    let why = format!("registered by person {}", pin.made_by);
    let by = By::message(0, sent.message).because(Some(&why));
    let id = add(tx, &by, person).await?;
    if pin.detail.as_deref() == Some(TRAINING) {
        pins::trains(tx, id).await?;
    }
    pins::registered(tx, pin.subject, id).await?;
    Ok(Ok(Confirmed::Person(name)))
}

/// The number that asked for it goes, or their first number.
async fn moved(tx: &Tx<'_>, pin: &Pin, sent: &Sent<'_>) -> Outcome {
    let Some(old) = take(tx, pin.subject).await? else {
        return Ok(Err(Unfit::Late));
    };
    // Whoever was shut out meanwhile does not come back by a new number.
    if old.state != "active" {
        return Ok(Err(Unfit::Late));
    }
    let mut new = old.clone();
    let asked_from = |c: &(String, String, Option<String>)| {
        c.0 == PHONE && Some(c.1.as_str()) == pin.detail.as_deref()
    };
    let at = new.contacts.iter().position(asked_from);
    let at = at.or_else(|| new.contacts.iter().position(|c| c.0 == PHONE));
    let contact = |channel| (PHONE.to_owned(), sent.from.to_owned(), channel);
    match at.and_then(|at| new.contacts.get_mut(at)) {
        Some(number) => *number = contact(number.2.clone()),
        None => new.contacts.insert(0, contact(None)),
    }
    let by = By::message(old.id, sent.message);
    save(tx, &by, &old, &new).await?;
    Ok(Ok(Confirmed::Number(new.name)))
}
