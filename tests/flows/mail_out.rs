//! The way out: what bounced is not written to any more, what nobody knows the end of is sent again
//! as the policy says and no more, and all mailers together keep one rate and one quota.

use common::envelope::Envelope;
use common::mail::Letter;
use common::messages::{EmailOutput, Message, Origin, Purpose};
use jiff::Timestamp;
use kentongan_tests::both_homes;
use kentongan_tests::servers::proxy::Fault;
use kentongan_tests::servers::smtp::{Manner, Smtp};
use kentongan_tests::world::{Build, Mail, Place, World, in_sns, until};
use serde_json::{Value, json};
use uuid::Uuid;

both_homes! {
    what_passes_or_is_no_fault_of_the_address_stops_no_mail,
    a_bounce_or_complaint_in_any_form_stops_the_next_mail_until_an_operator_lifts_it,
    m28_a_report_that_came_as_mail_counts_for_the_mail_it_returns_and_nothing_else,
    q30_a_mailer_that_is_killed_before_the_answer_sends_again_and_not_for_ever,
    q30_what_nobody_knows_is_left_where_the_settings_say_so,
    two_mailers_keep_one_rate_and_one_quota,
}

const PELSA: &str = "pelsa@example.org";
const VET: &str = "vet@example.org";

/// A mail for somebody, as the processor would ask for it.
fn ask(to: &str) -> Envelope {
    let values = json!({ "lines": [{ "typed": "U MC SP 4", "answer": "Terima kasih." }] });
    let mail = EmailOutput {
        to: to.into(),
        template: "answer".into(),
        language: "id".into(),
        values: values.as_object().cloned().unwrap_or_default(),
        purpose: Purpose::Answer,
        thread: None,
        attachments: Vec::new(),
        documents: Vec::new(),
        reply_token: None,
        origin: Origin::Replied,
    };
    Envelope::first(Uuid::now_v7(), &mail, Timestamp::now())
}

/// Asks for a mail and waits until it is closed; its id and how.
async fn send(world: &World, to: &str) -> (Uuid, String) {
    let envelope = ask(to);
    world
        .put(EmailOutput::KIND, std::slice::from_ref(&envelope))
        .await;
    (envelope.id, closed(world, envelope.id).await)
}

/// Waits until a mail is sent, or never will be.
async fn closed(world: &World, id: Uuid) -> String {
    let sql = format!("SELECT state FROM delivery WHERE id = '{id}'");
    let mut state = String::new();
    until(&format!("the mail {id} to be closed"), async || {
        state = world.texts(&sql).await.pop().unwrap_or_default();
        !["", "claimed", "waiting"].contains(&state.as_str())
    })
    .await;
    state
}

async fn contact(world: &World, address: &str) -> String {
    let sql = format!("SELECT state FROM contact WHERE address = '{address}'");
    world.texts(&sql).await.remove(0)
}

/// Tells an event of SES, and waits until it is noted.
async fn tell(world: &World, event: &Value) {
    world.put_raw("mail-events", &event.to_string()).await;
    world.until_empty("mail-events").await;
}

/// A notification of an identity.
fn notification(kind: &str, object: Value) -> Value {
    let mut event = json!({ "notificationType": kind,
        "mail": { "timestamp": "2026-11-20T01:14:09.000Z", "messageId": Uuid::now_v7() } });
    event[kind.to_lowercase()] = object;
    event
}

/// A published event of a configuration set.
fn published(kind: &str, object: Value) -> Value {
    let mut event = notification(kind, object);
    event["eventType"] = event["notificationType"].take();
    event
        .as_object_mut()
        .expect("an object")
        .remove("notificationType");
    event["mail"]["tags"] = json!({ "ses:configuration-set": ["kentongan"] });
    event
}

fn bounced(kind: &str, address: &str) -> Value {
    json!({ "bounceType": kind, "bounceSubType": "General", "timestamp": "2026-11-20T01:14:12.000Z",
        "bouncedRecipients": [{ "emailAddress": address, "diagnosticCode": "550 5.1.1 no such user" }] })
}

fn complained(address: &str, feedback: &str) -> Value {
    json!({ "complaintFeedbackType": feedback, "timestamp": "2026-11-20T01:14:12.000Z",
        "complainedRecipients": [{ "emailAddress": address }] })
}

