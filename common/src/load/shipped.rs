//! What the program brings along: lists, user types, permissions, groups and the places of Indonesia.

use super::{
    LoadError, LoadFault, LoadOptions, LoadReport, groups, infrastructure, lists, people,
    permissions, places, programs, roles, user_types,
};
use crate::db::lists::bulk::{Placed, PlacedList};
use crate::db::lists::{Entry, List};
use crate::db::people::bulk::{Permission, UserType};
use crate::db::people::groups::Group;
use crate::db::{self, Tx};
use sha2::{Digest, Sha256};

/// How a shipped file is loaded.
enum Kind {
    Lists,
    Permissions,
    UserTypes,
    Groups,
    Places,
}

macro_rules! file {
    ($kind:ident, $path:literal) => {
        (
            Kind::$kind,
            $path,
            include_bytes!(concat!("../../", $path)) as &'static [u8],
        )
    };
}

type File = (Kind, &'static str, &'static [u8]);

const PLACES: &[File] = &[file!(Places, "places/indonesia.csv.gz")];

/// In the order in which one needs the other.
const LISTS: &[File] = &[
    file!(Lists, "lists/lists.csv"),
    file!(Lists, "lists/animals.csv"),
    file!(Lists, "lists/health.csv"),
    file!(Lists, "lists/laboratory.csv"),
    file!(Lists, "lists/work.csv"),
    file!(Permissions, "lists/permissions.csv"),
    file!(UserTypes, "lists/user_types.csv"),
    file!(Groups, "lists/groups.csv"),
];

const DEMO_PLACES: &[u8] = include_bytes!("../../places/examples.csv");
const DEMO_PEOPLE: &[u8] = include_bytes!("../../people/demo.csv");
const DEMO_SITES: &[u8] = include_bytes!("../../demo/infrastructure.csv");
const DEMO_PROGRAMS: &[u8] = include_bytes!("../../demo/programs.csv");

/// A file that ships with the program could not be loaded: a mistake of ours, or an installation whose
/// own data it contradicts.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {error}")]
pub struct ShippedError {
    /// Which.
    pub file: &'static str,
    /// Why.
    pub error: LoadError,
}

/// Loads every shipped file that this database has not had yet in this very form, and says what each
/// did. Run at every start: what an installation changed afterwards is left alone.
pub async fn shipped(tx: &Tx<'_>) -> Result<Vec<(&'static str, LoadReport)>, ShippedError> {
    let mut reports = shipped_lists(tx).await?;
    reports.extend(load_files(tx, PLACES).await?);
    Ok(reports)
}

/// As [`shipped`], without the places: for an installation in another country, and for tests.
pub async fn shipped_lists(tx: &Tx<'_>) -> Result<Vec<(&'static str, LoadReport)>, ShippedError> {
    load_files(tx, LISTS).await
}

async fn load_files(
    tx: &Tx<'_>,
    files: &[File],
) -> Result<Vec<(&'static str, LoadReport)>, ShippedError> {
    let mut reports = Vec::new();
    for (kind, file, bytes) in files {
        let one = load_once(tx, kind, file, bytes).await;
        let report = one.map_err(|error| ShippedError { file, error })?;
        reports.extend(report.map(|report| (*file, report)));
    }
    Ok(reports)
}

/// Everything that the shipped files say, in their order.
#[derive(Default)]
struct AsShipped {
    heads: Vec<PlacedList>,
    entries: Vec<Placed>,
    permissions: Vec<Permission>,
    types: Vec<UserType>,
    groups: Vec<Group>,
}

impl AsShipped {
    /// Reads all of it. Fails with our own mistake only.
    fn read() -> Result<Self, ShippedError> {
        let mut all = Self::default();
        for (kind, file, bytes) in LISTS {
            let faults = all.take(kind, bytes);
            super::refuse(faults).map_err(|error| ShippedError { file, error })?;
        }
        Ok(all)
    }

