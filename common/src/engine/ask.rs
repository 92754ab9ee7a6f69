//! Codes that ask: the `.sql` file beside the code file, with its named values bound.

use super::deed::shown;
use super::{Answer, Found, Turn};
use crate::Result;
use crate::code::kind::Kind;
use crate::code::spec::Query;
use crate::code::{Spec, Value, Var};
use crate::db::{cases, reports};
use tokio_postgres::types::{ToSql, Type};

impl Turn<'_> {
    /// Answers a question with the rows of its query.
    pub(super) async fn ask(&self, query: &Query) -> Result<Answer> {
        let place = match self.place().await? {
            Ok(place) => place,
            Err(refused) => return Ok(refused),
        };
        if let Some(number) = self.values.case()
            && !cases::exists(self.tx, number).await?
        {
            return self.no_case(number).await;
        }
        let found = match self.found().await? {
            Ok(found) => found,
            Err(refused) => return Ok(refused),
        };
        let place_id = place.as_ref().map(|p| p.id);
        let params = query.sql.params.iter();
        let bound: Vec<Box<dyn ToSql + Sync + Send>> = params
            .map(|name| self.bound(name, place_id, &found))
            .collect();
        let params: Vec<&(dyn ToSql + Sync)> =
            bound.iter().map(|b| &**b as &(dyn ToSql + Sync)).collect();
        let rows = reports::ask(self.tx, &query.sql.text, &params).await?;
        let typed = self.typed();
        let place = place.as_ref().map(shown).unwrap_or_default();
        let mut extra = found.said(self.reader.language);
        extra.extend(typed.iter().map(|(name, value)| (&**name, value.clone())));
        extra.push(("place", Var::from(place)));
        let asked = (self.spec, query);
        let text = self
            .codes
            .rows(asked, (self.values, &extra), &self.reader, &rows);
        Ok(self.answered(text, "answered"))
    }

    /// What a query's `:name` stands for, of the type that [`bound_type`] tells.
    fn bound(&self, name: &str, place: Option<i64>, found: &Found) -> Box<dyn ToSql + Sync + Send> {
        match name {
            "place" => Box::new(place),
            "named_place" => Box::new(place.filter(|_| self.values.place().is_some())),
            "case" => Box::new(self.values.case()),
            "sender" => Box::new(self.asked.sender.id),
            "language" => Box::new(self.reader.language.tag()),
            "systems" => Box::new(self.engine.settings.place_systems.clone()),
            field => match self.values.get(field) {
                _ if is_looked_up(self.spec, field) => Box::new(found.id(field)),
                Some(Value::Number(n) | Value::Case(n) | Value::Program(n) | Value::Permit(n)) => {
                    Box::new(Some(*n))
                }
                Some(Value::Code(entry)) => Box::new(Some(entry.code.clone())),
                Some(Value::List(list)) => Box::new(Some(list.key.clone())),
                Some(other) => Box::new(Some(other.shown(self.reader.language))),
                None if bound_type(self.spec, field) == Type::INT8 => Box::new(None::<i64>),
                None => Box::new(None::<String>),
            },
        }
    }
}

/// Whether a field stands for a row's id rather than for what was typed.
fn is_looked_up(spec: &Spec, field: &str) -> bool {
    let kind = spec.field(field).map(|f| &f.kind);
    matches!(
        kind,
        Some(Kind::Owner | Kind::Animal | Kind::Infrastructure)
    )
}

/// The type of what a query's `:name` stands for: ids, cases and whole numbers are bigint, the
/// systems of place codes an array of texts, everything else is text.
pub(super) fn bound_type(spec: &Spec, name: &str) -> Type {
    let number = |field: &str| {
        let kind = spec.field(field).map(|f| &f.kind);
        matches!(
            kind,
            Some(Kind::Case | Kind::Number | Kind::Program | Kind::Permit)
        ) && !spec.format.slots().any(|s| s.field == field && s.list)
    };
    match name {
        "place" | "named_place" | "case" | "sender" => Type::INT8,
        "systems" => Type::TEXT_ARRAY,
        "language" => Type::TEXT,
        field if number(field) || is_looked_up(spec, field) => Type::INT8,
        _ => Type::TEXT,
    }
}
