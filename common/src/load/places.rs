//! Places from a CSV: `system,code,parent,level,name[,lat,lon][,same_as]`.
//!
//! `same_as` (`kemendagri:6302212003`) gives one more code to a place that another row or an earlier
//! file made; name, parent and level of such a row are not used and may be empty.

mod plan;

pub(super) use plan::{new_places, plan, systems};

use super::fault::{LoadFault, Problem};
use super::table::{self, Columns, Row};
use std::collections::HashMap;
use std::io::Read;

const COLUMNS: Columns = Columns {
    required: &["system", "code", "parent", "level", "name"],
    optional: &["lat", "lon", "same_as"],
};

/// A system and a code in it.
pub(super) type Key = (String, String);

/// A row that is right in itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlaceRow {
    pub line: u64,
    pub key: Key,
    pub meaning: Meaning,
}

/// What the code of a row stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    Place {
        parent: Option<Key>,
        level: i16,
        name: String,
        point: Option<(f64, f64)>,
    },
    SameAs(Key),
    /// The row has faults; others may name its code without being wrong for it.
    Broken,
}

/// Everything that can be said about the file without a database.
pub(super) fn read(source: impl Read) -> (Vec<PlaceRow>, Vec<LoadFault>) {
    let (rows, mut faults) = table::read(source, &COLUMNS);
    let mut seen: HashMap<Key, u64> = HashMap::with_capacity(rows.len());
    let mut places = Vec::with_capacity(rows.len());
    for row in &rows {
        let Some(place) = place(row, &mut faults) else {
            continue;
        };
        if let Some(line) = seen.insert(place.key.clone(), row.line) {
            let value = place.key.1.clone();
            faults.push(row.fault("code", Problem::Twice { value, line }));
        } else {
            places.push(place);
        }
    }
    (places, faults)
}

fn place(row: &Row, faults: &mut Vec<LoadFault>) -> Option<PlaceRow> {
    let before = faults.len();
    let system = row.get("system").to_lowercase();
    let code = code(row.get("code"));
    row.need("system", faults);
    row.need("code", faults);
    faults.extend(
        row.fit("system", "a system: small letters, digits and _", |_| {
            system_fits(&system)
        }),
    );
    faults.extend(row.fit("code", "a code: letters and digits only", |_| {
        code_fits(&code)
    }));
    let named = faults.len() == before && !code.is_empty();
    let meaning = match row.get("same_as") {
        "" => described(row, &system, faults),
        same => same_as(row, same, faults),
    };
    let whole = meaning
        .filter(|_| faults.len() == before)
        .unwrap_or(Meaning::Broken);
    named.then_some(PlaceRow {
        line: row.line,
        key: (system, code),
        meaning: whole,
    })
}

fn described(row: &Row, system: &str, faults: &mut Vec<LoadFault>) -> Option<Meaning> {
    let name = row.need("name", faults);
    let level = row.need("level", faults).parse().unwrap_or(0);
    faults.extend(row.fit("level", "a level: 1 (top) to 9", |v| {
        v.is_empty() || (1..=9).contains(&level)
    }));
    let parent = code(row.get("parent"));
    if parent.is_empty() && level > 1 {
        faults.push(row.fault("parent", Problem::ParentMissing(level)));
    }
    let point = point(row, faults);
    let parent = Some((system.to_owned(), parent)).filter(|p| !p.1.is_empty());
    Some(Meaning::Place {
        parent,
        level,
        name,
        point,
    })
}

fn same_as(row: &Row, text: &str, faults: &mut Vec<LoadFault>) -> Option<Meaning> {
    let (system, other) = text.split_once(':').unwrap_or_default();
    let key = (system.trim().to_lowercase(), code(other));
    let fits = system_fits(&key.0) && code_fits(&key.1) && !key.1.is_empty() && !key.0.is_empty();
    faults.extend(row.fit(
        "same_as",
        "a code with its system, as in kemendagri:6302212003",
        |_| fits,
    ));
    fits.then_some(Meaning::SameAs(key))
}

/// Longitude and latitude; a decimal comma is fine where the delimiter is a semicolon.
pub(super) fn point(row: &Row, faults: &mut Vec<LoadFault>) -> Option<(f64, f64)> {
    let degrees = |column: &str| {
        row.get(column)
            .replace(',', ".")
            .parse::<f64>()
            .unwrap_or(f64::NAN)
    };
    let (lat, lon) = (degrees("lat"), degrees("lon"));
    if row.get("lat").is_empty() && row.get("lon").is_empty() {
        return None;
    }
    if row.get("lat").is_empty() || row.get("lon").is_empty() {
        faults.push(row.fault(
            if row.get("lat").is_empty() {
                "lat"
            } else {
                "lon"
            },
            Problem::HalfPoint,
        ));
        return None;
    }
    faults.extend(row.fit("lat", "degrees north, -90 to 90", |_| lat.abs() <= 90.0));
    faults.extend(row.fit("lon", "degrees east, -180 to 180", |_| lon.abs() <= 180.0));
    Some((lon, lat))
}

