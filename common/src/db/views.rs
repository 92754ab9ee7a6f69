//! The view `data_<code>` of each code that stores: its declared fields as typed columns, so that
//! people who write queries and reports need not know how messages are kept.
//!
//! One row per report, or per turn of the group where a code has one (`line` counts them from 1).
//! Withdrawn reports are left out. A value of another shape than the field now has, from before
//! the code file was changed, reads as null rather than breaking the view.

use crate::Result;
use crate::code::Spec;
use crate::code::format::{Format, Part, Slot};
use crate::code::kind::Kind;
use crate::code::spec::Field;
use crate::db::Tx;
use std::collections::HashMap;
use std::fmt::Write as _;

/// The columns that every view begins with; a field of the same name becomes `field_<name>`.
const BASE: &[&str] = &[
    "id",
    "sender",
    "place",
    "case_id",
    "sent_at",
    "received_at",
    "message_id",
    "line",
];

/// Name of a code's view: `data_u`.
pub fn view_name(spec: &Spec) -> String {
    format!("data_{}", spec.code.to_ascii_lowercase())
}

/// The statement that makes a code's view. `CREATE OR REPLACE` adds columns at the end; where a
/// changed code file removes or moves some, PostgreSQL refuses it (42P16) and the view must be
/// dropped first, which [`drop_sql`] does.
pub fn view_sql(spec: &Spec) -> String {
    let mut columns: Vec<String> = BASE.iter().map(|c| base(c, spec.group.is_some())).collect();
    for (slot, grouped) in slots(&spec.format) {
        if let Some(field) = spec.field(&slot.field) {
            let row = if grouped { "g.item" } else { "r.fields" };
            columns.extend(field_columns(field, slot.list, row));
        }
    }
    let mut sql = format!(
        "CREATE OR REPLACE VIEW {} AS\nSELECT ",
        name(&view_name(spec))
    );
    sql.push_str(&columns.join(",\n       "));
    sql.push_str("\n  FROM report r");
    if let Some(group) = &spec.group {
        let turns = array(&format!("r.fields -> {}", text(group)));
        // Writing to a String cannot fail.
        let _ = write!(
            sql,
            "\n  LEFT JOIN LATERAL jsonb_array_elements({turns}) \
             WITH ORDINALITY AS g (item, line) ON true"
        );
    }
    let _ = write!(
        sql,
        "\n WHERE r.code = {} AND r.withdrawn_at IS NULL",
        text(&spec.code)
    );
    sql
}

/// Makes the views of these codes that are missing or different from last time; how many. Of
/// several daemons that start at once one makes them.
pub async fn make(tx: &Tx<'_>, specs: &[&Spec]) -> Result<usize> {
    // Any fixed number does; it must only be the same everywhere.
    tx.query_one(
        "-- views::lock\nSELECT pg_advisory_xact_lock(46553)::text",
        &[],
    )
    .await?;
    let rows = tx
        .query("-- views::made\nSELECT name, sql FROM code_view", &[])
        .await?;
    let made: HashMap<String, String> = rows.iter().map(|r| (r.get(0), r.get(1))).collect();
    let mut count = 0;
    for spec in specs {
        let (name, sql) = (view_name(spec), view_sql(spec));
        if made.get(&name) == Some(&sql) {
            continue;
        }
        tx.batch(&format!("{};\n{sql}", drop_sql(spec))).await?;
        tx.execute(
            "-- views::made_now
             INSERT INTO code_view (name, sql) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET sql = $2",
            &[/* name */ &name, /* sql */ &sql],
        )
        .await?;
        count += 1;
    }
    Ok(count)
}

/// The statement that removes a code's view, if it is there.
pub fn drop_sql(spec: &Spec) -> String {
    format!("DROP VIEW IF EXISTS {}", name(&view_name(spec)))
}

fn base(column: &str, grouped: bool) -> String {
    match column {
        "line" if grouped => "coalesce(g.line, 1) AS line".to_owned(),
        "line" => "1::bigint AS line".to_owned(),
        other => format!("r.{other}"),
    }
}

/// All slots and whether each is part of the group.
fn slots(format: &Format) -> impl Iterator<Item = (&Slot, bool)> {
    format.parts.iter().flat_map(|part| match part {
        Part::Slot(slot) => vec![(slot, false)],
        Part::Group(slots) => slots.iter().map(|s| (s, true)).collect(),
    })
}

