use super::*;
use crate::db::quota::{self, Grant, Limits};
use crate::db::suppressions;
use crate::db::testing::TestDb;
use std::sync::Arc;

struct World {
    db: crate::db::Db,
}

async fn world() -> World {
    let TestDb { db, .. } = TestDb::new().await;
    World { db }
}

impl World {
    /// Runs statements that only a test needs.
    async fn sql(&self, sql: &str) {
        let mut conn = self.db.connect().await.unwrap();
        conn.client().batch_execute(sql).await.unwrap();
    }

    async fn contact(&self, address: &str) {
        let sql = format!("INSERT INTO contact (kind, address) VALUES ('email', '{address}')");
        self.sql(&sql).await;
    }

    async fn state(&self, address: &str) -> String {
        let sql = "SELECT state FROM contact WHERE address = $1";
        let mut conn = self.db.connect().await.unwrap();
        let row = conn.client().query_one(sql, &[&address]).await.unwrap();
        row.get(0)
    }
}

/// Runs a block in a transaction that commits.
macro_rules! in_tx {
    ($world:expr, $tx:ident => $body:expr) => {{
        let mut conn = $world.db.connect().await.unwrap();
        let $tx = conn.begin().await.unwrap();
        let got = $body.await;
        $tx.commit().await.unwrap();
        got
    }};
}

fn parcel(id: u128) -> Parcel<'static> {
    Parcel {
        id: Uuid::from_u128(id),
        kind: "mail",
        channel: "email",
        address: "Siti@dinas.example",
        purpose: Purpose::Answer,
        message_id: Some("m1@kentongan.example"),
        trace: Uuid::from_u128(9),
        cause: None,
    }
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

#[tokio::test]
async fn a_delivery_is_claimed_recorded_and_found() {
    let world = world().await;
    let of = parcel(1);
    assert_eq!(in_tx!(world, tx => find(&tx, of.id)), Ok(None));
    in_tx!(world, tx => claim(&tx, &of, None)).unwrap();
    let found = in_tx!(world, tx => find(&tx, of.id)).unwrap().unwrap();
    assert_eq!((found.state, found.attempts), (State::Claimed, 1));
    assert!(found.age < Duration::from_secs(60));

    let waiting = in_tx!(world, tx => record(&tx, of.id, State::Waiting, None, Some("421")));
    assert_eq!(waiting, Ok(true));
    let found = in_tx!(world, tx => find(&tx, of.id)).unwrap();
    assert_eq!(
        found.map(|f| f.attempts),
        Some(0),
        "nothing was handed over"
    );
    in_tx!(world, tx => claim(&tx, &of, found)).unwrap();
    let sent = in_tx!(world, tx => record(&tx, of.id, State::Sent, Some("p1"), None));
    assert_eq!(sent, Ok(true));
    let again = in_tx!(world, tx => record(&tx, of.id, State::Unknown, None, None));
    assert_eq!(again, Ok(false), "what is known is not unlearned");

    let seen = in_tx!(world, tx => of_trace(&tx, of.trace)).unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].state.as_str(), seen[0].attempts), ("sent", 1));
    assert_eq!(seen[0].event, None);
    assert!(seen[0].done_at.is_some());
    for name in ["p1", "m1@kentongan.example"] {
        let receiver = in_tx!(world, tx => receiver(&tx, name)).unwrap();
        assert_eq!(receiver.as_deref(), Some("Siti@dinas.example"));
    }
}

#[tokio::test]
async fn q1_of_two_claims_one_wins() {
    let world = world().await;
    let (won, lost) = (parcel(2), parcel(2));
    in_tx!(world, tx => claim(&tx, &won, None)).unwrap();
    let second = in_tx!(world, tx => claim(&tx, &lost, None)).unwrap_err();
    assert_eq!(second.verdict, crate::Verdict::Retry { after: None });
    let found = in_tx!(world, tx => find(&tx, won.id)).unwrap();
    in_tx!(world, tx => claim(&tx, &won, found)).unwrap();
    assert!(in_tx!(world, tx => claim(&tx, &lost, found)).is_err());
}

#[tokio::test]
async fn q30_a_late_answer_replaces_unknown() {
    let world = world().await;
    let of = parcel(3);
    in_tx!(world, tx => claim(&tx, &of, None)).unwrap();
    in_tx!(world, tx => record(&tx, of.id, State::Unknown, None, Some("silence"))).unwrap();
    assert_eq!(in_tx!(world, tx => unknown(&tx, 10)).unwrap().len(), 1);
    let sent = in_tx!(world, tx => record(&tx, of.id, State::Sent, Some("p"), None));
    assert_eq!(sent, Ok(true));
    assert!(in_tx!(world, tx => unknown(&tx, 10)).unwrap().is_empty());
}

