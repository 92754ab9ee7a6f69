//! Infrastructure, programmes and permits, as messages name them.

pub(crate) mod bulk;

use super::Tx;
use crate::Result;
use crate::language::Language;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value as Json;

/// An office, a laboratory, an abattoir.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Infrastructure {
    /// What other rows refer to.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Code in the list `infrastructure_type`.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub place: i64,
}

/// A programme that work in the field is reported against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its number.
    pub id: i64,
    /// `vaccination`, `surveillance` or `control`.
    pub kind: String,
    /// What it is called in Indonesian.
    pub name_id: String,
    /// And in English.
    pub name_en: String,
    /// Whether the day of the message lies within it.
    pub runs: bool,
    /// Its first day, where one is set.
    pub starts_on: Option<Date>,
    /// Its last day, where one is set.
    pub ends_on: Option<Date>,
}

/// A permit that was just issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issued {
    /// Its number.
    pub number: i64,
    /// Day of issue.
    pub on: Date,
    /// Last day on which it holds.
    pub until: Date,
}

/// What a programme may be.
pub const PROGRAM_KINDS: [&str; 3] = ["vaccination", "surveillance", "control"];

/// A movement permit.
#[derive(Debug, Clone, PartialEq)]
pub struct Permit {
    /// Its number.
    pub id: i64,
    /// `valid` or `withdrawn`; that it has run out follows from the day.
    pub state: String,
    /// Last day on which it holds.
    pub valid_until: Date,
    /// Where the animals come from.
    pub origin: i64,
    /// Where they go.
    pub destination: i64,
    /// The declared fields of the message that issued it.
    pub fields: Json,
}

/// A permit to be issued.
pub struct NewPermit<'a> {
    /// Number of the owner's identity card.
    pub identity: &'a str,
    /// Where the animals come from.
    pub origin: i64,
    /// Where they go.
    pub destination: i64,
    /// Who issues it.
    pub by: i64,
    /// When that was sent.
    pub at: Timestamp,
    /// For how many days it holds.
    pub days: i32,
    /// The declared fields of the message.
    pub fields: &'a Json,
}

impl Program {
    /// What it is called in this language.
    pub fn name(&self, language: Language) -> &str {
        match language {
            Language::Id => &self.name_id,
            Language::En => &self.name_en,
        }
    }
}

/// The infrastructure of a code that is still in use.
pub async fn infrastructure(tx: &Tx<'_>, code: &str) -> Result<Option<Infrastructure>> {
    let row = tx
        .query_opt(
            "-- works::infrastructure
             SELECT id, code, type, name, place FROM infrastructure WHERE code = $1 AND retired_at IS NULL",
            &[/* code */ &code],
        )
        .await?;
    Ok(row.map(|row| Infrastructure {
        id: row.get(0),
        code: row.get(1),
        kind: row.get(2),
        name: row.get(3),
        place: row.get(4),
    }))
}

/// The programme of a number.
pub async fn program(tx: &Tx<'_>, id: i64, at: Timestamp) -> Result<Option<Program>> {
    let row = tx
        .query_opt(
            "-- works::program
             SELECT id, kind, name_id, name_en, starts_on, ends_on,
                    ($2::timestamptz AT TIME ZONE 'Asia/Jakarta')::date
                        BETWEEN coalesce(starts_on, '-infinity') AND coalesce(ends_on, 'infinity') AS runs
             FROM program WHERE id = $1 AND retired_at IS NULL",
            &[/* id */ &id, /* at */ &at],
        )
        .await?;
    Ok(row.map(|row| Program {
        id: row.get(0),
        kind: row.get(1),
        name_id: row.get(2),
        name_en: row.get(3),
        runs: row.get("runs"),
        starts_on: row.get("starts_on"),
        ends_on: row.get("ends_on"),
    }))
}

/// The permit of a number, withdrawn ones too, kept from being withdrawn until the transaction ends.
pub async fn permit(tx: &Tx<'_>, id: i64) -> Result<Option<Permit>> {
    let row = tx
        .query_opt(
            "-- works::permit
             SELECT id, state, valid_until, origin, destination, fields FROM permit WHERE id = $1
             FOR KEY SHARE",
            &[/* id */ &id],
        )
        .await?;
    Ok(row.map(|row| Permit {
        id: row.get(0),
        state: row.get(1),
        valid_until: row.get(2),
        origin: row.get(3),
        destination: row.get(4),
        fields: row.get(5),
    }))
}

