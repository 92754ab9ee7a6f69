//! The bridge before modems: a real gammu-smsd with a dummy phone, and folders as SMS Server Tools
//! keep them.

use common::channel::shipped;
use kentongan_tests::both_homes;
use kentongan_tests::servers::gammu::{Gammu, Part, names};
use kentongan_tests::world::{Build, Place, World, until};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use toml::Value;
use uuid::Uuid;

both_homes! {
    a_text_through_gammu_is_answered_once,
}

/// As the network writes the number of the demo's village reporter.
const PELSA: &str = "+6281234567890";
const PARAVET: &str = "+6281234567892";

const REPORTS: &str = "SELECT count(*) FROM report WHERE code = 'U'";
const DONE: &str = "done";

/// Runs the shipped channel with these folders.
async fn set(world: &mut World, name: &str, settings: &[(&str, Value)]) {
    let mut file: toml::Table = shipped()[&format!("{name}.toml")].parse().unwrap();
    let table = file["settings"].as_table_mut().unwrap();
    for (key, value) in settings {
        table.insert((*key).to_owned(), value.clone());
    }
    let text = toml::to_string(&file).unwrap();
    world.with_channel(name, &text, &[]).await;
}

fn path(path: &Path) -> Value {
    path.display().to_string().into()
}

async fn set_gammu(world: &mut World, gammu: &Gammu, more: &[(&str, Value)]) {
    let mut settings = vec![
        ("outgoing", path(&gammu.path("outbox"))),
        ("incoming", path(&gammu.path("inbox"))),
        ("sent", path(&gammu.path("sent"))),
        ("failed", path(&gammu.path("error"))),
        ("done", path(&gammu.path(DONE))),
    ];
    settings.extend(more.iter().cloned());
    set(world, "sms_gammu", &settings).await;
}

/// A processor and a bridge that watches; the bridge's place among the processes.
async fn begun(world: &mut World) -> usize {
    world.start("processor").await;
    watching(world).await
}

async fn watching(world: &mut World) -> usize {
    let bridge = world.start("bridge").await;
    world.processes[bridge]
        .wait_for("takes what goes out")
        .await;
    bridge
}

/// Texts of the backup files that went out, by the order of their names.
fn said_by_gammu(folder: &Path) -> Vec<String> {
    let bodies = names(&folder.join("out")).into_iter();
    let bodies = bodies.map(|name| fs::read_to_string(folder.join("out").join(name)).unwrap());
    bodies.map(|body| decoded(&body)).collect()
}

/// All texts of a backup file in a row.
fn decoded(body: &str) -> String {
    let lines = body.lines().filter(|line| line.starts_with("Text"));
    let hex: String = lines
        .filter_map(|line| Some(line.split_once("= ")?.1))
        .collect();
    let units = hex
        .as_bytes()
        .chunks(4)
        .map(|digits| u16::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap());
    String::from_utf16(&units.collect::<Vec<_>>()).unwrap()
}

/// How many answers went out; somebody may have been alerted besides.
fn answers_by_gammu(gammu: &Gammu) -> usize {
    let said = said_by_gammu(&gammu.path(DONE));
    said.iter()
        .filter(|text| text.contains("Terima kasih"))
        .count()
}

async fn until_gammu_said(gammu: &Gammu, words: &str) -> String {
    let mut found = None;
    until(words, async || {
        let said = said_by_gammu(&gammu.path(DONE));
        found = said.into_iter().find(|text| text.contains(words));
        found.is_some()
    })
    .await;
    found.unwrap()
}

async fn until_heard(world: &World, id: Uuid, event: &str) {
    let sql = format!("SELECT event FROM delivery_heard WHERE id = '{id}'");
    until(event, async || {
        world.texts(&sql).await.contains(&event.to_owned())
    })
    .await;
}

