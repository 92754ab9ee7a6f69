//! The groups that people can be in.

use crate::context::{Context, in_tx};
use crate::exit::{Exit, Fault, Result};
use crate::out::one_line;
use common::people::{self, Group};

/// All groups in order of their codes; the permissions are whole in JSON.
pub async fn run(context: &Context) -> Result {
    let (_, db) = context.db()?;
    let all = in_tx(&db, async |tx| Ok(people::groups(tx).await?)).await?;
    let out = context.out;
    if out.json {
        out.document(&all)?;
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        return Err(Fault::nothing("there are no groups")
            .remedy("load them with `kentongan load groups FILE`"));
    }
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    out.table(&["group", "id", "en", "may"], &rows)?;
    Ok(Exit::Done)
}

fn row(group: &Group) -> Vec<String> {
    vec![
        group.code.clone(),
        group.name_id.clone(),
        group.name_en.clone(),
        one_line(&group.permissions.join(" "), 80),
    ]
}
