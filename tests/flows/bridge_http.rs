//! Texts by networks that speak HTTP: a provider of SMS by description, Telegram, WhatsApp. Stand-ins
//! of the providers, strict as their documentation; the true bridge and processor.

use common::envelope::Envelope;
use common::messages::{Message, Purpose, TextOutput};
use jiff::{SignedDuration, Timestamp};
use kentongan_tests::both_homes;
use kentongan_tests::servers::free_port;
use kentongan_tests::servers::provider::{self, Manner, Provider};
use kentongan_tests::servers::telegram::{self, Telegram};
use kentongan_tests::servers::web::client;
use kentongan_tests::servers::whatsapp::{self, Whatsapp};
use kentongan_tests::world::{Build, Place, World, people, until};
use serde_json::json;
use std::time::Instant;
use uuid::Uuid;

both_homes! {
    a_text_by_a_described_provider_is_answered_once_and_its_receipt_is_traced,
    a_chat_is_fetched_answered_and_survives_outages_of_either_side,
}

/// The first reporter's number, as networks write it.
const PELSA: &str = "+6281234567890";

/// The second's.
const PELSA_TWO: &str = "+6281234567891";

/// A chat that looks like a telephone number.
const CHAT: i64 = 6_281_234_567;

/// What a report is answered with.
const THANKS: &str = "Terima kasih. [ID kasus 1] Anda telah melaporkan 4 kasus mencret";

const TWILIO: &str = include_str!("../../daemons/bridge/channels/twilio.toml");
const TELEGRAM: &str = include_str!("../../daemons/bridge/channels/telegram.toml");
const WHATSAPP: &str = include_str!("../../daemons/bridge/channels/whatsapp.toml");

/// A world, a processor, and a bridge that listens; the address of this channel there.
async fn with_bridge(
    build: Build,
    name: &str,
    file: &str,
    secrets: &[(&str, &str)],
) -> (World, String) {
    let mut world = build.with_processor().await;
    world.with_channel(name, file, secrets).await;
    let port = free_port();
    world.change_settings("bridge.listen", format!("127.0.0.1:{port}"));
    world.start("bridge").await;
    let hook = format!("http://127.0.0.1:{port}/{name}");
    until("a listener", async || {
        let asked = client()
            .get(format!("http://127.0.0.1:{port}/health"))
            .send()
            .await;
        asked.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    (world, hook)
}

async fn with_provider(build: Build, provider: &Provider) -> (World, String) {
    let file = TWILIO.replace("https://api.twilio.com", &provider.served.url());
    let secrets = [
        ("twilio-account", provider::ACCOUNT),
        ("twilio-token", provider::TOKEN),
    ];
    Box::pin(with_bridge(build, "twilio", &file, &secrets)).await
}

/// A text as Twilio brings it.
fn sms<'a>(from: &'a str, text: &'a str, sid: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("ToCountry", "ID"),
        ("SmsStatus", "received"),
        ("NumMedia", "0"),
        ("MessageSid", sid),
        ("From", from),
        ("To", "+15005550006"),
        ("Body", text),
    ]
}

/// Puts a text for this receiver on the channel's queue, as the processor does.
async fn say(world: &World, channel: &str, to: &str, text: &str) {
    let now = Timestamp::now();
    let text = TextOutput {
        channel: channel.into(),
        to: to.into(),
        text: text.into(),
        purpose: Purpose::Alert,
        in_reply_to: None,
        parts: 1,
        expires_at: now + SignedDuration::from_hours(1),
        tried: Vec::new(),
    };
    let envelope = Envelope::first(Uuid::now_v7(), &text, now);
    world.put(&text.queue(), &[envelope]).await;
}

/// State and attempts of the deliveries of a channel, oldest first.
async fn deliveries(world: &World, channel: &str) -> Vec<String> {
    let sql = format!(
        "SELECT state || ' ' || attempts FROM delivery WHERE channel = '{channel}' ORDER BY claimed_at, id"
    );
    world.texts(&sql).await
}

