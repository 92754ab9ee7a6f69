//! Databases that are filled: once per server, then copied.

use crate::servers::postgres::{self, Postgres};
use common::db::Db;
use common::load;
use std::path::Path;

/// Which places a world has. Lists and people are the shipped ones and the demo's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stock {
    /// The villages that the demo's people live in, and those above them.
    Few,
    /// All of Indonesia: some seconds.
    All,
}

/// People of the demo by their numbers, as a phone would write them.
pub mod people {
    /// Village reporter; writes Indonesian.
    pub const PELSA: &str = "081234567890";
    /// Another village reporter, who may close cases.
    pub const PELSA_TWO: &str = "081234567891";
    /// Paravet of the first one's district.
    pub const PARAVET: &str = "081234567892";
    /// Vet of the first one's regency; takes alerts by mail.
    pub const VET: &str = "081234567893";
    /// Vet of the first one's province; reads English.
    pub const VET_ENGLISH: &str = "081234567894";
    /// Coordinator of the first one's regency.
    pub const COORDINATOR: &str = "081234567895";
    /// Laboratory staff.
    pub const LAB: &str = "081234567896";
}

/// All of them.
pub const PEOPLE: [&str; 6] = [
    people::PELSA,
    people::PELSA_TWO,
    people::PARAVET,
    people::VET,
    people::VET_ENGLISH,
    people::COORDINATOR,
];

/// A new database with this stock; its URL.
pub async fn database(cluster: &Postgres, stock: Stock) -> String {
    let template = match stock {
        Stock::Few => "stocked_few",
        Stock::All => "stocked_all",
    };
    cluster
        .copy_of(template, async |url| fill(url, stock).await)
        .await
}

async fn fill(url: &str, stock: Stock) {
    let db = Db::open(&postgres::settings(url), "tests").expect("a pool");
    common::db::migrate(&db).await.expect("the schema");
    let mut conn = db.connect().await.expect("the server answers");
    let tx = conn.begin().await.expect("the server answers");
    match stock {
        Stock::All => drop(load::shipped(&tx).await.expect("what is shipped")),
        Stock::Few => {
            load::shipped_lists(&tx).await.expect("the lists");
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../common/places/few.csv");
            let few = std::fs::read(file).expect("the few places");
            let options = load::LoadOptions::default();
            load::places(&tx, &few[..], &options)
                .await
                .expect("the few places");
        }
    }
    load::demo_people(&tx).await.expect("the demo's people");
    tx.commit().await.expect("the stock is kept");
}
