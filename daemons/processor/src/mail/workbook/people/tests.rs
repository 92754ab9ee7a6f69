//! Tables of people on a real database with the demo's people.

use super::*;
use common::db::testing::{TestHome, begin};

const PELSA: &str = "+6281234567890";

fn table(phone: &str) -> Table {
    let cells = ["Siti", "id", "PLS", "72060202", "72060202", phone, "", ""];
    Table(vec![(1, cells.map(str::to_owned))])
}

/// Between the look at a workbook and the mail's transaction somebody may have registered the same people.
#[tokio::test]
async fn who_was_registered_meanwhile_is_not_changed_by_a_workbook() {
    let place = TestHome::new().await;
    let engine = Engine::load(&place.home, &place.settings).await;
    let systems = &place.settings.engine.place_systems;
    let options = options(&engine.expect("the codes"), systems, By::named("me"));
    let mut conn = place.db.client().await;
    let tx = begin(&mut conn).await;
    let good = store(&table("+6281311112222"), &options, &tx).await;
    assert!(good.expect("it is loaded"), "nobody had this number");
    for known in ["+6281311112222", PELSA] {
        let good = store(&table(known), &options, &tx).await;
        assert!(!good.expect("it is loaded"), "{known} is somebody's");
    }
}