async fn until_deliveries(world: &World, channel: &str, want: &[&str]) {
    let mut got = Vec::new();
    until(&format!("deliveries {want:?}"), async || {
        got = deliveries(world, channel).await;
        got == want
    })
    .await;
}

async fn a_text_by_a_described_provider_is_answered_once_and_its_receipt_is_traced(place: Place) {
    let provider = Provider::start();
    let (world, hook) = with_provider(Build::new(place), &provider).await;
    let text = sms(PELSA, "U MC,DM SP 4", "SM87105da94bff44b999e4e6eb90d8eb6a");
    for _ in 0..2 {
        let answer = provider::bring(&hook, &text).await;
        assert_eq!(answer, (200, "<Response/>".into()));
    }
    until("an answer", async || !provider.taken().is_empty()).await;
    world.until_empty("text-input").await;
    world.until_empty("text-output-twilio").await;
    let taken = provider.taken();
    assert_eq!(taken.len(), 1, "one answer to what was brought twice");
    assert_eq!(taken[0].to, PELSA);
    assert!(taken[0].body.contains(THANKS), "{}", taken[0].body);
    let receipt = [
        ("MessageSid", taken[0].sid.as_str()),
        ("MessageStatus", "delivered"),
        ("SmsStatus", "delivered"),
        ("To", PELSA),
    ];
    assert_eq!(provider::bring(&hook, &receipt).await.0, 200);
    let trace = world.texts("SELECT trace::text FROM message").await;
    let told = world.ctl(&["trace", &trace[0]], b"").await;
    assert!(told.out.contains("delivered"), "{}{}", told.out, told.err);
    world.nothing_dead().await;
}

#[tokio::test]
async fn a_provider_that_throttles_refuses_or_locks_out_is_understood() {
    let provider = Provider::start();
    let (mut world, _) = with_provider(Build::new(Place::OneBox), &provider).await;
    provider.will(&[Manner::Throttles(2)]);
    let begun = Instant::now();
    say(&world, "twilio", PELSA, "satu").await;
    until_deliveries(&world, "twilio", &["sent 1"]).await;
    assert!(
        begun.elapsed().as_secs() >= 2,
        "its pause is kept, and costs no attempt"
    );
    assert_eq!(provider.asked(), 2);

    provider.stops(PELSA_TWO);
    say(&world, "twilio", PELSA_TWO, "dua").await;
    until_deliveries(&world, "twilio", &["sent 1", "refused 1"]).await;
    let why = world
        .texts("SELECT reason FROM delivery WHERE state = 'refused'")
        .await;
    assert_eq!(why, ["the network said 21610"]);

    provider.will(&[Manner::LocksOut, Manner::LocksOut]);
    say(&world, "twilio", PELSA, "tiga").await;
    until("three texts", async || provider.taken().len() == 2).await;
    assert_eq!(provider.taken()[1].body, "tiga");
    world.processes[1].wait_for("the network said 20003").await;
    assert!(
        !world.processes[1].said().contains(provider::TOKEN),
        "secrets are in no log"
    );
    world.nothing_dead().await;
}

#[tokio::test]
async fn q30_what_a_silent_provider_made_of_a_text_follows_the_files_policy() {
    let provider = Provider::start();
    let mut world = Build::new(Place::OneBox).with_processor().await;
    let file = TWILIO
        .replace("https://api.twilio.com", &provider.served.url())
        .replace(
            "[settings.request]",
            "[settings]\ntimeout_s = 1\n[settings.request]",
        );
    let secrets = [
        ("twilio-account", provider::ACCOUNT),
        ("twilio-token", provider::TOKEN),
    ];
    world.with_channel("twilio", &file, &secrets).await;
    let port = free_port();
    world.change_settings("bridge.listen", format!("127.0.0.1:{port}"));
    world.start("bridge").await;
    provider.will(&[Manner::FallsSilent]);
    say(&world, "twilio", PELSA, "satu").await;
    until_deliveries(&world, "twilio", &["sent 2"]).await;
    assert_eq!(
        provider.taken().len(),
        2,
        "doubled is better than lost, says the file"
    );
    provider.will(&[
        Manner::FallsSilent,
        Manner::FallsSilent,
        Manner::FallsSilent,
    ]);
    say(&world, "twilio", PELSA, "dua").await;
    until_deliveries(&world, "twilio", &["sent 2", "unknown 2"]).await;
    world.until_empty("text-output-twilio").await;
    assert_eq!(provider.asked(), 4, "and not sent for ever");
}

