//! Owners and their animals.

use super::Tx;
use crate::Result;
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
}

/// An animal to be registered.
pub struct NewAnimal<'a> {
    /// Whose it is.
    pub owner: i64,
    /// What its owner calls it, in capitals.
    pub code: &'a str,
    /// Code of its breed or species.
    pub kind: &'a str,
    /// Code of its species.
    pub species: &'a str,
    /// Code in the list `sex`.
    pub sex: &'a str,
    /// As far as it is known.
    pub born_on: Option<Date>,
    /// Its mother, where its birth was reported.
    pub dam: Option<i64>,
    /// Who registers it.
    pub by: i64,
    /// When that was sent.
    pub at: Timestamp,
}

/// Most owners that an ambiguous id is told to be.
const MOST: i64 = 4;

const OWNER: &str = "o.id, o.name, o.place, o.person, o.state,
    coalesce((SELECT t.digits FROM owner_key t WHERE t.owner = o.id AND t.kind = 'phone'), '') AS phone";

/// Owners whom `digits` may mean, or `dialled`, the same as a telephone number is dialled in the country:
/// those whose whole id it is, wherever they live; else those within the areas of responsibility of
/// `sender` whose id ends with it. More than one means that it is too short.
pub async fn owners(
    tx: &Tx<'_>,
    sender: i64,
    (digits, dialled): (&str, &str),
) -> Result<Vec<Owner>> {
    let back: String = digits.chars().rev().collect();
    // Ids hold digits and capitals: nothing that begins with `back` comes after it and a tilde.
    let beyond = format!("{back}~");
    let sql = format!(
        "-- herds::owners
         WITH found AS (
            SELECT k.owner, bool_or(k.digits IN ($2, $6)) AS whole FROM owner_key k
             WHERE (k.back >= $3 AND k.back < $4) OR k.back = reverse($6) GROUP BY k.owner)
         SELECT {OWNER}, f.whole FROM found f JOIN owner o ON o.id = f.owner JOIN place p ON p.id = o.place
          WHERE o.state <> 'withdrawn' AND (f.whole OR EXISTS (
                SELECT FROM person_area a WHERE a.person = $1 AND a.place = ANY (p.path)))
          ORDER BY f.whole DESC, o.state, o.id LIMIT $5"
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
    let whole = rows.iter().filter(|r| r.get("whole")).count();
    let meant = if whole > 0 { whole } else { rows.len() };
    Ok(rows.iter().take(meant).map(owner).collect())
}

/// The herd of somebody who writes to us.
pub async fn of_person(tx: &Tx<'_>, person: i64) -> Result<Option<Owner>> {
    let sql = format!(
        "-- herds::of_person
         SELECT {OWNER} FROM owner o WHERE o.person = $1 AND o.state = 'active'"
    );
    let row = tx.query_opt(&sql, &[/* person */ &person]).await?;
    Ok(row.as_ref().map(owner))
}

const ANIMAL: &str = "a.id, a.owner, a.code, a.kind, a.species, a.sex, a.born_on";

/// The living animals of a herd that go by these codes, in the order of the codes; a code that none goes
/// by is left out.
pub async fn animals(tx: &Tx<'_>, owner: i64, codes: &[&str]) -> Result<Vec<Animal>> {
    let sql = format!(
        "-- herds::animals
         SELECT {ANIMAL} FROM unnest($2::text[]) WITH ORDINALITY AS w (code, rank)
           JOIN animal a ON a.owner = $1 AND a.code = w.code AND a.state = 'alive' ORDER BY w.rank"
    );
    let rows = tx
        .query(&sql, &[/* owner */ &owner, /* codes */ &codes])
        .await?;
    Ok(rows.iter().map(animal).collect())
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

/// Registers an owner; their number, which becomes one of their ids.
pub async fn add_owner(
    tx: &Tx<'_>,
    (name, place): (&str, i64),
    state: &str,
    (by, at): (i64, Timestamp),
) -> Result<i64> {
    let row = tx
        .query_one(
            "-- herds::add_owner
             WITH new AS (INSERT INTO owner (name, place, state, registered_by, registered_at)
                          VALUES ($1, $2, $3, $4, $5) RETURNING id)
             INSERT INTO owner_key (owner, kind, digits) SELECT id, 'number', id::text FROM new RETURNING owner",
            &[
                /* name */ &name, /* place */ &place, /* state */ &state, /* by */ &by,
                /* at */ &at,
            ],
        )
        .await?;
    Ok(row.get(0))
}

/// Gives an owner an id of this kind, `phone` or `identification`, in place of the one before.
pub async fn set_key(tx: &Tx<'_>, owner: i64, kind: &str, digits: &str) -> Result {
    tx.execute(
        "-- herds::set_key
         INSERT INTO owner_key (owner, kind, digits) VALUES ($1, $2, $3)
         ON CONFLICT (owner, kind) DO UPDATE SET digits = excluded.digits",
        &[
            /* owner */ &owner, /* kind */ &kind, /* digits */ &digits,
        ],
    )
    .await
    .map(drop)
}

/// Registers an animal; its row's id. A code that a living animal of the herd has fails as a conflict:
/// look for it first.
pub async fn add_animal(tx: &Tx<'_>, a: &NewAnimal<'_>) -> Result<i64> {
    let row = tx
        .query_one(
            "-- herds::add_animal
             INSERT INTO animal (owner, code, kind, species, sex, born_on, dam, registered_by, registered_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
            &[
                /* owner */ &a.owner,
                /* code */ &a.code,
                /* kind */ &a.kind,
                /* species */ &a.species,
                /* sex */ &a.sex,
                /* born_on */ &a.born_on,
                /* dam */ &a.dam,
                /* by */ &a.by,
                /* at */ &a.at,
            ],
        )
        .await?;
    Ok(row.get(0))
}

/// The row of an owner or animal as it is now, locked until the transaction ends: what
/// [`super::subjects::Subject::before`] keeps.
pub async fn as_is(tx: &Tx<'_>, table: Table, id: i64) -> Result<Json> {
    let sql = format!(
        "-- herds::as_is\nSELECT to_jsonb(t) FROM {} t WHERE t.id = $1 FOR UPDATE",
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
    }
}

fn animal(row: &Row) -> Animal {
    Animal {
        id: row.get("id"),
        owner: row.get("owner"),
        code: row.get("code"),
        kind: row.get("kind"),
        species: row.get("species"),
        sex: row.get("sex"),
        born_on: row.get("born_on"),
    }
}
