//! People and their roles for the loader.

use super::groups;
use crate::Result;
use crate::db::Tx;
use std::collections::HashMap;
use tokio_postgres::Row;

/// Something that a person may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permission {
    pub code: String,
    pub name_id: String,
    pub name_en: String,
    pub by_default: bool,
}

/// What the people of one type may do; `may` is in order and without what everybody may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserType {
    pub code: String,
    pub receives: bool,
    pub may: Vec<String>,
}

/// Who has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub kind: String,
    pub address: String,
    pub person: i64,
}

/// A person with all that hangs on them, as [`crate::people`] changes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPerson {
    /// What other rows refer to; 0 for somebody who is not written yet.
    pub id: i64,
    /// As shown to others.
    pub name: String,
    /// `id` or `en`.
    pub language: String,
    /// Code in the list `user_type`.
    pub user_type: String,
    /// Where their reports are that name no place.
    pub home_place: Option<i64>,
    /// `active`, `suspended` or `left`.
    pub state: String,
    /// Kind, canonical address and chosen channel, in order of preference.
    pub contacts: Vec<(String, String, Option<String>)>,
    /// Areas of responsibility, in order.
    pub areas: Vec<i64>,
    /// Permissions given (`true`) or taken, in order.
    pub permissions: Vec<(String, bool)>,
    /// Codes of their groups, in order.
    pub groups: Vec<String>,
    /// What they send is for training.
    pub training: bool,
}

/// Stops two loads from planning against the same state.
pub(crate) async fn lock(tx: &Tx<'_>) -> Result {
    tx.batch(
        "-- people::lock\nLOCK TABLE person, permission, user_type, user_group IN SHARE ROW EXCLUSIVE MODE",
    )
    .await
}

/// All channels with the kind of address that each uses.
pub(crate) async fn channels(tx: &Tx<'_>) -> Result<Vec<(String, String)>> {
    let sql = "-- people::channels\nSELECT name, address_kind FROM channel ORDER BY name";
    Ok(tx
        .query(sql, &[])
        .await?
        .iter()
        .map(|r| (r.get(0), r.get(1)))
        .collect())
}

/// All permissions.
pub(crate) async fn permissions(tx: &Tx<'_>) -> Result<Vec<Permission>> {
    let sql = "-- people::permissions
               SELECT code, name_id, name_en, by_default FROM permission ORDER BY code";
    let read = |row: &Row| Permission {
        code: row.get("code"),
        name_id: row.get("name_id"),
        name_en: row.get("name_en"),
        by_default: row.get("by_default"),
    };
    Ok(tx.query(sql, &[]).await?.iter().map(read).collect())
}

/// Adds a permission or gives it its new words.
pub(crate) async fn put_permission(tx: &Tx<'_>, p: &Permission) -> Result {
    tx.execute(
        "-- people::put_permission
         INSERT INTO permission (code, name_id, name_en, by_default) VALUES ($1, $2, $3, $4)
         ON CONFLICT (code) DO UPDATE SET name_id = $2, name_en = $3, by_default = $4",
        &[&p.code, &p.name_id, &p.name_en, &p.by_default],
    )
    .await?;
    Ok(())
}

