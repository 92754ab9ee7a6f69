//! With a transport that does as it is told, against a real PostgreSQL: every test has a database of
//! its own.

use super::*;
use crate::handlers::MailEventHandler;
use async_trait::async_trait;
use common::Verdict;
use common::db::Db;
use common::db::quota::Limits;
use common::delivery::{OnUnknown, Unknown};
use common::envelope::Envelope;
use common::handler::Handler;
use common::mail::token::Signer;
use common::messages::{
    Attachment, Document, MailEvent, MailEventKind, MailEventRecipient, Origin, Purpose,
};
use common::transport::{Finished, Quota};
use jiff::SignedDuration;
use kentongan_tests::servers::postgres::{self, Postgres};
use serde_json::json;
use std::sync::Mutex;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Hands out outcomes in order, then sends, and keeps what it was given.
#[derive(Default)]
struct Told {
    outcomes: Mutex<Vec<Outcome>>,
    mails: Mutex<Vec<Finished>>,
    quota: Mutex<Option<Quota>>,
    /// Connections, and how long each mail takes; without it there is no end of them.
    slow: Option<(Arc<Semaphore>, Duration)>,
}

#[async_trait]
impl Transport for Told {
    async fn turn(&self) -> Turn {
        match &self.slow {
            Some((turns, _)) => turns.clone().acquire_owned().await.unwrap().into(),
            None => Turn::default(),
        }
    }

    async fn deliver(&self, mail: &Finished, time: Time) -> Outcome {
        if let Some((_, takes)) = self.slow {
            assert!(Instant::now() < time.begin_by, "too late to begin");
            tokio::time::sleep(takes).await;
        }
        self.mails.lock().unwrap().push(mail.clone());
        let next = self.outcomes.lock().unwrap().pop();
        next.unwrap_or(Outcome::Sent {
            provider_id: Some(format!("p-{}", mail.message_id)),
        })
    }
    async fn probe(&self) -> Result {
        Ok(())
    }
    async fn quota(&self) -> Result<Option<Quota>> {
        Ok(*self.quota.lock().unwrap())
    }
}

struct World {
    db: Db,
    transport: Arc<Told>,
    mailer: EmailOutputDeliverer,
    _folder: tempfile::TempDir,
}

async fn world(settings: Mailer, limits: Limits) -> World {
    world_with(Told::default(), settings, limits).await
}

async fn world_with(told: Told, settings: Mailer, limits: Limits) -> World {
    let url = Postgres::shared().database().await;
    let db = Db::open(&postgres::settings(&url), "test").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let home = home(&url, folder.path()).await;
    let sender = Sender {
        name: String::new(),
        address: "us@kentongan.example".into(),
        domain: "kentongan.example".into(),
    };
    let signer = Signer::new(&[[1; 32]]).unwrap();
    let transport = Arc::new(told);
    let mailer = EmailOutputDeliverer {
        settings,
        composer: Composer::new(compose::mails(None).unwrap(), sender, signer).unwrap(),
        transport: transport.clone(),
        home,
        texts: config::Engine::default(),
        allowance: Arc::new(Allowance::new(db.clone(), "told", limits)),
    };
    World {
        db,
        transport,
        mailer,
        _folder: folder,
    }
}

/// The queues and blobs of one box.
async fn home(url: &str, folder: &std::path::Path) -> Home {
    let keys = folder.join("keys");
    std::fs::write(&keys, "a key that only tests have, and long enough\n").unwrap();
    let own = [
        ("KENTONGAN_DATABASE__URL", url.to_owned()),
        ("KENTONGAN_BLOB__FOLDER", folder.display().to_string()),
        (
            "KENTONGAN_SECRETS__TOKEN_KEYS_FILE",
            keys.display().to_string(),
        ),
    ];
    let own = own
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    let sample = include_str!("../../../../../deploy/config/one-box.toml");
    let settings = Settings::parse(sample, own).unwrap();
    Home::open(&settings, "test").await.unwrap()
}

/// What one round through claim, hand-over and record came to.
#[derive(Debug, PartialEq)]
enum Round {
    Closed,
    Later,
    Outcome(Outcome),
}

