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

/// What is answered to a text of this stranger.
async fn answered(world: &World, from: &str, words: &str) -> usize {
    let message = TextInput {
        text: words.into(),
        ..text(from, None)
    };
    world.text(message, Timestamp::now()).await.len()
}

#[tokio::test]
async fn a_stranger_may_try_a_few_pins_and_is_then_told_once_a_day() {
    let world = World::new().await;
    let stranger = "081299999999";
    for n in 0..5 {
        assert_eq!(
            answered(&world, stranger, &format!("D10000{n}")).await,
            1,
            "{n}"
        );
    }
    assert_eq!(
        answered(&world, stranger, "D100007").await,
        1,
        "that it was too many"
    );
    for words in ["D100008", "PIN", "D1", "U mc sp 4"] {
        assert_eq!(answered(&world, stranger, words).await, 0, "{words}");
    }
    assert_eq!(
        world.count("message WHERE outcome = 'pin_blocked'").await,
        2
    );
    assert_eq!(world.count("message WHERE person IS NOT NULL").await, 0);
    assert_eq!(world.count("person WHERE id = 0").await, 0);
}

/// A farmer's wrong PIN counts once, as an officer's does.
#[tokio::test]
async fn the_wrong_pin_of_an_owner_is_counted_once() {
    let world = World::new().await;
    let stranger = "081299999999";
    for n in 0..3 {
        assert_eq!(
            answered(&world, stranger, &format!("KDP 10000{n}")).await,
            1
        );
    }
    assert_eq!(
        world
            .count("message WHERE outcome = 'owner_pin_unknown'")
            .await,
        3
    );
    assert_eq!(world.count("pin_miss").await, 3);
}

#[tokio::test]
async fn a_slip_in_a_pin_is_answered_though_the_day_s_answer_is_used_up() {
    let world = World::new().await;
    let stranger = "081299999999";
    assert_eq!(answered(&world, stranger, "Halo").await, 1);
    assert_eq!(answered(&world, stranger, "Halo?").await, 0, "once a day");
    assert_eq!(
        answered(&world, stranger, "D12345").await,
        1,
        "a digit too few"
    );
    assert_eq!(world.count("message WHERE outcome = 'range'").await, 1);
}

#[tokio::test]
async fn only_a_telephone_can_send_a_pin() {
    let world = World::new().await;
    for nobody in ["siti@chat.example", "", "12"] {
        let before = world
            .count("message WHERE outcome = 'unknown_sender'")
            .await;
        answered(&world, nobody, "D123456").await;
        let after = world
            .count("message WHERE outcome = 'unknown_sender'")
            .await;
        assert_eq!(after, before + 1, "{nobody:?}");
    }
    assert_eq!(world.count("pin_miss").await, 0);
}

#[tokio::test]
async fn a_phone_is_registered_by_the_pin_that_the_officer_was_answered() {
    let world = World::new().await;
    let register = TextInput {
        text: "D Siti Fatimah 72060202 PLS".into(),
        ..text("081234567895", None)
    };
    let sent = world.text(register, Timestamp::now()).await;
    let body = sent[0].envelope.body.get();
    let pin = body.split("PIN D").nth(1).expect("a PIN")[..6].to_owned();
    let stranger = "081299999999";
    assert_eq!(answered(&world, stranger, &format!("D{pin}")).await, 1);
    let of = "person p JOIN contact c ON c.person = p.id WHERE c.address = '+6281299999999' AND p.state = 'active'";
    assert_eq!(world.count(of).await, 1);
    // The copy that the engine keeps of nobody is none.
    assert!(answered(&world, stranger, "U mc sp 4").await >= 1);
    assert_eq!(world.count("report WHERE code = 'U'").await, 1);
}

/// A chat of Telegram that is taken for a telephone would be answered at nobody's, and might send the
/// PIN of one.
#[tokio::test]
async fn an_address_that_looks_like_a_number_is_one_only_where_telephones_are_served() {
    let world = World::new().await;
    let channel =
        "INSERT INTO channel (name, address_kind, is_default) VALUES ('chat', 'telegram', true)";
    world.place.db.run(channel).await;
    for (channel, from, to) in [
        ("chat", "6281299999999", "6281299999999"),
        ("console", "6281299999999", "+6281299999999"),
        ("nobody_knows", "081299999998", "+6281299999998"),
    ] {
        let message = TextInput {
            channel: channel.into(),
            ..text(from, None)
        };
        let out = world.text(message, Timestamp::now()).await;
        let said: common::messages::TextOutput = out[0].envelope.message().expect("a text");
        assert_eq!(said.to, to, "{channel}");
    }
}