async fn a_text_through_gammu_is_answered_once(place: Place) {
    let mut gammu = Gammu::start();
    let mut world = Build::new(place).make().await;
    set_gammu(&mut world, &gammu, &[]).await;
    let bridge = begun(&mut world).await;
    gammu.text(PELSA, "20261121T041005", "U MC,DM SP 4");
    let answer = until_gammu_said(&gammu, "Anda telah").await;
    assert!(
        answer.contains("[ID kasus 1] Anda telah melaporkan 4 kasus"),
        "{answer}"
    );
    world
        .until_true(
            "SELECT count(*) = 1 FROM delivery_heard WHERE address = '+6281234567890'
                AND channel = 'sms_gammu' AND state = 'sent' AND event = 'pending'",
        )
        .await;
    // The network brings it again, and rubbish and an advertiser with it: neither is answered, and
    // neither holds up who comes next.
    gammu.text(PELSA, "20261121T041005", "U MC,DM SP 4");
    fs::write(gammu.path("inbox/IN_notes.txt"), "half of a name").unwrap();
    fs::write(gammu.path("inbox/notes"), [0xff; 3]).unwrap();
    gammu.text("TELKOMSEL", "20261121T041006", "Beli paket data!");
    gammu.text(PARAVET, "20261121T041007", "U MC SP 7");
    until_gammu_said(&gammu, "melaporkan 7 kasus").await;
    until("an empty inbox", async || gammu.names("inbox").is_empty()).await;
    assert_eq!(world.number(REPORTS).await, 2);
    assert_eq!(answers_by_gammu(&gammu), 2);
    assert_eq!(names(&gammu.path("done/bad")), ["IN_notes.txt", "notes"]);
    // The same words a second later are another text.
    gammu.text(PARAVET, "20261121T041008", "U MC SP 7");
    until("three answers", async || answers_by_gammu(&gammu) == 3).await;
    // Nothing that people write, and no number, is in a log.
    let log = world.processes[bridge].said();
    for secret in [&PELSA[3..], &PARAVET[3..], "MC,DM", "Ogotua", "paket"] {
        assert!(!log.contains(secret), "{secret}");
    }
    world.processes[bridge].terminate().await;
    world.nothing_dead().await;
}

#[tokio::test]
async fn texts_of_all_alphabets_and_lengths_go_through_gammu() {
    let mut gammu = Gammu::start();
    let mut world = Build::new(Place::OneBox).make().await;
    set_gammu(&mut world, &gammu, &[]).await;
    begun(&mut world).await;
    // Out: letters that take two septets, letters of no septets, three parts of each.
    let long = "Sapi [betina] {€ 5} ~ ".repeat(16);
    let emoji = "Sapi 😀 عربى ".repeat(14);
    for text in ["Halo [ABC] {x} €", "Sapi 😀 عربى", &long, &emoji] {
        let id = world.alert("sms_gammu", PELSA, text).await;
        until_heard(&world, id, "pending").await;
        let words: String = text.chars().take(60).collect();
        assert_eq!(until_gammu_said(&gammu, &words).await, *text);
    }
    // What the modem was given: gammu tells the alphabet and the header of each part.
    let log = gammu.said();
    assert_eq!(log.matches("7 bit SMS, length").count(), 1 + 3, "{log}");
    assert_eq!(log.matches("Unicode SMS, length").count(), 1 + 3, "{log}");
    assert_eq!(log.matches("UDH, length 6").count(), 6, "{log}");
    // In: two parts, the second first, with letters outside the GSM alphabet.
    let parts = [
        Part {
            text: "SP 4 😀",
            header: "0500034D0202",
        },
        Part {
            text: "U MC ",
            header: "0500034D0201",
        },
    ];
    gammu.parts(PELSA, "20261121T041005", &parts);
    world
        .until_true("SELECT count(*) = 1 FROM message WHERE text LIKE 'U MC SP 4%'")
        .await;
    world.nothing_dead().await;
}

#[tokio::test]
async fn whoever_is_killed_comes_back_and_nothing_is_lost_or_doubled() {
    let mut gammu = Gammu::start();
    let mut world = Build::new(Place::OneBox).make().await;
    set_gammu(&mut world, &gammu, &[("stuck_s", 3.into())]).await;
    let bridge = begun(&mut world).await;
    gammu.text(PELSA, "20261121T041005", "U MC SP 4");
    until_gammu_said(&gammu, "[ID kasus 1] Anda telah").await;
    // The bridge dies after a text was queued and before its file was moved.
    world.processes[bridge].kill().await;
    let taken = names(&gammu.path("done/in")).remove(0);
    fs::rename(
        gammu.path("done/in").join(&taken),
        gammu.path("inbox").join(&taken),
    )
    .unwrap();
    gammu.text(PARAVET, "20261121T041006", "U MC SP 5");
    let bridge = watching(&mut world).await;
    until_gammu_said(&gammu, "[ID kasus 2] Anda telah").await;
    until("an empty inbox", async || gammu.names("inbox").is_empty()).await;
    assert_eq!(world.number(REPORTS).await, 2);
    // The modem's daemon dies: what is given to it waits, the channel counts as away, and what it
    // left is taken all the same.
    gammu.stop();
    let id = world.alert("sms_gammu", PELSA, "Rapat besok.").await;
    world.processes[bridge]
        .wait_for("daemon takes nothing")
        .await;
    let late = "IN20261121_041007_00_+6281234567892_00.txt";
    fs::write(gammu.path("inbox").join(late), "U MC SP 6").unwrap();
    until("a third report", async || world.number(REPORTS).await == 3).await;
    world
        .until_true("SELECT health = 'away' FROM channel_state WHERE channel = 'sms_gammu'")
        .await;
    gammu.start_again();
    until_heard(&world, id, "pending").await;
    until_gammu_said(&gammu, "[ID kasus 3] Anda telah").await;
    let said = said_by_gammu(&gammu.path(DONE));
    assert_eq!(said.iter().filter(|text| text.contains("Rapat")).count(), 1);
    assert_eq!(answers_by_gammu(&gammu), 3);
    world.nothing_dead().await;
}

