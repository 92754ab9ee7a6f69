//! The `queue` table: the one-box home's queues.

use super::Tx;
use crate::Result;
use crate::queue::{Facts, Receipt, Received, Redrive};
use tokio_postgres::Row;
use uuid::Uuid;

/// The channel on which a queue's name is called when something was put on it.
pub const CHANNEL: &str = "kentongan_queue";

/// What `send` puts on queues; parallel arrays, as the statement wants them.
#[derive(Default)]
pub struct Batch {
    /// Full queue names.
    pub names: Vec<String>,
    /// Envelope ids.
    pub ids: Vec<Uuid>,
    /// Envelopes.
    pub bodies: Vec<String>,
    /// Pauses in seconds.
    pub delays: Vec<f64>,
}

/// Puts messages on queues and wakes who waits for them, when the transaction commits. A queue that
/// nobody made (a channel whose bridge does not run yet) is written down, so that operators see
/// what waits there.
pub async fn send(tx: &Tx<'_>, batch: &Batch) -> Result {
    if batch.ids.is_empty() {
        return Ok(());
    }
    tx.execute(
        "-- queue::send
         WITH sent AS (
             INSERT INTO queue (name, id, body, visible_at)
             SELECT name, id, body, now() + make_interval(secs => delay)
             FROM unnest($1::text[], $2::uuid[], $3::text[], $4::float8[])
                  AS m(name, id, body, delay)
             RETURNING name),
         missing AS (
             INSERT INTO queue_name (name) SELECT DISTINCT name FROM sent
             WHERE NOT EXISTS (SELECT FROM queue_name n WHERE n.name = sent.name)
             ON CONFLICT DO NOTHING)
         SELECT pg_notify('kentongan_queue', name) FROM (SELECT DISTINCT name FROM sent) AS n",
        &[
            /* names */ &batch.names,
            /* ids */ &batch.ids,
            /* bodies */ &batch.bodies,
            /* delays */ &batch.delays,
        ],
    )
    .await
    .map(drop)
}

/// Leases up to `most` due messages, oldest first.
pub async fn receive(tx: &Tx<'_>, name: &str, most: usize, lease_s: f64) -> Result<Vec<Received>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = tx
        .query(
            "-- queue::receive
             UPDATE queue q SET receives = receives + 1, lease = lease + 1,
                    visible_at = now() + make_interval(secs => $3)
             WHERE q.seq = ANY(ARRAY(
                 SELECT seq FROM queue WHERE name = $1 AND visible_at <= now()
                 ORDER BY visible_at, seq LIMIT $2 FOR UPDATE SKIP LOCKED))
             RETURNING q.seq, q.lease, q.body, q.receives, q.sent_at, q.reason",
            &[
                /* name */ &name, /* most */ &most, /* lease_s */ &lease_s,
            ],
        )
        .await?;
    let mut received: Vec<Received> = rows.iter().map(received).collect();
    received.sort_by_key(|m| m.id.parse::<i64>().unwrap_or(0));
    Ok(received)
}

/// Looks at the next messages without leasing them.
pub async fn peek(tx: &Tx<'_>, name: &str, most: usize) -> Result<Vec<Received>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = tx
        .query(
            "-- queue::peek
             SELECT seq, lease, body, receives, sent_at, reason FROM queue
             WHERE name = $1 ORDER BY visible_at, seq LIMIT $2",
            &[/* name */ &name, /* most */ &most],
        )
        .await?;
    Ok(rows.iter().map(received).collect())
}

/// Deletes what is still ours; a receipt that is out of date deletes nothing.
pub async fn delete(tx: &Tx<'_>, receipts: &[Receipt]) -> Result<u64> {
    let (seqs, leases) = split(receipts);
    tx.execute(
        "-- queue::delete
         DELETE FROM queue
         WHERE seq = ANY($1) AND lease = ($2::int[])[array_position($1::bigint[], seq)]",
        &[/* seqs */ &seqs, /* leases */ &leases],
    )
    .await
}

/// Sets the leases of what is still ours. `uncount` takes the last receive back. What a transaction
/// deletes at this moment is passed over: to wait for it would be to wait for each other.
pub async fn extend(tx: &Tx<'_>, receipts: &[Receipt], lease_s: f64, uncount: bool) -> Result<u64> {
    let (seqs, leases) = split(receipts);
    let uncounted = i32::from(uncount);
    let touched = tx
        .execute(
            "-- queue::extend
             UPDATE queue q SET visible_at = now() + make_interval(secs => $3),
                    receives = greatest(q.receives - $4, 0)
             WHERE q.seq = ANY(ARRAY(
                 SELECT o.seq FROM queue o
                   JOIN unnest($1::bigint[], $2::int[]) AS r (seq, lease)
                     ON o.seq = r.seq AND o.lease = r.lease
                 FOR UPDATE OF o SKIP LOCKED))",
            &[
                /* seqs */ &seqs, /* leases */ &leases, /* lease_s */ &lease_s,
                /* uncounted */ &uncounted,
            ],
        )
        .await?;
    Ok(touched)
}