/// `63.02.21.2003` and `6302212003` are one code.
pub(super) fn code(text: &str) -> String {
    text.replace('.', "").to_uppercase()
}

fn code_fits(code: &str) -> bool {
    code.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn system_fits(system: &str) -> bool {
    let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    system.bytes().all(lower) && !system.starts_with(|c: char| c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::LoadOptions;

    fn faults(csv: &str) -> Vec<String> {
        let (rows, mut faults) = read(csv.as_bytes());
        let ids: Vec<i64> = (1..100).collect();
        faults.extend(plan(&rows, &[], &ids, &LoadOptions::default()).1);
        faults.sort_by_key(|f| f.line);
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_fault_of_a_place_is_told() {
        const PARENT: &str = "system,code,parent,level,name,lat,lon,same_as\nbps,11,,1,Aceh,,,\n";
        for (row, fault) in [
            (
                "BPS!,12,,1,x,,,",
                "system: \"BPS!\" is not a system: small letters, digits and _",
            ),
            (
                "bps,1-2,,1,x,,,",
                "code: \"1-2\" is not a code: letters and digits only",
            ),
            ("bps,,,1,x,,,", "code: the cell is empty; fill it in"),
            ("bps,12,,1,,,,", "name: the cell is empty; fill it in"),
            (
                "bps,12,,ten,x,,,",
                "level: \"ten\" is not a level: 1 (top) to 9",
            ),
            (
                "bps,1201,,2,x,,,",
                "parent: level 2 needs a parent; only level 1 has none",
            ),
            (
                "bps,1201,12,2,x,,,",
                "parent: \"12\" is not the code of a place that this installation knows; load it first or correct it",
            ),
            (
                "bps,1101,11,1,x,,,",
                "parent: the parent \"11\" is not above it; its level must be a smaller number",
            ),
            (
                "bps,11,,1,x,,,",
                "code: \"11\" stands already in line 2; keep one of the two",
            ),
            (
                "bps,12,,1,x,5,,",
                "lon: lat without lon, or lon without lat; give both or neither",
            ),
            (
                "bps,12,,1,x,95,1,",
                "lat: \"95\" is not degrees north, -90 to 90",
            ),
            (
                "bps,12,,1,x,5,east,",
                "lon: \"east\" is not degrees east, -180 to 180",
            ),
            (
                "own,12,,,,,,bps",
                "same_as: \"bps\" is not a code with its system, as in kemendagri:6302212003",
            ),
            (
                "own,12,,,,,,bps:99",
                "same_as: \"bps:99\" is not a place that this installation knows; load it first or correct it",
            ),
        ] {
            assert_eq!(
                faults(&format!("{PARENT}{row}\n")),
                [format!("line 3, {fault}")],
                "{row}"
            );
        }
    }

    #[test]
    fn a_fault_does_not_drag_its_children_along() {
        let csv = "system,code,parent,level,name\nbps,11,,1,\nbps,1101,11,2,Simeulue\nbps,110101,1101,3,\n";
        let empty = "name: the cell is empty; fill it in";
        assert_eq!(
            faults(csv),
            [format!("line 2, {empty}"), format!("line 4, {empty}")]
        );
    }

    #[test]
    fn children_may_stand_before_their_parents() {
        let csv = "system;code;parent;level;name;lat;lon\nbps;11.01;11;2;Simeulue;2,5;96,1\nbps;11;;1;Aceh;;\n";
        let (rows, faults) = read(csv.as_bytes());
        assert_eq!(faults, []);
        let (plan, faults) = plan(&rows, &[], &[7, 8], &LoadOptions::default());
        assert_eq!(faults, []);
        assert_eq!(plan.insert[0].path, [7]);
        assert_eq!(
            (&plan.insert[1].path[..], plan.insert[1].parent),
            (&[7, 8][..], Some(7))
        );
        assert_eq!(plan.insert[1].point, Some((96.1, 2.5)));
        assert_eq!(plan.codes[1], ("bps".into(), "1101".into(), 8));
    }

    #[test]
    fn the_shipped_places_are_whole() {
        let (rows, faults) = read(&include_bytes!("../../places/indonesia.csv.gz")[..]);
        assert_eq!(faults, []);
        let ids: Vec<i64> = (1..=100_000).collect();
        let (plan, faults) = plan(&rows, &[], &ids, &LoadOptions::default());
        assert_eq!(faults, [], "every parent is there");
        let count = |level| plan.insert.iter().filter(|p| p.level == level).count();
        assert_eq!([1, 2, 3, 4].map(count), [38, 514, 7_285, 83_762]);
        for place in &plan.insert {
            assert_eq!(
                place.path.len(),
                usize::try_from(place.level).unwrap(),
                "{}",
                place.name
            );
            assert!(
                place.name.bytes().all(|b| (b' '..=b'~').contains(&b)),
                "{}",
                place.name
            );
        }
    }
}
