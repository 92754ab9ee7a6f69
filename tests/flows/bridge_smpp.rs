//! The bridge before an SMS gateway: node-smpp's server, which does as it is told.

use common::channel::shipped;
use futures_util::future::join_all;
use kentongan_tests::both_homes;
use kentongan_tests::servers::smsc::{Smsc, Submitted};
use kentongan_tests::world::{Build, Place, World, people, until};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use uuid::Uuid;

both_homes! {
    a_text_is_answered_once_and_its_receipts_are_heard,
}

/// As the gateway writes the number of [`people::PELSA`].
const PELSA: &str = "6281234567890";

/// Another of them, as it is dialled.
const PARAVET: &str = people::PARAVET;

const REPORT: &str = "U MC,DM SP 4";

/// The shipped channel with other settings.
fn channel(smsc: &Smsc, more: &[(&str, toml::Value)]) -> String {
    let mut file: toml::Table = shipped()["sms.toml"].parse().unwrap();
    let settings = file["settings"].as_table_mut().unwrap();
    let endpoint = format!("smpp://127.0.0.1:{}", smsc.port);
    let own = [
        ("endpoint", endpoint.into()),
        ("enquire_s", 1.into()),
        ("answer_s", 2.into()),
    ];
    for (key, value) in own.iter().chain(more) {
        settings.insert((*key).to_owned(), value.clone());
    }
    toml::to_string(&file).unwrap()
}

async fn set(world: &mut World, smsc: &Smsc, more: &[(&str, toml::Value)]) {
    let secret = ("sms-password", "hush\n");
    world
        .with_channel("sms", &channel(smsc, more), &[secret])
        .await;
}

/// A processor and a bridge that is bound; the bridge's place among the processes.
async fn begun(world: &mut World, smsc: &Smsc) -> usize {
    set(world, smsc, &[]).await;
    world.start("processor").await;
    let bridge = world.start("bridge").await;
    world.processes[bridge]
        .wait_for("Bound to the gateway")
        .await;
    bridge
}

/// Waits until the bridge has bound itself so often since the gateway started.
async fn until_bound(smsc: &Smsc, times: usize) {
    until("a bind", async || smsc.seen().await.binds.len() >= times).await;
}

/// What was taken to be sent, once this holds of it.
async fn until_sent(
    smsc: &Smsc,
    what: &str,
    holds: impl Fn(&[Submitted]) -> bool,
) -> Vec<Submitted> {
    let mut sent = Vec::new();
    until(what, async || {
        sent = smsc.seen().await.submitted;
        sent.retain(|s| s.status == json!(0));
        holds(&sent)
    })
    .await;
    sent
}

/// What this receiver was sent, all parts in a row.
fn said(sent: &[Submitted], to: &str) -> String {
    let to_them = sent.iter().filter(|s| s.to == to);
    to_them.map(|s| s.text.as_str()).collect()
}

/// Waits for the answer with these words.
async fn answered(smsc: &Smsc, to: &str, words: &str) -> String {
    let sent = until_sent(smsc, words, |sent| said(sent, to).contains(words)).await;
    said(&sent, to)
}

async fn state_of(world: &World, id: Uuid) -> String {
    let sql = format!("SELECT state FROM delivery WHERE id = '{id}'");
    world.texts(&sql).await.pop().unwrap_or_default()
}

async fn until_state(world: &World, id: Uuid, state: &str) {
    until(state, async || state_of(world, id).await == state).await;
}

fn ok() -> Option<String> {
    Some("0x00000000".into())
}

