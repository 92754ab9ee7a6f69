//! Every `[[example]]` of every code file, answered by the engine on a true database: each in a
//! transaction of its own that is rolled back, with case numbers from 1, in both languages.

use common::code::spec::Example;
use common::db::intake::{self, Taken};
use common::db::{Tx, people};
use common::engine::{Asked, Engine};
use common::home::Home;
use common::language::Language;
use jiff::{SignedDuration, Timestamp};
use kentongan_tests::world::{Build, Place, World, people as demo, stage_cases};
use std::sync::Arc;
use uuid::Uuid;

#[tokio::test]
async fn every_example_of_every_code_is_answered_as_it_says() {
    let stage = Stage::new().await;
    let codes = stage.engine.codes();
    let (mut played, mut faults) = (0, Vec::new());
    for spec in codes.specs() {
        for example in &spec.examples {
            for language in [Language::Id, Language::En] {
                played += 1;
                if let Err(fault) = stage.play(example, language).await {
                    let (code, text) = (&spec.code, &example.text);
                    faults.push(format!("{code}, {text:?}, {language:?}: {fault}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(played > 100, "only {played} examples: were they read?");
}

/// Outcomes of what was understood and done; every other one is the name of a fault.
const GOOD: [&str; 2] = ["stored", "answered"];

/// A number that nobody of the demo has.
const STRANGER: &str = "+6281299999999";

struct Stage {
    world: World,
    engine: Arc<Engine>,
}

impl Stage {
    async fn new() -> Self {
        let world = Build::new(Place::OneBox).all_places().make().await;
        let home = Home::open(&world.settings, "tests").await.expect("a home");
        let engine = Engine::load(&home, &world.settings).await;
        Self {
            world,
            engine: engine.expect("the shipped codes"),
        }
    }

    async fn play(&self, example: &Example, language: Language) -> Result<(), String> {
        let mut conn = self.world.db.connect().await.expect("the database answers");
        // Dropped without a commit: what the example did is undone.
        let tx = conn.begin().await.expect("a transaction");
        let begin = format!(
            "UPDATE person SET language = '{}'; ALTER SEQUENCE disease_case_id_seq RESTART; {}",
            language.tag(),
            stage_cases::SQL
        );
        tx.batch(&begin).await.expect("the stage is set");
        let mut at = Timestamp::now();
        let mut pin = String::new();
        for line in &example.after {
            let (from, text) = speaker(line).unwrap_or((&example.from, line));
            let said = self
                .say((&tx, language), from, &text.replace("{pin}", &pin), at)
                .await?;
            if !GOOD.contains(&said.1) {
                return Err(format!("before it, {line:?} was answered: {}", said.0));
            }
            pin = pin_of(&said.0).unwrap_or(pin);
            at += SignedDuration::from_secs(1);
        }
        let text = example.text.replace("{pin}", &pin);
        let (answer, outcome) = self.say((&tx, language), &example.from, &text, at).await?;
        let wanted = example.reply.as_ref().map(|r| r.get(language));
        if let Some(wanted) = wanted.filter(|w| !Example::fits(w, &answer)) {
            return Err(format!("\n  expected {wanted}\n  answered {answer}"));
        }
        match &example.error {
            Some(error) if error != outcome => Err(format!("{outcome}, not {error}: {answer}")),
            None if !GOOD.contains(&outcome) => Err(format!("{outcome}: {answer}")),
            _ => Ok(()),
        }
    }

    /// The answer and the name of what came of it.
    async fn say(
        &self,
        (tx, language): (&Tx<'_>, Language),
        from: &str,
        text: &str,
        at: Timestamp,
    ) -> Result<(String, &'static str), String> {
        let address = self.address(from);
        let sender = people::by_contact(tx, "phone", &address).await;
        let sender = match sender.expect("a query") {
            Some(known) => Arc::new(known),
            None => {
                let stranger = self.engine.stranger(text).expect("strangers may send it");
                let language = language.tag().to_owned();
                Arc::new(people::Person {
                    language,
                    ..Arc::unwrap_or_clone(stranger)
                })
            }
        };
        let message = Uuid::now_v7();
        let asked = Asked {
            sender: &sender,
            address: &address,
            text,
            message,
            line: 0,
            trace: message,
            sent_at: at,
            received_at: at,
        };
        let answer = self.engine.answer(tx, &asked).await;
        let answer = answer.map_err(|e| format!("the engine failed: {e}"))?;
        let taken = Taken {
            id: message,
            line: 0,
            trace: message,
            channel: "console",
            address: &address,
            person: Some(sender.id).filter(|_| !sender.is_stranger()),
            text,
            channel_id: None,
            sent_at: at,
            received_at: at,
            outcome: answer.outcome,
            code: answer.code.as_deref(),
            answer: Some(&answer.text),
            answer_id: None,
            training: answer.training,
        };
        intake::insert(tx, &taken)
            .await
            .expect("the message is kept");
        Ok((answer.text, answer.outcome))
    }

    /// Somebody of this user type, named as code files name it.
    fn address(&self, kind: &str) -> String {
        if kind == "stranger" {
            return STRANGER.to_owned();
        }
        let kind = if kind == "coordinator" { "KKB" } else { kind };
        let codes = self.engine.codes();
        let list = codes.lexicon().list("user_type").expect("the list");
        let meant = list.meant(kind).map(|e| e.code.as_str());
        let number = match meant {
            Some("PLS") => demo::PELSA,
            Some("PMD") => demo::PARAVET,
            Some("VET") => demo::VET,
            Some("KKB") => demo::COORDINATOR,
            Some("LBA") => demo::LAB,
            other => panic!("nobody of the demo is a {kind} ({other:?})"),
        };
        common::phone::canonical(number, "62").expect("a number")
    }
}

/// The PIN that an answer tells: `D` and six digits, or `KDP` and six digits.
fn pin_of(answer: &str) -> Option<String> {
    let words = answer.split(|c: char| !c.is_ascii_alphanumeric());
    let digits = |w: &str| w.len() == 6 && w.bytes().all(|b| b.is_ascii_digit());
    let mut pins = words
        .clone()
        .filter_map(|w| w.strip_prefix('D').filter(|rest| digits(rest)));
    let owners = words.clone().zip(words.skip(1));
    let mut owners = owners.filter(|(kdp, w)| *kdp == "KDP" && digits(w));
    pins.next()
        .or_else(|| owners.next().map(|(_, w)| w))
        .map(str::to_owned)
}

/// Who says a line such as `vet: R 1 TLP COC`, and what.
fn speaker(line: &str) -> Option<(&str, &str)> {
    let (who, what) = line.split_once(": ")?;
    who.chars()
        .all(|c| c.is_ascii_lowercase())
        .then_some((who, what))
}
