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

#[cfg(test)]
mod tests {
    use crate::code::lexicon::sample;
    use crate::code::{CodeSource, Codes, shipped};

    const SOUND: &str = r#"
code = "X"
name = { id = "x", en = "x" }
help = { id = "x", en = "x" }
permission = "can_send_x"
format = "X [syndrome] {number}"
reply = { id = "x", en = "x" }
[field.syndrome]
type = "list:syndrome"
label = { id = "s", en = "s" }
[field.number]
type = "number"
label = { id = "n", en = "n" }
[[alert]]
to = "responders"
else = ["supervisors"]
if = { syndrome = ["GG"] }
urgent = true
text = { id = "{answer_format}", en = "{answer_format}" }
[[escalation]]
after_min = 30
to = "supervisors"
"#;

    fn faults(toml: &str) -> Vec<String> {
        let (name, toml) = ("x.toml".to_owned(), toml.to_owned());
        let sql = None;
        let file = CodeSource { name, toml, sql };
        let loaded = Codes::load(&[file], &shipped::files().texts, sample::lexicon());
        let faults = loaded.err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_wrong_with_alerts_is_told_with_its_line_and_remedy() {
        assert_eq!(faults(SOUND), Vec::<String>::new());
        for (from, to, told) in [
            (
                "\"responders\"",
                "\"responder\"",
                "x.toml:15: there is no circle \"responder\"; there are",
            ),
            (
                "[\"supervisors\"]",
                "[\"chiefs\"]",
                "x.toml:16: there is no circle \"chiefs\"",
            ),
            (
                "[\"GG\"]",
                "[\"GGG\"]",
                "x.toml:17: if: GGG is not in the list syndrome; correct",
            ),
            (
                "[\"GG\"]",
                "[]",
                "x.toml:17: if: \"syndrome\" names no code; name one",
            ),
            (
                "{ syndrome",
                "{ number",
                "x.toml:17: if: \"number\" is no field of this code that takes",
            ),
            ("{ syndrome", "{ sign", "\"sign\" is no field of this code"),
            (
                "urgent = true",
                "",
                "x.toml:20: an escalation goes on with an alert",
            ),
            (
                "after_min = 30",
                "after_min = 0",
                "x.toml:20: 0 minutes do not come after 0",
            ),
            (
                "to = \"supervisors\"",
                "to = \"laboratory\"",
                "nobody knows the infrastructure",
            ),
            (
                "after_min = 30",
                "after = 30",
                "[[escalation]]: unknown field `after`",
            ),
        ] {
            let toml = SOUND.replacen(from, to, 1);
            assert_ne!(toml, SOUND, "{from}");
            let found = faults(&toml);
            assert!(found.iter().any(|f| f.contains(told)), "{told}: {found:#?}");
        }
    }
}
