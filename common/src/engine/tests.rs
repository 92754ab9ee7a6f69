//! The engine on a real database with the shipped codes and lists.

use super::*;
use crate::db::intake::Taken;
use crate::db::testing::{TestHome, begin};
use crate::db::{cases, intake, people};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

mod around_cases;
mod groups;

const PELSA: &str = "+6281234567890";
const VET: &str = "+6281234567893";
const ENGLISH: &str = "+6281234567894";

/// An installation and what answers in it.
struct World {
    place: TestHome,
    engine: Arc<Engine>,
    now: Timestamp,
}

/// One text, as a test sends it.
struct Sent<'a> {
    from: &'a str,
    text: &'a str,
    message: Uuid,
    line: i16,
    ago: SignedDuration,
}

impl World {
    async fn new() -> Self {
        Self::at(TestHome::new().await).await
    }

    async fn at(place: TestHome) -> Self {
        let engine = Engine::load(&place.home, &place.settings).await;
        Self {
            engine: engine.expect("the shipped codes"),
            place,
            now: Timestamp::now(),
        }
    }

    /// A text of its own that was sent so many minutes ago and arrives now.
    async fn say(&self, from: &str, text: &str, minutes_ago: i64) -> Answer {
        self.send(&Sent {
            from,
            text,
            message: Uuid::now_v7(),
            line: 0,
            ago: SignedDuration::from_mins(minutes_ago),
        })
        .await
    }

    /// One line of a mail that arrives now.
    async fn line(&self, from: &str, text: &str, (message, line): (Uuid, i16)) -> Answer {
        let ago = SignedDuration::ZERO;
        self.send(&Sent {
            from,
            text,
            message,
            line,
            ago,
        })
        .await
    }

    async fn send(&self, sent: &Sent<'_>) -> Answer {
        let mut conn = self.place.db.client().await;
        let tx = begin(&mut conn).await;
        let sender = people::by_contact(&tx, "console", sent.from).await;
        let sender = sender.expect("the server answers").unwrap_or_else(|| {
            let open = self.engine.stranger(sent.text);
            Arc::unwrap_or_clone(open.expect("a person, or a text that strangers may send"))
        });
        let asked = Asked {
            sender: &sender,
            address: sent.from,
            text: sent.text,
            message: sent.message,
            line: sent.line,
            trace: sent.message,
            sent_at: self.now - sent.ago,
            received_at: self.now,
        };
        let answer = self.engine.answer(&tx, &asked).await.expect("an answer");
        let taken = taken(&asked, &answer);
        intake::insert(&tx, &taken).await.expect("its row");
        tx.commit().await.expect("it is kept");
        answer
    }

    /// State and outcome of a case.
    async fn case(&self, id: i64) -> (String, String) {
        let of =
            |column| format!("SELECT coalesce({column}, '') FROM disease_case WHERE id = {id}");
        let db = &self.place.db;
        (db.one(&of("state")).await, db.one(&of("outcome")).await)
    }
}

fn taken<'a>(asked: &'a Asked<'a>, answer: &'a Answer) -> Taken<'a> {
    Taken {
        id: asked.message,
        line: asked.line,
        trace: asked.trace,
        channel: "console",
        address: asked.address,
        person: (!asked.sender.is_stranger()).then_some(asked.sender.id),
        text: asked.text,
        channel_id: None,
        sent_at: asked.sent_at,
        received_at: asked.received_at,
        outcome: answer.outcome,
        code: answer.code.as_deref(),
        answer: Some(&answer.text),
        answer_id: None,
        training: answer.training,
    }
}

#[tokio::test]
async fn a_text_is_stored_and_answered() {
    let world = World::new().await;
    let answer = world.say(PELSA, "U mc,dm sp 4", 0).await;
    assert_eq!((answer.outcome, answer.case_id), ("stored", Some(1)));
    assert_eq!(world.case(1).await, ("open".into(), String::new()));
}

