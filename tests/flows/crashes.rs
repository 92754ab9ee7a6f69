//! The big fears: daemons that are killed at random moments, texts that come again and again, a
//! database that goes away under load. Nothing is lost, nothing is done twice.

use common::messages::TextInput;
use kentongan_tests::both_homes;
use kentongan_tests::world::{
    Build, PEOPLE, Place, Sms, World, alone, people, sms, until, without_trace,
};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

both_homes! {
    five_hundred_texts_outlive_a_processor_that_is_killed_ten_times,
    mails_outlive_daemons_that_are_killed,
    q2_a_text_that_its_channel_repeats_six_hundred_times_is_one_text,
    a_text_that_its_sender_repeats_six_hundred_times_gets_the_first_answer,
    q13_a_database_that_goes_away_under_load_costs_nothing,
    code_files_that_are_read_anew_under_load_lose_nothing,
}

async fn five_hundred_texts_outlive_a_processor_that_is_killed_ten_times(place: Place) {
    let _alone = alone().await;
    // A poll that outlives its client takes messages into the void, until the lease ends.
    let build = Build::new(place)
        .with("frame.lease_s", 2)
        .with("frame.poll_s", 1);
    // Fewer at a time: a kill finds some done, some in hand and some waiting.
    let mut world = build
        .with("frame.batch", 8)
        .with("frame.hands", 16)
        .make()
        .await;
    let mut ids = Vec::new();
    let mut killed_at_work = 0;
    for round in 0..10 {
        let texts: Vec<TextInput> = (1..=50).map(|n| report(round * 50 + n)).collect();
        let at = world.start("processor").await;
        ids.extend(world.send_all(&texts).await);
        // This time is no condition: any moment is as good.
        tokio::time::sleep(Duration::from_millis(random(250))).await;
        world.processes[at].kill().await;
        killed_at_work += u32::from(world.number("SELECT count(*) FROM attempt").await > 0);
    }
    assert!(
        killed_at_work > 0,
        "it was never killed at work: this tested nothing"
    );
    world.start("processor").await;
    world.until_answered(&ids).await;
    settled(&mut world).await;
    assert_eq!(world.number("SELECT count(*) FROM report").await, 500);
    let cases = "SELECT count(DISTINCT case_id) FROM report";
    assert_eq!(world.number(cases).await, 500, "each opened its own case");
    each_answered_once(&world, &ids);
}

async fn mails_outlive_daemons_that_are_killed(place: Place) {
    let _alone = alone().await;
    let build = Build::new(place)
        .with("frame.lease_s", 2)
        .with("frame.poll_s", 1)
        .with("mail.answers_per_hour", 1000);
    let mut world = build.with("mailer.deliver_limit_s", 1).make().await;
    for round in 0..6 {
        let started = [world.start("processor").await, world.start("mailer").await];
        for n in 1..=10 {
            world.mail(mail(round * 10 + n).as_bytes()).await;
        }
        tokio::time::sleep(Duration::from_millis(random(300))).await;
        for at in started {
            world.processes[at].kill().await;
        }
    }
    world.start("processor").await;
    world.start("mailer").await;
    until("an answer to each mail", async || {
        answered_mails(&world).len() == 60
    })
    .await;
    settled(&mut world).await;
    assert_eq!(world.number("SELECT count(*) FROM report").await, 60);
    // One file each: a mail that goes out again is the same mail.
    assert_eq!(world.mails().len(), 60);
}

