//! Pieces of texts: those that went out, what was heard of them, and those that came in.

use super::Tx;
use crate::Result;
use crate::channel::Heard;
use crate::db::deliveries::PRUNED_AT_ONCE;
use jiff::Timestamp;
use uuid::Uuid;

/// A piece that the network took.
#[derive(Debug, Clone, Copy)]
pub struct Handed<'a> {
    /// The text's envelope.
    pub delivery: Uuid,
    /// From 1.
    pub number: u8,
    /// Of how many.
    pub of: u8,
    /// The channel.
    pub channel: &'a str,
    /// The network's id of it, where it gave one.
    pub provider_id: Option<&'a str>,
    /// When the text was queued.
    pub sent_at: Timestamp,
}

/// Keeps a piece that was taken; again for one that is sent again.
pub async fn put(tx: &Tx<'_>, handed: &Handed<'_>) -> Result {
    tx.execute(
        "-- pieces::put
         INSERT INTO text_piece (delivery, piece, pieces, channel, provider_id, sent_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (delivery, piece) DO UPDATE
            SET provider_id = excluded.provider_id, handed_at = clock_timestamp()",
        &[
            /* delivery */ &handed.delivery,
            /* piece */ &i16::from(handed.number),
            /* pieces */ &i16::from(handed.of),
            /* channel */ &handed.channel,
            /* provider_id */ &handed.provider_id,
            /* sent_at */ &handed.sent_at,
        ],
    )
    .await
    .map(drop)
}

/// How many pieces of a text were taken already: an unbroken row from the first.
pub async fn handed(tx: &Tx<'_>, delivery: Uuid) -> Result<u8> {
    let row = tx
        .query_one(
            "-- pieces::handed\nSELECT count(*) FROM text_piece WHERE delivery = $1",
            &[/* delivery */ &delivery],
        )
        .await?;
    Ok(u8::try_from(row.get::<_, i64>(0)).unwrap_or(u8::MAX))
}

/// Keeps what a network says of a piece; the first of each kind counts.
pub async fn hear(
    tx: &Tx<'_>,
    (channel, provider_id): (&str, &str),
    (heard, reason): (Heard, Option<&str>),
    at: Timestamp,
) -> Result {
    tx.execute(
        "-- pieces::hear
         INSERT INTO text_receipt (channel, provider_id, state, reason, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        &[
            /* channel */ &channel,
            /* provider_id */ &provider_id,
            /* state */ &heard.name(),
            /* reason */ &reason,
            /* at */ &at,
        ],
    )
    .await
    .map(drop)
}

/// How often this text went to this address lately, and how many answers: see
/// [`crate::channel::Guard::stops`]. The delivery itself does not count.
pub async fn said(
    tx: &Tx<'_>,
    (id, address, digest): (Uuid, &str, i64),
    within_s: u32,
) -> Result<(i64, i64)> {
    let row = tx
        .query_one(
            "-- pieces::said
             SELECT count(*) FILTER (WHERE digest = $3), count(*) FILTER (WHERE purpose = 'answer')
               FROM delivery
              WHERE kind = 'text' AND address = $2 AND id <> $1
                AND state IN ('claimed', 'sent', 'unknown')
                AND claimed_at > clock_timestamp() - make_interval(secs => $4)",
            &[
                /* id */ &id,
                /* address */ &address,
                /* digest */ &digest,
                /* within */ &f64::from(within_s),
            ],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}

/// When somebody at this address wrote last on this channel, if that was in the last two days.
pub async fn last_from(tx: &Tx<'_>, channel: &str, address: &str) -> Result<Option<Timestamp>> {
    let row = tx
        .query_one(
            "-- pieces::last_from
             SELECT max(sent_at) FROM message
              WHERE address = $2 AND channel = $1
                AND received_at > clock_timestamp() - interval '2 days'",
            &[/* channel */ &channel, /* address */ &address],
        )
        .await?;
    Ok(row.get(0))
}

/// Writes down what a text says, for [`said`].
pub async fn remember(tx: &Tx<'_>, id: Uuid, digest: i64) -> Result {
    tx.execute(
        "-- pieces::remember\nUPDATE delivery SET digest = $2 WHERE id = $1",
        &[/* id */ &id, /* digest */ &digest],
    )
    .await
    .map(drop)
}

/// A part of a text that came in.
#[derive(Debug, Clone, Copy)]
pub struct Fragment<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The sender.
    pub address: &'a str,
    /// What joins the parts; a phone uses it again for later texts.
    pub reference: u16,
    /// From 1.
    pub number: u8,
    /// Of how many.
    pub of: u8,
    /// What it says.
    pub text: &'a str,
    /// The network's id of this part.
    pub channel_id: Option<&'a str>,
    /// When it was sent.
    pub sent_at: Timestamp,
}

/// A text whose parts are all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// All parts, in order.
    pub text: String,
    /// The network's id of the first part.
    pub channel_id: Option<String>,
    /// When the first part was sent.
    pub sent_at: Timestamp,
}

/// Keeps a part; the whole text once all are there, and again for each part that comes twice then:
/// the text's own id makes them one message. Parts of an earlier text with the same reference make
/// way after an hour, which no network takes for one text.
pub async fn keep(tx: &Tx<'_>, fragment: &Fragment<'_>) -> Result<Option<Joined>> {
    tx.execute(
        "-- pieces::outdated_fragments
         DELETE FROM text_fragment WHERE channel = $1 AND address = $2 AND reference = $3
            AND noted_at < now() - interval '1 hour'",
        &[
            /* channel */ &fragment.channel,
            /* address */ &fragment.address,
            /* reference */ &i32::from(fragment.reference),
        ],
    )
    .await?;
    tx.execute(
        "-- pieces::keep_fragment
         INSERT INTO text_fragment (channel, address, reference, parts, part, text, channel_id, sent_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        &[
            /* channel */ &fragment.channel,
            /* address */ &fragment.address,
            /* reference */ &i32::from(fragment.reference),
            /* parts */ &i16::from(fragment.of),
            /* part */ &i16::from(fragment.number),
            /* text */ &fragment.text,
            /* channel_id */ &fragment.channel_id,
            /* sent_at */ &fragment.sent_at,
        ],
    )
    .await?;
    let rows = tx
        .query(
            "-- pieces::fragments
             SELECT text, channel_id, sent_at FROM text_fragment
              WHERE channel = $1 AND address = $2 AND reference = $3 AND parts = $4
              ORDER BY part FOR UPDATE",
            &[
                /* channel */ &fragment.channel,
                /* address */ &fragment.address,
                /* reference */ &i32::from(fragment.reference),
                /* parts */ &i16::from(fragment.of),
            ],
        )
        .await?;
    if rows.len() < usize::from(fragment.of) {
        return Ok(None);
    }
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(Joined {
        text: rows.iter().map(|row| row.get::<_, &str>(0)).collect(),
        channel_id: first.get(1),
        sent_at: first.get(2),
    }))
}

/// Parts that wait for others for longer than `hours` are given up: how many texts they were of.
pub async fn forget_old(tx: &Tx<'_>, hours: i32) -> Result<u64> {
    let row = tx
        .query_one(
            "-- pieces::forget_old
             WITH gone AS (DELETE FROM text_fragment WHERE noted_at < now() - make_interval(hours => $1)
                           RETURNING channel, address, reference, parts, part)
             SELECT count(*) FROM (SELECT FROM gone GROUP BY channel, address, reference, parts
                                   HAVING count(*) < parts) AS incomplete",
            &[/* hours */ &hours],
        )
        .await?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}

/// Forgets pieces and receipts older than so many days, up to [`PRUNED_AT_ONCE`] of each.
pub async fn prune(tx: &Tx<'_>, days: u32) -> Result {
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    for sql in [
        "-- pieces::prune
         DELETE FROM text_piece WHERE (delivery, piece) IN
         (SELECT delivery, piece FROM text_piece
           WHERE handed_at < now() - make_interval(days => $1) LIMIT $2)",
        "-- pieces::prune_receipts
         DELETE FROM text_receipt WHERE (channel, provider_id, state) IN
         (SELECT channel, provider_id, state FROM text_receipt
           WHERE noted_at < now() - make_interval(days => $1) LIMIT $2)",
    ] {
        let most = PRUNED_AT_ONCE as i64;
        tx.execute(sql, &[/* days */ &days, /* most */ &most])
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