async fn a_text_is_answered_once_and_its_receipts_are_heard(place: Place) {
    let smsc = Smsc::start();
    let mut world = Build::new(place).make().await;
    let bridge = begun(&mut world, &smsc).await;
    let dialect = "id:{id} sub:001 dlvrd:001 submit date:2611210408 done date:2611210409 \
                   stat:DELIVRD err:000 text:Terima";
    smsc.plan(json!({ "receipts": { "dialect": dialect } }))
        .await;
    let text = json!({ "from": PELSA, "ton": 1, "text": REPORT });
    assert_eq!(smsc.text_with(text.clone()).await, ok());
    let answer = answered(&smsc, PELSA, "Ogotua").await;
    assert!(
        answer.contains("[ID kasus 1] Anda telah melaporkan 4 kasus"),
        "{answer}"
    );
    let sent = smsc.seen().await.submitted;
    assert!(sent.iter().all(|s| s.ton == 1 && s.registered == 1));
    // By the standard's parameters, and before the bridge knows the id.
    smsc.plan(json!({ "receipts": { "parameters": 2, "early": true } }))
        .await;
    assert_eq!(smsc.text(PARAVET, "PNEG").await, ok());
    answered(&smsc, &PARAVET.replacen('0', "62", 1), "sindrom").await;
    world
        .until_true(
            "SELECT count(*) FILTER (WHERE event = 'delivered') = (SELECT count(*) FROM text_piece)
                AND count(DISTINCT id) > 1 FROM delivery_heard WHERE channel = 'sms'",
        )
        .await;
    let trace = world
        .texts("SELECT trace::text FROM delivery LIMIT 1")
        .await;
    let told = world.ctl(&["trace", &trace[0]], b"").await;
    assert!(told.out.contains("delivered"), "{}{}", told.out, told.err);
    // The network brings it again: acknowledged, and one message.
    assert_eq!(smsc.text_with(text).await, ok());
    assert_eq!(smsc.text(PARAVET, "U MC SP 7").await, ok());
    answered(&smsc, &PARAVET.replacen('0', "62", 1), "7 kasus").await;
    assert_eq!(
        world
            .number("SELECT count(*) FROM report WHERE code = 'U'")
            .await,
        2
    );
    // Nothing that people write, and no secret, is in a log.
    let log = world.processes[bridge].said();
    for secret in ["hush", &PELSA[2..], &PARAVET[1..], "MC,DM", "Ogotua"] {
        assert!(!log.contains(secret), "{secret}");
    }
    world.processes[bridge].terminate().await;
    assert_eq!(smsc.seen().await.unbound, 1);
}

#[tokio::test]
async fn texts_of_all_alphabets_and_lengths_go_out() {
    let smsc = Smsc::start();
    let mut world = Build::new(Place::OneBox).make().await;
    let mut bridge = begun(&mut world, &smsc).await;
    let letters = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡AZÄÖÑÜ§¿az\
                   äöñüà^{}\\[~]|€";
    let arabic = "سلام ".repeat(60);
    let mixed = format!("{}{}", "🐄".repeat(40), "a".repeat(120));
    let texts = [
        ("+6281111111101", letters.to_owned(), 0, 1),
        ("+6281111111102", "sapi 🐄 sakit".to_owned(), 8, 1),
        ("+6281111111103", "[a]".repeat(200), 0, 7),
        ("+6281111111104", arabic, 8, 5),
        ("+6281111111105", mixed, 8, 4),
        ("+6281111111106", "a".repeat(159), 0, 1),
        ("+6281111111107", "a".repeat(160), 0, 2),
    ];
    for join in ["udh8", "udh16", "sar"] {
        let first = smsc.seen().await.submitted.len();
        for (to, text, ..) in &texts {
            world
                .alert("sms", to, &format!("{text}{}", &join[..1]))
                .await;
        }
        for (to, text, data_coding, parts) in &texts {
            let text = format!("{text}{}", &join[..1]);
            let to = to.trim_start_matches('+');
            let cut = |sent: &[Submitted]| sent.get(first..).map(<[_]>::to_vec).unwrap_or_default();
            let whole = |sent: &[Submitted]| said(&cut(sent), to) == text;
            if text.contains("[a]") {
                // More than the channel's six parts: cut, and it says so.
                let dots = |sent: &[Submitted]| said(&cut(sent), to).ends_with("...");
                let sent = cut(&until_sent(&smsc, "a cut text", dots).await);
                assert_eq!(sent.iter().filter(|s| s.to == to).count(), 6);
                continue;
            }
            let sent = cut(&until_sent(&smsc, &text, whole).await);
            let sent: Vec<_> = sent.into_iter().filter(|s| s.to == to).collect();
            assert!(sent.iter().all(|s| s.data_coding == *data_coding), "{text}");
            joined(&sent, *parts, join);
        }
        let next = if join == "udh8" { "udh16" } else { "sar" };
        world.processes[bridge].terminate().await;
        set(&mut world, &smsc, &[("join", next.into())]).await;
        bridge = world.start("bridge").await;
    }
}

/// The parts of one text are marked as such.
fn joined(sent: &[Submitted], parts: usize, join: &str) {
    assert_eq!(sent.len(), parts, "{sent:?}");
    for (number, piece) in (1..).zip(sent) {
        if parts == 1 {
            assert_eq!(
                (&piece.udh[..], &piece.sar[..], piece.esm_class),
                (&[][..], &[][..], 0)
            );
        } else if join == "sar" {
            assert_eq!(piece.sar, [sent[0].sar[0], parts as u16, number]);
            assert_eq!((&piece.udh[..], piece.esm_class), (&[][..], 0));
        } else {
            let head = if join == "udh8" { "0003" } else { "0804" };
            let place = format!("{parts:02x}{number:02x}");
            let udh = &piece.udh[0];
            assert!(udh.starts_with(head) && udh.ends_with(&place), "{udh}");
            let reference = head.len()..udh.len() - place.len();
            assert_eq!(udh[reference.clone()], sent[0].udh[0][reference]);
            assert_eq!(piece.esm_class, 0x40);
        }
    }
}