impl World {
    /// As the frame does it.
    async fn round(&self, mail: &Incoming<EmailOutput>) -> Result<Round> {
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        let claim = self.mailer.claim(mail, &tx).await?;
        tx.commit().await?;
        match claim {
            Claim::Done => return Ok(Round::Closed),
            Claim::Later(_) => return Ok(Round::Later),
            Claim::Go(()) => {}
        }
        drop(conn);
        let outcome = self.mailer.deliver(mail, &()).await;
        let mut out = Outbox::new(mail.envelope.clone(), Timestamp::now());
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        self.mailer.record(mail, &outcome, &tx, &mut out).await?;
        tx.commit().await?;
        Ok(Round::Outcome(outcome))
    }

    async fn hears(&self, event: MailEvent, now: Timestamp) -> Result {
        self.hears_again(incoming(Uuid::now_v7(), event), now).await
    }

    async fn hears_again(&self, event: Incoming<MailEvent>, now: Timestamp) -> Result {
        let mut out = Outbox::new(event.envelope.clone(), now);
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        MailEventHandler.apply(&event, (), &tx, &mut out).await?;
        tx.commit().await
    }

    /// How many events of this mail were kept.
    async fn kept(&self, provider_id: &str) -> i64 {
        let sql = "SELECT count(*) FROM mail_event WHERE provider_id = $1";
        let mut conn = self.db.connect().await.unwrap();
        let row = conn.client().query_one(sql, &[&provider_id]).await.unwrap();
        row.get(0)
    }

    async fn state(&self, id: Uuid) -> Option<State> {
        let mut conn = self.db.connect().await.unwrap();
        let tx = conn.begin().await.unwrap();
        let found = deliveries::find(&tx, id).await.unwrap();
        found.map(|f| f.state)
    }

    fn next(&self, outcome: Outcome) {
        self.transport.outcomes.lock().unwrap().push(outcome);
    }

    fn sent(&self) -> Vec<Finished> {
        self.transport.mails.lock().unwrap().clone()
    }
}

fn incoming<M: common::messages::Message>(id: Uuid, message: M) -> Incoming<M> {
    Incoming {
        envelope: Envelope::first(id, &message, Timestamp::now()),
        message,
        receives: 1,
    }
}

fn mail(id: u128) -> Incoming<EmailOutput> {
    let values = json!({"lines": [{"typed": "U MC SP 4", "answer": "Terima kasih."}]});
    let message = EmailOutput {
        to: "siti@dinas.example".into(),
        template: "answer".into(),
        language: "id".into(),
        values: values.as_object().cloned().unwrap(),
        purpose: Purpose::Answer,
        thread: None,
        attachments: Vec::new(),
        documents: Vec::new(),
        reply_token: None,
        origin: Origin::Replied,
    };
    incoming(Uuid::from_u128(id), message)
}

fn event(kind: MailEventKind, to: Option<&str>, of: Option<&str>) -> MailEvent {
    let recipient = |address: &str| MailEventRecipient {
        address: address.into(),
        diagnostic: Some("550 5.1.1 a\0b".into()),
    };
    MailEvent {
        provider_id: of.map(Into::into),
        event: kind,
        recipients: to.map(recipient).into_iter().collect(),
        at: Timestamp::now(),
    }
}

async fn default_world() -> World {
    world(Mailer::default(), Limits::default()).await
}

const UNKNOWN: fn() -> Outcome = || Outcome::Unknown {
    reason: "silence".into(),
};

#[tokio::test]
async fn a_mail_that_is_received_again_is_sent_once() {
    let world = default_world().await;
    let mail = mail(1);
    let first = world.round(&mail).await.unwrap();
    assert!(
        matches!(first, Round::Outcome(Outcome::Sent { .. })),
        "{first:?}"
    );
    assert_eq!(world.round(&mail).await, Ok(Round::Closed));
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.state(mail.envelope.id).await, Some(State::Sent));
}

#[tokio::test]
async fn q30_an_unknown_mail_is_sent_again_the_same_and_not_for_ever() {
    let world = default_world().await;
    let mail = mail(2);
    for _ in 0..3 {
        world.next(UNKNOWN());
    }
    for _ in 0..3 {
        assert_eq!(world.round(&mail).await, Ok(Round::Outcome(UNKNOWN())));
    }
    assert_eq!(world.round(&mail).await, Ok(Round::Closed));
    let sent = world.sent();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|m| m.raw == sent[0].raw));
    assert_eq!(world.state(mail.envelope.id).await, Some(State::Unknown));
}

