//! Who is told, what is held, and what the clock does.

use super::*;
use crate::db::again::{self, Wanted};
use crate::db::alerts as rows;
use crate::engine::{Again, Look, Raised};
use jiff::tz::TimeZone;

const TWO: &str = "+6281234567891";
const PARAVET: &str = "+6281234567892";
const LAB: &str = "+6281234567896";
/// Samples of the first case.
const SAMPLES: &str = "LAB 1 FES SG 2 730801";
const COORDINATOR: &str = "+6281234567895";

impl World {
    /// The numbers that a message told, in order, and what the first was told.
    fn told(answer: &Answer) -> (Vec<&str>, &str) {
        let mut numbers: Vec<&str> = answer.alerts.iter().map(|a| a.address.as_str()).collect();
        numbers.sort_unstable();
        (
            numbers,
            answer.alerts.first().map_or("", |a| a.text.as_str()),
        )
    }

    async fn run(&self, sql: &str) {
        self.place.db.run(sql).await;
    }

    async fn number(&self, sql: &str) -> i64 {
        self.place.db.one(sql).await
    }

    /// Lets the clock's next step of every case be due, and takes it.
    async fn raise(&self) -> Vec<Raised> {
        self.run("UPDATE alert_watch SET due_at = now() WHERE due_at IS NOT NULL")
            .await;
        let mut all = Vec::new();
        loop {
            let mut conn = self.place.db.client().await;
            let tx = begin(&mut conn).await;
            let raised = self.engine.raise_due(&tx, &TimeZone::UTC, &[]).await;
            let Some(raised) = raised.expect("the server answers") else {
                return all;
            };
            tx.commit().await.expect("it is kept");
            all.push(raised.expect("nothing is wrong with the case"));
        }
    }

    /// The numbers and words of one case's step.
    async fn step(&self) -> Vec<(String, String)> {
        let raised = self.raise().await;
        let alerts = raised.into_iter().flat_map(|one| one.alerts);
        let mut told: Vec<_> = alerts.map(|a| (a.address, a.text)).collect();
        told.sort_unstable();
        told
    }

    /// Lets everything that is held be due, and tells it.
    async fn bundles(&self) -> Vec<Alert> {
        self.run("UPDATE alert SET held_until = now() WHERE sent_at IS NULL")
            .await;
        let mut told = Vec::new();
        loop {
            let mut conn = self.place.db.client().await;
            let tx = begin(&mut conn).await;
            let look = self.engine.bundle_due(&tx, &TimeZone::UTC, &[]).await;
            tx.commit().await.expect("it is kept");
            let look = look.expect("the server answers");
            match look.expect("nothing is wrong with the receiver") {
                Look::Tell(alert) => told.push(*alert),
                Look::Next(_) => {}
                Look::Done => return told,
            }
        }
    }

    async fn ended(&self, case: i64) -> String {
        let sql = format!("SELECT coalesce(ended, '') FROM alert_watch WHERE case_id = {case}");
        self.place.db.one(&sql).await
    }
}

#[tokio::test]
async fn an_alert_says_the_whole_format_of_its_answer_in_the_readers_language() {
    let world = World::new().await;
    let answer = world.say(PELSA, "U mc sp 4 72060202", 0).await;
    let (numbers, _) = World::told(&answer);
    assert_eq!(numbers, [PARAVET, VET, ENGLISH]);
    for (number, format) in [
        (
            VET,
            "Jawab dengan R 1 [cara respons] [diagnosis banding,diagnosis banding...]",
        ),
        (
            ENGLISH,
            "Answer with R 1 [response mode] [differential diagnosis,",
        ),
    ] {
        let alert = answer
            .alerts
            .iter()
            .find(|a| a.address == number)
            .expect("told");
        assert!(alert.text.contains(format), "{}", alert.text);
    }
}

