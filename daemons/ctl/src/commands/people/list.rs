//! Lists of people, and what changed about one of them.

use super::show::one;
use crate::context::{Context, in_tx};
use crate::exit::{Exit, Fault, Result};
use crate::out::{Look, Out, one_line};
use crate::time::clock;
use clap::Args;
use common::people::{self, Listed, ListedFilter, Past, PersonState, Rules};
use serde_json::{Value, json};

/// People, in order of their names
#[derive(Debug, Args)]
pub struct List {
    /// Only this user type, as in PLS
    #[arg(long = "type", value_name = "CODE")]
    user_type: Option<String>,
    /// Only this group, as in RPH: `kentongan people groups` lists them
    #[arg(long, value_name = "CODE")]
    group: Option<String>,
    /// Only who answers for this place, a part of it, or what it is a part of
    #[arg(long, value_name = "CODE")]
    area: Option<String>,
    /// Only these: active, suspended or left
    #[arg(long, value_parser = state)]
    state: Option<PersonState>,
    /// Only the active whom no address reaches
    #[arg(long)]
    without_contact: bool,
    /// At most so many
    #[arg(long, short = 'n', default_value_t = 200)]
    most: i64,
}

fn state(word: &str) -> std::result::Result<PersonState, String> {
    let states = "write active, suspended or left";
    PersonState::parse(&word.to_lowercase())
        .ok_or_else(|| format!("`{word}` is no state; {states}"))
}

impl List {
    pub async fn run(self, context: &Context) -> Result {
        let (settings, db) = context.db()?;
        let engine = &settings.engine;
        let found = in_tx(&db, async |tx| {
            let rules = Rules::of(tx, &engine.place_systems, engine.numbering()).await?;
            let user_type = self
                .user_type
                .as_ref()
                .map(|code| rules.user_type(code))
                .transpose();
            let group = self.group.as_ref().map(|code| rules.group(code));
            let area = match &self.area {
                Some(code) => Some(people::place(tx, &rules, code).await?.map_err(fault)?),
                None => None,
            };
            let filter = ListedFilter {
                user_type: user_type.map_err(fault)?,
                group: group.transpose().map_err(fault)?,
                area,
                state: self.state.map(|s| s.as_str().to_owned()),
                without_contact: self.without_contact,
                most: self.most,
            };
            Ok(people::list(tx, &filter).await?)
        });
        listed(context.out, &found.await?, self.most)
    }
}

/// A change that cannot be made, as a fault of the command.
pub fn fault(fault: people::EditFault) -> Fault {
    Fault::usage(fault.what).remedy(fault.remedy)
}

fn listed(out: Out, found: &[Listed], most: i64) -> Result {
    if out.json {
        out.document(&found)?;
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        return Err(Fault::nothing("there is nobody like that"));
    }
    let row = |p: &Listed| {
        vec![
            p.id.to_string(),
            p.name.clone(),
            p.user_type.clone(),
            p.state.clone(),
            p.home.clone().unwrap_or("-".into()),
            one_line(&p.areas.join(", "), 60),
            p.contact.clone().unwrap_or("none".into()),
        ]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    out.table(
        &["id", "name", "type", "state", "home", "areas", "contact"],
        &rows,
    )?;
    if i64::try_from(found.len()).is_ok_and(|count| count == most) {
        crate::out::note(format!(
            "There may be more: these are the first {most} (-n shows more)."
        ));
    }
    Ok(Exit::Done)
}

/// What changed about somebody, when, by whom and why; the latest first
#[derive(Debug, Args)]
pub struct History {
    /// Who: an id, a number, an address, or a part of the name
    who: String,
    /// At most so many
    #[arg(long, short = 'n', default_value_t = 100)]
    most: i64,
}

impl History {
    pub async fn run(self, context: &Context) -> Result {
        let (settings, db) = context.db()?;
        let found = in_tx(&db, async |tx| {
            let id = one(tx, &settings, &self.who).await?;
            Ok((id, people::history(tx, id, self.most).await?))
        });
        let (id, past) = found.await?;
        let out = context.out;
        if out.json {
            out.document(&json!({ "person": id, "changes": past }))?;
            return Ok(Exit::Done);
        }
        if past.is_empty() {
            return Err(Fault::nothing(format!(
                "nothing is on record about person {id}"
            )));
        }
        past.iter().try_for_each(|p| told(out, p))?;
        Ok(Exit::Done)
    }
}

fn told(out: Out, past: &Past) -> Result<()> {
    let side = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), brief);
    let (old, new) = (side(&past.old), side(&past.new));
    let at = out.look(Look::Dim, clock(past.at));
    let field = out.look(Look::Bold, &past.field);
    out.line(format!("{at}  {field}: {old} > {new}"))?;
    let message = past
        .message
        .map(|id| format!(", by message {id}"))
        .unwrap_or_default();
    let reason = past
        .reason
        .as_ref()
        .map(|r| format!(": {r}"))
        .unwrap_or_default();
    out.line(format!("    {}{message}{reason}", past.who))
}

/// A value as people read it: an address with its place in the order, all else as it is.
fn brief(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Object(contact) if contact.contains_key("address") => {
            let text = |key: &str| contact.get(key).and_then(Value::as_str);
            let channel = text("channel")
                .map(|c| format!(" by {c}"))
                .unwrap_or_default();
            let order = contact
                .get("preference")
                .map_or(String::new(), |n| format!(" ({n}.)"));
            format!("{}{channel}{order}", text("address").unwrap_or_default())
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_as_people_read_them() {
        for (value, told) in [
            (json!(null), "none"),
            (json!("Siti"), "Siti"),
            (
                json!({"kind": "phone", "address": "+6281", "preference": 2}),
                "+6281 (2.)",
            ),
            (
                json!({"kind": "phone", "address": "+6281", "preference": 1, "channel": "sms"}),
                "+6281 by sms (1.)",
            ),
            (json!(7), "7"),
        ] {
            assert_eq!(brief(&value), told);
        }
    }

    #[test]
    fn a_state_is_one_of_three() {
        assert_eq!(state("Active"), Ok(PersonState::Active));
        assert!(
            state("gone")
                .unwrap_err()
                .contains("active, suspended or left")
        );
    }
}