#[tokio::test]
async fn q30_an_unknown_mail_is_left_where_the_settings_say_so() {
    let answer = OnUnknown::Leave;
    let settings = Mailer {
        unknown: Unknown {
            answer,
            ..Unknown::default()
        },
        ..Mailer::default()
    };
    let world = world(settings, Limits::default()).await;
    world.next(UNKNOWN());
    assert_eq!(world.round(&mail(3)).await, Ok(Round::Outcome(UNKNOWN())));
    assert_eq!(world.round(&mail(3)).await, Ok(Round::Closed));
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test]
async fn q1_a_mail_in_the_hands_of_another_mailer_waits_for_it_alone() {
    let world = default_world().await;
    let mail = mail(4);
    let mut conn = world.db.connect().await.unwrap();
    let tx = conn.begin().await.unwrap();
    assert!(matches!(
        world.mailer.claim(&mail, &tx).await,
        Ok(Claim::Go(_))
    ));
    tx.commit().await.unwrap();
    let failure = world.round(&mail).await.unwrap_err();
    assert!(
        matches!(failure.verdict, Verdict::Retry { after: Some(_) }),
        "{failure:?}"
    );
    assert!(world.sent().is_empty());
}

#[tokio::test]
async fn a_mail_that_did_not_go_is_tried_again() {
    let world = default_world().await;
    let mail = mail(5);
    let away = Outcome::NotSent(Failure::retry("greylisted"));
    world.next(away.clone());
    assert_eq!(world.round(&mail).await, Ok(Round::Outcome(away)));
    assert_eq!(world.state(mail.envelope.id).await, Some(State::Waiting));
    let second = world.round(&mail).await.unwrap();
    assert!(
        matches!(second, Round::Outcome(Outcome::Sent { .. })),
        "{second:?}"
    );
}

#[tokio::test]
async fn q30_tries_that_certainly_sent_nothing_do_not_use_up_the_sends() {
    let world = default_world().await;
    let mail = mail(17);
    for _ in 0..3 {
        world.next(Outcome::NotSent(Failure::wait(Dependency::Mail, "away")));
        world.round(&mail).await.unwrap();
    }
    // Claimed, and the process was killed; long ago.
    let mut conn = world.db.connect().await.unwrap();
    let tx = conn.begin().await.unwrap();
    assert!(matches!(
        world.mailer.claim(&mail, &tx).await,
        Ok(Claim::Go(_))
    ));
    tx.batch("UPDATE delivery SET claimed_at = now() - interval '1 day'")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let sent = world.round(&mail).await.unwrap();
    assert!(
        matches!(sent, Round::Outcome(Outcome::Sent { .. })),
        "{sent:?}"
    );
}

