//! Mails as a mail server hands them in, on a real database, with its findings about the sender.

use super::*;
use common::db::testing::{TestHome, begin};
use common::envelope::Envelope;
use common::mail::{Purpose, keys};
use common::messages::{EmailOutput, MailEvent, MailEventKind, Message};
use common::outbox::Pushed;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

struct World {
    place: TestHome,
    handler: EmailInputHandler,
}

/// A mail from the demo's village reporter.
#[derive(Clone, Copy)]
struct Raw<'a> {
    /// What our mail server found out.
    proven: bool,
    /// Further fields, each with its line's end.
    fields: &'a str,
    body: &'a str,
    /// The envelope's sender.
    sender: &'a str,
}

const FROM: &str = "From: Pelsa <pelsa@example.org>\r\n";

fn raw(proven: bool, body: &str) -> Raw<'_> {
    Raw {
        proven,
        fields: FROM,
        body,
        sender: "pelsa@example.org",
    }
}

impl Raw<'_> {
    fn bytes(&self) -> Vec<u8> {
        let found = if self.proven { "pass" } else { "fail" };
        format!(
            "Authentication-Results: mail.kentongan.example; dmarc={found} \
             header.from=example.org\r\nMessage-ID: <{}@phone.example>\r\n{}\r\n{}\r\n",
            Uuid::now_v7(),
            self.fields,
            self.body
        )
        .into_bytes()
    }
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut common::config::Mail)) -> Self {
        let mut place = TestHome::new().await;
        change(&mut place.settings.mail);
        let (home, settings) = (&place.home, &place.settings);
        let engine = Engine::load(home, settings).await.expect("the codes");
        let config = Config::default();
        let handler = EmailInputHandler {
            judge: Judge::new(engine.clone(), settings, &config).expect("the keys"),
            desk: Desk::new(engine, home, settings, &config).expect("a time zone"),
            opener: Opener {
                blobs: home.blobs.clone(),
                dns: Dns::system().expect("a resolv.conf"),
                settings: settings.mail.clone(),
                config,
            },
        };
        Self { place, handler }
    }

    /// Hands a mail in; what goes out because of it.
    async fn mail(&self, raw: Raw<'_>) -> Vec<Pushed> {
        self.mail_at(raw, Timestamp::now()).await
    }

    async fn mail_at(&self, raw: Raw<'_>, received_at: Timestamp) -> Vec<Pushed> {
        let id = Uuid::now_v7();
        let message = EmailInput {
            blob: format!("incoming/{}", id.simple()),
            recipients: Vec::new(),
            sender: Some(raw.sender.into()),
            received_at,
            verdicts: None,
            client_ip: None,
            client_name: None,
            confirmed: None,
        };
        let bytes = raw.bytes();
        let stored = self.place.home.blobs.put(&message.blob, &bytes).await;
        stored.expect("the mail is kept");
        let envelope = Envelope::first(id, &message, Timestamp::now());
        let mut out = Outbox::new(envelope.clone(), Timestamp::now());
        let msg = Incoming {
            envelope,
            message,
            receives: 1,
        };
        let opened = self.handler.prepare(&msg).await.expect("it can be opened");
        let mut conn = self.place.db.client().await;
        let tx = begin(&mut conn).await;
        let applied = self.handler.apply(&msg, opened, &tx, &mut out).await;
        applied.expect("it is decided");
        tx.commit().await.expect("it is kept");
        out.into_pushed()
    }

    /// As [`World::mail`]; the one mail that goes out, if there is one.
    async fn answer(&self, raw: Raw<'_>) -> Option<EmailOutput> {
        let mut mails = of::<EmailOutput>(self.mail(raw).await);
        assert!(mails.len() < 2, "one answer");
        mails.pop()
    }

    /// A mail of ours to this address; its Message-ID.
    async fn delivered(&self, to: &str) -> String {
        let (id, trace) = (Uuid::now_v7(), Uuid::now_v7());
        let until = Timestamp::now() + SignedDuration::from_hours(1);
        let signer = keys::signer(&self.place.settings.secrets).expect("the keys");
        let token = signer.sign(Purpose::Trace, trace.as_bytes(), until);
        let message_id = format!("{}.{token}@kentongan.example", id.simple());
        self.place
            .db
            .run(&format!(
                "INSERT INTO delivery (id, kind, channel, address, purpose, state, message_id, trace)
                 VALUES ('{id}', 'mail', 'email', '{to}', 'alert', 'sent', '{message_id}', '{trace}')"
            ))
            .await;
        message_id
    }

    async fn count(&self, of: &str) -> i64 {
        self.place
            .db
            .one(&format!("SELECT count(*) FROM {of}"))
            .await
    }
}

