//! Owners, animals and breeding: rules with memory, on a true database.

use super::*;
use crate::code::spec::{Chapter, Example};
use crate::db::people::Person;
use crate::language::Language;

const PARAVET: &str = "+6281234567892";
const FARMER: &str = "+6281299990001";

const BUDI: &str = "DP Budi Santoso 72060202 3201011234567890";
const SITI: &str = "DP Siti Aminah 72060202 3201019876543210";
const COW: &str = "DH 7890 ID1 SPBA B 4";

/// Plays every example of the herd codes in one language.
async fn play(language: Language) -> Vec<String> {
    let world = World::new().await;
    world
        .place
        .db
        .run(&format!(
            "UPDATE person SET language = '{}'",
            language.tag()
        ))
        .await;
    let mut faults = Vec::new();
    let codes = world.engine.codes();
    for spec in codes.specs().filter(|s| s.chapter == Some(Chapter::Herds)) {
        for example in &spec.examples {
            if let Err(fault) = one(&world, example, language).await {
                faults.push(format!(
                    "{} {language:?} {}: {fault}",
                    spec.code, example.text
                ));
            }
        }
    }
    faults
}

async fn one(
    world: &World,
    example: &Example,
    language: Language,
) -> std::result::Result<(), String> {
    let mut conn = world.place.db.client().await;
    // Dropped without a commit: what the example did is undone.
    let tx = begin(&mut conn).await;
    let mut at = Timestamp::now() - SignedDuration::from_mins(10);
    let mut pin = String::new();
    let lines = example
        .after
        .iter()
        .map(String::as_str)
        .chain([example.text.as_str()]);
    let last = example.after.len();
    for (n, line) in lines.enumerate() {
        let (from, text) = match line.split_once(": ") {
            Some((who, what)) if who.chars().all(|c| c.is_ascii_lowercase()) => (who, what),
            _ => (example.from.as_str(), line),
        };
        let address = match from {
            "pelsa" => PELSA,
            "paravet" => PARAVET,
            "vet" => VET,
            _ => FARMER,
        };
        let text = text.replace("{pin}", &pin);
        let sender = people::by_contact(&tx, "console", address)
            .await
            .expect("a query");
        let sender = sender.unwrap_or_else(|| Person {
            language: language.tag().to_owned(),
            ..Arc::unwrap_or_clone(world.engine.stranger(&text).expect("open to strangers"))
        });
        let message = Uuid::now_v7();
        let asked = Asked {
            sender: &sender,
            address,
            text: &text,
            message,
            line: 0,
            trace: message,
            sent_at: at,
            received_at: at,
        };
        let answer = world
            .engine
            .answer(&tx, &asked)
            .await
            .map_err(|e| format!("{line}: {e}"))?;
        at += SignedDuration::from_secs(1);
        if let Some((_, rest)) = answer.text.split_once("KDP ") {
            pin = rest.chars().take_while(char::is_ascii_digit).collect();
        }
        let good = matches!(answer.outcome, "stored" | "answered");
        if n < last {
            if !good {
                return Err(format!("before it, {line} was answered {}", answer.text));
            }
            continue;
        }
        let want = example.reply.as_ref().map(|r| r.get(language));
        if let Some(want) = want.filter(|w| !Example::fits(w, &answer.text)) {
            return Err(format!("\n  expected {want}\n  answered {}", answer.text));
        }
        let want = example.error.as_deref();
        if want.map_or(!good, |error| error != answer.outcome) {
            return Err(format!(
                "{} rather than {want:?}: {}",
                answer.outcome, answer.text
            ));
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_examples_of_herds_hold_in_both_languages() {
    let mut faults = play(Language::Id).await;
    faults.extend(play(Language::En).await);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
