use super::*;
use crate::channel::Heard;
use crate::db::pieces::{self, Handed};
use crate::db::testing::{TestDb, begin};
use jiff::SignedDuration;
use uuid::Uuid;

const ABSENT: Duration = Duration::from_secs(30);

fn speed() -> Speed {
    Speed {
        within_s: 60,
        share: 0.5,
        over_s: 600,
        least: 4,
        probe_s: 30,
        receipts: true,
    }
}

/// A text of one piece that was queued so many seconds ago and, perhaps, arrived so long after.
async fn text(tx: &Tx<'_>, ago: i64, arrived_after: Option<i64>) {
    let sent_at = Timestamp::now() - SignedDuration::from_secs(ago);
    let (id, provider) = (Uuid::now_v7(), Uuid::now_v7().to_string());
    let handed = Handed {
        delivery: id,
        number: 1,
        of: 1,
        channel: "sms",
        provider_id: Some(&provider),
        sent_at,
    };
    pieces::put(tx, &handed).await.unwrap();
    if let Some(after) = arrived_after {
        let at = sent_at + SignedDuration::from_secs(after);
        pieces::hear(tx, ("sms", &provider), (Heard::Delivered, None), at)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_slow_channel_loses_its_texts_and_three_in_time_give_them_back() {
    let db = TestDb::new().await;
    let mut conn = db.client().await;
    let tx = begin(&mut conn).await;
    put(&tx, "sms").await.unwrap();
    let speed = speed();
    let judge = async |tx: &Tx<'_>| judge(tx, "sms", (&speed, ABSENT)).await.unwrap();
    assert_eq!(judge(&tx).await, None, "away until a bridge is connected");
    connected(&tx, "sms").await.unwrap();
    assert_eq!(judge(&tx).await, Some(Health::Good));
    for _ in 0..3 {
        text(&tx, 100, None).await;
    }
    assert_eq!(judge(&tx).await, None, "three tell nothing");
    text(&tx, 100, Some(90)).await;
    text(&tx, 10, None).await;
    assert_eq!(judge(&tx).await, Some(Health::Slow));
    let seen = &all(&tx).await.unwrap()[0];
    assert_eq!(
        (seen.handed, seen.in_time),
        (4, 0),
        "the young one has time yet"
    );
    assert!(!seen.open());
    text(&tx, 9, Some(2)).await;
    text(&tx, 8, Some(2)).await;
    assert_eq!(judge(&tx).await, None);
    text(&tx, 7, Some(2)).await;
    assert_eq!(judge(&tx).await, Some(Health::Good));
    assert_eq!(
        judge(&tx).await,
        None,
        "the old ones do not count against the new"
    );
}

#[tokio::test]
async fn a_pause_is_somebodys_order() {
    let db = TestDb::new().await;
    let mut conn = db.client().await;
    let tx = begin(&mut conn).await;
    put(&tx, "sms").await.unwrap();
    assert!(pause(&tx, "sms", Some("ani")).await.unwrap());
    assert!(!pause(&tx, "sms", Some("budi")).await.unwrap());
    let seen = &all(&tx).await.unwrap()[0];
    assert_eq!(seen.paused_by.as_deref(), Some("ani"));
    assert!(pause(&tx, "sms", None).await.unwrap());
    assert!(!pause(&tx, "sms", None).await.unwrap());
    assert!(!pause(&tx, "none", Some("ani")).await.unwrap());
}

#[tokio::test]
async fn a_slow_channel_is_tried_by_one_at_a_time() {
    let db = TestDb::new().await;
    let mut conn = db.client().await;
    let tx = begin(&mut conn).await;
    put(&tx, "sms").await.unwrap();
    assert!(probe(&tx, "sms", ABSENT).await.unwrap());
    assert!(!probe(&tx, "sms", ABSENT).await.unwrap());
    assert!(probe(&tx, "sms", Duration::ZERO).await.unwrap());
}
