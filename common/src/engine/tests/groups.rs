//! What groups let people do follows at once, in a daemon that keeps copies of people as well.

use super::*;
use std::time::Duration;

/// What a text of theirs is answered by a daemon that knows people by its copies.
async fn answered(world: &World, text: &str) -> Answer {
    let sender = world.engine.sender("console", PELSA).await.unwrap();
    let sender = sender.expect("the demo has them");
    let mut conn = world.place.db.client().await;
    let tx = begin(&mut conn).await;
    let asked = Asked::text(&sender, PELSA, text, world.now);
    world.engine.answer(&tx, &asked).await.expect("an answer")
}

/// Changes the database; a text is answered so once the copies are dropped, and so is `?`.
async fn changed(world: &World, sql: &str, outcome: &str) {
    world.place.db.run(sql).await;
    let heard = async {
        while answered(world, "PK 1 SB").await.outcome != outcome {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let heard = tokio::time::timeout(Duration::from_secs(20), heard).await;
    assert!(heard.is_ok(), "after {sql}");
    let help = answered(world, "?").await.text;
    let words: Vec<&str> = help.split(|c: char| !c.is_alphanumeric()).collect();
    assert_eq!(
        words.contains(&"PK"),
        outcome != "no_permission",
        "after {sql}: {help}"
    );
}

#[tokio::test]
async fn who_is_put_into_a_group_may_send_its_codes_until_they_are_taken_out() {
    let world = World::at(TestHome::new().await).await;
    assert_eq!(world.say(VET, "U mc sp 4", 9).await.case_id, Some(1));
    assert_eq!(answered(&world, "PK 1 SB").await.outcome, "no_permission");
    let of = format!("(SELECT person FROM contact WHERE address = '{PELSA}')");
    let join = format!("INSERT INTO person_group VALUES ({of}, 'PELSAPK')");
    changed(&world, &join, "stored").await;
    let empty = "DELETE FROM user_group_permission WHERE user_group = 'PELSAPK'";
    changed(&world, empty, "no_permission").await;
    let full = "INSERT INTO user_group_permission VALUES ('PELSAPK', 'can_send_pk')";
    changed(&world, full, "stored").await;
    let refuse = format!("INSERT INTO person_permission VALUES ({of}, 'can_send_pk', false)");
    changed(&world, &refuse, "no_permission").await;
    changed(&world, "DELETE FROM person_permission", "stored").await;
    changed(&world, "DELETE FROM person_group", "no_permission").await;
}

/// An installation whose supervisors are those of a group.
async fn supervised_by(group: &str) -> (tempfile::TempDir, TestHome) {
    let shipped = include_str!("../../../replies/circles.toml");
    let by = format!("types = []\ngroups = [\"{group}\"]");
    let own = shipped.replace("types = [\"KKB\"]", &by);
    assert_ne!(own, shipped);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("circles.toml"), own).expect("the circles");
    let mut place = TestHome::new().await;
    place.settings.engine.codes = Some(folder.path().to_owned());
    (folder, place)
}

#[tokio::test]
async fn a_circle_may_be_a_group() {
    let (_folder, place) = supervised_by("KARANTINA").await;
    let world = World::at(place).await;
    let join = |number: &str| {
        format!(
            "INSERT INTO person_group SELECT person, 'KARANTINA' FROM contact WHERE address = '{number}'"
        )
    };
    // The laboratory's officer answers for no place.
    for number in [ENGLISH, "+6281234567896"] {
        world.place.db.run(&join(number)).await;
    }
    world.say(PELSA, "U mc sp 4", 9).await;
    let told = world.say(VET, "PK 1 SB", 8).await.alerts;
    let told: Vec<&str> = told.iter().map(|a| a.address.as_str()).collect();
    assert_eq!(told, [ENGLISH]);
}

#[tokio::test]
async fn a_circle_of_a_group_that_does_not_exist_is_refused_when_it_is_loaded() {
    let (_folder, place) = supervised_by("KARANTIN").await;
    let refused = Engine::load(&place.home, &place.settings).await;
    let fault = refused.err().expect("it is refused").to_string();
    let told = "circles.toml: circle `supervisors`: there is no group KARANTIN";
    assert!(fault.contains(told), "{fault}");
}
