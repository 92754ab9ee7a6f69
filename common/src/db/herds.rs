//! Owners and their animals.

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

/// What becomes of animals.
pub enum Change<'a> {
    /// Another owner's.
    Owner(i64),
    /// Called by another id; of one animal only.
    Code(&'a str),
    /// Gone, by this fate of the list `fate`.
    Fate(&'a str),
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

/// Ids of so many digits are given to one person in the country: telephone numbers, driving licences,
/// identity cards. Shorter ones are a village's own, or dates of birth.
pub const UNIQUE: usize = 10;

/// Most owners that an ambiguous id is told to be.
const MOST: i64 = 4;

const OWNER: &str = "o.id, o.name, o.place, o.person, o.state,
    coalesce((SELECT t.digits FROM owner_key t WHERE t.owner = o.id AND t.kind = 'phone'), '') AS phone";

/// Owners whom `digits` may mean, or `dialled`, the same as a telephone number is dialled in the country.
/// Within the areas of responsibility of `sender` those whose whole id it is, else those whose id ends with
/// it; where there are none, those elsewhere whose whole id it is. Our numbers are as long as what people
/// type of a telephone number, so that whoever is near is meant first; an identification shorter than
/// [`UNIQUE`] digits is a village's own, and means nobody elsewhere. More than one means that it is too short.
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
            SELECT k.owner, bool_or(k.digits IN ($2, $6)) AS whole,
                   bool_or(k.digits IN ($2, $6) AND (k.kind <> 'identification' OR length(k.digits) >= {UNIQUE})) AS known
              FROM owner_key k
             WHERE (k.back >= $3 AND k.back < $4) OR k.back = reverse($6) GROUP BY k.owner)
         SELECT {OWNER}, CASE WHEN n.near AND f.whole THEN 0 WHEN n.near THEN 1 ELSE 2 END AS rank
           FROM found f JOIN owner o ON o.id = f.owner JOIN place p ON p.id = o.place
          CROSS JOIN LATERAL (SELECT EXISTS (
                SELECT FROM person_area a WHERE a.person = $1 AND a.place = ANY (p.path)) AS near) n
          WHERE o.state <> 'withdrawn' AND (n.near OR f.known)
          ORDER BY rank, o.state, o.id LIMIT $5"
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
pub async fn of_person(tx: &Tx<'_>, person: i64) -> Result<Option<Owner>> {
    let sql = format!(
        "-- herds::of_person
         SELECT {OWNER} FROM owner o WHERE o.person = $1 AND o.state = 'active'"
    );
    let row = tx.query_opt(&sql, &[/* person */ &person]).await?;
    Ok(row.as_ref().map(owner))
}

/// So long an animal's past matters: twice the longest gestation.
const MEMORY_DAYS: i32 = 800;

/// So much of it is looked at; nobody reports more in that time.
const MEMORY_ROWS: i64 = 40;

const ANIMAL: &str = "a.id, a.owner, a.code, a.kind, a.species, a.sex, a.born_on";

/// The living animals of a herd that go by these codes, in the order of the codes; a code that none goes
/// by is left out. With what was reported of each by the codes of `memory`.
pub async fn animals(
    tx: &Tx<'_>,
    owner: i64,
    codes: &[&str],
    memory: &[&str],
) -> Result<Vec<Animal>> {
    let from = "FROM unnest($2::text[]) WITH ORDINALITY AS w (code, rank)
           JOIN animal a ON a.owner = $1 AND a.code = w.code AND a.state = 'alive'";
    if memory.is_empty() {
        let sql = format!(
            "-- herds::animals\nSELECT {ANIMAL}, NULL::jsonb AS past {from} ORDER BY w.rank"
        );
        let rows = tx
            .query(&sql, &[/* owner */ &owner, /* codes */ &codes])
            .await?;
        return rows.iter().map(animal).collect();
    }
    let sql = format!(
        "-- herds::animals_with_past
         SELECT {ANIMAL}, p.past {from}
           LEFT JOIN LATERAL (
             SELECT jsonb_agg(jsonb_build_object('code', r.code, 'on', (r.sent_at AT TIME ZONE 'Asia/Jakarta')::date,
                    'month', r.fields -> 'month', 'date', r.fields ->> 'date') ORDER BY r.sent_at DESC) AS past
               FROM (SELECT s.report, s.received_at FROM report_subject s
                      WHERE s.kind = 'animal' AND s.subject = a.id AND NOT s.withdrawn AND NOT s.made
                        AND s.received_at > now() - make_interval(days => $4)
                      ORDER BY s.received_at DESC LIMIT $5) s
               JOIN report r ON r.received_at = s.received_at AND r.id = s.report
              WHERE r.code = ANY ($3)) p ON true
          ORDER BY w.rank"
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
    rows.iter().map(animal).collect()
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

/// Registers many animals; their rows' ids in the same order. A code that a living animal of the herd has
/// fails as a conflict: look for it first.
pub async fn add_animals(tx: &Tx<'_>, all: &[NewAnimal<'_>]) -> Result<Vec<i64>> {
    let owners: Vec<i64> = all.iter().map(|a| a.owner).collect();
    let codes: Vec<&str> = all.iter().map(|a| a.code).collect();
    let kinds: Vec<&str> = all.iter().map(|a| a.kind).collect();
    let species: Vec<&str> = all.iter().map(|a| a.species).collect();
    let sexes: Vec<&str> = all.iter().map(|a| a.sex).collect();
    let births: Vec<Option<Date>> = all.iter().map(|a| a.born_on).collect();
    let by: Vec<i64> = all.iter().map(|a| a.by).collect();
    let at: Vec<Timestamp> = all.iter().map(|a| a.at).collect();
    let rows = tx
        .query(
            "-- herds::add_animals
             WITH new AS (INSERT INTO animal (owner, code, kind, species, sex, born_on, registered_by, registered_at)
                          SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[],
                                               $6::date[], $7::bigint[], $8::timestamptz[])
                          RETURNING id, owner, code)
             SELECT n.id FROM unnest($1, $2) WITH ORDINALITY AS w (owner, code, rank)
               JOIN new n ON n.owner = w.owner AND n.code = w.code ORDER BY w.rank",
            &[
                /* owners */ &owners,
                /* codes */ &codes,
                /* kinds */ &kinds,
                /* species */ &species,
                /* sexes */ &sexes,
                /* births */ &births,
                /* by */ &by,
                /* at */ &at,
            ],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Registers a calf; its row's id, or the birth of another calf of its dam that is fewer than `apart` days
/// away, but farther than the `litter` days in which twins are born: then nothing was written.
pub async fn add_calf(
    tx: &Tx<'_>,
    a: &NewAnimal<'_>,
    (litter, apart): (i32, i32),
) -> Result<std::result::Result<i64, Date>> {
    // Two at once wait for each other here; the second sees in the next statement what the first did.
    tx.execute(
        "-- herds::lock_dam\nSELECT FROM animal WHERE id = $1 FOR UPDATE",
        &[/* dam */ &a.dam],
    )
    .await?;
    let row = tx
        .query_one(
            "-- herds::add_calf
             WITH other AS (SELECT min(c.born_on) AS born_on FROM animal c
                             WHERE c.dam = $7 AND c.state <> 'withdrawn'
                               AND abs(c.born_on - $6::date) > $10 AND abs(c.born_on - $6::date) < $11),
                  new AS (INSERT INTO animal (owner, code, kind, species, sex, born_on, dam, registered_by, registered_at)
                          SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 FROM other WHERE other.born_on IS NULL
                          RETURNING id)
             SELECT new.id, other.born_on FROM other LEFT JOIN new ON true",
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
                /* litter */ &litter,
                /* apart */ &apart,
            ],
        )
        .await?;
    let (id, other): (Option<i64>, Option<Date>) = (row.get(0), row.get(1));
    match (id, other) {
        (Some(id), _) => Ok(Ok(id)),
        (None, Some(born)) => Ok(Err(born)),
        (None, None) => Err(Failure::retry(
            "a calf was not written, and nothing stood against it",
        )),
    }
}

/// The rows of living animals of a herd as they are now, by id, locked until the transaction ends.
pub async fn take(tx: &Tx<'_>, owner: i64, animals: &[i64]) -> Result<Vec<(i64, Json)>> {
    let rows = tx
        .query(
            "-- herds::take
             SELECT t.id, to_jsonb(t) FROM animal t
              WHERE t.id = ANY ($1) AND t.owner = $2 AND t.state = 'alive' ORDER BY t.id FOR UPDATE",
            &[/* animals */ &animals, /* owner */ &owner],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Changes living animals of a herd; how many. Fewer than were named means that somebody else changed
/// one meanwhile. An id that another animal of the herd has fails as a conflict: look for it first.
pub async fn change(
    tx: &Tx<'_>,
    (owner, animals): (i64, &[i64]),
    change: &Change<'_>,
) -> Result<u64> {
    let (buyer, code, fate) = match change {
        Change::Owner(buyer) => (Some(*buyer), None, None),
        Change::Code(code) => (None, Some(*code), None),
        Change::Fate(fate) => (None, None, Some(*fate)),
    };
    tx.execute(
        "-- herds::change
         UPDATE animal SET owner = coalesce($3, owner), code = coalesce($4, code), fate = $5,
                state = CASE WHEN $5::text IS NULL THEN state ELSE 'gone' END
          WHERE id = ANY ($1) AND owner = $2 AND state = 'alive'",
        &[
            /* animals */ &animals, /* owner */ &owner, /* buyer */ &buyer,
            /* code */ &code, /* fate */ &fate,
        ],
    )
    .await
}

/// An owner who waits for their confirmation, locked.
pub async fn waiting(tx: &Tx<'_>, id: i64) -> Result<Option<Owner>> {
    let sql = format!(
        "-- herds::waiting
         SELECT {OWNER} FROM owner o WHERE o.id = $1 AND o.state = 'waiting' FOR UPDATE"
    );
    let row = tx.query_opt(&sql, &[/* owner */ &id]).await?;
    Ok(row.as_ref().map(owner))
}

/// Makes an owner who waited active, and somebody who writes to us.
pub async fn confirm(tx: &Tx<'_>, owner: i64, person: i64) -> Result {
    tx.execute(
        "-- herds::confirm
         UPDATE owner SET state = 'active', person = $2 WHERE id = $1 AND state = 'waiting'",
        &[/* owner */ &owner, /* person */ &person],
    )
    .await
    .map(drop)
}

/// The name of a place, as a village is called by those who live there.
pub async fn village(tx: &Tx<'_>, place: i64) -> Result<Option<String>> {
    let sql = "-- herds::village\nSELECT name FROM place WHERE id = $1";
    let row = tx.query_opt(sql, &[/* place */ &place]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// Lets one transaction at a time register whoever this word stands for, until it ends: what is looked for
/// next was not registered by another a moment ago.
pub async fn lock_registration(tx: &Tx<'_>, word: &str) -> Result {
    tx.execute(
        "-- herds::lock_registration\nSELECT pg_advisory_xact_lock(hashtextextended($1, 46553))",
        &[/* word */ &word],
    )
    .await
    .map(drop)
}

/// An owner who has these digits for an id: anywhere, or in one place.
pub async fn owner_of_id(tx: &Tx<'_>, digits: &str, place: Option<i64>) -> Result<Option<Owner>> {
    let sql = format!(
        "-- herds::owner_of_id
         SELECT {OWNER} FROM owner_key k JOIN owner o ON o.id = k.owner
          WHERE k.back = reverse($1) AND o.state <> 'withdrawn' AND ($2::bigint IS NULL OR o.place = $2)
          ORDER BY o.state, o.id LIMIT 1"
    );
    let row = tx
        .query_opt(&sql, &[/* digits */ &digits, /* place */ &place])
        .await?;
    Ok(row.as_ref().map(owner))
}

/// An owner of this name who was registered in a place since, and who did that.
pub async fn owner_of_name(
    tx: &Tx<'_>,
    name: &str,
    place: i64,
    since: Timestamp,
) -> Result<Option<(Owner, Option<i64>, Timestamp)>> {
    let sql = format!(
        "-- herds::owner_of_name
         SELECT {OWNER}, o.registered_by, o.registered_at FROM owner o
          WHERE o.place = $1 AND search_key(o.name) = search_key($2) AND o.state <> 'withdrawn'
            AND o.registered_at > $3
          ORDER BY o.id DESC LIMIT 1"
    );
    let row = tx
        .query_opt(
            &sql,
            &[
                /* place */ &place, /* name */ &name, /* since */ &since,
            ],
        )
        .await?;
    Ok(row.map(|row| {
        (
            owner(&row),
            row.get("registered_by"),
            row.get("registered_at"),
        )
    }))
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
        past: past.map_err(|e| Failure::retry(format!("the past of an animal: {e}")))?,
    })
}