#[tokio::test]
async fn nobody_else_can_bring_texts() {
    let provider = Provider::start();
    let (mut world, hook) = with_provider(Build::new(Place::OneBox), &provider).await;
    let text = sms(PELSA, "U MC SP 4", "SM1");
    let forged = sms(PELSA, "U MC SP 40", "SM1");
    assert_eq!(
        provider::bring_signed(&hook, &text, "bm90aGluZw==").await.0,
        403
    );
    let signed = provider::signature(&text);
    assert_eq!(provider::bring_signed(&hook, &forged, &signed).await.0, 403);
    let asked = client()
        .post(&hook)
        .body("Body=U&From=1&MessageSid=2")
        .send()
        .await;
    assert_eq!(asked.unwrap().status(), 401);
    assert_eq!(
        provider::bring(&hook, &[("AccountSid", "hush")]).await.0,
        400
    );
    let large = "a".repeat(30 << 20);
    let asked = client()
        .post(&hook)
        .header("x-twilio-signature", "x")
        .body(large)
        .send()
        .await;
    // Cut while it was sent, or told.
    assert!(asked.is_err() || asked.is_ok_and(|a| a.status() == 413));
    let elsewhere = hook.replace("/twilio", "/sms");
    assert_eq!(provider::bring(&elsewhere, &text).await.0, 404);
    assert_eq!(world.number("SELECT count(*) FROM message").await, 0);
    world.processes[1]
        .wait_for("Refused a request at a channel's address")
        .await;
    assert!(
        !world.processes[1].said().contains("hush"),
        "nor is what was brought"
    );
    assert_eq!(
        provider::bring(&hook, &text).await.0,
        200,
        "the provider itself still can"
    );
    until("an answer", async || provider.taken().len() == 1).await;
}

#[tokio::test]
async fn q13_what_comes_while_the_database_is_away_is_answered_when_it_is_back() {
    let provider = Provider::start();
    let build = Build::new(Place::OneBox).own_cluster();
    let (mut world, hook) = with_provider(build, &provider).await;
    world.postgres().kill();
    let text = sms(PELSA, "U MC,DM SP 4", "SM1");
    for _ in 0..2 {
        assert_eq!(
            provider::bring(&hook, &text).await.0,
            200,
            "it is on the disk"
        );
    }
    let second = world.processes[1].kill().await;
    assert_ne!(second.0, 0);
    world.postgres().start_again();
    world.start("bridge").await;
    until("an answer", async || !provider.taken().is_empty()).await;
    world.until_empty("text-input").await;
    world.until_empty("text-output-twilio").await;
    assert_eq!(provider.taken().len(), 1);
    assert!(provider.taken()[0].body.contains(THANKS));
}

async fn with_chat(world: &World, chat: i64) {
    let sql = format!(
        "INSERT INTO contact (person, kind, address, preference)
         SELECT person, 'telegram', '{chat}', 9 FROM contact WHERE address = '{PELSA}'"
    );
    world.run(&sql).await;
}

