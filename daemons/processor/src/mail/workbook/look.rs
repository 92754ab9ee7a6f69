//! The slow part: everything that can be found out about a workbook before the mail's transaction.

use super::returned::{Faulty, Files};
use super::route::{self, Wanted};
use super::{Entries, Ready, Said, Work, people as rows_of_people, trial};
use crate::config::Config;
use crate::mail::carry_out::Order;
use crate::mail::opened::{Opened, Read};
use crate::mail::outgoing;
use common::blob::Blobs;
use common::code::{Codes, Reader};
use common::config::Settings;
use common::db::people::{self, Person, PersonState};
use common::db::{Db, workbooks};
use common::engine::Engine;
use common::handler::Incoming;
use common::home::Home;
use common::language::Language;
use common::mail::{self, File};
use common::messages::{Attachment, EmailInput};
use common::workbook::form::{Form, Mark, NoForm};
use common::workbook::grid::{Fault, Grid, grid};
use common::workbook::kind::{self, Store};
use common::workbook::rows::{self, Message};
use common::workbook::{Book, Sheet, child};
use common::{Failure, Result, code};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most faults that a mail lists; all of them are marked in the workbook.
const LISTED: usize = 20;
/// Most commands that are looked for beside a workbook.
const COMMANDS: usize = 20;

/// What looks at workbooks.
pub struct Desk {
    engine: Arc<Engine>,
    /// For trials, which are rolled back.
    db: Db,
    /// Where files for answers go.
    blobs: Arc<dyn Blobs>,
    /// In which places are looked up.
    systems: Vec<String>,
    /// Of times in mails.
    zone: TimeZone,
}

/// One mail being looked at.
struct View<'a> {
    desk: &'a Desk,
    msg: &'a Incoming<EmailInput>,
    address: &'a str,
    received_at: Timestamp,
    person: &'a Person,
    codes: Arc<Codes>,
    language: Language,
    /// Commands that the mail also has.
    commands: usize,
}

/// A workbook that was opened and whose columns are known.
struct Opening<'a> {
    file: &'a File,
    book: &'a Book,
    sheet: &'a Sheet,
    mark: Option<&'a Mark>,
    form: Form,
    digest: Vec<u8>,
}

