//! Stories: what people write and what they are told, on the true binaries, in both homes.

use kentongan_tests::both_homes;
use kentongan_tests::world::{Build, Place, people};

both_homes! {
    a_report_is_answered_stored_and_counted,
}

async fn a_report_is_answered_stored_and_counted(place: Place) {
    let mut world = Build::new(place).with_processor().await;
    let answer = world.text(people::PELSA, "U MC,DM SP 4").await;
    assert_eq!(
        answer,
        "Terima kasih. [ID kasus 1] Anda telah melaporkan 4 kasus mencret, demam pada sapi di \
         Sulawesi Tengah, Toli-Toli, Dampal Utara, Ogotua."
    );
    assert_eq!(
        world
            .number("SELECT count(*) FROM report WHERE code = 'U'")
            .await,
        1
    );
    world.until_empty("text-input").await;
    world.nothing_dead().await;
}
