//! The people of a circle.

use crate::Result;
use crate::db::people::OF_KIND;
use crate::db::people::{self, Kinds, Recipient};
use crate::db::{Params, Tx};
use tokio_postgres::Row;
use uuid::Uuid;

/// Where to look for people.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// Those of these kinds whose area covers this place.
    Covering(i64, Kinds<'a>),
    /// Those of these kinds whose area covers a place near this one: below the place that is
    /// so many levels up, or within so many kilometres where places have points.
    Near(i64, Kinds<'a>, (u8, u16)),
    /// Staff of this infrastructure.
    Staff(i64),
    /// Who opened this case.
    Reporter(i64),
    /// Who sent this code about this case.
    Sender(i64, &'a str),
    /// Who was told of this case and, when a message is named, because of that one.
    Told(i64, Option<Uuid>),
    /// This person.
    Person(i64),
}

/// The people of a circle, in the order of their ids.
#[derive(Debug, Default)]
pub struct Found {
    /// With an address that works.
    pub reachable: Vec<Recipient>,
    /// Without any.
    pub silent: Vec<i64>,
}

/// Areas are looked up by the places that they name: the place and those above it.
const COVERING: &str = "-- alerts::covering
    t.receives AND p.id IN (
        SELECT a.person FROM person_area a
        WHERE a.place = ANY((SELECT w.path FROM place w WHERE w.id = $1)::bigint[]))";

/// A degree of latitude is 111 km, one of longitude shrinks with the cosine; the box finds them by
/// the index, the distance decides.
const NEAR: &str = "-- alerts::near
    t.receives AND p.id IN (
        WITH RECURSIVE here AS (SELECT w.point, w.path FROM place w WHERE w.id = $1),
        below (id, path) AS (
            SELECT w.id, w.path FROM place w, here h
             WHERE w.id = h.path[greatest(1, cardinality(h.path) - $4::integer)]
            UNION ALL
            SELECT w.id, w.path FROM place w JOIN below b ON w.parent = b.id),
        near AS (
            SELECT path FROM below
            UNION ALL
            SELECT w.path FROM here h JOIN place w
                ON w.point && ST_Expand(h.point, $5::float8 / (111 * greatest(0.1, cos(radians(ST_Y(h.point))))))
               AND ST_DWithin(w.point::geography, h.point::geography, $5::float8 * 1000)
             WHERE $5::float8 > 0)
        SELECT a.person FROM person_area a
        WHERE a.place IN (SELECT unnest(n.path) FROM near n))";

const STAFF: &str = "-- alerts::staff
    p.id IN (SELECT person FROM infrastructure_staff WHERE infrastructure = $1)";

const REPORTER: &str = "-- alerts::reporter
    p.id = (SELECT opened_by FROM disease_case WHERE id = $1)";

const SENDER: &str = "-- alerts::sender
    p.id IN (SELECT sender FROM report WHERE case_id = $1 AND code = $2 AND withdrawn_at IS NULL)";

/// Who waits for a bundle is told too: with it.
const TOLD: &str = "-- alerts::told_of_case
    p.id IN (SELECT person FROM alert WHERE case_id = $1 AND ($2::uuid IS NULL OR message = $2))";

/// Looks for people who take part, with their addresses.
pub async fn found(tx: &Tx<'_>, source: Source<'_>) -> Result<Found> {
    let rows = match source {
        Source::Covering(place, Kinds { types, groups }) => {
            let sql = of(&format!("{COVERING} AND {OF_KIND}"));
            let kinds: Params<'_> = &[
                /* place */ &place, /* types */ &types, /* groups */ &groups,
            ];
            tx.query(&sql, kinds).await?
        }
        Source::Near(place, Kinds { types, groups }, (up, km)) => {
            let (up, km) = (i32::from(up), f64::from(km));
            let sql = of(&format!("{NEAR} AND {OF_KIND}"));
            tx.query(
                &sql,
                &[
                    /* place */ &place, /* types */ &types, /* groups */ &groups,
                    /* up */ &up, /* km */ &km,
                ],
            )
            .await?
        }
        Source::Staff(infrastructure) => {
            let sql = of(STAFF);
            tx.query(&sql, &[/* infrastructure */ &infrastructure])
                .await?
        }
        Source::Reporter(case) => tx.query(&of(REPORTER), &[/* case */ &case]).await?,
        Source::Sender(case, code) => {
            let sql = of(SENDER);
            tx.query(&sql, &[/* case */ &case, /* code */ &code])
                .await?
        }
        Source::Told(case, message) => {
            let sql = of(TOLD);
            tx.query(&sql, &[/* case */ &case, /* message */ &message])
                .await?
        }
        Source::Person(id) => return person(tx, id).await,
    };
    with_contacts(tx, &rows).await
}

/// One person who takes part; nobody in either list when they do not.
pub(super) async fn person(tx: &Tx<'_>, id: i64) -> Result<Found> {
    let sql = of("-- alerts::person\n p.id = $1");
    let rows = tx.query(&sql, &[/* person */ &id]).await?;
    with_contacts(tx, &rows).await
}

/// The whole statement around a condition on people, whose first line names it.
fn of(condition: &str) -> String {
    let (name, condition) = condition.split_once('\n').unwrap_or_default();
    let person = people::PERSON;
    format!(
        "{name}
         SELECT {person} FROM person p JOIN user_type t ON t.code = p.user_type
         WHERE p.state = 'active' AND {condition}
         ORDER BY p.id"
    )
}

async fn with_contacts(tx: &Tx<'_>, rows: &[Row]) -> Result<Found> {
    let people: Vec<_> = rows.iter().map(people::person).collect();
    let ids: Vec<i64> = people.iter().map(|p| p.id).collect();
    let mut of = people::usable(tx, &ids).await?;
    let mut found = Found::default();
    for person in people {
        match of.remove(&person.id) {
            Some(contacts) => found.reachable.push(Recipient { person, contacts }),
            None => found.silent.push(person.id),
        }
    }
    Ok(found)
}