async fn what_passes_or_is_no_fault_of_the_address_stops_no_mail(place: Place) {
    let world = Build::new(place).with_daemons().await;
    for event in [
        notification("Bounce", bounced("Transient", PELSA)),
        published("Bounce", bounced("Undetermined", PELSA)),
        notification("Complaint", complained(VET, "not-spam")),
    ] {
        tell(&world, &event).await;
    }
    assert_eq!(contact(&world, PELSA).await, "failing");
    assert_eq!(contact(&world, VET).await, "ok");
    assert_eq!(send(&world, PELSA).await.1, "sent");
    tell(
        &world,
        &published("Delivery", json!({ "recipients": [PELSA] })),
    )
    .await;
    assert_eq!(contact(&world, PELSA).await, "ok");
    assert!(suppressed(&world).await.is_empty());
    world.nothing_dead().await;
}

async fn a_bounce_or_complaint_in_any_form_stops_the_next_mail_until_an_operator_lifts_it(
    place: Place,
) {
    let world = Build::new(place).with_daemons().await;
    // What lasts does, in every form, known person or not, once or twice.
    let twice = in_sns(&notification(
        "Bounce",
        bounced("Permanent", "Vet <VET@example.org>"),
    ));
    for (event, address, reason) in [
        (
            notification("Bounce", bounced("Permanent", PELSA)),
            PELSA,
            "bounce",
        ),
        (twice.clone(), VET, "bounce"),
        (twice, VET, "bounce"),
        (
            published("Bounce", bounced("Permanent", "x@example.net")),
            "x@example.net",
            "bounce",
        ),
        (
            in_sns(&published(
                "Complaint",
                complained("koordinator@example.org", "abuse"),
            )),
            "koordinator@example.org",
            "complaint",
        ),
        (
            notification("Complaint", complained("paramedik@example.org", "")),
            "paramedik@example.org",
            "complaint",
        ),
    ] {
        tell(&world, &event).await;
        let kept = format!("SELECT reason FROM suppression WHERE address = '{address}'");
        assert_eq!(world.texts(&kept).await, [reason], "{event}");
        if address != "x@example.net" {
            assert_eq!(contact(&world, address).await, "suppressed");
        }
        let (id, state) = send(&world, address).await;
        assert_eq!(state, "suppressed");
        let why = format!("SELECT reason FROM delivery WHERE id = '{id}'");
        assert_eq!(world.texts(&why).await, [reason]);
    }
    assert!(world.letters().is_empty(), "nothing went out");
    // Their orders are still done; only the answer stays away.
    let fate = world.fate_of(&Mail::from(VET).body("U MC SP 4")).await;
    assert_eq!(fate.outcome, "answered");
    assert_eq!(
        closed(&world, fate.answer.expect("asked for")).await,
        "suppressed"
    );
    let list = world.ctl(&["people", "suppressions"], b"").await;
    for words in [
        VET,
        "Dokter Hewan Demo",
        "550 5.1.1 no such user",
        "x@example.net",
        "complaint",
    ] {
        assert!(list.out.contains(words), "{words}: {list:?}");
    }
    let lift = [
        "people",
        "suppressions",
        "--lift",
        VET,
        "--reason",
        "mailbox is repaired",
    ];
    assert_eq!(world.ctl(&lift, b"").await.code, 0);
    assert_eq!(contact(&world, VET).await, "ok");
    assert_eq!(send(&world, VET).await.1, "sent");
    world.nothing_dead().await;
}

/// A delivery report as a mail server writes one, about this mail, naming this address.
fn report(returned: &str, failed: &str, status: &str) -> Mail {
    let kind = "multipart/report; report-type=delivery-status; boundary=b";
    let body = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver your mail.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n\
         Final-Recipient: rfc822; {failed}\r\nAction: failed\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; 550 {status} no such user\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{returned}>\r\nSubject: x\r\n--b--\r\n"
    );
    Mail::from("MAILER-DAEMON@example.org")
        .sender("")
        .of(kind, "7bit", body)
}

async fn suppressed(world: &World) -> Vec<String> {
    world
        .texts("SELECT address FROM suppression ORDER BY address")
        .await
}

/// Hands a report in and waits until what it says is noted.
async fn heard(world: &World, report: &Mail) {
    let fate = world.fate_of(report).await;
    assert_eq!(
        (fate.outcome.as_str(), fate.reason.as_str()),
        ("not_answered", "delivery_report")
    );
    world.until_quiet().await;
}

fn id_of(letter: &Letter) -> &str {
    letter
        .heading
        .message_id
        .as_deref()
        .expect("every mail of ours has one")
}

