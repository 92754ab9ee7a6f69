//! The words of our mails: one folder each under `common/mails/`, with `mail.toml` in it. Loading
//! proves that both languages are there and name only declared values; checking renders the
//! examples.

use crate::messages::EmailOutput;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// What is shipped: `(path below common/mails, text)`.
const SHIPPED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/mails.rs"));

/// The language of those whose language we do not have.
const FALLBACK: &str = "id";

/// The value that carries [`EmailOutput::reply_token`].
const TOKEN: &str = "token";

/// A fault of a mail's words, or of the values for them. Never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("mail `{mail}`: {fault}")]
pub struct MailError {
    mail: String,
    fault: String,
}

/// All mails that we can write.
pub struct Mails {
    known: BTreeMap<String, Mail>,
}

/// What a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// For the subject line; still to be cleaned.
    pub subject: String,
    /// The text, with `\n` at line ends.
    pub text: String,
}

/// One mail's words, compiled.
struct Mail {
    file: MailFile,
    engine: Environment<'static>,
}

/// `mail.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MailFile {
    /// Who gets it, and when; for people who read the file.
    #[serde(rename = "about")]
    _about: String,
    /// What the words may name.
    #[serde(default)]
    values: BTreeMap<String, Declared>,
    subject: Both,
    text: Both,
    #[serde(default)]
    example: Vec<Example>,
}

/// A value that the words may name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    #[serde(rename = "about")]
    _about: String,
    /// Used when the message does not bring it; without a default it must.
    default: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    id: String,
    en: String,
}

/// A rendered mail as it must come out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    language: String,
    #[serde(default)]
    values: Map<String, Value>,
    subject: String,
    text: String,
}

impl Mails {
    /// The mails inside this program.
    pub fn shipped() -> Result<Self, MailError> {
        let mut mails = Self {
            known: BTreeMap::new(),
        };
        for (path, text) in SHIPPED {
            if let Some(name) = path.strip_suffix("/mail.toml") {
                mails.add(name, text)?;
            }
        }
        Ok(mails)
    }

    /// Adds the mails of a folder of folders; one of a known name replaces it.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), MailError> {
        let unreadable = |e: std::io::Error| fault(&folder.display().to_string(), e);
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path().join("mail.toml");
            if let (true, Some(name)) = (file.is_file(), file.parent().and_then(Path::file_name)) {
                let text = std::fs::read_to_string(&file).map_err(unreadable)?;
                self.add(&name.to_string_lossy(), &text)?;
            }
        }
        Ok(())
    }

    /// The words of one mail with its values.
    pub fn render(&self, mail: &EmailOutput) -> Result<Rendered, MailError> {
        let known = self.known.get(&mail.template);
        let known = known.ok_or_else(|| fault(&mail.template, "there is no such mail"))?;
        let mut values = mail.values.clone();
        if let Some(token) = &mail.reply_token {
            values.insert(TOKEN.into(), Value::String(token.clone()));
        }
        known
            .render(&mail.language, values)
            .map_err(|e| fault(&mail.template, e))
    }

    /// Renders every example and compares; says the first difference of each.
    pub fn check(&self) -> Vec<MailError> {
        let mut faults = Vec::new();
        for (name, mail) in &self.known {
            let found = mail.check();
            faults.extend(found.into_iter().map(|f| fault(name, f)));
        }
        faults
    }

    fn add(&mut self, name: &str, text: &str) -> Result<(), MailError> {
        let mail = Mail::read(text).map_err(|e| fault(name, e))?;
        self.known.insert(name.to_owned(), mail);
        Ok(())
    }
}

impl Mail {
    fn read(text: &str) -> Result<Self, String> {
        let file: MailFile = toml::from_str(text).map_err(|e| e.to_string())?;
        let mut engine = Environment::new();
        engine.set_syntax(syntax().map_err(|e| e.to_string())?);
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        for (name, words) in file.words() {
            engine
                .add_template_owned(name, words.to_owned())
                .map_err(|e| described(&e))?;
        }
        let mail = Self { file, engine };
        mail.names_only_what_is_declared()?;
        Ok(mail)
    }