/// Moves a message to the dead letters with its reason. Its count starts anew, so that a look at
/// the dead letters or a redrive is not held against it.
pub async fn bury(tx: &Tx<'_>, receipt: &Receipt, dead: &str, reason: &str) -> Result<u64> {
    let (seqs, leases) = split(std::slice::from_ref(receipt));
    tx.execute(
        "-- queue::bury
         UPDATE queue SET name = $3, reason = $4, visible_at = now(), receives = 0
         WHERE seq = ANY($1::bigint[]) AND lease = ANY($2::int[])",
        &[
            /* seqs */ &seqs, /* leases */ &leases, /* dead */ &dead,
            /* reason */ &reason,
        ],
    )
    .await
}

/// What is known of a queue; `None` when it was never made.
pub async fn facts(tx: &Tx<'_>, name: &str) -> Result<Option<Facts>> {
    let row = tx
        .query_opt(
            "-- queue::facts
             SELECT n.dead, n.max_receives,
                    count(*) FILTER (WHERE q.visible_at <= now()),
                    count(*) FILTER (WHERE q.visible_at > now() AND q.receives > 0),
                    count(*) FILTER (WHERE q.visible_at > now() AND q.receives = 0),
                    extract(epoch FROM now() - min(q.sent_at)
                            FILTER (WHERE q.visible_at <= now()))::bigint
             FROM queue_name n LEFT JOIN queue q ON q.name = n.name
             WHERE n.name = $1 GROUP BY n.name",
            &[/* name */ &name],
        )
        .await?;
    Ok(row.map(|row| Facts {
        redrive: row.get::<_, Option<String>>(0).map(|dead| Redrive {
            dead,
            max_receives: row.get::<_, Option<i32>>(1).unwrap_or(0).unsigned_abs(),
        }),
        waiting: row.get::<_, i64>(2).unsigned_abs(),
        in_flight: row.get::<_, i64>(3).unsigned_abs(),
        delayed: row.get::<_, i64>(4).unsigned_abs(),
        oldest_s: row.get::<_, Option<i64>>(5).map(i64::unsigned_abs),
    }))
}

/// Writes a queue's name and its dead-letter rule down; false when both were there.
pub async fn create(tx: &Tx<'_>, name: &str, dead: Option<&str>, most: u32) -> Result<bool> {
    let most = dead.map(|_| i32::try_from(most).unwrap_or(i32::MAX));
    let made = tx
        .execute(
            "-- queue::create
             INSERT INTO queue_name AS q (name, dead, max_receives) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET dead = $2, max_receives = $3
             WHERE q.dead IS NULL AND $2 IS NOT NULL",
            &[
                /* name */ &name, /* dead */ &dead, /* most */ &most,
            ],
        )
        .await?;
    Ok(made > 0)
}

/// All queues' full names.
pub async fn list(tx: &Tx<'_>) -> Result<Vec<String>> {
    let rows = tx
        .query(
            "-- queue::list\nSELECT name FROM queue_name ORDER BY name",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn received(row: &Row) -> Received {
    let (seq, lease): (i64, i32) = (row.get(0), row.get(1));
    Received {
        id: seq.to_string(),
        receipt: Receipt(format!("{seq}:{lease}")),
        body: row.get(2),
        receives: row.get::<_, i32>(3).unsigned_abs(),
        sent_at: row.get(4),
        reason: row.get(5),
    }
}

/// Receipts as the arrays that a statement takes; one that is not ours matches nothing.
fn split(receipts: &[Receipt]) -> (Vec<i64>, Vec<i32>) {
    let parts = |r: &Receipt| {
        let (seq, lease) = r.0.split_once(':')?;
        Some((seq.parse().ok()?, lease.parse().ok()?))
    };
    receipts
        .iter()
        .map(|r| parts(r).unwrap_or((-1, -1)))
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{TestDb, begin};

    #[tokio::test]
    async fn a_stale_receipt_does_not_hide_the_live_one_of_the_same_message() {
        let db = TestDb::new().await;
        let mut conn = db.client().await;
        let tx = begin(&mut conn).await;
        let batch = Batch {
            names: vec!["q".into(); 2],
            ids: vec![Uuid::now_v7(), Uuid::now_v7()],
            bodies: vec!["one".into(), "two".into()],
            delays: vec![0.0; 2],
        };
        send(&tx, &batch).await.unwrap();
        let first = receive(&tx, "q", 10, 0.0).await.unwrap();
        let again = receive(&tx, "q", 1, 60.0).await.unwrap();
        let stale = first.iter().map(|m| m.receipt.clone());
        let both: Vec<_> = stale.chain([again[0].receipt.clone()]).collect();
        assert_eq!(both.len(), 3);
        assert_eq!(extend(&tx, &both, 60.0, false).await, Ok(2));
        assert!(receive(&tx, "q", 10, 60.0).await.unwrap().is_empty());
    }
}
