//! What a file of places asks of the database: compared in memory, written by set.

use super::{Key, Meaning, PlaceRow};
use crate::db::places::bulk::{Known, Stored};
use crate::load::fault::{LoadFault, Problem};
use crate::load::{LoadOptions, LoadReport};
use std::collections::{HashMap, HashSet};

/// The systems whose codes the rows name, which is what must be known to plan.
pub(in crate::load) fn systems(rows: &[PlaceRow]) -> Vec<&str> {
    let mut systems: Vec<&str> = rows
        .iter()
        .flat_map(|row| match &row.meaning {
            Meaning::SameAs(other) => vec![row.key.0.as_str(), other.0.as_str()],
            Meaning::Place { .. } | Meaning::Broken => vec![row.key.0.as_str()],
        })
        .collect();
    systems.sort_unstable();
    systems.dedup();
    systems
}

/// How many ids a plan may need: one per row that no known code stands for.
pub(in crate::load) fn new_places(rows: &[PlaceRow], known: &[Known]) -> usize {
    let known: HashSet<_> = known
        .iter()
        .map(|k| (k.system.as_str(), k.code.as_str()))
        .collect();
    let new = |r: &&PlaceRow| !known.contains(&(r.key.0.as_str(), r.key.1.as_str()));
    rows.iter().filter(new).count()
}

/// What the file asks of the database.
#[derive(Debug, Default, PartialEq)]
pub(in crate::load) struct Plan {
    pub insert: Vec<Stored>,
    pub update: Vec<Stored>,
    pub codes: Vec<(String, String, i64)>,
    pub retire: Vec<Key>,
    pub moved: bool,
    pub report: LoadReport,
}

/// Compares the rows with what is known. `new_ids` has as many as [`new_places`] said.
pub(in crate::load) fn plan(
    rows: &[PlaceRow],
    known: &[Known],
    new_ids: &[i64],
    options: &LoadOptions,
) -> (Plan, Vec<LoadFault>) {
    let mut planner = Planner::new(rows, known, new_ids);
    let mut plan = Plan::default();
    // Parents before children, whatever the order of the file.
    let mut order: Vec<&PlaceRow> = rows.iter().collect();
    order.sort_by_key(|row| match row.meaning {
        Meaning::Place { level, .. } => level,
        Meaning::SameAs(_) => i16::MAX,
        Meaning::Broken => 0,
    });
    for row in order {
        planner.take(row, &mut plan);
    }
    let faults = planner.faults;
    vanished(rows, known, options, &mut plan);
    (plan, faults)
}

struct Planner<'a> {
    /// By code: the place as stored now.
    known: HashMap<(&'a str, &'a str), &'a Known>,
    /// By code: the place of this file, with its level and path.
    made: HashMap<&'a Key, Stored>,
    /// By code: this file's rows that only point to another.
    same: HashSet<&'a Key>,
    /// By code: this file's rows that have faults already, and those that hang on them.
    broken: HashSet<&'a Key>,
    new_ids: std::slice::Iter<'a, i64>,
    faults: Vec<LoadFault>,
}

impl<'a> Planner<'a> {
    fn new(rows: &'a [PlaceRow], known: &'a [Known], new_ids: &'a [i64]) -> Self {
        let same = rows
            .iter()
            .filter(|r| matches!(r.meaning, Meaning::SameAs(_)));
        Self {
            known: known
                .iter()
                .map(|k| ((k.system.as_str(), k.code.as_str()), k))
                .collect(),
            made: HashMap::with_capacity(rows.len()),
            same: same.map(|r| &r.key).collect(),
            broken: HashSet::new(),
            new_ids: new_ids.iter(),
            faults: Vec::new(),
        }
    }

    fn take(&mut self, row: &'a PlaceRow, plan: &mut Plan) {
        match &row.meaning {
            Meaning::Place { .. } => self.place(row, plan),
            Meaning::SameAs(other) => self.same_as(row, other, plan),
            Meaning::Broken => _ = self.broken.insert(&row.key),
        }
    }

