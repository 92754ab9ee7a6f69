//! Texts with values in them: compiled once, checked when they are loaded.
//!
//! `{species}` prints a value, `{% if place %}...{% endif %}` chooses, `{# ... #}` is a comment.
//! A name that is not offered is found when the file is loaded, never when somebody waits for an
//! answer: the template's names are compared with the offered ones, and it is rendered twice for
//! trial, once with everything given and once with as little as the format allows.

use super::values::{Value, Values};
use crate::language::{Both, Language};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior};
use std::collections::BTreeMap;

/// A value for a template: `Var::from("text")`, `Var::from(4)`.
pub type Var = minijinja::Value;

/// Texts by name and language.
pub(crate) struct Replies {
    env: Environment<'static>,
    /// The same templates, in which a name without a value is an error.
    strict: Environment<'static>,
}

/// Sample values for the two trial renderings of a template.
#[derive(Clone)]
pub(crate) struct Trial {
    /// The names that it may use.
    pub names: Vec<String>,
    /// Everything given.
    pub full: BTreeMap<String, Var>,
    /// As little as possible.
    pub least: BTreeMap<String, Var>,
}

impl Trial {
    /// The same with one name more.
    pub(crate) fn with(&self, name: &str) -> Self {
        let mut more = self.clone();
        more.names.push(name.to_owned());
        more.full.insert(name.to_owned(), Var::from("x"));
        more.least.insert(name.to_owned(), Var::from(""));
        more
    }

    /// A trial for names that all hold texts.
    pub(crate) fn of(names: &[&str]) -> Self {
        let full: BTreeMap<_, _> = names
            .iter()
            .map(|n| ((*n).to_owned(), Var::from("x")))
            .collect();
        let least = names
            .iter()
            .map(|n| ((*n).to_owned(), Var::from("")))
            .collect();
        Self {
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            full,
            least,
        }
    }
}

impl Replies {
    pub(crate) fn new() -> Self {
        let with = |undefined| {
            let mut env = Environment::new();
            // These delimiters are distinct, which is all that can go wrong.
            if let Ok(syntax) = syntax() {
                env.set_syntax(syntax);
            }
            env.set_undefined_behavior(undefined);
            env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
            env
        };
        Self {
            env: with(UndefinedBehavior::Lenient),
            strict: with(UndefinedBehavior::Strict),
        }
    }

    /// Adds a text in both languages under `name`; returns what is wrong with it.
    pub(crate) fn add(&mut self, name: &str, text: &Both, trial: &Trial) -> Vec<String> {
        let mut faults = Vec::new();
        for language in Language::ALL {
            let source = text.get(language);
            let at = format!("{name}.{}", language.tag());
            if source.trim().is_empty() {
                faults.push(format!("{at} is empty"));
            } else if let Err(fault) = self.add_one(&at, source, trial) {
                faults.push(format!("{at}: {fault}"));
            }
        }
        faults
    }

    fn add_one(&mut self, at: &str, source: &str, trial: &Trial) -> Result<(), String> {
        for env in [&mut self.strict, &mut self.env] {
            env.add_template_owned(at.to_owned(), source.to_owned())
                .map_err(told)?;
        }
        let template = self.strict.get_template(at).map_err(told)?;
        let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        unknown.retain(|name| !trial.names.contains(name));
        unknown.sort_unstable();
        if !unknown.is_empty() {
            let offered = trial.names.join(", ");
            return Err(format!(
                "there is no {}; a text may name {offered}",
                unknown.join(", ")
            ));
        }
        template.render(Var::from(&trial.full)).map_err(told)?;
        let lenient = self.env.get_template(at).map_err(told)?;
        lenient.render(Var::from(&trial.least)).map_err(told)?;
        Ok(())
    }

    /// The text of a name that was added. The trial renderings passed, so this works; should it
    /// not, the answer is empty and the caller's caller says that the message was received.
    pub(crate) fn render(&self, name: &str, language: Language, values: Var) -> String {
        let at = format!("{name}.{}", language.tag());
        let text = self
            .env
            .get_template(&at)
            .and_then(|template| template.render(values));
        text.unwrap_or_else(|error| {
            tracing::error!(template = at, kind = %error.kind(), "A reply could not be made");
            String::new()
        })
    }
}

fn syntax() -> Result<SyntaxConfig, minijinja::Error> {
    SyntaxConfig::builder()
        .variable_delimiters("{", "}")
        .block_delimiters("{%", "%}")
        .comment_delimiters("{#", "#}")
        .build()
}

fn told(error: minijinja::Error) -> String {
    let line = error
        .line()
        .map_or(String::new(), |line| format!("line {line}: "));
    let detail = error
        .detail()
        .map_or(String::new(), |detail| format!(" ({detail})"));
    format!("{line}{}{detail}", error.kind())
}

/// The values of a message as a template reads them, in the language of its reader; `extra` wins
/// over a field of the same name, so that `{place}` is the place's name rather than its code.
pub(crate) fn context(values: &Values, language: Language, extra: &[(&str, Var)]) -> Var {
    let fields = values
        .iter()
        .map(|(name, value)| (name.to_owned(), var(value, language)));
    let extra = extra
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    Var::from_pairs(fields.chain(extra))
}

fn var(value: &Value, language: Language) -> Var {
    match value {
        Value::Case(n) | Value::Program(n) | Value::Permit(n) | Value::Number(n) => Var::from(*n),
        Value::Group(turns) => {
            Var::from_iter(turns.iter().map(|turn| context(turn, language, &[])))
        }
        other => Var::from(other.shown(language)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: &str) -> Both {
        Both::same(text)
    }

    fn render(text: &str, values: &[(&str, Var)]) -> String {
        let names: Vec<&str> = values.iter().map(|(n, _)| *n).collect();
        let mut replies = Replies::new();
        let mut trial = Trial::of(&names);
        trial
            .full
            .extend(values.iter().map(|(n, v)| ((*n).to_owned(), v.clone())));
        assert_eq!(replies.add("t", &both(text), &trial), Vec::<String>::new());
        replies.render(
            "t",
            Language::Id,
            context(&Values::default(), Language::Id, values),
        )
    }

    #[test]
    fn single_braces_print_and_blocks_choose() {
        assert_eq!(
            render(
                "[ID {case}] di {place}.",
                &[("case", 7.into()), ("place", "Sinjai".into())]
            ),
            "[ID 7] di Sinjai."
        );
        let text = "{% if place %}di {place}{% else %}-{% endif %}{# not seen #}";
        assert_eq!(render(text, &[("place", "".into())]), "-");
        assert_eq!(
            render("a < b & \"c\" {place}", &[("place", "<&>".into())]),
            "a < b & \"c\" <&>"
        );
    }

    #[test]
    fn unknown_names_syntax_and_empty_texts_are_found_when_loading() {
        let mut replies = Replies::new();
        for (text, what) in [
            ("{plase}", "there is no plase; a text may name place"),
            ("{% if place %}", "unexpected end"),
            ("{place|nofilter}", "unknown filter"),
            ("{place.x.y}", "undefined value"),
            ("  ", "is empty"),
        ] {
            let faults = replies.add("t", &both(text), &Trial::of(&["place"]));
            assert_eq!(faults.len(), 2, "{text}: {faults:?}");
            assert!(faults[0].contains(what), "{text}: {faults:?}");
        }
    }
}
