use super::*;
use crate::testing::{Network, channel, place};
use common::Verdict;
use common::db::testing::{TestHome, begin};
use common::envelope::Envelope;
use common::messages::Purpose;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use uuid::Uuid;

const VET: &str = "+6281234567893";

struct World {
    place: TestHome,
    network: Arc<Network>,
    texts: TextOutputDeliverer,
}

/// What one round through claim, hand-over and record came to.
#[derive(Debug, PartialEq)]
enum Round {
    Closed,
    Later,
    Outcome(Outcome),
}

async fn world(more: &str) -> World {
    let (own, other) = (channel("sms", more), channel("sms2", "default = true"));
    let place = place(&[&own, &other]).await;
    let network = Arc::new(Network::default());
    let all = [own.clone(), other].map(|c| (c.channel.clone(), c));
    let texts = TextOutputDeliverer {
        channel: own.clone(),
        adapter: network.clone(),
        ways: Arc::new(Ways::new(BTreeMap::from(all))),
        pace: Pace::new(&own.pace),
        home: place.home.clone(),
        engine: place.settings.engine.clone(),
    };
    World {
        place,
        network,
        texts,
    }
}

fn text(to: &str, words: &str) -> Incoming<TextOutput> {
    let message = TextOutput {
        channel: "sms".into(),
        to: to.into(),
        text: words.into(),
        purpose: Purpose::Answer,
        in_reply_to: None,
        parts: 1,
        expires_at: Timestamp::MAX,
        tried: Vec::new(),
    };
    let envelope = Envelope::first(Uuid::now_v7(), &message, Timestamp::now());
    Incoming {
        envelope,
        message,
        receives: 1,
    }
}

impl World {
    /// As the frame does it.
    async fn round(&self, text: &Incoming<TextOutput>) -> Result<Round> {
        let mut conn = self.place.db.client().await;
        let tx = begin(&mut conn).await;
        let claim = self.texts.claim(text, &tx).await?;
        tx.commit().await?;
        let job = match claim {
            Claim::Done => return Ok(Round::Closed),
            Claim::Later(_) => return Ok(Round::Later),
            Claim::Go(job) => job,
        };
        let outcome = self.texts.deliver(text, &job).await;
        let mut out = Outbox::new(text.envelope.clone(), Timestamp::now());
        let tx = begin(&mut conn).await;
        self.texts.record(text, &outcome, &tx, &mut out).await?;
        self.place
            .home
            .push(&tx, out.into_pushed())
            .await
            .map(drop)?;
        tx.commit().await?;
        Ok(Round::Outcome(outcome))
    }

    async fn state(&self, text: &Incoming<TextOutput>) -> String {
        let id = text.envelope.id;
        let sql = format!("SELECT concat_ws(': ', state, reason) FROM delivery WHERE id = '{id}'");
        self.place.db.one(&sql).await
    }

    /// How many messages wait on a queue.
    async fn waiting(&self, queue: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM queue WHERE name LIKE '%-{queue}'");
        self.place.db.one(&sql).await
    }

    async fn health(&self, sms: &str, sms2: &str) {
        for (name, health) in [("sms", sms), ("sms2", sms2)] {
            let sql = format!(
                "INSERT INTO channel_state (channel, health) VALUES ('{name}', '{health}')
                 ON CONFLICT (channel) DO UPDATE SET health = excluded.health"
            );
            self.place.db.run(&sql).await;
        }
        self.texts.ways.refresh(&self.place.home.db).await.unwrap();
    }
}

fn sent(id: &str) -> Round {
    Round::Outcome(Outcome::Sent {
        provider_id: Some(id.into()),
    })
}

#[tokio::test]
async fn a_text_is_sent_once_with_the_networks_id_and_received_again_in_vain() {
    let world = world("").await;
    let text = text(VET, "Terima kasih.");
    assert_eq!(world.round(&text).await.unwrap(), sent("p1"));
    assert_eq!(world.round(&text).await.unwrap(), Round::Closed);
    assert_eq!(world.network.texts(), ["Terima kasih."]);
    let piece = "SELECT piece || '/' || pieces || ' ' || provider_id FROM text_piece";
    assert_eq!(world.place.db.one::<String>(piece).await, "1/1 p1");
}

#[tokio::test]
async fn a_long_text_goes_in_order_and_goes_on_where_it_broke_off() {
    let world = world("").await;
    let words: String = ('a'..='c').map(|c| c.to_string().repeat(150)).collect();
    let text = text(VET, &words);
    let broke = Handed::Later("busy".into());
    world.network.answers([Handed::Sent(None), broke]);
    let Round::Outcome(Outcome::NotSent(failure)) = world.round(&text).await.unwrap() else {
        panic!("not sent");
    };
    assert!(matches!(failure.verdict, Verdict::Retry { .. }));
    assert_eq!(world.round(&text).await.unwrap(), sent("p3"));
    assert_eq!(
        world.network.texts().concat(),
        words,
        "nothing twice, in order"
    );
    let pieces: i64 = world.place.db.one("SELECT count(*) FROM text_piece").await;
    assert_eq!(pieces, 3);
}