#[tokio::test]
async fn suspected_rabies_is_told_to_reporters_next_door() {
    let world = World::new().await;
    let near = "INSERT INTO place (id, parent, level, name, path) OVERRIDING SYSTEM VALUE
                SELECT 900001, parent, 4, 'Sebelah', path[1:3] || 900001::bigint FROM place WHERE name = 'Ogotua';
                UPDATE person_area SET place = 900001
                WHERE person = (SELECT person FROM contact WHERE address = '+6281234567891')";
    world.run(near).await;
    let told = async |text| {
        let answer = world.say(PELSA, text, 0).await;
        let two = answer.alerts.iter().find(|a| a.address == TWO);
        two.map(|a| a.text.clone()).unwrap_or_default()
    };
    let text = told("P GG AJ 1 72060202").await;
    assert!(text.starts_with("WASPADA [ID kasus 1]"), "{text}");
    assert!(text.contains("Jawab OK 1"), "{text}");
    assert_eq!(told("P AIU AY 9 72060202").await, "", "not on the list");
    assert_eq!(told("U mc sp 4 72060202").await, "", "not urgent");
    // Far off by the tree, and near by its point.
    let far = "UPDATE person_area SET place = (SELECT id FROM place WHERE name = 'Bogo')
               WHERE place = 900001;
               UPDATE place SET point = ST_SetSRID(ST_MakePoint(120.5, 0.85), 4326) WHERE name = 'Ogotua';
               UPDATE place SET point = ST_SetSRID(ST_MakePoint(120.5, 1.5), 4326) WHERE name = 'Bogo'";
    world.run(far).await;
    world
        .engine
        .reload()
        .await
        .expect("what people are near is looked up anew");
    assert_eq!(told("P GG AJ 2 72060202").await, "", "72 km away");
    let nearer =
        "UPDATE place SET point = ST_SetSRID(ST_MakePoint(120.55, 0.9), 4326) WHERE name = 'Bogo'";
    world.run(nearer).await;
    world
        .engine
        .reload()
        .await
        .expect("what people are near is looked up anew");
    assert!(
        told("P GG AJ 3 72060202").await.starts_with("WASPADA"),
        "8 km away"
    );
}

#[tokio::test]
async fn nobody_answers_and_the_next_level_is_told() {
    let world = World::new().await;
    let provincial = "UPDATE person SET user_type = 'KPV' WHERE name = 'Vet Demo English'";
    world.run(provincial).await;
    world.say(PELSA, "P GG AJ 1 72060202", 0).await;
    let again = world.step().await;
    let numbers: Vec<&str> = again.iter().map(|(number, _)| number.as_str()).collect();
    assert_eq!(numbers, [PARAVET, VET]);
    assert!(
        again[0].1.starts_with("BELUM DIJAWAB sejak "),
        "{}",
        again[0].1
    );
    assert!(
        again[0].1.contains(". SEGERA [ID kasus 1]"),
        "{}",
        again[0].1
    );
    let next = world.step().await;
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].0, COORDINATOR);
    assert!(
        next[0]
            .1
            .contains("diteruskan kepada Anda. SEGERA [ID kasus 1]"),
        "{}",
        next[0].1
    );
    let last = world.step().await;
    assert_eq!(last[0].0, ENGLISH);
    assert!(
        last[0].1.contains("passed on to you. URGENT [Case ID 1]"),
        "{}",
        last[0].1
    );
    assert_eq!(world.ended(1).await, "last");
    assert!(world.raise().await.is_empty(), "there is no further level");
    let kept = world
        .number("SELECT count(*) FROM alert_watch WHERE text_id IS NOT NULL")
        .await;
    assert_eq!(kept, 0, "what was said is not kept");
}

/// One mail may open many cases, and each of them is told again.
#[tokio::test]
async fn urgent_cases_of_one_mail_are_each_told_again() {
    let world = World::new().await;
    let message = Uuid::now_v7();
    for (line, text) in [(0, "P GG AJ 1 72060202"), (1, "P GG AJ 2 72060202")] {
        let answer = world.line(PELSA, text, (message, line)).await;
        assert_eq!(answer.outcome, "stored", "{}", answer.text);
    }
    let raised = world.raise().await;
    let told: Vec<_> = raised.iter().map(|one| one.alerts.len()).collect();
    assert_eq!(told, [3, 3], "each to those who were told at first");
}

/// An `OK` of long ago says nothing about what is told today.
#[tokio::test]
async fn an_old_ok_that_is_decided_again_reads_nothing() {
    let world = World::new().await;
    let refused = world.say(VET, "OK", 60).await;
    assert_eq!(refused.outcome, "nothing_to_acknowledge");
    world.say(PELSA, "P GG AJ 1 72060202", 0).await;
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let wanted = Wanted {
        from: world.now - SignedDuration::from_hours(2),
        to: world.now + SignedDuration::from_hours(1),
        codes: &["OK".to_owned()],
        after: None,
        most: 10,
    };
    let originals = again::originals(&tx, &wanted).await.expect("a query");
    let [ok] = originals.as_slice() else {
        panic!("{originals:?}")
    };
    let vet = people::by_contact(&tx, "console", VET).await;
    let vet = vet.expect("a query").expect("the vet");
    let decided = world.engine.again(&tx, ok, &vet).await;
    let decided = decided.expect("the server answers");
    assert!(matches!(decided, Again::Same), "{decided:?}");
}

