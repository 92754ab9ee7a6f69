//! Old originals decided with today's code files.

use super::{Answer, Asked, Engine};
use crate::Result;
use crate::code::{Reader, Reading, Spec, Values, names};
use crate::db::Tx;
use crate::db::again::{self, Original};
use crate::db::people::Person;
use crate::language::Language;
use serde_json::Value as Json;

/// What today's code files make of an original.
#[derive(Debug)]
pub enum Again {
    /// The same as then.
    Same,
    /// It was refused then and is stored now, in the caller's transaction.
    Stored(Box<Answer>),
    /// It was refused then and would be stored now, but its sender has sent it right since: these words.
    Corrected(String),
    /// It was refused then, and would give something now that is good for a time only, from when it was sent:
    /// a PIN, a permit. Its sender must send it again; the caller's transaction is not to be kept.
    Lapses,
    /// It was stored then, stays as it is, and would be read otherwise today: the name of a fault, or `ok`
    /// where only its fields differ.
    Otherwise(&'static str),
}

/// What came of messages that may be worth another try: they said something and were refused.
fn was_refused(outcome: &str) -> bool {
    let nothing_wanted = [
        "answered", "repeated", "help", "bare", "nothing", "replaced",
    ];
    outcome != "stored" && !nothing_wanted.contains(&outcome)
}

impl Engine {
    /// Decides an original again, as of the time when it was sent, with what its sender may do today. What
    /// was stored then is only compared, so nothing has its effect twice. A message that takes back
    /// others, or says that they were read, is left alone: what it meant was another one than today's last.
    pub async fn again(&self, tx: &Tx<'_>, o: &Original, sender: &Person) -> Result<Again> {
        let codes = self.codes();
        let may = |permission: &str| sender.may(permission);
        let language = Language::from_tag(&sender.language).unwrap_or_default();
        let reader = Reader {
            language,
            kind: &sender.user_type,
            may: &may,
        };
        let reading = codes.read(&o.text, &reader);
        if o.outcome == "stored" {
            return Ok(compared(o, &reading));
        }
        let Reading::Parsed(spec, _) = &reading else {
            return Ok(Again::Same);
        };
        // What was the last then is not the last now.
        let of_then = matches!(spec.effect.as_deref(), Some("withdraw" | "acknowledge"));
        // Who is in training by now would have it stored where no report looks.
        let left = of_then || self.trains(sender);
        if !was_refused(&o.outcome) || !spec.stores() || left {
            return Ok(Again::Same);
        }
        if let Some(since) = again::corrected(tx, o, &spec.code).await? {
            return Ok(Again::Corrected(since));
        }
        let asked = Asked {
            sender,
            address: &o.address,
            text: &o.text,
            message: o.id,
            line: o.line,
            trace: o.trace,
            sent_at: o.sent_at,
            received_at: o.received_at,
        };
        let answer = self.answer_telling(tx, &asked, false).await?;
        match answer.outcome {
            "stored" if answer.lapses.is_some() => Ok(Again::Lapses),
            "stored" => Ok(Again::Stored(Box::new(answer))),
            _ => Ok(Again::Same),
        }
    }
}

/// What was stored then beside what would be stored today.
fn compared(o: &Original, reading: &Reading) -> Again {
    match (reading, &o.fields) {
        (Reading::Parsed(spec, values), Some(then)) if !same(spec, values, then) => {
            Again::Otherwise("ok")
        }
        (Reading::Parsed(..), _) => Again::Same,
        (other, _) => Again::Otherwise(other.name()),
    }
}

/// Whether the fields are the same, but for those that are kept as what was found under them.
fn same(spec: &Spec, values: &Values, then: &Json) -> bool {
    let mut now = values.to_json();
    let found = spec.fields.iter().filter(|f| names::as_typed(f).is_some());
    for field in found {
        if let (Some(kept), Some(read)) = (then.get(&*field.name), now.get_mut(&*field.name)) {
            *read = kept.clone();
        }
    }
    now == *then
}
