//! Old originals decided again (M10): what was refused for our fault is stored late, and nothing
//! has its effect twice.

use kentongan_tests::both_homes;
use kentongan_tests::world::{Build, Mail, Place, people};

both_homes! {
    what_was_refused_for_a_missing_word_is_stored_late_and_once,
    a_mail_that_came_to_nothing_is_read_anew_from_its_original,
}

async fn what_was_refused_for_a_missing_word_is_stored_late_and_once(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    world.text(people::PELSA, "U MC SP 4").await;
    let refused = world.text(people::PELSA, "U XKB SP 4").await;
    assert!(refused.contains("XKB bukan tanda"), "{refused}");
    // The vet could not wait and reported the same with a word that there was.
    world.text(people::VET_ENGLISH, "U XKB SP 9").await;
    world.text(people::VET_ENGLISH, "U KBG SP 9").await;
    let add = "INSERT INTO list_entry (list, code, name_id, name_en, source, position)
               VALUES ('sign', 'XKB', 'kembung kiri', 'bloat, left', 'test', 9999)";
    world.run(add).await;

    // The reporter has got another number since.
    let moved = "UPDATE contact SET address = '+6281277770000' WHERE address = '+6281234567890'";
    world.run(moved).await;
    let since = ["rerun", "--from", "2020-01-01"];
    let looked = world.ctl(&[&since[..], &["--dry-run"]].concat(), b"").await;
    assert!(looked.code == 0, "{looked:?}");
    assert!(
        looked.out.contains("stored now: Terima kasih."),
        "{looked:?}"
    );
    assert!(
        looked.out.contains("sent right since: U KBG SP 9"),
        "{looked:?}"
    );
    assert!(looked.err.contains("1 would be stored"), "{looked:?}");
    assert_eq!(world.number("SELECT count(*) FROM report").await, 2);

    let reason = ["--yes", "--reason", "the sign was missing"];
    for (stored, cases) in [("1 stored and answered", 3), ("0 would be stored", 3)] {
        let done = world.ctl(&[&since[..], &reason].concat(), b"").await;
        assert!(done.err.contains(stored), "{done:?}");
        assert_eq!(
            world.number("SELECT count(*) FROM disease_case").await,
            cases
        );
    }
    let late = "SELECT count(*) FROM report r JOIN message m ON m.id = r.message_id
                WHERE r.fields -> 'sign' ? 'XKB' AND r.sent_at = m.sent_at AND m.outcome = 'stored'";
    assert_eq!(world.number(late).await, 1, "as of the time it was sent");
    let record = "SELECT count(*) FROM operator_action_message";
    assert_eq!(world.number(record).await, 1);
    kentongan_tests::world::until("the late answer is on its way", async || {
        world.hear().await;
        let heard = world.heard().iter();
        heard
            .filter(|sms| sms.message.text.contains("kembung kiri"))
            .count()
            == 1
    })
    .await;
}

async fn a_mail_that_came_to_nothing_is_read_anew_from_its_original(place: Place) {
    let world = Build::new(place).with_processor().await;
    let mail = Mail::from("new.vet@example.org").body("PNEG\n");
    let id = world.post(&mail).await;
    assert_eq!(world.fate(id).await.outcome, "unknown_sender");
    let known =
        "UPDATE contact SET address = 'new.vet@example.org' WHERE address = 'vet@example.org'";
    world.run(known).await;
    let args = [
        "rerun",
        "--from",
        "2020-01-01",
        "--mails",
        "--yes",
        "--reason",
        "registered late",
    ];
    for queued in ["1 queued", "0 mails came to nothing"] {
        let done = world.ctl(&args, b"").await;
        assert!(done.err.contains(queued), "{done:?}");
        let read = "SELECT count(*) > 0 FROM mail WHERE outcome IN ('answered', 'held')";
        world.until_true(read).await;
    }
}