async fn with_telegram(place: Place, telegram: &Telegram, more: &str) -> (World, String) {
    let file = TELEGRAM
        .replace("https://api.telegram.org", &telegram.served.url())
        // A claim of a bridge that was killed is looked at again after this.
        .replace("limit_s = 60", "limit_s = 5")
        .replace("[settings]\n", &format!("[settings]\npoll_s = 2\n{more}"));
    let secrets = [
        ("telegram-token", telegram::TOKEN),
        ("telegram-webhook", "shown-to_us"),
    ];
    let (world, hook) = Box::pin(with_bridge(Build::new(place), "telegram", &file, &secrets)).await;
    with_chat(&world, CHAT).await;
    (world, hook)
}

async fn a_chat_is_fetched_answered_and_survives_outages_of_either_side(place: Place) {
    let mut telegram = Telegram::start();
    let (mut world, _) = with_telegram(place, &telegram, "").await;
    telegram.write(CHAT, "U MC,DM SP 4");
    until("an answer", async || telegram.said_to(CHAT).len() == 1).await;
    assert!(
        telegram.said_to(CHAT)[0].contains(THANKS),
        "{:?}",
        telegram.said_to(CHAT)
    );
    until("a confirmation", async || telegram.waiting() == 0).await;

    // The API goes away and comes back with news.
    telegram.served.stop();
    world.processes[1].wait_for("Not connected").await;
    telegram.write(CHAT, "U MC SP 5");
    telegram.served.start_again();
    until("an answer", async || telegram.said_to(CHAT).len() == 2).await;

    // The bridge dies while it is answered.
    telegram.write(CHAT, "U MC SP 6");
    world.processes[1].kill().await;
    world.start("bridge").await;
    until("an answer", async || telegram.said_to(CHAT).len() >= 3).await;
    until("a confirmation", async || telegram.waiting() == 0).await;
    world.until_empty("text-input").await;
    world.until_empty("text-output-telegram").await;
    assert_eq!(
        world.number("SELECT count(*) FROM report").await,
        3,
        "each once"
    );
    world.nothing_dead().await;
}

#[tokio::test]
async fn a_bot_hears_no_groups_and_knows_who_blocked_it() {
    let telegram = Telegram::start();
    let (world, _) = with_telegram(Place::OneBox, &telegram, "").await;
    let person = json!({ "id": CHAT, "is_bot": false, "first_name": "A" });
    telegram.happen(&json!({
        "chat": { "id": -100, "type": "supergroup", "title": "Desa" }, "from": person, "text": "U MC SP 4",
    }));
    telegram
        .happen(&json!({ "chat": { "id": CHAT, "type": "private" }, "from": person, "photo": [] }));
    telegram.write(77, "/start");
    until("a stranger to be told", async || {
        telegram.said_to(77).len() == 1
    })
    .await;
    until("a confirmation", async || telegram.waiting() == 0).await;
    assert_eq!(
        world.number("SELECT count(*) FROM message").await,
        1,
        "only the stranger's"
    );

    telegram.throttle(1);
    telegram.write(CHAT, "U MC SP 4");
    until("an answer", async || telegram.said_to(CHAT).len() == 1).await;
    let long = "kata ".repeat(1200);
    say(&world, "telegram", &CHAT.to_string(), &long).await;
    until("both pieces", async || telegram.said_to(CHAT).len() == 3).await;
    let said = telegram.said_to(CHAT);
    assert!(said[1].starts_with("1/2 ") && said[2].starts_with("2/2 "));
    telegram.block(CHAT);
    say(&world, "telegram", &CHAT.to_string(), "satu").await;
    say(&world, "telegram", "4242", "dua").await;
    let refused =
        "SELECT count(*) = 2 FROM delivery WHERE channel = 'telegram' AND state = 'refused'";
    world.until_true(refused).await;
    let why = "SELECT reason FROM delivery WHERE state = 'refused' ORDER BY reason";
    let why = world.texts(why).await;
    assert!(
        why[0].ends_with("400 Bad Request: chat not found"),
        "{why:?}"
    );
    assert!(
        why[1].ends_with("403 Forbidden: bot was blocked by the user"),
        "{why:?}"
    );
}

