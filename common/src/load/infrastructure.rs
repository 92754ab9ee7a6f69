//! Infrastructure from a CSV: `code,type,name,place[,lat,lon][,emails][,staff]`.
//!
//! A row says everything about its infrastructure: mail addresses and staff that it does not name are
//! taken away. Coordinates that it does not give stay as they are: `LOK` may have set them. An office
//! (type DNS) answers for the place that it is registered at.

use super::LoadOptions;
use super::fault::{LoadFault, Problem, hint};
use super::people::canonical;
use super::places::{code as place_code, point};
use super::table::{self, Columns, Row};
use crate::db::people::bulk::Holder;
use crate::db::works::bulk::Site;
use crate::load::LoadReport;
use crate::phone::Numbering;
use std::collections::HashMap;
use std::io::Read;

const COLUMNS: Columns = Columns {
    required: &["code", "type", "name", "place"],
    optional: &["lat", "lon", "emails", "staff"],
};

/// A row whose cells have the right form; what they refer to is not yet looked up.
#[derive(Debug)]
pub(super) struct SiteRow {
    row: Row,
    code: String,
    kind: String,
    name: String,
    pub place: String,
    point: Option<(f64, f64)>,
    emails: Vec<String>,
    /// Kind of address and address of each of the staff.
    pub staff: Vec<(&'static str, String)>,
}

/// What the database knows of what a file names.
pub(super) struct Known {
    pub sites: Vec<Site>,
    pub types: Vec<String>,
    pub places: HashMap<String, i64>,
    pub holders: Vec<Holder>,
}

/// What a file asks of the database.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub put: Vec<Site>,
    pub report: LoadReport,
}

/// Everything that can be said about the file without a database.
pub(super) fn read(source: impl Read, numbering: &Numbering) -> (Vec<SiteRow>, Vec<LoadFault>) {
    let (rows, mut faults) = table::read(source, &COLUMNS);
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut sites = Vec::with_capacity(rows.len());
    for row in rows {
        let site = site(row, numbering, &mut faults);
        if let Some(line) = seen.insert(site.code.clone(), site.row.line)
            && !site.code.is_empty()
        {
            let value = site.code.clone();
            faults.push(site.row.fault("code", Problem::Twice { value, line }));
        }
        sites.push(site);
    }
    (sites, faults)
}

fn site(row: Row, numbering: &Numbering, faults: &mut Vec<LoadFault>) -> SiteRow {
    let digits = |code: &str| code.bytes().all(|b| b.is_ascii_digit());
    let fits = |code: &str| code.is_empty() || ((4..=8).contains(&code.len()) && digits(code));
    let code = row.need("code", faults);
    faults.extend(row.fit("code", "a code of 4 to 8 digits", fits));
    let place = place_code(&row.need("place", faults));
    let mut emails = Vec::new();
    for word in words(&row, "emails", &[' ', '|', ';']) {
        match canonical("email", &word, numbering) {
            Ok(email) => emails.push(email),
            Err(problem) => faults.push(row.fault("emails", problem)),
        }
    }
    let mut staff = Vec::new();
    for word in words(&row, "staff", &['|', ';']) {
        let kind = if word.contains('@') { "email" } else { "phone" };
        match canonical(kind, &word, numbering) {
            Ok(address) => staff.push((kind, address)),
            Err(problem) => faults.push(row.fault("staff", problem)),
        }
    }
    SiteRow {
        kind: row.need("type", faults).to_uppercase(),
        name: row.need("name", faults),
        point: point(&row, faults),
        code,
        place,
        emails,
        staff,
        row,
    }
}

