//! Who is meant, and everything about them.

use crate::context::in_tx;
use crate::exit::{Exit, Fault, Result};
use crate::out::{Look, Out};
use common::config::Settings;
use common::db::people::{self, ContactState, Details};
use common::db::{Db, Tx};

/// A number is looked up in its canonical form; what is no number is an address or a name.
pub async fn look(db: &Db, settings: &Settings, who: &str) -> Result<Vec<Details>> {
    let wanted = wanted(settings, who);
    let id = id(who);
    in_tx(db, async |tx| match id {
        Some(id) => Ok(people::show_one(tx, id).await?.into_iter().collect()),
        None => Ok(people::show(tx, &wanted).await?),
    })
    .await
}

/// A number in its canonical form, an address in small letters, a name as it is.
fn wanted(settings: &Settings, who: &str) -> String {
    let number = common::phone::canonical(who, &settings.engine.country_code).ok();
    number.unwrap_or_else(|| match who.contains('@') {
        true => who.to_lowercase(),
        false => who.to_owned(),
    })
}

pub fn shown(out: Out, who: &str, found: &[Details]) -> Result {
    if out.json {
        out.document(&found)?;
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        return Err(Fault::nothing(format!("nobody is known by `{who}`")));
    }
    for person in found {
        out.line(out.look(
            Look::Bold,
            format!("{} (person {})", person.name, person.id),
        ))?;
        let state = person.state.as_str();
        let training = if person.training { ", in training" } else { "" };
        out.line(format!(
            "  {}, {state}, language {}{training}",
            person.user_type, person.language
        ))?;
        out.line(format!(
            "  home   {}",
            person.home.as_deref().unwrap_or("-")
        ))?;
        for area in &person.areas {
            out.line(format!("  area   {area}"))?;
        }
        for group in &person.groups {
            out.line(format!("  group  {}: {}", group.code, group.name))?;
        }
        if !person.permissions.is_empty() {
            out.line(format!(
                "  beyond the user type and the groups: {}",
                person.permissions.join(" ")
            ))?;
        }
        for contact in &person.contacts {
            let state = match &contact.state {
                ContactState::Ok => String::new(),
                ContactState::Failing { reason } => {
                    out.look(Look::Yellow, format!(" failing: {reason}"))
                }
                ContactState::Suppressed { reason } => {
                    out.look(Look::Red, format!(" suppressed: {reason}"))
                }
            };
            let channel = contact.channel.as_deref().unwrap_or("no channel");
            out.line(format!(
                "  {:<6} {} by {channel}{state}",
                contact.kind, contact.address
            ))?;
        }
    }
    Ok(Exit::Done)
}

/// The one person who is meant: by id, number or address, or a part of the name that only one has.
pub async fn one(tx: &Tx<'_>, settings: &Settings, who: &str) -> Result<i64> {
    if let Some(id) = id(who) {
        return match common::people::take(tx, id).await? {
            Some(_) => Ok(id),
            None => Err(Fault::nothing(format!("there is no person {id}"))),
        };
    }
    let found = people::show(tx, &wanted(settings, who)).await?;
    match found.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Fault::nothing(format!("nobody is known by `{who}`"))
            .remedy("look for them with `kentongan people list`")),
        many => {
            let names = many.iter().take(10).map(|p| format!("{} {}", p.id, p.name));
            let names = names.collect::<Vec<_>>().join(", ");
            let what = format!("`{who}` may be {} people: {names}", many.len());
            Err(Fault::usage(what).remedy("name the person by the number in front"))
        }
    }
}

/// An id is a number that is too short for a telephone's.
fn id(who: &str) -> Option<i64> {
    let digits = !who.starts_with('0') && who.bytes().all(|b| b.is_ascii_digit());
    who.parse().ok().filter(|_| digits && who.len() < 9)
}