/// Issues a permit. The numbers run without gaps: the counter stays locked until the
/// transaction ends, and a transaction that is rolled back gives its number back. So take it late.
pub async fn issue_permit(tx: &Tx<'_>, new: &NewPermit<'_>) -> Result<Issued> {
    let row = tx
        .query_one(
            "-- works::issue_permit
             WITH next AS (
                 INSERT INTO counter AS c (name, value) VALUES ('permit', 1)
                 ON CONFLICT (name) DO UPDATE SET value = c.value + 1 RETURNING value)
             INSERT INTO permit (id, identity, origin, destination, issued_by, issued_at, valid_until, fields)
             SELECT value, $1, $2, $3, $4, $5, ($5::timestamptz AT TIME ZONE 'Asia/Jakarta')::date + $6::int, $7
               FROM next RETURNING id, (issued_at AT TIME ZONE 'Asia/Jakarta')::date, valid_until",
            &[
                /* identity */ &new.identity,
                /* origin */ &new.origin,
                /* destination */ &new.destination,
                /* by */ &new.by,
                /* at */ &new.at,
                /* days */ &new.days,
                /* fields */ &new.fields,
            ],
        )
        .await?;
    Ok(Issued {
        number: row.get(0),
        on: row.get(1),
        until: row.get(2),
    })
}

