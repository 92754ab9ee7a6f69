use super::herd;
use crate::code::kind::Kind;
use crate::code::{Value, Var};
use crate::db::herds::{self, Change, Owner};
use crate::db::subjects::Sort;
use crate::engine::{Deed, Done, Effected};
use crate::{Failure, Result};

/// Gives the animals that the message names what else it names: a second owner, a new id, a fate. All of
/// them or, when one cannot be changed, none. They keep their rows, and with them all that was reported of them.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let owner = herd::owner(deed)?;
    let animals = herd::animals(deed);
    let codes: Vec<&str> = animals.iter().map(|a| a.code.as_str()).collect();
    if let Some(refused) = herd::twice(&codes) {
        return Ok(refused);
    }
    let change = wanted(deed)?;
    if let Some(refused) = taken(deed, owner, &codes, &change).await? {
        return Ok(refused);
    }
    let ids: Vec<i64> = animals.iter().map(|a| a.id).collect();
    let mut done = Done::default();
    for (id, before) in herds::take(deed.tx, owner.id, &ids).await? {
        done.changed(Sort::Animal, id, before);
    }
    let changed = herds::change(deed.tx, (owner.id, &ids), &change).await?;
    if usize::try_from(changed) != Ok(ids.len()) {
        // Decided again, it is not found and said so.
        return Err(Failure::retry("somebody else changed an animal just now"));
    }
    done.say("animal_list", Var::from(codes.join(", ")));
    Ok(Effected::Done(done))
}

/// What the code's fields ask for.
fn wanted<'a>(deed: &'a Deed<'_>) -> Result<Change<'a>> {
    for field in &deed.spec.fields {
        let change = match (&field.kind, deed.values.get(&field.name)) {
            (Kind::NewAnimal, Some(Value::Animal(code))) => Some(Change::Code(code)),
            (Kind::List(_), Some(Value::Code(fate))) => Some(Change::Fate(&fate.code)),
            _ => None,
        };
        if let Some(change) = change {
            return Ok(change);
        }
    }
    let buyer = buyer(deed).map(|owner| Change::Owner(owner.id));
    buyer.ok_or_else(|| Failure::retry("change_animals wants a second owner, a new id or a fate"))
}

/// The second owner of the message.
fn buyer<'a>(deed: &'a Deed<'_>) -> Option<&'a Owner> {
    let fields = deed.spec.fields.iter();
    let owners = fields.filter(|field| matches!(field.kind, Kind::Owner));
    owners
        .skip(1)
        .find_map(|field| deed.found.owner(&field.name))
}

/// A refusal when the animals would meet others of the same ids.
async fn taken(
    deed: &Deed<'_>,
    owner: &Owner,
    codes: &[&str],
    change: &Change<'_>,
) -> Result<Option<Effected>> {
    match (change, buyer(deed)) {
        (Change::Owner(_), Some(buyer)) if buyer.id == owner.id => {
            let owner = ("owner", Var::from(owner.name.as_str()));
            Ok(Some(Effected::Refused("same_owner", vec![owner])))
        }
        (Change::Owner(_), Some(buyer)) => herd::taken(deed, buyer, codes).await,
        (Change::Code(code), _) => herd::taken(deed, owner, &[code]).await,
        _ => Ok(None),
    }
}
