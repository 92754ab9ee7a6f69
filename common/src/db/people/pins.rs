//! Rows behind PINs and the people who have not proven their telephone yet.

use crate::Result;
use crate::db::Tx;
use jiff::Timestamp;
use uuid::Uuid;

/// A PIN that is to be given out.
pub(crate) struct NewPin<'a> {
    pub purpose: &'a str,
    pub subject: i64,
    pub address: Option<&'a str>,
    pub detail: Option<&'a str>,
    pub made_by: i64,
    pub message: Uuid,
    pub line: i16,
    pub made_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A PIN as it stands, locked.
pub(crate) struct StoredPin {
    pub purpose: String,
    pub subject: i64,
    pub address: Option<String>,
    pub detail: Option<String>,
    pub made_by: i64,
    pub expires_at: Timestamp,
    pub used_from: Option<String>,
    /// Another took its place, or the message that asked for it was withdrawn.
    pub void: bool,
}

/// Makes the open PINs of a subject worthless.
pub(crate) async fn void(tx: &Tx<'_>, purpose: &str, subject: i64) -> Result<u64> {
    tx.execute(
        "-- pins::void
         UPDATE pin SET void_at = now()
          WHERE purpose = $1 AND subject = $2 AND used_at IS NULL AND void_at IS NULL",
        &[/* purpose */ &purpose, /* subject */ &subject],
    )
    .await
}

/// Makes the open PIN worthless that this message asked for.
pub(crate) async fn void_of(tx: &Tx<'_>, message: Uuid, line: i16) -> Result {
    tx.execute(
        "-- pins::void_of
         UPDATE pin SET void_at = now()
          WHERE message = $1 AND line = $2 AND used_at IS NULL AND void_at IS NULL",
        &[/* message */ &message, /* line */ &line],
    )
    .await
    .map(drop)
}

