//! Groups of people: what they may do beyond their user type, and who is in them.

use super::StoredPerson;
use crate::Result;
use crate::db::Tx;
use serde::Serialize;
use tokio_postgres::Row;

/// People who share some work, with what that lets them do beyond their user type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What files and commands name it by: capitals and digits.
    pub code: String,
    /// In Indonesian.
    pub name_id: String,
    /// In English.
    pub name_en: String,
    /// What its people may do, in order.
    pub permissions: Vec<String>,
}

/// All groups, in order of their codes.
pub async fn groups(tx: &Tx<'_>) -> Result<Vec<Group>> {
    let sql = "-- people::groups
               SELECT g.code, g.name_id, g.name_en,
                      ARRAY(SELECT x.permission FROM user_group_permission x
                             WHERE x.user_group = g.code ORDER BY x.permission COLLATE \"C\") AS permissions
                 FROM user_group g ORDER BY g.code";
    let read = |row: &Row| Group {
        code: row.get("code"),
        name_id: row.get("name_id"),
        name_en: row.get("name_en"),
        permissions: row.get("permissions"),
    };
    Ok(tx.query(sql, &[]).await?.iter().map(read).collect())
}

/// Adds a group, or gives it its new names and permissions. Its people may do what it says from the commit on.
pub(crate) async fn put_group(tx: &Tx<'_>, g: &Group) -> Result {
    tx.execute(
        "-- people::put_group
         INSERT INTO user_group (code, name_id, name_en) VALUES ($1, $2, $3)
         ON CONFLICT (code) DO UPDATE SET name_id = $2, name_en = $3",
        &[&g.code, &g.name_id, &g.name_en],
    )
    .await?;
    tx.execute(
        "-- people::drop_group_permissions
         DELETE FROM user_group_permission WHERE user_group = $1 AND NOT permission = ANY($2)",
        &[
            /* code */ &g.code,
            /* permissions */ &g.permissions,
        ],
    )
    .await?;
    tx.execute(
        "-- people::add_group_permissions
         INSERT INTO user_group_permission SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING",
        &[
            /* code */ &g.code,
            /* permissions */ &g.permissions,
        ],
    )
    .await
    .map(drop)
}

/// Puts people, who are in no group, into theirs. All groups must be there.
pub(super) async fn put_members(tx: &Tx<'_>, people: &[StoredPerson]) -> Result {
    let all = || {
        people
            .iter()
            .flat_map(|p| p.groups.iter().map(|g| (p.id, g.as_str())))
    };
    let (ids, groups): (Vec<i64>, Vec<&str>) = all().unzip();
    if ids.is_empty() {
        return Ok(());
    }
    tx.execute(
        "-- people::put_members
         INSERT INTO person_group (person, user_group) SELECT * FROM unnest($1::bigint[], $2::text[])",
        &[/* people */ &ids, /* groups */ &groups],
    )
    .await
    .map(drop)
}