/// The messages of one kind.
fn of<M: Message>(pushed: Vec<Pushed>) -> Vec<M> {
    let one = |p: &Pushed| (p.queue == M::KIND).then(|| p.envelope.message().expect("its body"));
    pushed.iter().filter_map(one).collect()
}

/// The reply to a question about a held mail.
fn reply(asked: &EmailOutput) -> String {
    let token = asked.reply_token.as_ref().expect("it brings a token");
    format!("{FROM}Subject: Re: Benarkah?\r\nReferences: <{token}@kentongan.example>\r\n")
}

fn number(mail: &EmailOutput, name: &str) -> i64 {
    mail.values.get(name).and_then(Value::as_i64).unwrap_or(0)
}

fn lines(mail: &EmailOutput) -> usize {
    mail.values["lines"].as_array().map_or(0, Vec::len)
}

/// M28: of a report only what it says of its own mail's receiver is believed.
#[tokio::test]
async fn a_bounce_is_believed_about_its_own_receiver_only() {
    let world = World::new().await;
    let id = world.delivered("pelsa@example.org").await;
    let strange = id.replace('.', "x.");
    for (id, body, want) in [
        (
            &id,
            "failed:\r\n\r\npelsa@example.org\r\n550 5.1.1 no such user",
            Some(true),
        ),
        (
            &id,
            "failed:\r\n\r\npelsa@example.org\r\nno such user",
            Some(false),
        ),
        (
            &id,
            "failed:\r\n\r\nvet@example.org\r\n550 5.1.1 no such user",
            None,
        ),
        (
            &strange,
            "failed:\r\n\r\npelsa@example.org\r\n550 5.1.1 no such user",
            None,
        ),
    ] {
        let fields = format!("From: MAILER-DAEMON@example.org\r\nIn-Reply-To: <{id}>\r\n");
        let report = Raw {
            fields: &fields,
            sender: "",
            ..raw(true, body)
        };
        let events = of::<MailEvent>(world.mail(report).await);
        let told = events.first().map(|e| {
            assert_eq!(e.recipients[0].address, "pelsa@example.org");
            e.event == MailEventKind::Bounce { permanent: true }
        });
        assert_eq!(told, want, "{body}");
    }
}

/// M3: an absence note that names a colleague is not a report, however it is worded.
#[tokio::test]
async fn an_absence_note_suppresses_nobody() {
    let world = World::new().await;
    let id = world.delivered("vet@example.org").await;
    let fields = format!("{FROM}Auto-Submitted: auto-replied\r\nIn-Reply-To: <{id}>\r\n");
    let note = Raw {
        fields: &fields,
        ..raw(
            true,
            "Saya tidak dapat membalas. 5.1.1 Hubungi:\r\n\r\nvet@example.org",
        )
    };
    assert!(world.mail(note).await.is_empty());
}

#[tokio::test]
async fn a_question_shows_little_of_an_unproven_subject() {
    let world = World::new().await;
    let fields = format!("{FROM}Subject: {}\r\n", "Menangkan hadiah ".repeat(9));
    let mail = Raw {
        fields: &fields,
        ..raw(false, "KODE SP")
    };
    let asked = world.answer(mail).await.expect("a question");
    assert_eq!(
        (asked.template.as_str(), asked.thread.as_ref()),
        ("confirm", None)
    );
    let shown = asked.values["subject"].as_str().map(|s| s.chars().count());
    assert_eq!(shown, Some(60));
}

/// M25: what somebody else may have written in a person's name is no reason to write to them.
#[tokio::test]
async fn an_unproven_mail_without_commands_is_not_answered() {
    let world = World::new().await;
    assert!(world.answer(raw(false, "Beli obat murah!")).await.is_none());
    assert_eq!(
        world
            .count("mail WHERE outcome = 'nothing' AND reason IS NOT NULL")
            .await,
        1
    );
    let answered = world.answer(raw(true, "Selamat pagi")).await;
    let answered = answered.expect("a proven sender is told");
    assert_eq!(answered.template, "nothing");
    assert!(answered.thread.is_some());
}

#[tokio::test]
async fn a_refusal_brings_nothing_of_an_unproven_mail_along() {
    let world = World::new().await;
    let fields = format!("{FROM}Subject: Klik di sini\r\n");
    for proven in [false, true] {
        let sealed = Raw {
            fields: &fields,
            ..raw(
                proven,
                "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n-----END PGP MESSAGE-----",
            )
        };
        let refused = world.answer(sealed).await.expect("it is answered");
        assert_eq!(refused.template, "refused");
        assert_eq!(refused.thread.is_some(), proven);
    }
}