/// All commands of one mail have the same times: the last line is the last message.
#[tokio::test]
async fn h_takes_back_the_last_line_of_a_mail() {
    let world = World::new().await;
    let message = Uuid::now_v7();
    let texts = [
        "U mc sp 1",
        "U mc sp 2",
        "U mc sp 3",
        "U mc sp 4",
        "U mc sp 5",
    ];
    for (line, text) in (0i16..).zip(texts) {
        world.line(PELSA, text, (message, line)).await;
    }
    let taken_back = world.line(PELSA, "H", (message, 5)).await;
    assert!(taken_back.text.contains("U mc sp 5"), "{}", taken_back.text);
    assert_eq!(world.case(5).await.0, "withdrawn");
    // Only what was withdrawn may be sent anew at once.
    assert_eq!(world.say(PELSA, "U mc sp 4", 0).await.outcome, "repeated");
    assert_eq!(world.say(PELSA, "U mc sp 5", 0).await.outcome, "stored");
}

#[tokio::test]
async fn a_correction_back_to_the_first_outcome_is_stored() {
    let world = World::new().await;
    world.say(VET, "U mc sp 4", 9).await;
    assert_eq!(world.say(VET, "PK 1 SB", 8).await.outcome, "stored");
    assert_eq!(world.say(VET, "PK 1 SB", 7).await.outcome, "repeated");
    assert_eq!(world.say(VET, "PK 1 MS", 6).await.outcome, "stored");
    assert_eq!(world.say(VET, "PK 1 SB", 5).await.outcome, "stored");
    assert_eq!(world.say(VET, "PK 1 SB", 4).await.outcome, "repeated");
    assert_eq!(world.case(1).await, ("closed".into(), "SB".into()));
    // What opened the case is no correction of it: sent again it opens no second one.
    assert_eq!(world.say(VET, "U mc sp 4", 3).await.outcome, "repeated");
}

#[tokio::test]
async fn a_late_outcome_does_not_overwrite_a_newer_one() {
    let world = World::new().await;
    world.say(PELSA, "U mc sp 4", 90).await;
    world.say(VET, "PK 1 SB", 10).await;
    let late = world.say(VET, "PK 1 MS", 60).await;
    assert_eq!(late.outcome, "stored");
    assert_eq!(world.case(1).await, ("closed".into(), "SB".into()));
    let later = world.say(VET, "PK 1 MT", 70).await;
    assert!(!later.text.contains("ditutup"), "{}", later.text);
    assert_eq!(world.case(1).await.1, "SB");
    // Without the newest the next one stands.
    world.say(VET, "H", 5).await;
    assert_eq!(world.case(1).await, ("open".into(), "MS".into()));
}

#[tokio::test]
async fn h_takes_nothing_back_that_is_older_than_a_day() {
    let world = World::new().await;
    world.say(PELSA, "U mc sp 4", 25 * 60).await;
    let refused = world.say(PELSA, "H", 0).await;
    assert_eq!(refused.outcome, "too_old_to_withdraw", "{}", refused.text);
    assert!(refused.text.contains("U mc sp 4"), "{}", refused.text);
    assert_eq!(world.case(1).await.0, "open");
    // An `H` that was itself long under way is about what was sent shortly before it.
    let meant = world.say(PELSA, "H", 24 * 60).await;
    assert_eq!(meant.outcome, "stored", "{}", meant.text);
    assert_eq!(world.case(1).await.0, "withdrawn");
}

/// A code of an installation whose query has an optional number; `sql` is the query.
const ASKS: &str = r#"
code       = "XN"
name       = { id = "Coba", en = "Trial" }
help       = { id = "Coba.", en = "Trial." }
permission = "can_send_ckt"
format     = "XN [who] {count}"

[field.who]
type  = "name"
label = { id = "nama", en = "name" }

[field.count]
type  = "number"
label = { id = "jumlah", en = "number" }

[query]
columns = ["sum"]
limit   = 100
item    = { id = "{sum}", en = "{sum}" }
empty   = { id = "Tidak ada.", en = "None." }
"#;

