//! Takes somebody out of every row that tells who they are; what they reported stays.

use crate::Result;
use crate::db::Tx;
use serde::Serialize;
use serde_json::Value as Json;

/// How many rows were touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// Addresses that are forgotten.
    pub contacts: u64,
    /// Messages whose text, answer and address are gone.
    pub messages: u64,
    /// Deliveries without their address.
    pub deliveries: u64,
    /// Incoming mails without address and subject.
    pub mails: u64,
    /// Raw mails that are deleted from the blob store.
    pub blobs: u64,
    /// Reports without the name or number that they held.
    pub reports: u64,
    /// Changes on record without the values that tell who it was.
    pub changes: u64,
    /// Messages to or from them that waited on queues of this database, dead letters too.
    pub waiting: u64,
    /// Ids of owners of animals who stay as they are: registered with a number of theirs, under another name or
    /// besides the one who is taken for them.
    pub owners_left: Vec<i64>,
}

/// In place of what told who somebody is.
pub(crate) const ERASED: &str = "(erased)";

/// Every address that is somebody's now, and those that were and are nobody else's.
pub(crate) async fn addresses(tx: &Tx<'_>, person: i64) -> Result<Vec<String>> {
    let rows = tx
        .query(
            "-- erase::addresses
             SELECT address FROM contact WHERE person = $1
             UNION
             SELECT a.address FROM person_change h,
                    LATERAL (SELECT v ->> 'address' AS address
                               FROM unnest(ARRAY[h.old, h.new]) AS v WHERE h.field = 'contact'
                              UNION
                             SELECT c ->> 'address' FROM jsonb_path_query(h.new, '$.contacts[*]') AS c
                              WHERE h.field = 'person') a
              WHERE h.person = $1 AND a.address IS NOT NULL
                AND NOT EXISTS (SELECT FROM contact c
                                 WHERE c.address = a.address AND c.person IS NOT NULL AND c.person <> $1)",
            &[/* person */ &person],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What is said with a person's id ($1), their addresses ($2) and the word in place ($3).
async fn say(tx: &Tx<'_>, sql: &str, person: i64, addresses: &[String]) -> Result<u64> {
    tx.execute(
        sql,
        &[
            /* person */ &person, /* addresses */ &addresses, /* in place */ &ERASED,
        ],
    )
    .await
}

/// Takes them out everywhere. What was built on their reports stays true.
pub(crate) async fn everywhere(tx: &Tx<'_>, person: i64, addresses: &[String]) -> Result<Touched> {
    let all = async |sql| say(tx, sql, person, addresses).await;
    let touched = Touched {
        reports: all(REPORTS).await? + all(TRAINING).await? + all(OWNERS_REPORTS).await?,
        messages: all(MESSAGES).await? + all(ANSWERS_TO_OTHERS).await?,
        deliveries: all(DELIVERIES).await?,
        blobs: all(BLOBS).await?,
        mails: all(MAILS).await?,
        changes: all(CHANGES).await?,
        contacts: all(CONTACTS).await?,
        waiting: waiting(tx, "queue", addresses).await? + waiting(tx, "outbox", addresses).await?,
        owners_left: Vec::new(),
    };
    for sql in [
        WATCHES,
        WATCHES_OF_TRAINING,
        WORKBOOK_FILES,
        WORKBOOKS,
        EVENTS,
        SUPPRESSIONS,
        STRANGERS,
        MISSES,
        PINS,
        REGISTRATIONS,
        OWNERS_BEFORE,
        OWNERS_KEYS,
        OWNERS,
        ACTIONS,
    ] {
        all(sql).await?;
    }
    for sql in [AREAS, PERMISSIONS, GROUPS, PERSON] {
        all(sql).await?;
    }
    Ok(touched)
}

/// Takes an owner without an account for them who was registered with their telephone number (`numbers`, as dialled in
/// the country) and their name, when nothing else tells which herd is theirs: erased with them. A number alone says
/// little, for telephones go from hand to hand. The ids of other owners with such a number, who stay.
pub(crate) async fn their_herd(tx: &Tx<'_>, person: i64, numbers: &[String]) -> Result<Vec<i64>> {
    tx.execute(
        "-- erase::their_herd
         UPDATE owner SET person = $1 WHERE NOT EXISTS (SELECT FROM owner WHERE person = $1)
            AND id = (SELECT o.id FROM owner_key k JOIN owner o ON o.id = k.owner AND o.person IS NULL
                        JOIN person p ON p.id = $1 AND search_key(p.name) = search_key(o.name)
                       WHERE k.kind = 'phone' AND k.digits = ANY ($2) ORDER BY o.id LIMIT 1)",
        &[/* person */ &person, /* numbers */ &numbers],
    )
    .await?;
    let rows = tx
        .query(
            "-- erase::owners_left
             SELECT o.id FROM owner_key k JOIN owner o ON o.id = k.owner AND o.person IS NULL
              WHERE k.kind = 'phone' AND k.digits = ANY ($1) ORDER BY o.id",
            &[/* numbers */ &numbers],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Deletes what waits in `table` (`queue`, or `outbox` where queues are elsewhere) and is to them, from them, or about
/// them alone; how many rows. What is for others and holds an address of theirs stays: it goes out within seconds.
async fn waiting(tx: &Tx<'_>, table: &str, addresses: &[String]) -> Result<u64> {
    let holding = format!(
        "-- erase::waiting
         SELECT seq, body FROM {table}
          WHERE EXISTS (SELECT FROM unnest($1::text[]) AS a WHERE position(to_json(a)::text IN body) > 0)"
    );
    let rows = tx.query(&holding, &[/* addresses */ &addresses]).await?;
    // Not by the database: it takes no JSON with a character that it cannot store.
    let theirs = rows.iter().filter(|row| is_theirs(row.get(1), addresses));
    let theirs: Vec<i64> = theirs.map(|row| row.get(0)).collect();
    let sql = format!("-- erase::delete_waiting\nDELETE FROM {table} WHERE seq = ANY ($1)");
    tx.execute(&sql, &[/* seqs */ &theirs]).await
}

/// Whether an envelope is to these addresses, from them, or tells what became of mails to them and to nobody else.
fn is_theirs(envelope: &str, addresses: &[String]) -> bool {
    let Ok(envelope) = serde_json::from_str::<Json>(envelope) else {
        return false;
    };
    let body = &envelope["body"];
    let is_one = |value: &Json| {
        value
            .as_str()
            .is_some_and(|a| addresses.iter().any(|b| b == a))
    };
    let about = body["recipients"].as_array().map_or(&[][..], Vec::as_slice);
    ["to", "from", "sender"]
        .iter()
        .any(|field| is_one(&body[*field]))
        || (!about.is_empty() && about.iter().all(|of| is_one(&of["address"])))
}

/// The words that the clock would say again name who reported. The case is then told by its number alone.
const WATCHES: &str = "-- erase::watches
UPDATE alert_watch w SET text_id = '', text_en = '' FROM disease_case c
 WHERE c.id = w.case_id AND c.opened_by = $1 AND w.text_id IS NOT NULL AND $2::text[] IS NOT NULL AND $3::text <> ''";

const WATCHES_OF_TRAINING: &str = "-- erase::watches_of_training
UPDATE training.alert_watch w SET text_id = '', text_en = '' FROM training.disease_case c
 WHERE c.id = w.case_id AND c.opened_by = $1 AND w.text_id IS NOT NULL AND $2::text[] IS NOT NULL AND $3::text <> ''";

const WORKBOOK_FILES: &str = "-- erase::workbook_files
INSERT INTO blob_to_delete (key)
SELECT DISTINCT unnest(blobs) FROM workbook WHERE person = $1 AND $2::text[] IS NOT NULL AND $3::text <> ''
ON CONFLICT DO NOTHING";

/// One that waits for its confirmation will never have it; its mail is gone.
const WORKBOOKS: &str = "-- erase::workbooks
UPDATE workbook SET sender = NULL, recipients = '{}', blobs = '{}',
       state = CASE state WHEN 'held' THEN 'refused' ELSE state END,
       reason = CASE state WHEN 'held' THEN $3 ELSE reason END
 WHERE person = $1 AND $2::text[] IS NOT NULL";

/// Only the codes that are about people hold who somebody is: the name of D, the number of N.
const REPORTS: &str = "-- erase::reports
UPDATE report r SET fields = r.fields - 'name' - 'number'
  FROM pin p LEFT JOIN registration g ON p.purpose = 'person' AND g.id = p.subject
 WHERE r.message_id = p.message AND r.line = p.line AND $2::text[] IS NOT NULL AND $3::text <> ''
   AND ((p.purpose = 'person' AND g.person = $1) OR (p.purpose = 'number' AND p.subject = $1))";

/// The same of reports that were for training: people are shared.
const TRAINING: &str = "-- erase::training
UPDATE training.report r SET fields = r.fields - 'name' - 'number'
  FROM pin p LEFT JOIN registration g ON p.purpose = 'person' AND g.id = p.subject
 WHERE r.message_id = p.message AND r.line = p.line AND $2::text[] IS NOT NULL AND $3::text <> ''
   AND ((p.purpose = 'person' AND g.person = $1) OR (p.purpose = 'number' AND p.subject = $1))";

/// What registered them as an owner of animals: the name and the identity card of DP.
const OWNERS_REPORTS: &str = "-- erase::owners_reports
UPDATE report r SET fields = r.fields - 'name' - 'identification'
  FROM owner o JOIN report_subject s ON s.kind = 'owner' AND s.subject = o.id
 WHERE o.person = $1 AND (s.made OR s.before IS NOT NULL) AND r.received_at = s.received_at AND r.id = s.report
   AND $2::text[] IS NOT NULL AND $3::text <> ''";

/// What they wrote and what we answered, by whatever address; what registered them.
const MESSAGES: &str = "-- erase::messages
UPDATE message m SET text = $3, answer = $3, address = $3, channel_id = NULL
 WHERE m.person = $1 OR m.address = ANY ($2)
    OR (m.id, m.line) IN (
                SELECT p.message, p.line FROM pin p JOIN registration g ON p.purpose = 'person' AND g.id = p.subject
                 WHERE g.person = $1)
    OR (m.id, m.line) IN (
                SELECT r.message_id, r.line FROM owner o JOIN report_subject s ON s.kind = 'owner' AND s.subject = o.id
                  JOIN report r ON r.received_at = s.received_at AND r.id = s.report
                 WHERE o.person = $1 AND (s.made OR s.before IS NOT NULL))";

/// Answers that told others their number, and the name beside it.
const ANSWERS_TO_OTHERS: &str = "-- erase::answers
UPDATE message SET answer = $3
 WHERE person IS DISTINCT FROM $1 AND EXISTS (SELECT FROM unnest($2::text[]) AS a WHERE position(a IN answer) > 0)";

const DELIVERIES: &str = "-- erase::deliveries
UPDATE delivery SET address = $3 WHERE address = ANY ($2) AND $1::bigint > 0";

const BLOBS: &str = "-- erase::blobs
INSERT INTO blob_to_delete (key)
SELECT DISTINCT blob FROM mail WHERE (person = $1 OR address = ANY ($2)) AND blob <> '' AND $3::text <> ''
ON CONFLICT DO NOTHING";

const MAILS: &str = "-- erase::mails
UPDATE mail SET address = $3, subject = $3, message_id = NULL, blob = '', held_until = NULL
 WHERE person = $1 OR address = ANY ($2)";

/// Name, addresses, and reasons that somebody wrote; which type, area or state it was stays.
const CHANGES: &str = "-- erase::changes
UPDATE person_change SET reason = NULL,
       old = CASE WHEN field IN ('name', 'contact', 'person') THEN NULL ELSE old END,
       new = CASE WHEN field IN ('name', 'contact', 'person') THEN NULL ELSE new END
 WHERE person = $1 AND $2::text[] IS NOT NULL AND $3::text <> ''";

const CONTACTS: &str = "-- erase::contacts
DELETE FROM contact WHERE (person = $1 OR (person IS NULL AND address = ANY ($2))) AND $3::text <> ''";

const EVENTS: &str = "-- erase::events
DELETE FROM mail_event WHERE address = ANY ($2) AND $1::bigint > 0 AND $3::text <> ''";

const SUPPRESSIONS: &str = "-- erase::suppressions
DELETE FROM suppression WHERE address = ANY ($2) AND $1::bigint > 0 AND $3::text <> ''";

const STRANGERS: &str = "-- erase::strangers
DELETE FROM stranger WHERE address = ANY ($2) AND $1::bigint > 0 AND $3::text <> ''";

const MISSES: &str = "-- erase::misses
DELETE FROM pin_miss WHERE address = ANY ($2) AND $1::bigint > 0 AND $3::text <> ''";

const PINS: &str = "-- erase::pins
UPDATE pin SET address = NULL, detail = NULL, void_at = coalesce(void_at, now()),
       used_from = CASE WHEN used_from IS NOT NULL THEN $3 END
 WHERE (purpose = 'number' AND subject = $1) OR used_from = ANY ($2) OR address = ANY ($2)";

const REGISTRATIONS: &str = "-- erase::registrations
UPDATE registration SET name = $3 WHERE person = $1 AND $2::text[] IS NOT NULL";

/// The herd stays, with its number.
const OWNERS: &str = "-- erase::owners
UPDATE owner SET name = $3 WHERE person = $1 AND $2::text[] IS NOT NULL";

const OWNERS_KEYS: &str = "-- erase::owners_keys
DELETE FROM owner_key k USING owner o
 WHERE o.person = $1 AND k.owner = o.id AND k.kind <> 'number' AND $2::text[] IS NOT NULL AND $3::text <> ''";

const OWNERS_BEFORE: &str = "-- erase::owners_before
UPDATE report_subject s SET before = jsonb_set(s.before, '{name}', to_jsonb($3::text)) FROM owner o
 WHERE o.person = $1 AND s.kind = 'owner' AND s.subject = o.id AND s.before IS NOT NULL AND $2::text[] IS NOT NULL";

/// What operators asked for that names an address of theirs.
const ACTIONS: &str = "-- erase::actions
UPDATE operator_action SET asked = '{}', reason = $3
 WHERE asked ->> 'address' = ANY ($2) AND $1::bigint > 0";

const AREAS: &str = "-- erase::areas
DELETE FROM person_area WHERE person = $1 AND $2::text[] IS NOT NULL AND $3::text <> ''";

const PERMISSIONS: &str = "-- erase::permissions
DELETE FROM person_permission WHERE person = $1 AND $2::text[] IS NOT NULL AND $3::text <> ''";

const GROUPS: &str = "-- erase::groups
DELETE FROM person_group WHERE person = $1 AND $2::text[] IS NOT NULL AND $3::text <> ''";

const PERSON: &str = "-- erase::person
UPDATE person SET name = $3, home_place = NULL, state = 'left', erased_at = now(), changed_at = now()
 WHERE id = $1 AND $2::text[] IS NOT NULL";

/// Most blobs that are looked at in one go.
pub(crate) const AT_ONCE: i64 = 200;

/// Blobs that nothing refers to any more.
pub async fn blobs_to_delete(tx: &Tx<'_>) -> Result<Vec<String>> {
    let rows = tx
        .query(
            "-- erase::blobs_to_delete\nSELECT key FROM blob_to_delete ORDER BY since LIMIT $1",
            &[/* most */ &AT_ONCE],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// They are gone.
pub async fn blobs_deleted(tx: &Tx<'_>, keys: &[String]) -> Result {
    tx.execute(
        "-- erase::blobs_deleted\nDELETE FROM blob_to_delete WHERE key = ANY ($1)",
        &[/* keys */ &keys],
    )
    .await
    .map(drop)
}
