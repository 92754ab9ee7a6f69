//! Places by the ten thousand, for the loader: read whole, compared in memory, written by set.

use crate::Result;
use crate::db::Tx;
use tokio_postgres::Row;

/// A code and the place it stands for, as it is now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub system: String,
    pub code: String,
    /// False: the code and its place were retired, and come back when a file names the code again.
    pub valid: bool,
    pub place: Stored,
}

/// A place as it is, or shall be, stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub id: i64,
    pub parent: Option<i64>,
    pub level: i16,
    pub name: String,
    pub path: Vec<i64>,
    /// Longitude and latitude in degrees (WGS 84); `None` is "not known".
    pub point: Option<(f64, f64)>,
}

/// The codes of these systems: the valid ones, and those that were retired together with their place.
pub(crate) async fn known(tx: &Tx<'_>, systems: &[&str]) -> Result<Vec<Known>> {
    let rows = tx
        .query(
            "-- places::known
             SELECT DISTINCT ON (c.system, c.code) c.system, c.code, c.valid_to IS NULL AS valid,
                    p.id, p.parent, p.level, p.name, p.path, ST_X(p.point) AS lon, ST_Y(p.point) AS lat
               FROM place_code c JOIN place p ON p.id = c.place
              WHERE c.system = ANY($1) AND (c.valid_to IS NULL OR p.retired_at IS NOT NULL)
              ORDER BY c.system, c.code, c.valid_to DESC NULLS FIRST, c.place DESC",
            &[/* systems */ &systems],
        )
        .await?;
    Ok(rows.iter().map(read).collect())
}

fn read(row: &Row) -> Known {
    let place = Stored {
        id: row.get("id"),
        parent: row.get("parent"),
        level: row.get("level"),
        name: row.get("name"),
        path: row.get("path"),
        point: row.get::<_, Option<f64>>("lon").zip(row.get("lat")),
    };
    Known {
        system: row.get("system"),
        code: row.get("code"),
        valid: row.get("valid"),
        place,
    }
}

/// Stops two loads from planning against the same state; held to the end of the transaction.
pub(crate) async fn lock(tx: &Tx<'_>) -> Result {
    tx.batch("-- places::lock\nLOCK TABLE place, place_code IN SHARE ROW EXCLUSIVE MODE")
        .await
}

/// Unused ids for that many new places, in order.
pub(crate) async fn new_ids(tx: &Tx<'_>, count: usize) -> Result<Vec<i64>> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = tx
        .query(
            "-- places::new_ids
             SELECT nextval(pg_get_serial_sequence('place', 'id')) FROM generate_series(1, $1::bigint)",
            &[/* count */ &count],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Adds places with the ids given to them; parents may be among them.
pub(crate) async fn insert(tx: &Tx<'_>, places: &[Stored]) -> Result<u64> {
    write(tx, INSERT, places).await
}

/// Gives places their new name, parent, level, path and point. A point that is not known leaves the old one.
pub(crate) async fn update(tx: &Tx<'_>, places: &[Stored]) -> Result<u64> {
    write(tx, UPDATE, places).await
}

const INSERT: &str = "-- places::insert
INSERT INTO place (id, parent, level, name, path, point) OVERRIDING SYSTEM VALUE
SELECT id, parent, level, name, path::bigint[], ST_SetSRID(ST_MakePoint(lon, lat), 4326)
  FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[], $5::text[], $6::float8[], $7::float8[])
       AS n (id, parent, level, name, path, lon, lat)";

const UPDATE: &str = "-- places::update
UPDATE place p
   SET parent = n.parent, level = n.level, name = n.name, path = n.path::bigint[], retired_at = NULL,
       point = coalesce(ST_SetSRID(ST_MakePoint(n.lon, n.lat), 4326), p.point)
  FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[], $5::text[], $6::float8[], $7::float8[])
       AS n (id, parent, level, name, path, lon, lat)
 WHERE p.id = n.id";

