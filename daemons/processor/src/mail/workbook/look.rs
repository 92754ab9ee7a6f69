//! The slow part: everything that can be found out about a workbook before the mail's transaction.

use super::checked::Opening;
use super::returned::Files;
use super::route::{self, Wanted};
use super::{Said, Work};
use crate::config::Config;
use crate::mail::carry_out::Order;
use crate::mail::opened::{self, Opened, Read};
use common::blob::Blobs;
use common::code::{Codes, Reader};
use common::config::Settings;
use common::db::people::{self, Person, PersonState};
use common::db::{Db, workbooks};
use common::engine::Engine;
use common::handler::Incoming;
use common::home::Home;
use common::language::Language;
use common::mail::{self, File, proof};
use common::messages::EmailInput;
use common::workbook::child;
use common::workbook::form::{Form, Mark, NoForm};
use common::workbook::grid::grid;
use common::workbook::kind::{self, Store};
use common::{Failure, Result};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Most commands that are looked for beside a workbook.
const COMMANDS: usize = 20;

/// What looks at workbooks.
pub struct Desk {
    pub(super) engine: Arc<Engine>,
    /// For trials, which are rolled back.
    pub(super) db: Db,
    /// Where files for answers go.
    blobs: Arc<dyn Blobs>,
    /// In which places are looked up.
    pub(super) systems: Vec<String>,
    /// Ours, in mail.
    domain: String,
    /// Of times in mails.
    pub(super) zone: TimeZone,
}

/// One mail being looked at.
pub(super) struct View<'a> {
    pub desk: &'a Desk,
    pub msg: &'a Incoming<EmailInput>,
    pub address: &'a str,
    pub received_at: Timestamp,
    pub person: &'a Person,
    pub codes: Arc<Codes>,
    pub language: Language,
    /// Commands that the mail also has.
    pub commands: usize,
}

impl Desk {
    /// With the engine that decides rows; the time zone of the settings must be known.
    pub fn new(
        engine: Arc<Engine>,
        home: &Home,
        settings: &Settings,
        own: &Config,
    ) -> Result<Self> {
        let zone = TimeZone::get(&own.time_zone)
            .map_err(|e| Failure::quarantine(format!("settings key `processor.time_zone`: {e}")))?;
        Ok(Self {
            engine,
            db: home.db.clone(),
            blobs: home.blobs.clone(),
            systems: settings.engine.place_systems.clone(),
            domain: settings.mail.domain.clone(),
            zone,
        })
    }

    /// What a mail's workbook comes to. Leaves nothing behind but files for its answer.
    pub async fn look(
        &self,
        msg: &Incoming<EmailInput>,
        opened: &Opened,
        (address, received_at): (&str, Timestamp),
    ) -> Result<Work> {
        let Opened::Letter(read) = opened else {
            return Ok(Work::None);
        };
        let harm = msg.verdicts.as_ref().map(opened::verdicts);
        if harm.is_some_and(|verdicts| proof::harm(&verdicts).is_some()) {
            return Ok(Work::None);
        }
        let letter = &read.letter;
        let files = route::workbooks(letter);
        let wanted = route::wanted(msg, &letter.heading, &self.domain);
        if (files.is_empty() && wanted.is_none()) || address.is_empty() {
            return Ok(Work::None);
        }
        let codes = self.engine.codes();
        let commands = mail::commands(letter, &|word| codes.knows(word), COMMANDS);
        let commands = commands.lines.len();
        let bare = wanted.is_none() || files.is_empty();
        if commands > 0 && bare && !files.iter().any(|f| f.kind.is_workbook()) {
            return Ok(Work::None);
        }
        let Some((person, proven)) = self.sender(msg, read, address).await? else {
            return Ok(Work::None);
        };
        if !proven {
            let unread = !files.is_empty() && (wanted.is_some() || commands == 0);
            return Ok(if unread { Work::Unopened } else { Work::None });
        }
        let view = View {
            desk: self,
            msg,
            address,
            received_at,
            language: Language::from_tag(&person.language).unwrap_or_default(),
            person: &person,
            codes,
            commands,
        };
        Box::pin(view.work(letter, &files, wanted)).await
    }

    /// Whose mail it is, and whether that is proven or was confirmed.
    async fn sender(
        &self,
        msg: &EmailInput,
        read: &Read,
        address: &str,
    ) -> Result<Option<(Person, bool)>> {
        let mut conn = self.db.connect().await?;
        let tx = conn.begin().await?;
        let Some(person) = people::by_contact(&tx, "email", address).await? else {
            return Ok(None);
        };
        let proven = match msg.confirmed {
            Some(held) => workbooks::is_confirmed(&tx, held, person.id).await?,
            None => read.proof.address().is_some(),
        };
        Ok(Some((person, proven)))
    }
}