/// The words of a cell; a number may hold blanks, so not everywhere do they end one.
fn words(row: &Row, column: &str, between: &[char]) -> Vec<String> {
    let words = row.get(column).split(between).map(str::trim);
    words.filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// Compares the rows with what is known.
pub(super) fn plan(rows: &[SiteRow], known: &Known) -> (Plan, Vec<LoadFault>) {
    let (mut plan, mut faults) = (Plan::default(), Vec::new());
    for row in rows {
        let before = faults.len();
        let old = known.sites.iter().find(|s| s.code == row.code);
        let site = stored(row, known, old, &mut faults);
        if faults.len() == before && plan.report.count(old, &site) {
            plan.put.push(site);
        }
    }
    let named = |site: &&Site| !rows.iter().any(|row| row.code == site.code);
    let gone = known.sites.iter().filter(|s| !s.retired).filter(named);
    plan.report.vanished = gone.map(|s| s.code.clone()).collect();
    (plan, faults)
}

/// The row as it shall be stored; what it names and nobody knows are faults.
fn stored(row: &SiteRow, known: &Known, old: Option<&Site>, faults: &mut Vec<LoadFault>) -> Site {
    let mut unknown = |column: &str, value: &str, wanted, hint| {
        let value = value.to_owned();
        let problem = Problem::Unknown {
            value,
            wanted,
            hint,
        };
        faults.push(row.row.fault(column, problem));
    };
    if !row.kind.is_empty() && !known.types.contains(&row.kind) {
        let near = hint(&row.kind, known.types.iter().map(String::as_str));
        unknown("type", &row.kind, "a type of infrastructure", near);
    }
    let place = known.places.get(&row.place).copied();
    if place.is_none() && !row.place.is_empty() {
        unknown("place", &row.place, "the code of a place", String::new());
    }
    let mut staff = Vec::new();
    for (kind, address) in &row.staff {
        let mut holders = known.holders.iter();
        match holders.find(|h| h.kind == *kind && h.address == *address) {
            Some(holder) => staff.push(holder.person),
            None => unknown("staff", address, "the address of somebody", String::new()),
        }
    }
    staff.sort_unstable();
    staff.dedup();
    Site {
        code: row.code.clone(),
        kind: row.kind.clone(),
        name: row.name.clone(),
        place: place.unwrap_or_default(),
        point: row.point.or_else(|| old.and_then(|o| o.point)),
        emails: row.emails.clone(),
        staff,
        retired: false,
    }
}

/// The codes that are retired because the file no longer names them and the options ask for it.
pub(super) fn retired<'a>(plan: &'a Plan, options: &LoadOptions) -> Vec<&'a str> {
    let vanished = plan.report.vanished.iter().map(String::as_str);
    vanished.filter(|_| options.retire_vanished).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        Known {
            sites: Vec::new(),
            types: ["LAB", "DNS"].map(str::to_owned).to_vec(),
            places: HashMap::from([("73".to_owned(), 1)]),
            holders: vec![Holder {
                kind: "phone".into(),
                address: "+6281234567890".into(),
                person: 7,
            }],
        }
    }

    fn faults(csv: &str) -> Vec<String> {
        let (rows, mut faults) = read(csv.as_bytes(), &Numbering::default());
        faults.extend(plan(&rows, &known()).1);
        faults.sort_by_key(|f| f.line);
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_row_says_everything_but_where_it_stands() {
        let csv = "code,type,name,place,emails,staff\n\
                   730801,lab,BBVet Maros,73,A@example.org b@example.org,0812 3456 7890\n";
        let (rows, none) = read(csv.as_bytes(), &Numbering::default());
        assert_eq!(none, []);
        let mut known = known();
        let (plan_of, none) = plan(&rows, &known);
        assert_eq!((none, plan_of.report.added), (vec![], 1));
        let site = &plan_of.put[0];
        assert_eq!(
            (site.kind.as_str(), site.place, site.staff.as_slice()),
            ("LAB", 1, &[7][..])
        );
        assert_eq!(site.emails, ["a@example.org", "b@example.org"]);
        known.sites = vec![Site {
            point: Some((119.5, -5.0)),
            ..site.clone()
        }];
        assert_eq!(plan(&rows, &known).0.report.unchanged, 1, "the point stays");
        let (gone, _) = plan(&[], &known);
        assert_eq!(gone.report.vanished, ["730801"]);
    }

    #[test]
    fn every_fault_names_line_column_and_remedy() {
        let csv = "code,type,name,place,lat,lon,emails,staff\n\
                   73,LAP,,99,1,,nobody,0811\n\
                   730801,LAB,a,73,,,,081111111111\n\
                   730801,LAB,a,73,,,,\n";
        assert_eq!(
            faults(csv),
            [
                "line 2, code: \"73\" is not a code of 4 to 8 digits",
                "line 2, emails: \"nobody\" is not one e-mail address",
                "line 2, staff: \"0811\" is not a phone number that begins with 0, or with + and the country code",
                "line 2, name: the cell is empty; fill it in",
                "line 2, lon: lat without lon, or lon without lat; give both or neither",
                "line 2, type: \"LAP\" is not a type of infrastructure that this installation knows (did you mean \"LAB\"?); load it first or correct it",
                "line 2, place: \"99\" is not the code of a place that this installation knows; load it first or correct it",
                "line 3, staff: \"+6281111111111\" is not the address of somebody that this installation knows; load it first or correct it",
                "line 4, code: \"730801\" stands already in line 3; keep one of the two",
            ]
        );
    }
}
