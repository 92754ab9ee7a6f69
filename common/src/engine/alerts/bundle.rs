//! One text instead of many: what was held for a receiver who had too many alerts at once.

use super::raise::clock;
use super::{Alert, COUNTED, Engine, addressed, silent};
use crate::code::{Codes, Var, sms};
use crate::db::Tx;
use crate::db::alerts::{self as rows, Held};
use crate::db::people::Recipient;
use crate::envelope::derived_id;
use crate::language::Language;
use crate::telemetry::count;
use crate::{Failure, Result};
use jiff::tz::TimeZone;
use serde_json::Value as Json;
use uuid::Uuid;

/// Most cases that a text may list; more never fit.
const MOST_LISTED: usize = 60;

/// The circle's name in logs.
const CIRCLE: &str = "held";

/// One text that tells what was held for somebody.
pub type Bundle = Alert;

/// What came of a look at what is held.
#[derive(Debug)]
pub enum Look {
    /// This is to be sent.
    Tell(Box<Bundle>),
    /// This person cannot be told now; there may be others.
    Next(i64),
    /// Nothing is due, or another processor sees to it.
    Done,
}

/// A receiver who could not be told.
#[derive(Debug)]
pub struct NotBundled {
    /// Who.
    pub person: i64,
    /// Why.
    pub why: Failure,
}

/// Reports of one outbreak: the same thing in the same district.
struct Group {
    what: String,
    district: String,
    area: String,
    cases: Vec<i64>,
}

impl Engine {
    /// The text that tells what is held for one receiver for whom it is due, for the caller to
    /// send; every alert that it tells is marked with its id. One transaction for each.
    /// People in `left` are left alone. When it fails, the receiver is told, so that the next one need not wait; the
    /// caller's transaction is not to be kept then.
    pub async fn bundle_due(
        &self,
        tx: &Tx<'_>,
        zone: &TimeZone,
        left: &[i64],
    ) -> Result<std::result::Result<Look, NotBundled>> {
        if !rows::only_one(tx).await? {
            return Ok(Ok(Look::Done));
        }
        let Some(person) = rows::with_held(tx, left).await? else {
            return Ok(Ok(Look::Done));
        };
        let look = self.bundle(tx, person, zone).await;
        Ok(look.map_err(|why| NotBundled { person, why }))
    }

    /// What is held for one receiver.
    async fn bundle(&self, tx: &Tx<'_>, person: i64, zone: &TimeZone) -> Result<Look> {
        let found = rows::receiver(tx, person).await?;
        let codes = self.codes();
        let held = rows::held(tx, person, &self.settings.place_systems).await?;
        let Some(last) = held.last() else {
            // All of it is being written about just now.
            return Ok(Look::Done);
        };
        let ids: Vec<Uuid> = held.iter().map(|h| h.id).collect();
        let Some(to) = found.reachable.first() else {
            return self
                .not_told((tx, &codes), person, &ids, found.silent.len())
                .await;
        };
        let id = derived_id(&[b"bundle", last.id.as_bytes(), &person.to_be_bytes()]);
        let text = self.bundled(&codes, to, &held, zone);
        let Some(alert) = addressed(to, text, (id, 0, 0)) else {
            return self.not_told((tx, &codes), person, &ids, 1).await;
        };
        rows::bundled(tx, &ids, Some(alert.id)).await?;
        count(COUNTED, "bundle");
        Ok(Look::Tell(Box::new(alert)))
    }

    /// Who has left is not waited for; who has no contact may have one later.
    async fn not_told(
        &self,
        (tx, codes): (&Tx<'_>, &Codes),
        person: i64,
        ids: &[Uuid],
        without: usize,
    ) -> Result<Look> {
        silent(CIRCLE, without, None);
        if without == 0 {
            rows::bundled(tx, ids, None).await?;
        } else {
            let minutes = codes.alerting().bundling.within_min;
            rows::put_off(tx, person, minutes).await?;
        }
        Ok(Look::Next(person))
    }

    /// The words: as many cases as the text may hold, those of the largest outbreak first.
    fn bundled(&self, codes: &Codes, to: &Recipient, held: &[Held], zone: &TimeZone) -> String {
        let language = Language::from_tag(&to.person.language).unwrap_or_default();
        let groups = groups(codes, held, language);
        let all: usize = groups.iter().map(|g| g.cases.len()).sum();
        let signature = sms::size(&self.settings.signature).units;
        let most = codes.alerting().bundling.parts;
        let text = |listed| {
            let words = Words {
                codes,
                language,
                held,
                groups: &groups,
            };
            words.text(listed, all - listed, zone)
        };
        let fits = |text: &String| {
            // The signature stands in front; as many blanks take as much room.
            sms::size(&format!("{:signature$}{text}", "")).parts <= most
        };
        let mut shorter = (0..=all.min(MOST_LISTED)).rev().map(text);
        shorter.find(fits).unwrap_or_else(|| text(0))
    }
}

struct Words<'a> {
    codes: &'a Codes,
    language: Language,
    held: &'a [Held],
    groups: &'a [Group],
}

