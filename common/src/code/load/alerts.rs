//! `[[alert]]` and `[[escalation]]` of a code file: circles, senders and conditions that exist.

use super::Loader;
use super::file::Reading;
use super::section::RawAlert;
use crate::alerts::Whom;
use crate::code::spec::{Alert, Escalation, Field};
use std::sync::Arc;

impl Loader<'_> {
    /// Who is told; `None` for fields that could not be read, which hide what is wrong with
    /// conditions on them.
    pub(super) fn alerts(
        &self,
        reading: &mut Reading,
        raw: &[RawAlert],
        fields: Option<&[Arc<Field>]>,
    ) -> Vec<Alert> {
        let mut all = Vec::new();
        for alert in raw {
            for circle in std::iter::once(&alert.to).chain(&alert.or_else) {
                self.circle(reading, circle);
            }
            let only_if = match fields {
                Some(fields) => conditions(reading, alert, fields),
                None => Vec::new(),
            };
            match self.people(alert.when.clone()) {
                Ok(when) => all.push(Alert {
                    to: alert.to.clone(),
                    when,
                    only_if,
                    or_else: alert.or_else.clone(),
                    urgent: alert.urgent,
                }),
                Err(what) => reading.fault("[[alert]]", what, "correct when"),
            }
        }
        all
    }

    /// What happens while nobody answers: times that grow, circles that a clock can find.
    pub(super) fn escalation(&self, reading: &mut Reading, alerts: &[RawAlert]) -> Vec<Escalation> {
        let steps: Vec<Escalation> = reading.each("escalation");
        let at = "[[escalation]]";
        if !steps.is_empty() && !alerts.iter().any(|alert| alert.urgent) {
            let what = "an escalation goes on with an alert, and there is no urgent one";
            reading.fault(at, what.into(), "add urgent = true to the [[alert]] meant");
        }
        let mut before = 0;
        for step in &steps {
            self.circle(reading, &step.to);
            if matches!(self.circles.get(&step.to), Some(Whom::Staff)) {
                let what = format!(
                    "nobody knows the infrastructure of `{}` any more then",
                    step.to
                );
                reading.fault(at, what, "name a circle that is found by place or case");
            }
            if step.after_min <= before {
                let what = format!("{} minutes do not come after {before}", step.after_min);
                reading.fault(at, what, "write the steps in the order of their times");
            }
            before = step.after_min;
        }
        steps
    }

    fn circle(&self, reading: &mut Reading, name: &str) {
        if self.circles.get(name).is_none() {
            let what = format!(
                "there is no circle {name:?}; there are {}",
                self.circles.names()
            );
            reading.fault(
                &format!("{name:?}"),
                what,
                "correct it, or add it to circles.toml",
            );
        }
    }
}

/// `if = { syndrome = ["GG"] }` as fields and codes in capitals.
fn conditions(
    reading: &mut Reading,
    alert: &RawAlert,
    fields: &[Arc<Field>],
) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for (name, codes) in &alert.only_if {
        let lists = fields
            .iter()
            .find(|f| *f.name == **name)
            .map(|f| f.kind.lists());
        let Some(lists) = lists.filter(|lists| !lists.is_empty()) else {
            let what = format!("if: {name:?} is no field of this code that takes a list's codes");
            reading.fault("if", what, "name a field whose type is list:...");
            continue;
        };
        let known = |code: &String| lists.iter().find_map(|list| list.find(code));
        let mut meant = Vec::new();
        for code in codes {
            match known(code) {
                Some(entry) => meant.push(entry.code.clone()),
                None => {
                    let keys: Vec<&str> = lists.iter().map(|l| l.key.as_str()).collect();
                    let what = format!("if: {code} is not in the list {}", keys.join(" or "));
                    reading.fault(&format!("{code:?}"), what, "correct the code");
                }
            }
        }
        if codes.is_empty() {
            reading.fault(
                "if",
                format!("if: {name:?} names no code"),
                "name one, or remove it",
            );
        }
        all.push((name.clone(), meant));
    }
    all
}
