//! People, their addresses, and who answers for which place.
//!
//! An address has a kind (`phone`, `email`); a channel uses one kind (`sms` and `console` use phones),
//! so that one number finds the same person whatever network it came by.

pub(crate) mod bulk;
pub(crate) mod changes;
mod contacts;
mod details;
pub(crate) mod erase;
pub(crate) mod groups;
pub(crate) mod pins;
pub(crate) mod reach;

pub use bulk::StoredPerson;
pub(super) use contacts::usable;
pub use contacts::{
    Contact, ContactState, Suppression, address_kind, contacts, mark_contact, put_channel,
    suppressions,
};
#[cfg(test)]
mod tests;

pub use details::{Details, show, show_one};

use super::Tx;
use crate::Result;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_postgres::Row;

/// Somebody who may send us something, with what decides the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What other rows refer to.
    pub id: i64,
    /// As shown to others.
    pub name: String,
    /// The language of what we write to them: `id` or `en`.
    pub language: String,
    /// Code in the list `user_type`.
    pub user_type: String,
    /// Where their reports are that name no place.
    pub home_place: Option<i64>,
    /// Only the active may send; the others are answered with the reason.
    pub state: PersonState,
    /// What they may do: of their user type and their groups, and granted or taken from them.
    pub permissions: Arc<BTreeSet<String>>,
    /// What they send is answered like the real thing and kept apart.
    pub training: bool,
}

impl Person {
    /// Somebody whom nobody knows: without an id, a name, a type or anything that they may do.
    pub fn stranger(language: &str) -> Self {
        Self {
            id: 0,
            name: String::new(),
            language: language.to_owned(),
            user_type: String::new(),
            home_place: None,
            state: PersonState::Active,
            permissions: Arc::default(),
            training: false,
        }
    }

    /// Whether this is nobody whom we know.
    pub fn is_stranger(&self) -> bool {
        self.id == 0
    }

    /// May this person do it? The suspended may do nothing.
    pub fn may(&self, permission: &str) -> bool {
        self.state == PersonState::Active && self.permissions.contains(permission)
    }
}

/// Whether somebody takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonState {
    /// Takes part.
    Active,
    /// Shut out for a time by a coordinator.
    Suspended,
    /// No longer with us; the rows stay for the reports.
    Left,
}

/// A person to be told, with where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub person: Person,
    /// Their addresses that can be used, the preferred one first; never empty.
    pub contacts: Vec<Contact>,
}

/// The columns of a [`Person`] named `p`, whose user type is `t`.
pub(super) const PERSON: &str = "p.id, p.name, p.language, p.user_type, p.home_place, p.state, p.training, t.may,
    ARRAY(SELECT x.permission FROM person_group m JOIN user_group_permission x USING (user_group)
           WHERE m.person = p.id) AS grouped,
    ARRAY(SELECT x.permission FROM person_permission x WHERE x.person = p.id AND x.granted) AS granted,
    ARRAY(SELECT x.permission FROM person_permission x WHERE x.person = p.id AND NOT x.granted) AS revoked";

/// Whether a person `p` is of the user types `$2` or in the groups `$3`.
pub(super) const OF_KIND: &str = "(p.user_type = ANY($2) OR p.id IN (
    SELECT m.person FROM person_group m WHERE m.user_group = ANY($3)))";

/// Who writes from this address? `channel` is the channel it came by, or a kind of address;
/// `address` is canonical (`+62...`, small letters). The hottest query there is: one statement, a few index probes.
pub async fn by_contact(tx: &Tx<'_>, channel: &str, address: &str) -> Result<Option<Person>> {
    let sql = format!(
        "-- people::by_contact
         SELECT {PERSON} FROM contact c
           JOIN person p ON p.id = c.person JOIN user_type t ON t.code = p.user_type
          WHERE c.address = $2
            AND c.kind = coalesce((SELECT h.address_kind FROM channel h WHERE h.name = $1), $1)"
    );
    let row = tx
        .query_opt(&sql, &[/* channel */ &channel, /* address */ &address])
        .await?;
    Ok(row.as_ref().map(person))
}

/// The person of this id, whatever their addresses are today.
pub async fn by_id(tx: &Tx<'_>, id: i64) -> Result<Option<Person>> {
    let sql = format!(
        "-- people::by_id
         SELECT {PERSON} FROM person p JOIN user_type t ON t.code = p.user_type WHERE p.id = $1"
    );
    let row = tx.query_opt(&sql, &[/* id */ &id]).await?;
    Ok(row.as_ref().map(person))
}