#[tokio::test]
async fn texts_that_come_while_the_database_is_away_wait_on_the_disk() {
    let mut gammu = Gammu::start();
    let mut world = Build::new(Place::OneBox).own_cluster().make().await;
    world.change_settings("bridge.spool_most", 1);
    set_gammu(&mut world, &gammu, &[]).await;
    begun(&mut world).await;
    world.postgres().kill();
    gammu.text(PELSA, "20261121T041005", "U MC SP 4");
    until("a spooled text", async || {
        names(&gammu.path("done/in")).len() == 1
    })
    .await;
    // The spool is full: the next stays where it came.
    gammu.text(PELSA, "20261121T041006", "U MC SP 5");
    until("a text that waits", async || {
        !gammu.names("inbox").is_empty()
    })
    .await;
    world.postgres().start_again();
    until_gammu_said(&gammu, "[ID kasus 1] Anda telah").await;
    until_gammu_said(&gammu, "[ID kasus 2] Anda telah").await;
    assert_eq!(world.number(REPORTS).await, 2);
    assert!(gammu.names("inbox").is_empty());
}

/// Folders of SMS Server Tools; the test does what its daemon would do.
struct Smstools(TempDir);

impl Smstools {
    const FOLDERS: [&'static str; 6] = [
        "outgoing", "checked", "incoming", "sent", "failed", "report",
    ];

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in Self::FOLDERS {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    async fn set(&self, world: &mut World) {
        let mut settings = vec![
            ("queues", Value::Array(vec![path(&self.path("checked"))])),
            ("done", path(&self.path(DONE))),
        ];
        for name in Self::FOLDERS {
            if name != "checked" {
                settings.push((name, path(&self.path(name))));
            }
        }
        set(world, "sms_modem", &settings).await;
    }

    /// A file as the daemon writes one.
    fn brings(&self, name: &str, from: &str, more: &str, body: &str) {
        let text = format!(
            "From: {from}\nFrom_TOA: 91 international, ISDN/telephone\nFrom_SMSC: 62811000000\n\
             Sent: 26-11-21 11:10:05\nReceived: 26-11-21 11:10:09\nSubject: GSM1\nModem: GSM1\n\
             {more}Alphabet: ISO\nLength: {}\nUDH: no\n\n{body}",
            body.len()
        );
        fs::write(self.path(name), text).unwrap();
    }

    /// Waits for what goes out with these words, and does with it what the daemon does: into its
    /// queue, then to `sent` or `failed` with these lines in its head.
    async fn ends(&self, words: &str, folder: &str, lines: &str) -> String {
        let mut found = None;
        until(words, async || {
            let bodies = names(&self.path("outgoing")).into_iter().map(|name| {
                let body = fs::read(self.path("outgoing").join(&name)).unwrap_or_default();
                (name, String::from_utf8_lossy(&body).into_owned())
            });
            found = bodies
                .filter(|(n, _)| !n.starts_with('.'))
                .find(|(_, b)| b.starts_with("To: 6281234567890\n") && b.contains(words));
            found.is_some()
        })
        .await;
        let (name, body) = found.unwrap();
        let queued = self.path("checked").join(&name);
        fs::rename(self.path("outgoing").join(&name), &queued).unwrap();
        fs::write(&queued, body.replacen("\n\n", &format!("\n{lines}\n\n"), 1)).unwrap();
        fs::rename(queued, self.path(folder).join(name)).unwrap();
        body
    }
}

#[tokio::test]
async fn a_text_through_sms_server_tools_is_answered_and_its_receipt_heard() {
    let modem = Smstools::new();
    let mut world = Build::new(Place::OneBox).make().await;
    modem.set(&mut world).await;
    begun(&mut world).await;
    modem.brings("incoming/GSM1.AbCdEf", &PELSA[1..], "", "U MC,DM SP 4");
    let body = modem
        .ends("kasus 1]", "sent", "Modem: GSM1\nMessage_id: 117")
        .await;
    let head = "To: 6281234567890\nAlphabet: ISO\nReport: yes\nAutosplit: ";
    assert!(body.starts_with(head), "{body}");
    // Each part is a file, with a receipt of its own.
    let header = body
        .split_once("UDH-DATA: 05 00 03 ")
        .map(|(_, rest)| &rest[3..5]);
    let parts = header.map_or(1, |of| of.parse::<u32>().unwrap());
    for part in 2..=parts {
        let header = format!("{parts:02X} {part:02X}\n\n");
        let line = format!("Message_id: {}", 116 + part);
        modem.ends(&header, "sent", &line).await;
    }
    for part in 1..=parts {
        let receipt = format!(
            "SMS STATUS REPORT\nMessage_id: {}\nDischarge_timestamp: 26-11-21 11:10:12\n\
             Status: 0,Ok,short message received by the SME\n",
            116 + part
        );
        modem.brings(&format!("report/GSM1.{part}"), &PELSA[1..], "", &receipt);
    }
    world
        .until_true(&format!(
            "SELECT count(*) FILTER (WHERE event = 'delivered') = {parts}
                         AND count(*) FILTER (WHERE event = 'pending') = {parts}
                        FROM delivery_heard WHERE address = '{PELSA}'"
        ))
        .await;
    let trace = world
        .texts(&format!(
            "SELECT trace::text FROM delivery WHERE address = '{PELSA}'"
        ))
        .await;
    let told = world.ctl(&["trace", &trace[0]], b"").await;
    assert!(told.out.contains("delivered"), "{}{}", told.out, told.err);
    // What the daemon gives up is known as failed, with its reason.
    let id = world.alert("sms_modem", PELSA, "Rapat besok.").await;
    modem
        .ends(
            "Rapat",
            "failed",
            "Fail_reason: The modem said +CMS ERROR: 500",
        )
        .await;
    until_heard(&world, id, "failed").await;
    assert!(names(&modem.path("sent")).is_empty() && names(&modem.path("report")).is_empty());
    world.nothing_dead().await;
}

#[tokio::test]
async fn nothing_of_sms_server_tools_is_read_half_and_rubbish_is_put_aside() {
    let modem = Smstools::new();
    let mut world = Build::new(Place::OneBox).make().await;
    modem.set(&mut world).await;
    begun(&mut world).await;
    // Locked, and written in pieces, slower than we look.
    let file = modem.path("incoming/GSM1.AbCdEf");
    let lock = modem.path("incoming/GSM1.AbCdEf.LOCK");
    fs::write(&lock, "4711\n").unwrap();
    modem.brings("incoming/GSM1.AbCdEf", &PELSA[1..], "", "U MC");
    for (name, body) in [
        ("incoming/GSM1.000001", "no head at all"),
        (
            "incoming/GSM1.000002",
            "From: 6281234567890\nAlphabet: binary\n\n\u{1}\u{2}",
        ),
        ("report/GSM1.000003", "From: 6281234567890\n\nno receipt"),
        ("incoming/GSM1-concatenated", "05 00 03 02 03 02 PDU"),
    ] {
        fs::write(modem.path(name), body).unwrap();
    }
    // Parts that the daemon was told not to join.
    for (part, text) in [(2, "SP 5"), (1, "U MC ")] {
        let header = format!("UDH-DATA: 05 00 03 4D 02 {part:02X}\n");
        modem.brings(
            &format!("incoming/GSM1.p{part}"),
            &PARAVET[1..],
            &header,
            text,
        );
    }
    world
        .until_true("SELECT count(*) = 1 FROM message WHERE text = 'U MC SP 5'")
        .await;
    until("rubbish put aside", async || {
        names(&modem.path("done/bad")) == ["GSM1.000001", "GSM1.000002", "GSM1.000003"]
    })
    .await;
    assert!(file.exists(), "locked");
    assert_eq!(world.number("SELECT count(*) FROM message").await, 1);
    fs::remove_file(lock).unwrap();
    modem.brings("incoming/GSM1.AbCdEf", &PELSA[1..], "", "U MC SP 4");
    world.until_true("SELECT count(*) = 2 FROM message").await;
    world
        .until_true("SELECT count(*) = 1 FROM message WHERE text = 'U MC SP 4'")
        .await;
    assert_eq!(names(&modem.path("incoming")), ["GSM1-concatenated"]);
    world.nothing_dead().await;
}
