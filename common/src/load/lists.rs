//! Lists from CSV files: the lists themselves (`key,short,id,en[,parent]`) and their entries
//! (`list,code,id,en,synonyms,parent,source`; synonyms are separated by `|`).

use super::fault::{LoadFault, Problem, hint};
use super::table::{self, Columns, Row};
use super::{LoadOptions, LoadReport};
use crate::db::lists::bulk::{Placed, PlacedList};
use crate::db::lists::{Entry, List};
use std::collections::{HashMap, HashSet};

const LISTS: Columns = Columns {
    required: &["key", "short", "id", "en"],
    optional: &["parent"],
};
const ENTRIES: Columns = Columns {
    required: &["list", "code", "id", "en"],
    optional: &["synonyms", "parent", "source"],
};

/// Who an entry comes from when the file does not say: the installation itself.
const OWN: &str = "own";

/// Is this a file of lists rather than of entries? Only it has a column `key`.
pub(super) fn is_file_of_lists(bytes: &[u8]) -> bool {
    let first = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(first).to_lowercase();
    line.split([',', ';'])
        .any(|word| word.trim_matches(['"', ' ', '\r', '\u{feff}']) == "key")
}

/// The lists of a file, in its order. A parent may stand further down.
pub(super) fn read_lists(source: &[u8], known: &[PlacedList]) -> (Vec<PlacedList>, Vec<LoadFault>) {
    let (rows, mut faults) = table::read(source, &LISTS);
    let mut keys: HashMap<String, u64> = HashMap::new();
    let mut lists = Vec::new();
    for row in &rows {
        let key = row.need("key", &mut faults).to_lowercase();
        faults.extend(row.fit("key", "a key: small letters, digits and _", |_| {
            key_fits(&key)
        }));
        once(&mut keys, row, "key", key.clone(), &mut faults);
        let short = Some(row.get("short").to_uppercase()).filter(|s| !s.is_empty());
        let fits = |_: &str| short.as_deref().is_none_or(code_fits);
        faults.extend(row.fit("short", "a short name: letters and digits", fits));
        let parent = Some(row.get("parent").to_lowercase()).filter(|p| !p.is_empty());
        let (name_id, name_en) = (row.need("id", &mut faults), row.need("en", &mut faults));
        let list = List {
            key,
            short,
            name_id,
            name_en,
            parent,
        };
        lists.push((list, i32::try_from(lists.len()).unwrap_or(i32::MAX)));
    }
    let all: HashSet<&str> = known
        .iter()
        .map(|l| l.0.key.as_str())
        .chain(keys.keys().map(String::as_str))
        .collect();
    for (row, (list, _)) in rows.iter().zip(&lists) {
        let unknown = list.parent.as_deref().filter(|p| !all.contains(p));
        faults.extend(unknown.map(|p| row.fault("parent", no(p, "a list", all.iter().copied()))));
    }
    (lists, faults)
}

/// The entries of a file, each list in the order of the file.
pub(super) fn read_entries(
    source: &[u8],
    lists: &[PlacedList],
    known: &[Placed],
) -> (Vec<Placed>, Vec<LoadFault>) {
    let (rows, mut faults) = table::read(source, &ENTRIES);
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut entries: Vec<Placed> = Vec::new();
    let mut counts: HashMap<String, i32> = HashMap::new();
    for row in &rows {
        let entry = entry(row, lists, &mut faults);
        let key = format!("{} {}", entry.list, entry.code);
        once(&mut seen, row, "code", key, &mut faults);
        let position = counts.entry(entry.list.clone()).or_default();
        *position += 1;
        entries.push(Placed {
            entry,
            position: *position,
        });
    }
    let parents = Parents::new(lists, known, &entries);
    for (row, placed) in rows.iter().zip(&entries) {
        faults.extend(parents.fault(row, &placed.entry));
    }
    (entries, faults)
}

