//! `docs/CODES.md`

use super::by_chapter;
use super::roles::Roles;
use super::words::Words;
use crate::alerts::Whom;
use crate::code::Codes;
use crate::code::spec::{Alert, Example, Field, Spec};
use crate::language::{Both, Language};
use std::sync::Arc;

/// The whole language of the field as one page of Markdown: what `docs/CODES.md` is.
pub fn markdown(codes: &Codes, roles: &Roles) -> String {
    let words = Words::shipped();
    let page = Manual {
        codes,
        roles,
        words,
    };
    let mut text = words.page.head.clone();
    page.contents(&mut text);
    for (chapter, specs) in by_chapter(codes.specs().collect()) {
        text += &format!("\n## {}\n", names(words.chapter(chapter)));
        for spec in specs {
            page.code(&mut text, spec);
        }
    }
    page.replaced(&mut text);
    page.types(&mut text);
    page.groups(&mut text);
    text
}

struct Manual<'a> {
    codes: &'a Codes,
    roles: &'a Roles,
    words: &'a Words,
}

/// English first: the page is English, the Indonesian words are what people meet.
fn names(both: &Both) -> String {
    match both.id == both.en {
        true => both.en.clone(),
        false => format!("{} ({})", both.en, both.id),
    }
}

/// As a cell of a table, in which nothing is markup.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in text.trim().chars() {
        match c {
            '\n' => out.push(' '),
            '|' | '*' | '_' | '<' | '`' | '[' | ']' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// As code in a cell.
fn typed(text: &str) -> String {
    format!("`{}`", text.trim().replace('`', "'").replace('|', "\\|"))
}

impl Manual<'_> {
    fn contents(&self, text: &mut String) {
        *text += &table(&self.words.page.chapters);
        for (chapter, specs) in by_chapter(self.codes.specs().collect()) {
            let link = |s: &&std::sync::Arc<Spec>| {
                let code = &s.code;
                format!("[{code}](#{})", anchor(s))
            };
            let links: Vec<String> = specs.iter().map(link).collect();
            let name = cell(&names(self.words.chapter(chapter)));
            *text += &format!("| {name} | {} |\n", links.join(" "));
        }
    }

    fn code(&self, text: &mut String, spec: &Spec) {
        let said = &self.words.page;
        *text += &format!("\n### {}: {}\n\n", spec.code, names(&spec.name));
        *text += &format!("{}\n\n{}\n\n| | |\n|---|---|\n", spec.help.en, spec.help.id);
        for language in [Language::En, Language::Id] {
            let line = self.format(spec, language);
            let format = &said.format;
            *text += &format!("| {format}, {} | {} |\n", language.tag(), typed(&line));
        }
        let sent_by = &said.sent_by;
        *text += &format!("| {sent_by} | {} |\n", self.holders(&spec.permission));
        let mut row = |name: &str, value: String| {
            if !value.is_empty() {
                *text += &format!("| {name} | {value} |\n");
            }
        };
        row(&said.aliases, spec.aliases.join(" "));
        row(&said.replaces, self.old_names(spec).join(" "));
        let told: Vec<String> = spec.alerts.iter().map(|a| self.alert(a)).collect();
        row(&said.tells, told.join("; "));
        self.fields(text, spec);
        self.examples(text, &spec.examples);
    }

    /// With everything that anybody may give.
    fn format(&self, spec: &Spec, language: Language) -> String {
        spec.format.print(|name| {
            let field = spec.field(name)?;
            Some(field.label.get(language))
        })
    }

    fn holders(&self, permission: &str) -> String {
        if self.roles.everybody(permission) {
            return self.words.page.everybody.clone();
        }
        let types = self.roles.holders(permission).join(" ");
        let groups = self.roles.groups_with(permission).join(" ");
        match (types.as_str(), groups.as_str()) {
            ("", "") => self.words.page.nobody.clone(),
            (_, "") => types,
            _ => format!("{types} ({} {groups})", self.words.page.in_group)
                .trim()
                .to_owned(),
        }
    }

    fn old_names(&self, spec: &Spec) -> Vec<&str> {
        let old = self.codes.replaced();
        let of = old.into_iter().filter(|(_, by)| by.code == spec.code);
        of.map(|(old, _)| old).collect()
    }

    fn alert(&self, alert: &Alert) -> String {
        let whom = self.codes.alerting().circles.get(&alert.to);
        let kinds = whom.and_then(Whom::kinds);
        let who = kinds.map_or_else(String::new, |(types, groups)| {
            [types, groups].concat().join(" ")
        });
        let told = match who.as_str() {
            "" => alert.to.clone(),
            who => format!("{} ({who})", alert.to),
        };
        match alert.when.as_slice() {
            [] => told,
            when => format!("{told} {} {}", self.words.page.when, when.join(" ")),
        }
    }

    fn fields(&self, text: &mut String, spec: &Spec) {
        if spec.fields.is_empty() {
            return;
        }
        *text += &table(&self.words.page.fields);
        for (slot, field) in spec.format.slots().zip(&spec.fields) {
            let rules = self.rules(field, slot.list);
            let label = cell(&names(&field.label));
            *text += &format!("| {label} | {} | {rules} |\n", self.kind(field, slot.list));
        }
    }

    fn kind(&self, field: &Field, list: bool) -> String {
        let lists = field.kind.lists().iter().map(|l| {
            let name = cell(&l.name.en);
            match &l.short {
                Some(short) => format!("`KODE {short}` ({name})"),
                None => name,
            }
        });
        let lists: Vec<String> = lists.collect();
        let said = &self.words.page;
        let many = if list {
            format!(", {}", said.many)
        } else {
            String::new()
        };
        match lists.as_slice() {
            [] => format!("{}{many}", self.words.kind(&field.type_name)),
            lists => format!(
                "{} {}{many}",
                said.code_of,
                lists.join(&format!(" {} ", said.or))
            ),
        }
    }

    fn rules(&self, field: &Field, list: bool) -> String {
        let rules = &field.rules;
        let mut all = Vec::new();
        let said = &self.words.page;
        let unit = if list { &said.values } else { &said.letters };
        all.extend(self.range(rules.min, rules.max, ""));
        let length = |n: Option<usize>| n.map(|n| n as f64);
        all.extend(self.range(length(rules.min_length), length(rules.max_length), unit));
        for only in &field.only {
            let who = match only.starts_with("can_") {
                true => self.holders(only),
                false => only.clone(),
            };
            all.push(format!("{} {who}", said.only));
        }
        all.join("; ")
    }

    fn range(&self, min: Option<f64>, max: Option<f64>, unit: &str) -> Option<String> {
        let said = &self.words.page;
        let text = match (min, max) {
            (Some(_), Some(_)) => &said.between,
            (Some(_), None) => &said.at_least,
            (None, Some(_)) => &said.at_most,
            (None, None) => return None,
        };
        let number = |n: Option<f64>| n.unwrap_or_default().to_string();
        let text = text.replace("{min}", &number(min));
        let text = text.replace("{max}", &number(max)).replace("{unit}", unit);
        Some(text.trim().to_owned())
    }

    fn examples(&self, text: &mut String, examples: &[Example]) {
        let said = &self.words.page;
        *text += &table(&said.examples);
        for example in examples {
            let before = |a: &String| format!("{}, {} ", typed(a), said.then);
            let before: String = example.after.iter().map(before).collect();
            let sent = typed(&example.text);
            let answer = match (&example.reply, &example.error) {
                (Some(reply), _) => format!("{}<br>{}", cell(&reply.en), cell(&reply.id)),
                (None, Some(error)) => format!("{}: `{error}`", said.refused),
                (None, None) => String::new(),
            };
            let from = &said.from;
            *text += &format!("| {before}{sent} {from} {} | {answer} |\n", example.from);
        }
    }

    fn replaced(&self, text: &mut String) {
        let old = self.codes.replaced();
        if old.is_empty() {
            return;
        }
        *text += &format!("\n## {}\n", self.words.page.replaced);
        *text += &table(&self.words.page.old);
        for (old, by) in old {
            *text += &format!("| {old} | [{}](#{}) |\n", by.code, anchor(by));
        }
    }

    fn types(&self, text: &mut String) {
        *text += &format!("\n## {}\n", self.words.page.types);
        *text += &table(&self.words.page.holders);
        let list = self.codes.lexicon().list("user_type");
        for kind in self.roles.types() {
            let entry = list.and_then(|l| l.find(kind));
            let name = entry.map(|e| cell(&names(&e.name))).unwrap_or_default();
            let card = |language: Language| {
                let file = super::card_name(kind, language);
                format!("[{}](cards/{file})", language.tag())
            };
            let cards = Language::ALL.map(card).join(" ");
            *text += &format!("| {kind} | {name} | {cards} |\n");
        }
    }

    fn groups(&self, text: &mut String) {
        if self.roles.groups().is_empty() {
            return;
        }
        *text += &format!("\n## {}\n", self.words.page.groups);
        *text += &table(&self.words.page.members);
        for group in self.roles.groups() {
            let may = |spec: &&Arc<Spec>| group.permissions.contains(&spec.permission);
            let codes: Vec<&str> = self
                .codes
                .specs()
                .filter(may)
                .map(|s| s.code.as_str())
                .collect();
            let name = Both {
                id: group.name_id.clone(),
                en: group.name_en.clone(),
            };
            let name = cell(&names(&name));
            *text += &format!("| {} | {name} | {} |\n", group.code, codes.join(" "));
        }
    }
}

/// As the sites that show Markdown make them from headings.
fn anchor(spec: &Spec) -> String {
    let heading = format!("{}: {}", spec.code, names(&spec.name)).to_lowercase();
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The head of a table: the row of its names, and how many columns that makes.
fn table(names: &str) -> String {
    let columns = names.matches('|').count().saturating_sub(1);
    format!("\n{names}\n|{}\n", "---|".repeat(columns))
}
