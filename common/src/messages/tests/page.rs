//! `docs/MESSAGES.md` and `docs/schemas/`, made from the types.

use super::EXAMPLES;
use crate::envelope::Envelope;
use crate::messages::schemas;
use schemars::{Schema, schema_for};
use serde_json::{Map, Value};

/// What stands above the tables.
const HEAD: &str = "\
# Messages

Made from the types in `common/src/messages/` by `make docs`; a test fails when this page is stale.

Every body on a queue is an envelope: JSON, UTF-8, at most 1 MiB. Readers take a message's version and the one before it,
and pass over fields that they do not know. What is no envelope, or of an unknown kind or version, goes to the dead letters
with its reason. A message may arrive twice, late, and after its successor: its `id` says whether it is the same one.

On AWS two queues also take what is not ours: notices of SES and S3 on `email-input`, events of SES on `mail-events`. The
daemon that reads them makes envelopes of them.

To change a message: a new field is optional (`#[serde(default)]`) and the version stays. Anything else is a new version:
raise `VERSION`, say in `upgrade` how the old one reads, keep the old example and add `<kind>.v<n>.json` beside it.
";

/// Paths, from this crate, and their texts.
pub(super) fn made() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut page = HEAD.to_owned();
    page += "\n## envelope\n\n";
    describe(&mut page, schema_for!(Envelope).as_value());
    files.push(schema_file("envelope.v1", &schema_for!(Envelope)));
    for (kind, version, schema) in schemas() {
        let name = format!("{kind}.v{version}");
        page += &format!("\n## {kind}, version {version}\n\n");
        describe(&mut page, schema.as_value());
        let example = EXAMPLES
            .iter()
            .find(|(file, _)| *file == format!("{name}.json"));
        let (_, example) = example.unwrap_or_else(|| panic!("no example of {name}"));
        page += &format!("\nSchema: [schemas/{name}.json](schemas/{name}.json). On the wire:\n");
        page += &format!("\n```json\n{example}```\n");
        files.push(schema_file(&name, &schema));
    }
    files.push(("../docs/MESSAGES.md".into(), page));
    files
}

fn schema_file(name: &str, schema: &Schema) -> (String, String) {
    let text = serde_json::to_string_pretty(schema).expect("a schema is JSON");
    (format!("../docs/schemas/{name}.json"), text + "\n")
}

/// A type's words and its fields, then the types that it uses.
fn describe(page: &mut String, schema: &Value) {
    *page += &format!("{}\n\n", words(schema));
    fields(page, schema);
    let none = Map::new();
    let uses = schema["$defs"].as_object().unwrap_or(&none);
    for (name, used) in uses {
        *page += &format!("\n### {name}\n\n{}\n\n", words(used));
        match used.get("properties") {
            Some(_) => fields(page, used),
            None => choices(page, used),
        }
    }
}

fn fields(page: &mut String, schema: &Value) {
    *page += "| field | type | | what |\n|---|---|---|---|\n";
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let needed = required.iter().any(|r| r == name);
        let needed = if needed { "" } else { "optional" };
        *page += &format!(
            "| `{name}` | {} | {needed} | {} |\n",
            kind(field),
            words(field)
        );
    }
}

fn choices(page: &mut String, schema: &Value) {
    *page += "| value | what |\n|---|---|\n";
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        let names = match (choice.get("const"), &choice["properties"]) {
            (Some(name), _) => vec![(name.clone(), words(choice))],
            (None, Value::Object(one)) => {
                let (name, inner) = one.iter().next().expect("a choice with a name");
                let inner = inner["properties"].as_object().into_iter().flatten();
                let inner: Vec<_> = inner
                    .map(|(n, f)| format!("`{n}` ({}): {}", kind(f), words(f)))
                    .collect();
                let what = format!("{} With {}", words(choice), inner.join(", "));
                vec![(name.clone().into(), what)]
            }
            _ => Vec::new(),
        };
        for (name, what) in names {
            *page += &format!("| `{}` | {what} |\n", name.as_str().unwrap_or_default());
        }
    }
}

fn words(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    // Links to other items say something to rustdoc only.
    text.replace('\n', " ")
        .replace("[`", "`")
        .replace("`]", "`")
}

/// A field's type in a word or two.
fn kind(field: &Value) -> String {
    if let Some(name) = field["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(any) = field["anyOf"].as_array() {
        let some = any.iter().find(|a| a["type"] != "null");
        return some.map(kind).unwrap_or_default();
    }
    let name = match &field["type"] {
        Value::String(name) => name.as_str(),
        Value::Array(names) => {
            let mut names = names.iter().filter_map(Value::as_str);
            names.find(|n| *n != "null").unwrap_or_default()
        }
        _ => "anything",
    };
    match (name, field["format"].as_str()) {
        ("array", _) => format!("list of {}", kind(&field["items"])),
        ("string", Some(format)) => format.to_owned(),
        ("integer", _) => "whole number".into(),
        (name, _) => name.to_owned(),
    }
}