/// The offices that answer for a place: their name and where their mail goes. Those of the nearest
/// level that has any with a mail address; an office answers for the place that it is registered at.
pub async fn offices(tx: &Tx<'_>, place: i64) -> Result<Vec<(String, Vec<String>)>> {
    let rows = tx
        .query(
            "-- works::offices
             WITH of AS (
                 SELECT i.code, i.name, i.emails, h.level FROM place o JOIN place h ON h.id = ANY (o.path)
                   JOIN infrastructure i ON i.place = h.id
                  WHERE o.id = $1 AND i.type = 'DNS' AND i.retired_at IS NULL AND i.emails <> '{}')
             SELECT name, emails FROM of WHERE level = (SELECT max(level) FROM of) ORDER BY code",
            &[/* place */ &place],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The row of an infrastructure as it is now, locked until the transaction ends: what
/// [`super::subjects::Subject::before`] keeps.
pub async fn as_is(tx: &Tx<'_>, infrastructure: i64) -> Result<Json> {
    let row = tx
        .query_one(
            "-- works::as_is\nSELECT to_jsonb(t) FROM infrastructure t WHERE t.id = $1 FOR UPDATE",
            &[/* id */ &infrastructure],
        )
        .await?;
    Ok(row.get(0))
}

/// Sets where an infrastructure stands, in degrees (WGS 84). How many kilometres that is outside the
/// nearest place above it whose borders are known; `None` when none are.
pub async fn set_point(tx: &Tx<'_>, id: i64, (lat, lon): (f64, f64)) -> Result<Option<f64>> {
    let row = tx
        .query_one(
            "-- works::set_point
             UPDATE infrastructure i SET point = ST_SetSRID(ST_MakePoint($3, $2), 4326) WHERE i.id = $1
             RETURNING (SELECT ST_Distance(h.area::geography, i.point::geography) / 1000
                          FROM place o JOIN place h ON h.id = ANY (o.path)
                         WHERE o.id = i.place AND h.area IS NOT NULL AND h.level <= 3
                         ORDER BY h.level DESC LIMIT 1)",
            &[/* id */ &id, /* lat */ &lat, /* lon */ &lon],
        )
        .await?;
    Ok(row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Conn;
    use crate::db::subjects::{self, Sort, Subject};
    use crate::db::testing::{TestHome, begin};
    use serde_json::json;
    use uuid::Uuid;

    async fn id(home: &TestHome, sql: &str) -> i64 {
        home.db.one(sql).await
    }

    async fn issue(tx: &Tx<'_>, (by, place): (i64, i64)) -> Issued {
        let fields = json!({ "animals": [{ "species": "SP", "number": 4 }] });
        let new = NewPermit {
            identity: "7204012345678901",
            origin: place,
            destination: place,
            by,
            at: Timestamp::from_second(1_800_000_000).expect("in range"),
            days: 30,
            fields: &fields,
        };
        issue_permit(tx, &new).await.expect("a permit")
    }

    async fn until_one_waits(conn: &mut Conn) {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                        WHERE wait_event_type = 'Lock' AND query LIKE '-- works::issue_permit%'";
        loop {
            let row = conn
                .client()
                .query_one(waiting, &[])
                .await
                .expect("a query");
            if row.get::<_, i64>(0) == 1 {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn numbers_run_without_gaps_when_one_of_two_at_once_is_rolled_back() {
        let home = TestHome::new().await;
        let of = (
            id(&home, "SELECT min(id) FROM person").await,
            id(&home, "SELECT min(id) FROM place").await,
        );
        let mut clients = [
            home.db.client().await,
            home.db.client().await,
            home.db.client().await,
        ];
        let [one, other, look] = &mut clients;
        let first = begin(one).await;
        let issued = issue(&first, of).await;
        assert_eq!(issued.number, 1);
        let on = jiff::civil::date(2027, 1, 15);
        let until = jiff::civil::date(2027, 2, 14);
        assert_eq!((issued.on, issued.until), (on, until));
        let second = begin(other).await;
        let roll_back = async {
            until_one_waits(look).await;
            drop(first);
        };
        let (issued, ()) = tokio::join!(issue(&second, of), roll_back);
        assert_eq!(issued.number, 1, "the number came back");
        second.commit().await.expect("it is kept");
        let third = begin(look).await;
        assert_eq!(issue(&third, of).await.number, 2);
    }

    #[tokio::test]
    async fn a_point_that_was_set_can_be_taken_back_and_one_far_away_is_told() {
        let home = TestHome::new().await;
        let site = id(&home, "SELECT id FROM infrastructure WHERE code = '720401'").await;
        let mut conn = home.db.client().await;
        let tx = begin(&mut conn).await;
        assert_eq!(
            set_point(&tx, site, (1.0, 120.8)).await,
            Ok(None),
            "no borders known"
        );
        let before = as_is(&tx, site).await.expect("a row");
        tx.batch(
            "UPDATE place SET area = ST_Multi(ST_MakeEnvelope(120, 0, 121, 1, 4326))
              WHERE name = 'Toli-Toli'",
        )
        .await
        .expect("borders");
        assert_eq!(set_point(&tx, site, (0.5, 120.5)).await, Ok(Some(0.0)));
        let far = set_point(&tx, site, (2.0, 120.5)).await.expect("set");
        assert!(
            far.is_some_and(|km| (109.0..112.0).contains(&km)),
            "{far:?}"
        );
        let (report, now) = (Uuid::now_v7(), Timestamp::now());
        let subject = Subject {
            before: Some(before),
            ..Subject::about(Sort::Infrastructure, site)
        };
        subjects::insert(&tx, report, now, &[subject])
            .await
            .expect("kept");
        assert_eq!(subjects::undo(&tx, report).await, Ok(true));
        let point = "SELECT ST_AsEWKT(point) FROM infrastructure WHERE id = $1";
        let row = tx.query_one(point, &[&site]).await.expect("a row");
        assert_eq!(row.get::<_, &str>(0), "SRID=4326;POINT(120.8 1)");
    }

    #[tokio::test]
    async fn the_office_of_the_nearest_level_that_has_a_mail_address_answers() {
        let home = TestHome::new().await;
        let mut conn = home.db.client().await;
        let tx = begin(&mut conn).await;
        tx.batch(
            "INSERT INTO infrastructure (code, type, name, place, emails)
             SELECT v.code, 'DNS', v.code, p.id, v.emails::text[] FROM (VALUES
                 ('7200', 'Sulawesi Tengah', '{a@example.org}'),
                 ('720400', 'Toli-Toli', '{b@example.org,c@example.org}'),
                 ('720402', 'Dampal Utara', '{}')) AS v (code, name, emails)
               JOIN place p ON p.name = v.name",
        )
        .await
        .expect("offices");
        let place = "SELECT id FROM place WHERE name = $1";
        for (name, offices) in [
            (
                "Ogotua",
                vec![("720400", vec!["b@example.org", "c@example.org"])],
            ),
            ("Sulawesi Tengah", vec![("7200", vec!["a@example.org"])]),
            ("Tammangalle", vec![]),
        ] {
            let id: i64 = tx.query_one(place, &[&name]).await.expect(name).get(0);
            let found = super::offices(&tx, id).await.expect("a query");
            let found: Vec<_> = found
                .iter()
                .map(|(name, all)| (name.as_str(), all.iter().map(String::as_str).collect()))
                .collect();
            assert_eq!(found, offices, "{name}");
        }
    }
}