#[tokio::test]
async fn q30_mails_that_wait_for_a_connection_for_too_long_were_not_sent() {
    let told = Told {
        slow: Some((Arc::new(Semaphore::new(1)), Duration::from_millis(400))),
        ..Told::default()
    };
    let settings = Mailer {
        deliver_limit_s: 1,
        ..Mailer::default()
    };
    let world = world_with(told, settings, Limits::default()).await;
    // What a receive hands to many hands.
    let mails: Vec<_> = (100..106).map(mail).collect();
    let deliver = mails.iter().map(|m| world.mailer.deliver(m, &()));
    let mut sent = 0;
    for outcome in futures_util::future::join_all(deliver).await {
        match outcome {
            Outcome::Sent { .. } => sent += 1,
            Outcome::NotSent(failure) => {
                assert_eq!(failure.verdict, Verdict::Wait(Dependency::Mail));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!((1..6).contains(&sent), "{sent}");
    assert_eq!(world.sent().len(), sent);
}

#[tokio::test]
async fn a_bounce_stops_the_next_mail_and_a_delay_does_not() {
    let world = default_world().await;
    let now = Timestamp::now();
    let delay = event(MailEventKind::Delay, Some("siti@dinas.example"), None);
    world.hears(delay, now).await.unwrap();
    world.round(&mail(6)).await.unwrap();
    assert_eq!(world.sent().len(), 1);
    let permanent = MailEventKind::Bounce { permanent: true };
    let bounce = event(permanent, Some("Siti@Dinas.example"), Some("p-elsewhere"));
    world.hears(bounce, now).await.unwrap();
    assert_eq!(world.round(&mail(7)).await, Ok(Round::Closed));
    assert_eq!(world.sent().len(), 1);
    let closed = world.state(Uuid::from_u128(7)).await;
    assert_eq!(closed, Some(State::Suppressed));
}

#[tokio::test]
async fn q24_an_event_that_names_only_a_mail_waits_for_its_row() {
    let world = default_world().await;
    let mail = mail(8);
    let id = world.mailer.composer.message_id(&mail.envelope);
    let complaint = || event(MailEventKind::Complaint, None, Some(&id));
    let now = Timestamp::now();
    let early = world.hears(complaint(), now).await.unwrap_err();
    assert!(
        matches!(early.verdict, Verdict::Retry { after: Some(_) }),
        "{early:?}"
    );
    world.round(&mail).await.unwrap();
    world.hears(complaint(), now).await.unwrap();
    assert_eq!(world.round(&self::mail(9)).await, Ok(Round::Closed));
}

#[tokio::test]
async fn q24_an_event_of_a_mail_that_is_not_ours_is_kept_and_done() {
    let world = default_world().await;
    let now = Timestamp::now();
    let stranger = |mins| MailEvent {
        at: now - SignedDuration::from_mins(mins),
        ..event(MailEventKind::Complaint, None, Some("never-ours"))
    };
    let Verdict::Retry { after: Some(pause) } =
        world.hears(stranger(29), now).await.unwrap_err().verdict
    else {
        panic!("not looked at again");
    };
    // The frame takes a message to the dead letters after twenty receives.
    assert!(pause * 19 > Duration::from_secs(30 * 60));
    // It may have come onto the queue late: only when it happened counts.
    assert_eq!(world.hears(stranger(31), now).await, Ok(()));
    assert_eq!(world.kept("never-ours").await, 1);
    // A notice without a time is of now whenever it is read.
    let timeless = Incoming {
        receives: 16,
        ..incoming(Uuid::now_v7(), stranger(0))
    };
    assert_eq!(world.hears_again(timeless, now).await, Ok(()));
    assert_eq!(world.kept("never-ours").await, 2);
}

#[tokio::test]
async fn nothing_goes_beyond_the_day_and_nothing_is_lost_for_it() {
    let limits = Limits {
        per_second: 0.0,
        per_day: 2,
    };
    let world = world(Mailer::default(), limits).await;
    for id in [10, 11] {
        let round = world.round(&mail(id)).await.unwrap();
        assert!(
            matches!(round, Round::Outcome(Outcome::Sent { .. })),
            "{round:?}"
        );
    }
    let pause = world.mailer.ready().await.unwrap();
    assert!(
        pause.is_some_and(|p| p > Duration::from_secs(60)),
        "{pause:?}"
    );
    assert_eq!(world.round(&mail(12)).await, Ok(Round::Later));
    assert_eq!(world.state(Uuid::from_u128(12)).await, None);
    assert_eq!(world.sent().len(), 2);
}

#[tokio::test]
async fn q15_mails_in_hand_wait_for_their_rate_and_nothing_more_is_received() {
    let limits = Limits {
        per_second: 5.0,
        per_day: 0,
    };
    let world = world(Mailer::default(), limits).await;
    assert_eq!(world.mailer.ready().await, Ok(None));
    let mails: Vec<_> = (200..205).map(mail).collect();
    let rounds = futures_util::future::join_all(mails.iter().map(|m| world.round(m)));
    let mut rounds = std::pin::pin!(rounds);
    let mut held = false;
    let rounds = loop {
        tokio::select! {
            rounds = &mut rounds => break rounds,
            ready = world.mailer.ready() => held |= ready.unwrap().is_some(),
        }
        tokio::task::yield_now().await;
    };
    for round in rounds {
        assert!(
            matches!(round, Ok(Round::Outcome(Outcome::Sent { .. }))),
            "{round:?}"
        );
    }
    assert!(held, "more would have been received meanwhile");
}

#[tokio::test]
async fn two_mailers_together_stay_under_the_rate() {
    let limits = Limits {
        per_second: 40.0,
        per_day: 0,
    };
    let world = world(Mailer::default(), limits).await;
    let began = Instant::now();
    let until = began + Duration::from_millis(1500);
    let mailer = || async {
        let allowance = Allowance::new(world.db.clone(), "told", limits);
        let sender = || async {
            let mut sent = 0;
            while let Ok(Share::Go) = allowance.take(until).await {
                sent += 1;
            }
            sent
        };
        let (a, b, c) = tokio::join!(sender(), sender(), sender());
        a + b + c
    };
    let (one, other): (u32, u32) = tokio::join!(mailer(), mailer());
    // What the bucket held, and 85 % of the rate.
    let most = 4.0 + 34.0 * began.elapsed().as_secs_f64();
    let sent = one + other;
    assert!(f64::from(sent) <= most, "{sent} of {most}");
    assert!(sent >= 20, "{sent}: the rate is used");
    assert!(one > 0 && other > 0, "{one} and {other}");
}

#[tokio::test]
async fn what_the_provider_allows_is_asked_again() {
    let world = default_world().await;
    let upkeep = world.mailer.upkeep();
    for (per_second, per_day) in [(14.0, 50_000.0), (1.0, 200.0)] {
        *world.transport.quota.lock().unwrap() = Some(Quota {
            per_second,
            per_day,
            sent_today: 0.0,
        });
        assert!(upkeep.once().await);
        let limits = world.mailer.allowance.limits();
        assert_eq!(limits.per_second, per_second);
        assert_eq!(limits.per_day, per_day as u64);
    }
}

#[tokio::test]
async fn what_became_of_mails_is_counted() {
    let limits = Limits {
        per_second: 0.0,
        per_day: 3,
    };
    let world = world(Mailer::default(), limits).await;
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    let refused = Outcome::Refused {
        reason: "no".into(),
    };
    let away = Outcome::NotSent(Failure::retry("greylisted"));
    for outcome in [refused, UNKNOWN(), away] {
        world.next(outcome);
    }
    for id in 400..404 {
        world.round(&mail(id)).await.unwrap();
    }
    let permanent = MailEventKind::Bounce { permanent: true };
    let bounce = event(permanent, Some("siti@dinas.example"), None);
    world.hears(bounce, Timestamp::now()).await.unwrap();
    world.round(&mail(404)).await.unwrap();
    let counted = recorder.handle().render();
    for outcome in ["refused", "unknown", "waiting", "later", "suppressed"] {
        let line = format!("kentongan_mail_deliveries_total{{outcome=\"{outcome}\"}} 1");
        assert!(counted.contains(&line), "{line} in\n{counted}");
    }
}

#[tokio::test]
async fn old_deliveries_are_forgotten_on_the_side() {
    let world = default_world().await;
    world.round(&mail(1)).await.unwrap();
    world.round(&mail(2)).await.unwrap();
    let mut conn = world.db.connect().await.unwrap();
    let old = "UPDATE delivery SET claimed_at = now() - interval '401 days' WHERE id = $1";
    let id = Uuid::from_u128(1);
    conn.client().execute(old, &[&id]).await.unwrap();
    assert!(world.mailer.upkeep().once().await);
    assert_eq!(world.state(id).await, None);
    assert_eq!(world.state(Uuid::from_u128(2)).await, Some(State::Sent));
}

#[tokio::test]
async fn a_reload_puts_new_words_into_force_and_keeps_the_old_when_they_are_broken() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Mailer {
        mails: Some(folder.path().to_owned()),
        ..Mailer::default()
    };
    let world = world(settings, Limits::default()).await;
    let reload = world.mailer.reload();
    std::fs::create_dir(folder.path().join("answer")).unwrap();
    let file = folder.path().join("answer/mail.toml");
    let words = "about = \"Other words.\"\n\
                 subject = { id = \"Jawaban\", en = \"Answer\" }\n\
                 text = { id = \"Kata baru.\", en = \"New words.\" }\n";
    for (text, fine, said) in [
        (words, true, "Kata baru."),
        ("about = \"Half a file", false, "Kata baru."),
        (&words.replace("baru", "lain"), true, "Kata lain."),
    ] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(reload().await.is_ok(), fine);
        let id = Uuid::now_v7().as_u128();
        world.round(&mail(id)).await.unwrap();
        let raw = world.sent().pop().unwrap().raw;
        assert!(String::from_utf8_lossy(&raw).contains(said), "{said}");
    }
}

#[tokio::test]
async fn what_cannot_be_composed_says_why() {
    let world = default_world().await;
    let mut address = mail(13);
    address.message.to = "siti".into();
    let refused = world.round(&address).await.unwrap();
    assert!(
        matches!(refused, Round::Outcome(Outcome::Refused { .. })),
        "{refused:?}"
    );

    let mut words = mail(14);
    words.message.template = "nosuch".into();
    let Ok(Round::Outcome(Outcome::NotSent(failure))) = world.round(&words).await else {
        panic!("sent without words");
    };
    assert_eq!(failure.verdict, Verdict::Quarantine);
    words.message.template = "answer".into();
    let redriven = world.round(&words).await.unwrap();
    assert!(
        matches!(redriven, Round::Outcome(Outcome::Sent { .. })),
        "{redriven:?}"
    );
}

#[tokio::test]
async fn q25_an_attachment_is_waited_for_and_one_that_is_too_large_is_refused() {
    let settings = Mailer {
        max_attachments_bytes: 10,
        ..Mailer::default()
    };
    let world = world(settings, Limits::default()).await;
    let mut mail = mail(15);
    mail.message.attachments = vec![Attachment {
        blob: "reports/a.csv".into(),
        name: "a.csv".into(),
        media_type: "text/csv".into(),
    }];
    let Ok(Round::Outcome(Outcome::NotSent(failure))) = world.round(&mail).await else {
        panic!("sent without its attachment");
    };
    assert_eq!(failure.verdict, Verdict::Retry { after: None });
    world
        .mailer
        .home
        .blobs
        .put("reports/a.csv", b"1;2\n")
        .await
        .unwrap();
    world.round(&mail).await.unwrap();
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert!(String::from_utf8_lossy(&sent[0].raw).contains("filename=\"a.csv\""));

    let mut large = self::mail(16);
    large.message.attachments = mail.message.attachments.clone();
    world
        .mailer
        .home
        .blobs
        .put("reports/a.csv", &[b'x'; 11])
        .await
        .unwrap();
    let refused = world.round(&large).await.unwrap();
    assert!(
        matches!(refused, Round::Outcome(Outcome::Refused { .. })),
        "{refused:?}"
    );
}

/// A mail with a movement permit that is made when the mail is composed.
fn certificate(id: u128) -> Incoming<EmailOutput> {
    let place = json!({ "code": "63020202", "names": ["Kalimantan Selatan", "Kotabaru"] });
    let permit = json!({
        "number": 208, "issued": "2026-11-20", "owner_id": "1234567890123456",
        "origin": place, "destination": place, "officer": "Wayan", "office": "Dinas Demo",
        "animals": [{ "number": 10, "kind": { "id": "sapi aceh", "en": "Aceh cattle" } }],
    });
    let words = json!({
        "number": 208, "owner": "Ketut", "animals": "10 sapi aceh", "officer": "Wayan",
        "origin": "Kotabaru", "destination": "Kotabaru",
    });
    let mut mail = mail(id);
    mail.message.template = "permit".into();
    mail.message.values = words.as_object().cloned().unwrap();
    mail.message.documents = vec![Document {
        kind: "permit".into(),
        name: "SKKH-208.pdf".into(),
        language: "id".into(),
        values: permit.as_object().cloned().unwrap(),
    }];
    mail
}

#[tokio::test]
async fn a_certificate_goes_with_its_mail_and_a_second_try_makes_the_same() {
    let world = default_world().await;
    let mail = certificate(500);
    world.next(Outcome::NotSent(Failure::retry("greylisted")));
    for _ in 0..2 {
        world.round(&mail).await.unwrap();
    }
    let sent = world.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].raw, sent[1].raw);
    let raw = String::from_utf8_lossy(&sent[0].raw);
    assert!(raw.contains("Content-Type: application/pdf"));
    assert!(raw.contains("filename=\"SKKH-208.pdf\""));
    // `%PDF-1.7` as base64 writes it.
    assert!(raw.contains("JVBERi0xLjc"), "the document itself");
}

