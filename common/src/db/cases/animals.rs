//! Registered animals of a case, numbered from 1 within it.

use crate::Result;
use crate::db::Tx;
use tokio_postgres::Row;
use uuid::Uuid;

/// An animal of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseAnimal {
    /// Its number within the case.
    pub number: i32,
    /// What its owner calls it.
    pub code: String,
}

/// Adds animals to a case that the caller holds locked, in their order, numbers going on from its last; one that
/// the case has keeps its number. All of them with their numbers, in order of these.
pub async fn add(tx: &Tx<'_>, case: i64, animals: &[i64], report: Uuid) -> Result<Vec<CaseAnimal>> {
    tx.execute(
        "-- cases::animals::add
         INSERT INTO case_animal (case_id, number, animal, report)
         SELECT $1, coalesce((SELECT max(number) FROM case_animal WHERE case_id = $1), 0) + row_number() OVER (ORDER BY w.n),
                w.animal, $3
           FROM unnest($2::bigint[]) WITH ORDINALITY AS w (animal, n)
          WHERE NOT EXISTS (SELECT FROM case_animal c WHERE c.case_id = $1 AND c.animal = w.animal)
         ON CONFLICT (case_id, animal) DO NOTHING",
        &[
            /* case */ &case,
            /* animals */ &animals,
            /* report */ &report,
        ],
    )
    .await?;
    let rows = tx
        .query(
            "-- cases::animals::these
             SELECT c.number, a.code FROM case_animal c JOIN animal a ON a.id = c.animal
              WHERE c.case_id = $1 AND c.animal = ANY ($2) ORDER BY c.number",
            &[/* case */ &case, /* animals */ &animals],
        )
        .await?;
    Ok(rows.iter().map(animal).collect())
}

/// The animals of a case in order of their numbers.
pub async fn of(tx: &Tx<'_>, case: i64) -> Result<Vec<CaseAnimal>> {
    let rows = tx
        .query(
            "-- cases::animals::of
             SELECT c.number, a.code FROM case_animal c JOIN animal a ON a.id = c.animal
              WHERE c.case_id = $1 ORDER BY c.number",
            &[/* case */ &case],
        )
        .await?;
    Ok(rows.iter().map(animal).collect())
}

/// Whether a standing report of the case names the number that this report gave to an animal.
pub async fn named_since(tx: &Tx<'_>, report: Uuid) -> Result<bool> {
    let row = tx
        .query_one(
            "-- cases::animals::named_since
             SELECT EXISTS (SELECT FROM case_animal c JOIN report r ON r.case_id = c.case_id
                             WHERE c.report = $1 AND r.id <> $1 AND r.withdrawn_at IS NULL
                               AND r.fields -> 'animal_no' @> to_jsonb(c.number))",
            &[/* report */ &report],
        )
        .await?;
    Ok(row.get(0))
}

fn animal(row: &Row) -> CaseAnimal {
    CaseAnimal {
        number: row.get(0),
        code: row.get(1),
    }
}