/// As [`by_contact`], for many pairs of channel and address in one round trip; the answers stand
/// in the order of the questions.
pub async fn by_contacts(tx: &Tx<'_>, from: &[(&str, &str)]) -> Result<Vec<Option<Person>>> {
    let channels: Vec<&str> = from.iter().map(|f| f.0).collect();
    let addresses: Vec<&str> = from.iter().map(|f| f.1).collect();
    let sql = format!(
        "-- people::by_contacts
         SELECT f.rank, {PERSON} FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS f (channel, address, rank)
           LEFT JOIN channel h ON h.name = f.channel
           JOIN contact c ON c.address = f.address AND c.kind = coalesce(h.address_kind, f.channel)
           JOIN person p ON p.id = c.person JOIN user_type t ON t.code = p.user_type"
    );
    let rows = tx
        .query(
            &sql,
            &[
                /* channels */ &channels, /* addresses */ &addresses,
            ],
        )
        .await?;
    let mut people = vec![None; from.len()];
    for row in &rows {
        let rank: i64 = row.get("rank");
        if let Some(place) = usize::try_from(rank - 1)
            .ok()
            .and_then(|at| people.get_mut(at))
        {
            *place = Some(person(row));
        }
    }
    Ok(people)
}

/// Whether an area of responsibility of this person is the place or above it, or they have none at all.
pub async fn answers_for(tx: &Tx<'_>, person: i64, place: i64) -> Result<bool> {
    let row = tx
        .query_one(
            "-- people::answers_for
             SELECT NOT EXISTS (SELECT FROM person_area WHERE person = $1)
                 OR EXISTS (SELECT FROM person_area a JOIN place p ON a.place = ANY (p.path)
                            WHERE a.person = $1 AND p.id = $2)",
            &[/* person */ &person, /* place */ &place],
        )
        .await?;
    Ok(row.get(0))
}

/// Who is meant: whoever is of one of these user types or in one of these groups.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kinds<'a> {
    /// Codes of user types.
    pub types: &'a [String],
    /// Codes of groups.
    pub groups: &'a [String],
}

impl Kinds<'_> {
    /// Whether no kind is named.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty() && self.groups.is_empty()
    }
}

/// Who is to be told about a place: the active people of these kinds (all that receive anything,
/// when none is named) with an area of responsibility that is the place or above it, and with an
/// address that is not suppressed. In order of their ids; each once, however many areas match.
pub async fn covering(tx: &Tx<'_>, place: i64, kinds: Kinds<'_>) -> Result<Vec<Recipient>> {
    let sql = format!(
        "-- people::covering
         SELECT {PERSON} FROM person p JOIN user_type t ON t.code = p.user_type
          WHERE p.id IN (SELECT a.person FROM person_area a
                          WHERE a.place = ANY((SELECT w.path FROM place w WHERE w.id = $1)::bigint[]))
            AND p.state = 'active' AND t.receives
            AND (cardinality($2::text[] || $3::text[]) = 0 OR {OF_KIND})
          ORDER BY p.id"
    );
    let rows = tx
        .query(
            &sql,
            &[
                /* place */ &place,
                /* types */ &kinds.types,
                /* groups */ &kinds.groups,
            ],
        )
        .await?;
    let people: Vec<Person> = rows.iter().map(person).collect();
    let ids: Vec<i64> = people.iter().map(|p| p.id).collect();
    let mut of = contacts::usable(tx, &ids).await?;
    let with = people.into_iter().filter_map(|person| {
        let contacts = of.remove(&person.id)?;
        Some(Recipient { person, contacts })
    });
    Ok(with.collect())
}

pub(super) fn person(row: &Row) -> Person {
    let mut permissions: BTreeSet<String> = row.get::<_, Vec<String>>("may").into_iter().collect();
    permissions.extend(row.get::<_, Vec<String>>("grouped"));
    permissions.extend(row.get::<_, Vec<String>>("granted"));
    for revoked in row.get::<_, Vec<&str>>("revoked") {
        permissions.remove(revoked);
    }
    Person {
        id: row.get("id"),
        name: row.get("name"),
        language: row.get("language"),
        user_type: row.get("user_type"),
        home_place: row.get("home_place"),
        state: PersonState::from_row(row.get("state")),
        permissions: Arc::new(permissions),
        training: row.get("training"),
    }
}

impl PersonState {
    /// The word in the table and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Left => "left",
        }
    }

    /// The state of this name.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Left]
            .into_iter()
            .find(|s| s.as_str() == word)
    }

    /// A word that a newer version wrote shuts out rather than lets in.
    fn from_row(word: &str) -> Self {
        Self::parse(word).unwrap_or(Self::Suspended)
    }
}
