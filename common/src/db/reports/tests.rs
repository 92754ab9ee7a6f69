use super::*;
use crate::db::intake;
use crate::db::testing::{TestDb, begin};

/// Name of the partition of the month so many months ahead, as SQL.
fn partition(ahead: u32) -> String {
    format!("to_char(now() AT TIME ZONE 'UTC' + interval '{ahead} months', 'YYYY_MM')")
}

/// A month without its partition, and a report that was received in it.
async fn with_early_report(db: &TestDb, ahead: u32) {
    let name: String = db
        .one(&format!("SELECT 'report_' || {}", partition(ahead)))
        .await;
    db.run(&format!(
        "DROP TABLE {name};
         INSERT INTO report (id, code, sender, sent_at, received_at, message_id, line, fields)
         SELECT gen_random_uuid(), 'U', 1, at, at, gen_random_uuid(), 0, '{{}}'
         FROM (SELECT now() + interval '{ahead} months' AS at) AS a"
    ))
    .await;
}

async fn make_partitions(db: &TestDb) {
    let mut conn = db.client().await;
    let tx = begin(&mut conn).await;
    partitions(&tx)
        .await
        .expect("nothing keeps the others back");
    tx.commit().await.expect("they are kept");
}

/// M15: a report that lies in the catch-all does not keep its month's partition from being made.
#[tokio::test]
async fn a_report_with_a_wrong_clock_moves_into_its_month() {
    let db = TestDb::new().await;
    with_early_report(&db, 2).await;
    let other = "SELECT count(*) FROM report_other";
    assert_eq!(db.one::<i64>(other).await, 1);
    make_partitions(&db).await;
    assert_eq!(db.one::<i64>(other).await, 0);
    let home = format!(
        "SELECT tableoid::regclass::text = 'report_' || {} FROM report",
        partition(2)
    );
    assert!(db.one::<bool>(&home).await);
    let indexed = format!(
        "SELECT count(*) FROM pg_indexes WHERE tablename = 'report_' || {}",
        partition(2)
    );
    assert_eq!(db.one::<i64>(&indexed).await, 5, "the key and four indexes");
}

#[tokio::test]
async fn a_month_that_cannot_be_made_keeps_no_other_back() {
    let db = TestDb::new().await;
    with_early_report(&db, 1).await;
    with_early_report(&db, 2).await;
    // A type of the partition's name: the table cannot have it.
    let name: String = db
        .one(&format!("SELECT 'report_' || {}", partition(1)))
        .await;
    db.run(&format!("CREATE DOMAIN {name} AS text")).await;
    make_partitions(&db).await;
    let other = "SELECT count(*) FROM report_other";
    assert_eq!(
        db.one::<i64>(other).await,
        1,
        "only the month that could be made"
    );
    db.run(&format!("DROP DOMAIN {name}")).await;
    make_partitions(&db).await;
    assert_eq!(db.one::<i64>(other).await, 0);
}

/// M15: a claim from the future would answer "repeated" until then.
#[tokio::test]
async fn a_repetition_is_never_in_the_future() {
    let db = TestDb::new().await;
    let mut conn = db.client().await;
    let tx = begin(&mut conn).await;
    let future = Timestamp::now() + jiff::SignedDuration::from_hours(24 * 365);
    for key in [b"a", b"a"] {
        let message = (Uuid::now_v7(), 0);
        let claimed = intake::repeated(&tx, key, message, future, 60).await;
        claimed.expect("claimed");
    }
    tx.commit().await.expect("it is kept");
    assert!(db.one::<bool>("SELECT at <= now() FROM repetition").await);
}
