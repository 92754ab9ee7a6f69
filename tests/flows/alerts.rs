//! Alerts on the true binaries, in both homes: repeated and passed on while nobody answers, told in
//! one text when there are many, taken back. Times are moved in the database; nobody waits for them.

use common::messages::TextOutput;
use kentongan_tests::both_homes;
use kentongan_tests::world::{Build, Mail, Place, World, people, until};

both_homes! {
    an_urgent_case_that_nobody_answers_goes_up_once_whoever_keeps_the_clock,
    the_clock_goes_on_after_all_processors_were_killed,
    an_answer_that_waited_in_the_queue_stops_the_clock,
    an_alert_by_mail_is_acknowledged_by_answering_that_mail,
    many_reports_are_told_in_one_text,
    whoever_was_told_hears_that_the_report_was_taken_back,
}

const REPORT: &str = "P GG AJ 1 72060202";

/// The clock's next step is due now.
const DUE: &str = "UPDATE alert_watch SET due_at = now() WHERE due_at IS NOT NULL";

async fn world(place: Place) -> World {
    Build::new(place)
        .with("processor.clock_s", 1)
        .with_processor()
        .await
}

/// Every text to this number that answers nothing, heard so far.
fn alerts<'a>(world: &'a World, number: &str) -> Vec<&'a TextOutput> {
    let tail = number.trim_start_matches('0');
    let texts = world.heard().iter().map(|sms| &sms.message);
    texts
        .filter(|text| text.in_reply_to.is_none() && text.to.ends_with(tail))
        .collect()
}

/// Waits until somebody got so many alerts, and gives the last.
async fn until_told(world: &mut World, number: &str, count: usize) -> String {
    until(&format!("{count} alerts to {number}"), async || {
        world.hear().await;
        alerts(world, number).len() >= count
    })
    .await;
    let told = alerts(world, number);
    assert_eq!(told.len(), count, "{told:?}");
    told.last().expect("at least one").text.clone()
}

async fn an_urgent_case_that_nobody_answers_goes_up_once_whoever_keeps_the_clock(place: Place) {
    let mut world = world(place).await;
    world.start("processor").await;
    world.start("processor").await;
    world.text(people::PELSA, REPORT).await;
    until_told(&mut world, people::VET, 1).await;
    world.run(DUE).await;
    let again = until_told(&mut world, people::VET, 2).await;
    assert!(again.contains("BELUM DIJAWAB sejak"), "{again}");
    assert!(again.contains("SEGERA [ID kasus 1]"), "{again}");
    assert!(alerts(&world, people::COORDINATOR).is_empty());
    world.run(DUE).await;
    let next = until_told(&mut world, people::COORDINATOR, 1).await;
    assert!(next.contains("diteruskan kepada Anda"), "{next}");
    // Nobody is above in the demo: the watch ends, and each was told once per step.
    world.run(DUE).await;
    world
        .until_true("SELECT coalesce(ended, '') = 'last' FROM alert_watch")
        .await;
    world.hear().await;
    for (number, count) in [
        (people::VET, 2),
        (people::PARAVET, 2),
        (people::COORDINATOR, 1),
    ] {
        assert_eq!(alerts(&world, number).len(), count, "{number}");
    }
    let unlike = "SELECT count(*) - count(DISTINCT id) FROM alert";
    assert_eq!(world.number(unlike).await, 0);
    world.nothing_dead().await;
}

async fn the_clock_goes_on_after_all_processors_were_killed(place: Place) {
    let mut world = world(place).await;
    world.text(people::PELSA, REPORT).await;
    until_told(&mut world, people::VET, 1).await;
    world.processes[0].kill().await;
    world.run(DUE).await;
    world.start("processor").await;
    until_told(&mut world, people::VET, 2).await;
    world.nothing_dead().await;
}

