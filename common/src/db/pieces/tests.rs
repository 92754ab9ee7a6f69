use super::*;
use crate::db::deliveries::{self, Parcel};
use crate::db::testing::{TestDb, begin};
use crate::messages::Purpose;

fn fragment<'a>(reference: u16, number: u8, text: &'a str) -> Fragment<'a> {
    Fragment {
        channel: "sms",
        address: "+6281234567890",
        reference,
        number,
        of: 3,
        text,
        channel_id: Some("a"),
        sent_at: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn parts_that_come_in_any_order_and_twice_make_one_text() {
    let db = TestDb::new().await;
    let mut conn = db.client().await;
    let tx = begin(&mut conn).await;
    for (part, text) in [(3, "tiga"), (1, "satu "), (3, "tiga")] {
        assert_eq!(keep(&tx, &fragment(7, part, text)).await.unwrap(), None);
    }
    assert_eq!(keep(&tx, &fragment(8, 2, "other ")).await.unwrap(), None);
    let whole = keep(&tx, &fragment(7, 2, "dua ")).await.unwrap().unwrap();
    assert_eq!(whole.text, "satu dua tiga");
    let again = keep(&tx, &fragment(7, 2, "dua ")).await.unwrap().unwrap();
    assert_eq!(again, whole);
    assert_eq!(forget_old(&tx, 1).await.unwrap(), 0);
    assert_eq!(
        forget_old(&tx, -1).await.unwrap(),
        1,
        "the one that was whole is not counted"
    );
    assert_eq!(keep(&tx, &fragment(7, 2, "dua ")).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_said_is_counted_and_what_was_heard_is_shown() {
    let db = TestDb::new().await;
    let mut conn = db.client().await;
    let tx = begin(&mut conn).await;
    let (trace, address) = (Uuid::now_v7(), "+6281234567890");
    for (id, digest) in [(1, 5), (2, 5), (3, 6)] {
        let id = Uuid::from_u128(id);
        let parcel = Parcel {
            id,
            kind: "text",
            channel: "sms",
            address,
            purpose: Purpose::Answer,
            message_id: None,
            trace,
            cause: None,
        };
        deliveries::claim(&tx, &parcel, None).await.unwrap();
        remember(&tx, id, digest).await.unwrap();
    }
    let third = Uuid::from_u128(3);
    assert_eq!(said(&tx, (third, address, 5), 60).await.unwrap(), (2, 2));
    assert_eq!(said(&tx, (third, "+1", 5), 60).await.unwrap(), (0, 0));

    // The receipt may come first.
    let now = Timestamp::now();
    hear(&tx, ("sms", "x1"), (Heard::Delivered, None), now)
        .await
        .unwrap();
    hear(&tx, ("sms", "x1"), (Heard::Delivered, None), now)
        .await
        .unwrap();
    let handed_piece = Handed {
        delivery: third,
        number: 1,
        of: 2,
        channel: "sms",
        provider_id: Some("x1"),
        sent_at: now,
    };
    put(&tx, &handed_piece).await.unwrap();
    assert_eq!(handed(&tx, third).await.unwrap(), 1);
    let seen = deliveries::of_trace(&tx, trace).await.unwrap();
    let events: Vec<_> = seen.iter().filter_map(|s| s.event.as_deref()).collect();
    assert_eq!(events, ["delivered"]);
}
