//! Permissions (`code,id,en,default`), user types (`code,id,en,synonyms,source,receives,permissions`) and
//! groups (`code,id,en,permissions`) from CSV files.

use super::fault::{LoadFault, Problem, hint};
use super::table::{self, Columns, Row};
use crate::db::lists::Entry;
use crate::db::lists::bulk::Placed;
use crate::db::people::bulk::{Permission, UserType};
use crate::db::people::groups::Group;
use std::collections::HashMap;

const PERMISSIONS: Columns = Columns {
    required: &["code", "id", "en"],
    optional: &["default"],
};
const USER_TYPES: Columns = Columns {
    required: &["code", "id", "en", "receives", "permissions"],
    optional: &["synonyms", "source"],
};

const GROUPS: Columns = Columns {
    required: &["code", "id", "en", "permissions"],
    optional: &[],
};

/// The list that holds the names of user types.
pub(super) const LIST: &str = "user_type";

/// The permissions of a file.
pub(super) fn read_permissions(source: &[u8]) -> (Vec<Permission>, Vec<LoadFault>) {
    let (rows, mut faults) = table::read(source, &PERMISSIONS);
    let mut seen = HashMap::new();
    let mut permissions = Vec::new();
    for row in &rows {
        let code = row.need("code", &mut faults).to_lowercase();
        let fits = code
            .strip_prefix("can_")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(word));
        faults.extend(row.fit(
            "code",
            "a permission: can_ and small letters, digits and _",
            |_| fits,
        ));
        once(&mut seen, row, &code, &mut faults);
        permissions.push(Permission {
            code,
            name_id: row.need("id", &mut faults),
            name_en: row.need("en", &mut faults),
            by_default: yes(row, "default", &mut faults),
        });
    }
    (permissions, faults)
}

/// The user types of a file, each with its entry of the list `user_type`.
pub(super) fn read_user_types(
    source: &[u8],
    permissions: &[Permission],
) -> (Vec<(UserType, Placed)>, Vec<LoadFault>) {
    let (rows, mut faults) = table::read(source, &USER_TYPES);
    let mut seen = HashMap::new();
    let mut types = Vec::new();
    for row in &rows {
        let code = code(&mut seen, row, &mut faults);
        row.need("receives", &mut faults);
        let receives = yes(row, "receives", &mut faults);
        let may = words(row, permissions, &mut faults);
        let entry = entry(row, code.clone(), &mut faults);
        let position = i32::try_from(types.len() + 1).unwrap_or(i32::MAX);
        types.push((
            UserType {
                code,
                receives,
                may,
            },
            Placed { entry, position },
        ));
    }
    (types, faults)
}

/// The groups of a file; one whose people may do nothing besides is no fault.
pub(super) fn read_groups(
    source: &[u8],
    permissions: &[Permission],
) -> (Vec<Group>, Vec<LoadFault>) {
    let (rows, mut faults) = table::read(source, &GROUPS);
    let mut seen = HashMap::new();
    let group = |row: &Row| Group {
        code: code(&mut seen, row, &mut faults),
        name_id: row.need("id", &mut faults),
        name_en: row.need("en", &mut faults),
        permissions: words(row, permissions, &mut faults),
    };
    (rows.iter().map(group).collect(), faults)
}

/// A code in capitals that no row above has.
fn code(seen: &mut HashMap<String, u64>, row: &Row, faults: &mut Vec<LoadFault>) -> String {
    let code = row.need("code", faults).to_uppercase();
    let fits = code.bytes().all(|b| b.is_ascii_alphanumeric());
    faults.extend(row.fit("code", "a code: letters and digits only", |_| fits));
    once(seen, row, &code, faults);
    code
}

fn entry(row: &Row, code: String, faults: &mut Vec<LoadFault>) -> Entry {
    let synonyms = row
        .get("synonyms")
        .split('|')
        .map(str::trim)
        .filter(|s| !s.is_empty());
    Entry {
        list: LIST.to_owned(),
        code,
        name_id: row.need("id", faults),
        name_en: row.need("en", faults),
        synonyms: synonyms.map(str::to_owned).collect(),
        parent: None,
        source: if row.get("source").is_empty() {
            "own".into()
        } else {
            row.get("source").to_lowercase()
        },
        retired: false,
    }
}

fn words(row: &Row, known: &[Permission], faults: &mut Vec<LoadFault>) -> Vec<String> {
    let mut may: Vec<String> = Vec::new();
    for word in row
        .get("permissions")
        .split([' ', '|', ','])
        .filter(|w| !w.is_empty())
    {
        let word = word.to_lowercase();
        if !known.iter().any(|p| p.code == word) {
            faults.push(row.fault("permissions", unknown_permission(&word, known)));
        }
        may.push(word);
    }
    may.sort_unstable();
    may.dedup();
    may
}

/// A permission that does not exist, with the nearest that does.
pub(super) fn unknown_permission(word: &str, known: &[Permission]) -> Problem {
    let hint = hint(word, known.iter().map(|p| p.code.as_str()));
    Problem::Unknown {
        value: word.into(),
        wanted: "a permission",
        hint,
    }
}

fn yes(row: &Row, column: &str, faults: &mut Vec<LoadFault>) -> bool {
    let word = row.get(column).to_lowercase();
    let yes = ["yes", "y", "ya", "true", "1"].contains(&word.as_str());
    let no = ["", "no", "n", "tidak", "false", "0"].contains(&word.as_str());
    faults.extend(row.fit(column, "yes or no (ya, tidak)", |_| yes || no));
    yes
}

fn once(seen: &mut HashMap<String, u64>, row: &Row, code: &str, faults: &mut Vec<LoadFault>) {
    if let Some(line) = seen.insert(code.to_owned(), row.line) {
        faults.push(row.fault(
            "code",
            Problem::Twice {
                value: code.into(),
                line,
            },
        ));
    }
}

fn word(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'
}