#[tokio::test]
async fn the_limits_of_proven_and_unproven_mail_are_apart() {
    let world = World::with(|mail| mail.answers_per_hour = 2).await;
    for want in [true, true, true, false] {
        let asked = world.answer(raw(false, "KODE SP")).await;
        assert_eq!(asked.is_some(), want, "three questions an hour");
    }
    for want in [true, true, false] {
        let answered = world.answer(raw(true, "KODE SP")).await;
        assert_eq!(answered.is_some(), want, "as many answers as are set");
    }
    assert_eq!(world.count("mail WHERE outcome = 'held'").await, 4);
    // An hour later the held mails are asked about again, however many answers there were.
    let sql = "UPDATE mail SET decided_at = decided_at - interval '1 hour' WHERE NOT proven";
    world.place.db.run(sql).await;
    assert!(world.answer(raw(true, "KODE SP")).await.is_none());
    assert!(world.answer(raw(false, "KODE SP")).await.is_some());
}

#[tokio::test]
async fn a_confirmation_vouches_for_the_held_mail_alone() {
    let world = World::new().await;
    for (proven, done, left) in [(false, 1, 2), (true, 3, 0)] {
        let asked = world
            .answer(raw(false, "U mc sp 4"))
            .await
            .expect("a question");
        let fields = reply(&asked);
        let confirmation = Raw {
            fields: &fields,
            ..raw(proven, "U dm kb 1\r\nU dm kb 2")
        };
        let before = world.count("report").await;
        let answer = world.answer(confirmation).await.expect("an answer");
        assert_eq!(answer.template, "answer");
        assert_eq!((lines(&answer), number(&answer, "unproven")), (done, left));
        // The second held mail says what the first said: it is answered and stored once.
        let stored = world.count("report").await - before;
        assert_eq!(stored, if proven { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_second_and_a_late_confirmation_are_told_so() {
    let world = World::new().await;
    let asked = world
        .answer(raw(false, "U mc sp 4"))
        .await
        .expect("a question");
    let fields = reply(&asked);
    let confirm = |body| Raw {
        fields: &fields,
        ..raw(true, body)
    };
    let template = |mail: Option<EmailOutput>| mail.expect("an answer").template;
    assert_eq!(template(world.answer(confirm("ya")).await), "answer");
    assert_eq!(
        template(world.answer(confirm("ya, benar")).await),
        "confirmed"
    );
    // What it says of its own is done all the same.
    assert_eq!(template(world.answer(confirm("KODE SP")).await), "answer");
    let late = "UPDATE mail SET outcome = 'held', held_until = now() - interval '1 minute'
                WHERE outcome = 'confirmed'";
    world.place.db.run(late).await;
    assert_eq!(template(world.answer(confirm("ya ya")).await), "lapsed");
    let both = world.answer(confirm("KODE TAN")).await.expect("an answer");
    assert_eq!(both.values["lapsed"], Value::Bool(true));
    assert_eq!(world.count("report").await, 1);
}

/// A b-tree takes no value over 2,704 bytes: such ids and addresses are none.
#[tokio::test]
async fn endless_ids_and_addresses_are_none() {
    let world = World::new().await;
    let long: String = (0..600).map(|n| format!("{n:08x}")).collect();
    for (from, proven) in [
        ("pelsa@example.org", true),
        (&*format!("{long}@example.org"), true),
    ] {
        let fields = format!("From: {from}\r\nMessage-ID: <{long}@example.org>\r\n");
        let mail = Raw {
            fields: &fields,
            ..raw(proven, "KODE SP")
        };
        world.mail(mail).await;
    }
    let kept = "mail WHERE length(message_id) < 999 AND length(address) < 321";
    assert_eq!(
        world.count(kept).await + world.count("mail WHERE message_id IS NULL").await,
        2
    );
    assert_eq!(world.count("mail WHERE outcome = 'answered'").await, 1);
    assert_eq!(world.count("stranger").await, 0);
}

/// M15: whoever handed it in had a wrong clock.
#[tokio::test]
async fn a_mail_from_the_future_came_now() {
    let world = World::new().await;
    let future = Timestamp::now() + SignedDuration::from_hours(24 * 900);
    world.mail_at(raw(true, "U mc sp 4"), future).await;
    assert_eq!(world.count("mail WHERE received_at <= now()").await, 1);
    assert_eq!(world.count("report WHERE received_at <= now()").await, 1);
    assert_eq!(world.count("report_other").await, 0);
}