#[tokio::test]
async fn q24_an_event_that_comes_before_the_sent_id_is_joined_later() {
    let world = world().await;
    let of = parcel(4);
    let heard = Heard {
        id: Uuid::from_u128(44),
        address: of.address,
        event: "delivery",
        provider_id: Some("p4"),
        diagnostic: None,
        at: NOW,
    };
    in_tx!(world, tx => claim(&tx, &of, None)).unwrap();
    in_tx!(world, tx => hear(&tx, &heard)).unwrap();
    in_tx!(world, tx => hear(&tx, &heard)).unwrap();
    in_tx!(world, tx => record(&tx, of.id, State::Sent, Some("p4"), None)).unwrap();
    let seen = in_tx!(world, tx => of_trace(&tx, of.trace)).unwrap();
    assert_eq!(seen.len(), 1, "a repeated event counts once");
    assert_eq!(seen[0].event.as_deref(), Some("delivery"));
    assert_eq!(seen[0].heard_at, Some(NOW));
}

#[tokio::test]
async fn what_is_old_is_forgotten_by_one_and_who_is_suppressed_stays_so() {
    let world = world().await;
    for id in [5, 6] {
        let of = parcel(id);
        let heard = Heard {
            id: of.id,
            address: of.address,
            event: "delivery",
            provider_id: None,
            diagnostic: None,
            at: NOW,
        };
        in_tx!(world, tx => claim(&tx, &of, None)).unwrap();
        in_tx!(world, tx => hear(&tx, &heard)).unwrap();
    }
    let bounce = ("bounce", None);
    in_tx!(world, tx => suppressions::add(&tx, "a@x.example", "bounce", bounce, NOW)).unwrap();
    let old = "UPDATE delivery SET claimed_at = now() - interval '401 days' WHERE id = $1;
               UPDATE mail_event SET noted_at = now() - interval '401 days' WHERE id = $1";
    let five = format!("'{}'", Uuid::from_u128(5));
    world.sql(&old.replace("$1", &five)).await;

    let mut other = world.db.connect().await.unwrap();
    let busy = other.begin().await.unwrap();
    assert_eq!(prune(&busy, 500).await, Ok(0));
    assert_eq!(
        in_tx!(world, tx => prune(&tx, 400)),
        Ok(0),
        "another is at it"
    );
    busy.commit().await.unwrap();
    assert_eq!(in_tx!(world, tx => prune(&tx, 400)), Ok(1));
    assert_eq!(in_tx!(world, tx => find(&tx, parcel(5).id)), Ok(None));
    assert!(
        in_tx!(world, tx => find(&tx, parcel(6).id))
            .unwrap()
            .is_some()
    );
    let events = "SELECT count(*) FROM mail_event";
    let row = other.client().query_one(events, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
    let reason = in_tx!(world, tx => suppressions::reason(&tx, "a@x.example"));
    assert_eq!(reason, Ok(Some("bounce".into())));
}

#[tokio::test]
async fn suppression_holds_for_every_way_of_writing_an_address() {
    let world = world().await;
    world.contact("siti@dinas.example").await;
    let bounce = ("bounce", Some("550 5.1.1"));
    let add = |address: &'static str, reason: &'static str| {
        let world = &world;
        async move {
            in_tx!(world, tx => suppressions::add(&tx, address, reason, bounce, NOW)).unwrap();
        }
    };
    assert_eq!(
        in_tx!(world, tx => suppressions::reason(&tx, "siti@dinas.example")),
        Ok(None)
    );
    add("Siti@Dinas.example", "bounce").await;
    add("siti@dinas.example", "complaint").await;
    add("stranger@x.example", "bounce").await;
    let reason = in_tx!(world, tx => suppressions::reason(&tx, "SITI@dinas.example"));
    assert_eq!(reason, Ok(Some("bounce".into())), "the first reason stays");
    assert_eq!(world.state("siti@dinas.example").await, "suppressed");
    assert_eq!(
        in_tx!(world, tx => suppressions::list(&tx, 10))
            .unwrap()
            .len(),
        2
    );

    in_tx!(world, tx => suppressions::works(&tx, "siti@dinas.example")).unwrap();
    assert_eq!(
        world.state("siti@dinas.example").await,
        "suppressed",
        "only a person lifts it"
    );
    assert_eq!(
        in_tx!(world, tx => suppressions::lift(&tx, "Siti@dinas.example")),
        Ok(true)
    );
    assert_eq!(
        in_tx!(world, tx => suppressions::lift(&tx, "Siti@dinas.example")),
        Ok(false)
    );
    assert_eq!(world.state("siti@dinas.example").await, "ok");
}

#[tokio::test]
async fn a_contact_fails_for_a_while_and_works_again() {
    let world = world().await;
    world.contact("a@x.example").await;
    in_tx!(world, tx => suppressions::failing(&tx, "A@x.example", "full", NOW)).unwrap();
    assert_eq!(world.state("a@x.example").await, "failing");
    assert_eq!(
        in_tx!(world, tx => suppressions::reason(&tx, "a@x.example")),
        Ok(None)
    );
    in_tx!(world, tx => suppressions::works(&tx, "a@x.example")).unwrap();
    assert_eq!(world.state("a@x.example").await, "ok");
}

/// Asks as many mailers would, all at once, for as long as `lasting`.
async fn granted(world: &Arc<World>, limits: Limits, lasting: Duration) -> u32 {
    let mut mailers = Vec::new();
    for _ in 0..6 {
        let world = world.clone();
        mailers.push(tokio::spawn(async move {
            let (mut got, since) = (0, std::time::Instant::now());
            while since.elapsed() < lasting {
                match in_tx!(world, tx => quota::take(&tx, "ses", limits, (5, 0))).unwrap() {
                    Grant::Go(n) => got += n,
                    Grant::Later(pause) => {
                        tokio::time::sleep(pause.min(Duration::from_millis(50))).await;
                    }
                }
            }
            got
        }));
    }
    let mut all = 0;
    for mailer in mailers {
        all += mailer.await.unwrap();
    }
    all
}

#[tokio::test]
async fn the_fleet_together_stays_under_the_rate() {
    let world = world().await;
    let world = Arc::new(world);
    let limits = Limits {
        per_second: 50.0,
        per_day: 0,
    };
    let since = std::time::Instant::now();
    let got = f64::from(granted(&world, limits, Duration::from_secs(1)).await);
    // 5 in the bucket and 42.5 more in each second: with tokens that are used a twentieth of a
    // second late never more than 50 in one.
    let most = 5.0 + 42.5 * since.elapsed().as_secs_f64();
    assert!(got <= most, "{got} of {most}");
    assert!(got >= 20.0, "{got}: the rate is used");
}

#[tokio::test]
async fn asking_for_the_pause_takes_nothing() {
    let world = world().await;
    let limits = Limits {
        per_second: 1.0,
        per_day: 1,
    };
    for _ in 0..3 {
        let pause = in_tx!(world, tx => quota::pause(&tx, "ses", limits));
        assert_eq!(pause, Ok(None));
    }
    let take = in_tx!(world, tx => quota::take(&tx, "ses", limits, (5, 0)));
    assert_eq!(take, Ok(Grant::Go(1)));
    let rate = Limits {
        per_day: 0,
        ..limits
    };
    let pause = in_tx!(world, tx => quota::pause(&tx, "ses", rate)).unwrap();
    assert!(
        pause.is_some_and(|p| p < Duration::from_secs(2)),
        "{pause:?}"
    );
}

#[tokio::test]
async fn the_fleet_together_stays_under_the_day_and_gets_back_what_it_did_not_use() {
    let world = world().await;
    let world = Arc::new(world);
    let limits = Limits {
        per_second: 0.0,
        per_day: 17,
    };
    assert_eq!(
        granted(&world, limits, Duration::from_millis(200)).await,
        17
    );
    let none = in_tx!(world, tx => quota::take(&tx, "ses", limits, (1, 0))).unwrap();
    let Grant::Later(pause) = none else {
        panic!("{none:?}");
    };
    let hours = pause.as_secs() / 3600;
    assert!((24..=25).contains(&hours), "{hours}");
    let told = in_tx!(world, tx => quota::pause(&tx, "ses", limits)).unwrap();
    assert!(told.is_some_and(|told| told <= pause), "{told:?}");
    let other = in_tx!(world, tx => quota::pause(&tx, "smtp", limits));
    assert_eq!(other, Ok(None), "each transport has its own");
    let back = in_tx!(world, tx => quota::take(&tx, "ses", limits, (5, 3)));
    assert_eq!(back, Ok(Grant::Go(3)));
    // A day later the hour no longer counts.
    world
        .sql("UPDATE quota_hour SET hour = hour - interval '25 hours'")
        .await;
    let next = in_tx!(world, tx => quota::take(&tx, "ses", limits, (5, 0)));
    assert_eq!(next, Ok(Grant::Go(5)));
}
