//! Who else is told, and how: each person by the first contact that works.

use super::{Done, Turn};
use crate::Result;
use crate::code::Reader;
use crate::db::people::Recipient;
use crate::language::Language;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// One message to somebody who must act.
#[derive(Debug)]
pub struct Alert {
    /// Who.
    pub person: i64,
    /// `email`, or the channel of texts.
    pub channel: String,
    /// The address on it.
    pub address: String,
    /// The receiver's language.
    pub language: Language,
    /// What to say, in that language.
    pub text: String,
    /// The code that caused it.
    pub code: String,
    /// The case it is about.
    pub case_id: Option<i64>,
    /// The receiver is in training.
    pub training: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Circles {
    circle: BTreeMap<String, Vec<String>>,
}

/// Circles of receivers: name and the user types that belong to it. From `replies/circles.toml`.
pub fn circles() -> &'static BTreeMap<String, Vec<String>> {
    static CIRCLES: OnceLock<BTreeMap<String, Vec<String>>> = OnceLock::new();
    CIRCLES.get_or_init(|| {
        // A shipped file; a test reads it.
        let file: Circles = toml::from_str(include_str!("../../replies/circles.toml"))
            .expect("the shipped circles are valid");
        file.circle
    })
}

impl Turn<'_> {
    /// The alerts that this message sets off. Needs a place: an area of responsibility decides.
    pub(super) async fn alerts(&self, done: &Done) -> Result<Vec<Alert>> {
        let Some(place) = &done.place else {
            return Ok(Vec::new());
        };
        let mut alerts: Vec<Alert> = Vec::new();
        for (at, alert) in self.spec.alerts_for(&self.asked.sender.user_type) {
            let types = circles()
                .get(&alert.to)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let told_people = &self.engine.people;
            for to in told_people.covering(self.tx, place.id, types).await?.iter() {
                let told = alerts.iter().any(|a| a.person == to.person.id);
                if !told && to.person.id != self.asked.sender.id {
                    alerts.extend(self.alert(at, to, done));
                }
            }
        }
        Ok(alerts)
    }

    fn alert(&self, at: usize, to: &Recipient, done: &Done) -> Option<Alert> {
        let (contact, channel) = to
            .contacts
            .iter()
            .find_map(|c| Some((c, c.channel.clone()?)))?;
        let language = Language::from_tag(&to.person.language).unwrap_or_default();
        let may = |permission: &str| to.person.may(permission);
        let reader = Reader {
            language,
            kind: &to.person.user_type,
            may: &may,
        };
        let extra = done.extra(language);
        Some(Alert {
            person: to.person.id,
            channel,
            address: contact.address.clone(),
            language,
            text: self
                .codes
                .alert((self.spec, at), self.values, &reader, &extra),
            code: self.spec.code.clone(),
            case_id: done.case_id,
            training: to.person.training,
        })
    }
}