#[tokio::test]
async fn the_times_between_the_steps_are_those_of_the_file() {
    let world = World::new().await;
    world.say(PELSA, "P GG AJ 1 72060202", 0).await;
    let minutes = "SELECT round(extract(epoch FROM due_at - now()) / 60)::bigint FROM alert_watch";
    assert_eq!(world.number(minutes).await, 30);
    let untimely = "SELECT count(*) FROM alert_watch WHERE due_at <= now()";
    assert_eq!(world.number(untimely).await, 0);
    // An hour late, as after an outage: the next level is told half an hour after this one.
    world.step().await;
    assert_eq!(world.number(minutes).await, 30);
    world.step().await;
    assert_eq!(world.number(minutes).await, 60);
}

/// Whoever reported it was erased meanwhile, with the words that name them.
#[tokio::test]
async fn an_urgent_case_without_its_words_is_told_by_its_number() {
    let world = World::new().await;
    world.say(PELSA, "P GG AJ 1 72060202", 5).await;
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let reporter = people::by_contact(&tx, "console", PELSA).await;
    let reporter = reporter.expect("a query").expect("they are known").id;
    let by = crate::people::By::named("me");
    crate::people::erase(&tx, &by, reporter, &crate::phone::Numbering::default())
        .await
        .expect("the server answers");
    tx.commit().await.expect("it is kept");
    for whom in ["the same people", "the next level"] {
        let told = world.step().await;
        assert!(
            told[0].1.ends_with(". ID kasus 1, lihat LAPK 1."),
            "{whom}: {}",
            told[0].1
        );
    }
}

#[tokio::test]
async fn whoever_answers_stops_the_clock() {
    for (from, text, why) in [
        (VET, "OK", "acknowledged"),
        (PARAVET, "ok 1 segera ke lokasi", "acknowledged"),
        (VET, "R 1 TLP RA", "acknowledged"),
        (PELSA, "H", "withdrawn"),
        (VET, "PK 1 MT", "closed"),
        // Nobody alerted this one: a response all the same.
        (COORDINATOR, "R 1 TLP RA", "answered"),
    ] {
        let world = World::new().await;
        world.say(PELSA, "P GG AJ 1 72060202", 5).await;
        let answer = world.say(from, text, 0).await;
        assert_eq!(answer.outcome, "stored", "{text}: {}", answer.text);
        assert_eq!(world.step().await, [], "{text}");
        assert_eq!(world.ended(1).await, why, "{text}");
    }
}

#[tokio::test]
async fn what_answers_nothing_does_not_stop_the_clock() {
    let world = World::new().await;
    let neighbour = "UPDATE person_area SET place = (SELECT id FROM place WHERE name = 'Ogotua')
                     WHERE person = (SELECT person FROM contact WHERE address = '+6281234567891')";
    world.run(neighbour).await;
    world.say(PELSA, "P GG AJ 1 72060202", 5).await;
    // A village reporter who was told for information has read it; nobody goes there for that.
    assert_eq!(world.say(TWO, "OK", 4).await.outcome, "stored");
    assert_eq!(
        world.say(COORDINATOR, "LAPK 1", 3).await.outcome,
        "answered"
    );
    assert_eq!(world.step().await.len(), 3);
}

#[tokio::test]
async fn ok_is_about_the_last_text_and_is_no_report() {
    let world = World::new().await;
    assert_eq!(
        world.say(VET, "OK", 0).await.outcome,
        "nothing_to_acknowledge"
    );
    world.say(VET, "U dm sp 1", 0).await;
    world.say(PELSA, "U mc sp 4 72060202", 0).await;
    world
        .run("UPDATE alert SET sent_at = sent_at - interval '5 minutes'")
        .await;
    world.say(PELSA, "U mc sp 5 72060202", 0).await;
    let read = world.say(VET, "OK", 0).await;
    assert!(read.text.contains("[ID kasus 3]"), "{}", read.text);
    let by = "SELECT count(*) FROM alert WHERE acknowledged_at IS NOT NULL AND acknowledged_by IS NOT NULL";
    assert_eq!(world.number(by).await, 1);
    // Sent when only the first had come, it is about that; it may be said again at once.
    assert!(world.say(VET, "OK", 4).await.text.contains("[ID kasus 2]"));
    assert_eq!(
        world.say(PARAVET, "OK 1", 0).await.outcome,
        "nothing_to_acknowledge"
    );
    assert!(
        world.say(VET, "H", 0).await.text.contains("U dm sp 1"),
        "an OK is no report"
    );
}

