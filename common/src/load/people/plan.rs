//! What a file of people asks of the database.

use super::PersonRow;
use crate::db::people::bulk::{Holder, Permission, StoredPerson};
use crate::load::LoadReport;
use crate::load::fault::{LoadFault, Problem, hint, there_are};
use crate::load::roles::unknown_permission;
use std::collections::HashMap;

/// What the cells of a file refer to, as the database has it.
#[derive(Debug, Default)]
pub(in crate::load) struct Found {
    pub user_types: Vec<String>,
    pub permissions: Vec<Permission>,
    /// Codes of all groups.
    pub groups: Vec<String>,
    /// By code, in the systems of the installation.
    pub places: HashMap<String, i64>,
    /// Who has which address now.
    pub holders: Vec<Holder>,
    /// Those people, whole.
    pub people: HashMap<i64, StoredPerson>,
}

/// New people have no id yet (0); the known have theirs.
#[derive(Debug, Default, PartialEq)]
pub(in crate::load) struct Plan {
    pub insert: Vec<StoredPerson>,
    /// As they were, and as they are now.
    pub update: Vec<(StoredPerson, StoredPerson)>,
    pub report: LoadReport,
}

/// Compares the rows with what was found.
pub(in crate::load) fn plan(rows: &[PersonRow], found: &Found) -> (Plan, Vec<LoadFault>) {
    let mut plan = Plan::default();
    let mut faults = Vec::new();
    let holders: HashMap<(&str, &str), i64> = found
        .holders
        .iter()
        .map(|h| ((h.kind.as_str(), h.address.as_str()), h.person))
        .collect();
    let mut taken: HashMap<i64, u64> = HashMap::new();
    for row in rows {
        let before = faults.len();
        check(row, found, &mut faults);
        let id = known_as(row, &holders, &mut faults);
        if let Some(line) = id.and_then(|id| taken.insert(id, row.row.line)) {
            let value = row.name.clone();
            faults.push(row.row.fault("name", Problem::Twice { value, line }));
        }
        if faults.len() > before {
            continue;
        }
        let old = id.and_then(|id| found.people.get(&id));
        let new = stored(row, old, found);
        match old {
            None => (plan.report.added, _) = (plan.report.added + 1, plan.insert.push(new)),
            Some(old) if *old == new => plan.report.unchanged += 1,
            Some(old) => {
                plan.report.changed += 1;
                plan.update.push((old.clone(), new));
            }
        }
    }
    (plan, faults)
}

fn check(row: &PersonRow, found: &Found, faults: &mut Vec<LoadFault>) {
    let value = row.user_type.clone();
    if !value.is_empty() && !found.user_types.contains(&value) {
        let hint = hint(&value, found.user_types.iter().map(String::as_str));
        faults.push(row.row.fault(
            "user_type",
            Problem::Unknown {
                value,
                wanted: "a user type",
                hint,
            },
        ));
    }
    let missing = |code: &&String| !found.places.contains_key(code.as_str());
    let mut place = |column, code: &String| {
        let wanted = "the code of a place";
        let problem = Problem::Unknown {
            value: code.clone(),
            wanted,
            hint: String::new(),
        };
        faults.push(row.row.fault(column, problem));
    };
    row.home
        .iter()
        .filter(missing)
        .for_each(|code| place("home", code));
    row.areas
        .iter()
        .filter(missing)
        .for_each(|code| place("areas", code));
    for code in row.groups.iter().flatten() {
        if !found.groups.contains(code) {
            faults.push(row.row.fault("groups", unknown_group(code, &found.groups)));
        }
    }
    for (code, _) in &row.permissions {
        if !found.permissions.iter().any(|p| p.code == *code) {
            faults.push(
                row.row
                    .fault("permissions", unknown_permission(code, &found.permissions)),
            );
        }
    }
}

/// A group that does not exist, with the nearest that does or all that do.
fn unknown_group(code: &str, known: &[String]) -> Problem {
    let near = hint(code, known.iter().map(String::as_str));
    let hint = match near.is_empty() {
        true => format!(" ({})", there_are(known)),
        false => near,
    };
    Problem::Unknown {
        value: code.into(),
        wanted: "a group",
        hint,
    }
}

/// Whose addresses these are already; a fault when they are of two people.
fn known_as(
    row: &PersonRow,
    holders: &HashMap<(&str, &str), i64>,
    faults: &mut Vec<LoadFault>,
) -> Option<i64> {
    let mut id = None;
    for a in &row.addresses {
        let holder = holders.get(&(a.kind.as_str(), a.address.as_str())).copied();
        if id.is_some() && holder.is_some() && id != holder {
            let value = row.row.get(row.column_of(a)).to_owned();
            faults.push(
                row.row
                    .fault(row.column_of(a), Problem::TwoPeople { value }),
            );
        }
        id = id.or(holder);
    }
    id
}

fn stored(row: &PersonRow, old: Option<&StoredPerson>, found: &Found) -> StoredPerson {
    let place = |code: &String| found.places.get(code.as_str()).copied();
    let mut areas: Vec<i64> = row.areas.iter().filter_map(place).collect();
    areas.sort_unstable();
    areas.dedup();
    let state = row.state.map(|s| s.as_str().to_owned());
    let old_state = || old.map_or("active".to_owned(), |o| o.state.clone());
    StoredPerson {
        id: old.map_or(0, |o| o.id),
        name: row.name.clone(),
        language: row.language.clone(),
        user_type: row.user_type.clone(),
        home_place: row.home.as_ref().and_then(place),
        state: state.unwrap_or_else(old_state),
        contacts: row
            .addresses
            .iter()
            .map(|a| (a.kind.clone(), a.address.clone(), a.channel.clone()))
            .collect(),
        areas,
        permissions: row.permissions.clone(),
        groups: row
            .groups
            .clone()
            .unwrap_or_else(|| old.map_or(Vec::new(), |o| o.groups.clone())),
        training: old.is_some_and(|o| o.training),
    }
}
