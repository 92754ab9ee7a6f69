//! The bridge at a true XMPP server: Prosody, with people who write from their accounts.

use common::channel::shipped;
use kentongan_tests::both_homes;
use kentongan_tests::servers::prosody::{PASSWORD, Person, Prosody, Raw};
use kentongan_tests::world::{Build, Place, World, people, until};
use std::collections::BTreeSet;
use tokio_xmpp::parsers::presence::Type;
use uuid::Uuid;

both_homes! {
    a_text_is_answered_once_and_its_receipt_is_heard,
}

/// Somebody whom the installation knows.
const ANI: &str = "ani@localhost";

/// The shipped channel at this server, with other settings.
fn channel(prosody: &Prosody, more: &[(&str, &str, toml::Value)]) -> String {
    let mut file: toml::Table = shipped()["xmpp.toml"].parse().unwrap();
    let server = format!("127.0.0.1:{}", prosody.port);
    let own = [
        ("settings", "account", "kentongan@localhost".into()),
        ("settings", "server", server.into()),
        ("settings", "tls", "none".into()),
    ];
    for (table, key, value) in own.iter().chain(more) {
        let table = file[*table].as_table_mut().unwrap();
        table.insert((*key).to_owned(), value.clone());
    }
    toml::to_string(&file).unwrap()
}

/// Has the bridge use the server.
async fn set(world: &mut World, prosody: &Prosody, more: &[(&str, &str, toml::Value)]) {
    let secret = ("xmpp-password", &*format!("{PASSWORD}\n"));
    let file = channel(prosody, more);
    world.with_channel("xmpp", &file, &[secret]).await;
}

/// The village reporter has an account, too.
async fn know_ani(world: &World) {
    let number = people::PELSA.replacen('0', "+62", 1);
    world
        .run(&format!(
            "INSERT INTO contact (person, kind, address)
             SELECT person, 'xmpp', '{ANI}' FROM contact WHERE address = '{number}'"
        ))
        .await;
}

/// A processor and a connected bridge; the bridge's place among the processes.
async fn begun(world: &mut World, prosody: &Prosody, more: &[(&str, &str, toml::Value)]) -> usize {
    set(world, prosody, more).await;
    know_ani(world).await;
    world.start("processor").await;
    let bridge = world.start("bridge").await;
    world.processes[bridge].wait_for("Connected").await;
    bridge
}

/// Waits until the bridge has said this so often.
async fn until_said(world: &World, bridge: usize, words: &str, times: usize) {
    until(words, async || {
        world.processes[bridge].said().matches(words).count() >= times
    })
    .await;
}

async fn until_noted(person: &Person, words: &str) {
    until(words, async || person.said().contains(words)).await;
}

async fn until_state(world: &World, id: Uuid, state: &str) {
    let sql = format!("SELECT count(*) = 1 FROM delivery WHERE id = '{id}' AND state = '{state}'");
    world.until_true(&sql).await;
}

async fn a_text_is_answered_once_and_its_receipt_is_heard(place: Place) {
    let prosody = Prosody::start(&["ani"]);
    let mut world = Build::new(place).make().await;
    let bridge = begun(&mut world, &prosody, &[]).await;
    let ani = Person::online(&prosody, "ani").await;
    ani.say("U MC,DM SP 4", "m1").await;
    until_noted(&ani, "[ID kasus 1]").await;
    let answer = ani.notes()[0].clone();
    assert!(answer.text.contains("4 kasus"), "{answer:?}");
    assert_eq!(answer.from, "kentongan@localhost");
    until("a receipt", async || ani.receipts() == ["m1"]).await;
    world
        .until_true("SELECT count(*) = 1 FROM delivery_heard WHERE channel = 'xmpp' AND event = 'delivered'")
        .await;
    let trace = world
        .texts("SELECT trace::text FROM delivery WHERE channel = 'xmpp'")
        .await;
    let told = world.ctl(&["trace", &trace[0]], b"").await;
    assert!(told.out.contains("delivered"), "{}{}", told.out, told.err);
    // Her program sends it again, and is thanked again: one message.
    ani.say("U MC,DM SP 4", "m1").await;
    until("a receipt", async || ani.receipts().len() == 2).await;
    ani.say("U MC SP 7", "m2").await;
    until_noted(&ani, "7 kasus").await;
    assert_eq!(ani.notes().len(), 2);
    let reports = "SELECT count(*) FROM report WHERE code = 'U'";
    assert_eq!(world.number(reports).await, 2);
    // Nothing that people write, and no secret, is in a log.
    let log = world.processes[bridge].said();
    for secret in [PASSWORD, "ani@", "kentongan@", "MC,DM", "kasus"] {
        assert!(!log.contains(secret), "{secret}");
    }
    world.processes[bridge].terminate().await;
    world.nothing_dead().await;
}

