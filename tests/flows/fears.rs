//! Fears, by their numbers in FAILURES: what goes wrong in queues and workers, done to the true
//! binaries.

use common::envelope::Envelope;
use common::messages::{Message, TextInput};
use jiff::Timestamp;
use kentongan_tests::both_homes;
use kentongan_tests::servers::proxy::Fault;
use kentongan_tests::world::{Build, Ended, Place, Standstill, World, people, sms, until};
use std::time::Duration;
use uuid::Uuid;

both_homes! {
    q1_a_lease_shorter_than_the_work_is_renewed,
    q5_two_who_hold_one_message_have_one_effect,
    q7_a_retry_is_no_copy_and_ends_in_the_dead_letters_with_its_reason,
    q8_a_queue_without_dead_letters_or_none_at_all_is_refused_at_start,
    q9_a_message_that_kills_the_process_is_buried_and_takes_nobody_with_it,
    q14_what_is_in_hand_at_sigterm_is_finished,
    q14_what_takes_longer_than_the_stop_may_is_handed_back_at_once,
    q16_q26_bad_bodies_are_buried_at_once_and_good_ones_beside_them_answered,
    q16_what_cannot_be_kept_takes_nobody_of_its_batch_with_it,
    q28_a_newer_version_is_buried_and_an_unknown_field_ignored,
}

const IN_HAND: &str = "SELECT count(*) > 0 FROM attempt";

async fn q1_a_lease_shorter_than_the_work_is_renewed(place: Place) {
    let build = Build::new(place).with("frame.lease_s", 2);
    let mut world = build.with_processor().await;
    // Somebody else is there who would take it.
    world.start("processor").await;
    let still = Standstill::begin(&world).await;
    let id = world.send(people::VET, "U MC SP 4").await;
    // Time is what this is about: more than two leases pass.
    world
        .until_true("SELECT coalesce(max(at) < now() - interval '5 s', false) FROM attempt")
        .await;
    let begun = "SELECT max(begun)::bigint FROM attempt";
    assert_eq!(world.number(begun).await, 1, "nobody else took it");
    still.end().await;
    world.answer_to(id).await;
    world.until_empty("text-input").await;
    assert_eq!(one_effect(&mut world).await, 1);
}

async fn q5_two_who_hold_one_message_have_one_effect(place: Place) {
    let build = Build::new(place).with("frame.lease_s", 2);
    let mut world = build.with_processor().await;
    let still = Standstill::begin(&world).await;
    let id = world.send(people::VET, "U MC SP 4").await;
    world.until_true(IN_HAND).await;
    // The first is frozen, as a machine that swaps: its lease ends, and another one takes over.
    world.processes[0].signal("STOP");
    world.start("processor").await;
    world.until_true("SELECT max(begun) = 2 FROM attempt").await;
    still.end().await;
    world.processes[0].signal("CONT");
    world.answer_to(id).await;
    world.until_empty("text-input").await;
    assert_eq!(one_effect(&mut world).await, 1);
    for at in [0, 1] {
        assert_eq!(
            world.processes[at].terminate().await,
            Ended(0),
            "a refused receipt ends nobody"
        );
    }
}