/// The officer answered while no processor ran, and the time passed meanwhile.
async fn an_answer_that_waited_in_the_queue_stops_the_clock(place: Place) {
    // A look at the clock comes late enough for what waited, on a busy machine too.
    let build = Build::new(place).with("processor.clock_s", 5);
    let mut world = build.with_processor().await;
    world.text(people::PELSA, REPORT).await;
    until_told(&mut world, people::VET, 1).await;
    world.processes[0].kill().await;
    let answer = world.send(people::VET, "OK").await;
    world.run(DUE).await;
    world.start("processor").await;
    let said = world.answer_to(answer).await;
    assert!(said.contains("[ID kasus 1] Tercatat"), "{said}");
    world
        .until_true("SELECT coalesce(ended, '') = 'acknowledged' FROM alert_watch")
        .await;
    world.hear().await;
    assert_eq!(alerts(&world, people::VET).len(), 1);
    assert_eq!(alerts(&world, people::PARAVET).len(), 1);
}

async fn an_alert_by_mail_is_acknowledged_by_answering_that_mail(place: Place) {
    let mut world = Build::new(place)
        .with("processor.clock_s", 1)
        .with_daemons()
        .await;
    let prefers = "UPDATE contact SET preference = -1 WHERE address = 'vet@example.org'";
    world.run(prefers).await;
    world.text(people::PELSA, REPORT).await;
    let alert = world.mail_to("vet@example.org", "SEGERA").await;
    let alert = common::mail::read(alert.raw.as_bytes(), &common::mail::Limits::default());
    let alert = alert.expect("our own mail");
    let reply = Mail::from("vet@example.org").answers(&alert, "OK siap\r\n");
    world.answer(&reply).await;
    world.run(DUE).await;
    world
        .until_true("SELECT coalesce(ended, '') = 'acknowledged' FROM alert_watch")
        .await;
    let read = "SELECT count(*) FROM alert WHERE channel = 'email' AND acknowledged_at IS NOT NULL";
    assert_eq!(world.number(read).await, 1);
    world.nothing_dead().await;
}

async fn many_reports_are_told_in_one_text(place: Place) {
    let mut world = world(place).await;
    world.start("processor").await;
    for n in 1..=9 {
        world
            .text(people::PELSA, &format!("U MC SP {n} 72060202"))
            .await;
    }
    // Two processors may each have let one through that the other did not see yet: none here, since
    // each report waited for the answer to the one before.
    until_told(&mut world, people::VET, 5).await;
    world
        .run("UPDATE alert SET held_until = now() WHERE sent_at IS NULL")
        .await;
    let bundle = until_told(&mut world, people::VET, 6).await;
    assert!(bundle.contains("4 laporan lagi sejak"), "{bundle}");
    assert!(
        bundle.contains("mencret di Dampal Utara ID 6, 7, 8, 9"),
        "{bundle}"
    );
    world
        .until_true("SELECT count(*) = 0 FROM alert WHERE sent_at IS NULL")
        .await;
    let told = "SELECT count(DISTINCT bundle) FROM alert WHERE bundle IS NOT NULL";
    assert_eq!(
        world.number(told).await,
        3,
        "one for each of three receivers"
    );
    let lost = "SELECT count(*) FROM alert WHERE held_until IS NOT NULL AND bundle IS NULL";
    assert_eq!(world.number(lost).await, 0);
    world.nothing_dead().await;
}

async fn whoever_was_told_hears_that_the_report_was_taken_back(place: Place) {
    let mut world = world(place).await;
    world.text(people::PELSA, "U MC,DM SP 4 72060202").await;
    until_told(&mut world, people::VET, 1).await;
    world.text(people::PELSA, "H").await;
    let told = until_told(&mut world, people::VET, 2).await;
    assert!(
        told.contains("[ID kasus 1] Kasus ini sudah dihapus oleh pelapornya"),
        "{told}"
    );
    let answer = world.text(people::VET, "R 1 TLP COC").await;
    assert_eq!(answer, "Kasus 1 sudah dihapus oleh pelapornya.");
    world.nothing_dead().await;
}
