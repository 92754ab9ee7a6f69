//! A workbook whose columns are known: all its cells checked, all its rows tried, and what is then
//! to be stored or said.

use super::look::{View, said};
use super::returned::Faulty;
use super::{Entries, Ready, Said, people as rows_of_people, trial};
use crate::mail::outgoing;
use common::code::Reader;
use common::db::workbooks;
use common::mail::File;
use common::messages::Attachment;
use common::people::By;
use common::workbook::form::{Form, Mark};
use common::workbook::grid::{Fault, Grid};
use common::workbook::kind::Store;
use common::workbook::rows::{self, Message};
use common::workbook::{Book, Sheet};
use common::{Result, code};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Most faults that a mail lists; all of them are marked in the workbook.
const LISTED: usize = 20;

/// A workbook that was opened and whose columns are known.
pub struct Opening<'a> {
    pub file: &'a File,
    pub book: &'a Book,
    pub sheet: &'a Sheet,
    pub mark: Option<&'a Mark>,
    pub form: Form,
    pub digest: Vec<u8>,
}

/// What ends the look early.
pub type Early<T> = std::result::Result<T, Box<Said>>;

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

impl Entries {
    /// How many rows will be stored.
    pub fn len(&self) -> usize {
        match self {
            Self::Messages(messages) => messages.len(),
            Self::People(table) => table.len(),
        }
    }
}

impl View<'_> {
    /// All cells and all rows, tried in a transaction that is not kept.
    pub(super) async fn checked(
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
            let (desk, language) = (&self.desk, self.language);
            let by = By::named("a trial");
            let options = rows_of_people::options(&desk.engine, &desk.systems, by);
            let (mut table, wrong) =
                rows_of_people::table((form, grid), self.person, &options, language, &tx).await?;
            faults.extend(wrong);
            let of = (form, grid);
            faults.extend(rows_of_people::load(of, &mut table, &options, language, &tx).await?);
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
}
