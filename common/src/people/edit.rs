//! Changes of one person, checked against what the installation knows.

use super::{StoredPerson, holder_of};
use crate::Result;
use crate::db::Tx;
use crate::db::people::{PersonState, bulk, groups};
use crate::load::contact_address;
use crate::phone::Numbering;
use std::fmt;

/// One change. Places are named by code, addresses as people write them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Another name.
    Name(String),
    /// `id` or `en`.
    Language(String),
    /// Code of the user type.
    UserType(String),
    /// Home; `None`: no home.
    Home(Option<String>),
    /// One more area of responsibility.
    AddArea(String),
    /// One area less.
    RemoveArea(String),
    /// One more group, by code.
    AddGroup(String),
    /// One group less.
    RemoveGroup(String),
    /// May do something (`true`) or may not, whatever the user type and the groups say.
    Permit(String, bool),
    /// A permission is again what the user type and the groups say.
    Reset(String),
    /// All permissions are again what the user type and the groups say.
    ResetAll,
    /// One more address, tried last: a number, a mail address, or `channel:address`.
    AddContact(String),
    /// One address less.
    RemoveContact(String),
    /// This address, which is theirs, is tried first.
    Prefer(String),
    /// This number takes the place of their first, and is tried first.
    Number(String),
    /// Takes part, is shut out, or has left.
    State(PersonState),
    /// What they send from now on is for training, or real again.
    Training(bool),
}

/// Why a change cannot be made: what is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditFault {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl EditFault {
    fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (what, remedy) = (what.into(), remedy.into());
        Self { what, remedy }
    }
}

impl fmt::Display for EditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

/// What edits are checked against.
#[derive(Debug)]
pub struct Rules {
    /// Systems in which codes of places are looked up.
    systems: Vec<String>,
    /// How telephone numbers are written.
    numbering: Numbering,
    /// Channels with the kind of address that each uses.
    channels: Vec<(String, String)>,
    user_types: Vec<String>,
    permissions: Vec<String>,
    groups: Vec<String>,
}

impl Rules {
    /// The user type of this code.
    pub fn user_type(&self, code: &str) -> std::result::Result<String, EditFault> {
        known(&self.user_types, &code.to_uppercase(), "user type")
    }

    /// The group of this code.
    pub fn group(&self, code: &str) -> std::result::Result<String, EditFault> {
        known(&self.groups, &code.to_uppercase(), "group").map_err(|fault| {
            let there = crate::load::there_are(&self.groups);
            match fault.remedy.ends_with(&there) {
                true => fault,
                false => EditFault::new(fault.what, format!("{}; {there}", fault.remedy)),
            }
        })
    }

    /// As they are now.
    pub async fn of(tx: &Tx<'_>, systems: &[String], numbering: Numbering) -> Result<Self> {
        let types = bulk::user_types(tx).await?;
        let permissions = bulk::permissions(tx).await?;
        let all = groups::groups(tx).await?;
        Ok(Self {
            systems: systems.to_vec(),
            numbering,
            channels: bulk::channels(tx).await?,
            user_types: types.into_iter().map(|t| t.code).collect(),
            permissions: permissions.into_iter().map(|p| p.code).collect(),
            groups: all.into_iter().map(|g| g.code).collect(),
        })
    }
}

/// Makes the changes in the copy, in their order; every one that cannot be made is told. Nothing is
/// written: see [`super::save`] and [`super::add`].
pub async fn apply(
    tx: &Tx<'_>,
    rules: &Rules,
    person: &mut StoredPerson,
    edits: &[Edit],
) -> Result<Vec<EditFault>> {
    let mut faults = Vec::new();
    for edit in edits {
        let done = match edit {
            Edit::Home(Some(code)) => match place(tx, rules, code).await? {
                Ok(place) => {
                    person.home_place = Some(place);
                    Ok(())
                }
                Err(fault) => Err(fault),
            },
            Edit::AddArea(code) | Edit::RemoveArea(code) => match place(tx, rules, code).await? {
                Ok(place) => area(person, place, matches!(edit, Edit::AddArea(_)), code),
                Err(fault) => Err(fault),
            },
            Edit::AddContact(text) | Edit::Number(text) => match address(rules, text) {
                Ok(contact) => give(tx, person, contact, matches!(edit, Edit::Number(_))).await?,
                Err(fault) => Err(fault),
            },
            _ => plain(rules, person, edit),
        };
        faults.extend(done.err());
    }
    Ok(faults)
}