impl View<'_> {
    async fn work(
        &self,
        letter: &mail::Letter,
        files: &[&File],
        wanted: Option<Wanted>,
    ) -> Result<Work> {
        if self.person.state != PersonState::Active {
            return Ok(self.refused("not_active", "", ""));
        }
        match (files, wanted) {
            ([], Some(_))
                if route::others(letter) && !route::asks_for_template(&letter.heading.subject) =>
            {
                Ok(self.refused("not_a_workbook", "", ""))
            }
            ([], Some(wanted)) => self.template(&wanted).await,
            ([], None) => Ok(Work::None),
            ([file], wanted) => self.workbook(file, wanted).await,
            _ => Ok(self.refused("several", "", "")),
        }
    }

    /// Somebody asks for a template.
    async fn template(&self, wanted: &Wanted) -> Result<Work> {
        let may = |permission: &str| self.person.may(permission);
        let reader = self.reader(&may);
        let code = wanted.code.as_deref();
        let form = match Form::new(wanted.kind, code, &self.codes, &reader) {
            Ok(form) => form,
            Err(no) => return Ok(self.no_form(&no)),
        };
        let file = self.files().template(&form, &self.codes, &reader).await?;
        let about = form.kind.about.get(self.language);
        let name = form.spec.as_ref().map_or("", |s| s.name.get(self.language));
        let about = about.replace("{code}", form.code()).replace("{name}", name);
        let values = json!({ "title": form.title(self.language), "about": about });
        let said = Said {
            attachments: vec![file],
            ..said(&form, "template", ("workbook_template", values))
        };
        Ok(Work::Said(Box::new(said)))
    }

    async fn workbook(&self, file: &File, wanted: Option<Wanted>) -> Result<Work> {
        let book = match child::read(&file.content).await? {
            Ok(book) => book,
            // A mail that orders something in words and has some other file with it.
            Err(_) if self.commands > 0 && wanted.is_none() => return Ok(Work::None),
            Err(refusal) => return Ok(self.refused(refusal.key(), &refusal.limit(), "")),
        };
        let mark = Mark::of(&book);
        let by_mark = mark.as_ref().and_then(|m| {
            let (kind, code) = (kind::named(&m.kind)?, m.code.clone());
            Some(Wanted { kind, code })
        });
        let Some(wanted) = by_mark.or(wanted) else {
            if self.commands > 0 {
                return Ok(Work::None);
            }
            let words = kind::all().iter().filter_map(|k| k.words.first());
            let words = words.map(String::as_str).collect::<Vec<_>>().join(", ");
            return Ok(self.refused("which_kind", "", &words));
        };
        let may = |permission: &str| self.person.may(permission);
        let reader = self.reader(&may);
        let form = match Form::new(wanted.kind, wanted.code.as_deref(), &self.codes, &reader) {
            Ok(form) => form,
            Err(no) => return Ok(self.no_form(&no)),
        };
        let outdated = mark.as_ref().is_some_and(|m| m.version != form.version);
        if outdated {
            return self.refused_with_template("outdated", &form, &reader).await;
        }
        let Some(sheet) = Mark::data(mark.as_ref(), &book) else {
            return Ok(self.refused("empty", "", ""));
        };
        let Some(grid) = grid(&form, sheet, self.language) else {
            return self
                .refused_with_template("no_headings", &form, &reader)
                .await;
        };
        let most = form.kind.most_rows;
        if grid.rows.len() > usize::try_from(most).unwrap_or(usize::MAX) {
            return Ok(self.refused("too_many_rows_of_kind", &most.to_string(), ""));
        }
        if grid.rows.is_empty() && grid.faults.is_empty() {
            return Ok(self.refused("empty", "", ""));
        }
        let digest = Sha256::digest(&file.content).to_vec();
        let (mark, book) = (mark.as_ref(), &book);
        let opening = Opening {
            file,
            book,
            sheet,
            mark,
            form,
            digest,
        };
        match self.checked(opening, &grid, &reader).await? {
            Ok(ready) => Ok(Work::Store(Box::new(ready))),
            Err(said) => Ok(Work::Said(said)),
        }
    }

    fn no_form(&self, no: &NoForm) -> Work {
        match no {
            NoForm::WhichCode => {
                let words = kind::all().iter().find(|k| k.store == Store::AnyCode);
                let word = words
                    .and_then(|k| k.words.first())
                    .map_or("", String::as_str);
                self.refused("which_code", "", &format!("{word} U"))
            }
            NoForm::NoCode(code) => self.refused("no_code", "", code),
            NoForm::NotAllowed(what) => self.refused("not_allowed", "", what),
        }
    }

    fn refused(&self, reason: &'static str, limit: &str, value: &str) -> Work {
        Work::Said(Box::new(refused(reason, limit, value)))
    }

    async fn refused_with_template(
        &self,
        reason: &'static str,
        form: &Form,
        reader: &Reader<'_>,
    ) -> Result<Work> {
        let file = self.files().template(form, &self.codes, reader).await?;
        let mut said = refused(reason, "", "");
        said.values["template"] = json!(true);
        said.attachments.push(file);
        (said.kind, said.code) = (form.kind.kind.clone(), form.code().to_owned());
        Ok(Work::Said(Box::new(said)))
    }

    pub(super) fn files(&self) -> Files<'_> {
        let (blobs, mail) = (&*self.desk.blobs, self.msg.envelope.id);
        Files { blobs, mail }
    }

    fn reader<'b>(&'b self, may: &'b (dyn Fn(&str) -> bool + Sync)) -> Reader<'b> {
        let (language, kind) = (self.language, self.person.user_type.as_str());
        Reader {
            language,
            kind,
            may,
        }
    }

    pub(super) fn order(&self) -> Order<'_> {
        Order {
            person: self.person,
            address: self.address,
            id: self.msg.envelope.id,
            trace: self.msg.envelope.trace,
            received_at: self.received_at,
        }
    }
}

fn refused(reason: &'static str, limit: &str, value: &str) -> Said {
    Said {
        kind: String::new(),
        code: String::new(),
        digest: None,
        state: "refused",
        reason: Some(reason),
        faults: 0,
        mail: "workbook_refused",
        values: json!({ "reason": reason, "limit": limit, "value": value }),
        attachments: Vec::new(),
    }
}

pub(super) fn said(
    form: &Form,
    state: &'static str,
    (mail, values): (&'static str, Value),
) -> Said {
    Said {
        kind: form.kind.kind.clone(),
        code: form.code().to_owned(),
        digest: None,
        state,
        reason: None,
        faults: 0,
        mail,
        values,
        attachments: Vec::new(),
    }
}
