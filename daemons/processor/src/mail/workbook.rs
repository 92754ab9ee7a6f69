//! Workbooks in mails. The slow part looks: it opens the workbook in a child, checks every cell,
//! tries all rows in a transaction that is rolled back, and makes whatever file the answer brings.
//! The short part stores what was found good, all of it in the mail's own transaction, and tries
//! nothing new: should the rows come out otherwise by then, the mail is looked at again.
//!
//! ```text
//! route     which kind, by address, subject or the workbook's own mark
//! look      open it, find its kind and its columns
//! checked   check all cells, try all rows; what will be said
//! trial     rows as messages, through the engine
//! people    rows as people, through the loader
//! returned  the marked workbook, the template, the client's report
//! keep      what the mail's transaction writes, and whoever is told
//! ```

mod checked;
mod keep;
mod look;
mod people;
mod returned;
mod route;
mod trial;

pub use look::Desk;

use common::messages::Attachment;
use common::workbook::form::Form;
use common::workbook::rows::Message;
use serde_json::Value;

/// What a mail's workbook came to before the transaction.
pub enum Work {
    /// There is none, and none was asked for.
    None,
    /// Nobody vouches for the sender: not opened.
    Unopened,
    /// Nothing is to be stored; this is said.
    Said(Box<Said>),
    /// To be stored.
    Store(Box<Ready>),
}

/// What is said about a workbook.
#[derive(Clone)]
pub struct Said {
    /// Name of its kind; empty when it was not found out.
    pub kind: String,
    /// The code of its rows.
    pub code: String,
    /// SHA-256 of the file.
    pub digest: Option<Vec<u8>>,
    /// What became of it, as `workbook.state` has it.
    pub state: &'static str,
    /// Why, as a short stable name.
    pub reason: Option<&'static str>,
    /// How many faults it has.
    pub faults: usize,
    /// Which mail says it.
    pub mail: &'static str,
    /// With which values.
    pub values: Value,
    /// With which files.
    pub attachments: Vec<Attachment>,
}

/// A workbook, or its good rows, found fit to be stored.
pub struct Ready {
    /// Its columns.
    pub form: Form,
    /// Its rows.
    pub entries: Entries,
    /// What is said when it is stored.
    pub said: Said,
}

/// Rows to be stored.
pub enum Entries {
    /// As messages of a code.
    Messages(Vec<Message>),
    /// As people: what the loader reads.
    People(people::Table),
}
