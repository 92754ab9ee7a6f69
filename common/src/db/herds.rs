//! Owners and their animals.

mod animals;
mod owners;

pub use animals::{Change, NewAnimal, add_animal, add_animals, add_calf, change, take};
pub use owners::{
    add_owner, confirm, key_of, lock_registration, owner_of_id, owner_of_name,
    registered_who_writes, set_key, unconfirmed, village,
};

use super::Tx;
use crate::{Failure, Result};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value as Json;
use tokio_postgres::Row;

/// Somebody who keeps animals.
#[derive(Debug, Clone, PartialEq)]
pub struct Owner {
    /// Our number, which is one of the ids by which people name the owner.
    pub id: i64,
    /// As it was registered.
    pub name: String,
    /// Where the herd is.
    pub place: i64,
    /// Who that is among the people who write to us.
    pub person: Option<i64>,
    /// `waiting` for the confirmation from the owner's own telephone, or `active`.
    pub state: String,
    /// The telephone number as dialled in the country; empty when none is known.
    pub phone: String,
    /// Who registered them.
    pub registered_by: Option<i64>,
    /// When that was sent.
    pub registered_at: Timestamp,
}

/// One animal.
#[derive(Debug, Clone, PartialEq)]
pub struct Animal {
    /// What other rows refer to.
    pub id: i64,
    /// Whose it is.
    pub owner: i64,
    /// What its owner calls it: an ear tag, a number.
    pub code: String,
    /// Code of its breed, or of its species where the breed is not known.
    pub kind: String,
    /// Code of its species.
    pub species: String,
    /// Code in the list `sex`.
    pub sex: String,
    /// As far as it is known.
    pub born_on: Option<Date>,
    /// What was reported of it lately, where that was asked for, the latest first.
    pub past: Vec<Past>,
    /// The day on which its end was reported, of one that is gone.
    pub gone_on: Option<Date>,
}

/// Something that was reported of an animal and not taken back.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct Past {
    /// By which code.
    pub code: String,
    /// The day on which that was sent.
    pub on: Date,
    /// The field `month`, where the code has one.
    pub month: Option<i64>,
    /// The field `date`, as [`crate::code::Values`] keeps dates, where the code has one.
    pub date: Option<String>,
}

/// Ids of so many digits are given to one person in the country: telephone numbers, driving licences,
/// identity cards. Shorter ones are a village's own, or dates of birth.
pub const UNIQUE: usize = 10;

/// Most owners that an ambiguous id is told to be.
const MOST: i64 = 4;

const OWNER: &str = "o.id, o.name, o.place, o.person, o.state, o.registered_by, o.registered_at,
    coalesce((SELECT t.digits FROM owner_key t WHERE t.owner = o.id AND t.kind = 'phone'), '') AS phone";

/// Whether what is found is only read, or a report about it is going to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// For a question: takes no lock.
    Read,
    /// Kept from being withdrawn until the transaction ends. What is being withdrawn just now is waited
    /// for, and is not found then. Two who only speak of the same do not wait for each other.
    Keep,
}

impl Hold {
    /// The end of a query whose table goes by this name. The weakest lock that `H` (`undo_report`) waits
    /// for; animals are taken by their ids, as there, so that neither waits for the other for ever.
    fn lock(self, table: &str) -> String {
        match self {
            Self::Read => String::new(),
            Self::Keep => format!("FOR KEY SHARE OF {table}"),
        }
    }
}