#[tokio::test]
async fn texts_of_all_alphabets_come_and_go() {
    let prosody = Prosody::start(&["ani"]);
    let mut world = Build::new(Place::OneBox).make().await;
    begun(&mut world, &prosody, &[]).await;
    let ani = Person::online(&prosody, "ani").await;
    let long = "sapi sakit di desa ".repeat(40);
    for text in [
        "<b>&amp;</b> 'x' \"y\"\nbaris",
        "🐄 سلام 你好",
        "\u{1}kendali\u{b}",
        long.trim(),
    ] {
        world.alert("xmpp", ANI, text).await;
        let printable: String = text
            .chars()
            .filter(|c| *c == '\n' || !c.is_control())
            .collect();
        until_noted(&ani, &printable).await;
    }
    let written = "🐄 سلام <b>&\nbaris";
    ani.say(written, "m1").await;
    let stored = format!("SELECT count(*) = 1 FROM message WHERE text = '{written}'");
    world.until_true(&stored).await;
    let address =
        "SELECT count(*) = 1 FROM message WHERE channel = 'xmpp' AND address = 'ani@localhost'";
    world.until_true(address).await;
}

#[tokio::test]
async fn a_server_that_goes_and_comes_back_loses_nothing() {
    let mut prosody = Prosody::start(&["ani"]);
    let mut world = Build::new(Place::OneBox).make().await;
    let bridge = begun(&mut world, &prosody, &[]).await;
    for (round, end) in [Prosody::stop, Prosody::kill].into_iter().enumerate() {
        end(&mut prosody);
        let text = format!("Awas, ronde {round}");
        let alert = world.alert("xmpp", ANI, &text).await;
        until_said(&world, bridge, "Not connected", round + 1).await;
        prosody.start_again();
        until_said(&world, bridge, "Connected", round + 2).await;
        until_state(&world, alert, "sent").await;
        let ani = Person::online(&prosody, "ani").await;
        until_noted(&ani, &text).await;
        ani.say(&format!("U MC SP {}", round + 3), &format!("r{round}"))
            .await;
        until_noted(&ani, &format!("{} kasus", round + 3)).await;
        assert_eq!(ani.said().matches(&text).count(), 1);
    }
    world.nothing_dead().await;
}

#[tokio::test]
async fn a_killed_bridge_loses_nothing_and_doubles_nothing() {
    const TEXTS: usize = 60;
    let prosody = Prosody::start(&["ani"]);
    let mut world = Build::new(Place::OneBox).make().await;
    let mut bridge = begun(&mut world, &prosody, &[]).await;
    let ani = Person::online(&prosody, "ani").await;
    for number in 1..=TEXTS {
        ani.say(&format!("U MC SP {number}"), &format!("m{number}"))
            .await;
        if number % 20 == 0 {
            let some = format!("SELECT count(*) > {} FROM message", number - 19);
            world.until_true(&some).await;
            world.processes[bridge].kill().await;
            bridge = world.start("bridge").await;
        }
    }
    until("all answers", async || {
        let said = ani.said();
        (1..=TEXTS).all(|n| said.contains(&format!(" {n} kasus")))
    })
    .await;
    assert_eq!(
        world.number("SELECT count(*) FROM message").await,
        TEXTS as i64
    );
    // One that was handed over and not written down goes again under its id.
    let ids: BTreeSet<String> = ani.notes().into_iter().map(|n| n.id).collect();
    assert_eq!(ids.len(), TEXTS);
    world.nothing_dead().await;
}

#[tokio::test]
async fn what_comes_while_the_database_is_away_is_spooled() {
    let prosody = Prosody::start(&["ani"]);
    let mut world = Build::new(Place::OneBox).own_cluster().make().await;
    let bridge = begun(&mut world, &prosody, &[]).await;
    let ani = Person::online(&prosody, "ani").await;
    world.postgres().stop();
    for number in 1..=3 {
        ani.say(&format!("U MC SP {number}"), &format!("m{number}"))
            .await;
    }
    // They are safe, and she is told so.
    until("receipts", async || ani.receipts().len() == 3).await;
    world.processes[bridge]
        .wait_for("Spools what comes in")
        .await;
    world.postgres().start_again();
    for number in 1..=3 {
        until_noted(&ani, &format!(" {number} kasus")).await;
    }
    assert_eq!(world.number("SELECT count(*) FROM message").await, 3);
}

