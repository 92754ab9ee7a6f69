//! Fears of incoming mail, by their numbers: robots, twins, odd bytes, forged authority.

use common::mail::robots::MARK;
use kentongan_tests::both_homes;
use kentongan_tests::world::{Build, Mail, OURS, Place, World, sms};
use std::io::{Read, Write};

both_homes! {
    m1_m2_m3_what_machines_write_is_kept_and_never_answered,
    m3_an_address_gets_so_many_answers_an_hour_and_what_it_orders_is_done_all_the_same,
    m4_m5_a_missing_or_reused_message_id_loses_nothing,
    m6_m7_m8_the_same_mail_has_one_effect_and_one_answer_whatever_way_it_comes,
    m9_m10_m12_m15_odd_labels_names_dates_and_bytes_are_read,
    m13_headers_longer_than_any_index_takes_are_kept,
    m14_nul_and_broken_text_are_kept_as_far_as_a_database_can,
    m18_authority_is_the_outer_senders_alone,
    m27_what_is_quoted_or_signed_is_no_command_and_is_kept,
}

const PELSA: &str = "pelsa@example.org";
const VET: &str = "vet@example.org";
const REPORTS: &str = "SELECT count(*) FROM report";
const ANSWERED: &str = "SELECT count(*) FROM delivery WHERE purpose = 'answer'";

/// The command that would show if a mail was carried out, which it must not be.
fn order(from: &str) -> Mail {
    Mail::from(from).body("U MC,DM SP 4")
}

async fn m1_m2_m3_what_machines_write_is_kept_and_never_answered(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let ours = world.answer(&Mail::from(PELSA).subject("KODE SP")).await;
    let mark = ours.heading.fields.text(&MARK.to_lowercase());
    let report = "multipart/report; report-type=delivery-status; boundary=b";
    for (mail, reason) in [
        (order(PELSA).field(MARK, mark), "own_mail"),
        (order(OURS), "own_mail"),
        (order("Lapor@Kentongan.example"), "own_mail"),
        (order("postmaster@kentongan.example"), "own_mail"),
        (
            order(PELSA).sender("lapor+tag@kentongan.example"),
            "own_mail",
        ),
        (order(PELSA).sender(""), "delivery_report"),
        (
            order(PELSA).of(report, "7bit", "--b\r\n\r\nU MC SP 4\r\n--b--\r\n"),
            "delivery_report",
        ),
        (order("MAILER-DAEMON@example.org"), "daemon"),
        (order("no-reply@example.org"), "daemon"),
        (
            order(PELSA).field("Auto-Submitted", "auto-generated"),
            "auto_submitted",
        ),
        (order(PELSA).field("X-Autoreply", "yes"), "auto_reply"),
        (
            order(PELSA).field("X-Auto-Response-Suppress", "All"),
            "auto_reply",
        ),
        (
            order(PELSA).field("List-Id", "<a.example.org>"),
            "mailing_list",
        ),
        (order(PELSA).field("Precedence", "bulk"), "bulk"),
        (
            order(PELSA).subject("Out of Office: U MC SP 4"),
            "auto_reply_subject",
        ),
    ] {
        let fate = world.fate_of(&mail).await;
        assert_eq!(
            (fate.outcome.as_str(), fate.reason.as_str()),
            ("not_answered", reason),
            "{mail:?}"
        );
        assert_eq!(fate.answer, None);
    }
    let person = order(PELSA).field("Auto-Submitted", "no");
    assert_eq!(world.fate_of(&person).await.outcome, "answered");
    world.until_quiet().await;
    assert_eq!(world.number(REPORTS).await, 1);
    assert_eq!(world.number(ANSWERED).await, 2);
    world.nothing_dead().await;
}