/// What ends the look early.
type Early<T> = std::result::Result<T, Box<Said>>;

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
        let letter = &read.letter;
        let files = route::workbooks(letter);
        let wanted = route::wanted(msg, &letter.heading.subject);
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

    /// All cells and all rows, tried in a transaction that is not kept.
    async fn checked(
        &self,
        opening: Opening<'_>,
        grid: &Grid<'_>,
        reader: &Reader<'_>,
    ) -> Result<Early<Ready>> {
        let mut conn = self.desk.db.connect().await?;
        let tx = conn.begin().await?;
        let form = &opening.form;
        let key = (form.kind.kind.as_str(), form.code());
        let before = workbooks::stored_before(&tx, self.person.id, key, &opening.digest).await?;
        if let Some(at) = before {
            return Ok(Err(Box::new(self.again(&opening, at))));
        }
        let mut faults = grid.faults.clone();
        let entries = if form.kind.store == Store::People {
            let (systems, language) = (&self.desk.systems[..], self.language);
            let (mut table, wrong) =
                rows_of_people::table((form, grid), systems, language, &tx).await?;
            faults.extend(wrong);
            let of = (form, grid);
            faults.extend(rows_of_people::load(of, &mut table, systems, language, &tx).await?);
            Entries::People(table)
        } else {
            let (messages, wrong) = rows::messages(form, grid, reader);
            faults.extend(wrong);
            let engine = &self.desk.engine;
            let (messages, wrong) = trial::understood(engine, form, messages, reader);
            faults.extend(wrong);
            let tried = trial::answers(engine, &tx, &self.order(), (form, &messages)).await?;
            let mut tried = tried.into_iter().map(|t| t.fault);
            let good = messages
                .into_iter()
                .filter(|_| match tried.next().flatten() {
                    Some(fault) => {
                        faults.push(fault);
                        false
                    }
                    None => true,
                });
            Entries::Messages(good.collect())
        };
        // Rolled back: what is stored is stored with the mail. Nothing is open while files are made.
        drop(tx);
        drop(conn);
        faults.sort_by_key(|f| (f.row, f.column));
        self.judged(opening, grid, (entries, faults), reader).await
    }

    async fn judged(
        &self,
        opening: Opening<'_>,
        grid: &Grid<'_>,
        (entries, faults): (Entries, Vec<Fault>),
        reader: &Reader<'_>,
    ) -> Result<Early<Ready>> {
        let count = entries.len();
        let partly = opening.form.kind.partly && count > 0 && grid.faults.is_empty();
        if !faults.is_empty() && !partly {
            return Ok(Err(Box::new(self.faulty(&opening, &faults).await?)));
        }
        let mut values = self.values(&opening, &faults);
        values["rows"] = json!(count);
        let mut attachments = Vec::new();
        let state = if faults.is_empty() {
            "stored"
        } else {
            "partly"
        };
        if !faults.is_empty() {
            let bad: BTreeSet<u32> = faults.iter().map(|f| f.row).collect();
            values["bad"] = json!(bad.len());
            let of = opening.faulty(&faults);
            attachments.push(self.files().bad_rows(&of, grid.head, &bad).await?);
        }
        if opening.form.kind.client_report
            && let Entries::Messages(messages) = &entries
        {
            let file = self.report(&opening.form, messages, reader).await?;
            values["report"] = json!(true);
            attachments.push(file);
        }
        let said = Said {
            digest: Some(opening.digest),
            faults: faults.len(),
            attachments,
            ..said(&opening.form, state, ("workbook_stored", values))
        };
        let form = opening.form;
        Ok(Ok(Ready {
            form,
            entries,
            said,
        }))
    }

    /// Nothing is stored, and the workbook goes back.
    async fn faulty(&self, opening: &Opening<'_>, faults: &[Fault]) -> Result<Said> {
        let mut values = self.values(opening, faults);
        values["count"] = json!(faults.len());
        values["sheet"] = json!(opening.sheet.name);
        let file = self.files().marked(&opening.faulty(faults)).await?;
        Ok(Said {
            digest: Some(opening.digest.clone()),
            faults: faults.len(),
            attachments: vec![file],
            ..said(&opening.form, "faulty", ("workbook_faults", values))
        })
    }

    async fn report(
        &self,
        form: &Form,
        messages: &[Message],
        reader: &Reader<'_>,
    ) -> Result<Attachment> {
        let read = messages
            .iter()
            .filter_map(|m| m.understood(form, &self.codes, reader).ok());
        let rows: Vec<code::Values> = read.collect();
        let at = outgoing::time(self.received_at, &self.desk.zone);
        let lines = [self.person.name.clone(), at];
        self.files()
            .report(form, &lines, &rows, self.language)
            .await
    }

    fn again(&self, opening: &Opening<'_>, at: Timestamp) -> Said {
        let title = opening.form.title(self.language);
        let received = outgoing::time(at, &self.desk.zone);
        let values = json!({ "title": title, "received": received });
        let digest = Some(opening.digest.clone());
        Said {
            digest,
            ..said(&opening.form, "again", ("workbook_again", values))
        }
    }

    /// What every mail about a read workbook may say.
    fn values(&self, opening: &Opening<'_>, faults: &[Fault]) -> Value {
        let listed = faults.iter().take(LISTED);
        let listed: Vec<Value> = listed
            .map(|f| json!({ "cell": f.cell(), "text": f.text }))
            .collect();
        let other = |s: &&Sheet| !s.hidden && !s.cells.is_empty() && s.name != opening.sheet.name;
        let unread = opening
            .book
            .sheets
            .iter()
            .filter(other)
            .map(|s| s.name.as_str());
        json!({
            "title": opening.form.title(self.language),
            "faults": listed,
            "more": faults.len().saturating_sub(LISTED),
            "unread": unread.collect::<Vec<_>>().join(", "),
            "ignored": self.commands,
        })
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

    fn files(&self) -> Files<'_> {
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

    fn order(&self) -> Order<'_> {
        Order {
            person: self.person,
            address: self.address,
            id: self.msg.envelope.id,
            trace: self.msg.envelope.trace,
            received_at: self.received_at,
        }
    }
}

impl Entries {
    /// How many rows will be stored.
    pub fn len(&self) -> usize {
        match self {
            Self::Messages(messages) => messages.len(),
            Self::People(table) => table.len(),
        }
    }
}

impl<'a> Opening<'a> {
    fn faulty<'b>(&'b self, faults: &'b [Fault]) -> Faulty<'b> {
        let (file, book, sheet, mark) = (self.file, self.book, self.sheet, self.mark);
        Faulty {
            file,
            book,
            sheet,
            mark,
            faults,
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

fn said(form: &Form, state: &'static str, (mail, values): (&'static str, Value)) -> Said {
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