#[tokio::test]
async fn many_alerts_become_one_text_and_none_is_lost() {
    let world = World::new().await;
    for n in 1..=12 {
        let text = if n == 9 {
            "U kbg sp 1 72060202".to_owned()
        } else {
            format!("U mc sp {n} 72060202")
        };
        let told = world.say(PELSA, &text, 0).await.alerts.len();
        assert_eq!(told, if n <= 5 { 3 } else { 0 }, "{n}");
    }
    let bundles = world.bundles().await;
    assert_eq!(bundles.len(), 3, "one for each receiver");
    let to = |number: &str| bundles.iter().find(|a| a.address == number).expect("told");
    let text = &to(VET).text;
    assert!(text.starts_with("7 laporan lagi sejak "), "{text}");
    assert!(
        text.contains(
            ": U 7. mencret di Dampal Utara ID 6, 7, 8, 10, 11, 12; kembung di Dampal Utara ID 9."
        ),
        "{text}"
    );
    assert!(text.contains("LAPD 720402"), "{text}");
    assert!(
        to(ENGLISH).text.contains("7 more reports since"),
        "{}",
        to(ENGLISH).text
    );
    for bundle in &bundles {
        let sql = format!("SELECT count(*) FROM alert WHERE bundle = '{}'", bundle.id);
        assert_eq!(world.number(&sql).await, 7, "each in exactly one");
    }
    assert_eq!(
        world
            .number("SELECT count(*) FROM alert WHERE sent_at IS NULL")
            .await,
        0
    );
    assert!(world.bundles().await.is_empty(), "nothing is told twice");
    // One OK is about all that the text told.
    let read = world.say(VET, "OK", 0).await.text;
    assert!(read.contains("[ID kasus 6, 7, 8, 9, 10, 11, 12]"), "{read}");
}

#[tokio::test]
async fn a_bundle_takes_two_sms_however_many_it_tells() {
    let world = World::new().await;
    let many = "INSERT INTO disease_case (code, opened_by, place, opened_at)
                  SELECT 'U', 1, p.id, now() FROM generate_series(1, 300), (SELECT min(id) AS id FROM place) p;
                INSERT INTO alert (id, message, case_id, code, person, channel, sent_at, held_until)
                  SELECT gen_random_uuid(), gen_random_uuid(), n, 'U', (SELECT person FROM contact WHERE address = '+6281234567893'),
                         'console', NULL, now() FROM generate_series(1, 300) n";
    world.run(many).await;
    let bundles = world.bundles().await;
    let text = &bundles[0].text;
    let whole = format!("{}{text}", world.place.settings.engine.signature);
    assert_eq!(crate::code::sms::size(&whole).parts, 2, "{whole}");
    assert!(text.starts_with("300 laporan lagi"), "{text}");
    assert!(text.contains("kasus lagi"), "{text}");
}

#[tokio::test]
async fn an_urgent_case_is_not_held_with_the_others() {
    let world = World::new().await;
    for n in 1..=8 {
        world.say(PELSA, &format!("U mc sp {n} 72060202"), 0).await;
    }
    let urgent = world.say(PELSA, "P GG AJ 1 72060202", 0).await;
    assert_eq!(World::told(&urgent).0, [PARAVET, VET, ENGLISH]);
    // Past the second rate they are held too, for a shorter time.
    let before = "INSERT INTO alert (id, message, person, channel)
                  SELECT gen_random_uuid(), gen_random_uuid(), c.person, 'console'
                  FROM contact c, generate_series(1, 20) WHERE c.address = '+6281234567893'";
    world.run(before).await;
    let urgent = world.say(PELSA, "P GG AJ 2 72060202", 0).await;
    assert_eq!(World::told(&urgent).0, [PARAVET, ENGLISH]);
    let soon =
        "SELECT count(*) FROM alert WHERE urgent AND held_until < now() + interval '3 minutes'";
    assert_eq!(world.number(soon).await, 1);
    let bundles = world.bundles().await;
    let vet = bundles.iter().find(|a| a.address == VET).expect("told");
    assert!(vet.text.contains("U 3, P 1"), "{}", vet.text);
}

