//! Who holds a connection that may exist once.

use super::Tx;
use crate::Result;
use std::time::Duration;

/// Takes or renews the lease of this name for so long; the fence while it is ours, `None` while
/// somebody else's has not run out. A lease that ran out and that nobody took is ours again, with
/// its fence. By the database's clock.
pub async fn hold(tx: &Tx<'_>, name: &str, holder: &str, lasts: Duration) -> Result<Option<i64>> {
    let row = tx
        .query_opt(
            "-- leases::hold
             INSERT INTO connection_lease AS l (name, holder, until)
             VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
             ON CONFLICT (name) DO UPDATE
                SET holder = excluded.holder, until = excluded.until,
                    fence = l.fence + CASE WHEN l.holder = excluded.holder THEN 0 ELSE 1 END
              WHERE l.holder = excluded.holder OR l.until < clock_timestamp()
             RETURNING fence",
            &[
                /* name */ &name,
                /* holder */ &holder,
                /* lasts */ &lasts.as_secs_f64(),
            ],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}

/// Gives the lease back, so that another need not wait for its end. Somebody else's stays.
pub async fn release(tx: &Tx<'_>, name: &str, holder: &str) -> Result {
    tx.execute(
        "-- leases::release
         UPDATE connection_lease SET until = '-infinity' WHERE name = $1 AND holder = $2",
        &[/* name */ &name, /* holder */ &holder],
    )
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{TestDb, begin};

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn one_holds_until_it_lets_go_or_its_time_is_up() {
        let db = TestDb::new().await;
        let mut conn = db.client().await;
        let tx = begin(&mut conn).await;
        assert_eq!(hold(&tx, "sms", "a", LONG).await.unwrap(), Some(1));
        assert_eq!(hold(&tx, "sms", "b", LONG).await.unwrap(), None);
        assert_eq!(hold(&tx, "sms", "a", LONG).await.unwrap(), Some(1));
        release(&tx, "sms", "b").await.unwrap();
        assert_eq!(hold(&tx, "sms", "b", LONG).await.unwrap(), None);
        release(&tx, "sms", "a").await.unwrap();
        assert_eq!(
            hold(&tx, "sms", "b", Duration::ZERO).await.unwrap(),
            Some(2)
        );
        let again = hold(&tx, "sms", "a", LONG).await.unwrap();
        assert_eq!(again, Some(3), "what ran out may be taken");
        assert_eq!(hold(&tx, "xmpp", "b", LONG).await.unwrap(), Some(1));
    }
}
