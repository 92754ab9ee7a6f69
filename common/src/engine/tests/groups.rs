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
