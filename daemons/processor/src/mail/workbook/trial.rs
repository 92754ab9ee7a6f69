//! Rows as messages: what the engine answers to each.

use crate::mail::carry_out::Order;
use common::Result;
use common::code::Reader;
use common::db::Tx;
use common::engine::{Answer, Engine, Lapse};
use common::language::Language;
use common::workbook::form::Form;
use common::workbook::grid::Fault;
use common::workbook::rows::Message;
use common::workbook::words::say;

/// What came of one row.
pub struct Tried {
    /// The engine's answer.
    pub answer: Answer,
    /// Why it was not stored, where it was not.
    pub fault: Option<Fault>,
}

/// Lets the engine decide every message, in the caller's transaction. What one of them refuses
/// does not keep the others back.
pub async fn answers(
    engine: &Engine,
    tx: &Tx<'_>,
    order: &Order<'_>,
    (form, messages): (&Form, &[Message]),
) -> Result<Vec<Tried>> {
    let mut tried = Vec::with_capacity(messages.len());
    for (line, message) in (0_i16..).zip(messages) {
        let asked = order.asked(line, &message.text);
        // What the whole workbook tells, its rows do not tell one by one.
        let tells = form.kind.tell.is_none();
        let answer = engine.answer_telling(tx, &asked, tells).await?;
        // What was said just before by a text is stored already.
        let good = matches!(answer.outcome, "stored" | "repeated");
        // Nobody reads a workbook's answers soon enough.
        let fault = if answer.lapses == Some(Lapse::Pin) {
            let language = Language::from_tag(&order.person.language).unwrap_or_default();
            Some(message.refused(form, "owner", &say("gives_pin", language, &[])))
        } else {
            (!good).then(|| message.refused(form, answer.outcome, &answer.text))
        };
        tried.push(Tried { answer, fault });
    }
    Ok(tried)
}

/// Messages that read as what was meant; the others' faults.
pub fn understood(
    engine: &Engine,
    form: &Form,
    messages: Vec<Message>,
    reader: &Reader<'_>,
) -> (Vec<Message>, Vec<Fault>) {
    let codes = engine.codes();
    let mut faults = Vec::new();
    let good = messages.into_iter().filter(|message| {
        let read = message.understood(form, &codes, reader);
        read.map_err(|fault| faults.push(fault)).is_ok()
    });
    let good = good.collect();
    (good, faults)
}
