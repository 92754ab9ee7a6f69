//! Rows as people: made into what the loader reads, its faults led back to their cells. Who is
//! registered already is not changed this way.

mod area;

use common::code::Var;
use common::db::people::Person;
use common::db::{Tx, people, workbooks};
use common::engine::Engine;
use common::language::Language;
use common::load::{self, LoadError, LoadFault, LoadOptions, Problem};
use common::people::{self as registering, By, Group};
use common::workbook::cell;
use common::workbook::form::Form;
use common::workbook::grid::{Fault, Grid, GridRow};
use common::workbook::words::say;
use common::{Failure, Result};

/// What the loader reads: the row of the sheet, and its cells in the order of [`COLUMNS`].
#[derive(Default)]
pub struct Table(Vec<(u32, [String; 8])>);

impl Table {
    /// How many people it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The loader's file.
    fn csv(&self) -> Result<Vec<u8>> {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(COLUMNS).map_err(Failure::quarantine)?;
        for (_, line) in &self.0 {
            out.write_record(line).map_err(Failure::quarantine)?;
        }
        out.into_inner().map_err(Failure::quarantine)
    }

    /// The row of the sheet behind a line of the file.
    fn row(&self, line: u64) -> Option<u32> {
        let at = usize::try_from(line).ok()?.checked_sub(2)?;
        self.0.get(at).map(|l| l.0)
    }
}

const COLUMNS: [&str; 8] = [
    "name",
    "language",
    "user_type",
    "home",
    "areas",
    "phone",
    "email",
    "groups",
];

/// What a row says, by the names of the columns.
struct Read<'a> {
    row: &'a GridRow<'a>,
    cells: Vec<(&'a str, String)>,
}

