use super::*;
use crate::testing::{channel, place};
use common::db::testing::TestHome;

struct World {
    place: TestHome,
    port: Port,
    _folder: tempfile::TempDir,
}

async fn world(more: &str) -> World {
    let channel = channel("sms", more);
    let place = place(&[&channel]).await;
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), 2).unwrap();
    let port = Port::new(channel, place.home.clone(), spool, "62");
    World {
        place,
        port,
        _folder: folder,
    }
}

fn arrived(text: &str, id: Option<&str>) -> Arrived {
    Arrived {
        from: "081234567890".into(),
        text: text.into(),
        id: id.map(str::to_owned),
        sent_at: Timestamp::from_second(1_800_000_000).unwrap(),
        part: None,
    }
}

impl World {
    /// Sender and text of what is queued, in order, with how many different messages they are.
    async fn queued(&self) -> (Vec<(String, String)>, usize) {
        let mut conn = self.place.db.client().await;
        let sql = "SELECT body FROM queue WHERE name LIKE '%-text-input' ORDER BY seq";
        let rows = conn.client().query(sql, &[]).await.unwrap();
        let envelopes: Vec<Envelope> = rows
            .iter()
            .map(|row| Envelope::open(row.get::<_, &str>(0).as_bytes()).unwrap())
            .collect();
        let ids: std::collections::HashSet<_> = envelopes.iter().map(|e| e.id).collect();
        let text = |e: &Envelope| {
            let input: TextInput = e.message().unwrap();
            (input.from, input.text)
        };
        (envelopes.iter().map(text).collect(), ids.len())
    }

    async fn block(&self) {
        self.place
            .db
            .run("ALTER TABLE queue RENAME TO queue_away")
            .await;
    }

    async fn mend(&self) {
        self.place
            .db
            .run("ALTER TABLE queue_away RENAME TO queue")
            .await;
    }
}

fn said(texts: &[&str]) -> Vec<(String, String)> {
    let from = "+6281234567890".to_owned();
    texts
        .iter()
        .map(|t| (from.clone(), (*t).to_owned()))
        .collect()
}

#[tokio::test]
async fn the_networks_id_or_the_words_in_ten_minutes_make_one_message() {
    let world = world("").await;
    for (text, id) in [("a", Some("1")), ("a", Some("1")), ("a", Some("2"))] {
        world.port.text(arrived(text, id)).await.unwrap();
    }
    assert_eq!(world.queued().await.1, 2);
    for text in ["b", "b", "c"] {
        world.port.text(arrived(text, None)).await.unwrap();
    }
    let later = Arrived {
        sent_at: arrived("", None).sent_at + jiff::SignedDuration::from_mins(20),
        ..arrived("b", None)
    };
    world.port.text(later).await.unwrap();
    let (texts, messages) = world.queued().await;
    assert_eq!((texts.len(), messages), (7, 5));
    assert_eq!(texts[0], said(&["a"])[0], "numbers are canonical");
}

#[tokio::test]
async fn short_codes_and_advertisers_are_dropped() {
    let world = world("[guard]\nshortest = 7").await;
    for from in ["3636", "TELKOMSEL", "081234567890"] {
        let text = Arrived {
            from: from.into(),
            ..arrived("promo", None)
        };
        world.port.text(text).await.unwrap();
    }
    assert_eq!(world.queued().await.0, said(&["promo"]));
}

#[tokio::test]
async fn parts_are_joined_however_they_come() {
    let world = world("").await;
    for (number, text) in [(2, "dua"), (1, "satu "), (2, "dua")] {
        let part = Arrived {
            part: Part::new(9, number, 2),
            ..arrived(text, Some(&format!("id{number}")))
        };
        world.port.text(part).await.unwrap();
    }
    let (texts, messages) = world.queued().await;
    assert_eq!((texts, messages), (said(&["satu dua", "satu dua"]), 1));
}

#[tokio::test]
async fn q13_while_the_queue_is_away_texts_wait_on_disk_in_order_and_a_full_disk_refuses() {
    let world = world("").await;
    world.block().await;
    world.port.text(arrived("a", None)).await.unwrap();
    world.port.text(arrived("b", None)).await.unwrap();
    let refused = world.port.text(arrived("c", None)).await.unwrap_err();
    assert!(refused.cause.contains("full"), "{refused}");
    world.mend().await;
    assert_eq!(world.queued().await.0.len(), 0);
    world.port.drain_once().await;
    world.port.text(arrived("c", None)).await.unwrap();
    assert_eq!(world.queued().await.0, said(&["a", "b", "c"]));
}

#[tokio::test]
async fn what_waits_is_not_overtaken() {
    let world = world("").await;
    world.block().await;
    world.port.text(arrived("a", None)).await.unwrap();
    world.mend().await;
    world.port.text(arrived("b", None)).await.unwrap();
    world.port.drain_once().await;
    assert_eq!(world.queued().await.0, said(&["a", "b"]));
}

#[tokio::test]
async fn receipts_are_kept_and_odd_ones_passed_over() {
    let world = world("").await;
    for state in ["delivrd", "ODD"] {
        let receipt = Receipt {
            provider_id: "x".into(),
            state: state.into(),
            reason: None,
            at: Timestamp::UNIX_EPOCH,
        };
        world.port.receipt(receipt).await.unwrap();
    }
    let kept = "SELECT string_agg(provider_id || ' ' || state, ',') FROM text_receipt";
    assert_eq!(world.place.db.one::<String>(kept).await, "x delivered");
}

#[tokio::test]
async fn m14_what_the_database_takes_from_nobody_blocks_nothing() {
    let world = world("").await;
    let odd = format!("\0{}", "é".repeat(5_000));
    let text = Arrived {
        id: Some(odd.clone()),
        part: Part::new(1, 1, 2),
        ..arrived("sa\0tu ", None)
    };
    world.port.text(text).await.unwrap();
    let text = Arrived {
        part: Part::new(1, 2, 2),
        ..arrived("dua", Some(&odd))
    };
    world.port.text(text).await.unwrap();
    assert_eq!(world.queued().await.0, said(&["satu dua"]));
    let receipt = Receipt {
        provider_id: odd.clone(),
        state: "DELIVRD".into(),
        reason: Some(odd),
        at: Timestamp::now(),
    };
    world.port.receipt(receipt).await.unwrap();
    assert_eq!(world.port.spool.len(), 0, "all of it was stored");
}