#[tokio::test]
async fn texts_of_all_alphabets_and_lengths_come_in() {
    let smsc = Smsc::start();
    let mut world = Build::new(Place::OneBox).make().await;
    begun(&mut world, &smsc).await;
    // Three parts out of order, one of them twice.
    let parts = [
        ("050003a70303", "4"),
        ("050003a70301", "U MC,D"),
        ("050003a70301", "U MC,D"),
    ];
    for (udh, text) in parts.into_iter().chain([("050003a70302", "M SP ")]) {
        let part = json!({ "from": PELSA, "udh": udh, "text": text });
        assert_eq!(smsc.text_with(part).await, ok());
    }
    answered(&smsc, PELSA, "kasus 1]").await;
    for (number, text) in [(2, " SP 5"), (1, "U MC")] {
        let sar =
            json!({ "sar_msg_ref_num": 7, "sar_total_segments": 2, "sar_segment_seqnum": number });
        let part = json!({ "from": PELSA, "text": text, "parameters": sar });
        assert_eq!(smsc.text_with(part).await, ok());
    }
    answered(&smsc, PELSA, "kasus 2]").await;
    for (case, other) in [
        (3, json!({ "text": "", "payload": "U MC SP 6" })),
        (4, json!({ "hex": "0055 004d 0043", "data_coding": 8 })),
        (5, json!({ "hex": "552042", "data_coding": 4 })),
    ] {
        let mut text = other;
        text["from"] = PELSA.into();
        if case == 4 {
            let wide: Vec<String> = "U MC SP 7".bytes().map(|b| format!("00{b:02x}")).collect();
            text["hex"] = wide.concat().into();
        }
        if case == 5 {
            let octets: Vec<String> = "U MC SP 8".bytes().map(|b| format!("{b:02x}")).collect();
            text["hex"] = octets.concat().into();
        }
        assert_eq!(smsc.text_with(text).await, ok());
        answered(&smsc, PELSA, &format!("kasus {case}]")).await;
    }
    // What is stored is what was written.
    let written = "@é[€] 🐄 سلام";
    let wide: Vec<String> = written.encode_utf16().map(|u| format!("{u:04x}")).collect();
    let text = json!({ "from": PELSA, "hex": wide.concat(), "data_coding": 8 });
    assert_eq!(smsc.text_with(text).await, ok());
    let stored = format!("SELECT count(*) > 0 FROM message WHERE text = '{written}'");
    world.until_true(&stored).await;
    // Operators and short codes are not answered.
    for from in ["Telkomsel", "3636"] {
        assert_eq!(smsc.text(from, "Promo!").await, ok());
    }
    world.until_empty("text-input").await;
    assert_eq!(
        world
            .number("SELECT count(*) FROM message WHERE text = 'Promo!'")
            .await,
        0
    );
    world.nothing_dead().await;
}

#[tokio::test]
async fn a_gateway_that_throttles_refuses_or_falls_silent() {
    let smsc = Smsc::start();
    let mut world = Build::new(Place::OneBox).make().await;
    begun(&mut world, &smsc).await;
    let plan = |statuses: Value| json!({ "statuses": statuses });
    // Throttled by either status: sent at last, and no attempt was lost by it.
    smsc.plan(plan(json!([0x58, 0x14, 0x58]))).await;
    let id = world.alert("sms", "+6281111111101", "satu").await;
    until_state(&world, id, "sent").await;
    let attempts = format!("SELECT attempts::bigint FROM delivery WHERE id = '{id}'");
    assert_eq!(world.number(&attempts).await, 1);
    // Refused for good, and not sent again.
    smsc.plan(plan(json!([0x0b]))).await;
    let id = world.alert("sms", "+6281111111102", "dua").await;
    until_state(&world, id, "refused").await;
    // Later, whatever it says.
    smsc.plan(plan(json!([0x08, 0x0401]))).await;
    let id = world.alert("sms", "+6281111111103", "tiga").await;
    until_state(&world, id, "sent").await;
    // Never answered, or cut: the channel's file says to send it again, once.
    for (number, how) in [("+6281111111104", "silent"), ("+6281111111105", "cut")] {
        smsc.plan(plan(json!([how]))).await;
        let id = world.alert("sms", number, how).await;
        until_state(&world, id, "sent").await;
    }
    let seen = smsc.seen().await;
    let tries = |text: &str| seen.submitted.iter().filter(|s| s.text == text).count();
    assert_eq!(
        ["satu", "dua", "tiga", "silent", "cut"].map(tries),
        [4, 1, 3, 2, 2]
    );
    world.nothing_dead().await;
}

