//! Animals as they are registered and changed.

use crate::db::Tx;
use crate::{Failure, Result};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value as Json;

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
    // Two at once, who both keep her from being withdrawn, wait for each other here; the second sees in the next statement what the first did.
    tx.execute(
        "-- herds::lock_dam\nSELECT FROM animal WHERE id = $1 FOR NO KEY UPDATE",
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
              WHERE t.id = ANY ($1) AND t.owner = $2 AND t.state = 'alive' ORDER BY t.id FOR NO KEY UPDATE",
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
