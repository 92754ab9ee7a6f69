//! Programmes from a CSV: `number,kind,id,en[,disease][,from][,until]`.
//!
//! The number is what people type; a row says everything about its programme.

use super::fault::{LoadFault, Problem, hint};
use super::table::{self, Columns, Row};
use crate::db::works::PROGRAM_KINDS;
use crate::db::works::bulk::Campaign;
use crate::load::LoadReport;
use jiff::civil::Date;
use std::collections::HashMap;
use std::io::Read;

const COLUMNS: Columns = Columns {
    required: &["number", "kind", "id", "en"],
    optional: &["disease", "from", "until"],
};

const DAY: &str = "a day such as 2026-12-31 or 31/12/2026";

/// What a file asks of the database.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub put: Vec<Campaign>,
    pub report: LoadReport,
}

/// Reads a file and compares it with what is known; `diseases` are the codes of the list.
pub(super) fn plan(
    source: impl Read,
    known: &[Campaign],
    diseases: &[String],
) -> (Plan, Vec<LoadFault>) {
    let (rows, mut faults) = table::read(source, &COLUMNS);
    let mut plan = Plan::default();
    let mut seen: HashMap<i64, u64> = HashMap::new();
    for row in &rows {
        let before = faults.len();
        let program = campaign(row, diseases, &mut faults);
        if let Some(line) = seen.insert(program.number, row.line)
            && program.number > 0
        {
            let value = program.number.to_string();
            faults.push(row.fault("number", Problem::Twice { value, line }));
        }
        let old = known.iter().find(|k| k.number == program.number);
        if faults.len() == before && plan.report.count(old, &program) {
            plan.put.push(program);
        }
    }
    let gone = known
        .iter()
        .filter(|k| !k.retired && !seen.contains_key(&k.number));
    plan.report.vanished = gone.map(|k| k.number.to_string()).collect();
    (plan, faults)
}

fn campaign(row: &Row, diseases: &[String], faults: &mut Vec<LoadFault>) -> Campaign {
    let number = row.need("number", faults).parse().unwrap_or_default();
    faults.extend(row.fit("number", "a number of 1 to 12 digits", |word| {
        word.is_empty() || (1..=999_999_999_999).contains(&number)
    }));
    let kind = row.need("kind", faults).to_lowercase();
    faults.extend(
        row.fit("kind", "vaccination, surveillance or control", |_| {
            kind.is_empty() || PROGRAM_KINDS.contains(&kind.as_str())
        }),
    );
    let disease = Some(row.get("disease").to_uppercase()).filter(|d| !d.is_empty());
    if let Some(value) = disease.clone().filter(|d| !diseases.contains(d)) {
        let hint = hint(&value, diseases.iter().map(String::as_str));
        let wanted = "a disease";
        faults.push(row.fault(
            "disease",
            Problem::Unknown {
                value,
                wanted,
                hint,
            },
        ));
    }
    let (starts_on, ends_on) = (day(row, "from", faults), day(row, "until", faults));
    let backwards = starts_on
        .zip(ends_on)
        .is_some_and(|(from, until)| until < from);
    faults.extend(row.fit("until", "a day after `from`", |_| !backwards));
    Campaign {
        number,
        kind,
        name_id: row.need("id", faults),
        name_en: row.need("en", faults),
        disease,
        starts_on,
        ends_on,
        retired: false,
    }
}

fn day(row: &Row, column: &str, faults: &mut Vec<LoadFault>) -> Option<Date> {
    let text = row.get(column);
    let day = text
        .parse()
        .or_else(|_| Date::strptime("%d/%m/%Y", text))
        .ok();
    faults.extend(row.fit(column, DAY, |word| word.is_empty() || day.is_some()));
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "number,kind,id,en,disease,from,until\n";

    fn planned(rows: &str, known: &[Campaign]) -> (Plan, Vec<String>) {
        let diseases = ["RA", "AX"].map(str::to_owned);
        let (plan, faults) = plan(format!("{HEADER}{rows}").as_bytes(), known, &diseases);
        (plan, faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_same_file_again_changes_nothing() {
        let rows = "1,Vaccination,Vaksinasi rabies,Rabies vaccination,ra,2026-01-01,31/12/2026\n";
        let (first, faults) = planned(rows, &[]);
        assert_eq!((faults, first.report.added), (vec![], 1));
        let (again, _) = planned(rows, &first.put);
        assert_eq!((again.report.unchanged, again.put.len()), (1, 0));
        let retired = vec![Campaign {
            retired: true,
            ..first.put[0].clone()
        }];
        assert_eq!(planned(rows, &retired).0.report.changed, 1, "it comes back");
        assert_eq!(planned("", &first.put).0.report.vanished, ["1"]);
    }

    #[test]
    fn every_fault_names_line_column_and_remedy() {
        let rows =
            "0,vaccine,a,,RB,1.1.2026,\n5,control,a,b,,2026-02-01,2026-01-01\n5,control,a,b,,,\n";
        assert_eq!(
            planned(rows, &[]).1,
            [
                "line 2, number: \"0\" is not a number of 1 to 12 digits",
                "line 2, kind: \"vaccine\" is not vaccination, surveillance or control",
                "line 2, disease: \"RB\" is not a disease that this installation knows; load it first or correct it",
                "line 2, from: \"1.1.2026\" is not a day such as 2026-12-31 or 31/12/2026",
                "line 2, en: the cell is empty; fill it in",
                "line 3, until: \"2026-01-01\" is not a day after `from`",
                "line 4, number: \"5\" stands already in line 3; keep one of the two",
            ]
        );
    }
}
