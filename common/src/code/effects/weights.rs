//! What animals weigh: bounds by species and age, from `common/animals/weights.csv`.

use std::sync::OnceLock;

/// What an animal up to an age may weigh.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub(super) struct Weights {
    species: String,
    /// Up to this age in days; the oldest have none.
    until_days: Option<i32>,
    /// Kilograms.
    pub lightest: f64,
    /// Kilograms.
    pub heaviest: f64,
}

/// The bounds for an animal of a species at an age in days; where nobody knows its age, all that its
/// species may weigh. `None` for a species without rules.
pub(super) fn of(species: &str, age: Option<i32>) -> Option<Weights> {
    let mut rows = all().iter().filter(|row| row.species == species);
    let Some(age) = age else {
        let (first, last) = (rows.next()?, rows.next_back());
        let heaviest = last.unwrap_or(first).heaviest;
        return Some(Weights {
            heaviest,
            until_days: None,
            ..first.clone()
        });
    };
    rows.find(|row| row.until_days.is_none_or(|until| age <= until))
        .cloned()
}

fn all() -> &'static [Weights] {
    static ALL: OnceLock<Vec<Weights>> = OnceLock::new();
    ALL.get_or_init(|| {
        let file = include_bytes!("../../../animals/weights.csv");
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .from_reader(&file[..]);
        let rows: Result<_, _> = reader.deserialize().collect();
        // A shipped file; a test reads it.
        rows.expect("the shipped table is valid")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_grow_with_the_age_and_the_oldest_have_some() {
        for rows in all().chunk_by(|a, b| a.species == b.species) {
            let species = &rows[0].species;
            assert!(rows.is_sorted_by_key(|r| r.lightest), "{species}");
            assert!(rows.is_sorted_by_key(|r| r.heaviest), "{species}");
            assert!(rows.iter().all(|r| r.lightest < r.heaviest), "{species}");
            let ages: Vec<_> = rows
                .iter()
                .map(|r| r.until_days.unwrap_or(i32::MAX))
                .collect();
            assert!(ages.is_sorted(), "{species}");
            assert_eq!(ages.last(), Some(&i32::MAX), "{species}");
        }
    }

    #[test]
    fn a_calf_weighs_no_900_kg() {
        assert!(of("SP", Some(0)).is_some_and(|w| w.heaviest < 100.0));
        assert!(of("SP", Some(3000)).is_some_and(|w| w.heaviest > 900.0));
        let any = of("SP", None).expect("cattle have rules");
        assert!(any.lightest < 20.0 && any.heaviest > 900.0);
        assert_eq!(of("XX", Some(3)), None);
    }
}