async fn q7_a_retry_is_no_copy_and_ends_in_the_dead_letters_with_its_reason(place: Place) {
    let build = Build::new(place).with("frame.max_receives", 4);
    let mut world = build.with("frame.retry_most_s", 1.0).with_processor().await;
    let mut mail = common::messages::EmailInput {
        blob: "incoming/nowhere".into(),
        recipients: Vec::new(),
        sender: None,
        received_at: Timestamp::now(),
        verdicts: None,
        client_ip: None,
        client_name: None,
        confirmed: None,
    };
    let lost = Envelope::first(Uuid::now_v7(), &mail, Timestamp::now());
    mail.blob = "incoming/late".into();
    let late = Envelope::first(Uuid::now_v7(), &mail, Timestamp::now());
    world.put("email-input", &[lost.clone(), late]).await;
    world.processes[0].wait_for("Will try again").await;
    // A notice may overtake its object: this one is found by a later try.
    let raw = b"From: somebody@example.org\r\nAuto-Submitted: auto-replied\r\n\r\nx\r\n";
    world
        .blobs
        .put("incoming/late", raw)
        .await
        .expect("it is kept");
    let dead = world.until_dead("email-input", 1).await;
    let envelope = Envelope::open(dead[0].body.as_bytes()).expect("its body is as it was");
    assert_eq!(envelope.id, lost.id);
    let reason = dead[0].reason.clone().unwrap_or_default();
    assert!(reason.contains("received 4 times"), "{reason}");
    assert!(reason.contains("not in the blob store"), "{reason}");
    world.until_empty("email-input").await;
    assert_eq!(
        world.texts("SELECT blob FROM mail").await,
        ["incoming/late"]
    );
    if place == Place::Aws {
        // One to the dead letters; none back onto its own queue.
        assert_eq!(world.proxy().count("SendMessage"), 1);
    }
}

async fn q8_a_queue_without_dead_letters_or_none_at_all_is_refused_at_start(place: Place) {
    let mut world = Build::new(place).make().await;
    match place {
        Place::OneBox => world.run("UPDATE queue_name SET dead = NULL").await,
        Place::Aws => world.remove_redrive("text-input").await,
    }
    let at = world.launch("processor");
    assert_eq!(world.processes[at].ended().await, Ended(1));
    let said = world.processes[at].said();
    assert!(
        said.contains("`text-input` has no redrive policy"),
        "{said}"
    );
    assert!(
        said.contains("kentongan queues create"),
        "the remedy: {said}"
    );
    world.change_settings("prefix", "nobodys");
    let at = world.launch("processor");
    assert_eq!(world.processes[at].ended().await, Ended(1));
    let said = world.processes[at].said();
    assert!(said.contains("`text-input` does not exist"), "{said}");
}

async fn q9_a_message_that_kills_the_process_is_buried_and_takes_nobody_with_it(place: Place) {
    let build = Build::new(place)
        .with("frame.lease_s", 1)
        .with("frame.max_crashes", 3);
    let mut world = build.make().await;
    // It is in one batch with others, who do nothing wrong.
    let ids = world
        .send_all(&[text("U MC SP 1"), text("U MC SP 2"), text("U MC SP 3")])
        .await;
    let message = format!("INSERT INTO killer VALUES ('{}')", ids[0]);
    world.run(KILLER).await;
    world.run(&message).await;
    for _ in 0..20 {
        let at = world.start("processor").await;
        // The killer lies in wait where the handler writes; who waits there is killed.
        until("the poison to be in hand, or gone", async || {
            world.rows(AT_WORK).await[0].get(0) || !world.dead("text-input").await.is_empty()
        })
        .await;
        if !world.dead("text-input").await.is_empty() {
            break;
        }
        world.processes[at].kill().await;
        world.run(FREE).await;
        world.until_true(FREED).await;
    }
    let dead = world.until_dead("text-input", 1).await;
    let envelope = Envelope::open(dead[0].body.as_bytes()).expect("its body is as it was");
    assert_eq!(envelope.id, ids[0], "the poison, and nobody else");
    let reason = dead[0].reason.clone().unwrap_or_default();
    assert_eq!(reason, "began 3 times and never ended");
    world.until_answered(&ids[1..]).await;
    world.until_empty("text-input").await;
    assert_eq!(world.number("SELECT count(*) FROM report").await, 2);
}

/// Whoever writes down what became of a certain text stands still there.
const KILLER: &str = "
    CREATE TABLE killer (id uuid);
    CREATE FUNCTION lie_in_wait() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM killer WHERE id = NEW.message_id) THEN
            PERFORM pg_sleep(600);
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER lie_in_wait BEFORE INSERT ON report FOR EACH ROW EXECUTE FUNCTION lie_in_wait()";
const AT_WORK: &str = "SELECT count(*) > 0 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'";
const FREE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'";
const FREED: &str = "SELECT count(*) = 0 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'";

