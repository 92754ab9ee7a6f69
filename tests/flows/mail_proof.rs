//! Whose mail is it? What is proven is carried out; what is not is held, and the registered person
//! is asked; strangers are told once a day.

use common::mail::Letter;
use common::mail::token::{Purpose, Signer};
use jiff::Timestamp;
use kentongan_tests::both_homes;
use kentongan_tests::world::{Build, Mail, Place, World};
use uuid::Uuid;

both_homes! {
    m25_a_mail_that_nobody_vouches_for_waits_for_its_person_and_is_carried_out_once,
    m25_a_token_confirms_for_its_person_alone_and_not_for_ever,
    m3_an_automatic_answer_that_quotes_the_token_confirms_nothing,
    m26_the_token_and_not_the_subject_says_which_mail_is_meant,
    a_stranger_is_told_once_a_day_and_only_when_the_address_is_proven,
}

const PELSA: &str = "pelsa@example.org";
const VET: &str = "vet@example.org";

/// A mail of the vet's that nobody vouches for; its id, and what the vet is asked.
async fn held(world: &World, text: &str) -> (Uuid, Letter) {
    let mail = Mail::from(VET).subject("Penting").body(text).unproven();
    let id = world.post(&mail).await;
    let fate = world.fate(id).await;
    assert_eq!(
        (fate.outcome.as_str(), fate.reason.as_str()),
        ("held", "dmarc_failed")
    );
    let asked = world
        .letter(fate.answer.expect("the person is asked"))
        .await;
    assert_eq!(asked.heading.to[0].address, VET);
    (id, asked)
}

async fn reports(world: &World) -> i64 {
    world.number("SELECT count(*) FROM report").await
}

async fn m25_a_mail_that_nobody_vouches_for_waits_for_its_person_and_is_carried_out_once(
    place: Place,
) {
    let world = Build::new(place).with_daemons().await;
    let (id, asked) = held(&world, "U MC,DM SP 4\r\nCKT kembung").await;
    assert_eq!(reports(&world).await, 0);
    for words in [
        "Benarkah surel ini dari Anda",
        "Judul: Penting",
        "Perintah: 2",
        "WIB",
    ] {
        let found = asked.text.contains(words) || asked.heading.subject.contains(words);
        assert!(found, "{words}: {}", asked.text);
    }
    assert!(
        asked.heading.in_reply_to.is_empty(),
        "nothing of the mail goes into its headers"
    );
    // The answer is as little proven as the mail was: the token is the proof.
    let answer = Mail::from(VET).answers(&asked, "").unproven();
    let confirmed = world.fate_of(&answer).await;
    assert_eq!(confirmed.outcome, "confirmation");
    let letter = world.letter(confirmed.answer.expect("an answer")).await;
    assert!(letter.text.contains("> U MC,DM SP 4"), "{}", letter.text);
    assert!(letter.text.contains("[ID kasus 1]"), "{}", letter.text);
    assert!(letter.text.contains("> CKT kembung"), "{}", letter.text);
    assert_eq!(world.fate(id).await.outcome, "confirmed");
    // A second answer, another mail, does nothing more; the same one handed in again neither.
    let again = Mail::from(VET).answers(&asked, "ya, benar").unproven();
    assert_eq!(world.fate_of(&again).await.outcome, "confirmation_again");
    world.post(&answer).await;
    world.until_quiet().await;
    assert_eq!(reports(&world).await, 1);
    let held = "SELECT count(*) FROM message WHERE outcome = 'held'";
    assert_eq!(world.number(held).await, 0);
    world.nothing_dead().await;
}

async fn m25_a_token_confirms_for_its_person_alone_and_not_for_ever(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let (id, asked) = held(&world, "U MC,DM SP 4").await;
    // Somebody else, though registered and proven, and somebody whom nobody knows.
    let other = world.fate_of(&Mail::from(PELSA).answers(&asked, "")).await;
    assert_eq!(other.outcome, "nothing");
    let nobody = Mail::from("nobody@example.org").answers(&asked, "");
    assert_eq!(world.fate_of(&nobody).await.outcome, "unknown_sender");
    // Forged: another key, or a letter changed.
    let until = Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let stranger = Signer::new(&[[7; 32]]).expect("a key");
    let forged = stranger.sign(Purpose::Confirm, id.as_bytes(), until);
    let mail = Mail::from(VET).body(format!("[{forged}]")).unproven();
    assert_eq!(world.fate_of(&mail).await.outcome, "nothing");
    // Ours, for another purpose: every answer of ours carries one.
    let keys = std::fs::read_to_string(&world.settings.secrets.token_keys_file).expect("keys");
    let ours = Signer::new(&[keys.trim()]).expect("a key");
    let past = Timestamp::now() - jiff::SignedDuration::from_secs(1);
    for (purpose, mail, end, outcome) in [
        (Purpose::Trace, id, until, "nothing"),
        (Purpose::Confirm, id, past, "confirmation_late"),
        (Purpose::Confirm, Uuid::now_v7(), until, "nothing"),
    ] {
        let token = ours.sign(purpose, mail.as_bytes(), end);
        let mail = Mail::from(VET).body(format!("[{token}]")).unproven();
        assert_eq!(world.fate_of(&mail).await.outcome, outcome);
    }
    assert_eq!(
        (reports(&world).await, world.fate(id).await.outcome),
        (0, "held".into())
    );
    // Too late by the row, though the token itself is good.
    world
        .run("UPDATE mail SET held_until = now() - interval '1 second' WHERE outcome = 'held'")
        .await;
    let late = world.fate_of(&Mail::from(VET).answers(&asked, "")).await;
    assert_eq!(late.outcome, "confirmation_late");
    let letter = world.letter(late.answer.expect("an answer")).await;
    assert!(letter.text.contains("kirim lagi"), "{}", letter.text);
    assert_eq!(reports(&world).await, 0);
    world.nothing_dead().await;
}

