//! Forgets what is too old, a few thousand rows at a time.

use super::Tx;
use crate::Result;

/// Most rows that one call touches: a transaction of well under a second.
pub const AT_ONCE: u64 = 2000;

/// Lets one daemon at a time forget.
async fn alone(tx: &Tx<'_>) -> Result<bool> {
    let row = tx
        .query_one(
            "-- retention::alone\nSELECT pg_try_advisory_xact_lock(hashtext('retention'))",
            &[],
        )
        .await?;
    Ok(row.get(0))
}

/// One kind of row: its name in logs and metrics, and the statement that forgets; `$1` are days,
/// `$2` is [`AT_ONCE`].
pub struct Kind {
    /// Short stable name.
    pub name: &'static str,
    sql: &'static str,
    /// Rows that stay, without what they said: a mark keeps later rounds from reading them again.
    stays: bool,
}

/// Words, answers and addresses of messages. What was decided stays.
pub const MESSAGES: Kind = Kind {
    name: "messages",
    sql: "-- retention::messages
WITH old AS (
    SELECT id, line FROM message
     WHERE received_at < now() - make_interval(days => $1)
       AND received_at >= coalesce((SELECT until FROM forgotten WHERE what = 'messages'), '-infinity')
       AND text <> '(forgotten)' LIMIT $2)
UPDATE message m SET text = '(forgotten)', answer = NULL, address = '(forgotten)', channel_id = NULL
  FROM old WHERE m.id = old.id AND m.line = old.line",
    stays: true,
};

/// Raw mails; the rows that tell of them stay.
pub const BLOBS: Kind = Kind {
    name: "blobs",
    sql: "-- retention::blobs
WITH old AS (
    UPDATE mail SET blob = '' FROM (
        SELECT id, blob FROM mail
         WHERE received_at < now() - make_interval(days => $1)
           AND received_at >= coalesce((SELECT until FROM forgotten WHERE what = 'blobs'), '-infinity')
           AND blob <> '' LIMIT $2 FOR UPDATE) AS o
     WHERE mail.id = o.id RETURNING o.blob)
INSERT INTO blob_to_delete (key) SELECT DISTINCT blob FROM old ON CONFLICT (key) DO UPDATE SET since = now()",
    stays: true,
};

/// Files that went back with the answers to workbooks: templates, workbooks with their faults marked.
pub const WORKBOOKS: Kind = Kind {
    name: "workbook_files",
    sql: "-- retention::workbooks
WITH old AS (
    UPDATE workbook SET blobs = '{}' FROM (
        SELECT mail, blobs FROM workbook
         WHERE decided_at < now() - make_interval(days => $1) AND blobs <> '{}' LIMIT $2 FOR UPDATE) AS o
     WHERE workbook.mail = o.mail RETURNING o.blobs)
INSERT INTO blob_to_delete (key) SELECT DISTINCT unnest(blobs) FROM old ON CONFLICT (key) DO UPDATE SET since = now()",
    stays: false,
};

/// What is known of incoming mails, and what is left of them.
pub const MAILS: Kind = Kind {
    name: "mails",
    sql: "-- retention::mails
WITH old AS (
    DELETE FROM mail WHERE id IN (
        SELECT id FROM mail WHERE received_at < now() - make_interval(days => $1) LIMIT $2)
    RETURNING blob), left_over AS (
    INSERT INTO blob_to_delete (key) SELECT DISTINCT blob FROM old WHERE blob <> '' ON CONFLICT DO NOTHING)
SELECT FROM old",
    stays: false,
};

/// Who changed what about people.
pub const CHANGES: Kind = Kind {
    name: "person_changes",
    sql: "-- retention::changes
DELETE FROM person_change WHERE id IN (
    SELECT id FROM person_change WHERE at < now() - make_interval(days => $1) LIMIT $2)",
    stays: false,
};

/// PINs whose time is long over: until then one that comes late is known as such. Those that lead to a message
/// with somebody's name or number stay until they are erased.
pub const PINS: Kind = Kind {
    name: "pins",
    sql: "-- retention::pins
DELETE FROM pin WHERE digits IN (
    SELECT digits FROM pin WHERE expires_at < now() - make_interval(days => $1)
       AND NOT (purpose = 'person' AND used_at IS NOT NULL AND used_from <> '(erased)')
       AND NOT (purpose = 'number' AND address IS NOT NULL) LIMIT $2)",
    stays: false,
};

/// Registrations of which nothing came.
pub const REGISTRATIONS: Kind = Kind {
    name: "registrations",
    sql:
        "-- retention::registrations
DELETE FROM registration WHERE id IN (
    SELECT g.id FROM registration g
     WHERE g.person IS NULL AND g.made_at < now() - make_interval(days => $1)
       AND NOT EXISTS (SELECT FROM pin p WHERE p.purpose = 'person' AND p.subject = g.id) LIMIT $2)",
    stays: false,
};

/// Telephones that sent wrong PINs.
pub const MISSES: Kind = Kind {
    name: "pin_misses",
    sql: "-- retention::misses
DELETE FROM pin_miss WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM pin_miss WHERE at < now() - make_interval(days => $1) LIMIT $2))",
    stays: false,
};

/// Strangers who were answered.
pub const STRANGERS: Kind = Kind {
    name: "strangers",
    sql: "-- retention::strangers
DELETE FROM stranger WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM stranger WHERE answered_at < now() - make_interval(days => $1) LIMIT $2))",
    stays: false,
};

/// Which address took the place of which.
pub const FALL_OVERS: Kind = Kind {
    name: "fall_overs",
    sql: "-- retention::fall_overs
DELETE FROM fall_over WHERE failed IN (
    SELECT failed FROM fall_over WHERE at < now() - make_interval(days => $1) LIMIT $2)",
    stays: false,
};

/// Forgets what of this kind is older than so many days, up to [`AT_ONCE`]; how much. As many as
/// that, and there may be more. Of several daemons at once one forgets, the others find nothing.
pub async fn forget(tx: &Tx<'_>, kind: &Kind, days: u32) -> Result<u64> {
    if !alone(tx).await? {
        return Ok(0);
    }
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let most = AT_ONCE as i64;
    let forgotten = tx
        .execute(kind.sql, &[/* days */ &days, /* most */ &most])
        .await?;
    if kind.stays && forgotten < AT_ONCE {
        // A row may be written after its time of receipt; two days are enough for that.
        tx.execute(
            "-- retention::mark
             INSERT INTO forgotten (what, until) VALUES ($1, now() - make_interval(days => $2 + 2))
             ON CONFLICT (what) DO UPDATE SET until = greatest(forgotten.until, excluded.until)",
            &[/* what */ &kind.name, /* days */ &days],
        )
        .await?;
    }
    Ok(forgotten)
}