/// Owners whom `digits` may mean, or `dialled`, the same as a telephone number is dialled in the country.
/// Within the areas of responsibility of `sender` those whose whole id it is, else those whose id ends with
/// it; where there are none, those elsewhere whose whole id it is. Our numbers are as long as what people
/// type of a telephone number, so that whoever is near is meant first; an identification shorter than
/// [`UNIQUE`] digits is a village's own, and means nobody elsewhere. More than one means that it is too short.
pub async fn owners(
    tx: &Tx<'_>,
    sender: i64,
    (digits, dialled): (&str, &str),
    hold: Hold,
) -> Result<Vec<Owner>> {
    let back: String = digits.chars().rev().collect();
    // Ids hold digits and capitals: nothing that begins with `back` comes after it and a tilde.
    let beyond = format!("{back}~");
    let lock = hold.lock("o");
    let sql = format!(
        "-- herds::owners
         WITH found AS (
            SELECT k.owner, bool_or(k.digits IN ($2, $6)) AS whole,
                   bool_or(k.digits IN ($2, $6) AND (k.kind <> 'identification' OR length(k.digits) >= {UNIQUE})) AS known
              FROM owner_key k
             WHERE (k.back >= $3 AND k.back < $4) OR k.back = reverse($6) GROUP BY k.owner)
         SELECT {OWNER}, CASE WHEN n.near AND f.whole THEN 0 WHEN n.near THEN 1 ELSE 2 END AS rank
           FROM found f JOIN owner o ON o.id = f.owner JOIN place p ON p.id = o.place
          CROSS JOIN LATERAL (SELECT EXISTS (
                SELECT FROM person_area a WHERE a.person = $1 AND a.place = ANY (p.path)) AS near) n
          WHERE o.state <> 'withdrawn' AND (n.near OR f.known)
          ORDER BY rank, o.state, o.id LIMIT $5 {lock}"
    );
    let rows = tx
        .query(
            &sql,
            &[
                /* sender */ &sender, /* digits */ &digits, /* back */ &back,
                /* beyond */ &beyond, /* most */ &MOST, /* dialled */ &dialled,
            ],
        )
        .await?;
    let rank = |row: &Row| row.get::<_, i32>("rank");
    let best = rows.first().map(rank);
    let meant = rows.iter().filter(|row| Some(rank(row)) == best);
    Ok(meant.map(owner).collect())
}

/// The herd of somebody who writes to us.
pub async fn of_person(tx: &Tx<'_>, person: i64, hold: Hold) -> Result<Option<Owner>> {
    let lock = hold.lock("o");
    let sql = format!(
        "-- herds::of_person
         SELECT {OWNER} FROM owner o WHERE o.person = $1 AND o.state = 'active' {lock}"
    );
    let row = tx.query_opt(&sql, &[/* person */ &person]).await?;
    Ok(row.as_ref().map(owner))
}

/// So long an animal's past matters: twice the longest gestation.
const MEMORY_DAYS: i32 = 800;

/// So much of it is looked at; nobody reports more in that time.
const MEMORY_ROWS: i64 = 40;

/// What was reported of an animal `a` by the codes $3, within $4 days and $5 rows.
const PAST: &str = "
    SELECT jsonb_agg(jsonb_build_object('code', r.code, 'on', (r.sent_at AT TIME ZONE 'Asia/Jakarta')::date,
           'month', r.fields -> 'month', 'date', r.fields ->> 'date') ORDER BY r.sent_at DESC) AS past
      FROM (SELECT s.report, s.received_at FROM report_subject s
             WHERE s.kind = 'animal' AND s.subject = a.id AND NOT s.withdrawn AND NOT s.made
               AND s.received_at > now() - make_interval(days => $4)
             ORDER BY s.received_at DESC LIMIT $5) s
      JOIN report r ON r.received_at = s.received_at AND r.id = s.report
     WHERE r.code = ANY ($3)";

const ANIMAL: &str = "a.id, a.owner, a.code, a.kind, a.species, a.sex, a.born_on";

/// The living animals of a herd that go by these codes, in the order of the codes; a code that none goes
/// by is left out. With what was reported of each by the codes of `memory`.
pub async fn animals(
    tx: &Tx<'_>,
    owner: i64,
    codes: &[&str],
    memory: &[&str],
    hold: Hold,
) -> Result<Vec<Animal>> {
    let lock = hold.lock("a");
    let from = "FROM unnest($2::text[]) AS w (code)
           JOIN animal a ON a.owner = $1 AND a.code = w.code AND a.state = 'alive'";
    if memory.is_empty() {
        let sql = format!(
            "-- herds::animals\nSELECT {ANIMAL}, NULL::jsonb AS past {from} ORDER BY a.id {lock}"
        );
        let rows = tx
            .query(&sql, &[/* owner */ &owner, /* codes */ &codes])
            .await?;
        return in_order(&rows, codes);
    }
    let sql = format!(
        "-- herds::animals_with_past
         SELECT {ANIMAL}, p.past {from} LEFT JOIN LATERAL ({PAST}) p ON true ORDER BY a.id {lock}"
    );
    let rows = tx
        .query(
            &sql,
            &[
                /* owner */ &owner,
                /* codes */ &codes,
                /* memory */ &memory,
                /* days */ &MEMORY_DAYS,
                /* rows */ &MEMORY_ROWS,
            ],
        )
        .await?;
    in_order(&rows, codes)
}