fn entry(row: &Row, lists: &[PlacedList], faults: &mut Vec<LoadFault>) -> Entry {
    let list = row.need("list", faults).to_lowercase();
    let keys = || lists.iter().map(|l| l.0.key.as_str());
    if !list.is_empty() && !keys().any(|k| k == list) {
        faults.push(row.fault("list", no(&list, "a list", keys())));
    }
    let code = row.need("code", faults).to_uppercase();
    faults.extend(row.fit("code", "a code: letters and digits only", |_| {
        code_fits(&code)
    }));
    let synonyms = row
        .get("synonyms")
        .split('|')
        .map(str::trim)
        .filter(|s| !s.is_empty());
    let source = match row.get("source") {
        "" => OWN.to_owned(),
        named => named.to_lowercase(),
    };
    Entry {
        list,
        code,
        name_id: row.need("id", faults),
        name_en: row.need("en", faults),
        synonyms: synonyms.map(str::to_owned).collect(),
        parent: Some(row.get("parent").to_uppercase()).filter(|p| !p.is_empty()),
        source,
        retired: false,
    }
}

/// Which codes may be a parent, by list.
struct Parents<'a> {
    of: HashMap<&'a str, &'a str>,
    codes: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Parents<'a> {
    fn new(lists: &'a [PlacedList], known: &'a [Placed], new: &'a [Placed]) -> Self {
        let mut codes: HashMap<&str, Vec<&str>> = HashMap::new();
        for placed in known.iter().chain(new) {
            codes
                .entry(&placed.entry.list)
                .or_default()
                .push(&placed.entry.code);
        }
        let parent = |l: &'a PlacedList| Some((l.0.key.as_str(), l.0.parent.as_deref()?));
        Self {
            of: lists.iter().filter_map(parent).collect(),
            codes,
        }
    }

    fn fault(&self, row: &Row, entry: &Entry) -> Option<LoadFault> {
        let parent = entry.parent.as_deref()?;
        let Some(list) = self.of.get(entry.list.as_str()) else {
            let hint = "; this list has no parent list".to_owned();
            let problem = Problem::Unfit {
                value: parent.into(),
                wanted: "needed here",
                hint,
            };
            return Some(row.fault("parent", problem));
        };
        let codes = self.codes.get(list).map_or(&[][..], Vec::as_slice);
        let known = codes.contains(&parent);
        (!known).then(|| {
            row.fault(
                "parent",
                no(parent, "a code of the parent list", codes.iter().copied()),
            )
        })
    }
}

/// What a load of entries asks of the database.
pub(super) struct Plan {
    pub put: Vec<Placed>,
    pub retire: Vec<(String, String)>,
    pub report: LoadReport,
}

/// Compares; only lists that the file names can have codes that vanished.
pub(super) fn plan(new: Vec<Placed>, known: &[Placed], options: &LoadOptions) -> Plan {
    let mut report = LoadReport::default();
    let old: HashMap<_, _> = known
        .iter()
        .map(|k| ((&*k.entry.list, &*k.entry.code), k))
        .collect();
    let lists: HashSet<String> = new.iter().map(|n| n.entry.list.clone()).collect();
    let codes: HashSet<(String, String)> = new
        .iter()
        .map(|n| (n.entry.list.clone(), n.entry.code.clone()))
        .collect();
    let before = |n: &Placed| old.get(&(&*n.entry.list, &*n.entry.code)).copied();
    let put = new
        .into_iter()
        .filter(|n| report.count(before(n), n))
        .collect();
    let mut retire = Vec::new();
    for k in known
        .iter()
        .filter(|k| !k.entry.retired && lists.contains(&k.entry.list))
    {
        let key = (k.entry.list.clone(), k.entry.code.clone());
        if !codes.contains(&key) {
            report.vanished.push(format!("{}:{}", key.0, key.1));
            retire.extend(options.retire_vanished.then_some(key));
        }
    }
    Plan {
        put,
        retire,
        report,
    }
}

fn once(
    seen: &mut HashMap<String, u64>,
    row: &Row,
    column: &str,
    key: String,
    faults: &mut Vec<LoadFault>,
) {
    if let Some(line) = seen.get(&key) {
        let value = row.get(column).to_owned();
        faults.push(row.fault(column, Problem::Twice { value, line: *line }));
    } else {
        seen.insert(key, row.line);
    }
}

fn no<'a>(value: &str, wanted: &'static str, known: impl IntoIterator<Item = &'a str>) -> Problem {
    Problem::Unknown {
        value: value.into(),
        wanted,
        hint: hint(value, known),
    }
}

fn key_fits(key: &str) -> bool {
    let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    key.bytes().all(lower) && !key.starts_with(|c: char| !c.is_ascii_lowercase())
}

fn code_fits(code: &str) -> bool {
    code.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests;
