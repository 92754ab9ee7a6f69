//! Owners and animals: what a text costs with few of them and with a million, in the mix of 2018.

use super::Size;
use super::figures::Figures;
use super::officers;
use super::stage::Stage;
use super::texts::{Run, drive};
use common::messages::TextInput;

/// Owners for each vet before the many come: enough that nobody says the same twice.
const FEW: usize = 4;

/// What is written, in parts of a hundred, as the table names it: the shares of 2018.
pub const MIX: &str = "70 production (40 IB, 12 PKB, 6 LH, 4 DH, 3 BB, 3 BH, 2 KGG), 2 U, 8 DP, 20 questions (DHP, IH, KODE, CKT)";

/// Where new owners live: a village that is always there.
const VILLAGE: &str = "7204022003";

/// Few owners, then many; the ratio of what a text costs.
pub async fn cost(stage: &Stage, size: &Size, figures: &mut Figures) {
    figures
        .machine
        .push(("texts of herds are".into(), MIX.into()));
    let vets = size.officers / 10;
    let few = vets * FEW;
    seed(stage, few).await;
    let small = run(stage, size, (few, 0)).await;
    tell(figures, few, &small);
    seed(stage, size.owners.max(few)).await;
    let large = run(stage, size, (size.owners.max(few), 10_000_000)).await;
    tell(figures, size.owners, &large);
    let outcomes =
        "SELECT outcome || ' ' || count(*) FROM message GROUP BY outcome ORDER BY count(*) DESC";
    figures.machine.push((
        "texts of herds decided as".into(),
        stage.texts(outcomes).await.join(", "),
    ));
    let each = |run: &Run| run.processor_us + run.database_us;
    figures.add(
        "a text of herds, many owners to few",
        each(&large) / each(&small),
        "times",
        "under 1.3",
    );
}

fn tell(figures: &mut Figures, owners: usize, run: &Run) {
    let about = |what: &str| format!("herds, {owners} owners: {what}");
    figures.add(about("texts"), run.per_second, "per second", "");
    figures.add(about("processor's CPU"), run.processor_us, "us a text", "");
    figures.add(about("PostgreSQL's CPU"), run.database_us, "us a text", "");
}

/// `from` is the number of the first text: what an earlier run registered is not registered again.
async fn run(stage: &Stage, size: &Size, (owners, from): (usize, usize)) -> Run {
    stage.sweep().await;
    stage.run("TRUNCATE report_subject").await;
    let daemon = stage.start("processor");
    let vets = size.officers / 10;
    let write = |n: usize| text(n, vets, owners);
    // Plans, caches and connections are there after this.
    let measured = from + 1_000;
    drive(stage, &daemon, from..measured, &write).await;
    drive(stage, &daemon, measured..measured + size.texts, &write).await
}

/// Makes so many owners and their animals, in place of those before; owner `k` lives where vet `k % vets` does.
async fn seed(stage: &Stage, owners: usize) {
    let last = owners.saturating_sub(1).to_string();
    let sql = include_str!("herds.sql").replace(":last", &last);
    stage.run(&sql).await;
}

/// The `n`th text of a run: the vets in turn, each about the owners of their own village.
pub fn text(n: usize, vets: usize, owners: usize) -> TextInput {
    let vet = n % vets;
    // A large prime spreads the owners over the whole table.
    let k = vet + vets * ((n / vets) * 7_919 % (owners / vets));
    let id = format!("{:06}", k % 1_000_000);
    let words = match n * 37 % 100 {
        0..40 => format!("IB {id} A1 B7 N{n}"),
        40..52 => format!("PKB {id} A1 {} YA", 1 + n % 9),
        52..58 => format!("LH {id} A2 B L{n} 01/02/2026"),
        58..62 => format!("DH {id} D{n} SPBA B 3"),
        62..65 => format!("BB {id} A1 {} YA", 200 + n % 300),
        65..68 => format!("BH {id} A1"),
        68..70 => format!("KGG {id} A1 {} YA", 1 + n % 3),
        70..72 => format!("U MC SP {}", 1 + n % 900_000),
        72..80 => format!("DP Baru {} {VILLAGE} 32{n:014}", letters(n)),
        80..86 => format!("DHP {id}"),
        86..92 => format!("IH {id} A1"),
        92..96 => "KODE SP".into(),
        _ => "CKT kembung".into(),
    };
    officers::sent(vet * 10 + 2, words)
}

/// A number as a name: letters only.
fn letters(n: usize) -> String {
    n.to_string()
        .bytes()
        .map(|digit| char::from(digit - b'0' + b'a'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_as_the_table_says() {
        let of = |code: &str| {
            let written = (0..1_000).map(|n| text(n, 400, 1_600).text);
            written
                .filter(|t| t.split(' ').next() == Some(code))
                .count()
        };
        assert_eq!(
            [of("IB"), of("PKB"), of("LH"), of("U"), of("DP")],
            [400, 120, 60, 20, 80]
        );
    }

    #[test]
    fn every_owner_is_the_writers_own() {
        for n in 0..5_000 {
            let t = text(n, 400, 1_000_000);
            if let Some(id) = t.text.strip_prefix("IB ") {
                let k: usize = id[..6].parse().unwrap();
                assert_eq!(k % 400, n % 400, "{}", t.text);
            }
        }
    }
}
