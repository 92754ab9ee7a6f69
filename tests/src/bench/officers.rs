//! Invented officers, spread over the whole country, and what they write.

use super::stage::Stage;
use common::load::{self, LoadOptions};
use common::messages::TextInput;
use jiff::Timestamp;
use std::fmt::Write;

/// Cases that exist before anybody measures, for answers about cases.
pub const CASES: usize = 1_000;

/// Makes so many officers: of ten, seven report from their village and three look after a
/// district around theirs, so that most reports are passed on to somebody.
pub async fn hire(stage: &Stage, count: usize) {
    let villages = stage
        .texts("SELECT code FROM place_code WHERE system = 'kemendagri' AND length(code) = 10 ORDER BY md5(code)")
        .await;
    let mut file = String::from("name,language,user_type,home,areas,phone\n");
    for n in 0..count {
        let village = &villages[n % villages.len()];
        let (kind, area) = match n % 10 {
            0 | 1 => ("PMD", &village[..6]),
            2 => ("VET", &village[..6]),
            _ => ("PLS", village.as_str()),
        };
        let language = if n % 4 == 0 { "en" } else { "id" };
        let phone = phone(n);
        // Writing to a string cannot fail.
        let _ = writeln!(
            file,
            "Petugas {n},{language},{kind},{village},{area},{phone}"
        );
    }
    let mut conn = stage.db.connect().await.expect("a connection");
    let tx = conn.begin().await.expect("a transaction");
    let options = LoadOptions {
        retire_vanished: false,
        systems: vec!["kemendagri".into()],
        ..LoadOptions::default()
    };
    let loaded = load::people(&tx, file.as_bytes(), &options).await;
    loaded.unwrap_or_else(|e| panic!("the officers are right: {e:?}"));
    tx.commit().await.expect("the officers are kept");
    stage
        .run(&format!(
            "INSERT INTO disease_case (code, opened_by, place, opened_at)
         SELECT 'U', p.id, p.home_place, now() FROM person p
         WHERE p.home_place IS NOT NULL ORDER BY p.id LIMIT {CASES};
         ANALYZE"
        ))
        .await;
}

/// The number of an officer, from a range that nobody is given.
fn phone(officer: usize) -> String {
    format!("08110{officer:07}")
}

/// What is written, in parts of a hundred, as the table names it.
pub const MIX: &str =
    "45 U, 10 P, 10 PNEG, 10 R, 5 PK, 10 questions (CKT, KODE, CKL), 10 wrong ones";

/// The `n`th text of a run. No officer writes the same twice within the time in which that counts
/// as a repetition, and no two texts of one officer are near each other.
pub fn text(n: usize, officers: usize) -> TextInput {
    let vet = |n: usize| n / 10 * 10 % officers + 2;
    let pelsa = |n: usize| n / 10 * 10 % officers + 3 + n % 7;
    let turn = n / officers;
    let (case, animals) = (1 + (n * 7 + turn) % CASES, 1 + turn % 900_000);
    // 37 and 100 have no common divisor: each kind comes as often as it should, well mixed.
    let (officer, words) = match n * 37 % 100 {
        0..40 => (pelsa(n), format!("U MC,DM SP {animals}")),
        40..45 => (
            vet(n),
            format!("u mc,dm sp {animals} kb {} coc", 1 + n % 90),
        ),
        45..55 => (pelsa(n), format!("P GG AJ {animals}")),
        55..65 => (pelsa(n), format!("PNEG{}", ".".repeat(turn))),
        65..75 => (vet(n), format!("R {case} TLP COC")),
        75..80 => (vet(n), format!("PK {case} MS")),
        80..84 => (pelsa(n), "CKT kembung".into()),
        84..88 => (vet(n), "KODE SP".into()),
        88..90 => (vet(n), "CKL sinjai".into()),
        90..94 => (pelsa(n), format!("U MC SPI {animals}")),
        94..97 => (pelsa(n), "U MC SP banyak".into()),
        _ => (vet(n), format!("R 99999{n} TLP COC")),
    };
    sent(officer, words)
}

/// The `n`th text of a run in which nobody else is told anything.
pub fn quiet_text(n: usize, officers: usize) -> TextInput {
    let officer = n * 10 % officers + 2;
    sent(officer, format!("U MC,DM SP {}", 1 + n))
}

pub(super) fn sent(officer: usize, text: String) -> TextInput {
    TextInput {
        channel: "console".into(),
        from: phone(officer),
        text,
        channel_id: None,
        sent_at: Timestamp::now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn nothing_that_is_stored_is_written_twice_within_a_run() {
        let stored = |t: &TextInput| {
            ["U MC,", "u mc,", "P ", "PNEG"]
                .iter()
                .any(|c| t.text.starts_with(c))
        };
        let texts: Vec<_> = (0..60_000)
            .map(|n| text(n, 4_000))
            .filter(|t| stored(t))
            .collect();
        let unique: HashSet<_> = texts.iter().map(|t| (&t.from, &t.text)).collect();
        assert_eq!(unique.len(), texts.len());
    }

    #[test]
    fn the_mix_is_as_the_table_says() {
        let codes = |code: &str| {
            (0..1_000)
                .filter(|n| text(*n, 4_000).text.starts_with(code))
                .count()
        };
        assert_eq!(
            [codes("P GG"), codes("PNEG"), codes("PK"), codes("KODE")],
            [100, 100, 50, 40]
        );
    }
}