    fn names_only_what_is_declared(&self) -> Result<(), String> {
        for (name, template) in self.engine.templates() {
            for value in template.undeclared_variables(false) {
                if !self.file.values.contains_key(&value) && !is_builtin(&self.engine, &value) {
                    return Err(format!(
                        "{name} names `{value}`, which is not declared: add [values.{value}] or mend the word"
                    ));
                }
            }
        }
        Ok(())
    }

    fn render(&self, language: &str, mut values: Map<String, Value>) -> Result<Rendered, String> {
        for (name, declared) in &self.file.values {
            if !values.contains_key(name) {
                let default = declared.default.clone();
                let default = default.ok_or_else(|| format!("value `{name}` is missing"))?;
                values.insert(name.clone(), default);
            }
        }
        let language = if language == "en" { "en" } else { FALLBACK };
        let values = minijinja::Value::from(Serde(&values));
        let words = |of: &str| {
            let template = self.engine.get_template(&format!("{of}.{language}"));
            template
                .and_then(|t| t.render(values.clone()))
                .map_err(|e| described(&e))
        };
        Ok(Rendered {
            subject: words("subject")?.trim().to_owned(),
            text: tidy(&words("text")?),
        })
    }

    fn check(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for language in ["id", "en"] {
            if !self.file.example.iter().any(|e| e.language == language) {
                faults.push(format!("no [[example]] in language `{language}`"));
            }
        }
        for (n, example) in self.file.example.iter().enumerate() {
            let expected = Rendered {
                subject: example.subject.clone(),
                text: tidy(&example.text),
            };
            match self.render(&example.language, example.values.clone()) {
                Ok(got) if got == expected => {}
                Ok(got) => faults.push(format!(
                    "[[example]] {} comes out as\n{}\n\n{}",
                    n + 1,
                    got.subject,
                    got.text
                )),
                Err(e) => faults.push(format!("[[example]] {}: {e}", n + 1)),
            }
        }
        faults
    }
}