/// Checks all rows; what the loader will read, and every fault. As with `D`, nobody registers people who may do more
/// than the sender may let them, or for places for which the sender does not answer.
pub async fn table(
    (form, grid): (&Form, &Grid<'_>),
    sender: &Person,
    options: &LoadOptions,
    language: Language,
    tx: &Tx<'_>,
) -> Result<(Table, Vec<Fault>)> {
    let check = Check {
        form,
        grid,
        language,
        options,
    };
    let mut faults = Vec::new();
    let mut table = Table::default();
    let groups = registering::groups(tx).await?;
    let may: Vec<&str> = sender.permissions.iter().map(String::as_str).collect();
    let within = registering::groups_within(tx, &may).await?;
    for row in &grid.rows {
        let before = faults.len();
        let read = check.read(row, &mut faults);
        let home = check.home(&read, tx, &mut faults).await?;
        check.strangers(&read, tx, &mut faults).await?;
        check
            .area((&read, &home), sender.id, tx, &mut faults)
            .await?;
        check.rank(&read, &may, tx, &mut faults).await?;
        check.groups(&read, &within, &groups, &mut faults);
        if faults.len() == before {
            table.0.push((row.number, line(&read, &home)));
        }
    }
    Ok((table, faults))
}

/// Loads a table; rows with faults that only the database knows are taken out of it and told, the
/// rest is loaded without them.
pub async fn load(
    (form, grid): (&Form, &Grid<'_>),
    table: &mut Table,
    options: &LoadOptions,
    language: Language,
    tx: &Tx<'_>,
) -> Result<Vec<Fault>> {
    let check = Check {
        form,
        grid,
        language,
        options,
    };
    let mut told = Vec::new();
    loop {
        let faults = match store(table, options, tx).await {
            Ok(_) => return Ok(told),
            Err(LoadError::Database(failure)) => return Err(failure),
            Err(LoadError::Faults(faults)) => faults,
        };
        let bad: Vec<Fault> = faults.iter().map(|f| check.of_loader(f, table)).collect();
        let before = table.len();
        table
            .0
            .retain(|(row, _)| !bad.iter().any(|f| f.row == *row));
        told.extend(bad);
        if table.len() == before {
            // About no row: nothing of it can be loaded.
            table.0.clear();
        }
    }
}

/// Loads a table that was found good, in the name of whoever sent it. False when somebody in it was registered
/// meanwhile: then this would change them, and the transaction is not to be kept.
pub async fn store(
    table: &Table,
    options: &LoadOptions,
    tx: &Tx<'_>,
) -> std::result::Result<bool, LoadError> {
    if table.0.is_empty() {
        return Ok(true);
    }
    let report = load::people(tx, &table.csv()?[..], options).await?;
    Ok(report.changed == 0 && report.unchanged == 0)
}

/// How people are loaded in this installation, in somebody's name.
pub fn options(engine: &Engine, systems: &[String], by: By) -> LoadOptions {
    LoadOptions {
        retire_vanished: false,
        systems: systems.to_vec(),
        by,
        numbering: engine.numbering(),
    }
}

struct Check<'a> {
    form: &'a Form,
    grid: &'a Grid<'a>,
    language: Language,
    options: &'a LoadOptions,
}

impl<'a> Check<'a> {
    /// Each cell on its own.
    fn read(&self, row: &'a GridRow<'a>, faults: &mut Vec<Fault>) -> Read<'a> {
        let mut cells = Vec::new();
        for (column, value) in self.form.columns.iter().zip(&row.cells) {
            let name = column.name.as_str();
            match value {
                Some(value) => match cell::word(column, value, self.language) {
                    Ok(word) => cells.push((name, word)),
                    Err(text) => faults.push(Fault::new(self.at(row, name), &value.shown(), text)),
                },
                None if column.mandatory => {
                    let label = column.label.get(self.language);
                    let values = [("column", label.into()), ("help", "".into())];
                    faults.push(self.fault(row, name, "missing", &values));
                }
                None => {}
            }
        }
        Read { row, cells }
    }

    /// The code of the place: as given, else found by its four names.
    async fn home(&self, read: &Read<'_>, tx: &Tx<'_>, faults: &mut Vec<Fault>) -> Result<String> {
        if let Some(code) = read.get("place") {
            return Ok(code.to_owned());
        }
        let (mut above, mut names, mut found) = (None, Vec::new(), String::new());
        for column in ["province", "regency", "district", "village"] {
            let Some(name) = read.get(column) else { break };
            let places = workbooks::places_named(tx, &self.options.systems, above, name).await?;
            let [(id, code)] = &places[..] else {
                let label = self.label(column);
                let values = [
                    ("value", name.into()),
                    ("column", label.into()),
                    ("above", names.join(", ").into()),
                ];
                faults.push(self.fault(read.row, column, "no_such_place", &values));
                return Ok(String::new());
            };
            (above, found) = (Some(*id), code.clone());
            names.insert(0, name.to_owned());
        }
        // A cell that could not be read was told already.
        let told = faults.iter().any(|f| f.row == read.row.number);
        if names.len() < 4 && !told {
            faults.push(self.fault(read.row, "place", "no_place", &[]));
        }
        Ok(found)
    }

    /// Addresses of people whom we know already.
    async fn strangers(&self, read: &Read<'_>, tx: &Tx<'_>, faults: &mut Vec<Fault>) -> Result {
        for kind in ["phone", "email"] {
            let Some(typed) = read.get(kind) else {
                continue;
            };
            let address = match kind {
                "phone" => {
                    let country = &self.options.numbering.country;
                    common::phone::canonical(typed, country).unwrap_or_default()
                }
                _ => typed.to_lowercase(),
            };
            if people::by_contact(tx, kind, &address).await?.is_some() {
                let values = [("value", Var::from(typed))];
                faults.push(self.fault(read.row, kind, "known_person", &values));
            }
        }
        Ok(())
    }

    /// A user type that may do more than whoever sent the workbook.
    async fn rank(
        &self,
        read: &Read<'_>,
        may: &[&str],
        tx: &Tx<'_>,
        faults: &mut Vec<Fault>,
    ) -> Result {
        let Some(user_type) = read.get("user_type") else {
            return Ok(());
        };
        if !registering::beyond(tx, user_type, may).await?.is_empty() {
            let value = [("value", Var::from(user_type))];
            faults.push(self.fault(read.row, "user_type", "cannot_register", &value));
        }
        Ok(())
    }

    /// Groups that do not exist, or that are not among those into which the sender may put people.
    fn groups(&self, read: &Read<'_>, within: &[String], all: &[Group], faults: &mut Vec<Fault>) {
        let more = |group: &Group| !within.contains(&group.code);
        for word in words(read.get("groups").unwrap_or_default()) {
            let value = ("value", Var::from(word.as_str()));
            let (key, values) = match all.iter().find(|g| g.code == word) {
                Some(group) if more(group) => ("cannot_group", vec![value]),
                Some(_) => continue,
                None => {
                    let there: Vec<&str> = all.iter().map(|g| g.code.as_str()).collect();
                    let there = ("groups", there.join(", ").into());
                    ("unknown_group", vec![value, there])
                }
            };
            faults.push(self.fault(read.row, "groups", key, &values));
        }
    }

    /// A fault of the loader, at the cell that it is about.
    fn of_loader(&self, fault: &LoadFault, table: &Table) -> Fault {
        let number = table.row(fault.line).unwrap_or(self.grid.head);
        let column = match fault.column.as_str() {
            "home" => "place",
            "name" => "given_name",
            other => other,
        };
        let row = self.grid.rows.iter().find(|r| r.number == number);
        let value = [("value", Var::from(fault.value.as_str()))];
        let label = ("column", Var::from(self.label(column)));
        let (key, values) = match &fault.problem {
            Problem::Unknown { value, .. } if matches!(column, "place" | "areas") => {
                ("unknown_place", vec![("value", value.as_str().into())])
            }
            Problem::Twice { line, .. } => {
                let other = table.row(*line).map_or(0, |row| row + 1);
                let [value] = value;
                ("address_twice", vec![value, ("row", other.into())])
            }
            Problem::NoContact => ("no_contact", Vec::new()),
            Problem::TwoPeople { .. } => ("known_person", value.to_vec()),
            Problem::Rounded { .. } => ("rounded", value.to_vec()),
            _ => {
                let [value] = value;
                (
                    "unfit",
                    vec![
                        value,
                        label,
                        ("near", "".into()),
                        ("help", "".into()),
                        ("list", "".into()),
                    ],
                )
            }
        };
        match row {
            Some(row) => self.fault(row, column, key, &values),
            None => Fault::new((number, 0), &fault.value, say(key, self.language, &values)),
        }
    }

    fn fault(&self, row: &GridRow<'_>, column: &str, key: &str, values: &[(&str, Var)]) -> Fault {
        let at = self
            .place(column)
            .and_then(|at| row.cells.get(at).copied().flatten());
        let shown = at.map_or_else(String::new, common::workbook::Value::shown);
        Fault::new(
            self.at(row, column),
            &shown,
            say(key, self.language, values),
        )
    }

    /// Where a row's cell of a column stands; the row's first cell when the sheet has no such
    /// column.
    fn at(&self, row: &GridRow<'_>, column: &str) -> (u32, u16) {
        let place = self.place(column).and_then(|at| self.grid.places[at]);
        (row.number, place.unwrap_or(row.first))
    }

    fn place(&self, column: &str) -> Option<usize> {
        self.form.columns.iter().position(|c| c.name == column)
    }

    fn label(&self, column: &str) -> String {
        let found = self.form.columns.iter().find(|c| c.name == column);
        found.map_or_else(
            || column.to_owned(),
            |c| c.label.get(self.language).to_owned(),
        )
    }
}