async fn q14_what_is_in_hand_at_sigterm_is_finished(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    let still = Standstill::begin(&world).await;
    let id = world.send(people::VET, "U MC SP 4").await;
    world.until_true(IN_HAND).await;
    world.processes[0].signal("TERM");
    world.processes[0].wait_for("Told to stop").await;
    let later = world.send(people::VET, "U MC SP 5").await;
    still.end().await;
    assert_eq!(world.processes[0].ended().await, Ended(0));
    world.answer_to(id).await;
    // A poll that was under way may have brought it in time.
    world.start("processor").await;
    world.answer_to(later).await;
    world.until_empty("text-input").await;
    assert_eq!(world.number("SELECT count(*) FROM report").await, 2);
    world.nothing_dead().await;
}

async fn q14_what_takes_longer_than_the_stop_may_is_handed_back_at_once(place: Place) {
    // A lease that this test will not see the end of.
    let build = Build::new(place)
        // The stand-in goes on with a poll whose client has gone; a short one is over by then.
        .with("frame.poll_s", 1)
        .with("frame.lease_s", 600)
        .with("frame.stop_budget_s", 1);
    let mut world = build.with_processor().await;
    let still = Standstill::begin(&world).await;
    let id = world.send(people::VET, "U MC SP 4").await;
    world.until_true(IN_HAND).await;
    assert_eq!(world.processes[0].terminate().await, Ended(0));
    assert!(
        world.processes[0]
            .said()
            .contains("Handed back what was not finished")
    );
    still.end().await;
    world.start("processor").await;
    world.answer_to(id).await;
    world.until_empty("text-input").await;
    assert_eq!(one_effect(&mut world).await, 1);
}