#[tokio::test]
async fn q30_what_nobody_knows_follows_the_channels_policy() {
    for (policy, after, times) in [("resend", "sent", 2), ("leave", "unknown", 1)] {
        let world = world(&format!("[worth]\nunknown = {{ answer = \"{policy}\" }}")).await;
        let text = text(VET, "a");
        world.network.answers([Handed::Unknown("cut off".into())]);
        world.round(&text).await.unwrap();
        world.round(&text).await.unwrap();
        assert!(world.state(&text).await.starts_with(after), "{policy}");
        assert_eq!(world.network.texts().len(), times, "{policy}");
    }
}

#[tokio::test]
async fn throttling_slows_down_in_hand_and_costs_no_attempt() {
    let world = world("[worth]\nlimit_s = 1").await;
    let pause = Some(Duration::from_millis(1));
    let first = text(VET, "a");
    world
        .network
        .answers([Handed::Slow(pause), Handed::Slow(pause)]);
    assert_eq!(world.round(&first).await.unwrap(), sent("p1"));
    let second = text(VET, "b");
    world
        .network
        .answers([Handed::Slow(Some(Duration::from_secs(30)))]);
    let Round::Outcome(Outcome::NotSent(failure)) = world.round(&second).await.unwrap() else {
        panic!("not sent");
    };
    assert_eq!(failure.verdict, Verdict::Wait(Dependency::Gateway));
    assert_eq!(world.state(&second).await, "waiting: the network throttles");
}

#[tokio::test]
async fn what_is_of_no_use_any_more_is_dropped() {
    let world = world("[worth]\nanswer_s = 60\nalert_s = 3600").await;
    let old = |words: &str, purpose, minutes| {
        let mut text = text(VET, words);
        text.message.purpose = purpose;
        text.envelope.sent_at = Timestamp::now() - jiff::SignedDuration::from_mins(minutes);
        text
    };
    let mut late = text(VET, "late");
    late.message.expires_at = Timestamp::UNIX_EPOCH;
    for (text, kept) in [
        (late, false),
        (old("a", Purpose::Answer, 2), false),
        (old("b", Purpose::Alert, 2), true),
    ] {
        let round = world.round(&text).await.unwrap();
        assert_eq!(round == Round::Closed, !kept, "{}", text.text);
        assert_eq!(world.state(&text).await.starts_with("expired"), !kept);
    }
    assert_eq!(world.network.texts(), ["b"]);
}

#[tokio::test]
async fn the_same_words_again_and_again_and_robots_are_stopped() {
    let world = world("[guard]\nrepeats = 2\nanswers = 4").await;
    let mut states = Vec::new();
    for words in ["a", "a", "a", "b", "c", "d"] {
        let text = text(VET, words);
        world.round(&text).await.unwrap();
        states.push(world.state(&text).await);
    }
    let want = [
        "sent",
        "sent",
        "suppressed: repeated",
        "sent",
        "sent",
        "suppressed: loop",
    ];
    assert_eq!(states, want);
    let other = text("+6281234567892", "a");
    assert_eq!(
        world.round(&other).await.unwrap(),
        sent("p5"),
        "others are heard"
    );
    let short = text("3636", "a");
    world.round(&short).await.unwrap();
    let short = world.state(&short).await;
    assert_eq!(short, "sent", "this channel names no shortest number");
}

#[tokio::test]
async fn what_is_refused_goes_to_the_receivers_next_address() {
    let world = world("").await;
    world
        .network
        .answers([Handed::Refused("no such number".into())]);
    let text = text(VET, "a");
    world.round(&text).await.unwrap();
    assert_eq!(world.state(&text).await, "refused: no such number");
    assert_eq!(world.waiting("email-output").await, 1);
}

#[tokio::test]
async fn another_channel_takes_what_this_one_cannot_carry_and_each_only_once() {
    let world = world("").await;
    world.health("away", "good").await;
    assert_eq!(world.texts.ready().await.unwrap(), None);
    let first = text(VET, "a");
    assert_eq!(world.round(&first).await.unwrap(), Round::Closed);
    assert_eq!(world.round(&first).await.unwrap(), Round::Closed);
    assert_eq!(world.state(&first).await, "moved: moved to sms2");
    assert_eq!(world.waiting("text-output-sms2").await, 1);
    let mut tried = text(VET, "b");
    tried.message.tried = vec!["sms2".into()];
    assert_eq!(world.round(&tried).await.unwrap(), Round::Later);
    world.health("away", "away").await;
    assert!(world.texts.ready().await.unwrap().is_some());
    assert_eq!(world.network.texts().len(), 0);
}

#[tokio::test]
async fn a_slow_channel_is_tried_now_and_then() {
    let world = world("[speed]\nprobe_s = 3600").await;
    world.health("slow", "good").await;
    let (first, second) = (text(VET, "a"), text(VET, "b"));
    assert_eq!(world.round(&first).await.unwrap(), sent("p1"));
    assert_eq!(world.round(&second).await.unwrap(), Round::Closed);
    assert_eq!(world.waiting("text-output-sms2").await, 1);
}

#[tokio::test]
async fn a_bridge_without_the_connection_leaves_texts_to_the_one_that_has_it() {
    let world = world("").await;
    world.network.away.store(true, Ordering::Relaxed);
    world.health("good", "good").await;
    assert!(world.texts.ready().await.unwrap().is_some());
    let text = text(VET, "a");
    assert_eq!(world.round(&text).await.unwrap(), Round::Later);
    let none: i64 = world.place.db.one("SELECT count(*) FROM delivery").await;
    assert_eq!(none, 0);
}
