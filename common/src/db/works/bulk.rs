//! Infrastructure and programmes for the loader.

use crate::Result;
use crate::db::Tx;
use jiff::civil::Date;

/// An infrastructure as it is, or shall be, stored. Addresses and staff are in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Site {
    pub code: String,
    pub kind: String,
    pub name: String,
    pub place: i64,
    /// Longitude and latitude in degrees (WGS 84); `None` is "not known".
    pub point: Option<(f64, f64)>,
    pub emails: Vec<String>,
    pub staff: Vec<i64>,
    pub retired: bool,
}

/// A programme as it is, or shall be, stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Campaign {
    pub number: i64,
    pub kind: String,
    pub name_id: String,
    pub name_en: String,
    pub disease: Option<String>,
    pub starts_on: Option<Date>,
    pub ends_on: Option<Date>,
    pub retired: bool,
}

/// Stops two loads from planning against the same state.
pub(crate) async fn lock(tx: &Tx<'_>) -> Result {
    tx.batch("-- works::lock\nLOCK TABLE infrastructure, program IN SHARE ROW EXCLUSIVE MODE")
        .await
}

/// Every infrastructure, retired ones too.
pub(crate) async fn sites(tx: &Tx<'_>) -> Result<Vec<Site>> {
    let rows = tx
        .query(
            "-- works::sites
             SELECT i.code, i.type, i.name, i.place, ST_X(i.point) AS lon, ST_Y(i.point) AS lat, i.emails,
                    ARRAY(SELECT s.person FROM infrastructure_staff s WHERE s.infrastructure = i.id
                           ORDER BY s.person) AS staff,
                    i.retired_at IS NOT NULL AS retired
               FROM infrastructure i ORDER BY i.code",
            &[],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| Site {
        code: row.get("code"),
        kind: row.get("type"),
        name: row.get("name"),
        place: row.get("place"),
        point: row.get::<_, Option<f64>>("lon").zip(row.get("lat")),
        emails: row.get("emails"),
        staff: row.get("staff"),
        retired: row.get("retired"),
    };
    Ok(rows.iter().map(read).collect())
}

/// Adds an infrastructure, or gives the one of this code all that is said here.
pub(crate) async fn put_site(tx: &Tx<'_>, site: &Site) -> Result {
    let (lon, lat) = site.point.unzip();
    let row = tx
        .query_one(
            "-- works::put_site
             INSERT INTO infrastructure AS i (code, type, name, place, point, emails)
             VALUES ($1, $2, $3, $4, ST_SetSRID(ST_MakePoint($5::float8, $6::float8), 4326), $7)
             ON CONFLICT (code) DO UPDATE SET type = excluded.type, name = excluded.name,
                 place = excluded.place, point = excluded.point, emails = excluded.emails, retired_at = NULL
             RETURNING id",
            &[
                /* code */ &site.code,
                /* type */ &site.kind,
                /* name */ &site.name,
                /* place */ &site.place,
                /* lon */ &lon,
                /* lat */ &lat,
                /* emails */ &site.emails,
            ],
        )
        .await?;
    let id: i64 = row.get(0);
    tx.execute(
        "-- works::forget_staff\nDELETE FROM infrastructure_staff WHERE infrastructure = $1",
        &[/* infrastructure */ &id],
    )
    .await?;
    tx.execute(
        "-- works::put_staff
         INSERT INTO infrastructure_staff (infrastructure, person) SELECT $1, * FROM unnest($2::bigint[])",
        &[/* infrastructure */ &id, /* staff */ &site.staff],
    )
    .await
    .map(drop)
}

/// Takes infrastructure out of use; reports keep pointing to it.
pub(crate) async fn retire_sites(tx: &Tx<'_>, codes: &[&str]) -> Result<u64> {
    tx.execute(
        "-- works::retire_sites
         UPDATE infrastructure SET retired_at = now() WHERE code = ANY($1) AND retired_at IS NULL",
        &[/* codes */ &codes],
    )
    .await
}

/// Every programme, retired ones too.
pub(crate) async fn campaigns(tx: &Tx<'_>) -> Result<Vec<Campaign>> {
    let rows = tx
        .query(
            "-- works::campaigns
             SELECT id, kind, name_id, name_en, disease, starts_on, ends_on, retired_at IS NOT NULL AS retired
               FROM program ORDER BY id",
            &[],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| Campaign {
        number: row.get("id"),
        kind: row.get("kind"),
        name_id: row.get("name_id"),
        name_en: row.get("name_en"),
        disease: row.get("disease"),
        starts_on: row.get("starts_on"),
        ends_on: row.get("ends_on"),
        retired: row.get("retired"),
    };
    Ok(rows.iter().map(read).collect())
}

/// Adds a programme, or gives the one of this number all that is said here.
pub(crate) async fn put_campaign(tx: &Tx<'_>, program: &Campaign) -> Result {
    tx.execute(
        "-- works::put_campaign
         INSERT INTO program (id, kind, name_id, name_en, disease, starts_on, ends_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name_id = excluded.name_id,
             name_en = excluded.name_en, disease = excluded.disease, starts_on = excluded.starts_on,
             ends_on = excluded.ends_on, retired_at = NULL",
        &[
            /* id */ &program.number,
            /* kind */ &program.kind,
            /* name_id */ &program.name_id,
            /* name_en */ &program.name_en,
            /* disease */ &program.disease,
            /* starts_on */ &program.starts_on,
            /* ends_on */ &program.ends_on,
        ],
    )
    .await
    .map(drop)
}

/// Takes programmes out of use; reports keep pointing to them.
pub(crate) async fn retire_campaigns(tx: &Tx<'_>, numbers: &[i64]) -> Result<u64> {
    tx.execute(
        "-- works::retire_campaigns
         UPDATE program SET retired_at = now() WHERE id = ANY($1) AND retired_at IS NULL",
        &[/* numbers */ &numbers],
    )
    .await
}