#[tokio::test]
async fn a_gateway_that_goes_comes_back() {
    let mut smsc = Smsc::start();
    let mut world = Build::new(Place::OneBox).make().await;
    let bridge = begun(&mut world, &smsc).await;
    // It takes leave in order, or cuts.
    smsc.unbind().await;
    until_bound(&smsc, 2).await;
    smsc.cut().await;
    until_bound(&smsc, 3).await;
    // It dies, and what goes out meanwhile waits.
    smsc.kill();
    let id = world.alert("sms", "+6281111111101", "satu").await;
    world.processes[bridge]
        .wait_for("cannot connect to 127.0.0.1")
        .await;
    smsc.start_again();
    until_state(&world, id, "sent").await;
    assert_eq!(smsc.text(PELSA, REPORT).await, ok());
    answered(&smsc, PELSA, "kasus 1]").await;
    // It is there and does not answer any more.
    smsc.signal("STOP");
    let silent = "it did not answer whether it is there within 2s";
    world.processes[bridge].wait_for(silent).await;
    smsc.signal("CONT");
    until_bound(&smsc, 2).await;
    assert_eq!(smsc.text(PELSA, "U MC SP 5").await, ok());
    answered(&smsc, PELSA, "kasus 2]").await;
    assert!(smsc.seen().await.enquired > 0);
    assert!(world.processes[bridge].is_running());
}

/// A message of SMPP in hexadecimals.
fn message(command: u32, body: &str) -> String {
    format!(
        "{:08x}{command:08x}{:08x}{:08x}{body}",
        16 + body.len() / 2,
        0,
        0x7777
    )
}

#[tokio::test]
async fn rubbish_from_a_gateway_is_refused_and_harms_nothing() {
    let smsc = Smsc::start();
    let mut world = Build::new(Place::OneBox).make().await;
    let bridge = begun(&mut world, &smsc).await;
    // A text that breaks off is refused for good: it would come again for ever.
    let refused = Some("0x00000065".to_owned());
    assert_eq!(smsc.raw(&message(5, "00ffff")).await, refused);
    assert_eq!(smsc.raw(&message(5, "")).await, refused);
    // Letters beyond ASCII in the sender, and a parameter longer than all there is.
    let odd = format!(
        "000500{}00{}",
        "c384626300", "0000330000000000000000000003552042041eff"
    );
    assert_eq!(smsc.raw(&message(5, &odd)).await, ok());
    // Commands that nobody knows are refused; answers that nobody asked for are not minded.
    assert_eq!(
        smsc.seen().await.binds.len(),
        1,
        "still the same connection"
    );
    let strange = [
        message(0x0103, "00"),
        message(0x1_0000, "abcdef"),
        message(0x8000_0004, "ff"),
        message(0x8000_0004, ""),
        message(0x8000_0015, "00"),
        message(5, "00ffff"),
    ];
    assert_eq!(smsc.raw(&strange.concat()).await, refused);
    until("two refusals", async || smsc.seen().await.nacks == 2).await;
    assert_eq!(
        smsc.seen().await.binds.len(),
        1,
        "still the same connection"
    );
    // What is not SMPP ends the connection, and only that.
    for rubbish in [
        "485454502f312e312034303020426164205265717565737420200d0a",
        "00000001",
        "ffffffff",
    ] {
        let binds = smsc.seen().await.binds.len();
        let rubbish = format!("{rubbish}{}", "00".repeat(16));
        assert_eq!(smsc.raw(&rubbish).await, None);
        until_bound(&smsc, binds + 1).await;
    }
    assert_eq!(smsc.text(PELSA, REPORT).await, ok());
    answered(&smsc, PELSA, "kasus 1]").await;
    let log = world.processes[bridge].said();
    assert!(log.contains("it sent what is not SMPP") && !log.contains("panicked"));
}