#[tokio::test]
async fn a_document_that_cannot_be_made_goes_to_the_dead_letters_without_being_quoted() {
    let world = default_world().await;
    let mut mail = certificate(501);
    mail.message.documents[0].kind = "poster".into();
    let mut owner = certificate(502);
    owner.message.documents[0].values["owner_id"] = json!({ "secret": 1 });
    for (mail, says) in [(mail, "poster"), (owner, "owner_id")] {
        let Ok(Round::Outcome(Outcome::NotSent(failure))) = world.round(&mail).await else {
            panic!("sent without its document");
        };
        assert_eq!(failure.verdict, Verdict::Quarantine);
        assert!(failure.cause.contains(says), "{failure}");
        assert!(!failure.cause.contains("secret"), "{failure}");
    }
    assert!(world.sent().is_empty());
}

/// Somebody with this mail address and a telephone.
async fn somebody(world: &World, address: &str) {
    let sql = format!(
        "INSERT INTO list VALUES ('user_type', 'JP', 'a', 'a', NULL, 1) ON CONFLICT DO NOTHING;
         INSERT INTO list_entry (list, code, name_id, name_en, source, position)
         VALUES ('user_type', 'VET', 'a', 'a', 'own', 1) ON CONFLICT DO NOTHING;
         INSERT INTO user_type (code, receives) VALUES ('VET', true) ON CONFLICT DO NOTHING;
         INSERT INTO person (name, language, user_type) VALUES ('Siti', 'id', 'VET');
         INSERT INTO contact (person, kind, address, preference)
         SELECT max(id), 'email', '{address}', 1 FROM person
         UNION ALL SELECT max(id), 'phone', '+6281299999999', 2 FROM person"
    );
    let mut conn = world.db.connect().await.unwrap();
    conn.client().batch_execute(&sql).await.unwrap();
}