    fn known(&self, key: &Key) -> Option<&'a Known> {
        self.known.get(&(key.0.as_str(), key.1.as_str())).copied()
    }

    /// The place that a code stands for once this file is loaded.
    fn meant(&self, key: &Key) -> Option<&Stored> {
        let stored = || self.known(key).filter(|k| k.valid).map(|k| &k.place);
        self.made.get(key).or_else(stored)
    }

    fn place(&mut self, row: &'a PlaceRow, plan: &mut Plan) {
        let old = self.known(&row.key);
        let id = old
            .map(|o| o.place.id)
            .or_else(|| self.new_ids.next().copied());
        let Some(id) = id else { return };
        let new = match self.stored(row, id, old) {
            Ok(new) => new,
            Err(fault) => {
                self.broken.insert(&row.key);
                return self.faults.extend(fault.map(|f| *f));
            }
        };
        if old.is_none_or(|o| !o.valid) {
            plan.codes.push((row.key.0.clone(), row.key.1.clone(), id));
        }
        match old {
            None => {
                plan.report.added += 1;
                plan.insert.push(new.clone());
            }
            Some(old) if old.valid && old.place == new => plan.report.unchanged += 1,
            Some(old) => {
                plan.report.changed += 1;
                plan.moved |= old.place.parent != new.parent;
                plan.update.push(new.clone());
            }
        }
        self.made.insert(&row.key, new);
    }

    /// The row as it shall be stored. Its parent, from the file or from the database, must be on a higher level.
    fn stored(
        &self,
        row: &PlaceRow,
        id: i64,
        old: Option<&Known>,
    ) -> Result<Stored, Option<Box<LoadFault>>> {
        let Meaning::Place {
            parent,
            level,
            name,
            point,
        } = &row.meaning
        else {
            return Err(None);
        };
        let above = parent.as_ref().map(|key| (key, self.meant(key)));
        let above = match above {
            None => None,
            Some((_, Some(above))) if above.level < *level => Some(above),
            Some((key, _)) if self.broken.contains(key) => return Err(None),
            Some((key, found)) => {
                let value = key.1.clone();
                let hint = String::new();
                let problem = match found {
                    Some(_) => Problem::ParentBelow { value },
                    None => Problem::Unknown {
                        value,
                        wanted: "the code of a place",
                        hint,
                    },
                };
                return Err(Some(Box::new(LoadFault::new(
                    row.line, "parent", &key.1, problem,
                ))));
            }
        };
        Ok(Stored {
            id,
            parent: above.map(|a| a.id),
            level: *level,
            name: name.clone(),
            path: above
                .map_or(&[][..], |a| &a.path)
                .iter()
                .copied()
                .chain([id])
                .collect(),
            point: point.or_else(|| old.and_then(|o| o.place.point)),
        })
    }

    fn same_as(&mut self, row: &PlaceRow, other: &Key, plan: &mut Plan) {
        let value = format!("{}:{}", other.0, other.1);
        let problem = match self.meant(other) {
            _ if self.broken.contains(other) => return,
            _ if self.same.contains(other) => Problem::SameAsSame { value },
            None => Problem::Unknown {
                value,
                wanted: "a place",
                hint: String::new(),
            },
            Some(place) => {
                let (id, old) = (place.id, self.known(&row.key).filter(|k| k.valid));
                match old.map(|o| o.place.id) {
                    Some(old) if old == id => return plan.report.unchanged += 1,
                    Some(_) => plan.report.changed += 1,
                    None => plan.report.added += 1,
                }
                return plan.codes.push((row.key.0.clone(), row.key.1.clone(), id));
            }
        };
        self.faults
            .push(LoadFault::new(row.line, "same_as", &other.1, problem));
    }
}

/// Codes of the file's own systems that the file no longer names.
fn vanished(rows: &[PlaceRow], known: &[Known], options: &LoadOptions, plan: &mut Plan) {
    let own: HashSet<&str> = rows.iter().map(|r| r.key.0.as_str()).collect();
    let named: HashSet<(&str, &str)> = rows
        .iter()
        .map(|r| (r.key.0.as_str(), r.key.1.as_str()))
        .collect();
    let gone = known
        .iter()
        .filter(|k| k.valid && own.contains(k.system.as_str()));
    for known in gone.filter(|k| !named.contains(&(k.system.as_str(), k.code.as_str()))) {
        plan.report
            .vanished
            .push(format!("{}:{}", known.system, known.code));
        if options.retire_vanished {
            plan.retire.push((known.system.clone(), known.code.clone()));
        }
    }
}