#[tokio::test]
async fn two_processors_tell_what_is_held_once() {
    let world = World::new().await;
    for n in 1..=7 {
        world.say(PELSA, &format!("U mc sp {n} 72060202"), 0).await;
    }
    world.say(PELSA, "P GG AJ 1 72060202", 0).await;
    world.run("UPDATE alert SET held_until = now() WHERE sent_at IS NULL; UPDATE alert_watch SET due_at = now()").await;
    let (mut one, mut other) = (world.place.db.client().await, world.place.db.client().await);
    let (one, other) = (begin(&mut one).await, begin(&mut other).await);
    let zone = TimeZone::UTC;
    let first = world
        .engine
        .bundle_due(&one, &zone, &[])
        .await
        .expect("the server answers")
        .expect("nothing is wrong");
    assert!(matches!(first, Look::Tell(_)));
    let second = world
        .engine
        .bundle_due(&other, &zone, &[])
        .await
        .expect("the server answers")
        .expect("nothing is wrong");
    assert!(matches!(second, Look::Done), "the first one sees to it");
    let raised = world.engine.raise_due(&one, &zone, &[]).await;
    assert!(matches!(raised, Ok(Some(Ok(_)))), "{raised:?}");
    let raised = world.engine.raise_due(&other, &zone, &[]).await;
    assert!(matches!(raised, Ok(None)), "{raised:?}");
    // What crashed before its commit is done by the next, as soon as the server has noticed.
    drop(one);
    let taken_over = async {
        loop {
            let look = world.engine.bundle_due(&other, &zone, &[]).await;
            let look = look.expect("the server answers");
            if matches!(look, Ok(Look::Tell(_))) {
                break;
            }
        }
    };
    let limit = std::time::Duration::from_secs(30);
    let in_time = tokio::time::timeout(limit, taken_over).await;
    in_time.expect("the next one takes over");
}

#[tokio::test]
async fn whoever_was_told_hears_that_it_was_taken_back() {
    let world = World::new().await;
    world.say(PELSA, "U mc sp 4 72060202", 5).await;
    let answer = world.say(PELSA, "H", 0).await;
    let (numbers, text) = World::told(&answer);
    assert_eq!(numbers, [PARAVET, VET, ENGLISH]);
    assert!(
        text.starts_with("[ID kasus 1] Kasus ini sudah dihapus oleh pelapornya"),
        "{text}"
    );
    for text in ["R 1 TLP COC", "PK 1 SB", "LAPK 1", "OK 1"] {
        let refused = world.say(VET, text, 0).await;
        assert_eq!(refused.outcome, "withdrawn_case", "{text}");
        assert_eq!(refused.text, "Kasus 1 sudah dihapus oleh pelapornya.");
    }
    // Of another message of a case only those hear who were told of that.
    world.say(PELSA, "U dm sp 4 72060202", 4).await;
    world.say(VET, "PK 2 SB", 3).await;
    let answer = world.say(VET, "H", 0).await;
    let (numbers, text) = World::told(&answer);
    assert_eq!(numbers, [COORDINATOR]);
    assert!(text.contains("menghapus pesannya: PK 2 SB"), "{text}");
}

#[tokio::test]
async fn a_held_alert_about_a_case_that_was_taken_back_says_so() {
    let world = World::new().await;
    for n in 1..=7 {
        world
            .say(PELSA, &format!("U mc sp {n} 72060202"), 10 - n)
            .await;
    }
    assert_eq!(
        World::told(&world.say(PELSA, "H", 0).await).0.len(),
        0,
        "held as well"
    );
    let bundles = world.bundles().await;
    let text = &bundles
        .iter()
        .find(|a| a.address == VET)
        .expect("told")
        .text;
    assert!(
        text.starts_with("1 laporan lagi sejak ") && text.contains("ID 6."),
        "{text}"
    );
    assert!(text.ends_with("Sudah dihapus: ID 7."), "{text}");
}

#[tokio::test]
async fn when_nobody_of_a_circle_can_be_reached_the_next_level_is_told() {
    let world = World::new().await;
    let silent =
        "UPDATE contact SET state = 'suppressed', state_reason = 'hard_bounce', state_since = now()
                  WHERE person IN (SELECT id FROM person WHERE user_type IN ('VET', 'PMD'))";
    world.run(silent).await;
    for text in ["U mc sp 4 72060202", "P GG AJ 1 72060202"] {
        let answer = world.say(PELSA, text, 0).await;
        assert_eq!(World::told(&answer).0, [COORDINATOR], "{text}");
    }
    // The clock goes past those who cannot be reached as well.
    let step = world.step().await;
    assert_eq!(step.len(), 1);
    assert_eq!(step[0].0, COORDINATOR);
}