impl Read<'_> {
    fn get(&self, column: &str) -> Option<&str> {
        let found = self.cells.iter().find(|c| c.0 == column);
        found.map(|c| c.1.as_str())
    }
}

/// The codes of a cell with several, in capitals.
fn words(cell: &str) -> impl Iterator<Item = String> {
    let words = cell.split(|c: char| c.is_whitespace() || ",;|".contains(c));
    words.filter(|w| !w.is_empty()).map(str::to_uppercase)
}

/// Without areas of responsibility they answer for their home: none at all would be the whole country.
fn line(read: &Read<'_>, home: &str) -> [String; 8] {
    let get = |column| read.get(column).unwrap_or_default().to_owned();
    let name = format!("{} {}", get("given_name"), get("family_name"));
    let language = Some(get("language")).filter(|l| !l.is_empty());
    let areas: Vec<String> = words(&get("areas")).collect();
    let areas = Some(areas.join(" ")).filter(|areas| !areas.is_empty());
    [
        name.trim().to_owned(),
        language.unwrap_or_else(|| "id".into()),
        get("user_type"),
        home.to_owned(),
        areas.unwrap_or_else(|| home.to_owned()),
        get("phone"),
        get("email"),
        words(&get("groups")).collect::<Vec<_>>().join(" "),
    ]
}

#[cfg(test)]
mod tests;
