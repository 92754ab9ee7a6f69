//! `kentongan codes`

mod manual;

use crate::context::{Context, in_tx};
use crate::exit::{Exit, Fault, Result};
use crate::out::{Look, Out, lines};
use clap::{Args, Subcommand};
use common::code::{Codes as Engine, Reader, Reading, Spec};
use common::config::Settings;
use common::db::people;
use common::engine;
use common::language::Language;
use serde_json::json;

/// The codes that people type: which there are, their formats, what a text would mean
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan codes list
  kentongan codes show U --language en
  kentongan codes try \"U MC,DM SP 5\" --as VET
  kentongan codes try \"U MC,DM SP 5\" --from 081234567890      with what this person may do
  kentongan codes manual > CODES.md
  kentongan codes manual --cards cards --as VET --installed")]
pub struct Codes {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All codes with their formats
    List(Whose),
    /// One code: its format, its fields, its examples
    Show {
        /// The code or an alias
        code: String,
        #[command(flatten)]
        whose: Whose,
    },
    Manual(manual::Manual),
    /// What a text would mean; nothing is stored and nobody is told
    Try {
        #[command(flatten)]
        whose: Whose,
        /// Somebody's number: their user type, language and permissions hold
        #[arg(long, value_name = "NUMBER")]
        from: Option<String>,
        /// The text
        #[arg(required = true, allow_negative_numbers = true)]
        text: Vec<String>,
    },
}

/// Who reads the answer.
#[derive(Debug, Args)]
struct Whose {
    /// The user type that reads it; everything is allowed to it here
    #[arg(long = "as", value_name = "TYPE", default_value = "VET")]
    kind: String,
    /// `id` or `en`
    #[arg(long, default_value = "id", value_parser = language)]
    language: Language,
}

fn language(text: &str) -> std::result::Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| "id or en".into())
}

impl Codes {
    pub async fn run(self, context: &Context) -> Result {
        // The code files and the lists as they ship serve whoever has no installation.
        let settings = context.settings().ok();
        let engine = settings
            .as_ref()
            .map(|s| s.engine.clone())
            .unwrap_or_default();
        let codes = engine::compile_offline(&engine).map_err(|faults| {
            Fault::new(faults.join("\n")).remedy("`kentongan check` tells more")
        })?;
        let out = context.out;
        match self.what {
            What::List(whose) => list(out, &codes, &whose),
            What::Show { code, whose } => match codes.spec(&code) {
                Some(spec) => show(out, spec, &whose),
                None => Err(Fault::nothing(format!("there is no code `{code}`"))
                    .remedy("`kentongan codes list` names them all")),
            },
            What::Manual(manual) => manual.run(context, &codes).await,
            What::Try {
                whose,
                from: None,
                text,
            } => {
                let may = |_: &str| true;
                tried(out, &codes, &text.join(" "), &whose.reader(&may))
            }
            What::Try {
                from: Some(from),
                text,
                ..
            } => {
                let settings = context.settings()?;
                let person = person(context, &settings, &from).await?;
                let may = |permission: &str| person.may(permission);
                let reader = Reader {
                    language: Language::from_tag(&person.language).unwrap_or_default(),
                    kind: &person.user_type,
                    may: &may,
                };
                tried(out, &codes, &text.join(" "), &reader)
            }
        }
    }
}

impl Whose {
    fn reader<'a>(&'a self, may: &'a (dyn Fn(&str) -> bool + Sync)) -> Reader<'a> {
        Reader {
            language: self.language,
            kind: &self.kind,
            may,
        }
    }

    fn format(&self, spec: &Spec) -> String {
        let may = |_: &str| true;
        spec.format_line(&self.reader(&may))
    }
}

async fn person(context: &Context, settings: &Settings, from: &str) -> Result<people::Person> {
    let number = common::phone::canonical(from, &settings.engine.country_code)
        .map_err(|e| Fault::usage(format!("--from {from}: {e}")))?;
    let (_, db) = context.db()?;
    let found = in_tx(&db, async |tx| {
        Ok(people::by_contact(tx, "phone", &number).await?)
    });
    found
        .await?
        .ok_or_else(|| Fault::nothing(format!("nobody is known by {from}")))
}

fn list(out: Out, codes: &Engine, whose: &Whose) -> Result {
    if out.json {
        let told = codes.specs().map(|spec| told(spec, whose));
        out.document(&told.collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let row = |spec: &std::sync::Arc<Spec>| {
        let name = spec.name.get(whose.language).to_owned();
        vec![spec.code.clone(), name, whose.format(spec)]
    };
    let rows: Vec<Vec<String>> = codes.specs().map(row).collect();
    out.table(&["code", "name", "format"], &rows)?;
    Ok(Exit::Done)
}

fn told(spec: &Spec, whose: &Whose) -> serde_json::Value {
    let fields = spec.fields.iter().map(|f| f.name.to_string());
    json!({
        "code": spec.code,
        "aliases": spec.aliases,
        "name": spec.name.get(whose.language),
        "format": whose.format(spec),
        "permission": spec.permission,
        "stores": spec.stores(),
        "fields": fields.collect::<Vec<_>>(),
        "examples": spec.examples.iter().map(|e| &e.text).collect::<Vec<_>>(),
    })
}

fn show(out: Out, spec: &Spec, whose: &Whose) -> Result {
    if out.json {
        out.document(&told(spec, whose))?;
        return Ok(Exit::Done);
    }
    let name = spec.name.get(whose.language);
    out.line(out.look(Look::Bold, format!("{}  {name}", spec.code)))?;
    out.line(format!("format      {}", whose.format(spec)))?;
    out.line(format!("permission  {}", spec.permission))?;
    if !spec.aliases.is_empty() {
        out.line(format!("aliases     {}", spec.aliases.join(" ")))?;
    }
    for example in &spec.examples {
        out.line(format!("example     {}", example.text))?;
    }
    Ok(Exit::Done)
}

fn tried(out: Out, codes: &Engine, text: &str, reader: &Reader<'_>) -> Result {
    let reading = codes.read(text, reader);
    let understood = match &reading {
        Reading::Parsed(spec, values) => Some((spec.code.clone(), values.to_json())),
        _ => None,
    };
    let said = codes.answer(&reading, reader);
    if out.json {
        let (code, fields) = understood.clone().unzip();
        out.document(&json!({
            "outcome": reading.name(), "code": code, "fields": fields, "answer": said,
        }))?;
    } else if let Some((code, fields)) = &understood {
        out.line(out.look(Look::Green, format!("understood as {code}")))?;
        out.line(serde_json::to_string_pretty(fields).map_err(Fault::new)?)?;
    } else {
        let name = reading.name();
        out.line(out.look(Look::Yellow, format!("not understood: {name}")))?;
        out.line(lines(&said.unwrap_or_default()))?;
    }
    match understood {
        Some(_) => Ok(Exit::Done),
        None => Ok(Exit::Failed),
    }
}
