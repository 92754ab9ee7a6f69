//! Loading places, lists, people, infrastructure and programmes from CSV files: `kentongan load
//! places|lists|people|groups|infrastructure|programs FILE`.
//!
//! A file is checked whole and refused with every fault it has; what is right goes in all or nothing,
//! in the transaction of the caller. The same file a second time changes nothing. What is no longer in
//! a file is reported, and retired only when asked for: old reports keep pointing to it.

mod fault;
mod infrastructure;
mod lists;
mod people;
mod phone;
mod places;
mod programs;
mod roles;
mod shipped;
mod table;
#[cfg(test)]
mod tests;

pub use fault::{LoadFault, Problem};
pub(crate) use fault::{hint, there_are};
pub(crate) use people::contact_address;
pub(crate) use shipped::roles_as_shipped;
pub use shipped::{ShippedError, demo_people, lists_as_shipped, shipped, shipped_lists};

use crate::Failure;
use crate::db::{self, Tx};
use crate::people::By;
use crate::phone::Numbering;
use serde::Serialize;
use std::io::Read;

/// How to load.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Retire what the file no longer names. Never on its own: half a file would retire the other half.
    pub retire_vanished: bool,
    /// Systems of place codes in which the places of people are looked up, the preferred one first.
    pub systems: Vec<String>,
    /// Who loads: stands beside every change of a person.
    pub by: By,
    /// How telephone numbers are written.
    pub numbering: Numbering,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            retire_vanished: false,
            systems: vec!["isikhnas".into(), "kemendagri".into()],
            by: By::named("a load"),
            numbering: Numbering::default(),
        }
    }
}

/// What a load did, counted in rows of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// New rows.
    pub added: u64,
    /// Rows that say something else than before.
    pub changed: u64,
    /// Rows that were so already.
    pub unchanged: u64,
    /// Codes that are known but not in the file.
    pub vanished: Vec<String>,
    /// How many of them were retired, because the options asked for it.
    pub retired: u64,
}

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is wrong: every fault, in order of lines.
    #[error("{} faults in the file", .0.len())]
    Faults(Vec<LoadFault>),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Failure),
}

/// Loads places and their codes: `system,code,parent,level,name[,lat,lon][,same_as]`, plain or gzipped. Takes a lock that makes a second load
/// of places wait; readers are not disturbed.
pub async fn places(
    tx: &Tx<'_>,
    source: impl Read,
    options: &LoadOptions,
) -> Result<LoadReport, LoadError> {
    use db::places::bulk;
    let (rows, mut faults) = places::read(source);
    bulk::lock(tx).await?;
    let known = bulk::known(tx, &places::systems(&rows)).await?;
    let new_ids = bulk::new_ids(tx, places::new_places(&rows, &known)).await?;
    let (mut plan, unfit) = places::plan(&rows, &known, &new_ids, options);
    faults.extend(unfit);
    refuse(faults)?;
    bulk::insert(tx, &plan.insert).await?;
    bulk::update(tx, &plan.update).await?;
    let codes: Vec<_> = plan
        .codes
        .iter()
        .map(|c| (c.0.as_str(), c.1.as_str(), c.2))
        .collect();
    bulk::put_codes(tx, &codes).await?;
    let retire: Vec<_> = plan
        .retire
        .iter()
        .map(|k| (k.0.as_str(), k.1.as_str()))
        .collect();
    plan.report.retired = bulk::retire_codes(tx, &retire).await?;
    if plan.moved {
        bulk::repair_paths(tx).await?;
    }
    if plan.insert.len() > 1_000 {
        bulk::analyze(tx).await?;
    }
    Ok(plan.report)
}

/// Loads code lists: a file with a column `key` brings lists (`key,short,id,en[,parent]`), any other
/// their entries (`list,code,id,en[,synonyms][,parent][,source]`), whose order in the file is the order shown.
pub async fn lists(
    tx: &Tx<'_>,
    source: impl Read,
    options: &LoadOptions,
) -> Result<LoadReport, LoadError> {
    let bytes = table::bytes(source).map_err(whole_file)?;
    if lists::is_file_of_lists(&bytes) {
        return list_heads(tx, &bytes).await;
    }
    let heads = db::lists::bulk::lists(tx).await?;
    let known = db::lists::bulk::entries(tx).await?;
    let (entries, faults) = lists::read_entries(&bytes, &heads, &known);
    refuse(faults)?;
    let mut plan = lists::plan(entries, &known, options);
    for placed in &plan.put {
        db::lists::bulk::put_entry(tx, placed).await?;
    }
    for (list, code) in &plan.retire {
        plan.report.retired += db::lists::bulk::retire_entry(tx, list, code).await?;
    }
    Ok(plan.report)
}