async fn q2_a_text_that_its_channel_repeats_six_hundred_times_is_one_text(place: Place) {
    let _alone = alone().await;
    let mut world = Build::new(place).with_processor().await;
    let one = sms(people::VET, "U MC,DM SP 4", Some("the-same"));
    let ids = world.send_all(&vec![one; 600]).await;
    world.until_answered(&ids[..1]).await;
    settled(&mut world).await;
    assert_eq!(world.number("SELECT count(*) FROM report").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM message").await, 1);
    each_answered_once(&world, &ids[..1]);
}

async fn a_text_that_its_sender_repeats_six_hundred_times_gets_the_first_answer(place: Place) {
    let _alone = alone().await;
    let mut world = Build::new(place).with_processor().await;
    let one = sms(people::VET, "U MC,DM SP 4", None);
    let ids = world.send_all(&vec![one; 600]).await;
    world.until_answered(&ids).await;
    settled(&mut world).await;
    assert_eq!(world.number("SELECT count(*) FROM report").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM disease_case").await, 1);
    let outcomes = "SELECT outcome || ' ' || count(*) FROM message GROUP BY outcome ORDER BY 1";
    assert_eq!(world.texts(outcomes).await, ["repeated 599", "stored 1"]);
    each_answered_once(&world, &ids);
    let words = |s: &'_ Sms| without_trace(&s.message.text).to_owned();
    let texts: HashSet<String> = world.heard().iter().map(words).collect();
    assert_eq!(texts.len(), 1, "every answer is the first: {texts:?}");
}

async fn q13_a_database_that_goes_away_under_load_costs_nothing(place: Place) {
    let _alone = alone().await;
    // So few receives are allowed that counting an outage's would bury messages.
    let build = Build::new(place)
        .own_cluster()
        .with("frame.max_receives", 6);
    let build = build.with("database.connect_timeout_s", 1);
    let mut world = build.with("frame.batch", 8).with_daemons().await;
    let texts: Vec<TextInput> = (1..=300).map(report).collect();
    let mut ids = world.send_all(&texts).await;
    world.until_true("SELECT count(*) > 20 FROM report").await;
    let before = world.number("SELECT count(*) FROM report").await;
    assert!(before < 300, "it went away under load");
    world.postgres().stop();
    if place == Place::Aws {
        // Here texts arrive all the same.
        let texts: Vec<TextInput> = (301..=400).map(report).collect();
        ids.extend(world.send_all(&texts).await);
    }
    // Six probes in vain, with growing pauses: about ten seconds.
    let probes = "Still not mended";
    until("an outage", async || {
        world.processes[0].said().matches(probes).count() >= 6
    })
    .await;
    world.postgres().start_again();
    world.until_answered(&ids).await;
    settled(&mut world).await;
    let count = i64::try_from(ids.len()).expect("few");
    assert_eq!(world.number("SELECT count(*) FROM report").await, count);
    each_answered_once(&world, &ids);
    for process in &mut world.processes {
        assert!(process.is_running(), "an outage ends no daemon");
    }
}

/// A text that differs from all others, from people whose reports alert nobody.
fn report(n: i64) -> TextInput {
    let from = [people::VET, people::VET_ENGLISH, people::PARAVET][n as usize % 3];
    assert!(PEOPLE.contains(&from));
    sms(from, &format!("U MC SP {n}"), Some(&format!("channel-{n}")))
}

fn mail(n: i64) -> String {
    format!(
        "Authentication-Results: mail.kentongan.example; dmarc=pass header.from=example.org\r\n\
         From: vet@example.org\r\nTo: lapor@kentongan.example\r\nSubject: Laporan {n}\r\n\
         Message-ID: <mail-{n}@example.org>\r\n\r\nU MC SP {n}\r\n"
    )
}

/// The mails that have an answer, by their Message-IDs.
fn answered_mails(world: &World) -> HashSet<String> {
    let answered = |raw: &str| {
        let line = raw.lines().find(|l| l.starts_with("In-Reply-To: "))?;
        Some(line.to_owned())
    };
    world
        .mails()
        .iter()
        .filter_map(|m| answered(&m.raw))
        .collect()
}

/// Waits until nothing is under way, takes what came, and makes sure that nothing is dead.
async fn settled(world: &mut World) {
    for queue in ["text-input", "email-input", "email-output"] {
        world.until_empty(queue).await;
    }
    world.until_true("SELECT count(*) = 0 FROM outbox").await;
    world.hear().await;
    world.nothing_dead().await;
}

/// Each text has one answer. On SQS a send whose answer was lost is made again, so an answer may
/// come twice there, with the same id: whoever carries it out sees that.
fn each_answered_once(world: &World, ids: &[Uuid]) {
    let answers = world.answers();
    assert_eq!(answers.len(), ids.len());
    for id in ids {
        let distinct: HashSet<Uuid> = answers[id].iter().map(|sms| sms.id).collect();
        assert_eq!(distinct.len(), 1, "one answer to {id}");
        let most = if world.place == Place::Aws { 2 } else { 1 };
        assert!(answers[id].len() <= most, "{} times", answers[id].len());
    }
}

/// A code of the installation's own whose answer names its version.
fn versioned(folder: &Path, version: usize) {
    let toml = format!(
        r#"
code       = "XR"
name       = {{ id = "Coba", en = "Trial" }}
help       = {{ id = "Coba.", en = "Trial." }}
permission = "can_send_u"
format     = "XR [number]"
reply      = {{ id = "versi {version}.", en = "version {version}." }}

[field.number]
type  = "number"
label = {{ id = "nomor", en = "number" }}
"#
    );
    std::fs::write(folder.join("xr.toml"), toml).expect("the code file");
}

async fn code_files_that_are_read_anew_under_load_lose_nothing(place: Place) {
    let _alone = alone().await;
    let folder = tempfile::tempdir().expect("a folder");
    versioned(folder.path(), 0);
    let codes = folder.path().to_str().expect("a path").to_owned();
    let build = Build::new(place).with("engine.codes", codes);
    let mut world = build.with_processor().await;
    let reports = |n: usize| {
        sms(
            PEOPLE[n % PEOPLE.len()],
            &format!("U MC SP {}", n + 1),
            None,
        )
    };
    let ids = world
        .send_all(&(0..400).map(reports).collect::<Vec<_>>())
        .await;
    let mut asked = 0;
    for version in 1..=5 {
        versioned(folder.path(), version);
        world.processes[0].signal("HUP");
        loop {
            asked += 1;
            let answer = world.text(people::VET, &format!("XR {asked}")).await;
            if answer.contains(&format!("versi {version}.")) {
                break;
            }
        }
    }
    world.until_answered(&ids).await;
    settled(&mut world).await;
    assert_eq!(
        world.number("SELECT count(*) FROM report").await,
        400 + asked
    );
    let undecided = "SELECT count(*) FROM message WHERE outcome <> 'stored'";
    assert_eq!(world.number(undecided).await, 0);
}

/// Less than `most`, different in every run.
fn random(most: u64) -> u64 {
    RandomState::new().hash_one(Uuid::new_v4()) % most
}
