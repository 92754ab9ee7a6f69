use super::*;
use common::db::testing::{TestHome, begin};
use common::envelope::Envelope;
use common::outbox::Pushed;

struct World {
    place: TestHome,
    handler: TextInputHandler,
}

impl World {
    async fn new() -> Self {
        let place = TestHome::new().await;
        let engine = Engine::load(&place.home, &place.settings).await;
        let handler = TextInputHandler::new(engine.expect("the codes"), &place.settings);
        Self { place, handler }
    }

    /// A text that was handed in at this time; what goes out because of it.
    async fn text(&self, message: TextInput, at: Timestamp) -> Vec<Pushed> {
        let envelope = Envelope::first(message.id(), &message, at);
        let mut out = Outbox::new(envelope.clone(), Timestamp::now());
        let msg = Incoming {
            envelope,
            message,
            receives: 1,
        };
        let prepared = self.handler.prepare(&msg).await;
        let mut conn = self.place.db.client().await;
        let tx = begin(&mut conn).await;
        match prepared {
            Ok(sender) => self.handler.apply(&msg, sender, &tx, &mut out).await,
            Err(rejected) => self.handler.rejected(&msg, &rejected, &tx, &mut out).await,
        }
        .expect("an answer or a rejection is kept");
        tx.commit().await.expect("it is kept");
        out.into_pushed()
    }

    async fn count(&self, of: &str) -> i64 {
        self.place
            .db
            .one(&format!("SELECT count(*) FROM {of}"))
            .await
    }
}

fn text(from: &str, id: Option<String>) -> TextInput {
    TextInput {
        channel: "console".into(),
        from: from.into(),
        text: "KODE SP".into(),
        channel_id: id,
        sent_at: Timestamp::now(),
    }
}

/// A b-tree takes no value over 2,704 bytes: such ids and addresses are none.
#[tokio::test]
async fn endless_ids_and_addresses_are_none() {
    let world = World::new().await;
    let long: String = (0..600).map(|n| format!("{n:08x}")).collect();
    let now = Timestamp::now();
    let answered = world
        .text(text("081234567890", Some(long.clone())), now)
        .await;
    assert_eq!(answered.len(), 1, "the sender is known");
    assert!(
        world.text(text(&long, None), now).await.is_empty(),
        "nobody can be told"
    );
    assert_eq!(world.count("message WHERE channel_id IS NULL").await, 2);
    assert_eq!(world.count("message WHERE address = ''").await, 1);
    assert_eq!(world.count("stranger").await, 0);
}

/// M15: a bridge whose clock is wrong.
#[tokio::test]
async fn a_text_from_the_future_came_now() {
    let world = World::new().await;
    let future = Timestamp::now() + SignedDuration::from_hours(24 * 900);
    let early = TextInput {
        sent_at: future,
        text: "U mc sp 4".into(),
        ..text("081234567890", None)
    };
    world.text(early, future).await;
    let now = "received_at <= now() AND sent_at <= now()";
    assert_eq!(world.count(&format!("report WHERE {now}")).await, 1);
    assert_eq!(world.count(&format!("message WHERE {now}")).await, 1);
    assert_eq!(world.count("report_other").await, 0);
}