async fn m3_an_address_gets_so_many_answers_an_hour_and_what_it_orders_is_done_all_the_same(
    place: Place,
) {
    let world = Build::new(place)
        .with("mail.answers_per_hour", 2)
        .with_daemons()
        .await;
    for (number, outcome) in [(1, "answered"), (2, "answered"), (3, "answer_withheld")] {
        let mail = Mail::from(PELSA).body(format!("U MC SP {number}"));
        assert_eq!(world.fate_of(&mail).await.outcome, outcome);
    }
    let silent = world.fate_of(&Mail::from(PELSA).body("halo")).await;
    assert_eq!((silent.outcome.as_str(), silent.answer), ("nothing", None));
    assert_eq!(
        world.fate_of(&order(VET)).await.outcome,
        "answered",
        "another address"
    );
    assert_eq!(
        world.number(REPORTS).await,
        4,
        "withheld is the answer, not the deed"
    );
    world
        .run("UPDATE mail SET decided_at = decided_at - interval '61 minutes'")
        .await;
    let later = Mail::from(PELSA).body("U MC SP 9");
    assert_eq!(world.fate_of(&later).await.outcome, "answered");
}

async fn m4_m5_a_missing_or_reused_message_id_loses_nothing(place: Place) {
    let world = Build::new(place).with_daemons().await;
    for number in 1..=2 {
        let mail = Mail::from(PELSA)
            .without("Message-ID")
            .body(format!("U MC SP {number}"));
        let letter = world.answer(&mail).await;
        assert!(letter.heading.in_reply_to.is_empty());
        assert_eq!(letter.heading.to[0].address, PELSA);
    }
    let reused = |number| {
        let mail = Mail::from(PELSA).field("Message-ID", "<always@device.example>");
        mail.body(format!("U MC SP {number}"))
    };
    let (first, second) = (
        world.fate_of(&reused(3)).await,
        world.fate_of(&reused(4)).await,
    );
    assert_eq!(
        (first.outcome.as_str(), first.flagged.as_str()),
        ("answered", "")
    );
    assert_eq!(
        (second.outcome.as_str(), second.flagged.as_str()),
        ("answered", "message_id_reused")
    );
    assert_eq!(world.number(REPORTS).await, 4);
}

async fn m6_m7_m8_the_same_mail_has_one_effect_and_one_answer_whatever_way_it_comes(place: Place) {
    let mut world = Build::new(place).with_daemons().await;
    world.start("processor").await;
    let outcomes = async |world: &World, ids: &[uuid::Uuid]| {
        let mut all = Vec::new();
        for id in ids {
            all.push(world.fate(*id).await.outcome);
        }
        all.sort();
        all
    };
    // M6: one mail to two of our addresses, delivered once for each.
    let mail = Mail::from(PELSA).body("U MC SP 1");
    let first = world.post(&mail).await;
    let second = world
        .post(&mail.clone().to(&["laporan@kentongan.example"]))
        .await;
    assert_ne!(first, second);
    assert_eq!(
        outcomes(&world, &[first, second]).await,
        ["answered", "duplicate"]
    );
    // M7: the same once more over another way, with other traces and line ends.
    let mut again = mail.clone();
    let trace =
        "from backup.example.org by mail.kentongan.example; Fri, 20 Nov 2026 09:00:00 +0700";
    again.fields.insert(0, ("Delivered-To".into(), OURS.into()));
    again.fields.insert(0, ("Received".into(), trace.into()));
    again.body.extend_from_slice(b"\r\n");
    assert_eq!(world.fate_of(&again).await.outcome, "duplicate");
    assert_eq!(world.number(REPORTS).await, 1);
    // M8: by two at once, again and again, with two processors.
    for number in 2..=6 {
        let mail = Mail::from(PELSA).body(format!("U MC SP {number}"));
        let other = mail.clone().to(&["laporan@kentongan.example"]);
        let (one, two, three) =
            tokio::join!(world.post(&mail), world.post(&mail), world.post(&other));
        let mut ids = vec![one, two, three];
        ids.sort();
        ids.dedup();
        let mut wanted = vec!["answered"];
        wanted.resize(ids.len(), "duplicate");
        assert_eq!(outcomes(&world, &ids).await, wanted);
    }
    world.until_quiet().await;
    assert_eq!(world.number(REPORTS).await, 6);
    assert_eq!(world.number(ANSWERED).await, 6);
    world.nothing_dead().await;
}

