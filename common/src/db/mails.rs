//! Incoming mails: what arrived, what was decided, what is held until it is confirmed.

use super::Tx;
use crate::Result;
use jiff::Timestamp;
use uuid::Uuid;

/// A mail that arrived, before anything is decided.
pub struct Arrived<'a> {
    /// Id of its envelope.
    pub id: Uuid,
    /// Its trace.
    pub trace: Uuid,
    /// Where the raw original lies.
    pub blob: &'a str,
    /// One value per effect; `None` for a mail that could not be read.
    pub digest: Option<&'a str>,
    /// Its own Message-ID.
    pub message_id: Option<&'a str>,
    /// The author's address, in lower case; empty when there is none.
    pub address: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// When we received it.
    pub received_at: Timestamp,
}

/// Writes a mail down; false when the same mail was here before, by whatever way. The unique index
/// decides, so that of two at the same time one waits for the other.
pub async fn insert(tx: &Tx<'_>, a: &Arrived<'_>) -> Result<bool> {
    let digest = a.digest.map(str::as_bytes);
    let written = tx
        .execute(
            "-- mails::insert
             INSERT INTO mail (id, trace, blob, digest, message_id, address, subject, received_at,
                               outcome, flagged)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'begun',
                     CASE WHEN EXISTS (SELECT FROM mail WHERE message_id = $5)
                          THEN 'message_id_reused' END)
             ON CONFLICT (digest) WHERE digest IS NOT NULL DO NOTHING",
            &[
                /* id */ &a.id,
                /* trace */ &a.trace,
                /* blob */ &a.blob,
                /* digest */ &digest,
                /* message_id */ &a.message_id,
                /* address */ &a.address,
                /* subject */ &a.subject,
                /* received_at */ &a.received_at,
            ],
        )
        .await?;
    Ok(written > 0)
}

/// What became of a mail.
#[derive(Default)]
pub struct Decided<'a> {
    /// Short stable name.
    pub outcome: &'a str,
    /// Why, as a short stable name.
    pub reason: Option<&'a str>,
    /// Whose it is.
    pub person: Option<i64>,
    /// The envelope that carries our mail about it.
    pub answer_id: Option<Uuid>,
    /// Whether that mail went to somebody who is proven to have written.
    pub proven: bool,
    /// Until when it may be confirmed.
    pub held_until: Option<Timestamp>,
}

/// Writes down what became of a mail.
pub async fn decide(tx: &Tx<'_>, id: Uuid, d: &Decided<'_>) -> Result {
    tx.execute(
        "-- mails::decide
         UPDATE mail SET outcome = $2, reason = $3, person = $4, answer_id = $5, held_until = $6,
                proven = $7, decided_at = clock_timestamp() WHERE id = $1",
        &[
            /* id */ &id,
            /* outcome */ &d.outcome,
            /* reason */ &d.reason,
            /* person */ &d.person,
            /* answer_id */ &d.answer_id,
            /* held_until */ &d.held_until,
            /* proven */ &d.proven,
        ],
    )
    .await
    .map(drop)
}

/// How many mails of ours this address was sent in the last hour as answers: those to mails that it
/// is proven to have written, or those to mails that anybody may have written in its name.
pub async fn answered_this_hour(tx: &Tx<'_>, address: &str, proven: bool) -> Result<i64> {
    let row = tx
        .query_one(
            "-- mails::answered_this_hour
             SELECT count(*) FROM mail WHERE address = $1 AND answer_id IS NOT NULL
             AND proven = $2 AND decided_at > now() - interval '1 hour'",
            &[/* address */ &address, /* proven */ &proven],
        )
        .await?;
    Ok(row.get(0))
}

/// A held mail that is being confirmed.
pub struct Held {
    /// Its id.
    pub id: Uuid,
    /// Its trace.
    pub trace: Uuid,
    /// Whose it is said to be.
    pub person: i64,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its commands, in order.
    pub lines: Vec<String>,
}

/// What a confirmation finds.
pub enum Release {
    /// The mail was held until now: carry it out.
    Held(Held),
    /// It waited too long; it was received then.
    Lapsed(Timestamp),
    /// It was confirmed before; it was received then.
    Confirmed(Timestamp),
    /// It never was held, or is another person's.
    Unknown,
}

/// Takes a held mail to carry it out, unless what confirms it is itself not `good` any more. Of two
/// confirmations at once one waits for the other.
pub async fn release(tx: &Tx<'_>, id: Uuid, person: i64, good: bool) -> Result<Release> {
    let row = tx
        .query_opt(
            "-- mails::held
             SELECT trace, received_at, outcome, coalesce(held_until > now(), false) FROM mail
             WHERE id = $1 AND person = $2 AND outcome IN ('held', 'confirmed') FOR UPDATE",
            &[/* id */ &id, /* person */ &person],
        )
        .await?;
    let Some(row) = row else {
        return Ok(Release::Unknown);
    };
    let received_at = row.get(1);
    match (row.get(2), row.get(3)) {
        ("held", true) if good => {}
        ("held", _) => return Ok(Release::Lapsed(received_at)),
        _ => return Ok(Release::Confirmed(received_at)),
    }
    Ok(Release::Held(Held {
        id,
        trace: row.get(0),
        person,
        received_at,
        lines: released(tx, id).await?,
    }))
}

/// Marks a mail as confirmed and takes its commands, which are written anew when they are done.
async fn released(tx: &Tx<'_>, id: Uuid) -> Result<Vec<String>> {
    tx.execute(
        "-- mails::release
         UPDATE mail SET outcome = 'confirmed', held_until = NULL WHERE id = $1",
        &[/* id */ &id],
    )
    .await?;
    let lines = tx
        .query(
            "-- mails::release_lines
             DELETE FROM message WHERE id = $1 AND outcome = 'held' RETURNING line, text",
            &[/* id */ &id],
        )
        .await?;
    let mut lines: Vec<(i16, String)> = lines.iter().map(|l| (l.get(0), l.get(1))).collect();
    lines.sort_unstable();
    Ok(lines.into_iter().map(|l| l.1).collect())
}