/// Lists never vanish: code files name them.
async fn list_heads(tx: &Tx<'_>, bytes: &[u8]) -> Result<LoadReport, LoadError> {
    let known = db::lists::bulk::lists(tx).await?;
    let (mut lists, faults) = lists::read_lists(bytes, &known);
    refuse(faults)?;
    let mut report = LoadReport::default();
    // A list that is somebody's parent goes first, so that the reference holds.
    let all = lists.clone();
    lists.sort_by_key(|l| {
        !all.iter()
            .any(|other| other.0.parent.as_ref() == Some(&l.0.key))
    });
    for list in &lists {
        let old = known.iter().find(|k| k.0.key == list.0.key);
        if report.count(old, list) {
            db::lists::bulk::put_list(tx, list).await?;
        }
    }
    Ok(report)
}

/// Loads permissions: `code,id,en[,default]`. With `default` yes everybody has it.
pub async fn permissions(tx: &Tx<'_>, source: impl Read) -> Result<LoadReport, LoadError> {
    let bytes = table::bytes(source).map_err(whole_file)?;
    let (permissions, faults) = roles::read_permissions(&bytes);
    refuse(faults)?;
    db::people::bulk::lock(tx).await?;
    let known = db::people::bulk::permissions(tx).await?;
    let mut report = LoadReport::default();
    for permission in &permissions {
        if report.count(known.iter().find(|k| k.code == permission.code), permission) {
            db::people::bulk::put_permission(tx, permission).await?;
        }
    }
    Ok(report)
}

/// Loads user types with what their people may do: `code,id,en,receives,permissions[,synonyms][,source]`.
/// The list `user_type` and the permissions must be there.
pub async fn user_types(tx: &Tx<'_>, source: impl Read) -> Result<LoadReport, LoadError> {
    let bytes = table::bytes(source).map_err(whole_file)?;
    db::people::bulk::lock(tx).await?;
    let permissions = db::people::bulk::permissions(tx).await?;
    let (types, faults) = roles::read_user_types(&bytes, &permissions);
    refuse(faults)?;
    let known = db::people::bulk::user_types(tx).await?;
    let entries = db::lists::bulk::entries(tx).await?;
    let mut report = LoadReport::default();
    for (user_type, entry) in &types {
        let same = |e: &&db::lists::bulk::Placed| {
            e.entry.list == roles::LIST && e.entry.code == user_type.code
        };
        let old = known
            .iter()
            .find(|k| k.code == user_type.code)
            .zip(entries.iter().find(same));
        if report.count(old, (user_type, entry)) {
            db::lists::bulk::put_entry(tx, entry).await?;
            db::people::bulk::put_user_type(tx, user_type).await?;
        }
    }
    Ok(report)
}

/// Loads groups with what their people may do besides: `code,id,en,permissions`. The permissions must be
/// there. Who is in which is said with the people.
pub async fn groups(tx: &Tx<'_>, source: impl Read) -> Result<LoadReport, LoadError> {
    use db::people::groups::{groups, put_group};
    let bytes = table::bytes(source).map_err(whole_file)?;
    db::people::bulk::lock(tx).await?;
    let permissions = db::people::bulk::permissions(tx).await?;
    let (read, faults) = roles::read_groups(&bytes, &permissions);
    refuse(faults)?;
    let known = groups(tx).await?;
    let mut report = LoadReport::default();
    for group in &read {
        if report.count(known.iter().find(|k| k.code == group.code), group) {
            put_group(tx, group).await?;
        }
    }
    Ok(report)
}