async fn m9_m10_m12_m15_odd_labels_names_dates_and_bytes_are_read(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let plain = |charset: &str, body: &[u8]| {
        Mail::from(PELSA).of(&format!("text/plain; charset={charset}"), "8bit", body)
    };
    let below =
        |number: u8, rest: &[u8]| [format!("U MC SP {number}\r\n\r\n").as_bytes(), rest].concat();
    let wide: Vec<u8> = "U MC SP 5"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let file = |disposition: &str| {
        format!(
            "--b\r\nContent-Type: text/plain\r\n\r\nU MC SP 6\r\n--b\r\nContent-Type: application/pdf\r\n\
             Content-Disposition: attachment; {disposition}\r\n\r\n%PDF-1.4\r\n--b--\r\n"
        )
    };
    let mut mails = vec![
        plain("us-ascii", &below(1, "Terima kasih \u{2013} Bu".as_bytes())),
        plain("utf-8", &below(2, b"kar\xe9na \xff\xfe\x80")),
        plain("x-does-not-exist", &below(3, b"\x93halo\x94")),
        plain("\"\"", &below(4, b"")),
        plain("utf-16le", &wide),
        Mail::from(PELSA).subject("=?utf-8?b?VSBNQyBT?= =?x-odd?q?P_7?="),
    ];
    for name in [
        "filename=\"../../etc/passwd\"",
        "filename*=utf-8''..%2F..%2Flaporan%00.xls",
        "filename*0=lap; filename*1=oran.xls",
        "filename==?utf-8?q?laporan=2Exls?=",
        "filename=a,b.xls",
        "filename=",
    ] {
        mails.push(Mail::from(PELSA).of("multipart/mixed; boundary=b", "7bit", file(name)));
    }
    for date in [
        "Mon, 0 Jan 0000 00:00:00 +0000",
        "Sen, 5 Agustus 2019",
        "32 Foo 99999 99:99:99 +9999",
        "",
        "Fri, 20 Nov 2026 08:14:07 +1400 (\u{ff})",
    ] {
        mails.push(Mail::from(PELSA).body("U MC SP 8").field("Date", date));
    }
    for mail in &mails {
        let letter = world.answer(mail).await;
        assert!(
            letter.text.contains("Terima kasih. [ID kasus"),
            "{mail:?}: {}",
            letter.text
        );
    }
    // The same words of the same person within ten minutes are one report.
    assert_eq!(world.number(REPORTS).await, 8);
    let odd =
        "SELECT count(*) FROM report WHERE sent_at < now() - interval '1 day' OR sent_at > now()";
    assert_eq!(
        world.number(odd).await,
        0,
        "the time of receipt counts, not the sender's clock"
    );
    world.nothing_dead().await;
}

async fn m13_headers_longer_than_any_index_takes_are_kept(place: Place) {
    let world = Build::new(place).with_daemons().await;
    // Not compressible, as an index of PostgreSQL would do it.
    let noise: String = (0..600)
        .map(|_| uuid::Uuid::new_v4().simple().to_string())
        .collect();
    let long_id = order(PELSA).field("Message-ID", format!("<{noise}@example.org>"));
    let letter = world.answer(&long_id).await;
    assert!(
        letter.heading.in_reply_to.is_empty(),
        "no line of ours is that long"
    );
    let long = || Mail::from(&format!("{noise}@example.org")).sender(PELSA);
    for mail in [
        long().body("U MC SP 4"),
        long().body("U MC SP 4").unproven(),
    ] {
        let fate = world.fate_of(&mail).await;
        assert_eq!(
            (fate.outcome.as_str(), fate.answer),
            ("unknown_sender", None)
        );
    }
    let subject = order(PELSA).subject(&noise).body("U MC SP 5");
    let letter = world.answer(&subject).await;
    assert!(letter.heading.subject.chars().count() <= 150);
    world.until_quiet().await;
    world.nothing_dead().await;
}