impl MailFile {
    fn words(&self) -> [(&'static str, &str); 4] {
        [
            ("subject.id", &self.subject.id),
            ("subject.en", &self.subject.en),
            ("text.id", &self.text.id),
            ("text.en", &self.text.en),
        ]
    }
}

/// `{value}`, `{% if value %}`, `{# remark #}`: as in code files.
fn syntax() -> Result<SyntaxConfig, minijinja::Error> {
    SyntaxConfig::builder()
        .variable_delimiters("{", "}")
        .block_delimiters("{%", "%}")
        .comment_delimiters("{#", "#}")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
}

/// Functions of the template engine such as `range`.
fn is_builtin(engine: &Environment<'_>, name: &str) -> bool {
    engine.globals().any(|(known, _)| known == name)
}

/// Line ends are `\n`, no line ends in spaces, at most one empty line between paragraphs, one line
/// end at the end: what a template's blocks leave behind does not show.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.trim().lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty <= 1 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Where and what, without the values that the engine quotes in its debug output.
fn described(error: &minijinja::Error) -> String {
    let place = match (error.name(), error.line()) {
        (Some(name), Some(line)) => format!("{name}, line {line}: "),
        _ => String::new(),
    };
    let detail = error.detail().map(|d| format!(": {d}")).unwrap_or_default();
    format!("{place}{}{detail}", error.kind())
}

fn fault(mail: &str, fault: impl std::fmt::Display) -> MailError {
    MailError {
        mail: mail.to_owned(),
        fault: fault.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GREETING: &str = r#"
about = "A greeting."
subject = { id = "Halo {name}", en = "Hello {name}" }
text.id = """
Halo {name}.
{% if count %}

{count} surel.
{% endif %}
"""
text.en = "Hello {name}. {# not seen #}"
[values.name]
about = "Whom."
[values.count]
about = "How many."
default = 0
[[example]]
language = "id"
values = { name = "Siti", count = 2 }
subject = "Halo Siti"
text = "Halo Siti.\n\n2 surel."
[[example]]
language = "en"
values = { name = "Siti" }
subject = "Hello Siti"
text = "Hello Siti."
"#;

    fn values(of: Value) -> Map<String, Value> {
        of.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn every_shipped_mail_comes_out_as_its_examples_say() {
        let faults = Mails::shipped().unwrap().check();
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "{}", faults.join("\n---\n"));
    }

    #[test]
    fn the_mails_that_the_daemons_send_are_shipped() {
        let mails = Mails::shipped().unwrap();
        for name in [
            "answer",
            "alert",
            "confirm",
            "confirmed",
            "lapsed",
            "refused",
            "unknown",
            "nothing",
            "permit",
        ] {
            assert!(mails.known.contains_key(name), "{name}");
        }
    }

    #[test]
    fn every_refusal_that_is_answered_says_its_own_reason() {
        use crate::mail::Refusal;
        let mails = Mails::shipped().unwrap();
        let refused = &mails.known["refused"];
        let words = |language: &str, reason: &str| {
            let values = values(json!({"reason": reason}));
            refused.render(language, values).unwrap().text
        };
        let limit = 1;
        let refusals = [
            Refusal::Empty,
            Refusal::TooLarge { found: 2, limit },
            Refusal::HeaderTooLarge { limit },
            Refusal::TooManyParts { limit },
            Refusal::TooDeep { limit },
            Refusal::BoundaryTooLong { limit },
            Refusal::Encrypted,
        ];
        for language in ["id", "en"] {
            let mut said = vec![words(language, "something_new")];
            for refusal in refusals {
                let words = words(language, refusal.key());
                assert!(!said.contains(&words), "{refusal:?} in {language}");
                said.push(words);
            }
        }
    }

    #[test]
    fn values_defaults_and_languages() {
        let mail = Mail::read(GREETING).unwrap();
        assert_eq!(mail.check(), Vec::<String>::new());
        let text = |language, of| mail.render(language, values(of)).map(|r| r.text);
        assert_eq!(
            text("id", json!({"name": "Ni"})).as_deref(),
            Ok("Halo Ni.\n")
        );
        assert_eq!(
            text("fr", json!({"name": "Ni"})).as_deref(),
            Ok("Halo Ni.\n")
        );
        assert_eq!(
            text("en", json!({})),
            Err("value `name` is missing".to_owned())
        );
    }

    #[test]
    fn a_value_is_never_a_template() {
        let mail = Mail::read(GREETING).unwrap();
        let got = mail.render("en", values(json!({"name": "{count}{% for"})));
        assert_eq!(got.unwrap().subject, "Hello {count}{% for");
    }

    #[test]
    fn faults_of_a_file_name_place_and_remedy() {
        for (from, to, fault) in [
            (
                "[values.name]",
                "[values.nom]",
                "names `name`, which is not declared",
            ),
            ("{% endif %}", "", "text.id, line"),
            (
                "en = \"Hello {name}\"",
                "en = \"Hello {name\"",
                "subject.en, line 1",
            ),
            (", en = \"Hello {name}\"", "", "missing field `en`"),
            (
                "about = \"A greeting.\"",
                "abot = \"x\"",
                "unknown field `abot`",
            ),
        ] {
            let text = GREETING.replacen(from, to, 1);
            let got = Mail::read(&text).err().unwrap_or_default();
            assert!(got.contains(fault), "{fault}: {got}");
        }
    }

    #[test]
    fn an_example_that_does_not_hold_is_shown() {
        let text = GREETING.replacen("Halo Siti.\\n", "Hai Siti.\\n", 1);
        let faults = Mail::read(&text).unwrap().check();
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("[[example]] 1 comes out as\nHalo Siti"));
    }

    #[test]
    fn a_folder_adds_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["greeting", "unknown"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("mail.toml"), GREETING).unwrap();
        }
        let mut mails = Mails::shipped().unwrap();
        mails.add_folder(folder.path()).unwrap();
        for name in ["greeting", "unknown"] {
            let mail = &mails.known[name];
            assert_eq!(mail.file.subject.en, "Hello {name}");
        }
        assert!(mails.known.contains_key("answer"));
    }
}
