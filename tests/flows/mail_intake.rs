//! Fears of the way in: notices of all shapes, bombs, one bad mail among many, crashes half-way.

use common::blob::Found;
use common::envelope::Envelope;
use common::messages::{EmailInput, Message};
use jiff::Timestamp;
use kentongan_tests::both_homes;
use kentongan_tests::servers::proxy::Fault;
use kentongan_tests::world::{Build, Mail, OURS, Place, World, checked, in_sns, receipt, until};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use uuid::Uuid;

both_homes! {
    m16_q25_bad_mails_end_with_a_reason_and_stop_nobody,
    m20_bombs_are_refused_and_the_next_mail_is_answered,
    m21_every_mail_of_cpythons_tests_comes_to_an_end,
    m22_q26_what_is_no_notice_of_a_stored_mail_is_kept_with_a_remedy,
    m29_a_crash_between_stored_and_queued_loses_and_doubles_nothing,
}

const PELSA: &str = "pelsa@example.org";
const REPORTS: &str = "SELECT count(*) FROM report";

/// A message about a mail whose raw original is nowhere.
fn about_nothing(blob: &str) -> Envelope {
    let mail = EmailInput {
        blob: blob.into(),
        recipients: vec![OURS.into()],
        sender: Some(PELSA.into()),
        received_at: Timestamp::now(),
        verdicts: None,
        client_ip: None,
        client_name: None,
        confirmed: None,
    };
    Envelope::first(Uuid::now_v7(), &mail, Timestamp::now())
}

async fn m16_q25_bad_mails_end_with_a_reason_and_stop_nobody(place: Place) {
    let build = Build::new(place).with("frame.max_receives", 4);
    let world = build.with("frame.retry_most_s", 1.0).with_daemons().await;
    let gone = about_nothing("mail/2026/11/20/gone.eml");
    let late = about_nothing("mail/2026/11/20/late.eml");
    world
        .put(EmailInput::KIND, &[gone.clone(), late.clone()])
        .await;
    if place == Place::Aws {
        // The object comes after its notice.
        world.announce(&Mail::from(PELSA), "in/never").await;
    }
    let raw = checked(
        true,
        "example.org",
        &Mail::from(PELSA).body("U MC SP 1").raw(),
    );
    let late_blob = "mail/2026/11/20/late.eml";
    world.blobs.put(late_blob, &raw).await.expect("kept");
    let mut ids = Vec::new();
    for number in 2..=4 {
        ids.push(
            world
                .post(&Mail::from(PELSA).body(format!("U MC SP {number}")))
                .await,
        );
    }
    for id in ids.iter().chain([&late.id]) {
        assert_eq!(world.fate(*id).await.outcome, "answered");
    }
    let lost = if place == Place::Aws { 2 } else { 1 };
    let dead = world.until_dead(EmailInput::KIND, lost).await;
    for letter in &dead {
        let reason = letter.reason.as_deref().unwrap_or_default();
        assert!(reason.contains("not in the blob store"), "{reason}");
        assert!(reason.contains("prefix"), "{reason}");
    }
    assert!(dead.iter().any(|d| d.body.contains("gone.eml")));
    world.until_quiet().await;
    assert_eq!(world.number(REPORTS).await, 4);
}

async fn m20_bombs_are_refused_and_the_next_mail_is_answered(place: Place) {
    let mut world = Build::new(place).with_daemons().await;
    let head = "From: pelsa@example.org\r\n";
    let field = |name: &str, value: String| format!("{head}{name}: {value}\r\n\r\nU MC SP 4\r\n");
    let hops = "Received: from a.example by b.example; Fri, 20 Nov 2026 08:14:07 +0700\r\n";
    for (raw, reason) in [
        (
            field("Subject", "a".repeat(200_000)),
            "mail_header_too_large",
        ),
        (
            format!("{head}{}\r\nU MC SP 4", "a: b\r\n".repeat(30_000)),
            "mail_header_too_large",
        ),
        (
            field(
                "Content-Type",
                format!("multipart/mixed; boundary=\"{}\"", "-".repeat(3000)),
            ),
            "mail_boundary_too_long",
        ),
        (
            format!("{head}{}\r\nU MC SP 4", hops.repeat(51)),
            "mail_too_many_hops",
        ),
    ] {
        let id = world.post_bytes(raw.as_bytes()).await;
        let fate = world.fate(id).await;
        assert_eq!(
            (fate.outcome.as_str(), fate.reason.as_str()),
            ("refused", reason)
        );
        // What goes in a circle would go on doing so.
        assert_eq!(
            fate.answer.is_none(),
            reason == "mail_too_many_hops",
            "{reason}"
        );
    }
    // Within the limits and made to hurt: read, and over soon.
    for body in [
        "<div>".repeat(100_000),
        "--b\r\n".repeat(100_000),
        "> a\r\n".repeat(100_000),
    ] {
        let mail = Mail::from(PELSA).of("text/html; boundary=b", "8bit", body);
        assert_eq!(world.fate_of(&mail).await.outcome, "nothing");
    }
    let good = Mail::from(PELSA).body("U MC SP 4");
    assert_eq!(world.fate_of(&good).await.outcome, "answered");
    assert!(world.processes[0].is_running(), "the processor that began");
    world.nothing_dead().await;
}