async fn write(tx: &Tx<'_>, sql: &str, places: &[Stored]) -> Result<u64> {
    // One array per column; an array of arrays cannot be taken apart by row, so paths travel as text.
    let ids: Vec<i64> = places.iter().map(|p| p.id).collect();
    let parents: Vec<Option<i64>> = places.iter().map(|p| p.parent).collect();
    let levels: Vec<i16> = places.iter().map(|p| p.level).collect();
    let names: Vec<&str> = places.iter().map(|p| p.name.as_str()).collect();
    let paths: Vec<String> = places.iter().map(|p| array(&p.path)).collect();
    let lons: Vec<Option<f64>> = places.iter().map(|p| p.point.map(|p| p.0)).collect();
    let lats: Vec<Option<f64>> = places.iter().map(|p| p.point.map(|p| p.1)).collect();
    if places.is_empty() {
        return Ok(0);
    }
    tx.execute(
        sql,
        &[&ids, &parents, &levels, &names, &paths, &lons, &lats],
    )
    .await
}

fn array(path: &[i64]) -> String {
    let ids: Vec<String> = path.iter().map(i64::to_string).collect();
    format!("{{{}}}", ids.join(","))
}

/// Lets codes stand for places from today on. What a code stood for before is closed, not forgotten.
pub(crate) async fn put_codes(tx: &Tx<'_>, codes: &[(&str, &str, i64)]) -> Result {
    let systems: Vec<&str> = codes.iter().map(|c| c.0).collect();
    let names: Vec<&str> = codes.iter().map(|c| c.1).collect();
    let places: Vec<i64> = codes.iter().map(|c| c.2).collect();
    if codes.is_empty() {
        return Ok(());
    }
    close_codes(tx, &systems, &names).await?;
    tx.execute(
        "-- places::put_codes
         INSERT INTO place_code (system, code, place)
         SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])",
        &[
            /* systems */ &systems, /* codes */ &names, /* places */ &places,
        ],
    )
    .await?;
    Ok(())
}

/// Ends codes today, and retires the places that have no valid code left. Reports keep pointing to them.
pub(crate) async fn retire_codes(tx: &Tx<'_>, codes: &[(&str, &str)]) -> Result<u64> {
    let systems: Vec<&str> = codes.iter().map(|c| c.0).collect();
    let names: Vec<&str> = codes.iter().map(|c| c.1).collect();
    if codes.is_empty() {
        return Ok(0);
    }
    let closed = close_codes(tx, &systems, &names).await?;
    tx.execute(
        "-- places::retire
         UPDATE place p SET retired_at = now()
          WHERE p.retired_at IS NULL
            AND NOT EXISTS (SELECT FROM place_code c WHERE c.place = p.id AND c.valid_to IS NULL)",
        &[],
    )
    .await?;
    Ok(closed)
}

async fn close_codes(tx: &Tx<'_>, systems: &[&str], codes: &[&str]) -> Result<u64> {
    tx.execute(
        "-- places::close_codes
         UPDATE place_code c SET valid_to = current_date
           FROM unnest($1::text[], $2::text[]) AS g (system, code)
          WHERE c.system = g.system AND c.code = g.code AND c.valid_to IS NULL",
        &[/* systems */ &systems, /* codes */ &codes],
    )
    .await
}

/// Sets right the paths below places that moved to another parent, where the file did not name them.
pub(crate) async fn repair_paths(tx: &Tx<'_>) -> Result<u64> {
    tx.execute(
        "-- places::repair_paths
         WITH RECURSIVE tree AS (
             SELECT id, ARRAY[id] AS path FROM place WHERE parent IS NULL
             UNION ALL
             SELECT p.id, t.path || p.id FROM place p JOIN tree t ON p.parent = t.id
         )
         UPDATE place p SET path = t.path FROM tree t WHERE p.id = t.id AND p.path <> t.path",
        &[],
    )
    .await
}

/// The planner's figures after a large load; without them the first searches are slow.
pub(crate) async fn analyze(tx: &Tx<'_>) -> Result {
    tx.batch("-- places::analyze\nANALYZE place, place_code")
        .await
}