#[tokio::test]
async fn a_full_spool_leaves_texts_with_the_server() {
    let prosody = Prosody::start(&["ani"]);
    let build = Build::new(Place::OneBox).own_cluster();
    let mut world = build.with("bridge.spool_most", 1).make().await;
    let bridge = begun(&mut world, &prosody, &[]).await;
    let ani = Person::online(&prosody, "ani").await;
    world.postgres().stop();
    for number in 1..=4 {
        ani.say(&format!("U MC SP {number}"), &format!("m{number}"))
            .await;
    }
    until_said(&world, bridge, "spool is full", 2).await;
    world.postgres().start_again();
    for number in 1..=4 {
        until_noted(&ani, &format!(" {number} kasus")).await;
    }
    assert_eq!(world.number("SELECT count(*) FROM message").await, 4);
}

#[tokio::test]
async fn a_server_that_takes_and_never_answers_is_left_and_resumed() {
    let prosody = Prosody::start(&["ani"]);
    let mut world = Build::new(Place::OneBox).make().await;
    let bridge = begun(&mut world, &prosody, &[]).await;
    let ani = Person::online(&prosody, "ani").await;
    prosody.signal("STOP");
    let alert = world.alert("xmpp", ANI, "Awas di desa").await;
    until_said(&world, bridge, "has acknowledged nothing for", 1).await;
    assert!(ani.notes().is_empty());
    prosody.signal("CONT");
    until_state(&world, alert, "sent").await;
    until_noted(&ani, "Awas di desa").await;
    ani.say("U MC SP 4", "m1").await;
    until_noted(&ani, "4 kasus").await;
    assert_eq!(ani.said().matches("Awas").count(), 1);
}

#[tokio::test]
async fn of_what_nobody_knows_the_channels_file_says() {
    let prosody = Prosody::start(&["ani"]);
    let mut world = Build::new(Place::OneBox).make().await;
    let unknown: toml::Table = "answer = \"leave\"\nalert = \"leave\"".parse().unwrap();
    let more = [
        ("worth", "limit_s", 2.into()),
        ("worth", "unknown", unknown.into()),
    ];
    begun(&mut world, &prosody, &more).await;
    let ani = Person::online(&prosody, "ani").await;
    prosody.signal("STOP");
    let alert = world.alert("xmpp", ANI, "Awas di desa").await;
    until_state(&world, alert, "unknown").await;
    prosody.signal("CONT");
    // It lay in the server's hands.
    until_noted(&ani, "Awas di desa").await;
    world.until_empty("text-output-xmpp").await;
    assert_eq!(ani.said().matches("Awas").count(), 1);
}

#[tokio::test]
async fn what_the_network_gives_back_is_heard() {
    let prosody = Prosody::start(&["ani"]);
    let mut world = Build::new(Place::OneBox).make().await;
    begun(&mut world, &prosody, &[]).await;
    for (to, reason) in [
        ("nobody@localhost", "service-unavailable"),
        ("ani@elsewhere.example", "not-allowed"),
    ] {
        let id = world.alert("xmpp", to, "Awas").await;
        let failed = format!(
            "SELECT reason FROM text_receipt WHERE provider_id = '{id}' AND state = 'failed'"
        );
        until("a receipt", async || !world.texts(&failed).await.is_empty()).await;
        assert_eq!(world.texts(&failed).await, [reason]);
    }
    let id = world.alert("xmpp", "no address", "Awas").await;
    until_state(&world, id, "refused").await;
}

#[tokio::test]
async fn rubbish_is_passed_over() {
    let prosody = Prosody::start(&["ani", "budi"]);
    let mut world = Build::new(Place::OneBox).make().await;
    let bridge = begun(&mut world, &prosody, &[]).await;
    let mut budi = Raw::online(&prosody, "budi").await;
    let to = "to='kentongan@localhost'";
    let deep = format!("{}{}", "<x>".repeat(9_000), "</x>".repeat(9_000));
    let long = "y".repeat(100_000);
    for rubbish in [
        format!("<message {to} type='groupchat'><body>x</body></message>"),
        format!("<message {to} type='chat'><body/></message>"),
        format!("<message {to}><body>a</body><body>b</body></message>"),
        format!("<message {to} id='{long}'/>"),
        format!("<message {to}><{long}/></message>"),
        format!("<message {to} type='chat'>{deep}</message>"),
        format!("<message {to} type='error' id='1'/>"),
        format!("<message {to} type='chat'><received xmlns='urn:xmpp:receipts'/></message>"),
        format!("<message {to} type='chat'><received xmlns='urn:xmpp:receipts' id='1'/></message>"),
        format!("<presence {to} type='unsubscribe'/>"),
    ] {
        budi.write(&rubbish).await;
    }
    // A question to the account is answered by whoever is there, the rubbish notwithstanding.
    budi.write("<iq to='kentongan@localhost/kentongan' type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>").await;
    budi.until("id='q'").await;
    let ani = Person::online(&prosody, "ani").await;
    ani.say("U MC SP 4", "m1").await;
    until_noted(&ani, "4 kasus").await;
    assert!(world.processes[bridge].is_running());
    // Two of them end the library's reading; each does it twice.
    let log = world.processes[bridge].said();
    assert_eq!(log.matches("passed_over=true").count(), 2, "{log}");
    world.nothing_dead().await;
}

