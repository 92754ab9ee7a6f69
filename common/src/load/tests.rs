//! Loading into a true database.

use super::*;
use crate::db::testing::{TestDb, begin};
use std::time::Instant;

const INDONESIA: &[u8] = include_bytes!("../../places/indonesia.csv.gz");
const EXAMPLES: &[u8] = include_bytes!("../../places/examples.csv");
const SYSTEMS: &[&str] = &["isikhnas", "kemendagri"];

async fn load(tx: &Tx<'_>, csv: &str) -> LoadReport {
    places(tx, csv.as_bytes(), &LoadOptions::default())
        .await
        .expect("the file is right")
}

#[tokio::test]
async fn all_of_indonesia_goes_in_once() {
    let db = TestDb::new().await;
    let mut client = db.client().await;
    let tx = begin(&mut client).await;
    let options = LoadOptions::default();
    let start = Instant::now();
    let first = places(&tx, INDONESIA, &options).await.unwrap();
    eprintln!("first load {:?}", start.elapsed());
    assert_eq!(
        (first.added, first.changed, first.unchanged),
        (91_599, 0, 0)
    );
    let start = Instant::now();
    let again = places(&tx, INDONESIA, &options).await.unwrap();
    eprintln!("second load {:?}", start.elapsed());
    assert_eq!(
        (again.added, again.changed, again.unchanged),
        (0, 0, 91_599)
    );
    assert_eq!(again.vanished, Vec::<String>::new());
    places(&tx, EXAMPLES, &options).await.unwrap();
    for text in [
        "tanjung",
        "Tanjung Tengah",
        "bogr",
        "sukamaju",
        "xyz",
        "a b c",
        "air",
    ] {
        let start = Instant::now();
        let found = db::places::search(&tx, SYSTEMS, text, 20).await.unwrap();
        let names: Vec<_> = found
            .iter()
            .take(4)
            .map(|p| (p.name(), p.code.as_deref()))
            .collect();
        eprintln!("{text}: {:?} {} {:?}", start.elapsed(), found.len(), names);
    }
    let place = db::places::by_code(&tx, SYSTEMS, "63020202")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        place.names,
        [
            "Tanjung Tengah",
            "Pulau Laut Tanjung Selayar",
            "Kotabaru",
            "Kalimantan Selatan"
        ]
    );
    let _ = load(&tx, "system,code,parent,level,name\n").await;
}