async fn m28_a_report_that_came_as_mail_counts_for_the_mail_it_returns_and_nothing_else(
    place: Place,
) {
    let world = Build::new(place).with_daemons().await;
    let to_pelsa = world.answer(&Mail::from(PELSA).body("KODE SP")).await;
    let to_vet = world.answer(&Mail::from(VET).body("KODE SP")).await;
    let ours = id_of(&to_vet);
    let changed = ours.replacen(
        &ours[40..41],
        if &ours[40..41] == "b" { "c" } else { "b" },
        1,
    );
    for forged in [
        "0199a2c46b1f.abc@kentongan.example",
        "x@example.org",
        &changed,
    ] {
        heard(&world, &report(forged, VET, "5.1.1")).await;
    }
    assert!(
        suppressed(&world).await.is_empty(),
        "anybody can write a report"
    );
    // Who got a mail of ours has a good id, and may speak of that mail alone.
    heard(&world, &report(id_of(&to_pelsa), VET, "5.1.1")).await;
    assert!(suppressed(&world).await.is_empty());
    heard(&world, &report(id_of(&to_pelsa), PELSA, "5.1.1")).await;
    assert_eq!(suppressed(&world).await, [PELSA]);
    heard(&world, &report(ours, VET, "4.2.2")).await;
    assert_eq!(suppressed(&world).await, [PELSA]);
    assert_eq!(contact(&world, VET).await, "failing");
    heard(&world, &report(ours, "Vet@example.org", "5.1.1")).await;
    assert_eq!(suppressed(&world).await, [PELSA, VET]);
    let seen = "SELECT count(*) FROM delivery_heard WHERE event = 'bounce' AND state = 'sent'";
    assert_eq!(
        world.number(seen).await,
        2,
        "an operator sees which mails came back"
    );
    assert_eq!(send(&world, VET).await.1, "suppressed");
    world.nothing_dead().await;
}

/// A world whose mailer speaks to this mail server; the mailer does not run yet.
async fn with_smtp(place: Place, smtp: &Smtp) -> World {
    let transport = toml::toml! {
        kind = "smtp"
        host = "127.0.0.1"
        tls = "none"
        timeout_s = 30
    };
    let mut transport = transport;
    transport.insert("port".into(), i64::from(smtp.port).into());
    let build = Build::new(place).with("transport", transport);
    let build = build
        .with("mailer.deliver_limit_s", 2)
        .with("frame.retry_most_s", 1.0);
    build.with("mailer.sends_at_most", 2).make().await
}

async fn q30_a_mailer_that_is_killed_before_the_answer_sends_again_and_not_for_ever(place: Place) {
    let smtp = Smtp::start(Manner::FallsSilent).await;
    let mut world = with_smtp(place, &smtp).await;
    let envelope = ask(PELSA);
    world
        .put(EmailOutput::KIND, std::slice::from_ref(&envelope))
        .await;
    for sent in 1..=2 {
        let mailer = world.start("mailer").await;
        let what = format!("the mail server to have {sent} mails");
        until(&what, async || smtp.mails().len() == sent).await;
        world.processes[mailer].kill().await;
    }
    world.start("mailer").await;
    assert_eq!(closed(&world, envelope.id).await, "unknown");
    let mails = smtp.mails();
    assert_eq!(mails.len(), 2, "as often as the policy says");
    assert_eq!(
        mails[0], mails[1],
        "the same mail, so that programs show it once"
    );
    world.until_empty(EmailOutput::KIND).await;
    // The next mail is none the worse for it.
    smtp.turn(Manner::Takes);
    assert_eq!(send(&world, PELSA).await.1, "sent");
    world.nothing_dead().await;
}

async fn q30_what_nobody_knows_is_left_where_the_settings_say_so(place: Place) {
    let smtp = Smtp::start(Manner::FallsSilent).await;
    let mut world = with_smtp(place, &smtp).await;
    let leave = toml::toml! { answer = "leave" };
    world.change_settings("mailer.unknown", leave);
    world.start("mailer").await;
    let (left, state) = send(&world, PELSA).await;
    assert_eq!(state, "unknown");
    world.until_empty(EmailOutput::KIND).await;
    assert_eq!(
        (closed(&world, left).await.as_str(), smtp.mails().len()),
        ("unknown", 1)
    );
    // What a server answers is known: refused is refused, put off is tried again.
    smtp.turn(Manner::Refuses);
    assert_eq!(send(&world, PELSA).await.1, "refused");
    smtp.turn(Manner::PutsOff);
    let late = ask(VET);
    world
        .put(EmailOutput::KIND, std::slice::from_ref(&late))
        .await;
    until("the mail to be put off", async || smtp.mails().len() > 3).await;
    smtp.turn(Manner::Takes);
    assert_eq!(closed(&world, late.id).await, "sent");
    assert!(
        suppressed(&world).await.is_empty(),
        "a refusal in the dialogue may be about us"
    );
    world.nothing_dead().await;
}