/// Gives these digits out; false when they are given out already.
pub(crate) async fn insert(tx: &Tx<'_>, digits: &str, p: &NewPin<'_>) -> Result<bool> {
    let written = tx
        .execute(
            "-- pins::insert
             INSERT INTO pin (digits, purpose, subject, address, detail, made_by, message, line,
                              made_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (digits) DO NOTHING",
            &[
                /* digits */ &digits,
                /* purpose */ &p.purpose,
                /* subject */ &p.subject,
                /* address */ &p.address,
                /* detail */ &p.detail,
                /* made_by */ &p.made_by,
                /* message */ &p.message,
                /* line */ &p.line,
                /* made_at */ &p.made_at,
                /* expires_at */ &p.expires_at,
            ],
        )
        .await?;
    Ok(written > 0)
}

/// How many numbers that were worth nothing this telephone sent in the last day. Until the
/// transaction ends nobody else counts for it.
pub(crate) async fn misses(tx: &Tx<'_>, from: &str) -> Result<i64> {
    tx.query_one(
        "-- pins::alone\nSELECT pg_advisory_xact_lock(hashtext('pin ' || $1))",
        &[/* from */ &from],
    )
    .await?;
    let row = tx
        .query_one(
            "-- pins::misses
             SELECT count(*) FROM pin_miss WHERE address = $1 AND at > now() - interval '1 day'",
            &[/* from */ &from],
        )
        .await?;
    Ok(row.get(0))
}

/// This telephone sent a number that is worth nothing; if it is a PIN, that is counted there too.
pub(crate) async fn miss(tx: &Tx<'_>, digits: &str, from: &str) -> Result {
    let sql = "-- pins::miss\nINSERT INTO pin_miss (address) VALUES ($1)";
    tx.execute(sql, &[/* from */ &from]).await?;
    tx.execute(
        "-- pins::tried\nUPDATE pin SET tries = tries + 1 WHERE digits = $1",
        &[/* digits */ &digits],
    )
    .await
    .map(drop)
}

/// The PIN of these digits.
pub(crate) async fn find(tx: &Tx<'_>, digits: &str) -> Result<Option<StoredPin>> {
    let row = tx
        .query_opt(
            "-- pins::find
             SELECT purpose, subject, address, detail, made_by, expires_at, used_from,
                    void_at IS NOT NULL
                    OR EXISTS (SELECT FROM report r WHERE r.message_id = pin.message
                                AND r.line = pin.line AND r.withdrawn_at IS NOT NULL)
                    -- Whoever sends a PIN of training is not in training yet.
                    OR EXISTS (SELECT FROM training.report r WHERE r.message_id = pin.message
                                AND r.line = pin.line AND r.withdrawn_at IS NOT NULL)
               FROM pin WHERE digits = $1 FOR UPDATE",
            &[/* digits */ &digits],
        )
        .await?;
    Ok(row.map(|row| StoredPin {
        purpose: row.get(0),
        subject: row.get(1),
        address: row.get(2),
        detail: row.get(3),
        made_by: row.get(4),
        expires_at: row.get(5),
        used_from: row.get(6),
        void: row.get(7),
    }))
}

/// It did what it was for.
pub(crate) async fn used(tx: &Tx<'_>, digits: &str, from: &str) -> Result {
    tx.execute(
        "-- pins::used\nUPDATE pin SET used_at = now(), used_from = $2 WHERE digits = $1",
        &[/* digits */ &digits, /* from */ &from],
    )
    .await
    .map(drop)
}

/// Whether a PIN that this message asked for did what it was for. Locks it against being used.
pub(crate) async fn used_of(tx: &Tx<'_>, message: Uuid, line: i16) -> Result<bool> {
    let rows = tx
        .query(
            "-- pins::used_of
             SELECT used_at IS NOT NULL FROM pin WHERE message = $1 AND line = $2 FOR UPDATE",
            &[/* message */ &message, /* line */ &line],
        )
        .await?;
    Ok(rows.iter().any(|row| row.get(0)))
}

/// Somebody whom an officer registered.
pub(crate) struct Registration {
    pub name: String,
    pub user_type: String,
    pub home_place: i64,
}

/// Writes down whom an officer registered; its id.
pub(crate) async fn register(tx: &Tx<'_>, r: &Registration, made_by: i64) -> Result<i64> {
    let row = tx
        .query_one(
            "-- pins::register
             INSERT INTO registration (name, user_type, home_place, made_by)
             VALUES ($1, $2, $3, $4) RETURNING id",
            &[
                /* name */ &r.name,
                /* user_type */ &r.user_type,
                /* home_place */ &r.home_place,
                /* made_by */ &made_by,
            ],
        )
        .await?;
    Ok(row.get(0))
}

/// Whom an officer registered.
pub(crate) async fn registration(tx: &Tx<'_>, id: i64) -> Result<Option<Registration>> {
    let row = tx
        .query_opt(
            "-- pins::registration
             SELECT name, user_type, home_place FROM registration WHERE id = $1 FOR UPDATE",
            &[/* id */ &id],
        )
        .await?;
    Ok(row.map(|row| Registration {
        name: row.get(0),
        user_type: row.get(1),
        home_place: row.get(2),
    }))
}

/// Somebody came of it.
pub(crate) async fn registered(tx: &Tx<'_>, id: i64, person: i64) -> Result {
    tx.execute(
        "-- pins::registered\nUPDATE registration SET person = $2 WHERE id = $1",
        &[/* id */ &id, /* person */ &person],
    )
    .await
    .map(drop)
}

/// Puts somebody new into training.
pub(crate) async fn trains(tx: &Tx<'_>, person: i64) -> Result {
    let sql = "-- pins::trains\nUPDATE person SET training = true WHERE id = $1";
    tx.execute(sql, &[/* person */ &person]).await.map(drop)
}

/// How permissions begin that say which user types somebody registers: `can_register_vet`.
const REGISTERS: &str = "can_register_";

/// Codes of the groups that somebody with these permissions may put others into: those that may no more than they,
/// or no more than a user type that they register.
pub(crate) async fn groups_within(tx: &Tx<'_>, may: &[&str]) -> Result<Vec<String>> {
    let rows = tx
        .query(
            "-- pins::groups_within
             SELECT g.code FROM user_group g, LATERAL (
                 SELECT ARRAY(SELECT x.permission FROM user_group_permission x WHERE x.user_group = g.code) AS may) has
              WHERE has.may <@ $1::text[]
                 OR EXISTS (SELECT FROM user_type t
                             WHERE has.may <@ t.may AND $2 || lower(t.code) = ANY ($1::text[]))
              ORDER BY g.code",
            &[/* may */ &may, /* registers */ &REGISTERS],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What somebody lacks to register a person of this user type: the permission for that type, where they have any such
/// permission; else whatever the type allows that they may not do themselves.
pub(crate) async fn beyond(tx: &Tx<'_>, user_type: &str, may: &[&str]) -> Result<Vec<String>> {
    let row = tx
        .query_opt(
            "-- pins::beyond
             SELECT ARRAY(SELECT x FROM unnest(CASE
                        WHEN EXISTS (SELECT FROM unnest($2::text[]) AS m WHERE starts_with(m, $3))
                        THEN ARRAY[$3 || lower(code)] ELSE may END) AS x
                     WHERE NOT x = ANY ($2::text[]) ORDER BY x)
               FROM user_type WHERE code = $1",
            &[
                /* user_type */ &user_type, /* may */ &may,
                /* registers */ &REGISTERS,
            ],
        )
        .await?;
    // A type of the list that nobody can be of.
    Ok(row.map_or_else(|| vec![user_type.to_owned()], |row| row.get(0)))
}