/// The folder where the Python of this machine keeps the mails that its own tests use.
fn cpython() -> Option<PathBuf> {
    let ask = "import os, sysconfig; print(os.path.join(sysconfig.get_path('stdlib'), 'test', 'test_email', 'data'))";
    let said = Command::new("python3").args(["-c", ask]).output().ok()?;
    let folder = PathBuf::from(String::from_utf8(said.stdout).ok()?.trim());
    folder.is_dir().then_some(folder)
}

#[expect(
    clippy::print_stderr,
    reason = "so that nobody takes the absence for a pass"
)]
async fn m21_every_mail_of_cpythons_tests_comes_to_an_end(place: Place) {
    let Some(folder) = cpython() else {
        eprintln!("SKIPPED: the python3 of this machine brings no test_email/data");
        return;
    };
    let mut world = Build::new(place).with_daemons().await;
    let mut posted = Vec::new();
    for file in std::fs::read_dir(&folder).expect("the folder").flatten() {
        let raw = std::fs::read(file.path()).expect("a file");
        if !raw.trim_ascii().is_empty() {
            posted.push((file.file_name(), world.post_bytes(&raw).await));
        }
    }
    assert!(posted.len() > 40, "{}", posted.len());
    for (name, id) in &posted {
        let fate = world.fate(*id).await;
        assert!(!fate.outcome.is_empty(), "{name:?}");
    }
    world.until_quiet().await;
    let process = &mut world.processes[0];
    assert!(process.is_running());
    assert!(!process.said().contains("panic"), "{}", process.said());
    assert_eq!(world.number(REPORTS).await, 0, "none of them is anybody's");
    let good = Mail::from(PELSA).body("U MC SP 4");
    assert_eq!(world.fate_of(&good).await.outcome, "answered");
    world.nothing_dead().await;
}

async fn m22_q26_what_is_no_notice_of_a_stored_mail_is_kept_with_a_remedy(place: Place) {
    let world = Build::new(place).with_daemons().await;
    // SNS carries 150 KB of a mail and no more: the receipt rule is wrong, not the mail.
    let mut with_content = receipt(&Mail::from(PELSA), "any", "any");
    with_content["receipt"]["action"] = json!({ "type": "SNS", "encoding": "UTF8" });
    with_content["content"] = "From: pelsa@example.org\r\n\r\nU MC SP 4\r\n".into();
    let bodies = [
        (in_sns(&with_content).to_string(), "S3"),
        (json!({ "jobId": 1 }).to_string(), "jobId"),
        ("{\"id\":".to_owned(), "JSON"),
        ("halo".to_owned(), "JSON"),
    ];
    for (body, _) in &bodies {
        world.put_raw(EmailInput::KIND, body).await;
    }
    // What means nothing is passed over.
    let test_event = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "any" });
    world
        .put_raw(EmailInput::KIND, &test_event.to_string())
        .await;
    let setup = json!({ "notificationType": "Received", "receipt": {},
        "mail": { "messageId": "AMAZON_SES_SETUP_NOTIFICATION" } });
    world
        .put_raw(EmailInput::KIND, &in_sns(&setup).to_string())
        .await;
    let dead = world.until_dead(EmailInput::KIND, bodies.len()).await;
    for (body, word) in &bodies {
        let letter = dead
            .iter()
            .find(|d| d.body == *body)
            .expect("the raw body is kept");
        let reason = letter.reason.as_deref().unwrap_or_default();
        assert!(reason.contains(word), "{body}: {reason}");
        assert!(
            !reason.contains("U MC SP 4") && !reason.contains(PELSA),
            "{reason}"
        );
    }
    world.until_quiet().await;
    assert_eq!(world.number("SELECT count(*) FROM mail").await, 0);
}

