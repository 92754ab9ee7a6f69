//! What the frame keeps in the database: inbox, attempts, outbox, heartbeats.

use super::Tx;
use crate::Result;
use std::collections::HashSet;
use uuid::Uuid;

/// Writes inbox rows for messages and tells which were not there before. Call it in the
/// transaction that holds what the messages cause.
pub async fn inbox(tx: &Tx<'_>, consumer: &str, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let rows = tx
        .query(
            "-- frame::inbox
             INSERT INTO inbox (id, consumer) SELECT unnest($1::uuid[]), $2
             ON CONFLICT DO NOTHING RETURNING id",
            &[/* ids */ &ids, /* consumer */ &consumer],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Takes an inbox row back whose message was rolled back to its savepoint.
pub async fn forget(tx: &Tx<'_>, consumer: &str, ids: &[Uuid]) -> Result {
    tx.execute(
        "-- frame::forget
         DELETE FROM inbox WHERE id = ANY($1) AND consumer = $2",
        &[/* ids */ &ids, /* consumer */ &consumer],
    )
    .await
    .map(drop)
}

/// Begins the first attempt at each message; returns those of which none was under way. The others
/// began before and never ended: see [`begin`].
pub async fn begin_first(tx: &Tx<'_>, queue: &str, messages: &[&str]) -> Result<HashSet<String>> {
    let rows = tx
        .query(
            "-- frame::begin_first
             INSERT INTO attempt (queue, message) SELECT $1, unnest($2::text[])
             ON CONFLICT (queue, message) DO NOTHING RETURNING message",
            &[/* queue */ &queue, /* messages */ &messages],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Counts one more attempt; returns how many began and never ended, this one included.
pub async fn begin(tx: &Tx<'_>, queue: &str, message: &str) -> Result<u32> {
    let row = tx
        .query_one(
            "-- frame::begin
             INSERT INTO attempt (queue, message) VALUES ($1, $2)
             ON CONFLICT (queue, message) DO UPDATE SET begun = attempt.begun + 1, at = now()
             RETURNING begun",
            &[/* queue */ &queue, /* message */ &message],
        )
        .await?;
    Ok(row.get::<_, i32>(0).unsigned_abs())
}

/// Attempts that ended, in whatever way.
pub async fn end(tx: &Tx<'_>, queue: &str, messages: &[&str]) -> Result {
    tx.execute(
        "-- frame::end
         DELETE FROM attempt WHERE queue = $1 AND message = ANY($2)",
        &[/* queue */ &queue, /* messages */ &messages],
    )
    .await
    .map(drop)
}

/// First attempts that were broken off by us. One that follows a crash stays counted.
pub async fn break_off(tx: &Tx<'_>, queue: &str, messages: &[&str]) -> Result {
    tx.execute(
        "-- frame::break_off
         DELETE FROM attempt WHERE queue = $1 AND message = ANY($2) AND begun = 1",
        &[/* queue */ &queue, /* messages */ &messages],
    )
    .await
    .map(drop)
}

/// Says that a daemon lives, and proves that the database takes writes.
pub async fn heartbeat(tx: &Tx<'_>, daemon: &str, instance: &str) -> Result {
    tx.execute(
        "-- frame::heartbeat
         INSERT INTO heartbeat (daemon, instance, version) VALUES ($1, $2, $3)
         ON CONFLICT (daemon, instance) DO UPDATE SET at = now(), version = $3",
        &[
            /* daemon */ &daemon,
            /* instance */ &instance,
            /* version */ &env!("CARGO_PKG_VERSION"),
        ],
    )
    .await
    .map(drop)
}

/// Takes back what [`heartbeat`] said, for a daemon that stops in order: whoever is silent then is
/// one that did not.
pub async fn farewell(tx: &Tx<'_>, daemon: &str, instance: &str) -> Result {
    tx.execute(
        "-- frame::farewell
         DELETE FROM heartbeat WHERE daemon = $1 AND instance = $2",
        &[/* daemon */ &daemon, /* instance */ &instance],
    )
    .await
    .map(drop)
}

/// Forgets what nobody will ask for again: inbox rows older than any redelivery (twice the
/// fourteen days that dead letters live), attempts and heartbeats of daemons long gone.
pub async fn prune(tx: &Tx<'_>) -> Result<u64> {
    let inbox = tx
        .execute(
            "-- frame::prune
             DELETE FROM inbox WHERE (id, consumer) IN
             (SELECT id, consumer FROM inbox WHERE at < now() - interval '28 days' LIMIT 50000)",
            &[],
        )
        .await?;
    tx.batch(
        "DELETE FROM attempt WHERE at < now() - interval '28 days';
         DELETE FROM heartbeat WHERE at < now() - interval '28 days'",
    )
    .await?;
    Ok(inbox)
}

/// A message that waits in the outbox for the queue's service.
pub struct Waiting {
    /// Row to delete once it is sent.
    pub seq: i64,
    /// Logical queue name.
    pub queue: String,
    /// The envelope's id.
    pub id: Uuid,
    /// The envelope.
    pub body: String,
    /// Pause before it may be received, in seconds.
    pub delay_s: i32,
}

/// Keeps messages until they are sent; their row numbers in the order given.
pub async fn keep(tx: &Tx<'_>, rows: &[(&str, Uuid, String, i32)]) -> Result<Vec<i64>> {
    let queues: Vec<&str> = rows.iter().map(|r| r.0).collect();
    let ids: Vec<Uuid> = rows.iter().map(|r| r.1).collect();
    let bodies: Vec<&str> = rows.iter().map(|r| r.2.as_str()).collect();
    let delays: Vec<i32> = rows.iter().map(|r| r.3).collect();
    let kept = tx
        .query(
            "-- frame::keep
             INSERT INTO outbox (queue, id, body, delay_s)
             SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::int[]) RETURNING seq",
            &[
                /* queues */ &queues, /* ids */ &ids, /* bodies */ &bodies,
                /* delays */ &delays,
            ],
        )
        .await?;
    Ok(kept.iter().map(|row| row.get(0)).collect())
}

/// Messages that a crash left in the outbox, the longest waiting first. Taking them makes them
/// young again: no other sweeper takes them meanwhile, and what cannot be sent goes to the back.
pub async fn left_behind(tx: &Tx<'_>, older_s: f64) -> Result<Vec<Waiting>> {
    let rows = tx
        .query(
            "-- frame::left_behind
             UPDATE outbox o SET at = now()
             FROM (SELECT seq FROM outbox WHERE at < now() - make_interval(secs => $1)
                   ORDER BY at, seq LIMIT 200 FOR UPDATE SKIP LOCKED) AS old
             WHERE o.seq = old.seq
             RETURNING o.seq, o.queue, o.id, o.body, o.delay_s",
            &[/* older_s */ &older_s],
        )
        .await?;
    let waiting = |row: &tokio_postgres::Row| Waiting {
        seq: row.get(0),
        queue: row.get(1),
        id: row.get(2),
        body: row.get(3),
        delay_s: row.get(4),
    };
    Ok(rows.iter().map(waiting).collect())
}

/// Rows that the queue's service has taken.
pub async fn spoken(tx: &Tx<'_>, rows: &[i64]) -> Result {
    tx.execute(
        "-- frame::spoken
         DELETE FROM outbox WHERE seq = ANY($1)",
        &[/* rows */ &rows],
    )
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::{begin, begin_first, break_off};
    use crate::db::testing::{self, TestDb};

    #[tokio::test]
    async fn what_a_stop_broke_off_is_no_crash_and_crashes_stay_counted() {
        let db = TestDb::new().await;
        let mut conn = db.client().await;
        let tx = testing::begin(&mut conn).await;
        begin_first(&tx, "q", &["stopped", "crashed"])
            .await
            .unwrap();
        assert_eq!(begin(&tx, "q", "crashed").await, Ok(2));
        break_off(&tx, "q", &["stopped", "crashed"]).await.unwrap();
        assert_eq!(begin(&tx, "q", "stopped").await, Ok(1));
        assert_eq!(begin(&tx, "q", "crashed").await, Ok(3));
    }
}