/// The column of a field; a date has a second one that says how precise it is.
fn field_columns(field: &Field, list: bool, row: &str) -> Vec<String> {
    let value = format!("{row} -> {}", text(&field.name));
    let column = column_name(field);
    if list {
        // Items are shown as they were kept, whatever their type: an array has no room for doubt.
        let items = format!("jsonb_array_elements_text({}) AS v (item)", array(&value));
        return vec![format!(
            "ARRAY(SELECT v.item FROM {items}) AS {}",
            name(&column)
        )];
    }
    let plain = format!("{row} ->> {}", text(&field.name));
    let guarded = |test: String, value: String| format!("CASE WHEN {test} THEN {value} END");
    let is = |kind: &str| format!("jsonb_typeof({value}) = '{kind}'");
    match field.kind.column() {
        "bigint" => vec![format!(
            "{} AS {}",
            guarded(is("number"), format!("trunc(({plain})::numeric)::bigint")),
            name(&column)
        )],
        "numeric" => vec![format!(
            "{} AS {}",
            guarded(is("number"), format!("({plain})::numeric")),
            name(&column)
        )],
        "date" => {
            let shape = format!("{plain} ~ '^[0-9]{{4}}-[0-9]{{2}}(-[0-9]{{2}})?$'");
            let date = format!("(rpad({plain}, 10, '-01'))::date");
            let precision =
                format!("CASE length({plain}) WHEN 10 THEN 'day' WHEN 7 THEN 'month' END");
            vec![
                format!("{} AS {}", guarded(shape, date), name(&column)),
                format!("{precision} AS {}", name(&format!("{column}_precision"))),
            ]
        }
        _ => vec![format!("{plain} AS {}", name(&column))],
    }
}

/// A place's column holds the code that was typed: the place it means is the base column `place`.
fn column_name(field: &Field) -> String {
    match field.kind {
        Kind::Place => format!("{}_code", field.name),
        _ if BASE.contains(&&*field.name) => format!("field_{}", field.name),
        _ => field.name.to_string(),
    }
}

/// The value if it is an array, else an empty one.
fn array(value: &str) -> String {
    format!("CASE WHEN jsonb_typeof({value}) = 'array' THEN {value} ELSE '[]'::jsonb END")
}

/// A quoted identifier.
fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A quoted string; standard-conforming strings know no other escape.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{CodeSource, Codes, Lexicon, shipped};
    use std::sync::Arc;

    fn codes(toml: &str) -> Codes {
        let file = CodeSource {
            name: "x.toml".into(),
            toml: toml.into(),
            sql: None,
        };
        Codes::load(
            &[file],
            &shipped::files().texts,
            Arc::new(Lexicon::default()),
        )
        .unwrap_or_else(|faults| panic!("{faults:?}"))
    }

    fn code(format: &str, fields: &[(&str, &str)], group: &str) -> String {
        let both = |text: &str| format!("{{ id = \"{text}\", en = \"{text}\" }}");
        let mut toml = format!(
            "code = \"X\"\nname = {0}\nhelp = {0}\npermission = \"can_send_x\"\nreply = {0}\n\
             format = \"{format}\"\n{group}\n",
            both("x"),
        );
        for (name, kind) in fields {
            toml += &format!(
                "[field.{name}]\ntype = \"{kind}\"\nlabel = {}\n",
                both(name)
            );
        }
        toml
    }

    #[test]
    fn plain_fields_become_typed_columns() {
        let codes = codes(&code(
            "X [weight] [case] [born] [id]",
            &[
                ("weight", "decimal"),
                ("case", "case"),
                ("born", "date"),
                ("id", "name"),
            ],
            "",
        ));
        let sql = view_sql(codes.spec("X").unwrap());
        for part in [
            "CREATE OR REPLACE VIEW \"data_x\" AS\nSELECT r.id,\n       r.sender,",
            "1::bigint AS line",
            "THEN (r.fields ->> 'weight')::numeric END AS \"weight\"",
            "THEN trunc((r.fields ->> 'case')::numeric)::bigint END AS \"case\"",
            "THEN (rpad(r.fields ->> 'born', 10, '-01'))::date END AS \"born\"",
            "END AS \"born_precision\"",
            "r.fields ->> 'id' AS \"field_id\"\n  FROM report r\n",
            " WHERE r.code = 'X' AND r.withdrawn_at IS NULL",
        ] {
            assert!(sql.contains(part), "{part}\n{sql}");
        }
        assert!(!sql.contains("LATERAL"));
    }

    #[test]
    fn a_group_has_a_row_for_each_turn() {
        let codes = codes(&code(
            "X [animal,animal...] ([number] [name]...) {place}",
            &[
                ("animal", "animal"),
                ("number", "number"),
                ("name", "name"),
                ("place", "place"),
            ],
            "group = \"turns\"",
        ));
        let sql = view_sql(codes.spec("X").unwrap());
        for part in [
            "coalesce(g.line, 1) AS line,",
            "AS v (item)) AS \"animal\"",
            "g.item ->> 'number'",
            "g.item ->> 'name' AS \"name\"",
            "r.fields ->> 'place' AS \"place_code\"",
            "LEFT JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(r.fields -> 'turns')",
            "WITH ORDINALITY AS g (item, line) ON true",
        ] {
            assert!(sql.contains(part), "{part}\n{sql}");
        }
    }

    #[test]
    fn names_and_texts_cannot_break_out_of_their_quotes() {
        assert_eq!(
            name("a\"; DROP TABLE report; --"),
            "\"a\"\"; DROP TABLE report; --\""
        );
        assert_eq!(
            text("a'; DROP TABLE report; --"),
            "'a''; DROP TABLE report; --'"
        );
    }
}