async fn m29_a_crash_between_stored_and_queued_loses_and_doubles_nothing(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let mail = Mail::from(PELSA).body("U MC SP 4");
    let raw = checked(true, "example.org", &mail.raw());
    let lock = hold_queue(&world).await;
    let mut command = world.ctl_command(&["submit", "mail", "--verbose", "--to", OURS]);
    let mut child = command.spawn().expect("kentongan starts");
    let mut stdin = child.stdin.take().expect("stdin was asked for");
    stdin.write_all(&raw).expect("it reads");
    drop(stdin);
    until("the raw mail to be stored", async || {
        stored(&world, &raw).await
    })
    .await;
    child.kill().expect("it waits for the queue");
    child.wait().expect("it was started");
    release(&world, lock);
    world.until_quiet().await;
    assert_eq!(
        world.number("SELECT count(*) FROM mail").await,
        0,
        "nothing was queued"
    );
    // The mail server was told nothing, so it tries again, and then once too often.
    let first = submit(&world, &raw).await;
    let again = submit(&world, &raw).await;
    assert_eq!(first, again, "the same message");
    assert_eq!(world.fate(first).await.outcome, "answered");
    world.until_quiet().await;
    assert_eq!(world.number("SELECT count(*) FROM mail").await, 1);
    assert_eq!(world.number(REPORTS).await, 1);
    world.nothing_dead().await;
}

async fn submit(world: &World, raw: &[u8]) -> Uuid {
    let told = world
        .ctl(&["submit", "mail", "--verbose", "--to", OURS], raw)
        .await;
    assert_eq!(told.code, 0, "{told:?}");
    told.out.trim().parse().expect("an id")
}

/// Makes the queue silent to those who want to put something on it.
async fn hold_queue(world: &World) -> Option<common::db::Conn> {
    match world.place {
        Place::OneBox => {
            let mut conn = world.db.connect().await.expect("the database answers");
            let lock = "BEGIN; LOCK TABLE queue IN EXCLUSIVE MODE";
            conn.client().batch_execute(lock).await.expect("the lock");
            Some(conn)
        }
        Place::Aws => {
            world.proxy().fault("SendMessage", 1000, Fault::Silence);
            None
        }
    }
}

fn release(world: &World, lock: Option<common::db::Conn>) {
    drop(lock);
    if world.place == Place::Aws {
        world.proxy().heal();
    }
}

/// Does the raw mail lie where it is kept?
async fn stored(world: &World, raw: &[u8]) -> bool {
    let id = common::envelope::derived_id(&[b"mail", raw, OURS.as_bytes()]);
    let day = Timestamp::now().strftime("%Y/%m/%d");
    let found = world
        .blobs
        .get(&format!("mail/{day}/{id}.eml"), 1_000_000)
        .await;
    matches!(found, Ok(Found::Bytes(_)))
}

/// Q25: SES's own notice or the bucket's, bare or in SNS, with keys as S3 writes them.
#[tokio::test]
async fn q25_every_shape_of_a_notice_brings_its_mail_and_two_of_one_mail_bring_it_once() {
    let world = Build::new(Place::Aws).with_daemons().await;
    let bucket = world.settings.prefix.clone();
    let event = |key: &str| {
        json!({ "Records": [{ "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-20T01:14:09.000Z",
            "s3": { "bucket": { "name": bucket }, "object": { "key": key, "size": 1 } } }] })
    };
    for (number, key, written) in [
        (1, "in/plain", "kentongan/in/plain"),
        (2, "in/a+b=c.eml", "kentongan/in/a%2Bb%3Dc.eml"),
        (3, "in/2026-11_a.eml", "kentongan%2Fin%2F2026-11_a.eml"),
    ] {
        let mail = Mail::from(PELSA).body(format!("U MC SP {number}"));
        let raw = checked(true, "example.org", &mail.raw());
        world.blobs.put(key, &raw).await.expect("kept");
        world
            .put_raw(EmailInput::KIND, &event(written).to_string())
            .await;
        world
            .put_raw(EmailInput::KIND, &in_sns(&event(written)).to_string())
            .await;
        let id = world.announce(&mail, key).await;
        assert_eq!(world.announce(&mail.in_notice_alone(), key).await, id);
        assert_eq!(world.fate(id).await.outcome, "answered", "{key}");
    }
    world.until_quiet().await;
    assert_eq!(world.number("SELECT count(*) FROM mail").await, 3);
    assert_eq!(world.number(REPORTS).await, 3);
    world.nothing_dead().await;
}

/// A notice of another bucket is a fault of the installation: kept, with what is wrong.
#[tokio::test]
async fn q25_a_notice_of_another_bucket_is_kept_with_its_reason() {
    let world = Build::new(Place::Aws).with_daemons().await;
    let notice = receipt(&Mail::from(PELSA), "another-bucket", "kentongan/in/a");
    world.put_raw(EmailInput::KIND, &notice.to_string()).await;
    let dead = world.until_dead(EmailInput::KIND, 1).await;
    let reason = dead[0].reason.clone().unwrap_or_default();
    assert!(
        reason.contains("bucket and prefix of the receipt rule"),
        "{reason}"
    );
}