/// An installation with that code.
async fn with_query(sql: &str) -> (tempfile::TempDir, TestHome) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("xn.toml"), ASKS).expect("the code");
    std::fs::write(folder.path().join("xn.sql"), sql).expect("the query");
    let mut place = TestHome::new().await;
    place.settings.engine.codes = Some(folder.path().to_owned());
    (folder, place)
}

#[tokio::test]
async fn an_absent_field_is_null_of_its_own_type() {
    let sql = "SELECT coalesce(:count::bigint, 7) + 1 AS sum WHERE :who <> ''";
    let (_folder, place) = with_query(sql).await;
    let world = World::at(place).await;
    assert_eq!(world.say(VET, "XN ayam", 0).await.text, "8");
    assert_eq!(world.say(VET, "XN ayam 1", 0).await.text, "2");
}

#[tokio::test]
async fn a_query_with_other_parameter_types_is_refused_when_it_is_loaded() {
    let sql = "SELECT :count::int + 1 AS sum FROM place p WHERE :who <> '' AND p.id = :place";
    let (_folder, place) = with_query(sql).await;
    let refused = Engine::load(&place.home, &place.settings).await;
    let fault = refused.err().expect("it is refused").to_string();
    assert!(fault.contains("xn.sql"), "{fault}");
    assert!(fault.contains(":count is bigint"), "{fault}");
    assert!(fault.contains(":count::bigint::integer"), "{fault}");
    assert!(!fault.contains(":place is"), "{fault}");
}

#[tokio::test]
async fn who_is_shut_out_is_told_why() {
    let world = World::new().await;
    for (state, word) in [("suspended", "suspended"), ("left", "left")] {
        let sql = format!("UPDATE person SET state = '{state}' WHERE name = 'Vet Demo English'");
        world.place.db.run(&sql).await;
        for text in ["U mc sp 4", "?", "nonsense", "U"] {
            let answer = world.say(ENGLISH, text, 0).await;
            assert_eq!(answer.outcome, state, "{text}");
            assert!(answer.text.contains(word), "{text}: {}", answer.text);
        }
    }
    assert_eq!(
        world
            .place
            .db
            .one::<i64>("SELECT count(*) FROM report")
            .await,
        0
    );
}

/// A look at a case waits for nobody who is writing to it.
#[tokio::test]
async fn a_question_about_a_case_takes_no_lock() {
    let world = World::new().await;
    world.say(PELSA, "U mc sp 4", 0).await;
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let held = cases::by_number(&tx, 1).await.expect("the server answers");
    assert!(held.is_some());
    let asked = world.say(VET, "LAPK 1", 0);
    let answer = tokio::time::timeout(std::time::Duration::from_secs(10), asked).await;
    assert_eq!(answer.expect("it does not wait").outcome, "answered");
    assert_eq!(world.say(VET, "LAPK 99", 0).await.outcome, "unknown_case");
}

#[tokio::test]
async fn nothing_found_names_the_place_and_not_its_code() {
    let world = World::new().await;
    let answer = world.say(ENGLISH, "LAPD 63020202", 0).await;
    let place = "Kalimantan Selatan, Kotabaru, Pulau Laut Tanjung Selayar, Tanjung Tengah";
    assert_eq!(answer.text, format!("There are no cases in {place} yet."));
}

#[tokio::test]
async fn a_search_for_nothing_finds_nothing() {
    let world = World::new().await;
    for text in ["CKL %%%", "CKL a%%%", "CKT %%", "CKT a%"] {
        let answer = world.say(ENGLISH, text, 0).await.text;
        assert!(answer.starts_with("There is no"), "{text}: {answer}");
    }
    // Of bare punctuation nothing is left to search for.
    let answer = world.say(ENGLISH, "CKL ---", 0).await.text;
    assert!(answer.starts_with("Valid format"), "{answer}");
    let found = world.say(ENGLISH, "CKL ogo", 0).await.text;
    assert!(found.starts_with("Ogotua"), "{found}");
}

mod alerts;
mod herds;
mod training;