async fn m3_an_automatic_answer_that_quotes_the_token_confirms_nothing(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let (id, asked) = held(&world, "U MC,DM SP 4").await;
    for (name, value, reason) in [
        ("Auto-Submitted", "auto-replied", "auto_submitted"),
        ("X-Autoreply", "yes", "auto_reply"),
        ("Precedence", "bulk", "bulk"),
        (
            "Subject",
            "Balasan otomatis: Benarkah surel ini dari Anda?",
            "auto_reply_subject",
        ),
    ] {
        let away = Mail::from(VET)
            .answers(&asked, "Saya sedang cuti.")
            .field(name, value);
        let fate = world.fate_of(&away).await;
        assert_eq!(
            (fate.outcome.as_str(), fate.reason.as_str()),
            ("not_answered", reason)
        );
        assert_eq!(fate.answer, None);
    }
    assert_eq!(
        (reports(&world).await, world.fate(id).await.outcome),
        (0, "held".into())
    );
    // The person, back from leave.
    let back = Mail::from(VET).answers(&asked, "Benar").unproven();
    assert_eq!(world.fate_of(&back).await.outcome, "confirmation");
    assert_eq!(reports(&world).await, 1);
}

async fn m26_the_token_and_not_the_subject_says_which_mail_is_meant(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let (first, asked_first) = held(&world, "U MC SP 1").await;
    let (second, asked_second) = held(&world, "U MC SP 2").await;
    assert_eq!(asked_first.heading.subject, asked_second.heading.subject);
    // A mail program that kept nothing of the thread but the quoted text.
    let bare = Mail::from(VET)
        .answers(&asked_second, "Ya")
        .without("References")
        .without("In-Reply-To");
    assert_eq!(
        world.fate_of(&bare.unproven()).await.outcome,
        "confirmation"
    );
    assert_eq!(world.fate(second).await.outcome, "confirmed");
    assert_eq!(world.fate(first).await.outcome, "held");
    // One that kept the thread and nothing of the text.
    let bare = Mail::from(VET)
        .answers(&asked_first, "Ya")
        .body("Ya, benar.")
        .subject("");
    assert_eq!(
        world.fate_of(&bare.unproven()).await.outcome,
        "confirmation"
    );
    let stored = world
        .texts("SELECT text FROM message WHERE outcome = 'stored' ORDER BY 1")
        .await;
    assert_eq!(stored, ["U MC SP 1", "U MC SP 2"]);
    // An answer to an answer of ours is no confirmation of anything.
    let answer = world.answer(&Mail::from(PELSA).body("U MC SP 3")).await;
    let thanks = world
        .fate_of(&Mail::from(PELSA).answers(&answer, "Terima kasih"))
        .await;
    assert_eq!(thanks.outcome, "nothing");
}

async fn a_stranger_is_told_once_a_day_and_only_when_the_address_is_proven(place: Place) {
    let world = Build::new(place).with_daemons().await;
    let stranger = || Mail::from("Nobody@Example.net").body("U MC SP 4");
    let unproven = world.fate_of(&stranger().unproven()).await;
    assert_eq!(
        (unproven.outcome.as_str(), unproven.answer),
        ("unknown_sender", None)
    );
    let told = world.answer(&stranger()).await;
    assert_eq!(told.heading.to[0].address, "nobody@example.net");
    assert!(told.text.contains("belum terdaftar"), "{}", told.text);
    assert_eq!(world.fate_of(&stranger()).await.answer, None, "once a day");
    world
        .run("UPDATE stranger SET answered_at = answered_at - interval '25 hours'")
        .await;
    assert!(
        world.fate_of(&stranger()).await.answer.is_some(),
        "and on the next again"
    );
    world.until_quiet().await;
    let mails = world.letters();
    assert_eq!(mails.len(), 2);
    assert_eq!(reports(&world).await, 0);
    world.nothing_dead().await;
}