#[tokio::test]
async fn who_asks_is_let_in_and_what_waited_has_its_time() {
    let prosody = Prosody::start(&["ani"]);
    let mut world = Build::new(Place::OneBox).make().await;
    set(&mut world, &prosody, &[]).await;
    know_ani(&world).await;
    world.start("processor").await;
    let ani = Person::online(&prosody, "ani").await;
    let before = world
        .texts("SELECT (now() - interval '1 second')::text")
        .await;
    ani.say("U MC SP 4", "m1").await;
    // It lies at the server, which dates it to the second.
    until("the server's answer", async || prosody.keeps("kentongan")).await;
    let between = world.texts("SELECT now()::text").await;
    world
        .until_true(&format!(
            "SELECT now() > '{}'::timestamptz + interval '2 seconds'",
            between[0]
        ))
        .await;
    world.start("bridge").await;
    until_noted(&ani, "4 kasus").await;
    let dated = format!(
        "SELECT count(*) FROM message WHERE sent_at BETWEEN '{}' AND '{}'",
        before[0], between[0]
    );
    assert_eq!(world.number(&dated).await, 1);
    ani.subscribe().await;
    until("to be asked back", async || {
        let presences = ani.presences();
        presences.contains(&Type::Subscribed) && presences.contains(&Type::Subscribe)
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_and_a_strange_certificate_are_said_clearly() {
    let prosody = Prosody::encrypted(&["ani"]);
    let mut world = Build::new(Place::OneBox).make().await;
    let ca: toml::Value = prosody.ca().display().to_string().into();
    let trusted = [
        ("settings", "tls", "starttls".into()),
        ("settings", "ca", ca),
    ];
    for (more, secret, words) in [
        (&trusted[..1], PASSWORD, "XMPP: TLS: "),
        (&trusted[..], "wrong", "refuses the account or its password"),
        (&trusted[..], PASSWORD, "Connected"),
    ] {
        let file = channel(&prosody, more);
        world
            .with_channel("xmpp", &file, &[("xmpp-password", secret)])
            .await;
        let bridge = world.start("bridge").await;
        world.processes[bridge].wait_for(words).await;
        let log = world.processes[bridge].said();
        assert!(
            !log.contains(PASSWORD) && !log.contains("kentongan@"),
            "{log}"
        );
        world.processes[bridge].terminate().await;
    }
}

#[tokio::test]
async fn another_bridge_takes_the_account_over() {
    let prosody = Prosody::start(&["ani"]);
    let mut world = Build::new(Place::OneBox).make().await;
    let first = begun(&mut world, &prosody, &[]).await;
    let second = world.start("bridge").await;
    let ani = Person::online(&prosody, "ani").await;
    world.processes[first].kill().await;
    ani.say("U MC SP 4", "m1").await;
    world.processes[second].wait_for("Connected").await;
    until_noted(&ani, "4 kasus").await;
    assert_eq!(ani.notes().len(), 1);
    // One that stops leaves it at once.
    let third = world.start("bridge").await;
    world.processes[second].terminate().await;
    world.processes[third].wait_for("Connected").await;
    ani.say("U MC SP 5", "m2").await;
    until_noted(&ani, "5 kasus").await;
}

/// slixmpp, which knows nothing of the library that we use, by the demo's own program.
#[tokio::test]
async fn a_program_by_others_is_understood() {
    let prosody = Prosody::start(&["ani"]);
    let mut world = Build::new(Place::OneBox).make().await;
    begun(&mut world, &prosody, &[]).await;
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/demo/person.py");
    let port = prosody.port.to_string();
    let asked = tokio::process::Command::new("python3")
        .args([
            program,
            &port,
            ANI,
            PASSWORD,
            "kentongan@localhost",
            "U MC,DM SP 4",
        ])
        .output();
    let told = asked.await.expect("python3 starts");
    let (out, err) = (
        String::from_utf8_lossy(&told.stdout),
        String::from_utf8_lossy(&told.stderr),
    );
    assert!(out.contains("[ID kasus 1]"), "{out}{err}");
    world
        .until_true("SELECT count(*) = 1 FROM delivery_heard WHERE channel = 'xmpp' AND event = 'delivered'")
        .await;
}
