//! The places that a row names, held to the area of whoever sent the workbook.

use super::{Check, Read, words};
use common::Result;
use common::code::Var;
use common::db::{Tx, places};
use common::people::answers_for;
use common::workbook::grid::Fault;

impl Check<'_> {
    /// Places for which whoever sent the workbook does not answer. Codes that nobody has are told by the loader.
    pub(super) async fn area(
        &self,
        (read, home): (&Read<'_>, &str),
        sender: i64,
        tx: &Tx<'_>,
        faults: &mut Vec<Fault>,
    ) -> Result {
        let systems: Vec<&str> = self.options.systems.iter().map(String::as_str).collect();
        let column = match read.get("place") {
            Some(_) => "place",
            None => "village",
        };
        let areas = words(read.get("areas").unwrap_or_default()).map(|code| ("areas", code));
        for (column, code) in areas.chain([(column, home.to_uppercase())]) {
            let Some(place) = places::by_code(tx, &systems, &code).await? else {
                continue;
            };
            if !answers_for(tx, sender, place.id).await? {
                let value = [("value", Var::from(code))];
                faults.push(self.fault(read.row, column, "outside_area", &value));
            }
        }
        Ok(())
    }
}
