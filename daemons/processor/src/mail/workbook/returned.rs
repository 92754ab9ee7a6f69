//! Files that go with an answer: made, and put into the blob store before the transaction.

use common::blob::Blobs;
use common::code::{Codes, Reader};
use common::language::Language;
use common::mail::File;
use common::messages::Attachment;
use common::workbook::form::{Form, Mark};
use common::workbook::fresh::{Fresh, fresh};
use common::workbook::grid::Fault;
use common::workbook::{Book, Format, Marks, Sheet, child, report, template};
use common::{Result, code};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Whose name our comments bear; those of this name go when a workbook is returned again.
const AUTHOR: &str = "Kentongan";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Files for one mail. The same mail looked at again gives the same keys, so nothing piles up.
pub struct Files<'a> {
    pub blobs: &'a dyn Blobs,
    pub mail: Uuid,
}

/// A workbook with faults.
pub struct Faulty<'a> {
    pub file: &'a File,
    pub book: &'a Book,
    pub sheet: &'a Sheet,
    pub mark: Option<&'a Mark>,
    pub faults: &'a [Fault],
}

impl Files<'_> {
    async fn put(&self, what: &str, name: String, bytes: &[u8]) -> Result<Attachment> {
        let blob = format!("workbooks/{}-{what}.xlsx", self.mail.simple());
        self.blobs.put(&blob, bytes).await?;
        let media_type = XLSX.to_owned();
        Ok(Attachment {
            blob,
            name,
            media_type,
        })
    }

    /// The template of a form.
    pub async fn template(
        &self,
        form: &Form,
        codes: &Codes,
        reader: &Reader<'_>,
    ) -> Result<Attachment> {
        let bytes = template::template(form, codes, reader)?;
        self.put("template", template::file_name(form), &bytes)
            .await
    }

    /// The same workbook with its bad cells marked: an xlsx is changed in its place, anything else
    /// comes back as a new xlsx with the same cells.
    pub async fn marked(&self, of: &Faulty<'_>) -> Result<Attachment> {
        let mut changed = None;
        if of.book.format == Format::Xlsx {
            let cells = of.faults.iter().map(|f| (f.row, f.column, f.text.clone()));
            let marks = Marks {
                sheet: of.sheet.name.clone(),
                author: AUTHOR.into(),
                cells: cells.collect(),
            };
            changed = child::mark(&of.file.content, &marks).await?;
        }
        let bytes = match changed {
            Some(bytes) => bytes,
            None => new(of, None)?,
        };
        self.put("marked", file_name(&of.file.name), &bytes).await
    }

    /// Only the rows with faults, under the headings.
    pub async fn bad_rows(
        &self,
        of: &Faulty<'_>,
        head: u32,
        rows: &BTreeSet<u32>,
    ) -> Result<Attachment> {
        let rows: BTreeSet<u32> = rows.iter().copied().chain([head]).collect();
        let bytes = new(of, Some(&rows))?;
        self.put("marked", file_name(&of.file.name), &bytes).await
    }

    /// The report for a client.
    pub async fn report(
        &self,
        form: &Form,
        lines: &[String],
        rows: &[code::Values],
        language: Language,
    ) -> Result<Attachment> {
        let bytes = report::report(form, lines, rows, language)?;
        let name = match language {
            Language::Id => "laporan-klien.xlsx",
            Language::En => "client-report.xlsx",
        };
        self.put("report", name.into(), &bytes).await
    }
}

fn new(of: &Faulty<'_>, rows: Option<&BTreeSet<u32>>) -> Result<Vec<u8>> {
    let (sheet, faults, mark) = (of.sheet, of.faults, of.mark);
    let author = AUTHOR;
    fresh(&Fresh {
        sheet,
        faults,
        mark,
        rows,
        author,
    })
}

/// The sender's own name for it, as xlsx.
fn file_name(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem = if stem.is_empty() { "data" } else { stem };
    format!("{stem}.xlsx")
}
