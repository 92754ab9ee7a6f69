//! `kentongan template`

use crate::context::Context;
use crate::exit::{Exit, Fault, Result};
use clap::Args;
use common::code::Reader;
use common::engine;
use common::language::Language;
use common::workbook::form::{Form, NoForm};
use common::workbook::{kind, template};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Make the template of a workbook that people fill in and mail
///
/// The columns follow from the code files and the kinds of workbooks as they are now; a template
/// that was made before they changed is refused with the new one attached. No database is needed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan template                               which kinds there are
  kentongan template lab
  kentongan template rows --code U --language en -o u.xlsx
  kentongan template people -o -                   to the standard output")]
pub struct Template {
    /// The kind of workbook; without one all are named
    kind: Option<String>,
    /// The code of its rows, where the kind takes any
    #[arg(long)]
    code: Option<String>,
    /// `id` or `en`
    #[arg(long, default_value = "id", value_parser = language)]
    language: Language,
    /// Where it goes; - is the standard output [default: its own name, here]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn language(text: &str) -> std::result::Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| "id or en".into())
}

impl Template {
    pub async fn run(self, context: &Context) -> Result {
        let Some(name) = &self.kind else {
            return self.list(context);
        };
        let kind = kind::named(name).or_else(|| kind::meant(name).map(|m| m.0));
        let kind = kind.ok_or_else(|| {
            Fault::nothing(format!("there is no kind of workbook `{name}`"))
                .remedy("`kentongan template` names them all")
        })?;
        // The code files and the lists as they ship serve whoever has no installation.
        let settings = context.settings().ok();
        let settings = settings.map(|s| s.engine).unwrap_or_default();
        let codes = engine::compile_offline(&settings).map_err(|faults| {
            Fault::new(faults.join("\n")).remedy("`kentongan check` tells more")
        })?;
        let reader = Reader {
            language: self.language,
            kind: "",
            may: &|_| true,
        };
        let form = Form::new(kind, self.code.as_deref(), &codes, &reader).map_err(no_form)?;
        let bytes = template::template(&form, &codes, &reader)?;
        let file = self.output.clone();
        let file = file.unwrap_or_else(|| template::file_name(&form).into());
        if file.as_os_str() == "-" {
            std::io::stdout().lock().write_all(&bytes)?;
            return Ok(Exit::Done);
        }
        write(&file, &bytes)?;
        let (shown, version) = (file.display().to_string(), &form.version);
        if context.out.json {
            context
                .out
                .document(&json!({ "file": shown, "version": version }))?;
        } else {
            context.out.line(format!("{shown}  version {version}"))?;
        }
        Ok(Exit::Done)
    }

    fn list(&self, context: &Context) -> Result {
        let row = |k: &kind::Kind| {
            let name = k.name.get(self.language).to_owned();
            vec![k.kind.clone(), name, k.words.join(" ")]
        };
        let rows: Vec<Vec<String>> = kind::all().iter().map(row).collect();
        if context.out.json {
            context.out.document(&rows)?;
        } else {
            context.out.table(&["kind", "name", "addresses"], &rows)?;
        }
        Ok(Exit::Done)
    }
}

fn no_form(no: NoForm) -> Fault {
    match no {
        NoForm::WhichCode => Fault::usage("this kind takes the rows of any code; add --code CODE"),
        NoForm::NoCode(code) => Fault::nothing(format!("there is no code `{code}` that stores"))
            .remedy("`kentongan codes list` names them all"),
        // Everything is allowed here.
        NoForm::NotAllowed(what) => Fault::new(format!("{what} is not allowed")),
    }
}

fn write(file: &Path, bytes: &[u8]) -> std::result::Result<(), Fault> {
    std::fs::write(file, bytes).map_err(|e| Fault::new(format!("{}: {e}", file.display())))
}
