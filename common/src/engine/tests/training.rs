//! The training twin.

use super::*;
use crate::db::again::{self, Wanted};
use crate::engine::Again;

const COORDINATOR: &str = "+6281234567895";

/// An installation in which the demo's village reporter and English vet are in training.
async fn with_trainees() -> World {
    let world = World::new().await;
    let sql =
        "UPDATE person SET training = true WHERE name IN ('Pelsa Demo Satu', 'Vet Demo English')";
    world.place.db.run(sql).await;
    world
}

async fn count(world: &World, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    world.place.db.one(&sql).await
}

#[tokio::test]
async fn training_is_answered_like_the_real_thing_and_kept_apart() {
    let world = with_trainees().await;
    let answer = world.say(PELSA, "U mc,dm sp 4", 9).await;
    assert!(
        answer
            .text
            .starts_with("LATIHAN. Terima kasih. [ID kasus 1]"),
        "{}",
        answer.text
    );
    assert_eq!((answer.outcome, answer.training), ("stored", true));
    assert_eq!(count(&world, "public.report").await, 0);
    assert_eq!(count(&world, "public.disease_case").await, 0);
    assert_eq!(count(&world, "training.report").await, 1);
    assert_eq!(count(&world, "data_u").await, 0, "no report sees it");
    // Whoever is not in training knows nothing of that case, and opens the first real one.
    assert_eq!(world.say(VET, "LAPK 1", 8).await.outcome, "unknown_case");
    assert_eq!(world.say(VET, "U mc sp 2", 7).await.case_id, Some(1));
    let seen = world.say(ENGLISH, "LAPK 1", 6).await.text;
    assert!(seen.starts_with("TRAINING. [1]"), "{seen}");
    assert!(seen.contains("cattle (4)"), "{seen}");
    // Said again it is answered as at first, and taken back it is gone.
    let again = world.say(PELSA, "U mc,dm sp 4", 5).await;
    assert_eq!((again.outcome, again.text), ("repeated", answer.text));
    assert_eq!(world.say(PELSA, "H", 4).await.outcome, "stored");
    assert_eq!(
        world.say(ENGLISH, "LAPK 1", 3).await.outcome,
        "withdrawn_case"
    );
    assert_eq!(world.case(1).await.0, "open", "the real one");
}

#[tokio::test]
async fn only_those_in_training_hear_of_it() {
    let world = with_trainees().await;
    let told = world.say(PELSA, "U mc,dm sp 4", 0).await.alerts;
    let languages: Vec<&str> = told.iter().map(|a| a.language.tag()).collect();
    assert_eq!(languages, ["en"], "the English vet alone");
}

/// A course registers people, who must not become officers by that.
#[tokio::test]
async fn whoever_is_registered_in_training_is_in_training() {
    let world = with_trainees().await;
    let sql = "UPDATE person SET training = true WHERE id = (SELECT person FROM contact
                WHERE kind = 'phone' AND address = '+6281234567895')";
    world.place.db.run(sql).await;
    let pin = async |name: &str| {
        let text = format!("D {name} 72060202 PLS");
        let answer = world.say(COORDINATOR, &text, 9).await;
        assert_eq!(answer.outcome, "stored", "{}", answer.text);
        let (_, rest) = answer.text.split_once("PIN D").expect("a PIN");
        format!("D{}", &rest[..6])
    };
    let withdrawn = pin("Siti Fatimah").await;
    assert_eq!(world.say(COORDINATOR, "H", 8).await.outcome, "stored");
    let good = pin("Ani Rahayu").await;
    let late = world.say("+6281299990009", &withdrawn, 7).await;
    assert_eq!(late.outcome, "pin_late", "{}", late.text);
    let registered = world.say("+6281299990008", &good, 6).await;
    assert_eq!(registered.outcome, "stored", "{}", registered.text);
    let report = world.say("+6281299990008", "U mc sp 2", 5).await;
    assert!(report.training, "{}", report.text);
    assert_eq!(count(&world, "public.disease_case").await, 0);
}

#[tokio::test]
async fn a_whole_installation_can_be_in_training() {
    let mut place = TestHome::new().await;
    place.settings.engine.training = true;
    let world = World::at(place).await;
    assert!(world.say(VET, "U mc sp 4", 0).await.training);
    assert_eq!(count(&world, "public.report").await, 0);
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let cleared = crate::db::training::clear(&tx)
        .await
        .expect("the server answers");
    tx.commit().await.expect("it is kept");
    assert_eq!((cleared, count(&world, "training.report").await), (1, 0));
}

/// Decided again it would be stored where nobody looks, and said to be stored.
#[tokio::test]
async fn what_was_refused_before_a_training_is_not_decided_again_in_it() {
    let world = World::new().await;
    let refuse = "INSERT INTO person_permission SELECT id, 'can_send_u', false FROM person
                   WHERE name = 'Pelsa Demo Satu'";
    world.place.db.run(refuse).await;
    assert_eq!(
        world.say(PELSA, "U mc sp 4", 5).await.outcome,
        "no_permission"
    );
    world.place.db.run("DELETE FROM person_permission").await;
    let train = "UPDATE person SET training = true WHERE name = 'Pelsa Demo Satu'";
    let mut conn = world.place.db.client().await;
    for (trains, stored) in [(false, true), (true, false)] {
        if trains {
            world.place.db.run(train).await;
        }
        let tx = begin(&mut conn).await;
        let wanted = Wanted {
            from: world.now - SignedDuration::from_hours(2),
            to: world.now + SignedDuration::from_hours(1),
            codes: &[],
            after: None,
            most: 10,
        };
        let originals = again::originals(&tx, &wanted).await.expect("a query");
        let pelsa = people::by_contact(&tx, "console", PELSA).await;
        let pelsa = pelsa.expect("a query").expect("the reporter");
        let decided = world.engine.again(&tx, &originals[0], &pelsa).await;
        let decided = decided.expect("the server answers");
        assert_eq!(matches!(decided, Again::Stored(_)), stored, "{decided:?}");
    }
}

/// What a migration adds to a table its twin must have too.
#[tokio::test]
async fn twins_have_every_column() {
    let world = World::new().await;
    let sql = "SELECT coalesce(string_agg(p.table_name || '.' || p.column_name, ', '), '')
                 FROM information_schema.tables t
                 JOIN information_schema.columns p USING (table_name)
                WHERE t.table_schema = 'training' AND p.table_schema = 'public'
                  AND NOT EXISTS (SELECT FROM information_schema.columns c
                                   WHERE c.table_schema = 'training' AND c.table_name = p.table_name
                                     AND c.column_name = p.column_name)";
    assert_eq!(world.place.db.one::<String>(sql).await, "");
}