async fn two_mailers_keep_one_rate_and_one_quota(place: Place) {
    let build = Build::new(place).with("mailer.rate_per_s", 5.0);
    let mut world = build.with("mailer.per_day", 30).make().await;
    let wanted: Vec<Envelope> = (0..35).map(|_| ask(PELSA)).collect();
    world.put(EmailOutput::KIND, &wanted).await;
    world.start("mailer").await;
    world.start("mailer").await;
    let sent = "SELECT count(*) FROM delivery WHERE state = 'sent'";
    until("30 mails to be sent", async || {
        world.number(sent).await >= 30
    })
    .await;
    assert_eq!(
        world.number(sent).await,
        30,
        "the day's quota, of both together"
    );
    // One second sees no more than the rate, and one for what was written down a little late; two
    // mailers that each keep the rate for themselves would send ten.
    let crowded = "SELECT max(n) FROM (SELECT count(*) OVER (ORDER BY done_at
        RANGE BETWEEN CURRENT ROW AND interval '0.9 s' FOLLOWING) AS n
        FROM delivery WHERE state = 'sent') AS windows";
    let most = world.number(crowded).await;
    assert!(most <= 6, "{most} in one second");
    // The next day; the mailers anew, so that none sleeps over it. What waits comes later.
    for mailer in 0..2 {
        world.processes[mailer].terminate().await;
    }
    assert_eq!(world.number(sent).await, 30, "and not one more");
    world
        .run("UPDATE quota_hour SET hour = hour - interval '26 hours'")
        .await;
    world.start("mailer").await;
    assert_eq!(send(&world, VET).await.1, "sent");
    world.nothing_dead().await;
}

/// SES, as far as the stand-in has it: raw mails out, its ids kept, its lost answers tried again.
#[tokio::test]
async fn ses_sends_what_is_asked_and_a_lost_answer_is_asked_again_as_the_policy_says() {
    let mut world = Build::new(Place::Aws).make().await;
    let mut transport = toml::toml! {
        kind = "ses"
        region = "us-east-1"
    };
    let port = world.proxy().port;
    transport.insert("endpoint".into(), format!("http://127.0.0.1:{port}").into());
    world.change_settings("transport", transport);
    world.verify_sender().await;
    world.start("processor").await;
    world.start("mailer").await;
    let fate = world
        .fate_of(&Mail::from(PELSA).subject("Laporan").body("U MC SP 4"))
        .await;
    let id = fate.answer.expect("an answer");
    assert_eq!(closed(&world, id).await, "sent");
    let ids = world
        .texts(&format!(
            "SELECT provider_id FROM delivery WHERE id = '{id}'"
        ))
        .await;
    let mail = world.sent_by_ses(&ids[0]).await.expect("SES has it");
    assert_eq!(
        (&mail["Subject"], &mail["To"][0]),
        (&json!("Re: Laporan"), &json!(PELSA))
    );
    let text = mail["BodyText"].as_str().unwrap_or_default();
    assert!(text.contains("Terima kasih. [ID kasus 1]"), "{mail}");
    // A complaint that names no address is about the receiver of that mail.
    let mut complaint = notification("Complaint", json!({ "complainedRecipients": [] }));
    complaint["mail"]["messageId"] = json!(ids[0]);
    tell(&world, &complaint).await;
    assert_eq!(suppressed(&world).await, [PELSA]);
    // Done, and the answer lost: nobody knows.
    world.proxy().forget();
    world.proxy().fault("outbound-emails", 2, Fault::LoseAnswer);
    let again = ask(VET);
    world
        .put(EmailOutput::KIND, std::slice::from_ref(&again))
        .await;
    let sent = format!(
        "SELECT count(*) = 1 FROM delivery WHERE id = '{}' AND state = 'sent'",
        again.id
    );
    world.until_true(&sent).await;
    assert_eq!(world.proxy().count("outbound-emails"), 3);
    world.proxy().fault("outbound-emails", 9, Fault::LoseAnswer);
    let (unknown, _) = send(&world, VET).await;
    world.until_empty(EmailOutput::KIND).await;
    let attempts = format!("SELECT attempts::bigint FROM delivery WHERE id = '{unknown}'");
    assert_eq!(world.number(&attempts).await, 3);
    assert_eq!(closed(&world, unknown).await, "unknown");
    assert_eq!(
        world.proxy().count("outbound-emails"),
        6,
        "the policy's three"
    );
    world.nothing_dead().await;
}