impl Words<'_> {
    fn text(&self, listed: usize, more: usize, zone: &TimeZone) -> String {
        let standing = || self.held.iter().filter(|h| !h.withdrawn);
        let since = self.held.iter().map(|h| h.at).min();
        let mut gone: Vec<i64> = self
            .held
            .iter()
            .filter(|h| h.withdrawn)
            .map(|h| h.case_id)
            .collect();
        gone.sort_unstable();
        gone.dedup();
        let area = self.groups.first().map_or("", |g| g.area.as_str());
        let values = [
            ("count", Var::from(standing().count())),
            (
                "since",
                since.map_or_else(String::new, |at| clock(at, zone)).into(),
            ),
            ("codes", by_code(standing()).into()),
            ("groups", self.groups(listed).into()),
            ("more", Var::from(more)),
            ("area", Var::from(area)),
            ("withdrawn", numbers(&gone).into()),
        ];
        self.codes.say("alerts/held", self.language, &values)
    }

    fn groups(&self, mut listed: usize) -> String {
        let mut said = Vec::new();
        for group in self.groups {
            let cases = &group.cases[..group.cases.len().min(listed)];
            listed -= cases.len();
            if cases.is_empty() {
                break;
            }
            let values = [
                ("what", Var::from(group.what.as_str())),
                ("district", Var::from(group.district.as_str())),
                ("cases", numbers(cases).into()),
            ];
            said.push(self.codes.say("alerts/group", self.language, &values));
        }
        said.join("; ")
    }
}

/// `U 4, P 3`: the alerts by the codes that set them off.
fn by_code<'a>(held: impl Iterator<Item = &'a Held>) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for alert in held {
        match counts.iter_mut().find(|(code, _)| *code == alert.code) {
            Some((_, n)) => *n += 1,
            None => counts.push((&alert.code, 1)),
        }
    }
    let said: Vec<String> = counts
        .iter()
        .map(|(code, n)| format!("{code} {n}"))
        .collect();
    said.join(", ")
}

fn numbers(cases: &[i64]) -> String {
    let numbers: Vec<String> = cases.iter().map(i64::to_string).collect();
    numbers.join(", ")
}

/// The cases that stand, by outbreak: the largest first, else in the order of their alerts.
fn groups(codes: &Codes, held: &[Held], language: Language) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for alert in held.iter().filter(|h| !h.withdrawn) {
        let what = what(codes, alert, language);
        let same =
            |g: &&mut Group| g.what == what && g.area == alert.area && g.district == alert.district;
        match groups.iter_mut().find(same) {
            Some(group) if group.cases.contains(&alert.case_id) => {}
            Some(group) => group.cases.push(alert.case_id),
            None => groups.push(Group {
                what,
                district: alert.district.clone(),
                area: alert.area.clone(),
                cases: vec![alert.case_id],
            }),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.cases.len()));
    groups
}

/// What was reported, in words: the first field that says it, of a comma list the first value.
fn what(codes: &Codes, held: &Held, language: Language) -> String {
    let (code, fields) = &held.opened;
    let named = codes.alerting().bundling.outbreak.iter().find_map(|field| {
        let value = match fields.get(field)? {
            Json::Array(values) => values.first()?,
            value => value,
        };
        let lists = codes.spec(code)?.field(field)?.kind.lists();
        let entry = lists.iter().find_map(|list| list.find(value.as_str()?))?;
        Some(entry.name.get(language).to_owned())
    });
    named.unwrap_or_default()
}
