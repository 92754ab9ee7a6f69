//! Ways round an address that fails, and people whom no address reaches.

use super::contacts::{self, Contact};
use crate::Result;
use crate::db::Tx;
use uuid::Uuid;

/// Whose address failed.
pub(crate) struct Failed {
    pub person: i64,
    pub contact: i64,
    pub active: bool,
    pub language: String,
}

/// Whose this address is; `None` when it is nobody's.
pub(crate) async fn owner(tx: &Tx<'_>, channel: &str, address: &str) -> Result<Option<Failed>> {
    let row = tx
        .query_opt(
            "-- reach::owner
             SELECT p.id, c.id, p.state = 'active', p.language FROM contact c JOIN person p ON p.id = c.person
              WHERE c.kind = coalesce((SELECT h.address_kind FROM channel h WHERE h.name = $1), $1)
                AND c.address IN ($2, lower($2))",
            &[/* channel */ &channel, /* address */ &address],
        )
        .await?;
    Ok(row.map(|row| Failed {
        person: row.get(0),
        contact: row.get(1),
        active: row.get(2),
        language: row.get(3),
    }))
}

/// Notes that a delivery failed for good; false when that was noted before. The way that it is a
/// step of began with the delivery that it took the place of, if there is one.
pub(crate) async fn begin(tx: &Tx<'_>, delivery: Uuid, failed: &Failed) -> Result<bool> {
    let written = tx
        .execute(
            "-- reach::begin
             INSERT INTO fall_over (failed, root, person, contact)
             VALUES ($1, coalesce((SELECT f.root FROM fall_over f WHERE f.next = $1), $1), $2, $3)
             ON CONFLICT (failed) DO NOTHING",
            &[
                /* failed */ &delivery,
                /* person */ &failed.person,
                /* contact */ &failed.contact,
            ],
        )
        .await?;
    Ok(written > 0)
}

/// Their next address that this way has not visited.
pub(crate) async fn next(tx: &Tx<'_>, delivery: Uuid, person: i64) -> Result<Option<Contact>> {
    let rows = tx
        .query(
            "-- reach::visited
             SELECT f.contact FROM fall_over f
              WHERE f.root = (SELECT o.root FROM fall_over o WHERE o.failed = $1)",
            &[/* failed */ &delivery],
        )
        .await?;
    let visited: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    let mut usable = contacts::usable(tx, &[person]).await?;
    let all = usable.remove(&person).unwrap_or_default();
    Ok(all.into_iter().find(|c| !visited.contains(&c.id)))
}

/// The message went on to this address.
pub(crate) async fn went_on(tx: &Tx<'_>, failed: Uuid, next: Uuid, contact: i64) -> Result {
    tx.execute(
        "-- reach::went_on\nUPDATE fall_over SET next = $2, onto = $3 WHERE failed = $1",
        &[
            /* failed */ &failed, /* next */ &next, /* onto */ &contact,
        ],
    )
    .await
    .map(drop)
}

/// Somebody who takes part, whom nothing reaches.
pub(crate) struct Lost {
    pub person: i64,
    pub name: String,
    /// Home, else the first area: whose coordinators are told.
    pub place: Option<i64>,
}

/// Notes who cannot be reached now and could be before, and forgets about those who can be again.
/// Each is told of once until then.
pub(crate) async fn newly_lost(tx: &Tx<'_>, most: i64) -> Result<Vec<Lost>> {
    tx.execute(
        "-- reach::found_again
         DELETE FROM unreachable u USING person p
          WHERE p.id = u.person AND (p.state <> 'active' OR EXISTS (
                SELECT FROM contact c WHERE c.person = p.id AND c.state <> 'suppressed'
                   AND (c.channel IS NOT NULL OR EXISTS (SELECT FROM channel h
                                                          WHERE h.address_kind = c.kind AND h.is_default))))",
        &[],
    )
    .await?;
    let rows = tx
        .query(
            "-- reach::newly_lost
             WITH lost AS (
                 INSERT INTO unreachable (person)
                 SELECT p.id FROM person p
                  WHERE p.state = 'active' AND NOT EXISTS (SELECT FROM unreachable u WHERE u.person = p.id)
                    AND NOT EXISTS (
                        SELECT FROM contact c WHERE c.person = p.id AND c.state <> 'suppressed'
                           AND (c.channel IS NOT NULL OR EXISTS (SELECT FROM channel h
                                                                  WHERE h.address_kind = c.kind AND h.is_default)))
                  ORDER BY p.id LIMIT $1
                 ON CONFLICT DO NOTHING RETURNING person)
             SELECT p.id, p.name, coalesce(p.home_place, (SELECT min(a.place) FROM person_area a
                                                           WHERE a.person = p.id))
               FROM lost l JOIN person p ON p.id = l.person ORDER BY p.name, p.id",
            &[/* most */ &most],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| Lost {
        person: row.get(0),
        name: row.get(1),
        place: row.get(2),
    };
    Ok(rows.iter().map(read).collect())
}

/// Lets one daemon at a time look for them.
pub(crate) async fn alone(tx: &Tx<'_>) -> Result<bool> {
    let row = tx
        .query_one(
            "-- reach::alone\nSELECT pg_try_advisory_xact_lock(hashtext('people::reach'))",
            &[],
        )
        .await?;
    Ok(row.get(0))
}