/// What needs no look into the database.
fn plain(
    rules: &Rules,
    person: &mut StoredPerson,
    edit: &Edit,
) -> std::result::Result<(), EditFault> {
    match edit {
        Edit::Name(name) if name.trim().is_empty() => {
            return Err(EditFault::new("the name is empty", "give one"));
        }
        Edit::Name(name) => person.name = name.trim().to_owned(),
        Edit::Language(language) => {
            let language = language.to_lowercase();
            if !["id", "en"].contains(&language.as_str()) {
                return Err(EditFault::new(
                    format!("\"{language}\" is no language"),
                    "write id or en",
                ));
            }
            person.language = language;
        }
        Edit::UserType(code) => {
            person.user_type = rules.user_type(code)?;
        }
        Edit::Home(_) => person.home_place = None,
        Edit::Permit(code, granted) => {
            let code = known(&rules.permissions, &code.to_lowercase(), "permission")?;
            person.permissions.retain(|p| p.0 != code);
            person.permissions.push((code, *granted));
            person.permissions.sort_unstable();
        }
        Edit::Reset(code) => {
            let code = known(&rules.permissions, &code.to_lowercase(), "permission")?;
            person.permissions.retain(|p| p.0 != code);
        }
        Edit::ResetAll => person.permissions.clear(),
        Edit::AddGroup(code) | Edit::RemoveGroup(code) => {
            group(
                person,
                rules.group(code)?,
                matches!(edit, Edit::AddGroup(_)),
            )?;
        }
        Edit::RemoveContact(text) => {
            let at = theirs(rules, person, text)?;
            person.contacts.remove(at);
        }
        Edit::Prefer(text) => {
            let at = theirs(rules, person, text)?;
            let first = person.contacts.remove(at);
            person.contacts.insert(0, first);
        }
        Edit::State(state) => person.state = state.as_str().to_owned(),
        Edit::Training(training) => person.training = *training,
        Edit::AddArea(_) | Edit::RemoveArea(_) | Edit::AddContact(_) | Edit::Number(_) => {}
    }
    Ok(())
}

fn known(all: &[String], word: &str, what: &str) -> std::result::Result<String, EditFault> {
    if all.iter().any(|one| one == word) {
        return Ok(word.to_owned());
    }
    let near = crate::load::hint(word, all.iter().map(String::as_str));
    let remedy = match near.is_empty() {
        true => crate::load::there_are(all),
        false => near
            .trim()
            .trim_start_matches('(')
            .trim_end_matches(')')
            .to_owned(),
    };
    Err(EditFault::new(format!("there is no {what} {word}"), remedy))
}

/// The place of this code, in the systems of the installation.
pub async fn place(
    tx: &Tx<'_>,
    rules: &Rules,
    code: &str,
) -> Result<std::result::Result<i64, EditFault>> {
    let code = code.replace(['.', ' '], "");
    let found = bulk::places(tx, &rules.systems, &[&code]).await?;
    Ok(found.get(&code).copied().ok_or_else(|| {
        let systems = rules.systems.join(", ");
        EditFault::new(
            format!("there is no place with the code {code}"),
            format!("look it up with CKL, or load it (codes of {systems} are known)"),
        )
    }))
}

fn area(
    person: &mut StoredPerson,
    place: i64,
    add: bool,
    code: &str,
) -> std::result::Result<(), EditFault> {
    let has = person.areas.contains(&place);
    if !add && !has {
        let what = format!("{code} is none of their areas");
        return Err(EditFault::new(
            what,
            "see them with `kentongan people show`",
        ));
    }
    person.areas.retain(|area| *area != place);
    if add {
        person.areas.push(place);
        person.areas.sort_unstable();
    }
    Ok(())
}

fn group(person: &mut StoredPerson, code: String, add: bool) -> std::result::Result<(), EditFault> {
    if !add && !person.groups.contains(&code) {
        let what = format!("{code} is none of their groups");
        return Err(EditFault::new(
            what,
            "see them with `kentongan people show`",
        ));
    }
    person.groups.retain(|group| *group != code);
    if add {
        person.groups.push(code);
        person.groups.sort_unstable();
    }
    Ok(())
}

/// Kind, canonical form and chosen channel.
type Contact = (String, String, Option<String>);

fn address(rules: &Rules, text: &str) -> std::result::Result<Contact, EditFault> {
    contact_address(text, (&rules.channels, &rules.numbering))
        .map_err(|what| EditFault::new(what, "write 0812..., name@domain or channel:address"))
}

/// Which of their addresses is meant.
fn theirs(
    rules: &Rules,
    person: &StoredPerson,
    text: &str,
) -> std::result::Result<usize, EditFault> {
    let (kind, address, _) = address(rules, text)?;
    let mut all = person.contacts.iter();
    all.position(|c| c.0 == kind && c.1 == address)
        .ok_or_else(|| {
            let what = format!("{text} is none of their addresses");
            EditFault::new(what, "see them with `kentongan people show`")
        })
}

async fn give(
    tx: &Tx<'_>,
    person: &mut StoredPerson,
    contact: Contact,
    instead: bool,
) -> Result<std::result::Result<(), EditFault>> {
    let holder = holder_of(tx, &contact.0, &contact.1).await?;
    if let Some(other) = holder.filter(|holder| *holder != person.id) {
        return Ok(Err(EditFault::new(
            format!("{} belongs to person {other}", contact.1),
            "take it away from them first, or erase them",
        )));
    }
    person
        .contacts
        .retain(|c| c.0 != contact.0 || c.1 != contact.1);
    if !instead {
        person.contacts.push(contact);
        return Ok(Ok(()));
    }
    if let Some(old) = person.contacts.iter().position(|c| c.0 == contact.0) {
        person.contacts.remove(old);
    }
    person.contacts.insert(0, contact);
    Ok(Ok(()))
}