async fn q16_q26_bad_bodies_are_buried_at_once_and_good_ones_beside_them_answered(place: Place) {
    let mut world = Build::new(place).make().await;
    let good = text("U MC SP 4");
    let envelope = Envelope::first(good.id(), &good, Timestamp::now());
    let whole = envelope.to_json();
    let bad = [
        "no JSON at all".to_owned(),
        r#"{"Records":[]}"#.to_owned(),
        whole[..whole.len() - 9].to_owned(),
        whole.replace(TextInput::KIND, "text-unheard-of"),
        whole.replace(r#""from""#, r#""form""#),
        whole.replace(r#""text":"U MC SP 4""#, r#""text":[4]"#),
        "[".repeat(5000),
        "\u{fffd}\u{202e}<xml/>".to_owned(),
    ];
    for body in &bad {
        world.put_raw("text-input", body).await;
    }
    world.put("text-input", &[envelope]).await;
    // All of them wait when it starts: they share a batch.
    world.start("processor").await;
    world.answer_to(good.id()).await;
    let dead = world.until_dead("text-input", bad.len()).await;
    for body in &bad {
        let letter = dead.iter().find(|m| m.body == *body);
        let reason = letter.expect("the raw body is kept").reason.clone();
        assert!(!reason.unwrap_or_default().is_empty(), "it says why");
    }
    world.until_empty("text-input").await;
    let said = world.processes[0].said();
    assert!(!said.contains("Will try again"), "at once: {said}");
    assert!(!said.contains("081234567"), "no number in the log: {said}");
    assert_eq!(one_effect(&mut world).await, 1);
}

async fn q16_what_cannot_be_kept_takes_nobody_of_its_batch_with_it(place: Place) {
    let build = Build::new(place).with("frame.max_receives", 3);
    let mut world = build.with("frame.retry_base_s", 0.1).make().await;
    world
        .run(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF NEW.text LIKE '% 13' THEN RAISE 'refused on purpose'; END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON message
                 FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    let all: Vec<_> = (1..=20).map(|n| text(&format!("U MC SP {n}"))).collect();
    let ids = world.send_all(&all).await;
    // All of them wait when it starts: they share a batch.
    world.start("processor").await;
    let dead = world.until_dead("text-input", 1).await;
    let reason = dead[0].reason.clone().unwrap_or_default();
    assert!(reason.contains("refused on purpose"), "{reason}");
    for id in ids
        .iter()
        .filter(|id| !dead[0].body.contains(&id.to_string()))
    {
        world.answer_to(*id).await;
    }
    world.until_empty("text-input").await;
    world.hear().await;
    assert_eq!(world.heard().len(), 19, "one answer each");
    for kept in ["message", "report", "disease_case"] {
        let rows = world.number(&format!("SELECT count(*) FROM {kept}")).await;
        assert_eq!(rows, 19, "of `{kept}`");
    }
}

/// Only a queue that keeps the order can show it: on SQS texts overtake each other anyway.
#[tokio::test]
async fn texts_that_share_a_batch_are_decided_in_their_senders_order() {
    let mut world = Build::new(Place::OneBox).with_processor().await;
    world.text(people::VET, "U MC SP 7").await;
    let case = world.number("SELECT max(id) FROM disease_case").await;
    // What is sent now waits for the next processor: it shares a batch.
    assert_eq!(world.processes[0].terminate().await, Ended(0));
    let words = [
        "U MC SP 4".to_owned(),
        "H".to_owned(),
        // No repetition: the first was taken back.
        "U MC SP 4".to_owned(),
        format!("PK {case} SB"),
        "H".to_owned(),
        // The case is open again.
        format!("R {case} TLP COC"),
        "U MC SP 9".to_owned(),
    ];
    let mut all = Vec::new();
    for (n, words) in words.iter().enumerate() {
        all.push(sms(people::VET, words, Some(&n.to_string())));
        let other = sms(people::PELSA, &format!("U MC SP 1{n}"), Some("x"));
        all.push(TextInput {
            channel_id: Some(format!("x{n}")),
            ..other
        });
    }
    world.send_all(&all).await;
    world.start("processor").await;
    world.until_empty("text-input").await;
    let decided = |who: &str| {
        format!(
            "SELECT channel_id || ' ' || outcome FROM message WHERE channel_id ~ '^{who}[0-9]$'
             ORDER BY decided_at"
        )
    };
    let stored = |who: &str| {
        (0..words.len())
            .map(|n| format!("{who}{n} stored"))
            .collect()
    };
    for who in ["", "x"] {
        let in_order: Vec<String> = stored(who);
        assert_eq!(world.texts(&decided(who)).await, in_order);
    }
    let open = "SELECT count(*) FROM disease_case WHERE state = 'open'";
    assert_eq!(
        world.number(open).await,
        10,
        "3 of the vet's, 7 of the other's"
    );
}

async fn q28_a_newer_version_is_buried_and_an_unknown_field_ignored(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    let one = text("U MC SP 4");
    let envelope = Envelope::first(one.id(), &one, Timestamp::now()).to_json();
    let newer = envelope.replace(r#""version":1"#, r#""version":77"#);
    world.put_raw("text-input", &newer).await;
    let dead = world.until_dead("text-input", 1).await;
    assert_eq!(dead[0].body, newer);
    let reason = dead[0].reason.clone().unwrap_or_default();
    assert!(reason.contains("v77 is unknown here"), "{reason}");
    let further = envelope.replace(r#""channel":"#, r#""colour":"red","channel":"#);
    assert_ne!(further, envelope);
    world.put_raw("text-input", &further).await;
    world.answer_to(one.id()).await;
}

#[tokio::test]
async fn q17_entries_that_sqs_refuses_are_sent_and_deleted_again() {
    let mut world = Build::new(Place::Aws).with_processor().await;
    let refused = || Fault::RefuseEntries(vec![0, 2]);
    world.proxy().fault("SendMessageBatch", 4, refused());
    world.proxy().fault("DeleteMessageBatch", 4, refused());
    let texts: Vec<TextInput> = (1..=30).map(|n| text(&format!("U MC SP {n}"))).collect();
    let ids = world.send_all(&texts).await;
    world.until_answered(&ids).await;
    world.until_empty("text-input").await;
    world.until_true("SELECT count(*) = 0 FROM outbox").await;
    world.hear().await;
    assert_eq!(world.heard().len(), 30, "each once");
    assert_eq!(world.number("SELECT count(*) FROM report").await, 30);
    world.nothing_dead().await;
}

#[tokio::test]
async fn q21_a_poll_that_never_returns_is_cut() {
    let mut world = Build::new(Place::Aws)
        .with("frame.poll_s", 1)
        .with_processor()
        .await;
    world.proxy().fault("ReceiveMessage", 2, Fault::Silence);
    until("two polls that are not answered", async || {
        world.processes[0]
            .said()
            .matches("did not return within")
            .count()
            >= 2
    })
    .await;
    let answer = world.text(people::VET, "U MC SP 4").await;
    assert!(answer.contains("[ID kasus 1]"));
    world.nothing_dead().await;
}

#[tokio::test]
async fn q23_what_a_crash_left_unsaid_is_sent_by_the_next() {
    let mut world = Build::new(Place::Aws).with_processor().await;
    let refused = Fault::Refuse(503, "ServiceUnavailable");
    world.proxy().fault("SendMessageBatch", usize::MAX, refused);
    let id = world.send(people::VET, "U MC SP 4").await;
    world.until_true("SELECT count(*) = 1 FROM outbox").await;
    world.processes[0].kill().await;
    assert_eq!(world.number("SELECT count(*) FROM report").await, 1);
    world.proxy().heal();
    assert_eq!(world.hear().await, 0, "it was not said");
    world.start("processor").await;
    world.answer_to(id).await;
    world.until_true("SELECT count(*) = 0 FROM outbox").await;
    world.until_empty("text-input").await;
    assert_eq!(one_effect(&mut world).await, 1);
}

#[tokio::test]
async fn q3_a_renewal_that_is_lost_costs_nothing() {
    let build = Build::new(Place::Aws).with("frame.lease_s", 2);
    let mut world = build.with_processor().await;
    let refused = Fault::Refuse(500, "InternalError");
    world
        .proxy()
        .fault("ChangeMessageVisibilityBatch", usize::MAX, refused);
    let still = Standstill::begin(&world).await;
    let id = world.send(people::VET, "U MC SP 4").await;
    until("renewals that fail", async || {
        world.processes[0]
            .said()
            .contains("Leases were not renewed")
    })
    .await;
    world.proxy().heal();
    still.end().await;
    world.answer_to(id).await;
    world.until_empty("text-input").await;
    assert_eq!(one_effect(&mut world).await, 1);
    assert!(
        world.processes[0].is_running(),
        "a failed renewal is an event, not a crash"
    );
}

#[tokio::test]
async fn q29_after_a_failover_the_new_primary_is_found_without_a_restart() {
    let mut world = Build::new(Place::OneBox).standby().with_processor().await;
    world.text(people::VET, "U MC SP 4").await;
    world.demote().await;
    // The old one answers still, and refuses to write.
    let id = world.send(people::VET, "U MC SP 5").await;
    world.answer_to(id).await;
    assert_eq!(world.number("SELECT count(*) FROM report").await, 2);
    // At last it goes altogether.
    world.postgres().kill();
    world.text(people::VET, "U MC SP 6").await;
    world.nothing_dead().await;
    assert!(world.processes[0].is_running());
}

/// A text with an id of the channel's own.
fn text(text: &str) -> TextInput {
    sms(people::VET, text, Some(&Uuid::new_v4().to_string()))
}

/// Rows, after making sure that there is one answer and nothing dead.
async fn one_effect(world: &mut World) -> i64 {
    // Whoever would answer twice has done it when its queue is empty and it idles.
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.hear().await;
    assert_eq!(world.heard().len(), 1, "one answer");
    world.number("SELECT count(*) FROM report").await
}