#[tokio::test]
async fn a_chat_is_brought_by_webhook() {
    let telegram = Telegram::start();
    let hook =
        "webhook = { url = \"https://sms.example.id/telegram\", secret = \"telegram-webhook\" }\n";
    let (mut world, at) = with_telegram(Place::OneBox, &telegram, hook).await;
    until("a webhook", async || telegram.webhook().is_some()).await;
    let (url, secret) = telegram.webhook().expect("it was waited for");
    assert_eq!(
        (url.as_str(), secret.as_str()),
        ("https://sms.example.id/telegram", "shown-to_us")
    );
    telegram.write(CHAT, "U MC,DM SP 4");
    let forged = json!({ "update_id": 1, "message": {
        "message_id": 9, "date": 1, "chat": { "id": CHAT, "type": "private" }, "text": "U MC SP 40",
    } });
    assert_eq!(telegram::bring(&at, &forged, "guessed").await, 403);
    assert_eq!(telegram.bring(&at).await, 200);
    until("an answer", async || telegram.said_to(CHAT).len() == 1).await;
    assert_eq!(world.number("SELECT count(*) FROM message").await, 1);
    let log = world.processes[1].said();
    assert!(
        !log.contains(telegram::TOKEN) && !log.contains(&CHAT.to_string()),
        "{log}"
    );
    world.processes[1].terminate().await;
}

async fn with_whatsapp(whatsapp: &Whatsapp, file: &str) -> (World, String) {
    let file = file.replace("https://graph.facebook.com", &whatsapp.served.url());
    let secrets = [
        ("whatsapp-token", whatsapp::TOKEN),
        ("whatsapp-app-secret", whatsapp::APP_SECRET),
        ("whatsapp-verify-token", whatsapp::VERIFY_TOKEN),
    ];
    Box::pin(with_bridge(
        Build::new(Place::OneBox),
        "whatsapp",
        &file,
        &secrets,
    ))
    .await
}

#[tokio::test]
async fn whatsapp_is_answered_and_its_receipts_are_traced() {
    let whatsapp = Whatsapp::start();
    let (world, hook) = with_whatsapp(&whatsapp, WHATSAPP).await;
    let known = whatsapp::verify(&hook, whatsapp::VERIFY_TOKEN).await;
    assert_eq!(known, (200, "1158201444".into()));
    assert_eq!(whatsapp::verify(&hook, "guessed").await.0, 403);

    let digits = &PELSA[1..];
    let text = whatsapp.text(digits, "wamid.in1", "U MC,DM SP 4");
    let body = text.to_string();
    assert_eq!(whatsapp::bring_raw(&hook, &body, "sha256=00").await, 403);
    assert_eq!(
        whatsapp::bring_raw(&hook, "{", &whatsapp::signature("{")).await,
        400
    );
    for _ in 0..2 {
        assert_eq!(whatsapp::bring(&hook, &text).await, 200);
    }
    let other = whatsapp::notification(
        "another",
        &json!({ "messages": [
        { "from": digits, "id": "wamid.x", "timestamp": "1", "type": "text", "text": { "body": "U MC SP 9" } },
    ] }),
    );
    assert_eq!(whatsapp::bring(&hook, &other).await, 200);
    until("an answer", async || whatsapp.said().len() == 1).await;
    let said = whatsapp.said().remove(0);
    assert_eq!((said.to.as_str(), said.template), (digits, false));
    assert!(said.text.contains(THANKS), "{}", said.text);
    assert_eq!(world.number("SELECT count(*) FROM message").await, 1);

    for word in ["sent", "delivered", "read"] {
        assert_eq!(
            whatsapp::bring(&hook, &whatsapp::status(&said.id, word, None)).await,
            200
        );
    }
    let failed = whatsapp::status("wamid.unheard-of", "failed", Some(131_026));
    assert_eq!(whatsapp::bring(&hook, &failed).await, 200);
    let trace = world.texts("SELECT trace::text FROM message").await;
    let told = world.ctl(&["trace", &trace[0]], b"").await;
    assert!(
        told.out.contains("delivered") && told.out.contains("read"),
        "{}",
        told.out
    );
    let why = "SELECT reason FROM text_receipt WHERE state = 'failed'";
    assert_eq!(world.texts(why).await, ["131026"]);
    world.nothing_dead().await;
}

