//! Everything about somebody, for an operator who looks into a complaint.

use super::{Contact, PersonState, contacts};
use crate::Result;
use crate::db::Tx;
use tokio_postgres::Row;

/// Everything that is stored about one person, places in words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Details {
    /// What other rows refer to.
    pub id: i64,
    /// As shown to others.
    pub name: String,
    /// `id` or `en`.
    pub language: String,
    /// Code in the list `user_type`.
    pub user_type: String,
    /// Whether they take part.
    pub state: PersonState,
    /// What they send is for training.
    pub training: bool,
    /// Home, village first.
    pub home: Option<String>,
    /// Areas of responsibility, each in words.
    pub areas: Vec<String>,
    /// Groups, in order of their codes.
    pub groups: Vec<Membership>,
    /// `+can_x` and `-can_y` beyond and against the user type and the groups.
    pub permissions: Vec<String>,
    /// Every address with its state.
    pub contacts: Vec<Contact>,
}

/// A group that somebody is in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Membership {
    /// What files and commands name it by.
    pub code: String,
    /// Its English name.
    pub name: String,
}

/// The people whom an operator may mean: whoever has this very address, else whoever has the text in
/// the name, at most fifty in order of name.
pub async fn show(tx: &Tx<'_>, text: &str) -> Result<Vec<Details>> {
    found(tx, text.trim(), None).await
}

/// The person of this id.
pub async fn show_one(tx: &Tx<'_>, id: i64) -> Result<Option<Details>> {
    Ok(found(tx, "", Some(id)).await?.pop())
}

async fn found(tx: &Tx<'_>, text: &str, id: Option<i64>) -> Result<Vec<Details>> {
    let rows = tx
        .query(include_str!("show.sql"), &[/* text */ &text, /* id */ &id])
        .await?;
    let mut people = Vec::with_capacity(rows.len());
    for row in &rows {
        let contacts = contacts(tx, row.get("id")).await?;
        people.push(details(row, contacts));
    }
    Ok(people)
}

fn details(row: &Row, contacts: Vec<Contact>) -> Details {
    Details {
        id: row.get("id"),
        name: row.get("name"),
        language: row.get("language"),
        user_type: row.get("user_type"),
        state: PersonState::from_row(row.get("state")),
        training: row.get("training"),
        home: row.get("home"),
        areas: row.get("areas"),
        groups: groups(row),
        permissions: row.get("permissions"),
        contacts,
    }
}

fn groups(row: &Row) -> Vec<Membership> {
    let (codes, names): (Vec<String>, Vec<String>) = (row.get("groups"), row.get("group_names"));
    let all = codes.into_iter().zip(names);
    all.map(|(code, name)| Membership { code, name }).collect()
}