#[tokio::test]
async fn what_is_held_waits_for_a_contact_and_not_for_who_has_left() {
    let world = World::new().await;
    for n in 1..=6 {
        world.say(PELSA, &format!("U mc sp {n} 72060202"), 0).await;
    }
    let state = |state: &str| {
        format!(
        "UPDATE contact SET state = '{state}', state_reason = CASE WHEN '{state}' <> 'ok' THEN 'x' END,
                state_since = CASE WHEN '{state}' <> 'ok' THEN now() END
         WHERE person = (SELECT id FROM person WHERE name = 'Vet Demo English');")
    };
    let left = "UPDATE person SET state = 'left' WHERE name = 'Paramedik Demo'";
    world.run(&(state("suppressed") + left)).await;
    let bundles = world.bundles().await;
    let numbers: Vec<&str> = bundles.iter().map(|a| a.address.as_str()).collect();
    assert_eq!(numbers, [VET]);
    let waits = "SELECT count(*) FROM alert WHERE sent_at IS NULL";
    assert_eq!(
        world.number(waits).await,
        1,
        "for the one who may get a contact again"
    );
    world.run(&state("ok")).await;
    assert_eq!(world.bundles().await[0].address, ENGLISH);
}

#[tokio::test]
async fn the_staff_of_an_infrastructure_and_those_of_a_case_are_circles() {
    let world = World::new().await;
    world.say(PELSA, "U mc sp 4 72060202", 0).await;
    let lab =
        "INSERT INTO report (id, code, sender, case_id, sent_at, received_at, message_id, fields)
               SELECT gen_random_uuid(), 'LAB', person, 1, now(), now(), gen_random_uuid(), '{}'
               FROM contact WHERE address = '+6281234567892'";
    world.run(lab).await;
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let found = async |source| {
        let found = rows::found(&tx, source).await.expect("the server answers");
        let names = found.reachable.iter().map(|r| r.person.name.clone());
        names.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(found(rows::Source::Reporter(1)).await, "Pelsa Demo Satu");
    assert_eq!(
        found(rows::Source::Sender(1, "LAB")).await,
        "Paramedik Demo"
    );
    assert_eq!(found(rows::Source::Sender(1, "R")).await, "");
    let told = "Paramedik Demo, Dokter Hewan Demo, Vet Demo English";
    assert_eq!(found(rows::Source::Told(1, None)).await, told);
    assert_eq!(found(rows::Source::Staff(0)).await, "", "no staff");
}

#[tokio::test]
async fn a_closed_case_elsewhere_is_not_changed_by_a_slip() {
    let world = World::new().await;
    world.say(PELSA, "U mc sp 4 72060202", 9).await;
    world.say(VET, "PK 1 SB", 8).await;
    let slip = world.say(TWO, "PK 1 MT", 7).await;
    assert_eq!(slip.outcome, "closed_case_elsewhere", "{}", slip.text);
    assert_eq!(world.case(1).await, ("closed".into(), "SB".into()));
    // Whoever answers for the place corrects it, and so does who reported about it before.
    assert_eq!(world.say(PARAVET, "PK 1 MS", 6).await.outcome, "stored");
    assert_eq!(
        world.say(TWO, "PK 1 MT", 5).await.outcome,
        "stored",
        "it was open"
    );
    assert_eq!(
        world.say(TWO, "PK 1 SB", 4).await.outcome,
        "stored",
        "it is theirs now"
    );
}

#[tokio::test]
async fn a_laboratory_result_by_text_is_told_to_who_took_the_samples() {
    let world = World::new().await;
    world.say(PELSA, "U mc,dm sp 4", 9).await;
    let first = world.say(LAB, "HLAB 1 1 FES SG PAR APG POS COC", 8).await;
    let words = "[ID kasus 1] Hasil lab dari Petugas Lab Demo: uji apung positif (koksidiosis)";
    assert_eq!(World::told(&first), (vec![PELSA], words), "nobody else");
    let sent = world.say(PARAVET, SAMPLES, 7).await;
    assert_eq!(sent.outcome, "stored", "{}", sent.text);
    let second = world.say(LAB, "HLAB 1 2 FES SG PAR APG NEG", 6).await;
    let words = "[ID kasus 1] Hasil lab dari Petugas Lab Demo: uji apung negatif";
    assert_eq!(World::told(&second), (vec![PARAVET], words));
}
