//! Mail in by LMTP, behind a real Postfix. The bridge runs for that alone: it has no channel.

use common::envelope::Envelope;
use common::messages::{EmailInput, Message};
use kentongan_tests::both_homes;
use kentongan_tests::servers::free_port;
use kentongan_tests::servers::postfix::{Client, Postfix};
use kentongan_tests::servers::smtp::{Manner, Smtp};
use kentongan_tests::world::{Build, Mail, OURS, Place, World, alone, checked, until};
use std::fs;
use std::os::unix::fs::PermissionsExt;

both_homes! {
    a_mail_for_two_of_our_addresses_is_two_messages_and_one_report,
}

const PELSA: &str = "pelsa@example.org";
const OTHER: &str = "laporan@kentongan.example";
const REPORTS: &str = "SELECT count(*) FROM report";
const DECIDED: &str = "SELECT count(*) FROM mail WHERE outcome <> 'begun'";

/// Makes the bridge listen on a port; that.
fn listens(world: &mut World) -> u16 {
    let port = free_port();
    world.change_settings("bridge.lmtp", format!("127.0.0.1:{port}"));
    port
}

fn inet(port: u16) -> String {
    format!("inet:127.0.0.1:{port}")
}

/// A mail that its own mail server found proven.
fn proven(body: &str) -> Vec<u8> {
    checked(true, "example.org", &Mail::from(PELSA).body(body).raw())
}

async fn hand_in(postfix: &Postfix, to: &[&str], raw: &[u8]) {
    let answer = postfix.hand_in((PELSA, to), raw, None).await;
    assert!(answer.starts_with("250"), "{answer}");
}

async fn until_gone(postfix: &Postfix) {
    until("an empty queue of Postfix", async || postfix.waiting() == 0).await;
}

async fn until_said(postfix: &Postfix, words: &str) {
    until(words, async || postfix.said().contains(words)).await;
}

async fn a_mail_for_two_of_our_addresses_is_two_messages_and_one_report(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    let port = listens(&mut world);
    let bridge = world.start("bridge").await;
    let elsewhere = Smtp::start(Manner::Takes).await;
    let postfix = Postfix::start(&inet(port), elsewhere.port, "");
    let raw = proven("U MC SP 4\r\n.\r\n..\r\n");
    hand_in(&postfix, &[OURS, OTHER], &raw).await;
    until_gone(&postfix).await;
    assert_eq!(
        postfix
            .said()
            .matches("status=sent (250 2.0.0 kept as")
            .count(),
        2
    );
    until("two decided mails", async || {
        world.number(DECIDED).await == 2
    })
    .await;
    assert_eq!(world.number(REPORTS).await, 1, "M6");
    world.until_quiet_mail().await;
    // What Postfix handed over is what was kept, dots and all.
    let blob = &world.texts("SELECT blob FROM mail").await[0];
    let kept = match world.blobs.get(blob, 1_000_000).await {
        Ok(common::blob::Found::Bytes(kept)) => kept,
        other => panic!("{other:?}"),
    };
    let dots = b"MC SP 4\r\n.\r\n..\r\n";
    assert!(kept.windows(dots.len()).any(|w| w == dots));
    let log = world.processes[bridge].said();
    for secret in [PELSA, OURS, "MC SP 4"] {
        assert!(!log.contains(secret), "{secret}");
    }
    assert_eq!(world.processes[bridge].terminate().await.0, 0);
    world.nothing_dead().await;
}

trait Quiet {
    async fn until_quiet_mail(&self);
}

impl Quiet for World {
    /// Nothing waits to be decided. What answers is for a mailer that does not run here.
    async fn until_quiet_mail(&self) {
        self.until_empty(EmailInput::KIND).await;
    }
}

/// Who sent it is told to Postfix by the client, and by Postfix to us.
#[tokio::test]
async fn the_senders_machine_is_known_for_spf_and_the_same_mail_is_the_same_message() {
    let mut world = Build::new(Place::OneBox).make().await;
    let port = listens(&mut world);
    world.start("bridge").await;
    let elsewhere = Smtp::start(Manner::Takes).await;
    let postfix = Postfix::start(&inet(port), elsewhere.port, "");
    let client = Client {
        address: "192.0.2.7",
        helo: "mx.example.org",
    };
    let raw = proven("U MC SP 4");
    let answer = postfix.hand_in((PELSA, &[OURS]), &raw, Some(client)).await;
    assert!(answer.starts_with("250"), "{answer}");
    let bounce = postfix.hand_in(("", &[OURS]), &raw, None).await;
    assert!(bounce.starts_with("250"), "{bounce}");
    until_gone(&postfix).await;
    let mut messages: Vec<EmailInput> = Vec::new();
    for received in world.queue.peek(EmailInput::KIND, 10).await.unwrap() {
        let envelope = Envelope::open(received.body.as_bytes()).unwrap();
        messages.push(envelope.message().unwrap());
    }
    messages.sort_by_key(|m| m.sender.clone());
    let told = |m: &EmailInput| {
        (
            m.sender.clone().unwrap(),
            m.client_ip.map(|ip| ip.to_string()),
        )
    };
    assert_eq!(
        told(&messages[0]),
        (String::new(), Some("127.0.0.1".into()))
    );
    assert_eq!(told(&messages[1]), (PELSA.into(), Some("192.0.2.7".into())));
    assert_eq!(messages[1].client_name.as_deref(), Some("mx.example.org"));
    assert_eq!(messages[1].recipients, [OURS]);
}