async fn m14_nul_and_broken_text_are_kept_as_far_as_a_database_can(place: Place) {
    let mut world = Build::new(place).with_daemons().await;
    for mail in [
        Mail::from(PELSA).body(b"U MC SP 1\0\r\n\r\na\0b"),
        Mail::from(PELSA)
            .body("U MC SP 2")
            .subject("a\0b =?utf-8?q?c=00d?="),
        Mail::from(PELSA)
            .body("U MC SP 3")
            .field("Message-ID", "<a\0b@example.org>"),
        Mail::from(PELSA).body("U MC SP 4").field("X-Odd\0", "\0"),
        Mail::from(PELSA).of(
            "text/plain; charset=utf-8",
            "base64",
            "VSBNQyBTUCA1AA==\r\n",
        ),
        Mail::from(PELSA).of(
            "text/plain; charset=utf-8",
            "8bit",
            b"U MC SP 6\xed\xa0\x80\xc0\x80",
        ),
    ] {
        assert_eq!(world.fate_of(&mail).await.outcome, "answered", "{mail:?}");
    }
    let letters = world.letters();
    assert!(letters.iter().all(|l| !l.text.contains('\0')));
    // By text: NUL, what no charset has, every control character.
    for text in [
        "U MC SP 7\0",
        "\0U\0 MC SP 8",
        "U MC SP 9\u{fffd}",
        "\u{1}\u{7f}\u{9f}\u{feff}",
        "\0",
    ] {
        let ids = world.send_all(&[sms("081234567890", text, None)]).await;
        world.until_answered(&ids).await;
    }
    // Half of a pair: JSON can say it, no text has it.
    let broken = r#"{"id":"0199a2c4-0000-7000-8000-000000000001","kind":"text-input","version":1,
        "trace":"0199a2c4-0000-7000-8000-000000000001","sent_at":"2026-11-20T01:00:00Z",
        "body":{"channel":"console","from":"081234567890","text":"U \ud800 SP 4","sent_at":"2026-11-20T01:00:00Z"}}"#;
    world.put_raw("text-input", broken).await;
    let dead = world.until_dead("text-input", 1).await;
    assert!(
        dead[0]
            .reason
            .as_deref()
            .is_some_and(|r| r.contains("body of text-input")),
        "{dead:?}"
    );
    assert_eq!(dead[0].body, broken, "the raw body is kept");
    let next = world.text("081234567890", "KODE SP").await;
    assert!(next.contains("sapi"), "{next}");
}

async fn m18_authority_is_the_outer_senders_alone(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let inner = "Return-Path: <vet@example.org>\r\n\
        Authentication-Results: mail.kentongan.example; dmarc=pass header.from=example.org\r\n\
        From: vet@example.org\r\nSubject: U MC SP 4\r\n\r\nU MC SP 5\r\n";
    let forwarded = |from: &str, text: &str| {
        let body = format!(
            "--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{inner}--b--\r\n"
        );
        Mail::from(from).of("multipart/mixed; boundary=b", "7bit", body)
    };
    let stranger = world
        .fate_of(&forwarded("nobody@example.net", "U MC SP 6").unproven())
        .await;
    assert_eq!(
        (stranger.outcome.as_str(), stranger.known),
        ("unknown_sender", false)
    );
    let nothing = world.fate_of(&forwarded(PELSA, "Lihat lampiran")).await;
    assert_eq!(nothing.outcome, "nothing", "what is attached is no order");
    assert_eq!(world.number(REPORTS).await, 0);
    assert_eq!(
        world.fate_of(&forwarded(PELSA, "U MC SP 7")).await.outcome,
        "answered"
    );
    let who = "SELECT p.name FROM report r JOIN person p ON p.id = r.sender";
    assert_eq!(world.texts(who).await, ["Pelsa Demo Satu"]);
    // Two authors, or a name that looks like an address: nobody's word.
    let two = order("vet@example.org, pelsa@example.org").sender(VET);
    assert_eq!(world.fate_of(&two).await.outcome, "held");
    let dressed = order("\"vet@example.org\" <nobody@example.net>").sender(VET);
    assert_eq!(world.fate_of(&dressed).await.outcome, "unknown_sender");
    assert_eq!(world.number(REPORTS).await, 1);
}