/// All user types.
pub(crate) async fn user_types(tx: &Tx<'_>) -> Result<Vec<UserType>> {
    let sql = "-- people::user_types
               SELECT t.code, t.receives, ARRAY(SELECT x.permission FROM user_type_permission x
                                                 WHERE x.user_type = t.code ORDER BY x.permission COLLATE \"C\") AS may
                 FROM user_type t ORDER BY t.code";
    let read = |row: &Row| UserType {
        code: row.get("code"),
        receives: row.get("receives"),
        may: row.get("may"),
    };
    Ok(tx.query(sql, &[]).await?.iter().map(read).collect())
}

/// Adds a user type, whose list entry must exist, or gives it its new permissions.
pub(crate) async fn put_user_type(tx: &Tx<'_>, t: &UserType) -> Result {
    tx.execute(
        "-- people::put_user_type
         INSERT INTO user_type (code, receives) VALUES ($1, $2) ON CONFLICT (code) DO UPDATE SET receives = $2",
        &[/* code */ &t.code, /* receives */ &t.receives],
    )
    .await?;
    tx.execute(
        "-- people::drop_user_type_permissions
         DELETE FROM user_type_permission WHERE user_type = $1 AND NOT permission = ANY($2)",
        &[/* code */ &t.code, /* may */ &t.may],
    )
    .await?;
    tx.execute(
        "-- people::add_user_type_permissions
         INSERT INTO user_type_permission SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING",
        &[/* code */ &t.code, /* may */ &t.may],
    )
    .await?;
    Ok(())
}

/// Who has these addresses (kind, address)?
pub(crate) async fn holders(tx: &Tx<'_>, addresses: &[(&str, &str)]) -> Result<Vec<Holder>> {
    let kinds: Vec<&str> = addresses.iter().map(|a| a.0).collect();
    let texts: Vec<&str> = addresses.iter().map(|a| a.1).collect();
    let rows = tx
        .query(
            "-- people::holders
             SELECT c.kind, c.address, c.person FROM unnest($1::text[], $2::text[]) AS w (kind, address)
               JOIN contact c USING (kind, address) WHERE c.person IS NOT NULL",
            &[/* kinds */ &kinds, /* addresses */ &texts],
        )
        .await?;
    let read = |row: &Row| Holder {
        kind: row.get(0),
        address: row.get(1),
        person: row.get(2),
    };
    Ok(rows.iter().map(read).collect())
}

/// Places by code, in the first of the systems that knows each.
pub(crate) async fn places(
    tx: &Tx<'_>,
    systems: &[String],
    codes: &[&str],
) -> Result<HashMap<String, i64>> {
    let rows = tx
        .query(
            "-- people::places
             SELECT DISTINCT ON (code) code, place FROM place_code
              WHERE code = ANY($2) AND system = ANY($1) AND valid_to IS NULL
              ORDER BY code, array_position($1, system)",
            &[/* systems */ &systems, /* codes */ &codes],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// These people with all that hangs on them.
pub(crate) async fn stored(tx: &Tx<'_>, ids: &[i64]) -> Result<HashMap<i64, StoredPerson>> {
    let rows = tx
        .query(
            "-- people::stored
             SELECT p.id, p.name, p.language, p.user_type, p.home_place, p.state, p.training,
                    c.kinds, c.addresses, c.channels,
                    ARRAY(SELECT a.place FROM person_area a WHERE a.person = p.id ORDER BY a.place) AS areas,
                    ARRAY(SELECT m.user_group FROM person_group m WHERE m.person = p.id
                           ORDER BY m.user_group COLLATE \"C\") AS groups,
                    x.codes, x.granted
               FROM person p,
                    LATERAL (SELECT coalesce(array_agg(c.kind ORDER BY c.preference, c.id), '{}') AS kinds,
                                    coalesce(array_agg(c.address ORDER BY c.preference, c.id), '{}') AS addresses,
                                    coalesce(array_agg(c.channel ORDER BY c.preference, c.id), '{}') AS channels
                               FROM contact c WHERE c.person = p.id) c,
                    LATERAL (SELECT coalesce(array_agg(x.permission ORDER BY x.permission COLLATE \"C\"), '{}') AS codes,
                                    coalesce(array_agg(x.granted ORDER BY x.permission COLLATE \"C\"), '{}') AS granted
                               FROM person_permission x WHERE x.person = p.id) x
              WHERE p.id = ANY($1)",
            &[/* ids */ &ids],
        )
        .await?;
    Ok(rows.iter().map(person).map(|p| (p.id, p)).collect())
}

fn person(row: &Row) -> StoredPerson {
    let kinds: Vec<String> = row.get("kinds");
    let addresses: Vec<String> = row.get("addresses");
    let channels: Vec<Option<String>> = row.get("channels");
    let codes: Vec<String> = row.get("codes");
    StoredPerson {
        id: row.get("id"),
        name: row.get("name"),
        language: row.get("language"),
        user_type: row.get("user_type"),
        home_place: row.get("home_place"),
        state: row.get("state"),
        contacts: kinds
            .into_iter()
            .zip(addresses)
            .zip(channels)
            .map(|((k, a), c)| (k, a, c))
            .collect(),
        areas: row.get("areas"),
        permissions: codes
            .into_iter()
            .zip(row.get::<_, Vec<bool>>("granted"))
            .collect(),
        groups: row.get("groups"),
        training: row.get("training"),
    }
}

/// Adds people and gives them ids, in their order.
pub(crate) async fn insert(tx: &Tx<'_>, people: &mut [StoredPerson]) -> Result {
    let count = i64::try_from(people.len()).unwrap_or(i64::MAX);
    let rows = tx
        .query(
            "-- people::new_ids
             SELECT nextval(pg_get_serial_sequence('person', 'id')) FROM generate_series(1, $1::bigint)",
            &[/* count */ &count],
        )
        .await?;
    for (person, row) in people.iter_mut().zip(&rows) {
        person.id = row.get(0);
    }
    write(tx, INSERT, people).await?;
    hang_on(tx, people).await
}

/// Gives people their new words, addresses, areas, permissions and groups. An address that is taken from its
/// person is forgotten, unless nothing may be sent to it: that stays known.
pub(crate) async fn update(tx: &Tx<'_>, people: &[StoredPerson]) -> Result {
    if people.is_empty() {
        return Ok(());
    }
    write(tx, UPDATE, people).await?;
    let ids: Vec<i64> = people.iter().map(|p| p.id).collect();
    for sql in [
        "-- people::release_contacts
         UPDATE contact SET person = NULL, channel = NULL WHERE person = ANY($1)",
        "-- people::drop_areas
         DELETE FROM person_area WHERE person = ANY($1)",
        "-- people::drop_permissions
         DELETE FROM person_permission WHERE person = ANY($1)",
        "-- people::drop_memberships
         DELETE FROM person_group WHERE person = ANY($1)",
    ] {
        tx.execute(sql, &[/* people */ &ids]).await?;
    }
    hang_on(tx, people).await?;
    let sql = "-- people::forget_contacts
               DELETE FROM contact WHERE person IS NULL AND state = 'ok'";
    tx.execute(sql, &[]).await?;
    Ok(())
}

const INSERT: &str = "-- people::insert
INSERT INTO person (id, name, language, user_type, home_place, state, training) OVERRIDING SYSTEM VALUE
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bool[])";

const UPDATE: &str = "-- people::update
UPDATE person p SET name = n.name, language = n.language, user_type = n.user_type,
       home_place = n.home_place, state = n.state, training = n.training, changed_at = now()
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bool[])
       AS n (id, name, language, user_type, home_place, state, training)
 WHERE p.id = n.id";

async fn write(tx: &Tx<'_>, sql: &str, people: &[StoredPerson]) -> Result<u64> {
    let ids: Vec<i64> = people.iter().map(|p| p.id).collect();
    let names: Vec<&str> = people.iter().map(|p| p.name.as_str()).collect();
    let languages: Vec<&str> = people.iter().map(|p| p.language.as_str()).collect();
    let types: Vec<&str> = people.iter().map(|p| p.user_type.as_str()).collect();
    let homes: Vec<Option<i64>> = people.iter().map(|p| p.home_place).collect();
    let states: Vec<&str> = people.iter().map(|p| p.state.as_str()).collect();
    let training: Vec<bool> = people.iter().map(|p| p.training).collect();
    let params: crate::db::Params<'_> =
        &[&ids, &names, &languages, &types, &homes, &states, &training];
    tx.execute(sql, params).await
}

/// Contacts, areas, permissions and groups of people who have none. An address that was known as nobody's keeps its state.
async fn hang_on(tx: &Tx<'_>, people: &[StoredPerson]) -> Result {
    let of = |p: &StoredPerson, n: usize| vec![p.id; n];
    let ids: Vec<i64> = people
        .iter()
        .flat_map(|p| of(p, p.contacts.len()))
        .collect();
    let contacts = || people.iter().flat_map(|p| &p.contacts);
    let kinds: Vec<&str> = contacts().map(|c| c.0.as_str()).collect();
    let addresses: Vec<&str> = contacts().map(|c| c.1.as_str()).collect();
    let channels: Vec<Option<&str>> = contacts().map(|c| c.2.as_deref()).collect();
    let order = |p: &StoredPerson| (1i16..).take(p.contacts.len()).collect::<Vec<_>>();
    let orders: Vec<i16> = people.iter().flat_map(order).collect();
    tx.execute(
        "-- people::put_contacts
         INSERT INTO contact (person, kind, address, channel, preference)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::smallint[])
         ON CONFLICT (kind, address) DO UPDATE
            SET person = excluded.person, channel = excluded.channel, preference = excluded.preference",
        &[&ids, &kinds, &addresses, &channels, &orders],
    )
    .await?;
    let ids: Vec<i64> = people.iter().flat_map(|p| of(p, p.areas.len())).collect();
    let areas: Vec<i64> = people
        .iter()
        .flat_map(|p| p.areas.iter().copied())
        .collect();
    let sql = "-- people::put_areas
               INSERT INTO person_area (person, place) SELECT * FROM unnest($1::bigint[], $2::bigint[])";
    tx.execute(sql, &[/* people */ &ids, /* places */ &areas])
        .await?;
    let ids: Vec<i64> = people
        .iter()
        .flat_map(|p| of(p, p.permissions.len()))
        .collect();
    let codes: Vec<&str> = people
        .iter()
        .flat_map(|p| &p.permissions)
        .map(|x| x.0.as_str())
        .collect();
    let granted: Vec<bool> = people
        .iter()
        .flat_map(|p| &p.permissions)
        .map(|x| x.1)
        .collect();
    let sql = "-- people::put_permissions
               INSERT INTO person_permission (person, permission, granted)
               SELECT * FROM unnest($1::bigint[], $2::text[], $3::bool[])";
    tx.execute(
        sql,
        &[
            /* people */ &ids, /* permissions */ &codes, /* granted */ &granted,
        ],
    )
    .await?;
    groups::put_members(tx, people).await
}
