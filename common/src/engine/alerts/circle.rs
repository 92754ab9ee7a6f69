//! The people of a circle, kept where they follow from the place alone.

use super::Engine;
use crate::Result;
use crate::alerts::Whom;
use crate::code::Codes;
use crate::db::Tx;
use crate::db::alerts::{self as rows, Found, Source};
use std::sync::Arc;
use uuid::Uuid;

/// What a circle's people are found by.
#[derive(Debug, Default)]
pub(super) struct Where {
    /// The place of what happened.
    pub place: Option<i64>,
    /// The case.
    pub case: Option<i64>,
    /// The message that was taken back.
    pub message: Option<Uuid>,
    /// Who registered whom the message confirms.
    pub officer: Option<i64>,
    /// The infrastructure that the message names.
    pub infrastructure: Option<i64>,
}

impl Engine {
    /// The people of a circle; nobody where what they are found by is not known. Loading the code
    /// files made sure that the circle exists.
    pub(super) async fn circle(
        &self,
        (codes, name): (&Codes, &str),
        tx: &Tx<'_>,
        place: &Where,
    ) -> Result<Arc<Found>> {
        let Some(whom) = codes.alerting().circles.get(name) else {
            return Ok(Arc::default());
        };
        let source = match whom {
            Whom::Covering { .. } | Whom::Near { .. } => match place.place {
                Some(place) => return self.people.around(tx, place, whom).await,
                None => None,
            },
            Whom::Staff => place.infrastructure.map(Source::Staff),
            Whom::Reporter => place.case.map(Source::Reporter),
            Whom::Sender { code } => place.case.map(|case| Source::Sender(case, code)),
            Whom::Told => place.case.map(|case| Source::Told(case, place.message)),
            Whom::Officer => place.officer.map(Source::Person),
        };
        match source {
            Some(source) => rows::found(tx, source).await.map(Arc::new),
            None => Ok(Arc::default()),
        }
    }
}