    fn take(&mut self, kind: &Kind, bytes: &[u8]) -> Vec<LoadFault> {
        match kind {
            Kind::Lists if lists::is_file_of_lists(bytes) => {
                let (read, faults) = lists::read_lists(bytes, &self.heads);
                self.heads.extend(read);
                faults
            }
            Kind::Lists => {
                let (read, faults) = lists::read_entries(bytes, &self.heads, &self.entries);
                self.entries.extend(read);
                faults
            }
            Kind::Permissions => {
                let (read, faults) = roles::read_permissions(bytes);
                self.permissions.extend(read);
                faults
            }
            Kind::UserTypes => {
                let (read, faults) = roles::read_user_types(bytes, &self.permissions);
                let (types, entries): (Vec<_>, Vec<_>) = read.into_iter().unzip();
                self.types.extend(types);
                self.entries.extend(entries);
                faults
            }
            Kind::Groups => {
                let (read, faults) = roles::read_groups(bytes, &self.permissions);
                self.groups.extend(read);
                faults
            }
            Kind::Places => Vec::new(),
        }
    }
}

/// The shipped lists with their entries as they would be loaded into an empty database: what code
/// files are checked against where there is no database. Fails with our own mistake only.
pub fn lists_as_shipped() -> Result<(Vec<List>, Vec<Entry>), ShippedError> {
    let all = AsShipped::read()?;
    let heads = all.heads.into_iter().map(|(list, _)| list).collect();
    Ok((heads, all.entries.into_iter().map(|e| e.entry).collect()))
}

/// The shipped permissions, user types and groups, in the order of their files. Fails with our own
/// mistake only.
pub(crate) fn roles_as_shipped() -> Result<RolesAsShipped, ShippedError> {
    let all = AsShipped::read()?;
    Ok((all.permissions, all.types, all.groups))
}

type RolesAsShipped = (Vec<Permission>, Vec<UserType>, Vec<Group>);

async fn load_once(
    tx: &Tx<'_>,
    kind: &Kind,
    file: &str,
    bytes: &[u8],
) -> Result<Option<LoadReport>, LoadError> {
    let digest: String = Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    if !db::lists::bulk::put_shipped(tx, file, &digest).await? {
        return Ok(None);
    }
    let options = LoadOptions::default();
    let report = match kind {
        Kind::Lists => lists(tx, bytes, &options).await?,
        Kind::Permissions => permissions(tx, bytes).await?,
        Kind::UserTypes => user_types(tx, bytes).await?,
        Kind::Groups => groups(tx, bytes).await?,
        Kind::Places => places(tx, bytes, &options).await?,
    };
    Ok(Some(report))
}

/// Loads the invented people of the demo with the example codes of their villages, whose places must
/// be there, and invented infrastructure and programmes. Counts the people. Never in an installation that is
/// used: their numbers may be somebody's.
pub async fn demo_people(tx: &Tx<'_>) -> Result<LoadReport, ShippedError> {
    let options = LoadOptions::default();
    let of = |file| move |error| ShippedError { file, error };
    places(tx, DEMO_PLACES, &options)
        .await
        .map_err(of("places/examples.csv"))?;
    let report = people(tx, DEMO_PEOPLE, &options)
        .await
        .map_err(of("people/demo.csv"))?;
    infrastructure(tx, DEMO_SITES, &options)
        .await
        .map_err(of("demo/infrastructure.csv"))?;
    programs(tx, DEMO_PROGRAMS, &options)
        .await
        .map_err(of("demo/programs.csv"))?;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_lists_are_there_without_a_database() {
        let (lists, entries) = lists_as_shipped().unwrap();
        assert!(lists.iter().any(|l| l.short.as_deref() == Some("SP")));
        for (list, code) in [("species", "SP"), ("user_type", "PLS")] {
            let there = |e: &Entry| e.list == list && e.code == code;
            assert!(entries.iter().any(there), "{list} {code}");
        }
    }

    #[test]
    fn every_file_of_the_folder_is_shipped() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/lists");
        for file in std::fs::read_dir(folder).unwrap() {
            let name = format!("lists/{}", file.unwrap().file_name().to_string_lossy());
            assert!(LISTS.iter().any(|f| f.1 == name), "{name} is not shipped");
        }
    }
}