#[tokio::test]
async fn texts_that_come_while_the_database_is_away_are_kept_or_left_with_the_gateway() {
    let smsc = Smsc::start();
    let mut world = Build::new(Place::OneBox).own_cluster().make().await;
    world.change_settings("bridge.spool_most", 1);
    begun(&mut world, &smsc).await;
    world.postgres().kill();
    assert_eq!(smsc.text(PELSA, REPORT).await, ok(), "spooled");
    let full = smsc.text(PELSA, "U MC SP 5").await;
    assert_eq!(
        full.as_deref(),
        Some("0x00000064"),
        "the gateway must keep it"
    );
    world.postgres().start_again();
    answered(&smsc, PELSA, "kasus 1]").await;
    // The gateway tries again, as it must.
    assert_eq!(smsc.text(PELSA, "U MC SP 5").await, ok());
    answered(&smsc, PELSA, "kasus 2]").await;
    assert_eq!(world.number("SELECT count(*) FROM report").await, 2);
}

/// A key and a certificate for 127.0.0.1.
fn certificate() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(' '),
        )
        .args("-subj /CN=smsc -addext subjectAltName=IP:127.0.0.1 -keyout key -out cert".split(' '))
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(folder.path())
        .output()
        .expect("openssl");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    folder
}

#[tokio::test]
async fn a_transmitter_and_a_receiver_by_tls() {
    let folder = certificate();
    let path = |name: &str| folder.path().join(name);
    let smsc = Smsc::with_tls(&path("key"), &path("cert"));
    let mut world = Build::new(Place::OneBox).with_processor().await;
    let endpoint = (
        "endpoint",
        format!("smpps://127.0.0.1:{}", smsc.port).into(),
    );
    let pair = ("bind", "pair".into());
    // Nobody vouches for it: said once in a while, and nothing goes there.
    set(&mut world, &smsc, &[endpoint.clone(), pair.clone()]).await;
    let bridge = world.start("bridge").await;
    world.processes[bridge].wait_for("UnknownIssuer").await;
    assert_eq!(smsc.seen().await.binds.len() + smsc.seen().await.refused, 0);
    world.processes[bridge].terminate().await;
    // Somebody does, but the password is wrong: told, not shown, and tried with growing pauses.
    let ca = |path: &Path| ("ca", path.display().to_string().into());
    smsc.plan(json!({ "password": "other" })).await;
    set(&mut world, &smsc, &[endpoint, pair, ca(&path("cert"))]).await;
    let bridge = world.start("bridge").await;
    world.processes[bridge]
        .wait_for("0x0000000e (EsmeRinvpaswd)")
        .await;
    assert!(!world.processes[bridge].said().contains("hush"));
    assert!(smsc.seen().await.refused < 4);
    smsc.plan(json!({ "password": "hush" })).await;
    world.processes[bridge]
        .wait_for("Bound to the gateway")
        .await;
    assert_eq!(
        smsc.seen().await.binds,
        ["bind_transmitter", "bind_receiver"]
    );
    assert_eq!(smsc.text(PELSA, REPORT).await, ok());
    answered(&smsc, PELSA, "kasus 1]").await;
    // One of both goes: both are made anew.
    smsc.cut().await;
    until_bound(&smsc, 4).await;
    assert_eq!(smsc.text(PELSA, "U MC SP 5").await, ok());
    answered(&smsc, PELSA, "kasus 2]").await;
    world.processes[bridge].terminate().await;
    assert_eq!(smsc.seen().await.unbound, 2);
}

#[tokio::test]
async fn many_texts_at_once_hold_no_answers_up() {
    let smsc = Smsc::start();
    let mut world = Build::new(Place::OneBox).make().await;
    begun(&mut world, &smsc).await;
    let ids = async {
        let mut ids = Vec::new();
        for number in 0..30 {
            ids.push(
                world
                    .alert("sms", &format!("+62811111111{number:02}"), "satu")
                    .await,
            );
        }
        ids
    };
    let texts: Vec<String> = (0..150).map(|n| format!("KODE SP {n}")).collect();
    let come = join_all(texts.iter().map(|text| smsc.text(PELSA, text)));
    let (ids, statuses) = tokio::join!(ids, come);
    assert!(statuses.iter().all(|s| *s == ok()), "{statuses:?}");
    for id in ids {
        until_state(&world, id, "sent").await;
    }
    world
        .until_true("SELECT count(*) = 150 FROM message WHERE text LIKE 'KODE SP%'")
        .await;
    let unknown = "SELECT count(*) FROM delivery WHERE attempts > 1 OR state = 'unknown'";
    assert_eq!(world.number(unknown).await, 0);
    assert_eq!(
        smsc.seen().await.binds.len(),
        1,
        "one connection all the time"
    );
}