/// An alert to somebody who has a telephone too.
async fn alert_to_somebody(world: &World) -> Incoming<EmailOutput> {
    let mut alert = mail(7);
    alert.message.template = "alert".into();
    alert.message.values.insert("text".into(), json!("Awas"));
    somebody(world, &alert.to).await;
    alert
}

async fn waiting(world: &World, queue: &str) -> i64 {
    let mut conn = world.db.connect().await.unwrap();
    let sql = "SELECT count(*) FROM queue WHERE name = $1";
    let row = conn
        .client()
        .query_one(sql, &[&format!("kentongan-{queue}")])
        .await
        .unwrap();
    row.get(0)
}

#[tokio::test]
async fn what_a_suppressed_address_does_not_get_goes_to_the_telephone_once() {
    let world = world(Mailer::default(), Limits::default()).await;
    let alert = alert_to_somebody(&world).await;
    let mut conn = world.db.connect().await.unwrap();
    let tx = conn.begin().await.unwrap();
    suppressions::add(&tx, &alert.to, "bounce", ("bounce", None), Timestamp::now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.round(&alert).await, Ok(Round::Closed));
    assert_eq!(waiting(&world, "text-output-console").await, 1);
    assert_eq!(world.round(&alert).await, Ok(Round::Closed));
    assert_eq!(
        waiting(&world, "text-output-console").await,
        1,
        "a redelivery sends nothing"
    );
}

#[tokio::test]
async fn what_is_refused_goes_to_the_telephone_with_its_record() {
    let world = world(Mailer::default(), Limits::default()).await;
    let alert = alert_to_somebody(&world).await;
    let refused = Outcome::Refused {
        reason: "no such mailbox".into(),
    };
    let mut conn = world.db.connect().await.unwrap();
    let tx = conn.begin().await.unwrap();
    assert!(matches!(
        world.mailer.claim(&alert, &tx).await,
        Ok(Claim::Go(()))
    ));
    let mut out = Outbox::new(alert.envelope.clone(), Timestamp::now());
    world
        .mailer
        .record(&alert, &refused, &tx, &mut out)
        .await
        .unwrap();
    let sent = out.into_pushed();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].queue, "text-output-console");
    let mut out = Outbox::new(alert.envelope.clone(), Timestamp::now());
    world
        .mailer
        .record(&alert, &refused, &tx, &mut out)
        .await
        .unwrap();
    assert!(out.into_pushed().is_empty(), "closed before");
}