/// Loads people: `name,language,user_type[,home][,areas][,phone][,email][,contacts][,permissions][,groups][,state]`.
/// A person is known again by any address; who is not in the file stays as they are, whatever the options say.
pub async fn people(
    tx: &Tx<'_>,
    source: impl Read,
    options: &LoadOptions,
) -> Result<LoadReport, LoadError> {
    use db::people::bulk;
    let channels = bulk::channels(tx).await?;
    let (rows, mut faults) = people::read(source, (&channels, &options.numbering));
    bulk::lock(tx).await?;
    let codes: Vec<&str> = rows.iter().flat_map(people::PersonRow::places).collect();
    let addresses = rows.iter().flat_map(|r| &r.addresses);
    let addresses: Vec<_> = addresses
        .map(|a| (a.kind.as_str(), a.address.as_str()))
        .collect();
    let holders = bulk::holders(tx, &addresses).await?;
    let ids: Vec<i64> = holders.iter().map(|h| h.person).collect();
    let found = people::Found {
        user_types: bulk::user_types(tx)
            .await?
            .into_iter()
            .map(|t| t.code)
            .collect(),
        permissions: bulk::permissions(tx).await?,
        groups: db::people::groups::groups(tx)
            .await?
            .into_iter()
            .map(|g| g.code)
            .collect(),
        places: bulk::places(tx, &options.systems, &codes).await?,
        people: bulk::stored(tx, &ids).await?,
        holders,
    };
    let (mut plan, unfit) = people::plan(&rows, &found);
    faults.extend(unfit);
    refuse(faults)?;
    crate::people::write(tx, &options.by, &mut plan.insert, &plan.update).await?;
    Ok(plan.report)
}

/// Loads infrastructure: `code,type,name,place[,lat,lon][,emails][,staff]`. The list of types, the places
/// and the people must be there.
pub async fn infrastructure(
    tx: &Tx<'_>,
    source: impl Read,
    options: &LoadOptions,
) -> Result<LoadReport, LoadError> {
    use db::people::bulk as people;
    use db::works::bulk;
    let (rows, mut faults) = infrastructure::read(source, &options.numbering);
    bulk::lock(tx).await?;
    let codes: Vec<&str> = rows.iter().map(|r| r.place.as_str()).collect();
    let addresses = rows.iter().flat_map(|r| &r.staff);
    let addresses: Vec<_> = addresses.map(|(kind, a)| (*kind, a.as_str())).collect();
    let known = infrastructure::Known {
        sites: bulk::sites(tx).await?,
        types: codes_of(tx, "infrastructure_type").await?,
        places: people::places(tx, &options.systems, &codes).await?,
        holders: people::holders(tx, &addresses).await?,
    };
    let (mut plan, unfit) = infrastructure::plan(&rows, &known);
    faults.extend(unfit);
    refuse(faults)?;
    for site in &plan.put {
        bulk::put_site(tx, site).await?;
    }
    let retired = infrastructure::retired(&plan, options);
    plan.report.retired = bulk::retire_sites(tx, &retired).await?;
    Ok(plan.report)
}

/// Loads programmes: `number,kind,id,en[,disease][,from][,until]`. The list of diseases must be there.
pub async fn programs(
    tx: &Tx<'_>,
    source: impl Read,
    options: &LoadOptions,
) -> Result<LoadReport, LoadError> {
    use db::works::bulk;
    bulk::lock(tx).await?;
    let known = bulk::campaigns(tx).await?;
    let diseases = codes_of(tx, "diagnosis").await?;
    let (mut plan, faults) = programs::plan(source, &known, &diseases);
    refuse(faults)?;
    for program in &plan.put {
        bulk::put_campaign(tx, program).await?;
    }
    if options.retire_vanished {
        let vanished = plan.report.vanished.iter();
        let numbers: Vec<i64> = vanished.filter_map(|n| n.parse().ok()).collect();
        plan.report.retired = bulk::retire_campaigns(tx, &numbers).await?;
    }
    Ok(plan.report)
}

/// The codes of a list that are in use.
async fn codes_of(tx: &Tx<'_>, list: &str) -> Result<Vec<String>, LoadError> {
    let entries = db::lists::bulk::entries(tx).await?;
    let of = entries.into_iter().map(|placed| placed.entry);
    let of = of.filter(|e| e.list == list && !e.retired);
    Ok(of.map(|e| e.code).collect())
}

impl LoadReport {
    /// Counts one row; says whether it must be written.
    fn count<T: PartialEq<U>, U>(&mut self, old: Option<T>, new: U) -> bool {
        match old {
            None => self.added += 1,
            Some(old) if old == new => {
                self.unchanged += 1;
                return false;
            }
            Some(_) => self.changed += 1,
        }
        true
    }
}

fn whole_file(problem: Problem) -> LoadError {
    LoadError::Faults(vec![LoadFault::new(1, "file", "", problem)])
}

fn refuse(mut faults: Vec<LoadFault>) -> Result<(), LoadError> {
    faults.sort_by_key(|f| f.line);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(LoadError::Faults(faults))
    }
}