async fn m27_what_is_quoted_or_signed_is_no_command_and_is_kept(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let body = "U MC SP 1\r\nTerima kasih,\r\nH Abdul\r\n-- \r\nPNEG\r\n\r\n\
        Pada Jum, 20 Nov 2026 08.14 Kentongan <lapor@kentongan.example> menulis:\r\n> U MC SP 9\r\nU MC SP 8\r\n";
    let first = Mail::from(PELSA).body(body);
    let id = world.post(&first).await;
    assert_eq!(world.fate(id).await.outcome, "answered");
    let below = Mail::from(PELSA).body("> U MC SP 7\r\n> Terima kasih\r\n\r\nU MC SP 2\r\n");
    assert_eq!(world.fate_of(&below).await.outcome, "answered");
    let done = world.texts("SELECT text FROM message ORDER BY text").await;
    assert_eq!(done, ["U MC SP 1", "U MC SP 2"]);
    let blob = world
        .texts(&format!("SELECT blob FROM mail WHERE id = '{id}'"))
        .await;
    let kept = world
        .blobs
        .get(&blob[0], 100_000)
        .await
        .expect("the raw mail");
    let common::blob::Found::Bytes(kept) = kept else {
        panic!("the raw mail is kept");
    };
    assert!(kept.ends_with(body.as_bytes()), "every byte");
}

/// M24: only SES tells verdicts about harm.
#[tokio::test]
async fn m24_spam_and_viruses_are_kept_and_counted_and_never_answered() {
    let port = kentongan_tests::servers::free_port();
    let listen = toml::toml! { processor = "" };
    let mut listen = listen;
    listen.insert("processor".into(), format!("127.0.0.1:{port}").into());
    let world = Build::new(Place::Aws)
        .with("metrics.listen", listen)
        .with_daemons()
        .await;
    for (harm, reason) in [
        (["FAIL", "PASS"], "spam"),
        (["PASS", "FAIL"], "virus"),
        (["FAIL", "FAIL"], "virus"),
    ] {
        let mut mail = order(PELSA);
        mail.harm = harm;
        let fate = world.fate_of(&mail).await;
        assert_eq!(
            (fate.outcome.as_str(), fate.reason.as_str()),
            ("not_answered", reason)
        );
        assert_eq!(fate.answer, None);
    }
    let mut doubt = order(PELSA);
    doubt.harm = ["GRAY", "PROCESSING_FAILED"];
    assert_eq!(
        world.fate_of(&doubt).await.outcome,
        "answered",
        "a doubt swallows no report"
    );
    assert_eq!(world.number(REPORTS).await, 1);
    let told = metrics(port);
    assert!(
        told.contains("kentongan_mails_total{outcome=\"not_answered\"} 3"),
        "{told}"
    );
}

fn metrics(port: u16) -> String {
    let mut link = std::net::TcpStream::connect(("127.0.0.1", port)).expect("metrics are told");
    let ask = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    link.write_all(ask).expect("asked");
    let mut told = String::new();
    link.read_to_string(&mut told).expect("told");
    told
}