#[tokio::test]
async fn while_the_database_or_the_blobs_are_away_postfix_keeps_the_mails() {
    let _alone = alone().await;
    let mut world = Build::new(Place::OneBox).own_cluster().make().await;
    world.change_settings("database.connect_timeout_s", 2);
    let port = listens(&mut world);
    world.start("processor").await;
    let bridge = world.start("bridge").await;
    let elsewhere = Smtp::start(Manner::Takes).await;
    let postfix = Postfix::start(&inet(port), elsewhere.port, "");
    world.postgres().kill();
    hand_in(&postfix, &[OURS, OTHER], &proven("U MC SP 1")).await;
    until_said(&postfix, "status=deferred").await;
    assert!(postfix.said().contains("451 4.3.0"), "{}", postfix.said());
    assert_eq!(postfix.waiting(), 1);
    world.postgres().start_again();
    until_gone(&postfix).await;
    until("a report", async || world.number(REPORTS).await == 1).await;
    until("two decided mails", async || {
        world.number(DECIDED).await == 2
    })
    .await;
    // The blobs' folder is a file, as after a disk that was not mounted.
    let blobs = world.settings_file().with_file_name("blobs");
    let aside = blobs.with_file_name("aside");
    fs::rename(&blobs, &aside).unwrap();
    fs::write(&blobs, "").unwrap();
    let deferred = postfix.said().matches("status=deferred").count();
    hand_in(&postfix, &[OURS], &proven("U MC SP 2")).await;
    until("a mail that is put off", async || {
        postfix.said().matches("status=deferred").count() > deferred
    })
    .await;
    fs::remove_file(&blobs).unwrap();
    fs::rename(&aside, &blobs).unwrap();
    until_gone(&postfix).await;
    until("another report", async || world.number(REPORTS).await == 2).await;
    assert_eq!(world.number(DECIDED).await, 3);
    assert!(elsewhere.mails().is_empty(), "nothing was returned");
    assert!(
        world.processes[bridge]
            .said()
            .contains("Cannot keep a mail")
    );
    world.nothing_dead().await;
}

#[tokio::test]
async fn what_is_too_large_is_returned_to_its_sender_and_the_next_mail_is_taken() {
    let mut world = Build::new(Place::OneBox).make().await;
    world.change_settings("mail.max_bytes", 100_000);
    let port = listens(&mut world);
    world.start("processor").await;
    world.start("bridge").await;
    let elsewhere = Smtp::start(Manner::Takes).await;
    let large = proven(&"U MC SP 4\r\n".repeat(20_000));
    // Postfix compares with what we announce; where it does not, we refuse what comes.
    for (more, words) in [
        ("", "size"),
        (
            "lmtp_discard_lhlo_keywords = size",
            "more than 100000 bytes are not taken",
        ),
    ] {
        let postfix = Postfix::start(&inet(port), elsewhere.port, more);
        let before = elsewhere.mails().len();
        hand_in(&postfix, &[OURS], &large).await;
        until("a returned mail", async || elsewhere.mails().len() > before).await;
        let returned = elsewhere.mails().pop().unwrap();
        assert!(returned.to_lowercase().contains(words), "{returned}");
        assert!(returned.contains("5.3.4"), "{returned}");
        until_gone(&postfix).await;
    }
    let postfix = Postfix::start(&inet(port), elsewhere.port, "");
    hand_in(&postfix, &[OURS], &proven("U MC SP 4")).await;
    until("a report", async || world.number(REPORTS).await == 1).await;
    assert_eq!(world.number(DECIDED).await, 1);
}

/// 200 mails by ten connections, through a socket of the file system, while the bridge is killed.
#[tokio::test]
async fn of_two_hundred_mails_none_is_lost_or_doubled_though_the_bridge_is_killed() {
    let _alone = alone().await;
    let mut world = Build::new(Place::OneBox).make().await;
    let folder = tempfile::tempdir().unwrap();
    // Postfix's parts are another user, who must reach the socket.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let socket = folder.path().join("lmtp").display().to_string();
    world.change_settings("bridge.lmtp", socket.clone());
    world.start("processor").await;
    let mut bridge = world.start("bridge").await;
    let elsewhere = Smtp::start(Manner::Takes).await;
    let postfix = Postfix::start(&format!("unix:{socket}"), elsewhere.port, "");
    let killed = async {
        for part in 1..=3 {
            let some = format!("{} mails", part * 40);
            until(&some, async || {
                world.number("SELECT count(*) FROM mail").await >= part * 40
            })
            .await;
            world.processes[bridge].kill().await;
            bridge = world.start("bridge").await;
        }
    };
    tokio::join!(postfix.hand_in_many(200, (PELSA, OURS)), killed);
    until_gone(&postfix).await;
    until("all mails", async || world.number(DECIDED).await >= 200).await;
    world.until_quiet_mail().await;
    assert_eq!(world.number("SELECT count(*) FROM mail").await, 200);
    assert!(elsewhere.mails().is_empty(), "nothing was returned");
    world.nothing_dead().await;
}
