//! What is on the wire stays readable, and what is written about it stays true.

mod page;

use super::*;
use crate::Verdict;
use crate::envelope::Envelope;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// One example per message and version that may still lie on a queue; none is ever removed while
/// the version before it can be sent by a program that somebody runs.
const EXAMPLES: &[(&str, &str)] = &[
    ("text-input.v1.json", include_str!("text-input.v1.json")),
    ("text-output.v1.json", include_str!("text-output.v1.json")),
    ("email-input.v1.json", include_str!("email-input.v1.json")),
    ("email-output.v1.json", include_str!("email-output.v1.json")),
    ("mail-events.v1.json", include_str!("mail-events.v1.json")),
];

/// Names one choice by its only key, and so is no record.
const CHOICE: &str = "/body/event";

/// Anything may stand here, and all of it means something to a template or a document.
const OPEN: [&str; 2] = ["/body/values", "/body/documents/values"];

fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn example(name: &str) -> &'static str {
    let found = EXAMPLES.iter().find(|(file, _)| *file == name);
    found.unwrap_or_else(|| panic!("no {name}")).1
}

/// Decodes an example as its message and writes it again.
fn round(text: &str) -> crate::Result<Value> {
    fn of<M: Message>(envelope: &Envelope) -> crate::Result<Value> {
        Ok(serde_json::to_value(envelope.message::<M>()?).unwrap())
    }
    let envelope = Envelope::open(text.as_bytes())?;
    match envelope.kind.as_str() {
        TextInput::KIND => of::<TextInput>(&envelope),
        TextOutput::KIND => of::<TextOutput>(&envelope),
        EmailInput::KIND => of::<EmailInput>(&envelope),
        EmailOutput::KIND => of::<EmailOutput>(&envelope),
        MailEvent::KIND => of::<MailEvent>(&envelope),
        other => panic!("{other} is no message of ours"),
    }
}

#[test]
fn q28_every_example_decodes_and_is_whole() {
    for (name, text) in EXAMPLES {
        let value: Value = serde_json::from_str(text).unwrap();
        let (kind, version) = (&value["kind"], &value["version"]);
        assert_eq!(*name, format!("{}.v{version}.json", kind.as_str().unwrap()));
        assert_eq!(round(text).unwrap(), value["body"], "{name}");
    }
}

#[test]
fn q28_every_message_has_an_example_and_every_file_is_one() {
    let files = fs::read_dir(folder("src/messages")).unwrap();
    let names = files.map(|f| f.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = names.filter(|n| n.ends_with(".json")).collect();
    let known: BTreeSet<String> = EXAMPLES.iter().map(|(n, _)| (*n).to_owned()).collect();
    assert_eq!(files, known);
    for (kind, version, _) in schemas() {
        assert!(known.contains(&format!("{kind}.v{version}.json")), "{kind}");
    }
}

#[test]
fn q28_fields_of_a_newer_program_are_passed_over() {
    for (name, text) in EXAMPLES {
        let mut value: Value = serde_json::from_str(text).unwrap();
        let added = add_unknown(&mut value, "");
        assert!(added >= 2, "{name}");
        let told = round(&value.to_string()).unwrap();
        assert_eq!(told, round(text).unwrap(), "{name}");
    }
}

/// Adds a field that nobody knows to every record; how many.
fn add_unknown(value: &mut Value, at: &str) -> usize {
    match value {
        Value::Object(_) if OPEN.contains(&at) => 0,
        Value::Object(fields) => {
            let inner = fields.iter_mut();
            let inner: usize = inner
                .map(|(k, v)| add_unknown(v, &format!("{at}/{k}")))
                .sum();
            if at == CHOICE {
                return inner;
            }
            fields.insert("zz_of_tomorrow".into(), json!({ "x": [1] }));
            inner + 1
        }
        Value::Array(items) => items.iter_mut().map(|v| add_unknown(v, at)).sum(),
        _ => 0,
    }
}

#[test]
fn q28_what_may_be_absent_may_be_absent() {
    for (kind, version, schema) in schemas() {
        let name = format!("{kind}.v{version}.json");
        let mut value: Value = serde_json::from_str(example(&name)).unwrap();
        let required = schema.get("required").and_then(Value::as_array).unwrap();
        let body = value["body"].as_object_mut().unwrap();
        body.retain(|key, _| required.iter().any(|r| r == key));
        value.as_object_mut().unwrap().remove("cause");
        assert!(round(&value.to_string()).is_ok(), "{name}");
        for key in required {
            let mut less = value.clone();
            less["body"]
                .as_object_mut()
                .unwrap()
                .remove(key.as_str().unwrap());
            let failure = round(&less.to_string()).expect_err(&name);
            assert_eq!(failure.verdict, Verdict::Quarantine, "{name} without {key}");
        }
    }
}

/// A message that is at its second version, in which `text` became `words`.
#[derive(Debug, PartialEq, Serialize, serde::Deserialize, JsonSchema)]
struct Second {
    words: String,
}

impl Message for Second {
    const KIND: &'static str = "text-input";
    const VERSION: u32 = 2;

    fn upgrade(from: u32, body: Value) -> Option<Value> {
        (from == 1).then(|| json!({ "words": body["text"] }))
    }
}

#[test]
fn q28_a_reader_takes_the_version_before_its_own_and_no_other() {
    let text = example("text-input.v1.json");
    let at = |version: &str| {
        let text = text.replacen("\"version\": 1", version, 1);
        Envelope::open(text.as_bytes()).unwrap()
    };
    let words = "U MC,DM SP 5".to_owned();
    assert_eq!(at("\"version\": 1").message(), Ok(Second { words }));
    let unknown = at("\"version\": 3").message::<Second>().unwrap_err();
    assert_eq!(unknown.verdict, Verdict::Quarantine);
    assert_eq!(unknown.cause, "text-input v3 is unknown here; this is v2");
    let newer = at("\"version\": 2").message::<TextInput>().unwrap_err();
    assert_eq!(newer.verdict, Verdict::Quarantine);
}

#[test]
fn q26_what_is_no_envelope_is_quarantined_and_not_quoted() {
    for body in [
        "",
        "null",
        "{}",
        "[1]",
        "{\"secret\": \"0812",
        "secret 0812",
    ] {
        let failure = Envelope::open(body.as_bytes()).unwrap_err();
        assert_eq!(failure.verdict, Verdict::Quarantine);
        assert!(failure.cause.starts_with("not an envelope: "), "{failure}");
        assert!(!failure.cause.contains("0812"), "{failure}");
    }
}

#[test]
fn the_generated_pages_are_as_the_code_is() {
    let made = page::made();
    let renew = std::env::var_os("KENTONGAN_RENEW").is_some();
    let schemas = folder("../docs/schemas");
    if renew {
        fs::create_dir_all(&schemas).unwrap();
        for (path, text) in &made {
            fs::write(folder(path), text).unwrap();
        }
    }
    for (path, text) in &made {
        let there = fs::read_to_string(folder(path)).unwrap_or_default();
        let fresh = there == *text;
        assert!(fresh, "{path} is stale; renew it: make docs");
    }
    let made: BTreeSet<PathBuf> = made.iter().map(|(path, _)| folder(path)).collect();
    for file in fs::read_dir(schemas).unwrap() {
        let file = file.unwrap().path();
        assert!(
            made.contains(&file),
            "{} describes nothing; remove it",
            file.display()
        );
    }
}