#[tokio::test]
async fn whoever_has_not_written_for_a_day_gets_the_template() {
    let whatsapp = Whatsapp::start();
    let (world, hook) = with_whatsapp(&whatsapp, WHATSAPP).await;
    say(&world, "whatsapp", PELSA, "Perhatian:\nkasus baru").await;
    until("the template", async || whatsapp.said().len() == 1).await;
    let said = whatsapp.said();
    assert!(
        said[0].template && said[0].text.contains("Perhatian: kasus baru"),
        "{said:?}"
    );
    assert_eq!(whatsapp.asked(), 1, "known without asking");

    let text = whatsapp.text(&PELSA[1..], "wamid.in1", "U MC SP 4");
    assert_eq!(whatsapp::bring(&hook, &text).await, 200);
    until("an answer", async || whatsapp.said().len() == 2).await;
    assert!(!whatsapp.said()[1].template);
    // Our clock and Meta's differ: told by the error.
    whatsapp.close(&PELSA[1..]);
    say(&world, "whatsapp", PELSA, "satu lagi").await;
    until("the template", async || whatsapp.said().len() == 3).await;
    assert!(whatsapp.said()[2].template);
    assert_eq!(whatsapp.asked(), 4);

    whatsapp.fail(400, 130_429);
    say(&world, "whatsapp", PELSA, "dua").await;
    until("after throttling", async || whatsapp.said().len() == 4).await;
    whatsapp.fail(400, 131_026);
    say(&world, "whatsapp", PELSA, "tiga").await;
    world
        .until_true(
            "SELECT count(*) = 1 FROM delivery WHERE state = 'refused' AND reason LIKE '%131026'",
        )
        .await;
    let attempts = "SELECT max(attempts)::bigint FROM delivery WHERE channel = 'whatsapp'";
    assert_eq!(world.number(attempts).await, 1, "throttling costs none");
}

#[tokio::test]
async fn without_a_template_the_next_address_is_tried_at_once() {
    let whatsapp = Whatsapp::start();
    let file = WHATSAPP.replace(
        "[settings.template]\nname = \"kentongan_pesan\"\nlanguage = \"id\"\nmost = 900\n",
        "",
    );
    assert!(!file.contains("kentongan_pesan"));
    let (world, _) = with_whatsapp(&whatsapp, &file).await;
    say(&world, "whatsapp", PELSA, "satu").await;
    until_deliveries(&world, "whatsapp", &["refused 1"]).await;
    assert_eq!(whatsapp.asked(), 0);
}

/// A fault of a file, a secret or the settings ends the start with the remedy.
#[tokio::test]
async fn what_cannot_work_is_said_at_the_start() {
    let mut world = Build::new(Place::OneBox).make().await;
    let secrets = [("twilio-account", "AC"), ("twilio-token", "t")];
    world.with_channel("twilio", TWILIO, &secrets[..1]).await;
    let at = world.launch("bridge");
    assert_ne!(world.processes[at].ended().await.0, 0);
    let said = world.processes[at].said();
    assert!(
        said.contains("twilio-token") && said.contains("bridge.secrets"),
        "{said}"
    );
    world.with_channel("twilio", TWILIO, &secrets).await;
    let at = world.launch("bridge");
    assert_ne!(world.processes[at].ended().await.0, 0);
    let said = world.processes[at].said();
    assert!(
        said.contains("bridge.listen") && said.contains("twilio"),
        "{said}"
    );
}

/// Who may be asked for is among the demo's people.
#[test]
fn the_numbers_are_the_demos() {
    assert!(PELSA.ends_with(&people::PELSA[1..]) && PELSA_TWO.ends_with(&people::PELSA_TWO[1..]));
}