/// An animal that a herd has no more under this code: one that is gone, else, when `left` counts too, one that was sold or renamed. Of several the last one. With what was
/// reported of it by the codes of `memory`.
pub async fn gone(
    tx: &Tx<'_>,
    (owner, code): (i64, &str),
    left: bool,
    memory: &[&str],
    hold: Hold,
) -> Result<Option<Animal>> {
    let lock = hold.lock("a");
    let sql = format!(
        "-- herds::gone
         WITH found AS (
            SELECT a.id, 0 AS way, a.id AS at
              FROM animal a WHERE a.owner = $1 AND a.code = $2 AND a.state = 'gone'
             UNION ALL
            SELECT a.id, 1, s.seq
              FROM report_subject h
              JOIN report_subject s ON s.report = h.report AND s.kind = 'animal'
              JOIN animal a ON a.id = s.subject AND a.state <> 'withdrawn'
             WHERE $6 AND h.kind = 'owner' AND h.subject = $1 AND NOT s.withdrawn
               AND (s.before ->> 'owner')::bigint = $1 AND s.before ->> 'code' = $2
             ORDER BY way, at DESC LIMIT 1)
         SELECT {ANIMAL}, p.past,
                (SELECT (r.sent_at AT TIME ZONE 'Asia/Jakarta')::date
                   FROM report_subject s JOIN report r ON r.received_at = s.received_at AND r.id = s.report
                  WHERE s.kind = 'animal' AND s.subject = a.id AND s.before IS NOT NULL AND NOT s.withdrawn
                  ORDER BY s.seq DESC LIMIT 1) AS since
           FROM found f JOIN animal a ON a.id = f.id LEFT JOIN LATERAL ({PAST}) p ON true {lock}"
    );
    let row = tx
        .query_opt(
            &sql,
            &[
                /* owner */ &owner,
                /* code */ &code,
                /* memory */ &memory,
                /* days */ &MEMORY_DAYS,
                /* rows */ &MEMORY_ROWS,
                /* left */ &left,
            ],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Animal {
        gone_on: row.get("since"),
        ..animal(&row)?
    }))
}

/// Animals in the order in which they were named; one that was named twice is there twice.
fn in_order(rows: &[Row], codes: &[&str]) -> Result<Vec<Animal>> {
    let mut animals = rows.iter().map(animal).collect::<Result<Vec<_>>>()?;
    animals.sort_by_key(|a| codes.iter().position(|code| *code == a.code));
    Ok(animals)
}

/// What the living animals of a herd are called: the first few, and how many there are.
pub async fn herd(tx: &Tx<'_>, owner: i64, most: i64) -> Result<(Vec<String>, i64)> {
    let rows = tx
        .query(
            "-- herds::herd
             SELECT code, count(*) OVER () FROM animal WHERE owner = $1 AND state = 'alive'
              ORDER BY length(code), code LIMIT $2",
            &[/* owner */ &owner, /* most */ &most],
        )
        .await?;
    let all = rows.first().map_or(0, |row| row.get(1));
    Ok((rows.iter().map(|row| row.get(0)).collect(), all))
}

/// The row of an owner or animal as it is now, locked until the transaction ends: what
/// [`super::subjects::Subject::before`] keeps.
pub async fn as_is(tx: &Tx<'_>, table: Table, id: i64) -> Result<Json> {
    let sql = format!(
        "-- herds::as_is\nSELECT to_jsonb(t) FROM {} t WHERE t.id = $1 FOR NO KEY UPDATE",
        table.name()
    );
    Ok(tx.query_one(&sql, &[/* id */ &id]).await?.get(0))
}

/// The tables of this page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Owners.
    Owner,
    /// Animals.
    Animal,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Animal => "animal",
        }
    }
}

fn owner(row: &Row) -> Owner {
    Owner {
        id: row.get("id"),
        name: row.get("name"),
        place: row.get("place"),
        person: row.get("person"),
        state: row.get("state"),
        phone: row.get("phone"),
        registered_by: row.get("registered_by"),
        registered_at: row.get("registered_at"),
    }
}

fn animal(row: &Row) -> Result<Animal> {
    let past: Option<Json> = row.get("past");
    let past = past.map_or(Ok(Vec::new()), serde_json::from_value);
    Ok(Animal {
        id: row.get("id"),
        owner: row.get("owner"),
        code: row.get("code"),
        kind: row.get("kind"),
        species: row.get("species"),
        sex: row.get("sex"),
        born_on: row.get("born_on"),
        gone_on: None,
        past: past.map_err(|e| Failure::retry(format!("the past of an animal: {e}")))?,
    })
}
