//! Places: the tree from province to village, found by code or by name.
//!
//! A place has codes in several systems. Every function takes the systems that the installation
//! accepts, the preferred one first; a code is looked up in that order and shown in that order.

pub(crate) mod bulk;

use super::Tx;
use crate::Result;
use tokio_postgres::Row;

/// A place as messages name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What other rows refer to; a renamed or re-coded place keeps it.
    pub id: i64,
    /// 1 is the top (province), 4 the village; the words are in the list `place_level`.
    pub level: i16,
    /// Its code in the first of the systems in which it has one; `None` when it has none.
    pub code: Option<String>,
    /// Its name and those above it, village first, province last. Never empty.
    pub names: Vec<String>,
    /// Ids from the province down to itself: an area covers a place when the area's id is in it.
    pub path: Vec<i64>,
}

impl Place {
    /// Its own name.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Is this place the area itself or inside of it?
    pub fn is_within(&self, area: i64) -> bool {
        self.path.contains(&area)
    }
}

/// The columns of a [`Place`] named `p`; `$1` are the systems.
const PLACE: &str = "p.id, p.level, p.path,
    (SELECT c.code FROM place_code c WHERE c.place = p.id AND c.valid_to IS NULL AND c.system = ANY($1)
      ORDER BY array_position($1, c.system) LIMIT 1) AS code,
    (SELECT array_agg(a.name ORDER BY a.level DESC) FROM place a WHERE a.id = ANY(p.path)) AS names";

/// The place that a valid code stands for, in the first of the systems that knows it. Dots in the
/// code are not looked at (`63.02.21.2003`); the letter case is.
pub async fn by_code(tx: &Tx<'_>, systems: &[&str], code: &str) -> Result<Option<Place>> {
    let code = code.replace('.', "");
    let sql = format!(
        "-- places::by_code
         SELECT {PLACE} FROM place_code k JOIN place p ON p.id = k.place
          WHERE k.code = $2 AND k.system = ANY($1) AND k.valid_to IS NULL
          ORDER BY array_position($1, k.system) LIMIT 1"
    );
    let row = tx
        .query_opt(&sql, &[/* systems */ &systems, /* code */ &code])
        .await?;
    Ok(row.as_ref().map(place))
}

/// The places with these ids, in the order of the ids; unknown ids are left out.
pub async fn by_ids(tx: &Tx<'_>, systems: &[&str], ids: &[i64]) -> Result<Vec<Place>> {
    let sql = format!(
        "-- places::by_ids
         SELECT {PLACE} FROM unnest($2::bigint[]) WITH ORDINALITY AS i (id, rank) JOIN place p USING (id)
          ORDER BY i.rank"
    );
    let rows = tx
        .query(&sql, &[/* systems */ &systems, /* ids */ &ids])
        .await?;
    Ok(rows.iter().map(place).collect())
}

/// The names of a place from itself up to the province; empty when there is no such place.
pub async fn path(tx: &Tx<'_>, id: i64) -> Result<Vec<String>> {
    let rows = tx
        .query(
            "-- places::path
             SELECT a.name FROM place p JOIN place a ON a.id = ANY(p.path) WHERE p.id = $1
              ORDER BY a.level DESC",
            &[/* id */ &id],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The places one level below, by code (`DKL`); of the whole country, the provinces (`None`).
pub async fn children(tx: &Tx<'_>, systems: &[&str], parent: Option<i64>) -> Result<Vec<Place>> {
    let sql = format!(
        "-- places::children
         SELECT {PLACE} FROM place p
          WHERE p.parent IS NOT DISTINCT FROM $2 AND p.retired_at IS NULL ORDER BY code, p.name, p.id"
    );
    let rows = tx
        .query(&sql, &[/* systems */ &systems, /* parent */ &parent])
        .await?;
    Ok(rows.iter().map(place).collect())
}

/// Fewer letters than this find half the country (CKL has always asked for three).
pub const SHORTEST_SEARCH: usize = 3;

/// Places whose name is like the text (`CKL`): the very name first, then names that hold it as whole
/// words, then names that merely look like it; among equals the nearest, the larger area and then the
/// lower code. A text of fewer than [`SHORTEST_SEARCH`] letters or digits finds nothing. The order never varies.
pub async fn search(tx: &Tx<'_>, systems: &[&str], text: &str, limit: i64) -> Result<Vec<Place>> {
    if text.chars().filter(|c| c.is_alphanumeric()).count() < SHORTEST_SEARCH {
        return Ok(Vec::new());
    }
    let sql = format!(
        "{}\nSELECT {PLACE} FROM best JOIN place p USING (id) ORDER BY best.rank",
        SEARCH
    );
    let params: super::Params<'_> = &[
        /* systems */ &systems, /* text */ &text, /* limit */ &limit,
    ];
    let rows = tx.query(&sql, params).await?;
    Ok(rows.iter().map(place).collect())
}

const SEARCH: &str = include_str!("places/search.sql");

fn place(row: &Row) -> Place {
    Place {
        id: row.get("id"),
        level: row.get("level"),
        code: row.get("code"),
        names: row.get("names"),
        path: row.get("path"),
    }
}
