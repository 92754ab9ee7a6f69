//! With a transport that does as it is told, against a real PostgreSQL: every test has a database of
//! its own.

use super::*;
use crate::config::{OnUnknown, Unknown};
use crate::handlers::MailEventHandler;
use async_trait::async_trait;
use common::Verdict;
use common::config::BlobSettings;
use common::db::Db;
use common::envelope::Envelope;
use common::failure::Dependency;
use common::handler::Handler;
use common::mail::token::Signer;
use common::messages::{Attachment, MailEvent, MailEventKind, MailEventRecipient, Origin, Purpose};
use common::transport::{Finished, Quota};
use jiff::SignedDuration;
use kentongan_tests::servers::postgres::{self, Postgres};
use serde_json::json;
use std::sync::Mutex;
use uuid::Uuid;

/// Hands out outcomes in order, then sends, and keeps what it was given.
#[derive(Default)]
struct Told {
    outcomes: Mutex<Vec<Outcome>>,
    mails: Mutex<Vec<Finished>>,
}

#[async_trait]
impl Transport for Told {
    async fn deliver(&self, mail: &Finished) -> Outcome {
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
        Ok(None)
    }
}

struct World {
    db: Db,
    transport: Arc<Told>,
    mailer: EmailOutputDeliverer,
    _folder: tempfile::TempDir,
}

async fn world(settings: Mailer, limits: Limits) -> World {
    let url = Postgres::shared().database().await;
    let db = Db::open(&postgres::settings(&url), "test").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let blobs = BlobSettings::Folder {
        folder: folder.path().to_owned(),
    };
    let sender = Sender {
        name: String::new(),
        address: "us@kentongan.example".into(),
        domain: "kentongan.example".into(),
    };
    let signer = Signer::new(&[[1; 32]]).unwrap();
    let transport = Arc::new(Told::default());
    let mailer = EmailOutputDeliverer {
        settings,
        composer: Composer::new(compose::mails(None).unwrap(), sender, signer).unwrap(),
        transport: transport.clone(),
        blobs: common::blob::open(&blobs, &Sdk::new()).await.unwrap(),
        allowance: Allowance::new("told", limits),
    };
    World {
        db,
        transport,
        mailer,
        _folder: folder,
    }
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
        let job = match claim {
            Claim::Done => return Ok(Round::Closed),
            Claim::Later(_) => return Ok(Round::Later),
            Claim::Go(job) => job,
        };
        let outcome = self.mailer.deliver(mail, &job).await;
        let mut out = Outbox::new(mail.envelope.clone(), Timestamp::now());
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
    assert_eq!(world.round(&mail(12)).await, Ok(Round::Later));
    assert_eq!(world.state(Uuid::from_u128(12)).await, None);
    assert_eq!(world.sent().len(), 2);
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
